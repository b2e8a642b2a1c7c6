/*
 * Batches of archived keys that root gave out for an agent to seal to others (dirca archive
 * export): who may see them, and the second person who approves that they are taken back, where
 * CA\Recovery\ApproveBatches says so.
 */
#ifndef RECOVER_BATCHES_H
#define RECOVER_BATCHES_H

#include "ca.h"
#include "store_batches.h"

/* Whose account it is by what the sign-in says of who gave it out: another name for one
 * person. Pure. */
bool recover_batch_is_by(const char *given_by, const char *downlevel);

/* A page of them for who may look (the caller of this asks), the newest first; behind the batch of
 * that name, or NULL. CRYPT_E_NOT_FOUND: there is none of that name. */
bool recover_batch_list(
    struct ca *ca, const char *after_hex, int limit, struct store_batches *out, struct err *err);

/* For a CA administrator, who is not who gave it out. `from_root`: he signed in as root of the CA's
 * machine, or as the service: E_ACCESSDENIED. Each approval and refusal is audited. */
struct batch_approval {
	const struct principal *by;
	bool from_root;
	const char *id_hex;
	int64_t now;
};
bool recover_batch_approve(
    struct ca *ca, const struct batch_approval *in, struct store_batch *out, struct err *err);

/* May what an agent gave back be taken? E_ACCESSDENIED: it waits for the second person. `id` and
 * `to` are of the order that root signed: nobody approves one batch and has another taken. */
bool recover_batch_check(
    struct store *store, struct view id, int64_t keys, const char *to, struct err *err);

#endif
