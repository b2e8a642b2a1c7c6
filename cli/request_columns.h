/*
 * The columns of a request as the API names them (docs/openapi.yaml, Request): which of them a list
 * shows, and what a row must hold to be in it. Nothing here speaks to a CA.
 */
#ifndef CLI_REQUEST_COLUMNS_H
#define CLI_REQUEST_COLUMNS_H

#include "cli.h"
#include "table.h"

extern const struct table request_table;

/* Rows in the order of a column, numbers as numbers and text without case for ASCII letters, those
 * of one value by id; what is absent comes last either way. No more are held than twice `most`. */
struct request_sorter {
	const struct table_column *column;
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

/* Conditions, and where `disposition` is no NULL one more, which comes first; DIRCA_E_USAGE. */
bool request_filter_parse(const char *disposition, const struct cli_list *words,
    struct table_filter *out, struct err *err);
/* What the CA is asked for, which has an index: "&requester=...&disposition=...". It may give rows
 * for which the filter does not hold. free(). */
char *request_filter_query(const struct table_filter *f);

#endif
