/* Recovery cases. */
#include "routes.h"

#include <stdlib.h>

#include "cases.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "own.h"
#include "text.h"

#define PAGE 100

static bool
case_id(const struct route_call *c, int64_t *id_out, struct err *err)
{
	return text_to_int(c->part, 1, INT64_MAX, id_out) ||
	       err_set(err, CRYPT_E_NOT_FOUND, "'%s' is no number of a recovery case", c->part);
}

static void
fail(struct route_call *c, const char *what, const struct err *err)
{
	log_warn(what, LOG_STR("by", c->caller.downlevel), LOG_REASON(err));
	json_fail(c->http, err);
}

/* The row of a serial number or SHA-1; 0: none was asked for; -1, which no row has: there is none.
 */
static bool
filter_serial(const struct route_call *c, int64_t *request_id_out, struct err *err)
{
	OWNED(own_memory) char *serial = http_call_query(c->http, "serial_number");
	OWNED(store_request_free) struct store_request row = {0};
	enum store_find found;

	*request_id_out = 0;
	if (serial == NULL)
		return true;
	found = store_get_by_serial_or_hash(c->ca->store, serial, &row, err);
	*request_id_out = found == STORE_FOUND ? row.request_id : -1;
	return found != STORE_FAILED;
}

/* "all" and nothing else than a state: those that ended too. */
static bool
filter_state(const char *state, struct store_case_filter *f, struct err *err)
{
	if (state == NULL)
		return true;
	f->ended_too = text_eq_nocase(state, "all");
	return f->ended_too || case_state_find(state, &f->state, err);
}

void
route_cases_list(struct route_call *c)
{
	OWNED(own_memory) char *state = http_call_query(c->http, "state");
	OWNED(own_memory) char *owner = http_call_query(c->http, "owner");
	OWNED(own_memory) char *officer = http_call_query(c->http, "officer");
	OWNED(store_cases_free) struct store_cases cases = {0};
	struct store_case_filter filter = {.owner = owner, .officer = officer};
	int64_t limit = PAGE, next;
	json_t *list;
	struct err err;

	if (!filter_state(state, &filter, &err) || !filter_serial(c, &filter.request_id, &err) ||
	    !route_number(c, "after", 0, INT64_MAX, &filter.after_id, &err) ||
	    !route_number(c, "limit", 1, 1000, &limit, &err)) {
		json_fail(c->http, &err);
		return;
	}
	filter.limit = (int)limit;
	if (!recover_case_list(c->ca, &c->caller, &filter, &cases, &next, &err)) {
		fail(c, "reading of recovery cases refused", &err);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < cases.count; i++)
		json_array_append_new(list, json_case(&cases.list[i]));
	json_answer(c->http, 200,
	    json_pack("{s:o, s:o}", "cases", list, "next",
		next != 0 ? json_integer((json_int_t)next) : json_null()));
}

void
route_case_get(struct route_call *c)
{
	OWNED(store_case_free) struct store_case found = {0};
	struct err err;
	int64_t id;

	if (!case_id(c, &id, &err) || !recover_case_get(c->ca, &c->caller, id, &found, &err))
		fail(c, "reading of a recovery case refused", &err);
	else
		json_answer(c->http, 200, json_case(&found));
}

void
route_case_open(struct route_call *c)
{
	OWNED(own_memory) char *reason = json_body_string(c->http, "reason");
	OWNED(own_memory) char *ticket = json_body_string(c->http, "ticket");
	OWNED(own_memory) char *note = json_body_string(c->http, "note");
	OWNED(texts_free) struct texts tokens = {0};
	OWNED(store_case_free) struct store_case opened = {0};
	struct case_opening in = {.reason = reason, .ticket = ticket, .note = note};
	struct recover_hidden hidden;
	json_t *answer;
	struct err err;

	/* Without keys it is refused as any other, and recorded. */
	(void)json_body_strings(c->http, "keys", &tokens);
	in.tokens = (const char *const *)tokens.list;
	in.token_count = tokens.count;
	if (!recover_case_open(c->ca, &c->caller, &in, clock_now(), &opened, &hidden, &err)) {
		fail(c, "recovery case refused", &err);
		return;
	}
	log_info("recovery case opened", LOG_STR("by", c->caller.downlevel),
	    LOG_INT("case", opened.case_id), LOG_STR("owner", opened.owner_name),
	    LOG_STR("state", case_state_name(opened.state)));
	answer = json_case(&opened);
	json_object_set_new(answer, "hidden", json_integer((json_int_t)hidden.count));
	json_answer(c->http, 200, answer);
}

static void
decide(struct route_call *c, enum case_act act)
{
	OWNED(own_memory) char *why = json_body_string(c->http, "reason");
	OWNED(store_case_free) struct store_case decided = {0};
	const struct case_decision in = {act, act == CASE_APPROVE ? NULL : why};
	struct err err;
	int64_t id;

	if (!case_id(c, &id, &err) ||
	    !recover_case_decide(c->ca, &c->caller, id, &in, clock_now(), &decided, &err)) {
		fail(c, "decision about a recovery case refused", &err);
		return;
	}
	log_info("recovery case decided", LOG_STR("by", c->caller.downlevel), LOG_INT("case", id),
	    LOG_STR("state", case_state_name(decided.state)));
	json_answer(c->http, 200, json_case(&decided));
}

void
route_case_approve(struct route_call *c)
{
	decide(c, CASE_APPROVE);
}

void
route_case_deny(struct route_call *c)
{
	decide(c, CASE_DENY);
}

void
route_case_close(struct route_call *c)
{
	decide(c, CASE_CLOSE);
}

static bool
read_request(const char *text, int64_t *out, struct err *err)
{
	return text_to_int(text, 1, INT64_MAX, out) ||
	       err_set(err, E_INVALIDARG, "'%s' is no number of a request", text);
}

void
route_case_received(struct route_call *c)
{
	OWNED(own_memory) char *serial = json_body_string(c->http, "serial");
	OWNED(own_memory) char *request = json_body_string(c->http, "request");
	OWNED(store_case_free) struct store_case told = {0};
	int64_t id, request_id = 0;
	struct err err;

	if (!case_id(c, &id, &err) ||
	    (request != NULL && !read_request(request, &request_id, &err)) ||
	    !recover_case_received(c->ca, &c->caller, id, serial != NULL ? serial : "", request_id,
		clock_now(), &told, &err))
		fail(c, "receipt of an archived key refused", &err);
	else
		json_answer(c->http, 200, json_case(&told));
}
