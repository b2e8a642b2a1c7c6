/* dirca audit compare. */
#include "daemon_run.h"

enum cli_exit
cmd_audit_compare(struct cli *cli)
{
	const char *const args[] = {"--audit-compare", cli->opt.json ? "--json" : NULL, NULL};
	struct err err;
	int status;

	return daemon_run(cli, args, &status, &err) ? (enum cli_exit)status : cli_fail(cli, &err);
}
