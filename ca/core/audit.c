#include "audit.h"

#include <stdio.h>

#include "ca_priv.h"
#include "clock.h"
#include "mem.h"
#include "own.h"
#include "text.h"

bool
ca_audit_row(struct store_tx *tx, const struct ca_audit *a, int64_t *row_out, struct err *err)
{
	OWNED(own_memory) char *actor = mem_text(a->actor);
	OWNED(own_memory) char *object = mem_text(a->object);
	OWNED(own_memory) char *detail = mem_text(a->detail);
	struct audit_record r = {
	    .when = a->when,
	    .event = a->event,
	    .success = a->status == ERR_OK,
	    .status = (int32_t)a->status,
	    .request_id = a->request_id,
	    .actor = actor,
	    .object = object,
	    .detail = detail,
	};
	bool ok = store_audit(tx, &r, err);

	*row_out = r.row_id;
	return ok;
}

char *
ca_audit_certificate(const struct store_request *row)
{
	return text_printf("template=%s requester=%s subject=%s",
	    row->template_name != NULL ? row->template_name : "-",
	    row->requester_name != NULL ? row->requester_name : "-",
	    row->distinguished_name != NULL ? row->distinguished_name : "-");
}

bool
ca_audit(struct store_tx *tx, const struct ca_audit *a, struct err *err)
{
	int64_t ignored;

	return ca_audit_row(tx, a, &ignored, err);
}

static bool
write_alone(struct store_tx *tx, void *arg, struct err *err)
{
	return ca_audit(tx, arg, err);
}

bool
ca_audit_alone(struct store *store, const struct ca_audit *a, struct err *err)
{
	struct ca_audit copy = *a;

	return store_do(store, write_alone, &copy, err);
}

void
ca_audit_refusal(struct ca *ca, const struct ca_audit *a, struct err *reason)
{
	static const struct quota_limits limits = {.requests = REFUSALS_RECORDED};
	struct quota_verdict verdict;
	struct ca_audit whole = *a;
	OWNED(own_memory) char *detail = NULL;
	struct err err;

	if (!quota_take(ca->state->refusals, a->actor, clock_mono_ms(), 0, &limits, &verdict, &err))
		return;
	whole.status = reason->code;
	detail = verdict.left_out_before > 0
		     ? text_printf("%s%s (of the hour before, %lld more refusals of this account "
				   "were not recorded)",
			   a->detail != NULL ? a->detail : "", reason->msg,
			   (long long)verdict.left_out_before)
		     : text_printf("%s%s", a->detail != NULL ? a->detail : "", reason->msg);
	whole.detail = detail;
	if (!ca_audit_alone(ca->store, &whole, &err))
		err_prefix(reason, "(not audited: %s)", err_name(err.code));
}
