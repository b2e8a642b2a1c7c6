/* The request queue: lists, one row, the certificate that came of it, and a certificate manager's
 * decisions. */
#include "routes.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "enroll.h"
#include "explain.h"
#include "json.h"
#include "log.h"
#include "match.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define WITHIN_DEFAULT_S (30 * INT64_C(86400))
#define WITHIN_MOST_S    (100 * 366 * INT64_C(86400))
#define NEXT_VALUE_MOST  1024 /* of what has to fit into a query */

static bool
request_id(const struct route_call *c, int64_t *id_out, struct err *err)
{
	if (!text_to_int(c->part, 1, INT64_MAX, id_out))
		return err_set(err, CERTSRV_E_NO_REQUEST, "'%s' is not a request id", c->part);
	return true;
}

static bool
page_from_query(const struct route_call *c, int64_t *after_out, int *limit_out, struct err *err)
{
	OWNED(own_memory) char *after = http_call_query(c->http, "after");
	OWNED(own_memory) char *limit = http_call_query(c->http, "limit");
	int64_t n = 1000;

	if (after != NULL && !text_to_int(after, 0, INT64_MAX, after_out))
		return err_set(err, E_INVALIDARG, "after '%s' is not a request id", after);
	if (limit != NULL && !text_to_int(limit, 1, 1000, &n))
		return err_set(err, E_INVALIDARG, "limit '%s' is not within 1 to 1000", limit);
	*limit_out = (int)n;
	return true;
}

static bool
no_such_request(int64_t id, struct err *err)
{
	return err_set(err, CERTSRV_E_NO_REQUEST,
	    "request %lld does not exist; `dirca requests` lists those that you may see",
	    (long long)id);
}

/* What a filter borrows. */
struct filter_texts {
	char *requester, *after_value;
	struct store_request
	    after; /* the row that the page goes on behind, where it has to be read */
};

static void
filter_texts_free(struct filter_texts *t)
{
	free(t->requester);
	free(t->after_value);
	store_request_free(&t->after);
}

/* A row that lists show the caller, or that they skipped for him: of somebody who had his name. */
static bool
may_go_on_behind(const struct route_call *c, const struct store_request *row, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);

	return enroll_is_requester(&c->caller, row) || route_may_view(view, &c->caller, err) ||
	       (row->requester_name != NULL &&
		   match_eq(row->requester_name, c->caller.downlevel)) ||
	       no_such_request(row->request_id, err);
}

/* The value of the row as it is now, where the query does not say what it was. */
static bool
place_of_row(
    const struct route_call *c, struct store_filter *f, struct store_request *row, struct err *err)
{
	switch (store_get_request(c->ca->store, f->after_id, row, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return no_such_request(f->after_id, err);
	case STORE_FOUND:
		break;
	}
	f->after_value = store_sort_value(row, f->sort);
	return may_go_on_behind(c, row, err);
}

static bool
place_from_query(
    const struct route_call *c, struct store_filter *f, struct filter_texts *texts, struct err *err)
{
	texts->after_value = http_call_query(c->http, "after_value");
	if (f->sort == STORE_SORT_ID || f->after_id == 0)
		return texts->after_value == NULL ||
		       err_set(err, E_INVALIDARG, "after_value goes with sort and after");
	return texts->after_value != NULL
		   ? json_sort_value(texts->after_value, f->sort, &f->after_value, err)
		   : place_of_row(c, f, &texts->after, err);
}

static bool
sort_from_query(const struct route_call *c, struct store_filter *f, struct err *err)
{
	OWNED(own_memory) char *sort = http_call_query(c->http, "sort");

	return sort == NULL || store_sort_find(sort, &f->sort) ||
	       err_set(err, E_INVALIDARG, "the CA has no index to sort by '%s'", sort);
}

static bool
filter_from_query(
    const struct route_call *c, struct store_filter *f, struct filter_texts *texts, struct err *err)
{
	OWNED(own_memory) char *disposition = http_call_query(c->http, "disposition");
	OWNED(own_memory) char *order = http_call_query(c->http, "order");

	texts->requester = http_call_query(c->http, "requester");
	*f = (struct store_filter){.requester_name = texts->requester};
	if (disposition != NULL && !json_disposition(disposition, &f->disposition, err))
		return false;
	f->newest_first = order != NULL && strcmp(order, "descending") == 0;
	if (order != NULL && !f->newest_first && strcmp(order, "ascending") != 0)
		return err_set(
		    err, E_INVALIDARG, "order '%s' is neither ascending nor descending", order);
	return page_from_query(c, &f->after_id, &f->limit, err) && sort_from_query(c, f, err) &&
	       place_from_query(c, f, texts, err);
}

/* Where the next page begins: after the last row that was looked at, whether or not the caller may
 * see it; of one that he may not, its place is read anew and its value not told. JSON null: this
 * was the last. */
static void
add_next(json_t *answer, const struct store_requests *rows, const struct store_filter *f,
    const json_t *last_shown)
{
	const struct store_request *last = rows->count > 0 ? &rows->list[rows->count - 1] : NULL;
	json_t *value;

	if (last == NULL || rows->count < (size_t)f->limit) {
		json_object_set_new(answer, "next", json_null());
		return;
	}
	json_object_set_new(answer, "next", json_integer((json_int_t)last->request_id));
	if (f->sort == STORE_SORT_ID ||
	    json_integer_value(json_object_get(last_shown, "request_id")) != last->request_id)
		return;
	value = json_object_get(last_shown, store_sort_name(f->sort));
	if (json_is_null(value))
		json_object_set_new(answer, "next_value", json_string(""));
	else if (strlen(json_string_value(value)) <= NEXT_VALUE_MOST)
		json_object_set(answer, "next_value", value);
}

/* The row of a serial number, where the rest of the filter lets it through. */
static bool
list_serial(struct store *store, const char *serial, const struct store_filter *f,
    struct store_requests *out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	enum store_find found = store_get_by_serial(store, serial, &row, err);

	if (found != STORE_FOUND)
		return found == STORE_NOT_FOUND;
	if ((f->sort != STORE_SORT_ID ? row.request_id == f->after_id
		: f->newest_first     ? f->after_id != 0 && row.request_id >= f->after_id
				      : row.request_id <= f->after_id) ||
	    (f->disposition != 0 && row.disposition != f->disposition) ||
	    (f->requester_name != NULL &&
		(row.requester_name == NULL || !match_eq(row.requester_name, f->requester_name))))
		return true;
	out->list = mem_grow(NULL, 0, sizeof row);
	out->list[out->count++] = row;
	row = (struct store_request){0};
	return true;
}

static bool
list_rows(const struct route_call *c, const struct store_filter *f, struct store_requests *out,
    struct err *err)
{
	OWNED(own_memory) char *serial = http_call_query(c->http, "serial_number");

	return serial != NULL ? list_serial(c->ca->store, serial, f, out, err)
			      : store_list_requests(c->ca->store, f, out, err);
}

void
route_requests_list(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(store_requests_free) struct store_requests rows = {0};
	OWNED(filter_texts_free) struct filter_texts texts = {0};
	struct store_filter filter;
	bool all;
	json_t *list, *answer;
	struct err err;

	if (!filter_from_query(c, &filter, &texts, &err)) {
		json_fail(c->http, &err);
		return;
	}
	/* Whoever may not view the CA sees the own requests. */
	if (!(all = route_may_view(view, &c->caller, &err)))
		filter.requester_name = c->caller.downlevel;
	if (!list_rows(c, &filter, &rows, &err)) {
		json_fail(c->http, &err);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < rows.count; i++)
		if (all || enroll_is_requester(&c->caller, &rows.list[i]))
			json_array_append_new(list, json_request(&rows.list[i]));
	answer = json_pack("{s:o}", "requests", list);
	add_next(answer, &rows, &filter, json_array_get(list, json_array_size(list) - 1));
	json_answer(c->http, 200, answer);
}

static bool
expiring_from_query(const struct route_call *c, struct store_expiring *f, struct err *err)
{
	OWNED(own_memory) char *within = http_call_query(c->http, "within");
	int64_t seconds = WITHIN_DEFAULT_S;

	if (within != NULL && !text_to_int(within, 1, WITHIN_MOST_S, &seconds))
		return err_set(err, E_INVALIDARG, "within '%s' is not a number of seconds to %lld",
		    within, (long long)WITHIN_MOST_S);
	*f = (struct store_expiring){.from = clock_now()};
	f->until = f->from + seconds;
	return page_from_query(c, &f->after_id, &f->limit, err);
}

void
route_expiring(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(store_requests_free) struct store_requests rows = {0};
	struct store_expiring filter;
	int64_t next;
	json_t *list;
	struct err err;

	if (!route_may_view(view, &c->caller, &err) || !expiring_from_query(c, &filter, &err) ||
	    !store_list_expiring(c->ca->store, &filter, &rows, &next, &err)) {
		json_fail(c->http, &err);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < rows.count; i++)
		json_array_append_new(list, json_request(&rows.list[i]));
	json_answer(c->http, 200,
	    json_pack("{s:o, s:o}", "requests", list, "next",
		next > 0 ? json_integer((json_int_t)next) : json_null()));
}

/* What the caller may not see does not exist for him. */
static bool
get_request(const struct route_call *c, struct store_request *row, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	int64_t id;

	if (!request_id(c, &id, err))
		return false;
	switch (store_get_request(c->ca->store, id, row, err)) {
	case STORE_FOUND:
		break;
	case STORE_NOT_FOUND:
		return no_such_request(id, err);
	case STORE_FAILED:
		return false;
	}
	return enroll_is_requester(&c->caller, row) || route_may_view(view, &c->caller, err) ||
	       no_such_request(id, err);
}

/* Groups are asked of the directory, a question each: only where they are wanted. Null: it does not
 * tell. */
static json_t *
groups_of(const struct route_call *c, const struct store_request *row)
{
	OWNED(texts_free) struct texts groups = {0};
	struct err ignored;
	json_t *list;

	if (!explain_groups(c->ca, row, &groups, &ignored))
		return json_null();
	list = json_array();
	for (size_t i = 0; i < groups.count; i++)
		json_array_append_new(list, json_string(groups.list[i]));
	return list;
}

/* Of whom it is, and why it waits. */
static void
add_circumstances(const struct route_call *c, const struct store_request *row, json_t *answer)
{
	OWNED(own_memory) char *groups = http_call_query(c->http, "groups");
	OWNED(own_memory)
	char *why =
	    row->disposition == DISP_PENDING
		? enroll_waits_because(c->ca->config->standalone ? NULL : row->template_name)
		: NULL;

	json_object_set_new(answer, "requester_sid", json_text_or_null(row->requester_sid));
	json_object_set_new(answer, "caller_name", json_text_or_null(row->caller_name));
	json_object_set_new(answer, "waits_because", json_text_or_null(why));
	if (groups != NULL && strcmp(groups, "true") == 0)
		json_object_set_new(answer, "requester_groups", groups_of(c, row));
}

void
route_request_get(struct route_call *c)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(store_values_free) struct store_values values = {0};
	json_t *answer;
	struct err err;

	if (!get_request(c, &row, &err) ||
	    !store_list_values(c->ca->store, row.request_id, &values, &err)) {
		json_fail(c->http, &err);
		return;
	}
	answer = json_request(&row);
	add_circumstances(c, &row, answer);
	json_object_set_new(
	    answer, "request_attributes", json_text_or_null(row.request_attributes));
	json_object_set_new(answer, "officer_attributes", json_values(&values, STORE_ATTRIBUTE));
	json_object_set_new(answer, "officer_extensions", json_values(&values, STORE_EXTENSION));
	json_answer(c->http, 200, answer);
}

/* As with the row: who may not see a request is not told that there is one. */
static void
fail_to_retrieve(struct route_call *c, int64_t id, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	struct err ignored;

	if (err->code == CERTSRV_E_NO_REQUEST ||
	    (err->code == E_ACCESSDENIED && !route_may_view(view, &c->caller, &ignored)))
		no_such_request(id, err);
	json_fail(c->http, err);
}

void
route_request_certificate(struct route_call *c)
{
	OWNED(enroll_result_free) struct enroll_result r = {0};
	struct err err;
	int64_t id;

	if (!request_id(c, &id, &err))
		json_fail(c->http, &err);
	else if (!enroll_retrieve(c->ca, c->vault, &c->caller, id, &r, &err))
		fail_to_retrieve(c, id, &err);
	else if (r.disposition == DISP_PENDING)
		json_answer(c->http, 202,
		    json_pack(
			"{s:I, s:s}", "request_id", (json_int_t)id, "disposition", "pending"));
	else if (r.reason.code != ERR_OK)
		json_fail(c->http, &r.reason);
	else if (r.response.len > 0)
		answer_body(c->http, 200, "application/pkcs7-mime; smime-type=CMC-response",
		    buf_view(&r.response));
	else
		answer_body(c->http, 200, "application/pkix-cert", buf_view(&r.certificate));
}

/* That of an imported row has no type. */
static bool
is_pkcs10(const struct store_request *row)
{
	OWNED(pkix_request_free) struct pkix_request r = {0};
	struct err ignored;

	return row->request_type == CR_IN_PKCS10 ||
	       (row->request_type == 0 &&
		   pkix_request_decode(buf_view(&row->raw_request), &r, &ignored));
}

/* As it came, but for the key: that is taken off before anything is stored (paper, "Performing
 * Binary Export for a Request"). */
void
route_request_binary(struct route_call *c)
{
	OWNED(store_request_free) struct store_request row = {0};
	struct err err;

	if (!get_request(c, &row, &err)) {
		json_fail(c->http, &err);
	} else if (row.raw_request.len == 0) {
		err_set(&err, CERTSRV_E_PROPERTY_EMPTY,
		    "request %lld was not kept: it was too large, or refused at once (%s), or "
		    "imported without it",
		    (long long)row.request_id, setting_name(SETTING_KEEP_REFUSED));
		json_fail(c->http, &err);
	} else {
		answer_body(c->http, 200,
		    is_pkcs10(&row) ? "application/pkcs10"
				    : "application/pkcs7-mime; smime-type=CMC-request",
		    buf_view(&row.raw_request));
	}
}

typedef bool issue_act(struct ca *ca, struct vault *v, const struct principal *officer,
    int64_t request_id, int64_t now, struct enroll_result *out, struct err *err);

static void
issue_request(struct route_call *c, issue_act *act, const char *done, const char *refused)
{
	OWNED(enroll_result_free) struct enroll_result r = {0};
	struct err err;
	int64_t id;

	if (!request_id(c, &id, &err) ||
	    !act(c->ca, c->vault, &c->caller, id, clock_now(), &r, &err)) {
		log_warn(refused, LOG_STR("request", c->part), LOG_STR("by", c->caller.downlevel),
		    LOG_REASON(&err));
		json_fail(c->http, &err);
	} else if (r.reason.code != ERR_OK) {
		json_fail(c->http, &r.reason);
	} else {
		log_info(done, LOG_INT("request", id), LOG_STR("by", c->caller.downlevel));
		json_answer(c->http, 200,
		    json_pack("{s:I, s:s}", "request_id", (json_int_t)id, "disposition",
			disposition_name(r.disposition)));
	}
}

void
route_request_approve(struct route_call *c)
{
	issue_request(c, enroll_approve, "request approved", "approval refused");
}

void
route_request_resubmit(struct route_call *c)
{
	issue_request(c, enroll_resubmit, "request resubmitted", "resubmission refused");
}

void
route_request_deny(struct route_call *c)
{
	OWNED(own_memory) char *why = json_body_string(c->http, "reason");
	struct err err;
	int64_t id;

	if (!request_id(c, &id, &err) ||
	    !enroll_deny(c->ca, &c->caller, id,
		why != NULL ? why : "denied by a certificate manager", clock_now(), &err)) {
		log_warn("denial refused", LOG_STR("request", c->part),
		    LOG_STR("by", c->caller.downlevel), LOG_REASON(&err));
		json_fail(c->http, &err);
	} else {
		log_info(
		    "request denied", LOG_INT("request", id), LOG_STR("by", c->caller.downlevel));
		json_answer(c->http, 200,
		    json_pack("{s:I, s:s}", "request_id", (json_int_t)id, "disposition",
			disposition_name(DISP_DENIED)));
	}
}

static void
set_value(struct route_call *c, const struct enroll_value *v)
{
	struct err err;
	int64_t id;

	if (!request_id(c, &id, &err) ||
	    !enroll_set_value(c->ca, &c->caller, id, v, clock_now(), &err)) {
		log_warn("change of a request refused", LOG_STR("request", c->part),
		    LOG_STR("name", v->name), LOG_STR("by", c->caller.downlevel), LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	log_info("request changed", LOG_INT("request", id), LOG_STR("name", v->name),
	    LOG_STR("by", c->caller.downlevel));
	json_answer(c->http, 200,
	    json_pack("{s:I, s:s}", "request_id", (json_int_t)id, "disposition",
		disposition_name(DISP_PENDING)));
}

/* {"name": "...", "value": "..."} */
void
route_request_attribute(struct route_call *c)
{
	OWNED(own_memory) char *name = json_body_string(c->http, "name");
	OWNED(own_memory) char *value = json_body_string(c->http, "value");

	set_value(c, &(struct enroll_value){.name = name != NULL ? name : "",
			 .value = value != NULL ? view_str(value) : (struct view){0}});
}

/* {"name": "1.2.3", "critical": false, "value": "base64"} */
void
route_request_extension(struct route_call *c)
{
	OWNED(own_memory) char *name = json_body_string(c->http, "name");
	OWNED(own_memory) char *text = json_body_string(c->http, "value");
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	if (text != NULL && !base64_decode(view_str(text), &der, &err)) {
		json_fail(c->http, &err);
		return;
	}
	set_value(c, &(struct enroll_value){.is_extension = true,
			 .name = name != NULL ? name : "",
			 .critical = json_body_true(c->http, "critical"),
			 .value = buf_view(&der)});
}

/* {"request_id": N} or {"serial_number": "hex"}, and {"reason": "keyCompromise"}. */
static bool
read_revocation(
    const struct route_call *c, struct revocation *r, char **serial_out, struct err *err)
{
	OWNED(own_memory) char *id = json_body_string(c->http, "request_id");
	OWNED(own_memory) char *reason = json_body_string(c->http, "reason");

	r->serial_number = *serial_out = json_body_string(c->http, "serial_number");
	if ((id == NULL) == (*serial_out == NULL))
		return err_set(err, E_INVALIDARG,
		    "the body is not {\"request_id\" or \"serial_number\": \"...\"}");
	if (id != NULL && !text_to_int(id, 1, INT64_MAX, &r->request_id))
		return err_set(err, CERTSRV_E_NO_REQUEST, "'%s' is not a request id", id);
	return enroll_revocation_reason(reason != NULL ? reason : "unspecified", &r->reason, err);
}

void
route_revocation(struct route_call *c)
{
	OWNED(own_memory) char *serial = NULL;
	struct revocation r = {0};
	int64_t id = 0;
	struct err err;

	if (!read_revocation(c, &r, &serial, &err) ||
	    !enroll_revoke(c->ca, &c->caller, &r, clock_now(), &id, &err)) {
		log_warn("revocation refused", LOG_INT("request", id), LOG_STR("serial", serial),
		    LOG_STR("by", c->caller.downlevel), LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	log_info("certificate revoked", LOG_INT("request", id), LOG_INT("reason", r.reason),
	    LOG_STR("by", c->caller.downlevel));
	ca_look_at_revoked(c->ca, c->vault, id);
	json_answer(c->http, 200,
	    json_pack("{s:I, s:s}", "request_id", (json_int_t)id, "disposition",
		disposition_name(enroll_is_release(&r) ? DISP_ISSUED : DISP_REVOKED)));
}
