/* dirca requests, approve, deny, resubmit. */
#include <string.h>

#include "batch.h"
#include "own_json.h"
#include "request_list.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

/* Where the CA has an index, it sorts; by another column it is done here, while what is behind the
 * limit is forgotten. */
static bool
choose_order(const struct cli_options *opt, struct request_sorter *s, bool *here, struct err *err)
{
	*s = (struct request_sorter){.descending = opt->descending, .most = cli_limit(opt)};
	if (opt->sort != NULL && (s->column = table_find(&request_table, opt->sort, err)) == NULL)
		return false;
	*here = s->column != NULL && !s->column->indexed;
	return !*here || opt->after == 0 ||
	       err_set(err, DIRCA_E_USAGE,
		   "by %s the CA does not sort, and so --after cannot go on in that order; "
		   "--limit says how many of it are printed",
		   s->column->name);
}

static bool
sort_row(const json_t *row, void *arg, struct err *err)
{
	(void)err;
	request_sort_add(arg, row);
	return true;
}

static void
print_sorted(struct request_sorter *s, struct listing *l)
{
	request_sort_end(s);
	for (size_t i = 0; i < s->count; i++)
		listing_add(l, s->list[i]);
	if (s->seen > s->count)
		fprintf(stderr, "There are %zu more: --limit or --all prints them.\n",
		    s->seen - s->count);
}

bool
cmd_requests(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(table_filter_free) struct table_filter filter = {0};
	OWNED(request_sorter_free) struct request_sorter sorter = {0};
	OWNED(listing_free) struct listing printed = {0};
	struct request_list l = {.path = "/dirca/v1/requests?",
	    .filter = &filter,
	    .after = opt->after,
	    .left = cli_limit(opt),
	    .each = request_print,
	    .arg = &printed,
	    .listing = &printed};
	OWNED(own_memory) char *after = NULL;
	bool sorts;

	if (!listing_open(&printed, &request_table, opt, err) ||
	    !choose_order(opt, &sorter, &sorts, err) ||
	    !request_filter_parse(opt->disposition, &opt->where, &filter, err) ||
	    !work_open(w, NEEDS_CA, err))
		return false;
	table_filter_free(&printed.filter); /* the list is of nothing else */
	if (sorts) {
		l.left = INT64_MAX;
		l.each = sort_row;
		l.arg = &sorter;
	} else {
		l.sort = opt->sort;
		l.descending = opt->descending;
	}
	if (!request_list_walk(w, &l, err))
		return false;
	if (sorts)
		print_sorted(&sorter, &printed);
	listing_end(&printed);
	if (l.after > 0)
		after = text_printf("%lld", l.after);
	cli_say_more(after);
	return true;
}

/* What is posted of each, and what becomes of it. */
struct decision {
	const char *path; /* "/approve" */
	const json_t *body;
};

static bool
decide(struct work *w, long long id, const void *arg, json_t **answer_out, struct err *err)
{
	const struct decision *d = arg;
	OWNED(own_memory) char *path = text_printf("/dirca/v1/requests/%lld%s", id, d->path);

	return http_client_json(w->ca, "POST", path, d->body, answer_out, err);
}

static bool
decide_all(struct work *w, const char *disposition, const char *act_name, const char *done,
    const struct decision *d, struct err *err)
{
	OWNED(batch_free)
	struct batch b = {.act_name = act_name,
	    .noun = "request",
	    .done = done,
	    .disposition = disposition,
	    .act = decide,
	    .arg = d};

	return batch_find(w, &b, err) && batch_run(w, &b, err);
}

bool
cmd_approve(struct work *w, struct err *err)
{
	const struct decision d = {.path = "/approve"};

	return decide_all(w, "pending", "Approve", "issued", &d, err);
}

bool
cmd_resubmit(struct work *w, struct err *err)
{
	const struct decision d = {.path = "/resubmit"};

	return decide_all(w, "denied", "Decide anew", "issued", &d, err);
}

bool
cmd_deny(struct work *w, struct err *err)
{
	const char *reason = w->cli->opt.reason;
	OWNED(own_json)
	json_t *body = reason != NULL ? json_pack("{s:s}", "reason", reason) : json_object();
	const struct decision d = {.path = "/deny", .body = body};

	if (body == NULL)
		return err_set(err, DIRCA_E_USAGE, "--reason is not UTF-8");
	return decide_all(w, "pending", "Deny", "denied", &d, err);
}
