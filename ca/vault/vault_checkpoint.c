/*
 * Checkpoints of the audit trail. The front says which row and hash, as it does with all that it
 * keeps; what the vault adds is its time, that rows only grow, and what it signed before, which it
 * is shown again: a trail that was shortened gets no signature until it is longer than it ever was,
 * and one that was made anew a signature that says what is missing.
 */
#include "vault_priv.h"

#include <string.h>

#include "bytes.h"
#include "checkpoint.h"
#include "clock.h"
#include "oids.h"
#include "own.h"

static bool
read_checkpoint(struct view row, struct view hash, struct checkpoint *out, struct err *err)
{
	uint64_t n = 0;

	if (row.len != 8 || !bytes_get_u64le(&row, &n) || n == 0 || n > INT64_MAX ||
	    hash.len != sizeof out->hash)
		return err_set(
		    err, E_INVALIDARG, "a checkpoint is of a row of the audit trail and its hash");
	*out = (struct checkpoint){.row = (int64_t)n, .when = clock_now()};
	memcpy(out->hash, hash.ptr, sizeof out->hash);
	return true;
}

static struct journal_entry
entry_of(const struct checkpoint *c)
{
	struct journal_entry e = {.kind = JOURNAL_CHECKPOINT};
	uint64_t row = (uint64_t)c->row;

	while (e.number_len < sizeof row && row >> (8 * e.number_len) != 0)
		e.number_len++;
	for (size_t i = 0; i < e.number_len; i++)
		e.number[e.number_len - 1 - i] = (uint8_t)(row >> (8 * i));
	return e;
}

static bool
sign(struct vault_worker *w, const struct checkpoint *c, struct buf *out, struct err *err)
{
	const struct vault_ca_key *newest = &w->state->keys[0];
	const struct pkix_cert *ca = &newest->issuer->cert;
	const struct view certificate = buf_view(&ca->raw);
	OWNED(buf_free) struct buf content = {0}, attrs = {0}, signature = {0};
	struct journal_entry entry = entry_of(c);
	struct cms_sign in = {.content_oid = oid_dotted(OID_CT_AUDIT_CHECKPOINT),
	    .digest = w->signers[0].digest,
	    .issuer = ca->issuer,
	    .serial = ca->serial,
	    .certificates = &certificate,
	    .certificate_count = 1};

	if (!checkpoint_encode(c, &content, err))
		return false;
	in.content = buf_view(&content);
	return cms_sign_attrs(&in, &attrs, err) &&
	       vault_sign_noted(w, &entry, buf_view(&attrs), &signature, err) &&
	       cms_sign_finish(
		   &in, buf_view(&attrs), newest->rules.sig_alg, buf_view(&signature), out, err);
}

/* The message that the vault signed last, if this is it. */
static bool
is_last(const struct vault_state *s, struct view message, struct checkpoint *out)
{
	const struct pkix_cert *cas[CA_ISSUERS_MAX];
	struct err ignored;

	for (size_t i = 0; i < s->issuers.count; i++)
		cas[i] = &s->issuers.list[i].cert;
	return message.len > 0 &&
	       checkpoint_verify(message, cas, s->issuers.count, out, &ignored) &&
	       (uint64_t)out->row == s->checkpoint_row;
}

/* Under the lock. */
static bool
continue_last(
    const struct vault_state *s, struct view previous, struct checkpoint *c, struct err *err)
{
	struct checkpoint last;

	if ((uint64_t)c->row == s->checkpoint_row)
		return err_set(err, ERROR_FILE_EXISTS,
		    "the vault signed the audit trail up to row %lld already", (long long)c->row);
	if ((uint64_t)c->row < s->checkpoint_row)
		return err_set(err, E_ACCESSDENIED,
		    "the vault signed the audit trail up to row %llu, and row %lld is none behind "
		    "it",
		    (unsigned long long)s->checkpoint_row, (long long)c->row);
	c->previous_row = (int64_t)s->checkpoint_row;
	c->has_previous_hash = s->checkpoint_row > 0 && is_last(s, previous, &last);
	if (c->has_previous_hash)
		memcpy(c->previous_hash, last.hash, sizeof last.hash);
	return true;
}

bool
vault_checkpoint(struct vault_worker *w, struct view row, struct view hash, struct view previous,
    struct buf *message_out, struct err *err)
{
	struct vault_state *s = w->state;
	struct checkpoint c;
	bool ok;

	*message_out = (struct buf){0};
	if (!read_checkpoint(row, hash, &c, err))
		return false;
	pthread_mutex_lock(&s->checkpoint_lock);
	ok = continue_last(s, previous, &c, err) && sign(w, &c, message_out, err);
	if (ok)
		s->checkpoint_row = (uint64_t)c.row;
	pthread_mutex_unlock(&s->checkpoint_lock);
	return ok;
}
