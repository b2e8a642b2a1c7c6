/* The newest CRL of each list, once in memory for all who read it. */
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ca_priv.h"
#include "crl_lists.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* Reading it again for each caller would let slow readers of a large one take all memory. */
struct crl_kept {
	struct ca_crl crl; /* first: found from it */
	struct store_crl_id id;
	struct buf octets; /* where it lies */
	atomic_int refs;
	struct crl_kept *next; /* of another list */
};

static void
release(struct crl_kept *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	buf_free(&k->octets);
	free(k);
}

void
ca_crl_release(struct ca_crl **crl)
{
	struct crl_kept *k = (struct crl_kept *)*crl;

	*crl = NULL;
	release(k);
}

void
crls_forget(struct ca_state *s)
{
	while (s->crls != NULL) {
		struct crl_kept *k = s->crls;

		s->crls = k->next;
		release(k);
	}
}

static struct crl_kept *
kept_new(const struct store_crl_id *id, int64_t number, int64_t this_update, struct view der,
    struct buf *octets)
{
	struct crl_kept *k = mem_zero(1, sizeof *k);

	atomic_init(&k->refs, 1);
	SHA256(der.ptr, der.len, k->crl.sha256);
	k->id = *id;
	k->crl.number = number;
	k->crl.this_update = this_update;
	k->crl.der = der;
	k->octets = buf_give(octets);
	return k;
}

/* What points to the one of that list, or to the end. */
static struct crl_kept **
find(struct ca_state *s, const struct store_crl_id *id)
{
	struct crl_kept **at = &s->crls;

	while (*at != NULL && !crl_id_eq(&(*at)->id, id))
		at = &(*at)->next;
	return at;
}

/* In the place of the one before. */
static void
put(struct ca_state *s, struct crl_kept *k)
{
	struct crl_kept **at = find(s, &k->id), *before = *at;

	if (before != NULL)
		k->next = before->next;
	*at = k;
	release(before);
}

void
crl_keep(struct ca *ca, const struct store_new_crl *crl, struct buf *octets)
{
	const struct store_crl_id id = store_new_crl_id(crl);
	struct ca_state *s = ca->state;
	struct crl_kept *k = kept_new(&id, crl->number, crl->this_update, crl->der, octets);

	pthread_mutex_lock(&s->crl_lock);
	put(s, k);
	pthread_mutex_unlock(&s->crl_lock);
}

static bool
load(struct ca *ca, const struct store_crl_id *id, struct err *err)
{
	OWNED(store_crl_free) struct store_crl row = {0};

	if (!store_newest_crl(ca->store, id, &row, err))
		return false;
	put(ca->state, kept_new(id, row.number, row.this_update, buf_view(&row.der), &row.der));
	return true;
}

bool
ca_crl_newest(struct ca *ca, const struct store_crl_id *id, struct ca_crl **out, struct err *err)
{
	struct ca_state *s = ca->state;
	struct store_crl row;
	struct crl_kept *k;
	bool ok;

	*out = NULL;
	if (!store_newest_crl_dates(ca->store, id, &row, err))
		return false;
	if (row.number == 0)
		return true;
	pthread_mutex_lock(&s->crl_lock);
	k = *find(s, id);
	ok = (k != NULL && k->crl.number >= row.number) || load(ca, id, err);
	if (ok) {
		k = *find(s, id);
		atomic_fetch_add(&k->refs, 1);
		*out = &k->crl;
	}
	pthread_mutex_unlock(&s->crl_lock);
	return ok;
}
