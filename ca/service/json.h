/*
 * JSON of the API (jansson): rows and errors out, the few bodies in. The shapes are those of
 * docs/openapi.yaml.
 */
#ifndef SERVICE_JSON_H
#define SERVICE_JSON_H

#include <jansson.h>

#include "http.h"
#include "store_batches.h"
#include "store_cases.h"

/* For an owned json_t (own.h). */
void json_free(json_t **value);
/* Takes the reference of `value`; NULL becomes status 500. */
void json_answer(struct http_call *http, int status, json_t *value);
/* The JSON alone, for where the header is there. */
void json_answer_error(struct http_call *http, int status, const struct err *err);
/* As json_fail, with another status. */
void json_refuse(struct http_call *http, int status, const struct err *err);
/* The answer of any failure: JSON with code, name and sentence, and the header Dirca-Error; HTTP
 * status by code. */
void json_fail(struct http_call *http, const struct err *err);
/* {"code", "name", "message"} */
json_t *json_error(const struct err *err);
json_t *json_request(const struct store_request *r);
/* The same with "certificate_version", null where there is no certificate that can be read. */
json_t *json_candidate(const struct store_request *r);
/* What certificate managers set for a request; of extensions the value is hexadecimal. */
json_t *json_values(const struct store_values *values, enum store_value_kind kind);
/* By its name, without case; E_INVALIDARG. */
bool json_disposition(const char *name, enum disposition *out, struct err *err);
/* What json_request writes into the column that is sorted by; "": absent. Borrows `text`. */
bool json_sort_value(
    const char *text, enum store_sort sort, struct store_sort_value *out, struct err *err);
/* A record of the audit trail: what is hashed, and its hash. */
json_t *json_audit(const struct audit_record *a);
/* An event, its text made of its values. */
json_t *json_event(const struct event_record *e);
json_t *json_batch(const struct store_batch *b);
json_t *json_case(const struct store_case *c);
/* The body; NULL if it is over so many octets, or no JSON. json_decref. */
json_t *json_body(const struct http_call *http, size_t most);
/* A string, or null for NULL. */
json_t *json_text_or_null(const char *s);
/* Is the member true? */
bool json_body_true(const struct http_call *http, const char *member);
/* A string member of a JSON object body; NULL if the body is no object or lacks it. free(). Bodies
 * over 4 KiB are refused. */
char *json_body_string(const struct http_call *http, const char *member);
/* The strings of an array member; false unless it is one of one string at least. */
bool json_body_strings(const struct http_call *http, const char *member, struct texts *out);

#endif
