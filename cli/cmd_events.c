/* dirca events. */
#include "clock.h"
#include "mem.h"
#include "own.h"
#include "record_pages.h"
#include "text.h"
#include "verbs.h"

/* Held against docs/openapi.yaml by tests/lint/openapi.py. */
static const struct table_column columns[] = {
    {"row_id", TABLE_NUMBER, false, NULL},
    {"when", TABLE_WHEN, false, NULL},
    {"number", TABLE_NUMBER, false, NULL},
    {"name", TABLE_TEXT, false, NULL},
    {"level", TABLE_TEXT, false, NULL},
    {"category", TABLE_TEXT, false, NULL},
    {"request_id", TABLE_NUMBER, false, NULL},
    {"text", TABLE_TEXT, false, NULL},
};
static const struct table table = {
    columns, COUNT_OF(columns), "row_id,when,level,number,text", NULL};

static bool
filter_since(struct record_pages *p, const char *period, struct err *err)
{
	OWNED(own_memory) char *since = NULL;
	int64_t seconds;

	if (period == NULL)
		return true;
	if (!cli_period(period, &seconds, err))
		return false;
	since = text_printf("%lld", (long long)(clock_now() - seconds));
	record_filter(p, "since", since);
	return true;
}

bool
cmd_events(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(record_pages_free)
	struct record_pages p = {.path = "/dirca/v1/events", .member = "events", .id = "row_id"};

	if (!filter_since(&p, opt->since, err))
		return false;
	record_filter(&p, "number", opt->number);
	record_filter(&p, "level", opt->level);
	record_filter(&p, "request", opt->request);
	return record_list(w, &p, &table, NULL, err);
}
