/*
 * A public key is one principal's for ever: whoever else asks for a certificate with it holds a
 * request that is not his, or shares a key, and a recovery would give the one the other's key. The
 * one place that every way into the database asks.
 */
#ifndef CORE_KEY_HOLDER_H
#define CORE_KEY_HOLDER_H

#include "ca.h"

struct key_holder {
	struct view public_key_hash;   /* pkix_key_hash */
	struct store_principal holder; /* whom the certificate is for */
	bool is_free;   /* no row of anybody else has it (store_precedent): only the CA might */
	bool archives;  /* its private key is to be archived */
	bool may_share; /* CA\AllowSharedKeys */
};
/* DIRCA_E_KEY_IN_USE if a row of somebody else has the key, whatever became of it short of a
 * refusal, or the CA itself. With may_share only where this or the other row archives the key. The
 * sentence is fit for the requester: it does not say whose the key is; *row_out does (0: the CA's).
 * `tx` NULL: asked by a reader, ahead of the work; what is written must ask again in its unit. */
bool key_holder_check(struct ca *ca, struct store_tx *tx, const struct key_holder *h,
    int64_t *row_out, struct err *err);

#endif
