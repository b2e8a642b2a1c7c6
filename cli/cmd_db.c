/* dirca db check, stats, version, migrate, sealed, vacuum: dircad does it, which knows the
 * database. */
#include "daemon_run.h"
#include "verbs.h"
#include "work.h"

static bool
with_database(struct work *w, const char *what, struct err *err)
{
	const char *const args[] = {"--database", what, w->cli->opt.json ? "--json" : NULL, NULL};
	int status;

	if (!daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}

bool
cmd_db_check(struct work *w, struct err *err)
{
	return with_database(w, "check", err);
}

bool
cmd_db_stats(struct work *w, struct err *err)
{
	return with_database(w, "stats", err);
}

bool
cmd_db_sealed(struct work *w, struct err *err)
{
	return with_database(w, "sealed", err);
}

bool
cmd_db_vacuum(struct work *w, struct err *err)
{
	return with_database(w, "vacuum", err);
}

bool
cmd_db_version(struct work *w, struct err *err)
{
	return with_database(w, "version", err);
}

bool
cmd_db_migrate(struct work *w, struct err *err)
{
	const char *const args[] = {
	    "--database", "migrate", w->cli->opt.dry_run ? "--dry-run" : NULL, NULL};
	int status;

	if (!daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}
