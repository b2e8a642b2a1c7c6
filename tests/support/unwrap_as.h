/* Opening a recovery BLOB as the agent of one certificate and one key. */
#ifndef TESTS_UNWRAP_AS_H
#define TESTS_UNWRAP_AS_H

#include "recovery.h"

static inline bool
unwrap_as(const struct recovery_blob *b, const struct pkix_cert *kra, EVP_PKEY *kra_key,
    EVP_PKEY **key_out, struct err *err)
{
	const struct recovery_agent agent = {
	    .keys = &kra_key, .key_count = 1, .certificates = kra, .certificate_count = 1};
	size_t recipient;

	return recover_unwrap(b, &agent, &recipient, key_out, err);
}

#endif
