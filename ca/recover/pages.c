/* Rows page by page, or all of them. */
#include "recover_priv.h"

bool
recover_find_by(struct ca *ca, enum store_key by, const char *value, int64_t after,
    struct store_requests *out, struct err *err)
{
	return after == RECOVER_ALL ? store_find_candidates(ca->store, by, value, out, err)
				    : store_page_candidates(ca->store, by, value, after, out, err);
}
