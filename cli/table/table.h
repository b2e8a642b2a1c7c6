/*
 * Lists: the columns that the rows of one have, which of them are shown, what a row must hold to be
 * shown, and a row as text. A row is a JSON object as --json prints it. Pure.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <jansson.h>

#include "buf.h"

#define TABLE_COLUMNS_MAX 32

enum table_kind {
	TABLE_TEXT,   /* also lists of texts, truth values and numbers that only name something */
	TABLE_KEPT,   /* the same, and cut last: what is typed again */
	TABLE_NUMBER, /* to the right */
	TABLE_WHEN,   /* RFC 3339; people see it by their own clock */
	TABLE_HEX     /* a serial number or hash: without colons and leading zeros; cut last */
};

struct table_column {
	const char *name; /* the member of the row */
	enum table_kind kind;
	bool indexed;                       /* the CA sorts by it */
	json_t *(*make)(const json_t *row); /* what is no member of its own; NULL: it is one */
};
struct table {
	const struct table_column *columns;
	size_t count;
	const char *usual; /* where none are asked for: "name,name" */
	const char *csv;   /* the same of CSV; NULL: `usual` */
};

struct table_choice {
	const struct table_column *list[TABLE_COLUMNS_MAX];
	size_t count;
};
/* "NAME,NAME,..." as the table's head or JSON spells them, in either case; DIRCA_E_USAGE, with the
 * nearest and the list of names, for one that is none. */
bool table_choose(
    const struct table *t, const char *names, struct table_choice *out, struct err *err);
/* One of them. */
const struct table_column *table_find(const struct table *t, const char *name, struct err *err);

struct table_condition {
	const struct table_column *column;
	char *value;
	int64_t when; /* TABLE_WHEN, where the value is an instant */
	bool is_when;
};
/* All must hold. */
struct table_filter {
	struct table_condition list[TABLE_COLUMNS_MAX + 1];
	size_t count;
	/* For what is done to the rows: names are those that are typed but for the case, so that
	 * nobody called like another is taken along. Else as directories compare (match.h). */
	bool exact;
};
/* One more, "COLUMN=VALUE"; DIRCA_E_USAGE. */
bool table_filter_add(
    const struct table *t, const char *word, struct table_filter *f, struct err *err);
/* Compares without case; an empty value is that of an absent one; of a list one element is enough.
 */
bool table_filter_holds(const struct table_filter *f, const json_t *row);
void table_filter_free(struct table_filter *f);

/* What is in the row, for programs: "" if it is null or absent, instants in UTC. free(). */
char *table_value(const struct table_column *c, const json_t *row);
/* For people: on one line whatever is in it, "-" for what is absent, yes or no, local time. free().
 */
char *table_shown(const struct table_column *c, const json_t *row);
/* The column's name as the head has it: "REQUEST ID". free(). */
char *table_heading(const struct table_column *c);
/* A field of CSV (RFC 4180). Text that a spreadsheet would take for a formula has an apostrophe
 * before it: others choose the names. free(). */
char *table_csv_field(const char *text);
/* Only these members. json_decref. */
json_t *table_pick(const json_t *row, const struct table_choice *columns);

#endif
