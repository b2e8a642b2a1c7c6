/* A certificate manager sets an attribute or extension of a request that waits. */
#include "enroll_priv.h"

#include <stdlib.h>

#include "mem.h"
#include "own.h"
#include "own_request.h"
#include "text.h"

struct setting_of {
	const struct principal *officer;
	int64_t request_id;
	const struct store_value *value;
};

static char *
detail_of(const struct store_value *v)
{
	OWNED(own_memory) char *hex = NULL;

	if (v->value.len == 0)
		return mem_text("taken away");
	if (v->kind == STORE_ATTRIBUTE)
		return text_printf("value=%.*s", (int)v->value.len, (const char *)v->value.ptr);
	hex = hex_encode(buf_view(&v->value), '\0');
	return text_printf("critical=%d value=%s", (int)v->critical, hex);
}

static enum audit_event
event_of(const struct store_value *v)
{
	return v->kind == STORE_ATTRIBUTE ? AUDIT_ATTRIBUTES_SET : AUDIT_EXTENSION_SET;
}

static bool
drop(struct store_tx *tx, const struct setting_of *s, struct err *err)
{
	bool was_there;

	return store_drop_value(tx, s->request_id, s->value, &was_there, err) &&
	       (was_there || err_set(err, CRYPT_E_NOT_FOUND,
				 "nobody set %s for request %lld, or it waits no more",
				 s->value->name, (long long)s->request_id));
}

static bool
write_value(struct store_tx *tx, void *arg, struct err *err)
{
	const struct setting_of *s = arg;
	OWNED(own_memory) char *detail = detail_of(s->value);
	const struct ca_audit record = {.when = s->value->set_when,
	    .event = event_of(s->value),
	    .actor = s->officer->downlevel,
	    .request_id = s->request_id,
	    .object = s->value->name,
	    .detail = detail};

	return (s->value->value.len > 0 ? store_set_value(tx, s->request_id, s->value, err)
					: drop(tx, s, err)) &&
	       ca_audit(tx, &record, err);
}

bool
enroll_set_value(struct ca *ca, const struct principal *officer, int64_t request_id,
    const struct enroll_value *in, int64_t now, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = NULL;
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(own_memory) char *name = mem_text(in->name);
	OWNED(own_memory) char *by = mem_text(officer->downlevel);
	OWNED(buf_free) struct buf value = {0};
	bool ok = buf_dup(in->value, &value, err);
	const struct store_value v = {.kind = in->is_extension ? STORE_EXTENSION : STORE_ATTRIBUTE,
	    .name = name,
	    .critical = in->critical,
	    .value = value,
	    .set_by = by,
	    .set_when = now};
	struct setting_of setting = {officer, request_id, &v};

	ok = ok && enroll_officer_row(ca, officer, request_id, &view, &row, err) &&
	     enroll_check_pending(&row, err) && own_check_row(ca, officer, &row, err) &&
	     enroll_check_value(ca, &v, err) && store_do(ca->store, write_value, &setting, err);
	if (!ok)
		enroll_audit_refusal(ca, event_of(&v), officer, request_id, now, err);
	return ok;
}
