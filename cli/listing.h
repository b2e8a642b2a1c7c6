/*
 * How a verb prints a list: a table, CSV, JSON, or in its own way; which columns and rows, and how
 * many, by the options that all lists share (OPTS_TABLE).
 */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include "cli.h"
#include "table_sheet.h"

struct listing {
	const struct table *table;
	enum { LISTING_TABLE, LISTING_CSV, LISTING_JSON, LISTING_OWN } format;
	struct table_choice columns; /* none: all of the row, which is JSON's */
	struct table_filter filter;
	struct table_sheet sheet;
	int64_t left;    /* how many rows may still be printed */
	size_t printed;  /* so many were */
	size_t left_out; /* for there were more than --limit */
};
/* Reads the options; DIRCA_E_USAGE. What is paged by the CA is limited there (cli_limit). */
bool listing_open(
    struct listing *l, const struct table *t, const struct cli_options *opt, struct err *err);
/* Where neither columns nor a format are asked for, the verb prints rows itself. */
void listing_in_own_way(struct listing *l, const struct cli_options *opt);
/* Prints the row, or drops it: a condition does not hold, or there are enough. True: the verb is to
 * print it itself. */
bool listing_add(struct listing *l, const json_t *row);
/* What was added is seen, as far as it can be laid out: between pages. */
void listing_flush(struct listing *l);
/* The end of the list, and the head of an empty one. */
void listing_end(struct listing *l);
void listing_free(struct listing *l);

/* All at once: the rows of an array. */
bool listing_print(
    const struct table *t, const json_t *rows, const struct cli_options *opt, struct err *err);

#endif
