/* A CMC response from a CA that may be hostile: decoded or refused; what is decoded encodes to the
 * same bytes. */
#include <stdlib.h>
#include <openssl/objects.h>

#include "cmc_reencode.h"
#include "cmc.h"
#include "oids.h"
#include "target.h"

int
target(const uint8_t *data, size_t size)
{
	struct view certificate;
	struct cmc_response r;
	struct buf again;
	struct err err;

	if (!oids_init(&err))
		abort();
	if (!cmc_response_decode(view_of(data, size), &r, &err))
		return 0;
	if (!cmc_reencode(view_of(data, size), &again, &err) ||
	    !view_eq(buf_view(&again), view_of(data, size)))
		abort();
	certificate = cmc_response_certificate(&r);
	if (r.issued_sha1.len == 0 && certificate.len != 0)
		abort();
	buf_free(&again);
	cmc_response_free(&r);
	return 0;
}
