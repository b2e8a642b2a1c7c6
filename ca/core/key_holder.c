#include "key_holder.h"

static bool
refuse(struct err *err)
{
	return err_set(
	    err, DIRCA_E_KEY_IN_USE, "the public key belongs to another principal; make a new key");
}

static bool
is_own_key(const struct ca *ca, struct view hash)
{
	const struct ca_issuers *i = &ca->info.issuers;

	for (size_t k = 0; k < i->count; k++)
		if (view_eq(hash, view_of(i->list[k].key_hash, PKIX_KEY_HASH_LEN)))
			return true;
	return false;
}

bool
key_holder_check(struct ca *ca, struct store_tx *tx, const struct key_holder *h, int64_t *row_out,
    struct err *err)
{
	const struct store_key_claim claim = {
	    .public_key_hash = h->public_key_hash,
	    .holder = h->holder,
	    .archived_only = h->may_share && !h->archives,
	};
	enum store_find found;

	*row_out = 0;
	if (is_own_key(ca, h->public_key_hash))
		return refuse(err);
	if (h->is_free)
		return true;
	found = tx != NULL ? store_other_holder(tx, &claim, row_out, err)
			   : store_find_other_holder(ca->store, &claim, row_out, err);
	if (found == STORE_FOUND)
		return refuse(err);
	return found == STORE_NOT_FOUND;
}
