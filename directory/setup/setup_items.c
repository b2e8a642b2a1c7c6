/* The list of what a directory lacks, and the changes that mend it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "mem.h"
#include "own.h"
#include "setup_priv.h"
#include "text.h"

void
setup_item_free(struct setup_item *item)
{
	free(item->name);
	free(item->cure);
	ldif_free(&item->todo);
	*item = (struct setup_item){0};
}

void
setup_add(struct setup *s, struct setup_item *item)
{
	s->list = mem_grow(s->list, s->count, sizeof *s->list);
	s->list[s->count++] = *item;
	*item = (struct setup_item){0};
}

void
setup_todo_add(struct dir_entry *e, struct ldif *out)
{
	out->list = mem_zero(1, sizeof *out->list);
	out->count = 1;
	out->list[0].kind = LDIF_ADD;
	out->list[0].entry = *e;
	*e = (struct dir_entry){0};
}

bool
setup_todo_modify(const char *dn, struct dir_entry *more, struct ldif *out, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {0};
	struct ldif_record *r;

	if (!dir_entry_init(&e, dn, err))
		return false;
	setup_todo_add(&e, out);
	r = &out->list[0];
	r->kind = LDIF_MODIFY;
	r->mods = mem_zero(more->count, sizeof *r->mods);
	r->mod_count = more->count;
	for (size_t i = 0; i < more->count; i++)
		r->mods[i] = (struct ldif_mod){LDIF_OP_ADD, more->attrs[i]};
	more->count = 0; /* given away */
	return true;
}

bool
setup_read_ldif(const char *ldif_dir, const char *name, struct ldif *out, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("%s/%s", ldif_dir, name);
	OWNED(buf_free) struct buf text = {0};

	return file_read(path, LDIF_FILE_MAX, &text, err) &&
	       (ldif_parse(buf_view(&text), out, err) || err_prefix(err, "%s", path));
}

bool
setup_root_text(struct dir_conn *c, const char *name, char **out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = "",
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){name, NULL}},
		&found, err))
		return false;
	if (found.count != 1)
		return err_set(
		    err, DIRCA_E_DIRECTORY, "%s does not show its rootDSE", dir_conn_uri(c));
	return dir_entry_text(&found.list[0], name, out, err) != DIR_GET_FAILED;
}

/* RFC 4512 4.1: names are quoted, whether there is one or a list. */
bool
setup_defines(const struct dir_entry *subschema, const char *attr, const char *name)
{
	const struct dir_attr *a = dir_entry_attr(subschema, attr);
	size_t len = strlen(name);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		const char *at = (const char *)a->values[i].ptr, *end = at + a->values[i].len;

		for (; (size_t)(end - at) >= len + 2 && (at = memchr(at, '\'', (size_t)(end - at)));
		     at++)
			if ((size_t)(end - at) >= len + 2 && at[len + 1] == '\'' &&
			    strncasecmp(at + 1, name, len) == 0)
				return true;
	}
	return false;
}

bool
setup_subschema(struct dir_conn *c, struct dir_entry *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *dn = NULL;

	*out = (struct dir_entry){0};
	if (!setup_root_text(c, "subschemaSubentry", &dn, err) ||
	    !dir_search(c,
		&(struct dir_query){.base = dn != NULL ? dn : "cn=Subschema",
		    .filter = "(objectClass=subschema)",
		    .attrs = (const char *const[]){"attributeTypes", "objectClasses", NULL}},
		&found, err))
		return false;
	if (found.count != 1)
		return err_set(err, DIRCA_E_DIRECTORY,
		    "%s does not show its schema to this account: give it the right to read "
		    "cn=Subschema",
		    dir_conn_uri(c));
	*out = found.list[0];
	found.list[0] = (struct dir_entry){0};
	return true;
}
