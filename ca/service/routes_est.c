/* EST, RFC 7030: cacerts, simpleenroll, fullcmc. Bodies are base64 as the RFC says; DER is taken
 * too. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "enroll.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "text.h"

static void
answer_base64(struct http_call *http, int status, const char *content_type, struct view der)
{
	OWNED(own_memory) char *text = base64_encode(der);
	struct err err;

	if (http_call_header(http, "Content-Transfer-Encoding", "base64", &err))
		answer_body(http, status, content_type, view_str(text));
	else
		http->status = 500;
}

void
route_est_cacerts(struct route_call *c)
{
	OWNED(own_memory) struct view *views = mem_zero(c->ca->chain_count, sizeof *views);
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	for (size_t i = 0; i < c->ca->chain_count; i++)
		views[i] = buf_view(&c->ca->chain[i]);
	if (cms_certs_only(views, c->ca->chain_count, &der, &err))
		answer_base64(
		    c->http, 200, "application/pkcs7-mime; smime-type=certs-only", buf_view(&der));
	else
		json_fail(c->http, &err);
}

/* What left and how, as headers a script reads without ASN.1. */
static bool
put_headers(struct http_call *http, const struct enroll_result *r, struct err *err)
{
	char text[120];

	if (r->request_id != 0) {
		snprintf(text, sizeof text, "%lld", (long long)r->request_id);
		if (!http_call_header(http, "Dirca-Request-Id", text, err))
			return false;
	}
	if (r->disposition == DISP_PENDING)
		return http_call_header(http, "Retry-After", "60", err);
	if (r->reason.code == ERR_OK)
		return true;
	snprintf(
	    text, sizeof text, "0x%08X %s", (unsigned)r->reason.code, err_name(r->reason.code));
	return http_call_header(http, "Dirca-Error", text, err);
}

static void
log_result(const struct route_call *c, const struct enroll_result *r)
{
	if (r->reason.code == ERR_OK)
		log_info("enrollment", LOG_INT("request", r->request_id),
		    LOG_STR("requester", c->caller.downlevel),
		    LOG_STR("disposition", disposition_name(r->disposition)),
		    LOG_STR("peer", c->http->peer));
	else
		log_warn("enrollment refused", LOG_INT("request", r->request_id),
		    LOG_STR("requester", c->caller.downlevel), LOG_STR("peer", c->http->peer),
		    LOG_REASON(&r->reason));
}

static int
status_of_result(const struct enroll_result *r)
{
	if (r->disposition == DISP_ISSUED)
		return 200;
	return r->disposition == DISP_PENDING ? 202 : 403;
}

static bool
submit(struct route_call *c, enum enroll_format format, struct enroll_result *out, struct err *err)
{
	struct enroll_input in = {.format = format,
	    .template_label = c->part,
	    .caller = &c->caller,
	    .caller_name = c->caller.downlevel,
	    .now = clock_now()};
	struct view body = buf_view(&c->http->body);
	OWNED(buf_free) struct buf der = {0};

	if (body.len > 0 && body.ptr[0] != 0x30) {
		if (!base64_decode(body, &der, err))
			return false;
		body = buf_view(&der);
	}
	in.body = body;
	return enroll_submit(c->ca, c->vault, &in, out, err) && put_headers(c->http, out, err);
}

static void
fail_undecided(const struct route_call *c, const struct enroll_result *r, struct err *err)
{
	char seconds[24];
	struct err ignored;

	log_error(
	    "enrollment not decided", LOG_STR("requester", c->caller.downlevel), LOG_REASON(err));
	json_fail(c->http, err);
	snprintf(seconds, sizeof seconds, "%lld", (long long)r->retry_after_s);
	if (r->retry_after_s > 0 && !http_call_header(c->http, "Retry-After", seconds, &ignored))
		c->http->status = 500;
}

void
route_est_fullcmc(struct route_call *c)
{
	OWNED(enroll_result_free) struct enroll_result r = {0};
	struct err err;

	if (!submit(c, ENROLL_CMC, &r, &err)) {
		fail_undecided(c, &r, &err);
		return;
	}
	log_result(c, &r);
	if (r.response.len > 0)
		answer_base64(c->http, status_of_result(&r),
		    "application/pkcs7-mime; smime-type=CMC-response", buf_view(&r.response));
	else
		json_answer_error(c->http, 400, &r.reason);
}

static void
answer_issued(struct http_call *http, const struct enroll_result *r)
{
	const struct view certificate = buf_view(&r->certificate);
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	if (cms_certs_only(&certificate, 1, &der, &err))
		answer_base64(
		    http, 200, "application/pkcs7-mime; smime-type=certs-only", buf_view(&der));
	else
		json_fail(http, &err);
}

void
route_est_simpleenroll(struct route_call *c)
{
	OWNED(enroll_result_free) struct enroll_result r = {0};
	struct err err;

	if (!submit(c, ENROLL_PKCS10, &r, &err)) {
		fail_undecided(c, &r, &err);
		return;
	}
	log_result(c, &r);
	if (r.disposition == DISP_ISSUED)
		answer_issued(c->http, &r);
	else if (r.disposition == DISP_PENDING)
		json_answer(c->http, 202,
		    json_pack("{s:I, s:s}", "request_id", (json_int_t)r.request_id, "disposition",
			"pending"));
	else
		json_answer_error(c->http, status_of_result(&r), &r.reason);
}
