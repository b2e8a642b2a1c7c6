/* Certificates and keys that are brought from elsewhere, and the certificate that keys are
 * encrypted to on their way here. */
#include "routes.h"

#include <stdlib.h>

#include "clock.h"
#include "import.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define ITEM_MAX       (128 << 10)
#define LIFE_DEFAULT_S (7 * 86400)

void
route_import_certificate(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err err;

	if (!ca_check_right(view, &c->caller, CA_RIGHT_OFFICER, &err) ||
	    !ca_check_archival(c->ca, &err) ||
	    !ca_import_certificate(c->ca, c->vault, clock_now(), &cert, &err))
		json_fail(c->http, &err);
	else
		answer_body(c->http, 200, "application/pkix-cert", buf_view(&cert.raw));
}

static bool
read_life(const struct route_call *c, int64_t *life_out, struct err *err)
{
	OWNED(own_memory) char *seconds = json_body_string(c->http, "seconds");

	*life_out = LIFE_DEFAULT_S;
	return seconds == NULL ||
	       text_to_int(seconds, VAULT_XCHG_LIFE_MIN, VAULT_XCHG_LIFE_MAX, life_out) ||
	       err_set(err, E_INVALIDARG,
		   "a key import certificate lives an hour to 31 days, not '%s' seconds", seconds);
}

void
route_import_certificate_post(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(buf_free) struct buf certificate = {0};
	struct err err;
	int64_t life_s;

	if (!ca_check_right(view, &c->caller, CA_RIGHT_ADMIN, &err) ||
	    !ca_check_archival(c->ca, &err) || !read_life(c, &life_s, &err) ||
	    !ca_new_import(
		c->ca, c->vault, c->caller.downlevel, life_s, clock_now(), &certificate, &err)) {
		json_fail(c->http, &err);
		return;
	}
	log_info("key import certificate made", LOG_STR("by", c->caller.downlevel));
	answer_body(c->http, 200, "application/pkix-cert", buf_view(&certificate));
}

/* ---- an item ---- */

struct body {
	json_t *root;
	struct buf entry, certificate, key;
};

static void
body_free(struct body *b)
{
	json_decref(b->root);
	buf_free(&b->entry);
	buf_free(&b->certificate);
	buf_free(&b->key);
}

static bool
read_octets(const json_t *root, const char *member, struct buf *out, struct err *err)
{
	const char *text = json_string_value(json_object_get(root, member));

	return text == NULL || base64_decode(view_str(text), out, err) ||
	       err_prefix(err, "%s", member);
}

static bool
read_item(const struct route_call *c, struct body *b, struct import_item *item, struct err *err)
{
	b->root = json_body(c->http, ITEM_MAX);
	if (!read_octets(b->root, "entry", &b->entry, err) ||
	    !read_octets(b->root, "certificate", &b->certificate, err) ||
	    !read_octets(b->root, "key", &b->key, err))
		return false;
	*item = (struct import_item){.entry = buf_view(&b->entry),
	    .certificate = buf_view(&b->certificate),
	    .key = buf_view(&b->key),
	    .user = json_string_value(json_object_get(b->root, "user")),
	    .source = json_string_value(json_object_get(b->root, "source")),
	    .foreign = json_is_true(json_object_get(b->root, "foreign")),
	    .replace = json_is_true(json_object_get(b->root, "replace"))};
	return b->certificate.len > 0 || b->entry.len > 0 ||
	       err_set(err, E_INVALIDARG, "the body is not {\"certificate\": \"base64\", ...}");
}

static json_t *
json_result(const struct import_result *r)
{
	static const char *const keys[] = {
	    [IMPORT_KEY_NONE] = "none",
	    [IMPORT_KEY_ARCHIVED] = "archived",
	    [IMPORT_KEY_REPLACED] = "replaced",
	    [IMPORT_KEY_THERE] = "already archived",
	};

	return json_pack("{s:I, s:b, s:b, s:s, s:s?, s:o}", "request_id", (json_int_t)r->request_id,
	    "foreign", r->foreign, "was_there", r->was_there, "key", keys[r->key], "owner",
	    r->owner, "key_refusal",
	    r->key_refusal.code != ERR_OK ? json_error(&r->key_refusal) : json_null());
}

void
route_import_post(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(import_result_free) struct import_result result = {0};
	OWNED(body_free) struct body body = {0};
	struct import_item item;
	struct err err;

	/* The right first: without it nobody's mistakes are looked for. */
	if (!ca_check_right(view, &c->caller, CA_RIGHT_OFFICER, &err) ||
	    !read_item(c, &body, &item, &err) ||
	    !import_one(c->ca, c->vault, &c->caller, &item, clock_now(), &result, &err)) {
		log_warn("import refused", LOG_STR("by", c->caller.downlevel), LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	log_info("imported", LOG_INT("request", result.request_id),
	    LOG_STR("by", c->caller.downlevel), LOG_INT("key", (int64_t)result.key));
	json_answer(c->http, 200, json_result(&result));
}
