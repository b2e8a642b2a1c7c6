/* The list of what a directory lacks, and the changes that mend it. */
#include <stdlib.h>
#include <string.h>

#include "file.h"
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

bool
setup_add(struct setup *s, struct setup_item *item, struct err *err)
{
	struct setup_item *grown = reallocarray(s->list, s->count + 1, sizeof *grown);

	if (grown != NULL)
		s->list = grown;
	if (grown == NULL || item->name == NULL) {
		setup_item_free(item);
		return err_nomem(err);
	}
	s->list[s->count++] = *item;
	*item = (struct setup_item){0};
	return true;
}

bool
setup_todo_add(struct dir_entry *e, struct ldif *out, struct err *err)
{
	if ((out->list = calloc(1, sizeof *out->list)) == NULL) {
		dir_entry_free(e);
		return err_nomem(err);
	}
	out->count = 1;
	out->list[0].kind = LDIF_ADD;
	out->list[0].entry = *e;
	*e = (struct dir_entry){0};
	return true;
}

bool
setup_todo_modify(const char *dn, struct dir_entry *more, struct ldif *out, struct err *err)
{
	struct ldif_mod *mods = calloc(more->count, sizeof *mods);
	struct dir_entry e = {0};

	if (mods == NULL)
		return err_nomem(err);
	if (!dir_entry_init(&e, dn, err) || !setup_todo_add(&e, out, err)) {
		free(mods);
		return false;
	}
	for (size_t i = 0; i < more->count; i++)
		mods[i] = (struct ldif_mod){LDIF_OP_ADD, more->attrs[i]};
	out->list[0].kind = LDIF_MODIFY;
	out->list[0].mods = mods;
	out->list[0].mod_count = more->count;
	more->count = 0; /* given away */
	return true;
}

bool
setup_read_ldif(const char *ldif_dir, const char *name, struct ldif *out, struct err *err)
{
	char *path = text_printf("%s/%s", ldif_dir, name);
	struct buf text = {0};
	bool ok = path == NULL
		      ? err_nomem(err)
		      : file_read(path, LDIF_FILE_MAX, &text, err) &&
			    (ldif_parse(buf_view(&text), out, err) || err_prefix(err, "%s", path));

	buf_free(&text);
	free(path);
	return ok;
}

bool
setup_root_text(struct dir_conn *c, const char *name, char **out, struct err *err)
{
	struct dir_entries found;
	bool ok;

	*out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = "",
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){name, NULL}},
		&found, err))
		return false;
	ok = found.count == 1 && dir_entry_text(&found.list[0], name, out, err) != DIR_GET_FAILED;
	if (found.count != 1)
		err_set(err, DIRCA_E_DIRECTORY, "%s does not show its rootDSE", dir_conn_uri(c));
	dir_entries_free(&found);
	return ok;
}
