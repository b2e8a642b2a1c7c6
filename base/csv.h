/*
 * Comma-separated values (RFC 4180), read row by row from a file of any size: UTF-8, or UTF-16 with
 * a byte order mark, as Windows PowerShell redirects output. Lines may end in CR LF or LF; a quoted
 * field may hold both, and commas.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdio.h>

#include "buf.h"

#define CSV_FIELDS_MAX 256
#define CSV_ROW_MAX    (1024 * 1024) /* bytes of all fields of a row */

struct csv;
/* `file` is borrowed, and stands at its beginning. */
struct csv *csv_open(FILE *file);
void csv_close(struct csv **csv);

struct csv_row {
	int64_t line;        /* on which it begins, from 1 */
	const char **fields; /* UTF-8; until the next row is read */
	size_t count;
	const char *broken; /* why it cannot be read, as a sentence; NULL: it can */
};
/* The next row that is not empty. A broken one is passed over up to its end, so that the one behind
 * it can be read. False: there is none any more, or *err says that the file could not be read
 * (ERR_OK else). */
bool csv_next(struct csv *csv, struct csv_row *out, struct err *err);

#endif
