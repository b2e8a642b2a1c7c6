/* The request queue: lists, one row, the certificate that came of it, and a certificate manager's
 * decisions. */
#include "routes.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "enroll.h"
#include "json.h"
#include "log.h"
#include "text.h"

static bool
request_id(const struct route_call *c, int64_t *id_out, struct err *err)
{
	if (!text_to_int(c->part, 1, INT64_MAX, id_out))
		return err_set(err, CERTSRV_E_NO_REQUEST, "'%s' is not a request id", c->part);
	return true;
}

static bool
filter_from_query(
    const struct route_call *c, struct store_filter *f, char **requester_out, struct err *err)
{
	static const enum disposition all[] = {DISP_PENDING, DISP_ISSUED, DISP_REVOKED, DISP_ERROR,
	    DISP_DENIED, DISP_ACTIVE, DISP_FOREIGN};
	char *disposition = http_call_query(c->http, "disposition"),
	     *after = http_call_query(c->http, "after");
	char *limit = http_call_query(c->http, "limit");
	int64_t n;
	bool ok = false;

	*requester_out = http_call_query(c->http, "requester");
	*f = (struct store_filter){.requester_name = *requester_out, .limit = 1000};
	for (size_t i = 0; disposition != NULL && i < sizeof all / sizeof all[0]; i++)
		if (text_eq_nocase(disposition_name(all[i]), disposition))
			f->disposition = all[i];
	if (disposition != NULL && f->disposition == 0) {
		err_set(err, E_INVALIDARG, "disposition '%s' is unknown", disposition);
		goto out;
	}
	if (after != NULL && !text_to_int(after, 0, INT64_MAX, &f->after_id)) {
		err_set(err, E_INVALIDARG, "after '%s' is not a request id", after);
		goto out;
	}
	if (limit != NULL) {
		if (!text_to_int(limit, 1, 1000, &n)) {
			err_set(err, E_INVALIDARG, "limit '%s' is not within 1 to 1000", limit);
			goto out;
		}
		f->limit = (int)n;
	}
	ok = true;
out:
	free(disposition);
	free(after);
	free(limit);
	return ok;
}

void
route_requests_list(struct route_call *c)
{
	struct ca_view *view = ca_view_get(c->ca);
	struct store_requests rows = {0};
	struct store_filter filter;
	char *requester = NULL;
	bool all;
	json_t *list;
	struct err err;

	if (!filter_from_query(c, &filter, &requester, &err)) {
		json_fail(c->http, &err);
		goto out;
	}
	/* Whoever may not view the CA sees the own requests. */
	if (!(all = route_may_view(view, &c->caller, &err)))
		filter.requester_name = c->caller.downlevel;
	if (!store_list_requests(c->ca->store, &filter, &rows, &err)) {
		json_fail(c->http, &err);
		goto out;
	}
	list = json_array();
	for (size_t i = 0; i < rows.count; i++)
		if (all || enroll_is_requester(&c->caller, &rows.list[i]))
			json_array_append_new(list, json_request(&rows.list[i]));
	json_answer(c->http, 200, json_pack("{s:o}", "requests", list));
out:
	store_requests_free(&rows);
	free(requester);
	ca_view_release(&view);
}

static void
no_such_request(int64_t id, struct err *err)
{
	err_set(err, CERTSRV_E_NO_REQUEST, "request %lld does not exist", (long long)id);
}

void
route_request_get(struct route_call *c)
{
	struct ca_view *view = ca_view_get(c->ca);
	struct store_request row = {0};
	struct err err;
	int64_t id;

	if (!request_id(c, &id, &err)) {
		json_fail(c->http, &err);
		goto out;
	}
	switch (store_get_request(c->ca->store, id, &row, &err)) {
	case STORE_FOUND:
		break;
	case STORE_NOT_FOUND:
		no_such_request(id, &err);
		json_fail(c->http, &err);
		goto out;
	case STORE_FAILED:
		json_fail(c->http, &err);
		goto out;
	}
	/* What the caller may not see does not exist for him. */
	if (!enroll_is_requester(&c->caller, &row) && !route_may_view(view, &c->caller, &err)) {
		no_such_request(id, &err);
		json_fail(c->http, &err);
		goto out;
	}
	json_answer(c->http, 200, json_request(&row));
out:
	store_request_free(&row);
	ca_view_release(&view);
}

/* As with the row: who may not see a request is not told that there is one. */
static void
fail_to_retrieve(struct route_call *c, int64_t id, struct err *err)
{
	struct ca_view *view = ca_view_get(c->ca);
	struct err ignored;

	if (err->code == CERTSRV_E_NO_REQUEST ||
	    (err->code == E_ACCESSDENIED && !route_may_view(view, &c->caller, &ignored)))
		no_such_request(id, err);
	json_fail(c->http, err);
	ca_view_release(&view);
}

void
route_request_certificate(struct route_call *c)
{
	struct enroll_result r = {0};
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
	enroll_result_free(&r);
}

void
route_request_approve(struct route_call *c)
{
	struct enroll_result r = {0};
	struct err err;
	int64_t id;

	if (!request_id(c, &id, &err) ||
	    !enroll_approve(c->ca, c->vault, &c->caller, id, clock_now(), &r, &err)) {
		log_warn("approval refused", LOG_STR("request", c->part),
		    LOG_STR("by", c->caller.downlevel), LOG_REASON(&err));
		json_fail(c->http, &err);
	} else if (r.reason.code != ERR_OK) {
		json_fail(c->http, &r.reason);
	} else {
		log_info(
		    "request approved", LOG_INT("request", id), LOG_STR("by", c->caller.downlevel));
		json_answer(c->http, 200,
		    json_pack("{s:I, s:s}", "request_id", (json_int_t)id, "disposition",
			disposition_name(r.disposition)));
	}
	enroll_result_free(&r);
}

void
route_request_deny(struct route_call *c)
{
	char *why = json_body_string(c->http, "reason");
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
	free(why);
}
