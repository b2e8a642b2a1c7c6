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
#include "listing.h"
#include "local_audit.h"
#include "mem.h"
#include "own_json.h"
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
put_in_place(struct work *w, const char *part, const struct archive_order *order, struct err *err)
{
	OWNED(buf_free) struct buf entries = {0}, file = {0};
	struct output out = {.path = w->cli->args[0], .mode = 0600};

	if (!file_read_no_link(part, FILE_MOST, &entries, err) ||
	    (order != NULL &&
		!archive_order_make(w->config, order, buf_view(&entries), &file, err)) ||
	    !buf_append(&file, buf_view(&entries), err))
		return false;
	out.content = buf_view(&file);
	return outputs_write(&out, 1, false, err);
}

/* Whole or not there: under a name of its own until it is, args[3] of what dircad is told.
 * `order` NULL: a drill of keys that its agent opens alone, which needs none. */
static bool
export_as(struct work *w, const char **args, const struct archive_order *order, struct err *err)
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
					 : put_in_place(w, part, order, err);
		ok = ok || local_audit_failed(w->cli, w->cli->args[0], "", err);
	}
	unlink(part);
	return ok;
}

static bool
export_to(struct work *w, const char **args, const struct archive_order *order, struct err *err)
{
	bool ok;

	if (!output_check(w->cli->args[0], false, err))
		return false;
	interruption_begin();
	ok = export_as(w, args, order, err);
	interruption_end();
	return ok;
}

static bool
add_args(const char **args, size_t *n, const char *const *list, size_t count, struct err *err)
{
	if (count > DAEMON_ARGS_MAX - *n)
		return err_set(err, E_INVALIDARG, "over %d agents are named", CLI_LIST_MAX);
	for (size_t i = 0; i < count; i++)
		args[(*n)++] = list[i];
	return true;
}

/* The SHA-1 of each agent stands behind file and limit; those who give their shares are counted. */
bool
cmd_archive_export(struct work *w, struct err *err)
{
	const struct cli_list *with = &w->cli->opt.with_agents;
	OWNED(texts_free) struct texts agents = {0};
	OWNED(own_memory) char *limit = text_printf("%lld", (long long)w->cli->opt.limit);
	OWNED(own_memory) char *count = text_printf("%zu", with->count);
	const char *args[DAEMON_ARGS_MAX + 1] = {"--database", "export", "--", NULL, limit};
	struct cli_list names = {0};
	size_t n = 5;

	for (int i = 1; i < w->cli->count && names.count < CLI_LIST_MAX; i++)
		names.list[names.count++] = w->cli->args[i];
	if (!kra_hashes(w, &names, &agents, err) || !kra_hashes(w, with, &agents, err))
		return false;
	const char *const *hashes = (const char *const *)agents.list;
	const struct archive_order order = {.to = hashes + 1,
	    .count = names.count - 1,
	    .combiner = with->count > 0 ? hashes[0] : NULL};

	args[n++] = hashes[0];
	args[n++] = count;
	return add_args(args, &n, hashes + names.count, with->count, err) &&
	       add_args(args, &n, order.to, order.count, err) && export_to(w, args, &order, err);
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
	const struct cli_list *with = &w->cli->opt.with_agents;
	OWNED(texts_free) struct texts agents = {0};
	const char *batch = w->cli->opt.batch != NULL ? w->cli->opt.batch : "";
	int64_t usual = *batch != '\0' ? SAMPLE_BATCH : SAMPLE;
	OWNED(own_memory)
	char *sample =
	    text_printf("%lld", (long long)(w->cli->opt.sample > 0 ? w->cli->opt.sample : usual));
	const char *args[DAEMON_ARGS_MAX + 1] = {
	    "--database", "drill-new", "--", NULL, NULL, sample, batch};
	size_t n = 7;

	if (!kra_hashes(w, &names, &agents, err) || !kra_hashes(w, with, &agents, err))
		return false;
	const char *const *hashes = (const char *const *)agents.list;
	const struct archive_order order = {.combiner = hashes[0]};

	args[4] = hashes[0];
	return add_args(args, &n, hashes + 1, with->count, err) &&
	       export_to(w, args, with->count > 0 ? &order : NULL, err);
}

/* Held against ca/service/drill_acts.c by tests/lint/openapi.py. */
static const struct table_column columns[] = {
    {"drill", TABLE_HEX, false, NULL},
    {"certificate_hash", TABLE_HEX, false, NULL},
    {"opened", TABLE_WHEN, false, NULL},
    {"reported", TABLE_WHEN, false, NULL},
    {"keys", TABLE_NUMBER, false, NULL},
    {"proved", TABLE_NUMBER, false, NULL},
    {"state", TABLE_TEXT, false, NULL},
};
static const struct table table = {
    columns, COUNT_OF(columns), "drill,certificate_hash,opened,reported,keys,proved,state", NULL};

bool
cmd_archive_drill_list(struct work *w, struct err *err)
{
	const char *const args[] = {"--database", "drill-list", NULL};
	OWNED(own_json) json_t *list = NULL;
	int status;

	if (!daemon_json(w->cli, args, &list, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	if (list == NULL && status == 0)
		return err_set(err, DIRCA_E_IO, "dircad is of another version than dirca");
	return list == NULL || listing_print(&table, list, &w->cli->opt, err);
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
