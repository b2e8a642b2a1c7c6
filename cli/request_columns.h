/*
 * The columns of a request as the API names them (docs/openapi.yaml, Request): which of them a list
 * shows, and what a row must hold to be in it. Nothing here speaks to a CA.
 */
#ifndef CLI_REQUEST_COLUMNS_H
#define CLI_REQUEST_COLUMNS_H

#include <jansson.h>

#include "cli.h"

struct request_column {
	const char *name;
	int width;    /* in a table */
	bool indexed; /* the CA sorts by it */
};

struct request_columns {
	const struct request_column *list[CLI_LIST_MAX];
	size_t count;
};
/* "NAME,NAME,..."; DIRCA_E_USAGE with the list of names for one that is none. */
bool request_columns_parse(const char *names, struct request_columns *out, struct err *err);

struct request_where {
	const struct request_column *column;
	char *value; /* of a serial number: as the CA writes it */
};
/* All must hold. */
struct request_filter {
	struct request_where list[CLI_LIST_MAX + 1];
	size_t count;
};
/* One of them, by its name; NULL with DIRCA_E_USAGE. */
const struct request_column *request_column_find(const char *name, struct err *err);

/* Rows in the order of a column, numbers as numbers and text without case for ASCII letters, those
 * of one value by id; what is absent comes last either way. No more are held than twice `most`. */
struct request_sorter {
	const struct request_column *column;
	bool descending;
	int64_t most;
	json_t **list;
	size_t count, seen; /* `seen` counts those that were taken away too */
};
/* Takes a reference to the row. */
void request_sort_add(struct request_sorter *s, const json_t *row);
/* Sorts; of more than `most` rows the others are gone. */
void request_sort_end(struct request_sorter *s);
void request_sorter_free(struct request_sorter *s);

void request_filter_free(struct request_filter *f);
/* Each word is COLUMN=VALUE; DIRCA_E_USAGE for another, and for a serial number that is not
 * hexadecimal. `disposition`: one more condition, which comes first; NULL: none. */
bool request_filter_parse(const char *disposition, const struct cli_list *words,
    struct request_filter *out, struct err *err);
/* Compares without case; an empty value is that of an absent one. */
bool request_filter_holds(const struct request_filter *f, const json_t *row);
/* What the CA is asked for, which has an index: "&requester=...&disposition=...". It may give rows
 * for which the filter does not hold. free(). */
char *request_filter_query(const struct request_filter *f);

/* The text of a member; "" if it is null or absent. free(). */
char *request_value(const json_t *row, const char *name);
/* A field of CSV (RFC 4180). Text that a spreadsheet would take for a formula has an apostrophe
 * before it: others choose the names. free(). */
char *request_csv_field(const char *text);
/* Only these members. json_decref. */
json_t *request_pick(const json_t *row, const struct request_columns *columns);

#endif
