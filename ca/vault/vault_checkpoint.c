/*
 * Checkpoints of the audit trail. The front says which row and hash, as it does with all that it
 * keeps; what the vault adds is its time, that rows only grow, and what it signed before, which it
 * remembers: a trail that was shortened gets no signature until it is longer than it ever was, and
 * one that was made anew a signature that says otherwise. What it is about to sign is on the disk
 * before, so that whoever dies in between, nothing that was signed is lost.
 */
#include "vault_priv.h"

#include <string.h>

#include "checkpoint.h"
#include "clock.h"
#include "file.h"
#include "oids.h"
#include "own.h"
#include "text.h"

static bool
read_checkpoint(struct view row, struct view hash, struct checkpoint *out, struct err *err)
{
	uint64_t n = 0;

	if (!wire_u64(row, &n) || n == 0 || n > INT64_MAX || hash.len != sizeof out->hash)
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

/* ---- what was signed last ---- */

#define LAST_FILE "checkpoint"
#define LAST_MAX  1024

/* The journal knows its row, this file all of it: what was signed, or was about to be, when a
 * process ended. Without it, as an older program leaves it, the front's message counts. */
bool
vault_checkpoint_open(struct vault_state *s, const char *folder, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	struct checkpoint *last = &s->checkpoint;

	s->checkpoint_path = text_printf("%s/" LAST_FILE, folder);
	if (!file_read(s->checkpoint_path, LAST_MAX, &der, err)) {
		if (err->code != ERROR_FILE_NOT_FOUND)
			return false;
	} else if (!checkpoint_decode(buf_view(&der), last, err)) {
		return err_prefix(err, "%s", s->checkpoint_path);
	}
	/* An older copy came back beside a newer journal, or the other way round. */
	s->has_checkpoint = der.len > 0 && (uint64_t)last->row >= s->checkpoint_row;
	if (s->has_checkpoint)
		s->checkpoint_row = (uint64_t)last->row;
	return true;
}

static bool
remember(struct vault_state *s, const struct checkpoint *c, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	if (!checkpoint_encode(c, &der, err) ||
	    !file_replace(s->checkpoint_path, buf_view(&der), 0600, err))
		return false;
	s->checkpoint = *c;
	s->checkpoint_row = (uint64_t)c->row;
	s->has_checkpoint = true;
	return true;
}

/* Is the message of the checkpoint that was signed last? */
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

/* ---- the next ---- */

/* Under the lock. */
static bool
continue_last(
    const struct vault_state *s, struct view previous, struct checkpoint *c, struct err *err)
{
	struct checkpoint last = s->checkpoint;

	if ((uint64_t)c->row == s->checkpoint_row)
		return err_set(err, ERROR_FILE_EXISTS,
		    "the vault signed the audit trail up to row %lld already", (long long)c->row);
	if ((uint64_t)c->row < s->checkpoint_row)
		return err_set(err, E_ACCESSDENIED,
		    "the vault signed the audit trail up to row %llu, and row %lld is none behind "
		    "it",
		    (unsigned long long)s->checkpoint_row, (long long)c->row);
	c->previous_row = (int64_t)s->checkpoint_row;
	c->has_previous_hash =
	    s->checkpoint_row > 0 && (s->has_checkpoint || is_last(s, previous, &last));
	if (c->has_previous_hash)
		memcpy(c->previous_hash, last.hash, sizeof last.hash);
	return true;
}

/* Under the lock. What the front lost, or what it asks for, is signed once more as it was. */
static bool
sign_next(struct vault_worker *w, struct checkpoint *c, struct view previous, struct buf *message,
    struct buf *lost, struct err *err)
{
	struct vault_state *s = w->state;
	struct checkpoint known;

	if (s->has_checkpoint && c->row == s->checkpoint.row &&
	    memcmp(c->hash, s->checkpoint.hash, sizeof c->hash) == 0)
		return sign(w, &s->checkpoint, message, err);
	if (!continue_last(s, previous, c, err))
		return false;
	if (s->has_checkpoint && !is_last(s, previous, &known) &&
	    !sign(w, &s->checkpoint, lost, err))
		return false;
	return remember(s, c, err) && sign(w, c, message, err);
}

bool
vault_checkpoint(struct vault_worker *w, struct view row, struct view hash, struct view previous,
    struct buf *message_out, struct buf *lost_out, struct err *err)
{
	struct vault_state *s = w->state;
	struct checkpoint c;
	bool ok;

	*message_out = *lost_out = (struct buf){0};
	if (!read_checkpoint(row, hash, &c, err))
		return false;
	pthread_mutex_lock(&s->checkpoint_lock);
	ok = sign_next(w, &c, previous, message_out, lost_out, err);
	pthread_mutex_unlock(&s->checkpoint_lock);
	return ok;
}
