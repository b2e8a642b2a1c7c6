/* No signature without its record. */
#include "vault_priv.h"

#include "clock.h"

bool
vault_new_serial(struct journal_entry *entry, struct err *err)
{
	do {
		if (!pkix_new_serial(entry->number, err))
			return false;
	} while (entry->number[0] == 0);
	entry->number_len = PKIX_SERIAL_LEN;
	return true;
}

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

bool
vault_sign_tbs(struct vault_worker *w, struct journal_entry *entry, struct view tbs,
    struct buf *signature, struct buf *certificate, struct err *err)
{
	return vault_sign_noted(w, entry, tbs, signature, err) &&
	       pkix_signed_wrap(
		   tbs, w->state->keys[0].rules.sig_alg, buf_view(signature), certificate, err) &&
	       signed_kras_keep(&w->state->signed_kras, buf_view(certificate), err);
}
