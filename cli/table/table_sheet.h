/*
 * A table as lines of text. Rows are held until they are laid out, a page of them: a column is as
 * wide as what was in it so far, so that a list without end needs no room. Where a terminal is too
 * narrow, the widest texts are cut, and end in an ellipsis; where there is no terminal, nothing is.
 * Pure.
 */
#ifndef CLI_TABLE_SHEET_H
#define CLI_TABLE_SHEET_H

#include <stdio.h>

#include "table.h"

struct table_sheet {
	const struct table_choice *columns; /* borrowed */
	size_t room;                        /* columns of the terminal; 0: there is none */
	char **cells;                       /* of the rows that are held, one behind the other */
	size_t count;                       /* cells */
	size_t widths[TABLE_COLUMNS_MAX];
	bool has_head;
};
void table_sheet_add(struct table_sheet *s, const json_t *row);
/* Prints the rows that are held, under a head the first time; they are gone afterwards. */
void table_sheet_print(struct table_sheet *s, FILE *to);
void table_sheet_free(struct table_sheet *s);

#endif
