/*
 * Checkpoints of the audit trail: the vault signs number and hash of its last row, so that who has
 * an export and the CA certificate sees whether the chain was made anew (paper, "Auditing Key
 * Recovery").
 */
#include "ca_priv.h"

#include "checkpoint.h"
#include "clock.h"
#include "event.h"
#include "own.h"

struct made {
	struct view message, lost; /* `lost`: that of before, where the database has it not */
	int64_t row, lost_row;
};

static bool
keep(struct store_tx *tx, void *arg, struct err *err)
{
	const struct made *m = arg;

	return (m->lost.len == 0 || store_add_checkpoint(tx, m->lost_row, m->lost, err)) &&
	       store_add_checkpoint(tx, m->row, m->message, err);
}

/* Of the one that the vault remembers and the database never got. */
static bool
find_row(const struct ca *ca, struct view message, int64_t *row_out, struct err *err)
{
	const struct pkix_cert *cas[CA_ISSUERS_MAX];
	const struct ca_issuers *all = &ca->info.issuers;
	struct checkpoint c;

	for (size_t i = 0; i < all->count; i++)
		cas[i] = &all->list[i].cert;
	if (!checkpoint_verify(message, cas, all->count, &c, err))
		return false;
	*row_out = c.row;
	return true;
}

static bool
make(struct ca *ca, struct vault *v, const struct store_audit_end *end, struct err *err)
{
	OWNED(buf_free) struct buf message = {0};
	OWNED(buf_free) struct buf lost = {0};
	struct made made = {.row = end->head.count};

	if (!vault_sign_checkpoint(v, end->head.count, end->head.hash, buf_view(&end->message),
		&message, &lost, err) ||
	    (lost.len > 0 && !find_row(ca, buf_view(&lost), &made.lost_row, err)))
		return false;
	made.message = buf_view(&message);
	made.lost = buf_view(&lost);
	return store_do(ca->store, keep, &made, err);
}

static bool
make_if_moved(struct ca *ca, struct vault *v, int64_t *row_out, struct err *err)
{
	OWNED(store_audit_end_free) struct store_audit_end end = {0};

	if (!store_audit_end(ca->store, &end, err))
		return false;
	*row_out = end.signed_row;
	if (end.head.count <= end.signed_row)
		return true;
	if (!make(ca, v, &end, err))
		return err_prefix(err, "signing the end of the audit trail");
	*row_out = end.head.count;
	ca->state->checkpoint_ms = clock_boot_ms();
	return true;
}

bool
ca_checkpoint(struct ca *ca, struct vault *v, int64_t *row_out, struct err *err)
{
	bool ok;

	pthread_mutex_lock(&ca->state->checkpoint_lock);
	ok = make_if_moved(ca, v, row_out, err);
	pthread_mutex_unlock(&ca->state->checkpoint_lock);
	return ok;
}

static void
raise_short(struct ca *ca, const struct err *why)
{
	OWNED(own_memory) char *error = event_error(why);

	ca_event(ca, EVENT_AUDIT_TRAIL_SHORT, error);
	pthread_mutex_lock(&ca->state->checkpoint_lock);
	ca->state->checkpoint_ms = clock_boot_ms();
	pthread_mutex_unlock(&ca->state->checkpoint_lock);
}

bool
checkpoint_maintain(struct ca *ca, struct vault *v, const struct settings *s, struct err *err)
{
	int64_t every_ms = s->num[SETTING_CHECKPOINT_MINUTES] * 60000, last, ignored;

	pthread_mutex_lock(&ca->state->checkpoint_lock);
	last = ca->state->checkpoint_ms;
	pthread_mutex_unlock(&ca->state->checkpoint_lock);
	if (every_ms == 0 || (last != 0 && clock_boot_ms() - last < every_ms))
		return true;
	/* The vault signed that row, with another hash: the next row will tell. */
	if (ca_checkpoint(ca, v, &ignored, err) || err->code == ERROR_FILE_EXISTS)
		return true;
	if (err->code != E_ACCESSDENIED)
		return false;
	/* The vault remembers a longer one: somebody restored the database, or cut the trail. */
	raise_short(ca, err);
	return true;
}
