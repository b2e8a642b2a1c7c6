/* dirca archive coverage, export, import, revert, settle, drill new, list and report: who can open
 * the archived keys, keys that an agent seals to others, and proofs that he opens them. dircad does
 * it, which knows the database. */
#include <stdio.h>
#include <unistd.h>

#include "archive_order.h"
#include "daemon_run.h"
#include "file.h"
#include "interruption.h"
#include "kra_enabled.h"
#include "local_audit.h"
#include "output.h"
#include "own.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define FILE_MOST (512 * 1024 * 1024)

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

/* What dircad wrote as the front, and before it, of a batch, what root signs here: with whom root
 * has enabled, and with how many keys there are. */
static bool
put_in_place(struct work *w, const char *part, const struct texts *agents, struct err *err)
{
	OWNED(buf_free) struct buf entries = {0}, file = {0};
	struct output out = {.path = w->cli->args[0], .mode = 0600};

	if (!file_read_no_link(part, FILE_MOST, &entries, err) ||
	    (agents != NULL && !archive_order_make(w->config, (const char *const *)agents->list + 1,
				   agents->count - 1, buf_view(&entries), &file, err)) ||
	    !buf_append(&file, buf_view(&entries), err))
		return false;
	out.content = buf_view(&file);
	return outputs_write(&out, 1, false, err);
}

/* Whole or not there: under a name of its own until it is, args[3] of what dircad is told.
 * `agents`: of a batch, from whom and to whom; NULL: it is none. */
static bool
export_as(struct work *w, const char **args, const struct texts *agents, struct err *err)
{
	OWNED(own_memory) char *part = NULL;
	int status;
	bool ok;

	if (!file_name_beside(w->cli->args[0], &part, err))
		return false;
	args[3] = part;
	ok = daemon_run(w->cli, args, &status, err);
	if (ok)
		w->status = (enum cli_exit)status;
	if (ok && status == 0) { /* which is recorded, whatever comes of it here */
		ok = interruption_came() ? err_set(err, DIRCA_E_IO, "interrupted")
					 : put_in_place(w, part, agents, err);
		ok = ok || local_audit_failed(w->cli, w->cli->args[0], "", err);
	}
	unlink(part);
	return ok;
}

static bool
export_to(struct work *w, const char **args, const struct texts *agents, struct err *err)
{
	bool ok;

	if (!output_check(w->cli->args[0], false, err))
		return false;
	interruption_begin();
	ok = export_as(w, args, agents, err);
	interruption_end();
	return ok;
}

/* The SHA-1 of each agent stands behind file and limit. */
bool
cmd_archive_export(struct work *w, struct err *err)
{
	OWNED(texts_free) struct texts agents = {0};
	OWNED(own_memory) char *limit = text_printf("%lld", (long long)w->cli->opt.limit);
	const char *args[DAEMON_ARGS_MAX + 1] = {"--database", "export", "--", NULL, limit};
	struct cli_list names = {0};

	for (int i = 1; i < w->cli->count && names.count < CLI_LIST_MAX; i++)
		names.list[names.count++] = w->cli->args[i];
	if (!kra_hashes(w, &names, &agents, err))
		return false;
	for (size_t i = 0; i < agents.count && i + 5 < DAEMON_ARGS_MAX; i++)
		args[i + 5] = agents.list[i];
	return export_to(w, args, &agents, err);
}

static bool
run_with(struct work *w, const char *what, struct err *err)
{
	const char *const args[] = {"--database", what, "--", w->cli->args[0], NULL};
	int status;

	if (!local_audit_begin(w->cli, w->cli->args[0], "", err) ||
	    !daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}

#define SAMPLE       20
#define SAMPLE_BATCH 10000 /* all of it */

bool
cmd_archive_drill_new(struct work *w, struct err *err)
{
	const struct cli_list names = {.list = {w->cli->args[1]}, .count = 1};
	OWNED(texts_free) struct texts agent = {0};
	const char *batch = w->cli->opt.batch != NULL ? w->cli->opt.batch : "";
	int64_t usual = *batch != '\0' ? SAMPLE_BATCH : SAMPLE;
	OWNED(own_memory)
	char *sample =
	    text_printf("%lld", (long long)(w->cli->opt.sample > 0 ? w->cli->opt.sample : usual));

	if (!kra_hashes(w, &names, &agent, err))
		return false;
	const char *args[] = {
	    "--database", "drill-new", "--", NULL, agent.list[0], sample, batch, NULL};

	return export_to(w, args, NULL, err);
}

bool
cmd_archive_drill_list(struct work *w, struct err *err)
{
	const char *const args[] = {
	    "--database", "drill-list", w->cli->opt.json ? "--json" : NULL, NULL};
	int status;

	if (!daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}

bool
cmd_archive_import(struct work *w, struct err *err)
{
	return run_with(w, "import", err);
}

bool
cmd_archive_revert(struct work *w, struct err *err)
{
	return run_with(w, "revert", err);
}

bool
cmd_archive_settle(struct work *w, struct err *err)
{
	return run_with(w, "settle", err);
}

bool
cmd_archive_drill_report(struct work *w, struct err *err)
{
	return run_with(w, "drill-report", err);
}
