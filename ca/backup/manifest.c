/* The list of a copy as JSON. What reads it trusts its signer, and still takes no path out of the
 * folder. */
#include "backup_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "text.h"

#define FORMAT    1
#define ITEMS_MAX 4096

OWN_POINTER(own_json, json_t, json_decref)

/* Index is the value of the enumeration. */
static const char *const owner_names[] = {"root", "front", "vault"};

static bool
owner_by_name(const char *name, enum backup_owner *out)
{
	for (size_t i = 0; i < COUNT_OF(owner_names); i++)
		if (strcmp(owner_names[i], name) == 0) {
			*out = (enum backup_owner)i;
			return true;
		}
	return false;
}

static json_t *
encode_item(const struct backup_item *i)
{
	OWNED(own_memory) char *hash = hex_encode(view_of(i->sha256, sizeof i->sha256), '\0');

	return json_pack("{s:s, s:s, s:s, s:i, s:b, s:I, s:s}", "path", i->path, "user",
	    owner_names[i->user], "group", owner_names[i->group], "mode", (int)i->mode, "sealed",
	    (int)i->sealed, "size", (json_int_t)i->size, "sha256", hash);
}

bool
manifest_encode(const struct backup *b, struct buf *out, struct err *err)
{
	json_t *list = json_array();
	OWNED(own_memory) char *text = NULL;
	OWNED(own_json) json_t *root = NULL;
	char made[21];

	*out = (struct buf){0};
	clock_format(b->made, made);
	for (size_t i = 0; i < b->count; i++)
		json_array_append_new(list, encode_item(&b->items[i]));
	root = json_pack("{s:i, s:s, s:s, s:s, s:o}", "dirca_backup", FORMAT, "ca", b->ca_name,
	    "made", made, "version", b->version, "files", list);
	if (root == NULL || (text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS)) == NULL)
		return err_set(err, DIRCA_E_INTERNAL, "the list of the copy could not be written");
	return buf_append(out, view_str(text), err);
}

static bool
bad_manifest(const char *what, struct err *err)
{
	return err_set(err, DIRCA_E_BACKUP, BACKUP_MANIFEST ": %s", what);
}

/* Relative, of plain parts: nothing that leaves the folder. */
static bool
is_inside(const char *path)
{
	const char *part = path;

	if (*path == '\0' || strlen(path) > 255 || !text_is_visible_ascii(path))
		return false;
	while (*part != '\0') {
		size_t len = strcspn(part, "/");

		if (len == 0 || part[0] == '.')
			return false;
		part += len;
		if (*part == '/')
			part++;
	}
	return true;
}

static bool
decode_item(json_t *value, struct backup_item *out, struct err *err)
{
	const char *path, *user, *group, *hash;
	OWNED(buf_free) struct buf sha256 = {0};
	json_int_t size;
	int mode, sealed;

	if (json_unpack(value, "{s:s, s:s, s:s, s:i, s:b, s:I, s:s!}", "path", &path, "user", &user,
		"group", &group, "mode", &mode, "sealed", &sealed, "size", &size, "sha256",
		&hash) != 0)
		return bad_manifest("an entry is not as it should be", err);
	if (!is_inside(path) || size < 0 || mode < 0 || mode > 01777 ||
	    !owner_by_name(user, &out->user) || !owner_by_name(group, &out->group) ||
	    !hex_decode(hash, &sha256, err) || sha256.len != sizeof out->sha256)
		return bad_manifest("an entry has a value that none can have", err);
	memcpy(out->sha256, sha256.ptr, sizeof out->sha256);
	out->path = mem_text(path);
	out->mode = (unsigned)mode;
	out->sealed = sealed != 0;
	out->size = size;
	return true;
}

static bool
decode_items(json_t *files, struct backup *out, struct err *err)
{
	json_t *value;
	size_t i;

	if (!json_is_array(files) || json_array_size(files) > ITEMS_MAX)
		return bad_manifest("no list of files, or too long a one", err);
	json_array_foreach(files, i, value)
	{
		struct backup_item item = {0};

		if (!decode_item(value, &item, err))
			return false;
		if (backup_find(out, item.path) != NULL) {
			free(item.path);
			return bad_manifest("a file is listed twice", err);
		}
		*backup_add(out) = item;
	}
	return true;
}

bool
manifest_decode(struct view text, struct backup *out, struct err *err)
{
	OWNED(own_json)
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
	const char *name, *made, *version;
	json_t *files;
	int format;

	*out = (struct backup){0};
	if (root == NULL ||
	    json_unpack(root, "{s:i, s:s, s:s, s:s, s:o!}", "dirca_backup", &format, "ca", &name,
		"made", &made, "version", &version, "files", &files) != 0)
		return bad_manifest("it is no list of a copy", err);
	if (format != FORMAT)
		return bad_manifest("it is of a newer dirca", err);
	if (!clock_parse(made, &out->made))
		return bad_manifest("it has no time", err);
	out->ca_name = mem_text(name);
	out->version = mem_text(version);
	if (decode_items(files, out, err))
		return true;
	backup_free(out);
	return false;
}
