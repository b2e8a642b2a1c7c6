/*
 * A checkpoint of the audit trail (docs/PROTOCOL.md): SignedData by the CA's key over the number
 * and the hash of a row, with a content type of its own, so that it is nothing else that the CA
 * signs.
 */
#ifndef MESSAGES_CHECKPOINT_H
#define MESSAGES_CHECKPOINT_H

#include "pkix.h"

#define CHECKPOINT_HASH_LEN 32

struct checkpoint {
	int64_t row, when;
	uint8_t hash[CHECKPOINT_HASH_LEN]; /* of the row, in the chain (trail.h) */
	int64_t previous_row;              /* of the checkpoint before it; 0: it is the first */
	bool has_previous_hash; /* false though there was one: the CA's database had lost it */
	uint8_t previous_hash[CHECKPOINT_HASH_LEN];
};

/* The content that is signed. E_INVALIDARG: no row. */
bool checkpoint_encode(const struct checkpoint *c, struct buf *der_out, struct err *err);
/* Exactly that; ERROR_INVALID_DATA. */
bool checkpoint_decode(struct view der, struct checkpoint *out, struct err *err);
/* The whole message: signed by the key of one of `cas`, once, and of the content type.
 * NTE_BAD_SIGNATURE, ERROR_INVALID_DATA, CRYPT_E_INVALID_MSG_TYPE, CRYPT_E_NOT_FOUND: none of them
 * is the signer. */
bool checkpoint_verify(struct view message, const struct pkix_cert *const *cas, size_t count,
    struct checkpoint *out, struct err *err);

#endif
