/* The newest CRL, once in memory for all who read it. */
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ca_priv.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* Reading it again for each caller would let slow readers of a large one take all memory. */
struct crl_kept {
	struct ca_crl crl; /* first: found from it */
	struct buf octets; /* where it lies */
	atomic_int refs;
};

void
ca_crl_release(struct ca_crl **crl)
{
	struct crl_kept *k = (struct crl_kept *)*crl;

	*crl = NULL;
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	buf_free(&k->octets);
	free(k);
}

static struct ca_crl *
share(struct ca_crl *crl)
{
	atomic_fetch_add(&((struct crl_kept *)crl)->refs, 1);
	return crl;
}

static struct ca_crl *
crl_new(int64_t number, int64_t this_update, struct view der, struct buf *octets)
{
	struct crl_kept *k = mem_zero(1, sizeof *k);

	atomic_init(&k->refs, 1);
	SHA256(der.ptr, der.len, k->crl.sha256);
	k->crl.number = number;
	k->crl.this_update = this_update;
	k->crl.der = der;
	k->octets = buf_give(octets);
	return &k->crl;
}

void
crl_keep(struct ca *ca, size_t issuer, int64_t number, int64_t this_update, struct view der,
    struct buf *octets)
{
	struct ca_state *s = ca->state;
	struct ca_crl *crl = crl_new(number, this_update, der, octets);

	pthread_mutex_lock(&s->crl_lock);
	ca_crl_release(&s->crls[issuer]);
	s->crls[issuer] = crl;
	pthread_mutex_unlock(&s->crl_lock);
}

static bool
load(struct ca *ca, uint32_t key_index, struct ca_crl **out, struct err *err)
{
	OWNED(store_crl_free) struct store_crl row = {0};

	if (!store_newest_crl(ca->store, key_index, &row, err))
		return false;
	*out = crl_new(row.number, row.this_update, buf_view(&row.der), &row.der);
	return true;
}

bool
ca_crl_newest(struct ca *ca, size_t issuer, struct ca_crl **out, struct err *err)
{
	uint32_t key_index = CA_VERSION_KEY(ca->info.issuers.list[issuer].version);
	struct ca_state *s = ca->state;
	struct ca_crl **kept = &s->crls[issuer];
	struct store_crl row;
	bool ok;

	*out = NULL;
	if (!store_newest_crl_dates(ca->store, key_index, &row, err))
		return false;
	if (row.number == 0)
		return true;
	pthread_mutex_lock(&s->crl_lock);
	ok = *kept != NULL && (*kept)->number >= row.number;
	if (!ok) {
		ca_crl_release(kept);
		ok = load(ca, key_index, kept, err);
	}
	if (ok)
		*out = share(*kept);
	pthread_mutex_unlock(&s->crl_lock);
	return ok;
}
