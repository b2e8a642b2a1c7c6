/* A CMC request from anybody: it is decoded or refused, what is decoded encodes to the same bytes
 * and can be stripped of its key and read again. */
#include <stdlib.h>

#include "cmc.h"
#include "oids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_stripped(const struct cmc_request *r)
{
	struct cmc_request again;
	struct buf out;
	struct err err;

	if (!cmc_request_strip(r, &out, &err) ||
	    !cmc_request_decode(buf_view(&out), &again, &err) || again.archived_key.len != 0 ||
	    !view_eq(again.message.content, r->message.content))
		abort();
	cmc_request_free(&again);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cmc_request r;
	EVP_PKEY *key = NULL;
	struct buf again;
	struct err err;

	if (!oids_init(&err))
		abort();
	if (!cmc_request_decode(view_of(data, size), &r, &err))
		return 0;
	if (!cmc_reencode(view_of(data, size), &again, &err) ||
	    !view_eq(buf_view(&again), view_of(data, size)))
		abort();
	buf_free(&again);
	check_stripped(&r);
	if (pkix_public_key(r.request.spki, &key, &err))
		(void)cmc_request_verify(&r, key, true, &err);
	EVP_PKEY_free(key);
	cmc_request_free(&r);
	return 0;
}
