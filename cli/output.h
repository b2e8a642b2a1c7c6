/*
 * What a verb makes, put where the caller wants it: files that are whole or not there, readable by
 * nobody else, or standard output ("-"). Interrupted, it leaves nothing.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>
#include <sys/types.h>

#include "buf.h"

struct output {
	const char *path; /* "-": standard output */
	struct view content;
	mode_t mode;
};

bool output_is_standard(const char *path);
/* Whether it could be written, before anything is done for it. ERROR_FILE_EXISTS unless `force`;
 * what is no regular file is not replaced in any case. A key is not shown on a terminal. */
bool output_check(const char *path, bool force, struct err *err);
/* All of them or none: where one fails, or a signal comes that ends the program, what was there
 * before is there again; what cannot be taken back (a file system without RENAME_EXCHANGE) is
 * named. Standard output comes last, wherever it stands. */
bool outputs_write(const struct output *list, size_t count, bool force, struct err *err);
/* Where words for people go: not between the octets of a result. */
FILE *output_words(const char *path);

#endif
