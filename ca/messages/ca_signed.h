/*
 * What a CA of dirca says in a message of its own kind: SignedData by its key alone, of a content
 * type that nothing else has that it signs.
 */
#ifndef MESSAGES_CA_SIGNED_H
#define MESSAGES_CA_SIGNED_H

#include "cms.h"
#include "oids.h"
#include "pkix.h"

struct ca_signed {
	enum oid_id type;
	const char *what; /* "a checkpoint of the audit trail" */
	const struct pkix_cert *const *cas;
	size_t count;
};
/* Signed by the key of one of `cas`, once, and of the type; the content is in *out.
 * NTE_BAD_SIGNATURE, ERROR_INVALID_DATA, CRYPT_E_INVALID_MSG_TYPE, CRYPT_E_NOT_FOUND: no CA was
 * named. */
bool ca_signed_verify(
    const struct ca_signed *in, struct view message, struct cms_signed *out, struct err *err);

#endif
