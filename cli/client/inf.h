/*
 * Setup information files (*.inf), the form in which certreq takes what a request is to hold:
 * sections of "name = value" lines, quotes, comments behind ';', a '\' at the end of a line that
 * goes on, texts of [Strings] between '%'. What names mean is the caller's.
 */
#ifndef CLIENT_INF_H
#define CLIENT_INF_H

#include "buf.h"

#define INF_FILE_MAX 65536

struct inf_line {
	char *section, *name, *value;
	int number; /* of the line in the file */
};

struct inf {
	struct inf_line *list;
	size_t count;
};

/* UTF-8, with or without a byte order mark, or UTF-16 with one. A line of the name _continue_ is
 * the rest of the value before it. An error has the line's number in front. */
bool inf_read(struct view text, struct inf *out, struct err *err);
void inf_free(struct inf *inf);

#endif
