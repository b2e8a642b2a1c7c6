/* Events, for auditors and administrators. */
#include "routes.h"

#include "json.h"
#include "log.h"
#include "mem.h"
#include "own.h"

#define PAGE 1000
/* How many rows one call looks at: where few of them fit, a page has few, or none. */
#define ROWS_READ 16384

/* What is asked for; 0 for everything. */
struct query {
	int64_t after, limit, since, number, request_id;
	enum event_level level; /* at least as grave */
};

static bool
read_query(const struct route_call *c, struct query *q, struct err *err)
{
	OWNED(own_memory) char *number = http_call_query(c->http, "number");
	OWNED(own_memory) char *level = http_call_query(c->http, "level");
	const struct event_kind *kind = NULL;

	q->limit = PAGE;
	q->level = EVENT_LEVEL_INFORMATION;
	if (number != NULL && (kind = event_find(number, err)) == NULL)
		return false;
	q->number = kind != NULL ? (int64_t)kind->id : 0;
	return (level == NULL || event_level_find(level, &q->level, err)) &&
	       route_number(c, "after", 0, INT64_MAX, &q->after, err) &&
	       route_number(c, "limit", 1, PAGE, &q->limit, err) &&
	       route_number(c, "since", 0, INT64_MAX, &q->since, err) &&
	       route_number(c, "request", 1, INT64_MAX, &q->request_id, err);
}

static bool
fits(const struct query *q, const struct event_record *e)
{
	const struct event_kind *kind = event_kind(e->number);

	return (q->number == 0 || q->number == e->number) && e->when >= q->since &&
	       (q->request_id == 0 || q->request_id == e->request_id) &&
	       (kind == NULL || kind->level <= q->level);
}

struct page {
	const struct query *query;
	json_t *events;
};

static bool
add_event(const struct event_record *e, void *arg)
{
	struct page *p = arg;

	if (fits(p->query, e))
		json_array_append_new(p->events, json_event(e));
	return json_array_size(p->events) < (size_t)p->query->limit;
}

void
route_events(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(json_free) json_t *events = json_array();
	struct query q = {0};
	struct page p = {&q, events};
	struct event_reading reading = {0};
	struct err err;

	if (!read_query(c, &q, &err) || !route_may_watch(view, &c->caller, &err) ||
	    !store_read_events(c->ca->store, q.after, ROWS_READ, add_event, &p, &reading, &err)) {
		log_warn("reading of events refused", LOG_STR("by", c->caller.downlevel),
		    LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	json_answer(c->http, 200,
	    json_pack("{s:O, s:o}", "events", events, "next",
		reading.ended ? json_null() : json_integer(reading.last)));
}
