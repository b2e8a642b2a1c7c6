/* After a revocation: is it a KRA's? */
#include "ca.h"

#include "log.h"
#include "own.h"

void
ca_kra_look(struct ca *ca, struct vault *v, int64_t request_id)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(store_request_free) struct store_request row = {0};
	struct err err;

	if (store_get_request(ca->store, request_id, &row, &err) != STORE_FOUND)
		return;
	for (size_t i = 0; i < view->kra_count; i++)
		if (view_eq(buf_view(&view->kras[i].cert.raw), buf_view(&row.raw_certificate))) {
			if (!ca_refresh(ca, v, &err))
				log_warn(
				    "a KRA's revocation is not in force yet", LOG_REASON(&err));
			return;
		}
}
