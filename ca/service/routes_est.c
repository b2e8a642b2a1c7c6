/* EST, RFC 7030: cacerts, csrattrs, simpleenroll, simplereenroll, serverkeygen, fullcmc. Bodies are
 * base64 as the RFC says; DER is taken too, and PEM for a PKCS#10. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "csrattrs.h"
#include "enroll.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "own_openssl.h"
#include "pem.h"
#include "status.h"
#include "text.h"

static void
answer_base64(struct http_call *http, int status, const char *content_type, struct view der)
{
	char *text = base64_encode_lines(der);
	OWNED(buf_free) struct buf body = {.ptr = (uint8_t *)text, .len = strlen(text)};
	struct err err;

	if (http_call_header(http, "Content-Transfer-Encoding", "base64", &err))
		answer_give(http, status, content_type, &body);
	else
		http->status = 500;
}

void
route_est_cacerts(struct route_call *c)
{
	const struct ca *ca = c->ca;
	const struct ca_issuers *own = &ca->info.issuers;
	OWNED(own_memory)
	struct view *views =
	    mem_zero(ca->chain_count + own->count + ca->crosses.count, sizeof *views);
	OWNED(buf_free) struct buf der = {0};
	size_t n = 0;
	struct err err;

	for (size_t i = 0; i < ca->chain_count; i++)
		views[n++] = buf_view(&ca->chain[i]);
	/* RFC 7030 4.1.3: those of before a renewal, and what leads from one key to another. */
	for (size_t i = 1; i < own->count; i++)
		views[n++] = buf_view(&own->list[i].cert.raw);
	for (size_t i = 0; i < ca->crosses.count; i++)
		views[n++] = buf_view(&ca->crosses.list[i].cert.raw);
	if (cms_certs_only(views, n, &der, &err))
		answer_base64(
		    c->http, 200, "application/pkcs7-mime; smime-type=certs-only", buf_view(&der));
	else
		json_fail(c->http, &err);
}

/* What a request has to hold for its template to be known. */
static bool
template_attributes(const struct tmpl *t, struct buf *out, struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = sk_X509_EXTENSION_new_null();

	if (list == NULL)
		return err_nomem(err);
	return ext_push_template(list, t->cn, t->oid, t->major, t->minor, err) &&
	       csrattrs_encode(list, out, err);
}

/* The template of the path, or that of requests that name none. Nothing is wanted of others. */
void
route_est_csrattrs(struct route_call *c)
{
	const char *name = c->part != NULL ? c->part : c->ca->config->est_template;
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	const struct tmpl *t = name != NULL ? ca_view_template_called(view, name) : NULL;
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	if (t == NULL || !ca_view_is_enabled(view, t->cn))
		c->http->status = 204;
	else if (template_attributes(t, &der, &err))
		answer_base64(c->http, 200, "application/csrattrs", buf_view(&der));
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
	http->refusal = r->reason.code;
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
		log_info("enrollment refused", LOG_INT("request", r->request_id),
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

/* 400 where the request is none. */
static int
status_of_refusal(const struct enroll_result *r)
{
	return r->disposition == DISP_ERROR && status_of(r->reason.code) == 400 ? 400 : 403;
}

/* DER of what was sent: in base64, in PEM, or as it is. */
static bool
decode_body(struct view body, enum enroll_format format, struct buf *out, struct err *err)
{
	if (!(format == ENROLL_PKCS10 ? pem_request : pem_any)(body, out, err))
		return false;
	if (out->len > 0 && out->ptr[0] == 0x30)
		return true;
	buf_free(out);
	return err_set(
	    err, ERROR_INVALID_DATA, "the body is neither DER nor that in base64 or PEM");
}

enum operation { ENROLL, REENROLL, SERVER_KEY };

static bool
submit(struct route_call *c, enum enroll_format format, enum operation op,
    struct enroll_result *out, struct err *err)
{
	struct enroll_input in = {.format = format,
	    .renews = op == REENROLL,
	    .generates = op == SERVER_KEY,
	    .client_certificate = http_call_certificate(c->http),
	    .template_label = c->part,
	    .caller = &c->caller,
	    .caller_name = c->caller.downlevel,
	    .now = clock_now()};
	OWNED(buf_free) struct buf der = {0};

	if (!decode_body(buf_view(&c->http->body), format, &der, err))
		return false;
	in.body = buf_view(&der);
	return enroll_submit(c->ca, c->vault, &in, out, err) && put_headers(c->http, out, err);
}

static void
fail_undecided(const struct route_call *c, const struct enroll_result *r, struct err *err)
{
	char seconds[24];
	struct err ignored;

	/* Of its own name each: what anybody can send must not keep back a line of the other. */
	if (err_is_undecided(err->code))
		log_error("enrollment not decided", LOG_STR("requester", c->caller.downlevel),
		    LOG_REASON(err));
	else
		log_info("enrollment request not understood",
		    LOG_STR("requester", c->caller.downlevel), LOG_REASON(err));
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

	if (!submit(c, ENROLL_CMC, ENROLL, &r, &err)) {
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

#define BOUNDARY "dirca-est" /* no base64 holds '-' */

static bool
append_part(struct buf *to, const char *type, struct view der, struct err *err)
{
	OWNED(own_memory) char *text = base64_encode_lines(der);
	OWNED(own_memory)
	char *head = text_printf("--" BOUNDARY "\r\nContent-Type: application/pkcs7-mime; "
				 "smime-type=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n",
	    type);

	return buf_append(to, view_str(head), err) && buf_append(to, view_str(text), err) &&
	       buf_append(to, view_str("\r\n"), err);
}

/* RFC 7030 4.4.2, RFC 8951 3.2: key and certificate. */
static void
answer_key(struct http_call *http, const struct enroll_result *r)
{
	const struct view certificate = buf_view(&r->certificate);
	OWNED(buf_free) struct buf der = {0}, body = {0};
	struct err err;

	if (cms_certs_only(&certificate, 1, &der, &err) &&
	    append_part(&body, "server-generated-key", buf_view(&r->delivered_key), &err) &&
	    append_part(&body, "certs-only", buf_view(&der), &err) &&
	    buf_append(&body, view_str("--" BOUNDARY "--\r\n"), &err))
		answer_body(http, 200, "multipart/mixed; boundary=" BOUNDARY, buf_view(&body));
	else
		json_fail(http, &err);
}

static void
enroll_simply(struct route_call *c, enum operation op)
{
	OWNED(enroll_result_free) struct enroll_result r = {0};
	struct err err;

	if (!submit(c, ENROLL_PKCS10, op, &r, &err)) {
		fail_undecided(c, &r, &err);
		return;
	}
	log_result(c, &r);
	if (r.disposition == DISP_ISSUED && op == SERVER_KEY)
		answer_key(c->http, &r);
	else if (r.disposition == DISP_ISSUED)
		answer_issued(c->http, &r);
	else if (r.disposition == DISP_PENDING)
		json_answer(c->http, 202,
		    json_pack("{s:I, s:s}", "request_id", (json_int_t)r.request_id, "disposition",
			"pending"));
	else
		json_answer_error(c->http, status_of_refusal(&r), &r.reason);
}

void
route_est_simpleenroll(struct route_call *c)
{
	enroll_simply(c, ENROLL);
}

/* Who signs in, by the certificate that he has or otherwise, gets what he would get the first time,
 * decided by the directory of today; and another than the last, though he sends the same. */
void
route_est_simplereenroll(struct route_call *c)
{
	enroll_simply(c, REENROLL);
}

/* The CA makes the key, archives it, and encrypts it to a certificate of whoever asks. */
void
route_est_serverkeygen(struct route_call *c)
{
	enroll_simply(c, SERVER_KEY);
}
