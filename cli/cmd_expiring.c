/* dirca expiring, stats. */
#include <stdlib.h>

#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "request_list.h"
#include "text.h"
#include "verbs.h"

/* Of requests the columns that matter here. */
static const struct table *
expiring_table(void)
{
	static struct table t;

	t = request_table;
	t.usual = "request_id,not_after,template,requester_name,serial_number";
	t.csv = NULL;
	return &t;
}

bool
cmd_expiring(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(table_filter_free) struct table_filter filter = {0};
	OWNED(own_memory)
	char *of = opt->template != NULL ? text_printf("template=%s", opt->template) : NULL;
	OWNED(own_memory) char *path = NULL;
	OWNED(listing_free) struct listing printed = {0};
	struct request_list l = {.filter = &filter,
	    .left = INT64_MAX,
	    .each = request_print,
	    .arg = &printed,
	    .listing = &printed};
	int64_t seconds;

	if (!cli_period(opt->within != NULL ? opt->within : "30d", &seconds, err) ||
	    !request_filter_parse(NULL, &opt->where, &filter, err) ||
	    (of != NULL && !table_filter_add(&request_table, of, &filter, err)) ||
	    !listing_open(&printed, expiring_table(), opt, err))
		return false;
	table_filter_free(&printed.filter); /* the list is of nothing else */
	path = text_printf("/dirca/v1/expiring?within=%lld&", (long long)seconds);
	l.path = path;
	if (!work_open(w, NEEDS_CA, err) || !request_list_walk(w, &l, err))
		return false;
	if (printed.printed > 0 || printed.format != LISTING_TABLE)
		listing_end(&printed);
	if (printed.printed > 0)
		w->status = CLI_FINDINGS;
	return true;
}

/* What the CA counts as it goes; nothing is scanned for it. */
bool
cmd_stats(struct work *w, struct err *err)
{
	static const char *const names[] = {
	    "pending", "issued", "revoked", "denied", "error", "archived_keys"};
	OWNED(own_json) json_t *answer = NULL;
	json_t *counts;

	if (!http_client_json(w->ca, "GET", "/dirca/v1/ca", NULL, &answer, err))
		return false;
	if (!json_is_object(counts = json_object_get(answer, "requests")))
		return err_set(err, DIRCA_E_NETWORK, "the CA gave no counts");
	if (w->cli->opt.json) {
		print_json(json_incref(counts));
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(names); i++)
		printf("%-14s %lld\n", names[i],
		    (long long)json_integer_value(json_object_get(counts, names[i])));
	return true;
}
