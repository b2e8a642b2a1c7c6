#include "request_columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_client.h"
#include "mem.h"
#include "nearest.h"
#include "own.h"
#include "text.h"

/* Held against ca/store/columns.h by tests/lint/openapi.py. */
static const struct request_column columns[] = {
    {"request_id", 10, true},
    {"disposition", 11, true},
    {"disposition_message", 40, false},
    {"status", 10, false},
    {"submitted_when", 20, true},
    {"resolved_when", 20, true},
    {"requester_name", 24, true},
    {"template", 20, true},
    {"archived_key", 12, false},
    {"key_recovery_hashes", 59, false},
    {"revoked_when", 20, true},
    {"revoked_reason", 14, false},
    {"serial_number", 38, false},
    {"certificate_hash", 40, false},
    {"not_before", 20, false},
    {"not_after", 20, true},
    {"upn", 24, true},
    {"common_name", 24, true},
    {"subject", 40, false},
    {"issuer_name_id", 14, false},
};

/* Conditions that the CA has an index for, and the parameter of the query that it takes them by. */
static const struct {
	const char *column, *parameter;
} asked[] = {
    {"requester_name", "requester"},
    {"disposition", "disposition"},
    {"serial_number", "serial_number"},
};

static bool
no_column(const char *name, int len, struct err *err)
{
	OWNED(own_memory) char *known = mem_text("");
	OWNED(own_memory) char *typed = text_printf("%.*s", len < 64 ? len : 64, name);
	OWNED(own_memory) char *perhaps = NULL;
	struct nearest near = {.typed = typed};

	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		nearest_offer(&near, columns[i].name);
		text_list_add(&known, ", ", columns[i].name);
	}
	perhaps = nearest_sentence(&near, "");
	return err_set(
	    err, DIRCA_E_USAGE, "there is no column '%s'%s; there are %s", typed, perhaps, known);
}

static const struct request_column *
find_column(const char *name, size_t len, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		if (strlen(columns[i].name) == len && strncmp(columns[i].name, name, len) == 0)
			return &columns[i];
	no_column(name, (int)(len < 64 ? len : 64), err);
	return NULL;
}

const struct request_column *
request_column_find(const char *name, struct err *err)
{
	return find_column(name, strlen(name), err);
}

static int
compare_values(const json_t *a, const json_t *b)
{
	json_int_t x, y;

	if (json_is_string(a) && json_is_string(b))
		return strcasecmp(json_string_value(a), json_string_value(b));
	x = json_is_integer(a) ? json_integer_value(a) : json_is_true(a);
	y = json_is_integer(b) ? json_integer_value(b) : json_is_true(b);
	return (x > y) - (x < y);
}

static int
compare_rows(const void *a, const void *b, void *arg)
{
	const struct request_sorter *s = arg;
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const json_t *left = json_object_get(x, s->column->name),
		     *right = json_object_get(y, s->column->name);
	bool no_left = left == NULL || json_is_null(left),
	     no_right = right == NULL || json_is_null(right);
	int order = no_left || no_right ? 0 : compare_values(left, right);

	if (no_left != no_right)
		return no_left ? 1 : -1;
	if (order == 0)
		order = compare_values(
		    json_object_get(x, "request_id"), json_object_get(y, "request_id"));
	return s->descending ? -order : order;
}

void
request_sort_end(struct request_sorter *s)
{
	qsort_r(s->list, s->count, sizeof(json_t *), compare_rows, s);
	while (s->count > 0 && (int64_t)s->count > s->most)
		json_decref(s->list[--s->count]);
}

void
request_sort_add(struct request_sorter *s, const json_t *row)
{
	s->list = mem_grow_long(s->list, s->count, sizeof(json_t *));
	s->list[s->count++] = json_deep_copy(row);
	s->seen++;
	if (s->most <= INT64_MAX / 2 && (int64_t)s->count >= 2 * s->most)
		request_sort_end(s);
}

void
request_sorter_free(struct request_sorter *s)
{
	for (size_t i = 0; i < s->count; i++)
		json_decref(s->list[i]);
	free(s->list);
	*s = (struct request_sorter){0};
}

bool
request_columns_parse(const char *names, struct request_columns *out, struct err *err)
{
	*out = (struct request_columns){0};
	for (const char *at = names;; at++) {
		size_t len = strcspn(at, ",");

		if (out->count == CLI_LIST_MAX)
			return err_set(err, DIRCA_E_USAGE, "more than %d columns", CLI_LIST_MAX);
		if ((out->list[out->count] = find_column(at, len, err)) == NULL)
			return false;
		out->count++;
		at += len;
		if (*at == '\0')
			return true;
	}
}

void
request_filter_free(struct request_filter *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->list[i].value);
	*f = (struct request_filter){0};
}

/* Hexadecimal in either case, with colons or blanks; the CA writes lower case, and no zero octets
 * before it. */
static bool
serial_value(const char *text, char **out, struct err *err)
{
	OWNED(buf_free) struct buf bytes = {0};
	struct err why;
	size_t zeros = 0;

	if (!hex_decode(text, &bytes, &why))
		return err_set(err, DIRCA_E_USAGE, "the serial number is not hexadecimal");
	while (zeros + 1 < bytes.len && bytes.ptr[zeros] == 0)
		zeros++;
	*out = hex_encode(view_of(bytes.ptr + zeros, bytes.len - zeros), '\0');
	return true;
}

/* As lists of certificates show it too, in pairs. */
static bool
hash_value(const char *text, char **out, struct err *err)
{
	OWNED(buf_free) struct buf bytes = {0};
	struct err why;

	if (!hex_decode(text, &bytes, &why))
		return err_set(err, DIRCA_E_USAGE, "the hash is not hexadecimal");
	*out = hex_encode(buf_view(&bytes), '\0');
	return true;
}

static bool
add_condition(struct request_filter *f, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	struct request_where w = {0};

	if (equals == NULL)
		return err_set(
		    err, DIRCA_E_USAGE, "'%s' is no condition, which is COLUMN=VALUE", word);
	if ((w.column = find_column(word, (size_t)(equals - word), err)) == NULL)
		return false;
	if (strcmp(w.column->name, "serial_number") == 0 && equals[1] != '\0') {
		if (!serial_value(equals + 1, &w.value, err))
			return false;
	} else if (strcmp(w.column->name, "certificate_hash") == 0 && equals[1] != '\0') {
		if (!hash_value(equals + 1, &w.value, err))
			return false;
	} else {
		w.value = mem_text(equals + 1);
	}
	f->list[f->count++] = w;
	return true;
}

bool
request_filter_parse(const char *disposition, const struct cli_list *words,
    struct request_filter *out, struct err *err)
{
	OWNED(own_memory)
	char *first = disposition != NULL ? text_printf("disposition=%s", disposition) : NULL;

	*out = (struct request_filter){0};
	if (first != NULL && !add_condition(out, first, err))
		return false;
	for (size_t i = 0; i < words->count; i++)
		if (!add_condition(out, words->list[i], err)) {
			request_filter_free(out);
			return false;
		}
	return true;
}

char *
request_value(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	if (json_is_string(value))
		return mem_text(json_string_value(value));
	if (json_is_integer(value))
		return text_printf("%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return mem_text(json_is_true(value) ? "true" : "false");
	return mem_text("");
}

bool
request_filter_holds(const struct request_filter *f, const json_t *row)
{
	for (size_t i = 0; i < f->count; i++) {
		OWNED(own_memory) char *value = request_value(row, f->list[i].column->name);

		if (!text_eq_fold(value, f->list[i].value))
			return false;
	}
	return true;
}

/* The CA compares letters beyond ASCII with case, and knows no absent values. */
static bool
can_be_asked(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			return false;
	return *value != '\0';
}

static const char *
first_value(const struct request_filter *f, const char *column)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->list[i].column->name, column) == 0)
			return f->list[i].value;
	return NULL;
}

char *
request_filter_query(const struct request_filter *f)
{
	char *query = mem_text("");

	for (size_t i = 0; i < COUNT_OF(asked); i++) {
		const char *value = first_value(f, asked[i].column);
		OWNED(own_memory) char *escaped = NULL;
		char *longer;

		if (value == NULL || !can_be_asked(value))
			continue;
		escaped = http_escape(value);
		longer = text_printf("%s&%s=%s", query, asked[i].parameter, escaped);
		free(query);
		query = longer;
	}
	return query;
}

char *
request_csv_field(const char *text)
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
request_pick(const json_t *row, const struct request_columns *picked)
{
	json_t *out = json_object();

	for (size_t i = 0; i < picked->count; i++) {
		json_t *value = json_object_get(row, picked->list[i]->name);

		json_object_set_new(
		    out, picked->list[i]->name, value != NULL ? json_incref(value) : json_null());
	}
	return out;
}
