#include "request_columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_client.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* What became of it: of one that was issued the serial number, of others the message. */
static json_t *
outcome(const json_t *row)
{
	json_t *serial = json_object_get(row, "serial_number");

	return json_incref(
	    json_is_string(serial) ? serial : json_object_get(row, "disposition_message"));
}

/* Held against ca/store/columns.h by tests/lint/openapi.py. */
static const struct table_column columns[] = {
    {"request_id", TABLE_NUMBER, true, NULL},
    {"disposition", TABLE_TEXT, true, NULL},
    {"disposition_message", TABLE_TEXT, false, NULL},
    {"status", TABLE_TEXT, false, NULL},
    {"submitted_when", TABLE_WHEN, true, NULL},
    {"resolved_when", TABLE_WHEN, true, NULL},
    {"requester_name", TABLE_TEXT, true, NULL},
    {"template", TABLE_TEXT, true, NULL},
    {"archived_key", TABLE_TEXT, false, NULL},
    {"key_recovery_hashes", TABLE_TEXT, false, NULL},
    {"revoked_when", TABLE_WHEN, true, NULL},
    {"revoked_reason", TABLE_TEXT, false, NULL},
    {"serial_number", TABLE_HEX, false, NULL},
    {"certificate_hash", TABLE_HEX, false, NULL},
    {"not_before", TABLE_WHEN, false, NULL},
    {"not_after", TABLE_WHEN, true, NULL},
    {"upn", TABLE_TEXT, true, NULL},
    {"common_name", TABLE_TEXT, true, NULL},
    {"subject", TABLE_TEXT, false, NULL},
    {"issuer_name_id", TABLE_TEXT, false, NULL},
    {"outcome", TABLE_KEPT, false, outcome},
};
const struct table request_table = {columns, COUNT_OF(columns),
    "request_id,disposition,template,requester_name,archived_key,outcome",
    "request_id,disposition,template,requester_name,archived_key,serial_number,disposition_"
    "message"};

/* Conditions that the CA has an index for, and the parameter of the query that it takes them by. */
static const struct {
	const char *column, *parameter;
} asked[] = {
    {"requester_name", "requester"},
    {"disposition", "disposition"},
    {"serial_number", "serial_number"},
};

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
request_filter_parse(const char *disposition, const struct cli_list *words,
    struct table_filter *out, struct err *err)
{
	OWNED(own_memory)
	char *first = disposition != NULL ? text_printf("disposition=%s", disposition) : NULL;

	*out = (struct table_filter){0};
	if (first != NULL && !table_filter_add(&request_table, first, out, err))
		return false;
	for (size_t i = 0; i < words->count; i++)
		if (!table_filter_add(&request_table, words->list[i], out, err)) {
			table_filter_free(out);
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
first_value(const struct table_filter *f, const char *column)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->list[i].column->name, column) == 0)
			return f->list[i].value;
	return NULL;
}

char *
request_filter_query(const struct table_filter *f)
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
