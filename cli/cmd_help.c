/* dirca help: all verbs, or one verb's options. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum cli_exit
cmd_help(struct cli *cli)
{
	char two[64];

	if (cli->count == 0) {
		cli_print_verbs(cli);
		return CLI_OK;
	}
	snprintf(two, sizeof two, "%s%s%s", cli->args[0], cli->count > 1 ? " " : "",
	    cli->count > 1 ? cli->args[1] : "");
	for (size_t i = 0; i < cli->verb_count; i++)
		if (strcmp(cli->verbs[i].name, two) == 0) {
			cli_print_usage(&cli->verbs[i]);
			return CLI_OK;
		}
	fprintf(stderr, "dirca: no verb %s\n", two);
	return CLI_USAGE;
}
