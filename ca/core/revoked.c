/* After a revocation, or its end: was it that of a KRA, or of an exchange certificate? */
#include "ca_priv.h"

#include "clock.h"
#include "log.h"
#include "own.h"

static bool
is_kra(const struct ca_view *view, const struct store_request *row)
{
	for (size_t i = 0; i < view->kra_count; i++)
		if (view_eq(buf_view(&view->kras[i].cert.raw), buf_view(&row->raw_certificate)))
			return true;
	return false;
}

static bool
is_handed_out(const struct ca_view *view, const struct store_request *row)
{
	const struct ca_xchg *xchg = ca_view_xchg(view, clock_now());

	return xchg != NULL && view_eq(buf_view(&xchg->cert.raw), buf_view(&row->raw_certificate));
}

void
ca_look_at_revoked(struct ca *ca, struct vault *v, int64_t request_id)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(store_request_free) struct store_request row = {0};
	struct err err;

	if (store_get_request(ca->store, request_id, &row, &err) != STORE_FOUND ||
	    (!is_kra(view, &row) && (row.request_flags & CR_FLG_CAXCHGCERT) == 0))
		return;
	if (row.disposition == DISP_REVOKED && is_handed_out(view, &row)) {
		if (ca_new_exchange(ca, v, OWN_ACTOR, &err))
			return;
		log_error("no exchange certificate in place of the revoked one", LOG_REASON(&err));
	}
	if (!ca_refresh(ca, v, &err))
		log_warn("a revocation is not in force yet", LOG_REASON(&err));
}
