/* dirca help: all verbs, or one verb's options. */
#include <stdio.h>
#include <string.h>

#include "verbs.h"
#include "work.h"

bool
cmd_help(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	char two[64];

	(void)err;
	if (cli->count == 0) {
		cli_print_verbs(cli);
		return true;
	}
	snprintf(two, sizeof two, "%s%s%s", cli->args[0], cli->count > 1 ? " " : "",
	    cli->count > 1 ? cli->args[1] : "");
	for (size_t i = 0; i < cli->verb_count; i++)
		if (strcmp(cli->verbs[i].name, two) == 0) {
			cli_print_usage(&cli->verbs[i]);
			return true;
		}
	fprintf(stderr, "dirca: no verb %s\n", two);
	w->status = CLI_USAGE;
	return true;
}
