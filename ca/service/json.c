#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "pkix.h"
#include "printable.h"
#include "status.h"
#include "text.h"

#define BODY_MAX 4096

void
json_answer(struct http_call *http, int status, json_t *value)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
	/* The notation of the escapes is that of JSON, where they can only be in strings. */
	char *shown = text != NULL ? printable_escape(text) : NULL;

	if (shown != NULL)
		answer_body(http, status, "application/json", view_str(shown));
	else
		http->status = 500;
	free(text);
	free(shown);
	json_decref(value);
}

json_t *
json_error(const struct err *err)
{
	char number[11];

	snprintf(number, sizeof number, "0x%08X", (unsigned)err->code);
	return json_pack(
	    "{s:s, s:s, s:s}", "code", number, "name", err_name(err->code), "message", err->msg);
}

void
json_answer_error(struct http_call *http, int status, const struct err *err)
{
	json_answer(http, status, json_pack("{s:o}", "error", json_error(err)));
}

void
json_fail(struct http_call *http, const struct err *err)
{
	char name[80];
	struct err ignored;

	snprintf(name, sizeof name, "0x%08X %s", (unsigned)err->code, err_name(err->code));
	if (http_call_header(http, "Dirca-Error", name, &ignored))
		json_answer_error(http, status_of(err->code), err);
	else
		http->status = 500;
}

static json_t *
text_or_null(const char *s)
{
	json_t *value = s != NULL ? json_string(s) : NULL;

	return value != NULL ? value : json_null();
}

static json_t *
when_or_null(int64_t when)
{
	char text[21];

	if (when == 0)
		return json_null();
	clock_format(when, text);
	return json_string(text);
}

static json_t *
hash_or_null(const struct buf *hash)
{
	char *hex = hash->len > 0 ? hex_encode(buf_view(hash), '\0') : NULL;
	json_t *value = text_or_null(hex);

	free(hex);
	return value;
}

/* Names are those of the AD CS request table in the API's spelling. */
json_t *
json_request(const struct store_request *r)
{
	char status[11];

	snprintf(status, sizeof status, "0x%08X", (unsigned)r->status_code);
	return json_pack("{s:I, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:b, s:o}",
	    "request_id", (json_int_t)r->request_id, "disposition",
	    disposition_name(r->disposition), "disposition_message",
	    text_or_null(r->disposition_message), "status", status, "submitted_when",
	    when_or_null(r->submitted_when), "resolved_when", when_or_null(r->resolved_when),
	    "requester_name", text_or_null(r->requester_name), "template",
	    text_or_null(r->template_name), "serial_number", text_or_null(r->serial_number),
	    "subject", text_or_null(r->distinguished_name), "common_name",
	    text_or_null(r->common_name), "upn", text_or_null(r->upn), "not_before",
	    when_or_null(r->not_before), "not_after", when_or_null(r->not_after),
	    "certificate_hash", hash_or_null(&r->certificate_hash), "revoked_when",
	    when_or_null(r->revoked_when), "archived_key",
	    (int)(r->has_archived_key || r->raw_archived_key.len > 0), "key_recovery_hashes",
	    text_or_null(r->key_recovery_hashes));
}

json_t *
json_candidate(const struct store_request *r)
{
	json_t *value = json_request(r);
	struct pkix_cert c = {0};
	struct err err;

	json_object_set_new(value, "certificate_version",
	    pkix_cert_decode(buf_view(&r->raw_certificate), &c, &err) ? json_integer(c.version)
								      : json_null());
	pkix_cert_free(&c);
	return value;
}

char *
json_body_string(const struct http_call *http, const char *member)
{
	json_t *root = http->body.len <= BODY_MAX
			   ? json_loadb((const char *)http->body.ptr, http->body.len,
				 JSON_REJECT_DUPLICATES, NULL)
			   : NULL;
	const char *value = json_string_value(json_object_get(root, member));
	char *copy = value != NULL ? strdup(value) : NULL;

	json_decref(root);
	return copy;
}
