/*
 * What a verb prints may hold names that somebody else chose. Standard output and standard error
 * pass all of it through one filter, so that no verb can forget it.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdio.h>

/* From here on, what is printed to `stdout` and `stderr` comes out escaped (base/printable.h), but
 * for new lines and tabs. In a JSON string the escapes mean the character that they stand for. */
void screen_open(void);
/* A stream that writes to descriptor `fd` so. */
FILE *screen_stream(int fd);

#endif
