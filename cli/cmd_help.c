/* dirca help: all verbs, those of a group, or one verb's options. */
#include <stdio.h>

#include "mem.h"
#include "own.h"
#include "verb_find.h"
#include "verbs.h"
#include "work.h"

bool
cmd_help(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(own_memory) char *group = NULL;
	const struct verb *verb;
	int used;

	if (cli->count == 0) {
		cli_print_verbs(cli, NULL);
		return true;
	}
	verb = verb_find(cli, cli->count, cli->args, &used);
	if (verb != NULL && used == cli->count)
		cli_print_usage(verb);
	else if ((group = verb_group(cli, cli->count, cli->args)) != NULL)
		cli_print_verbs(cli, group);
	else
		return verb_refuse(cli, cli->count, cli->args, err);
	return true;
}
