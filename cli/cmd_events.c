/* dirca events. */
#include <stdio.h>

#include "clock.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "record_pages.h"
#include "text.h"
#include "verbs.h"

static void
print_event(const json_t *e)
{
	printf("%6lld  %s  %-11s %4lld  ",
	    (long long)json_integer_value(json_object_get(e, "row_id")), json_text(e, "when"),
	    json_text(e, "level"), (long long)json_integer_value(json_object_get(e, "number")));
	print_name(stdout, json_text(e, "text"));
	putchar('\n');
}

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
	struct record_pages p = {.path = "/dirca/v1/events", .member = "events"};

	if (!filter_since(&p, opt->since, err))
		return false;
	record_filter(&p, "number", opt->number);
	record_filter(&p, "level", opt->level);
	record_filter(&p, "request", opt->request);
	return record_list(w, &p, print_event, err);
}
