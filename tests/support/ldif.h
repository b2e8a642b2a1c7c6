/*
 * LDIF files of entries for tests, read by the product's own reader. Static, so that any test may
 * include it; it needs the directory room.
 */
#ifndef SUPPORT_LDIF_H
#define SUPPORT_LDIF_H

#include <stdlib.h>

#include "dir_ldif.h"
#include "file.h"

/* The entries of a text of content records. */
static inline bool
ldif_entries(struct view text, struct dir_entries *out, struct err *err)
{
	struct ldif all;

	*out = (struct dir_entries){0};
	if (!ldif_parse(text, &all, err))
		return false;
	if ((out->list = calloc(all.count + 1, sizeof *out->list)) == NULL) {
		ldif_free(&all);
		return err_nomem(err);
	}
	for (; out->count < all.count; out->count++) {
		out->list[out->count] = all.list[out->count].entry;
		all.list[out->count].entry = (struct dir_entry){0};
	}
	ldif_free(&all);
	return true;
}

static inline bool
ldif_load(const char *path, struct dir_entries *out, struct err *err)
{
	struct buf text = {0};
	bool ok =
	    file_read(path, LDIF_FILE_MAX, &text, err) && ldif_entries(buf_view(&text), out, err);

	buf_free(&text);
	return ok;
}

/* The entry whose cn is `cn`; NULL if there is none. */
static inline const struct dir_entry *
ldif_find(const struct dir_entries *es, const char *cn)
{
	for (size_t i = 0; i < es->count; i++)
		if (dir_entry_has_value_nocase(&es->list[i], "cn", cn))
			return &es->list[i];
	return NULL;
}

#endif
