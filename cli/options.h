/* The options: one row each (options.c), of groups that verbs take (verbs.h). */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>

#include "cli.h"

enum option_kind { FLAG, TEXT, NUMBER, LIST };

struct option_row {
	const char *name; /* without "--" */
	char letter;      /* 0: none; those of the LDAP tools where they mean the same */
	enum option_kind kind;
	const enum cli_opts *groups;
	size_t offset;
	const char *argument, *help;
	int64_t min, max; /* NUMBER */
};
extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* Whether the verb takes it. */
bool option_applies(const struct option_row *row, const struct verb *verb);
bool option_is_of(const struct option_row *row, enum cli_opts group);

#endif
