/* No signature without its record. */
#include "vault_priv.h"

#include "clock.h"

bool
vault_sign_noted_by(struct vault_worker *w, size_t at, struct journal_entry *entry,
    struct view what, struct buf *signature, struct err *err)
{
	return journal_add(&w->state->journal, entry, what, clock_now(), err) &&
	       key_signer_sign(&w->signers[at], what, signature, err);
}

bool
vault_sign_noted(struct vault_worker *w, struct journal_entry *entry, struct view what,
    struct buf *signature, struct err *err)
{
	return vault_sign_noted_by(w, 0, entry, what, signature, err);
}
