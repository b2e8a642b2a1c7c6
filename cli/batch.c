#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "interruption.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "progress.h"
#include "request_list.h"
#include "text.h"

/* ---- which ---- */

static void
add(struct batch *b, long long id)
{
	b->ids = mem_grow_long(b->ids, b->count, sizeof *b->ids);
	b->ids[b->count++] = id;
}

static bool
add_row(const json_t *row, void *arg, struct err *err)
{
	(void)err;
	add(arg, (long long)json_integer_value(json_object_get(row, "request_id")));
	return true;
}

/* Those of them that are in the state which the act is about. */
static bool
list(struct work *w, struct batch *b, const struct cli_list *where, const struct id_range *range,
    struct err *err)
{
	OWNED(table_filter_free) struct table_filter filter = {0};
	struct request_list l = {.path = "/dirca/v1/requests?",
	    .filter = &filter,
	    .after = range != NULL ? range->from - 1 : 0,
	    .last = range != NULL ? range->to : 0,
	    .left = INT64_MAX,
	    .each = add_row,
	    .arg = b};

	if (!request_filter_parse(b->disposition, where, &filter, err))
		return false;
	filter.exact = true;
	return request_list_walk(w, &l, err);
}

static bool
read_ids(const struct cli *cli, struct request_ids *ids, struct err *err)
{
	for (int i = 0; i < cli->count; i++)
		if (!request_ids_add(ids, cli->args[i], err))
			return false;
	return !cli->opt.from_stdin || request_ids_read(ids, stdin, err);
}

static bool
find_ids(struct work *w, struct batch *b, const struct request_ids *ids, struct err *err)
{
	const struct cli_list none = {0};

	for (size_t i = 0; i < ids->count; i++)
		if (ids->list[i].from == ids->list[i].to)
			add(b, ids->list[i].from);
		else if (!list(w, b, &none, &ids->list[i], err))
			return false;
	return true;
}

static int
compare(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* In their order, each once. */
static void
settle(struct batch *b)
{
	size_t kept = 0;

	if (b->count == 0)
		return;
	qsort(b->ids, b->count, sizeof *b->ids, compare);
	for (size_t i = 1; i < b->count; i++)
		if (b->ids[i] != b->ids[kept])
			b->ids[++kept] = b->ids[i];
	b->count = kept + 1;
}

static bool
ask(const struct work *w, const struct batch *b, struct err *err)
{
	OWNED(own_memory)
	char *question = text_printf("%s %zu %s%s%s%s%s?", b->act_name, b->count, b->noun,
	    b->count == 1 ? "" : "s", b->remark != NULL ? " (" : "",
	    b->remark != NULL ? b->remark : "", b->remark != NULL ? ")" : "");

	if (!w->cli->opt.yes)
		return cli_confirm(question, err);
	if (!w->cli->opt.json)
		puts(question);
	return true;
}

bool
batch_find(struct work *w, struct batch *b, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(request_ids_free) struct request_ids ids = {0};
	bool by_where = cli->opt.where.count > 0;

	if ((cli->count > 0) + (int)by_where + (int)cli->opt.from_stdin != 1)
		return err_set(err, DIRCA_E_USAGE,
		    "name requests by their ids, say with --where which they are, or give their "
		    "ids on standard input (--stdin)");
	if (!read_ids(cli, &ids, err) || !work_open(w, NEEDS_CA, err) ||
	    !(by_where ? list(w, b, &cli->opt.where, NULL, err) : find_ids(w, b, &ids, err)))
		return false;
	settle(b);
	b->many = cli->count != 1 || b->count != 1 || ids.list[0].from != ids.list[0].to;
	if (b->count == 0)
		return err_set(err, CRYPT_E_NOT_FOUND, "no request %s that is %s",
		    by_where ? "matches" : "is among them", b->disposition);
	return !by_where || ask(w, b, err);
}

void
batch_free(struct batch *b)
{
	free(b->ids);
	b->ids = NULL;
}

/* ---- what becomes of them ---- */

/* Else the next one would be answered likewise: by the caller's rights, what he says, or the way to
 * the CA. */
static bool
is_of_one_request(enum err_code code)
{
	enum err_category c = err_category(code);

	if (code == E_INVALIDARG || code == E_ACCESSDENIED || code == DIRCA_E_CHANNEL_BINDING ||
	    code == DIRCA_E_USAGE)
		return false;
	return c == ERR_CATEGORY_BAD_REQUEST || c == ERR_CATEGORY_REFUSED ||
	       c == ERR_CATEGORY_NOT_FOUND || c == ERR_CATEGORY_CONFLICT ||
	       c == ERR_CATEGORY_TOO_LARGE;
}

static void
tell_done(const struct work *w, const struct batch *b, const json_t *answer)
{
	if (w->cli->opt.json)
		print_json_next(answer, b->at);
	else if (!b->many || w->cli->opt.verbose)
		printf("Request %lld: %s\n", b->ids[b->at], b->done);
}

static void
tell_refused(const struct work *w, const struct batch *b, const struct err *why)
{
	OWNED(own_json) json_t *told = NULL;
	OWNED(own_memory) char *named = text_printf("request %lld is ", b->ids[b->at]);

	progress_clear();
	fprintf(stderr, "Request %lld: %s (%s)\n", b->ids[b->at],
	    strncmp(why->msg, named, strlen(named)) == 0 ? why->msg + strlen(named) : why->msg,
	    err_name(why->code));
	if (!w->cli->opt.json)
		return;
	told = json_pack("{s:I, s:{s:s, s:s}}", "request_id", (json_int_t)b->ids[b->at], "error",
	    "name", err_name(why->code), "message", why->msg);
	print_json_next(told, b->at);
}

static bool
do_one(struct work *w, struct batch *b, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;

	if (b->act(w, b->ids[b->at], b->arg, &answer, err)) {
		tell_done(w, b, answer);
	} else if (b->many && is_of_one_request(err->code)) {
		tell_refused(w, b, err);
		b->refused++;
	} else {
		return b->many ? err_prefix(err, "request %lld", b->ids[b->at]) : false;
	}
	b->at++;
	progress_say("%zu of %zu, %zu refused", b->at, b->count, b->refused);
	return true;
}

static void
tell_end(const struct work *w, const struct batch *b)
{
	if (w->cli->opt.json) {
		if (b->at > 0)
			print_json_end(b->at);
	} else if (b->many) {
		printf("%zu of %zu %s, %zu refused", b->at - b->refused, b->count, b->done,
		    b->refused);
		if (b->at < b->count)
			printf(
			    ", %zu not looked at, from %lld on", b->count - b->at, b->ids[b->at]);
		printf(".\n");
	}
}

bool
batch_run(struct work *w, struct batch *b, struct err *err)
{
	bool ok = true;

	interruption_begin();
	while (ok && b->at < b->count && !interruption_came())
		ok = do_one(w, b, err);
	progress_clear();
	tell_end(w, b);
	interruption_end();
	if (b->refused > 0)
		w->status = CLI_FAILED;
	return ok;
}
