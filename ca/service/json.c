#include "json.h"

#include <stddef.h>
#include <stdio.h>

#include "answer.h"
#include "case_states.h"
#include "clock.h"
#include "columns.h"
#include "mem.h"
#include "own.h"
#include "pkix.h"
#include "printable.h"
#include "status.h"
#include "text.h"

#define BODY_MAX 4096

void
json_free(json_t **value)
{
	json_decref(*value);
}

void
json_answer(struct http_call *http, int status, json_t *value)
{
	OWNED(own_memory) char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
	/* The notation of the escapes is that of JSON, where they can only be in strings. */
	OWNED(own_memory) char *shown = text != NULL ? printable_escape(text) : NULL;

	if (shown != NULL)
		answer_body(http, status, "application/json", view_str(shown));
	else
		http->status = 500;
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
	http->refusal = err->code;
	json_answer(http, status, json_pack("{s:o}", "error", json_error(err)));
}

void
json_refuse(struct http_call *http, int status, const struct err *err)
{
	char name[80];
	struct err ignored;

	snprintf(name, sizeof name, "0x%08X %s", (unsigned)err->code, err_name(err->code));
	if (http_call_header(http, "Dirca-Error", name, &ignored))
		json_answer_error(http, status, err);
	else
		http->status = 500;
}

void
json_fail(struct http_call *http, const struct err *err)
{
	json_refuse(http, status_of(err->code), err);
}

json_t *
json_text_or_null(const char *s)
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
	OWNED(own_memory) char *hex = hash->len > 0 ? hex_encode(buf_view(hash), '\0') : NULL;

	return json_text_or_null(hex);
}

static json_t *
json_status(int32_t status)
{
	char text[11];

	snprintf(text, sizeof text, "0x%08X", (unsigned)status);
	return json_string(text);
}

static json_t *
json_column(enum column_kind kind, const void *member)
{
	switch (kind) {
	case COL_U32:
	case COL_VERSION:
		return json_integer(*(const uint32_t *)member);
	case COL_I32:
		return json_integer(*(const int32_t *)member);
	case COL_REASON:
		return *(const int32_t *)member < 0 ? json_null()
						    : json_integer(*(const int32_t *)member);
	case COL_DISPOSITION:
		return json_string(disposition_name(*(const enum disposition *)member));
	case COL_STATUS:
		return json_status(*(const int32_t *)member);
	case COL_WHEN:
		return when_or_null(*(const int64_t *)member);
	case COL_TEXT:
		return json_text_or_null(*(char *const *)member);
	case COL_BLOB:
		return hash_or_null(member);
	}
	return json_null();
}

/* The columns that the API shows, under its names for them. */
json_t *
json_request(const struct store_request *r)
{
	static const struct {
		const char *name;
		enum column_kind kind;
		size_t offset;
	} columns[] = {
#define COLUMN_JSON(kind, column, member, most, json) \
	{json, kind, offsetof(struct store_request, member)},
	    REQUEST_COLUMNS(COLUMN_JSON) REVOCATION_COLUMNS(COLUMN_JSON)
		CERTIFICATE_COLUMNS(COLUMN_JSON)
#undef COLUMN_JSON
	};
	json_t *value = json_pack("{s:I, s:b}", "request_id", (json_int_t)r->request_id,
	    "archived_key", (int)(r->has_archived_key || r->raw_archived_key.len > 0));

	for (size_t i = 0; i < COUNT_OF(columns); i++)
		if (columns[i].name != NULL)
			json_object_set_new(value, columns[i].name,
			    json_column(columns[i].kind, (const char *)r + columns[i].offset));
	return value;
}

bool
json_disposition(const char *name, enum disposition *out, struct err *err)
{
	static const enum disposition all[] = {DISP_PENDING, DISP_ISSUED, DISP_REVOKED, DISP_ERROR,
	    DISP_DENIED, DISP_ACTIVE, DISP_FOREIGN};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (text_eq_nocase(disposition_name(all[i]), name)) {
			*out = all[i];
			return true;
		}
	return err_set(err, E_INVALIDARG,
	    "disposition '%s' is unknown: pending, issued, revoked, denied and error are", name);
}

bool
json_sort_value(
    const char *text, enum store_sort sort, struct store_sort_value *out, struct err *err)
{
	enum disposition d;

	*out = (struct store_sort_value){0};
	if (*text == '\0')
		return true;
	switch (store_sort_kind(sort)) {
	case COL_TEXT:
		out->text = text;
		return true;
	case COL_DISPOSITION:
		if (!json_disposition(text, &d, err))
			return false;
		out->number = d;
		return true;
	default:
		return clock_parse(text, &out->number) ||
		       err_set(err, E_INVALIDARG, "after_value '%s' is not an instant", text);
	}
}

json_t *
json_values(const struct store_values *values, enum store_value_kind kind)
{
	json_t *list = json_array();

	for (size_t i = 0; i < values->count; i++) {
		const struct store_value *v = &values->list[i];
		struct view value = buf_view(&v->value);
		OWNED(own_memory)
		char *text = kind == STORE_ATTRIBUTE ? mem_text_n(value.ptr, value.len)
						     : hex_encode(value, '\0');

		if (v->kind == kind)
			json_array_append_new(
			    list, json_pack("{s:s, s:b, s:s, s:s, s:o}", "name", v->name,
				      "critical", (int)v->critical, "value", text, "set_by",
				      v->set_by, "set_when", when_or_null(v->set_when)));
	}
	return list;
}

json_t *
json_candidate(const struct store_request *r)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	json_t *value = json_request(r);
	struct err err;

	json_object_set_new(value, "certificate_version",
	    pkix_cert_decode(buf_view(&r->raw_certificate), &c, &err) ? json_integer(c.version)
								      : json_null());
	return value;
}

json_t *
json_audit(const struct audit_record *a)
{
	OWNED(own_memory) char *hash = hex_encode(view_of(a->hash, sizeof a->hash), '\0');
	json_t *request = a->request_id != 0 ? json_integer(a->request_id) : json_null();

	return json_pack("{s:I, s:o, s:i, s:b, s:o, s:s, s:o, s:o, s:o, s:s}", "row_id",
	    (json_int_t)a->row_id, "when", when_or_null(a->when), "event", (int)a->event, "success",
	    (int)a->success, "status", json_status(a->status), "actor", a->actor, "request_id",
	    request, "object", json_text_or_null(a->object), "detail", json_text_or_null(a->detail),
	    "row_hash", hash);
}

static json_t *
json_variables(const struct event_kind *kind, const struct event_record *e)
{
	json_t *all = json_object();

	for (size_t i = 0; i < EVENT_VALUES_MAX; i++) {
		OWNED(own_memory) char *name = event_variable(kind, i);

		if (name != NULL)
			json_object_set_new(all, name, json_text_or_null(e->values[i]));
	}
	return all;
}

json_t *
json_event(const struct event_record *e)
{
	const char *values[EVENT_VALUES_MAX];
	const struct event_kind *kind = event_kind(e->number);
	OWNED(own_memory) char *text = NULL;
	json_t *request = e->request_id != 0 ? json_integer(e->request_id) : json_null();

	for (size_t i = 0; i < EVENT_VALUES_MAX; i++)
		values[i] = e->values[i];
	text = kind != NULL ? event_text(kind, values) : NULL;
	return json_pack("{s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "row_id",
	    (json_int_t)e->row_id, "when", when_or_null(e->when), "number", (json_int_t)e->number,
	    "name", json_text_or_null(kind != NULL ? kind->symbol : NULL), "level",
	    json_text_or_null(kind != NULL ? event_level_name(kind->level) : NULL), "category",
	    json_text_or_null(kind != NULL ? event_category_name(kind->category) : NULL),
	    "request_id", request, "text", json_text_or_null(text), "variables",
	    kind != NULL ? json_variables(kind, e) : json_object());
}

static json_t *
json_case_key(const struct store_case_key *k)
{
	return json_pack("{s:I, s:o, s:o, s:I, s:o, s:o}", "request_id", (json_int_t)k->request_id,
	    "serial_number", json_text_or_null(k->serial), "foreign_hash",
	    json_text_or_null(k->foreign_hash), "fetches", (json_int_t)k->fetches, "fetched_when",
	    when_or_null(k->fetched_when), "received_when", when_or_null(k->received_when));
}

json_t *
json_batch(const struct store_batch *b)
{
	OWNED(own_memory) char *id = hex_encode(view_of(b->id, sizeof b->id), '\0');
	OWNED(own_memory) char *from = hex_encode(view_of(b->from, sizeof b->from), '\0');

	return json_pack("{s:s, s:o, s:o, s:I, s:s, s:o, s:o, s:o, s:o}", "batch", id, "given_when",
	    when_or_null(b->given_when), "given_by", json_text_or_null(b->given_by), "keys",
	    (json_int_t)b->keys, "from", from, "with", json_text_or_null(b->with), "to",
	    json_text_or_null(b->to), "approved_by", json_text_or_null(b->approved_by),
	    "approved_when", when_or_null(b->approved_when));
}

json_t *
json_case(const struct store_case *c)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < c->key_count; i++)
		json_array_append_new(keys, json_case_key(&c->keys[i]));
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o}",
	    "case_id", (json_int_t)c->case_id, "state", case_state_name(c->state), "reason",
	    case_reason_name(c->reason), "ticket", json_text_or_null(c->ticket), "note",
	    json_text_or_null(c->note), "owner", json_text_or_null(c->owner_name), "opened_by",
	    c->opened_by, "opened_when", when_or_null(c->opened_when), "needs_approver",
	    (int)c->needs_approver, "approved_by", json_text_or_null(c->approved_by),
	    "approved_when", when_or_null(c->approved_when), "usable_until",
	    when_or_null(c->usable_until), "ended_by", json_text_or_null(c->ended_by), "ended_when",
	    when_or_null(c->ended_when), "ended_why", json_text_or_null(c->ended_why), "keys",
	    keys);
}

json_t *
json_body(const struct http_call *http, size_t most)
{
	if (http->body.len > most)
		return NULL;
	return json_loadb(
	    (const char *)http->body.ptr, http->body.len, JSON_REJECT_DUPLICATES, NULL);
}

char *
json_body_string(const struct http_call *http, const char *member)
{
	OWNED(json_free) json_t *root = json_body(http, BODY_MAX);

	return mem_text(json_string_value(json_object_get(root, member)));
}

bool
json_body_strings(const struct http_call *http, const char *member, struct texts *out)
{
	OWNED(json_free) json_t *root = json_body(http, BODY_MAX);
	const json_t *list = json_object_get(root, member), *each;
	size_t i;

	*out = (struct texts){0};
	json_array_foreach(list, i, each)
	{
		if (!json_is_string(each)) {
			texts_free(out);
			return false;
		}
		texts_add(out, json_string_value(each));
	}
	return out->count > 0;
}

bool
json_body_true(const struct http_call *http, const char *member)
{
	OWNED(json_free) json_t *root = json_body(http, BODY_MAX);

	return json_is_true(json_object_get(root, member));
}
