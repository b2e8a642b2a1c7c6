/* The audit trail, for auditors: the rows as they stand. Who reads it verifies it, so that a row
 * that was changed can be shown. */
#include "routes.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define PAGE 1000
/* How many rows one call looks at: where few of them fit, a page has few, or none. */
#define ROWS_READ 16384

/* What is asked for: text in small letters (text_fold), NULL and 0 for everything. */
struct query {
	int64_t after, limit, request_id, event;
	char *actor, *object;
	char *number; /* `object` as records write a serial number or hash; NULL: it is none */
};

static void
query_free(struct query *q)
{
	free(q->actor);
	free(q->object);
	free(q->number);
}

/* In pairs or with colons, as certificates are shown elsewhere; free(). */
static char *
as_number(const char *text)
{
	OWNED(buf_free) struct buf bytes = {0};
	struct err ignored;

	return strpbrk(text, ": ") != NULL && hex_decode(text, &bytes, &ignored)
		   ? hex_encode(buf_view(&bytes), '\0')
		   : NULL;
}

static bool
read_query(const struct route_call *c, struct query *q, struct err *err)
{
	OWNED(own_memory) char *word = http_call_query(c->http, "event");
	enum audit_event event;

	q->limit = PAGE;
	q->actor = route_folded(c, "actor");
	q->object = route_folded(c, "object");
	q->number = q->object != NULL ? as_number(q->object) : NULL;
	if (word != NULL && !audit_event_find(word, &event, err))
		return false;
	q->event = word != NULL ? (int64_t)event : 0;
	return route_number(c, "after", 0, INT64_MAX, &q->after, err) &&
	       route_number(c, "limit", 1, PAGE, &q->limit, err) &&
	       route_number(c, "request", 1, INT64_MAX, &q->request_id, err);
}

static bool
has(const char *text, const char *part)
{
	OWNED(own_memory) char *small = text != NULL ? text_fold(text) : NULL;

	return small != NULL && strstr(small, part) != NULL;
}

static bool
fits(const struct query *q, const struct audit_record *a)
{
	return (q->event == 0 || q->event == (int64_t)a->event) &&
	       (q->request_id == 0 || q->request_id == a->request_id) &&
	       (q->actor == NULL || has(a->actor, q->actor)) &&
	       (q->object == NULL || has(a->object, q->object) || has(a->detail, q->object) ||
		   (q->number != NULL && (has(a->object, q->number) || has(a->detail, q->number))));
}

struct page {
	const struct query *query;
	json_t *records;
	bool failed; /* a record is no JSON: other programs can write into the database */
};

static bool
add_record(const struct audit_record *a, void *arg)
{
	struct page *p = arg;

	if (fits(p->query, a) && json_array_append_new(p->records, json_audit(a)) != 0)
		p->failed = true;
	return !p->failed && json_array_size(p->records) < (size_t)p->query->limit;
}

static bool
read_page(struct route_call *c, const struct query *q, struct page *p,
    struct audit_reading *reading, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);

	if (!ca_check_right(view, &c->caller, CA_RIGHT_AUDITOR, err) ||
	    !store_audit_read(c->ca->store, q->after, ROWS_READ, add_record, p, reading, err))
		return false;
	return !p->failed ||
	       err_set(err, DIRCA_E_DATABASE,
		   "audit row %lld was changed: its text is no UTF-8, or it has no actor",
		   (long long)reading->last);
}

static json_t *
json_head(const struct trail_head *head)
{
	OWNED(own_memory) char *hash = hex_encode(view_of(head->hash, sizeof head->hash), '\0');

	return json_pack("{s:I, s:s}", "row_id", (json_int_t)head->count, "row_hash", hash);
}

static void
add_checkpoint(int64_t row, struct view message, void *arg)
{
	OWNED(own_memory) char *text = base64_encode(message);
	json_t *list = arg;

	json_array_append_new(
	    list, json_pack("{s:I, s:s}", "row_id", (json_int_t)row, "message", text));
}

void
route_audit(struct route_call *c)
{
	OWNED(query_free) struct query q = {0};
	OWNED(json_free) json_t *records = json_array(), *checkpoints = json_array();
	struct page p = {.query = &q, .records = records};
	struct audit_reading reading = {0};
	struct err err;

	if (!read_query(c, &q, &err) || !read_page(c, &q, &p, &reading, &err) ||
	    !store_walk_checkpoints(
		c->ca->store, q.after, reading.last, add_checkpoint, checkpoints, &err)) {
		log_warn("reading of the audit trail refused", LOG_STR("by", c->caller.downlevel),
		    LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	log_info("audit trail read", LOG_STR("by", c->caller.downlevel), LOG_INT("after", q.after),
	    LOG_INT("to", reading.last), LOG_INT("records", (int64_t)json_array_size(records)));
	json_answer(c->http, 200,
	    json_pack("{s:O, s:O, s:o, s:o}", "records", records, "checkpoints", checkpoints,
		"next", reading.ended ? json_null() : json_integer(reading.last), "head",
		json_head(&reading.head)));
}

void
route_audit_checkpoint(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	struct err err;
	int64_t row;

	if (!ca_check_right(view, &c->caller, CA_RIGHT_AUDITOR, &err) ||
	    !ca_checkpoint(c->ca, c->vault, &row, &err))
		json_fail(c->http, &err);
	else
		json_answer(c->http, 200, json_pack("{s:I}", "row_id", (json_int_t)row));
}
