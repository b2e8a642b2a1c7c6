#include "table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "match.h"
#include "mem.h"
#include "nearest.h"
#include "own.h"
#include "printable.h"
#include "text.h"

OWN_POINTER(own_row_value, json_t, json_decref)

/* ---- which columns ---- */

static bool
no_column(const struct table *t, const char *name, int len, struct err *err)
{
	OWNED(own_memory) char *known = mem_text("");
	OWNED(own_memory) char *typed = text_printf("%.*s", len < 64 ? len : 64, name);
	OWNED(own_memory) char *perhaps = NULL;
	struct nearest near = {.typed = typed};

	for (size_t i = 0; i < t->count; i++) {
		nearest_offer(&near, t->columns[i].name);
		text_list_add(&known, ", ", t->columns[i].name);
	}
	perhaps = nearest_sentence(&near, "");
	return err_set(
	    err, DIRCA_E_USAGE, "there is no column '%s'%s; there are %s", typed, perhaps, known);
}

/* "REQUEST ID" is request_id. */
static int
plain(char c)
{
	return c == ' ' || c == '-' ? '_' : tolower((unsigned char)c);
}

static bool
is_called(const struct table_column *c, const char *name, size_t len)
{
	if (strlen(c->name) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (plain(name[i]) != c->name[i])
			return false;
	return true;
}

static const struct table_column *
find_column(const struct table *t, const char *name, size_t len, struct err *err)
{
	for (size_t i = 0; i < t->count; i++)
		if (is_called(&t->columns[i], name, len))
			return &t->columns[i];
	no_column(t, name, (int)(len < 64 ? len : 64), err);
	return NULL;
}

const struct table_column *
table_find(const struct table *t, const char *name, struct err *err)
{
	return find_column(t, name, strlen(name), err);
}

bool
table_choose(const struct table *t, const char *names, struct table_choice *out, struct err *err)
{
	*out = (struct table_choice){0};
	for (const char *at = names;; at++) {
		size_t len = strcspn(at, ",");

		if (out->count == TABLE_COLUMNS_MAX)
			return err_set(
			    err, DIRCA_E_USAGE, "more than %d columns", TABLE_COLUMNS_MAX);
		if ((out->list[out->count] = find_column(t, at, len, err)) == NULL)
			return false;
		out->count++;
		at += len;
		if (*at == '\0')
			return true;
	}
}

/* ---- what is in a row ---- */

/* json_decref. */
static json_t *
value_of(const struct table_column *c, const json_t *row)
{
	return c->make != NULL ? c->make(row) : json_incref(json_object_get(row, c->name));
}

static char *
text_of(const json_t *value)
{
	if (json_is_string(value))
		return mem_text(json_string_value(value));
	if (json_is_integer(value))
		return text_printf("%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return mem_text(json_is_true(value) ? "true" : "false");
	return mem_text("");
}

static char *
texts_of(const json_t *value, const char *separator)
{
	char *all;
	json_t *one;
	size_t i;

	if (!json_is_array(value))
		return text_of(value);
	all = mem_text("");
	json_array_foreach(value, i, one)
	{
		OWNED(own_memory) char *text = text_of(one);

		text_list_add(&all, separator, text);
	}
	return all;
}

char *
table_value(const struct table_column *c, const json_t *row)
{
	OWNED(own_row_value) json_t *value = value_of(c, row);

	return texts_of(value, ",");
}

char *
table_shown(const struct table_column *c, const json_t *row)
{
	OWNED(own_row_value) json_t *value = value_of(c, row);
	OWNED(own_memory) char *text = NULL;
	char local[CLOCK_LOCAL_LEN];
	int64_t when;

	if (json_is_boolean(value))
		return mem_text(json_is_true(value) ? "yes" : "no");
	text = texts_of(value, ", ");
	if (*text == '\0')
		return mem_text("-");
	if (c->kind == TABLE_WHEN && clock_parse(text, &when)) {
		clock_local_format(when, local);
		return mem_text(local);
	}
	return printable_escape(text);
}

char *
table_heading(const struct table_column *c)
{
	char *heading = mem_text(c->name);

	for (char *at = heading; *at != '\0'; at++) {
		*at = (char)toupper((unsigned char)*at);
		if (*at == '_')
			*at = ' ';
	}
	return heading;
}

char *
table_csv_field(const char *text)
{
	bool formula = *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
	bool quoted = strpbrk(text, ",\"\r\n") != NULL;
	char *out = mem_zero(2 * strlen(text) + 4, 1), *to = out;

	if (quoted)
		*to++ = '"';
	if (formula)
		*to++ = '\'';
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"')
			*to++ = '"';
		*to++ = *c;
	}
	if (quoted)
		*to++ = '"';
	*to = '\0';
	return out;
}

json_t *
table_pick(const json_t *row, const struct table_choice *picked)
{
	json_t *out = json_object();

	for (size_t i = 0; i < picked->count; i++) {
		json_t *value = value_of(picked->list[i], row);

		json_object_set_new(
		    out, picked->list[i]->name, value != NULL ? value : json_null());
	}
	return out;
}

/* ---- which rows ---- */

void
table_filter_free(struct table_filter *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->list[i].value);
	*f = (struct table_filter){0};
}

/* Hexadecimal in either case, with colons or blanks: as it is written here, in lower case and with
 * no zero octets before it. */
static bool
hex_value(const char *text, char **out)
{
	OWNED(buf_free) struct buf bytes = {0};
	struct err ignored;
	size_t zeros = 0;

	if (!hex_decode(text, &bytes, &ignored))
		return false;
	while (zeros + 1 < bytes.len && bytes.ptr[zeros] == 0)
		zeros++;
	*out = hex_encode(view_of(bytes.ptr + zeros, bytes.len - zeros), '\0');
	return true;
}

bool
table_filter_add(const struct table *t, const char *word, struct table_filter *f, struct err *err)
{
	const char *equals = strchr(word, '=');
	struct table_condition c = {0};

	if (equals == NULL)
		return err_set(
		    err, DIRCA_E_USAGE, "'%s' is no condition, which is COLUMN=VALUE", word);
	if (f->count == COUNT_OF(f->list))
		return err_set(err, DIRCA_E_USAGE, "more than %zu conditions", f->count);
	if ((c.column = find_column(t, word, (size_t)(equals - word), err)) == NULL)
		return false;
	if (c.column->kind == TABLE_HEX && equals[1] != '\0') {
		if (!hex_value(equals + 1, &c.value))
			return err_set(err, DIRCA_E_USAGE, "%s: '%s' is not hexadecimal",
			    c.column->name, equals + 1);
	} else {
		c.value = mem_text(equals + 1);
	}
	c.is_when = c.column->kind == TABLE_WHEN && clock_local_parse(c.value, &c.when);
	f->list[f->count++] = c;
	return true;
}

static bool
holds_when(const struct table_condition *c, const char *text)
{
	int64_t when;

	return clock_parse(text, &when) && when == c->when;
}

static bool
holds_hex(const struct table_condition *c, const char *text)
{
	OWNED(own_memory) char *value = NULL;

	return hex_value(text, &value) && strcmp(value, c->value) == 0;
}

static bool
holds_text(const struct table_condition *c, const char *text, bool exact)
{
	if (c->is_when)
		return holds_when(c, text);
	return (exact ? text_eq_fold(text, c->value) : match_eq(text, c->value)) ||
	       (c->column->kind == TABLE_HEX && holds_hex(c, text));
}

static bool
holds(const struct table_condition *c, const json_t *row, bool exact)
{
	OWNED(own_row_value) json_t *value = value_of(c->column, row);
	OWNED(own_memory) char *whole = texts_of(value, ",");
	json_t *one;
	size_t i;

	if (holds_text(c, whole, exact))
		return true;
	if (json_is_boolean(value))
		return text_eq_nocase(c->value, json_is_true(value) ? "yes" : "no");
	json_array_foreach(value, i, one)
	{
		OWNED(own_memory) char *text = text_of(one);

		if (holds_text(c, text, exact))
			return true;
	}
	return false;
}

bool
table_filter_holds(const struct table_filter *f, const json_t *row)
{
	for (size_t i = 0; i < f->count; i++)
		if (!holds(&f->list[i], row, f->exact))
			return false;
	return true;
}
