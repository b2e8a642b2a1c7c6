/* dirca audit compare. */
#include "daemon_run.h"
#include "verbs.h"
#include "work.h"

bool
cmd_audit_compare(struct work *w, struct err *err)
{
	const char *const args[] = {"--audit-compare", w->cli->opt.json ? "--json" : NULL, NULL};
	int status;

	if (!daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}
