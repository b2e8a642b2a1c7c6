/* dirca archive coverage: who can open the archived keys. dircad counts them, which knows the
 * database. */
#include "daemon_run.h"
#include "kra_enabled.h"
#include "own.h"
#include "verbs.h"
#include "work.h"

bool
cmd_archive_coverage(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	const char *args[DAEMON_ARGS_MAX + 1] = {"--database", "coverage"};
	OWNED(texts_free) struct texts leaving = {0};
	size_t n = 2;
	int status;

	if (!kra_hashes(w, &opt->without, &leaving, err))
		return false;
	if (opt->json)
		args[n++] = "--json";
	if (opt->list_keys)
		args[n++] = "--list";
	args[n++] = "--";
	for (size_t i = 0; i < leaving.count && n < DAEMON_ARGS_MAX; i++)
		args[n++] = leaving.list[i];
	if (!daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}
