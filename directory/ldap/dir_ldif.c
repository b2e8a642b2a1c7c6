#include "dir_ldif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <ldap.h>
#include <ldif.h>

#include "text.h"
#include "mem.h"
#include "own.h"

/* One "name: value" of a record. The value lies in the line, or is malloc'ed by libldap. */
struct line {
	struct berval name, value;
	int value_is_owned;
};

static void
line_free(struct line *l)
{
	if (l->value_is_owned)
		ber_memfree(l->value.bv_val);
	*l = (struct line){0};
}

static struct view
line_value(const struct line *l)
{
	return view_of(l->value.bv_val, l->value.bv_len);
}

/* Names are compared as entries keep them: without case and options. */
static bool
line_is(const struct line *l, const char *name)
{
	size_t len = strcspn(l->name.bv_val, ";");

	return strlen(name) == len && strncasecmp(l->name.bv_val, name, len) == 0;
}

static bool
line_has_value(const struct line *l, const char *value)
{
	return l->value.bv_val != NULL && text_eq_nocase(l->value.bv_val, value);
}

/* An attribute description: letters, digits, hyphens and dots, with options (RFC 4512 2.5). */
static bool
is_description(const char *name, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.;";

	return len > 0 && *name != ';' && strspn(name, allowed) >= len;
}

/* The next line of a record, folds joined and comments left out. *more_out false at the end. A
 * value that stands in a file or elsewhere ("name:< URL") is never fetched. */
static bool
next_line(char **rest, struct line *out, bool *more_out, struct err *err)
{
	char *text, *colon;

	*out = (struct line){0};
	*more_out = (text = ldif_getline(rest)) != NULL;
	if (!*more_out)
		return true;
	if (strcmp(text, "-") == 0) {
		out->name = (struct berval){.bv_len = 1, .bv_val = text};
		return true;
	}
	if ((colon = strchr(text, ':')) == NULL || !is_description(text, (size_t)(colon - text)))
		return err_set(err, ERROR_INVALID_DATA, "a line without \"name:\"");
	if (colon[1] == '<')
		return err_set(err, ERROR_INVALID_DATA, "%.*s: a value behind a URL is not read",
		    (int)(colon - text), text);
	if (ldif_parse_line2(text, &out->name, &out->value, &out->value_is_owned) != 0)
		return err_set(err, ERROR_INVALID_DATA, "%.*s: its value is no base64",
		    (int)(colon - text), text);
	return true;
}

static bool
new_mod(struct ldif_record *r, enum ldif_op op, const struct line *l, struct err *err)
{
	char *name;

	if (!text_from_view(line_value(l), &name, err))
		return false;
	name[strcspn(name, ";")] = '\0';
	r->mods = mem_grow(r->mods, r->mod_count, sizeof *r->mods);
	r->mods[r->mod_count++] = (struct ldif_mod){.op = op, .attr = {.name = name}};
	return true;
}

static bool
add_mod_value(struct ldif_mod *m, const struct line *l, struct err *err)
{
	if (!line_is(l, m->attr.name))
		return err_set(err, ERROR_INVALID_DATA, "%s stands in a change of %s",
		    l->name.bv_val, m->attr.name);
	m->attr.values = mem_grow(m->attr.values, m->attr.count, sizeof *m->attr.values);
	m->attr.values[m->attr.count] = (struct buf){0};
	if (!buf_dup(line_value(l), &m->attr.values[m->attr.count], err))
		return false;
	m->attr.count++;
	return true;
}

static bool
find_op(const struct line *l, enum ldif_op *out)
{
	static const struct {
		const char *name;
		enum ldif_op op;
	} ops[] = {{"add", LDIF_OP_ADD}, {"replace", LDIF_OP_REPLACE}, {"delete", LDIF_OP_DELETE}};

	for (size_t i = 0; i < COUNT_OF(ops); i++)
		if (line_is(l, ops[i].name)) {
			*out = ops[i].op;
			return true;
		}
	return false;
}

/* RFC 2849: "add: attribute", its values, "-", and so on. */
static bool
take_mod_line(struct ldif_record *r, const struct line *l, bool *in_mod, struct err *err)
{
	enum ldif_op op;

	if (line_is(l, "-")) {
		*in_mod = false;
		return true;
	}
	if (*in_mod)
		return add_mod_value(&r->mods[r->mod_count - 1], l, err);
	if (!find_op(l, &op))
		return err_set(
		    err, ERROR_INVALID_DATA, "%s is not add, replace or delete", l->name.bv_val);
	*in_mod = true;
	return new_mod(r, op, l, err);
}

static bool
take_change_type(struct ldif_record *r, const struct line *l, struct err *err)
{
	if (line_has_value(l, "add"))
		r->kind = LDIF_ADD;
	else if (line_has_value(l, "modify"))
		r->kind = LDIF_MODIFY;
	else
		return err_set(err, ERROR_INVALID_DATA, "a change type that is not add or modify");
	return true;
}

static bool
take_lines(char *rest, struct ldif_record *r, struct err *err)
{
	struct line l;
	bool more, in_mod = false, ok = true;

	for (size_t i = 0; ok && (ok = next_line(&rest, &l, &more, err)) && more; i++) {
		if (i == 0) {
			char *dn;

			ok = line_is(&l, "dn") && text_from_view(line_value(&l), &dn, err);
			r->entry.dn = ok ? dn : NULL;
			if (!ok)
				err_set(err, ERROR_INVALID_DATA, "it does not begin with its DN");
		} else if (i == 1 && line_is(&l, "changetype")) {
			ok = take_change_type(r, &l, err);
		} else if (r->kind == LDIF_MODIFY) {
			ok = take_mod_line(r, &l, &in_mod, err);
		} else if (line_is(&l, "-") || line_is(&l, "changetype") ||
			   line_is(&l, "control")) {
			ok = err_set(
			    err, ERROR_INVALID_DATA, "\"%s\" has no place here", l.name.bv_val);
		} else {
			ok = dir_entry_add(&r->entry, l.name.bv_val, line_value(&l), err);
		}
		line_free(&l);
	}
	return ok;
}

static void
record_free(struct ldif_record *r)
{
	dir_entry_free(&r->entry);
	for (size_t i = 0; i < r->mod_count; i++) {
		struct dir_attr *a = &r->mods[i].attr;

		for (size_t k = 0; k < a->count; k++)
			buf_free(&a->values[k]);
		free(a->values);
		free(a->name);
	}
	free(r->mods);
	*r = (struct ldif_record){0};
}

void
ldif_free(struct ldif *l)
{
	for (size_t i = 0; i < l->count; i++)
		record_free(&l->list[i]);
	free(l->list);
	*l = (struct ldif){0};
}

/* Comments and "version: 1" alone are no record. */
static bool
is_record(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > 0 && *text != '#' && *text != ' ' &&
		    (len < 8 || strncmp(text, "version:", 8) != 0))
			return true;
		text += len + (text[len] == '\n' ? 1 : 0);
	}
	return false;
}

/* "version: 1" may stand right before the first record (RFC 2849). */
static char *
skip_version(char *text)
{
	while (*text == '#' || strncmp(text, "version:", 8) == 0) {
		text += strcspn(text, "\n");
		if (*text == '\n')
			text++;
	}
	return text;
}

static bool
take_record(char *text, struct ldif *out, struct err *err)
{
	text = skip_version(text);
	if (!is_record(text))
		return true;
	out->list = mem_grow(out->list, out->count, sizeof *out->list);
	out->list[out->count++] = (struct ldif_record){0};
	return take_lines(text, &out->list[out->count - 1], err) ||
	       err_prefix(err, "LDIF record %zu", out->count);
}

/* A copy with LF for CRLF, NUL-terminated. */
static char *
copy_text(struct view text, struct err *err)
{
	char *copy;
	size_t used = 0;

	if (text.len > LDIF_FILE_MAX || memchr(text.ptr, '\0', text.len) != NULL) {
		err_set(err, ERROR_INVALID_DATA,
		    "no LDIF: it holds a NUL byte, or more than %zu bytes", LDIF_FILE_MAX);
		return NULL;
	}
	copy = mem_zero(text.len + 1, 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\r' || i + 1 == text.len || text.ptr[i + 1] != '\n')
			copy[used++] = (char)text.ptr[i];
	return copy;
}

bool
ldif_parse(struct view text, struct ldif *out, struct err *err)
{
	char *copy, *record, *end;
	bool ok = true;

	*out = (struct ldif){0};
	if (text.len == 0)
		return true;
	if ((copy = copy_text(text, err)) == NULL)
		return false;
	ldif_debug = 0; /* libldap would speak on stderr */
	for (record = copy; ok && *record != '\0'; record = end) {
		while (*record == '\n')
			record++;
		end = strstr(record, "\n\n");
		if (end == NULL) {
			end = record + strlen(record);
		} else {
			end[1] = '\0';
			end += 2;
		}
		ok = take_record(record, out, err);
	}
	free(copy);
	if (!ok)
		ldif_free(out);
	return ok;
}

static bool
append_ldif(struct buf *out, char *line, struct err *err)
{
	bool ok = line != NULL ? buf_append(out, view_str(line), err) : err_nomem(err);

	ber_memfree(line);
	return ok;
}

static bool
append_line(struct buf *out, const char *name, struct view value, struct err *err)
{
	return append_ldif(out,
	    ldif_put(LDIF_PUT_VALUE, name, (const char *)value.ptr, (ber_len_t)value.len), err);
}

static bool
append_attrs(struct buf *out, const struct dir_entry *e, struct err *err)
{
	for (size_t i = 0; i < e->count; i++)
		for (size_t k = 0; k < e->attrs[i].count; k++)
			if (!append_line(
				out, e->attrs[i].name, buf_view(&e->attrs[i].values[k]), err))
				return false;
	return true;
}

bool
ldif_append_entry(struct buf *out, const struct dir_entry *e, struct err *err)
{
	return append_line(out, "dn", view_str(e->dn), err) && append_attrs(out, e, err) &&
	       buf_append(out, view_str("\n"), err);
}

static bool
append_mod(struct buf *out, const struct ldif_mod *m, struct err *err)
{
	static const char *const ops[] = {
	    [LDIF_OP_ADD] = "add", [LDIF_OP_REPLACE] = "replace", [LDIF_OP_DELETE] = "delete"};

	if (!append_line(out, ops[m->op], view_str(m->attr.name), err))
		return false;
	for (size_t k = 0; k < m->attr.count; k++)
		if (!append_line(out, m->attr.name, buf_view(&m->attr.values[k]), err))
			return false;
	return buf_append(out, view_str("-\n"), err);
}

bool
ldif_append_change(struct buf *out, const struct ldif_record *r, struct err *err)
{
	if (!append_line(out, "dn", view_str(r->entry.dn), err) ||
	    !append_line(
		out, "changetype", view_str(r->kind == LDIF_ADD ? "add" : "modify"), err) ||
	    !append_attrs(out, &r->entry, err))
		return false;
	for (size_t i = 0; i < r->mod_count; i++)
		if (!append_mod(out, &r->mods[i], err))
			return false;
	return buf_append(out, view_str("\n"), err);
}

bool
ldif_append_comment(struct buf *out, const char *text, struct err *err)
{
	return append_ldif(
	    out, ldif_put(LDIF_PUT_COMMENT, NULL, text, (ber_len_t)strlen(text)), err);
}
