/* Recovery blobs as a KRA's machine may be given them. */
#include <stdlib.h>
#include <openssl/ec.h>
#include <openssl/rand.h>

#include "oids.h"
#include "recovery.h"
#include "target.h"
#include "unwrap_as.h"

static EVP_PKEY *key;

static void
init(void)
{
	uint8_t random[1];
	struct err err;

	/* Random first: the generators would lie on the secure heap, where a leak checker does not
	 * look for pointers. */
	if (RAND_bytes(random, 1) != 1 || RAND_priv_bytes(random, 1) != 1 ||
	    !secret_heap_init(1 << 16, true, &err) || !oids_init(&err) ||
	    (key = EVP_EC_gen("P-256")) == NULL)
		abort();
}

int
target(const uint8_t *data, size_t size)
{
	struct recovery_blob blob;
	EVP_PKEY *opened;
	struct err err;

	if (key == NULL)
		init();
	if (!recovery_decode(view_of(data, size), &blob, &err)) {
		if (blob.others != NULL || err.code == ERR_OK || err.msg[0] == '\0')
			abort();
		return 0;
	}
	if (blob.certificate.raw.len == 0 || blob.signer.raw.len == 0)
		abort();
	for (size_t i = 0; i <= blob.archived.count; i++) {
		const struct pkix_cert *kra = recovery_recipient(&blob, i);

		/* The key is a stranger's: nothing may open. */
		if (kra != NULL && unwrap_as(&blob, kra, key, &opened, &err))
			abort();
	}
	if (unwrap_as(&blob, &blob.certificate, key, &opened, &err))
		abort();
	recovery_free(&blob);
	return 0;
}
