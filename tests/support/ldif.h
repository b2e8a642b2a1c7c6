/*
 * A small LDIF reader for tests (RFC 2849): content records only, comments, folded lines, base64.
 * Attribute options are dropped as the directory room drops them. Static, so that any test may
 * include it; it needs the directory room.
 */
#ifndef SUPPORT_LDIF_H
#define SUPPORT_LDIF_H

#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "file.h"
#include "text.h"

#define LDIF_FILE_MAX (4u << 20)

/* Next logical line without its end, folds joined; false at the end of the text. */
static inline bool
ldif_line(struct view *text, struct buf *line, bool *more, struct err *err)
{
	line->len = 0;
	*more = text->len > 0;
	while (text->len > 0) {
		const uint8_t *end = memchr(text->ptr, '\n', text->len);
		size_t len = end == NULL ? text->len : (size_t)(end - text->ptr), used = len;

		if (used > 0 && text->ptr[used - 1] == '\r')
			used--;
		if (!buf_append(line, view_of(text->ptr, used), err))
			return false;
		len += end == NULL ? 0 : 1;
		text->ptr += len;
		text->len -= len;
		if (text->len == 0 || *text->ptr != ' ' || line->len == 0)
			return true;
		text->ptr++;
		text->len--;
	}
	return true;
}

/* "name: value" or "name:: base64" */
static inline bool
ldif_split(struct view line, char **name, struct buf *value, struct err *err)
{
	const uint8_t *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
	struct view rest;
	bool base64;

	*name = NULL;
	if (colon == NULL || colon == line.ptr)
		return err_set(err, ERROR_INVALID_DATA, "LDIF: a line without a name");
	rest = view_of(colon + 1, line.len - (size_t)(colon - line.ptr) - 1);
	base64 = rest.len > 0 && *rest.ptr == ':';
	if (base64) {
		rest.ptr++;
		rest.len--;
	}
	while (rest.len > 0 && *rest.ptr == ' ') {
		rest.ptr++;
		rest.len--;
	}
	if (!(base64 ? base64_decode(rest, value, err) : buf_dup(rest, value, err)))
		return false;
	return text_from_view(view_of(line.ptr, (size_t)(colon - line.ptr)), name, err);
}

static inline bool
ldif_new_entry(struct dir_entries *es, struct view dn, struct err *err)
{
	struct dir_entry *list = realloc(es->list, (es->count + 1) * sizeof *list);
	char *text;
	bool ok;

	if (list == NULL)
		return err_nomem(err);
	es->list = list;
	if (!text_from_view(dn, &text, err))
		return false;
	ok = dir_entry_init(&es->list[es->count], text, err);
	es->count += ok ? 1 : 0;
	free(text);
	return ok;
}

static inline bool
ldif_take(struct dir_entries *es, bool *open, struct view line, struct err *err)
{
	struct buf value = {0};
	char *name = NULL;
	bool ok = false;

	if (!ldif_split(line, &name, &value, err))
		goto out;
	if (text_eq_nocase(name, "dn") && !*open) {
		*open = ok = ldif_new_entry(es, buf_view(&value), err);
	} else if (*open) {
		ok = dir_entry_add(&es->list[es->count - 1], name, buf_view(&value), err);
	} else if (text_eq_nocase(name, "version") && es->count == 0) {
		ok = true;
	} else {
		err_set(err, ERROR_INVALID_DATA, "LDIF: a record does not begin with dn");
	}
out:
	free(name);
	buf_free(&value);
	return ok;
}

static inline bool
ldif_parse(struct view text, struct dir_entries *out, struct err *err)
{
	struct buf line = {0};
	bool more = true, open = false, ok = true;

	*out = (struct dir_entries){0};
	while (ok && (ok = ldif_line(&text, &line, &more, err)) && more) {
		if (line.len == 0)
			open = false;
		else if (line.ptr[0] != '#')
			ok = ldif_take(out, &open, buf_view(&line), err);
	}
	buf_free(&line);
	if (!ok)
		dir_entries_free(out);
	return ok;
}

static inline bool
ldif_load(const char *path, struct dir_entries *out, struct err *err)
{
	struct buf text = {0};
	bool ok =
	    file_read(path, LDIF_FILE_MAX, &text, err) && ldif_parse(buf_view(&text), out, err);

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
