/* OCSP over HTTP (RFC 6960 appendix A; RFC 5019 5 and 6): everybody may ask. */
#include "routes.h"

#include <stdio.h>
#include <string.h>
#include <openssl/sha.h>

#include "clock.h"
#include "metrics.h"
#include "ocsp.h"
#include "ocsp_responder.h"
#include "own.h"
#include "text.h"

#define REQUEST_TYPE "application/ocsp-request"
#define ANSWER_TYPE  "application/ocsp-response"

/* RFC 5019 6.2: whoever is between may give it again until a new one is to be had. */
static void
put_kept(struct http_call *call, const struct ocsp_answer *a, int64_t now)
{
	uint8_t sha256[SHA256_DIGEST_LENGTH];
	const struct answer_version v = {
	    .sha256 = sha256, .modified = a->produced_at, .expires = a->next_update};

	SHA256(a->der.ptr, a->der.len, sha256);
	(void)answer_version(call, &v, now);
}

static void
answer_ocsp(struct route_call *c, struct view request)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	struct ocsp_answer a;
	int64_t now = clock_now();

	if (view->settings.num[SETTING_OCSP] == 0) {
		c->http->status = 404;
		return;
	}
	ca_ocsp_answer(c->ca, c->vault, view, request, now, &a);
	metrics_ocsp(a.kind);
	c->http->status = 200;
	if (a.may_be_kept)
		put_kept(c->http, &a, now);
	if (c->http->status == 200) {
		snprintf(c->http->content_type, sizeof c->http->content_type, ANSWER_TYPE);
		c->http->answer = buf_give(&a.der);
	}
	buf_free(&a.der);
}

void
route_ocsp_post(struct route_call *c)
{
	const char *type = c->http->body_type;

	if (type == NULL || strncasecmp(type, REQUEST_TYPE, strlen(REQUEST_TYPE)) != 0) {
		c->http->status = 415;
		return;
	}
	answer_ocsp(c, buf_view(&c->http->body));
}

/* The base64 of the request, as it was before it was put into the path. */
void
route_ocsp_get(struct route_call *c)
{
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	if (base64_decode(view_str(c->part), &der, &err))
		answer_ocsp(c, buf_view(&der));
	else
		answer_ocsp(c, (struct view){0});
}
