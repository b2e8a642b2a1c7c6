/*
 * Checkpoints of the audit trail: the vault signs number and hash of its last row, so that who has
 * an export and the CA certificate sees whether the chain was made anew (paper, "Auditing Key
 * Recovery").
 */
#include "ca_priv.h"

#include "clock.h"
#include "event.h"
#include "own.h"

struct made {
	int64_t row;
	struct view message;
};

static bool
keep(struct store_tx *tx, void *arg, struct err *err)
{
	const struct made *m = arg;

	return store_add_checkpoint(tx, m->row, m->message, err);
}

static void
take_message(int64_t row, struct view message, void *arg)
{
	struct err ignored;

	(void)row;
	(void)buf_dup(message, arg, &ignored);
}

/* `last`: the row of the newest checkpoint, 0: none. */
static bool
make(struct ca *ca, struct vault *v, int64_t last, const struct trail_head *head, struct err *err)
{
	OWNED(buf_free) struct buf message = {0}, previous = {0};
	struct made made = {.row = head->count};

	if (!store_walk_checkpoints(ca->store, last - 1, last, take_message, &previous, err) ||
	    !vault_sign_checkpoint(v, head->count, head->hash, buf_view(&previous), &message, err))
		return false;
	made.message = buf_view(&message);
	return store_do(ca->store, keep, &made, err);
}

static bool
make_if_moved(struct ca *ca, struct vault *v, int64_t *row_out, struct err *err)
{
	struct trail_head head;

	if (!store_newest_checkpoint(ca->store, row_out, err) ||
	    !store_audit_head(ca->store, &head, err))
		return false;
	if (head.count <= *row_out)
		return true;
	if (!make(ca, v, *row_out, &head, err))
		return err_prefix(err, "signing the end of the audit trail");
	*row_out = head.count;
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
	if (ca_checkpoint(ca, v, &ignored, err))
		return true;
	if (err->code != E_ACCESSDENIED)
		return false;
	/* The vault remembers a longer one: somebody restored the database, or cut the trail. */
	raise_short(ca, err);
	return true;
}
