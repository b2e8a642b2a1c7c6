/* dirca import adcs: dircad does it, which knows the database. */
#include "daemon_run.h"
#include "local_audit.h"
#include "verbs.h"
#include "work.h"

#include <string.h>

bool
cmd_import_adcs(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	const struct cli_options *o = &cli->opt;
	const char *args[] = {"--import-adcs", "--", cli->args[0],
	    o->columns != NULL ? o->columns : "", o->dates != NULL ? o->dates : "", NULL, NULL};
	int status;

	if (o->dates != NULL && strcmp(o->dates, "mdy") != 0 && strcmp(o->dates, "dmy") != 0)
		return err_set(err, DIRCA_E_USAGE, "--dates is mdy or dmy");
	if (o->dry_run) {
		memmove(args + 1, args, sizeof args - sizeof args[0]);
		args[0] = "--dry-run";
	}
	/* The record of what was done is dircad's. */
	if ((!o->dry_run && !local_audit_begin(cli, cli->args[0], "", err)) ||
	    !daemon_run(cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}
