/*
 * Commands that people are told to type next: words as a shell takes them, and the CA that they are
 * for, where the directory names several.
 */
#ifndef CLI_COMMAND_WORDS_H
#define CLI_COMMAND_WORDS_H

#include <stdio.h>

#include "session.h"

/* command_quoted, command_file (command.h), printed. */
void print_quoted(FILE *to, const char *text);
void print_file(FILE *to, const char *name);

/* " --ca 'HOST\\NAME'", or as --ca named it; "" where a command finds it without. `service` may be
 * NULL: the CA is the session's only one. free(). */
char *command_ca(const struct session *s, const struct pki_service *service);
/* Puts that into each `command` of a CA's sentence that asks this CA. A sentence that grows too
 * long stays as it is. free(). */
char *command_complete(const struct cli *cli, const char *sentence, const char *ca);
void command_complete_err(const struct cli *cli, struct err *err, const char *ca);

#endif
