/*
 * The KRAs of the KRA store as a view has them, and the copies of their certificates in the
 * database, by which recovery finds them when the store has them no more.
 */
#include "ca_priv.h"

#include <stdlib.h>

#include "kra_store.h"
#include "mem.h"
#include "own.h"

static bool
take_kra(struct ca *ca, struct ca_view *v, struct view der, struct err *err)
{
	struct ca_kra *k = &v->kras[v->kra_count++]; /* what was read is freed with the view */
	struct err why;

	if (!pkix_cert_decode(der, &k->cert, err))
		return false;
	k->status = pkix_public_key(k->cert.spki, &k->key, &why)
			? kra_check(&k->cert, ca->state->kra_issuers.list,
			      ca->state->kra_issuers.count, v->made_at, &why)
			: KRA_INVALID;
	if (k->status != KRA_VALID)
		k->reason = mem_text(why.msg);
	return true;
}

static int
newest_first(const void *a, const void *b)
{
	const struct ca_kra *x = *(const struct ca_kra *const *)a,
			    *y = *(const struct ca_kra *const *)b;

	if (x->cert.not_before != y->cert.not_before)
		return x->cert.not_before > y->cert.not_before ? -1 : 1;
	return x < y ? -1 : x > y; /* as in the store */
}

/* A certificate that was renewed, and the second one of a person, do not count beside the first. */
static void
find_agents(struct ca_view *v, bool by_holder)
{
	size_t count = 0;

	v->agents = mem_zero(v->kra_count, sizeof(*v->agents));
	for (size_t i = 0; i < v->kra_count; i++)
		if (v->kras[i].status == KRA_VALID)
			v->agents[count++] = &v->kras[i];
	qsort(v->agents, count, sizeof(*v->agents), newest_first);
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;

		while (k < v->agent_count &&
		       !kra_same_agent(&v->agents[k]->cert, &v->agents[i]->cert, by_holder))
			k++;
		if (k == v->agent_count)
			v->agents[v->agent_count++] = v->agents[i];
	}
}

/* What is in the KRA store. */
struct stored_kras {
	struct buf *list;
	size_t count;
};

static void
stored_kras_free(struct stored_kras *s)
{
	kra_store_free(&s->list, s->count);
}

/* A store that cannot be read now is taken for what it was. */
static bool
take_last(struct ca *ca, const struct ca_view *last, struct ca_view *v, struct err *err)
{
	v->kra_store_unread = true;
	v->kras_unknown = last == NULL || last->kras_unknown;
	v->kras = mem_zero(last != NULL ? last->kra_count : 0, sizeof *v->kras);
	for (size_t i = 0; last != NULL && i < last->kra_count; i++)
		if (!take_kra(ca, v, buf_view(&last->kras[i].cert.raw), err))
			return false;
	return true;
}

static bool
read_store(struct ca *ca, const struct ca_view *last, struct ca_view *v, struct err *err)
{
	OWNED(stored_kras_free) struct stored_kras stored = {0};
	struct err why;

	if (!kra_store_list(ca->config, &stored.list, &stored.count, &v->kra_problems, &why)) {
		texts_add(&v->kra_problems, why.msg);
		return take_last(ca, last, v, err);
	}
	v->kras = mem_zero(stored.count, sizeof *v->kras);
	for (size_t i = 0; i < stored.count; i++)
		if (!take_kra(ca, v, buf_view(&stored.list[i]), err))
			return false;
	return true;
}

bool
view_read_kras(struct ca *ca, const struct ca_view *last, struct ca_view *v, struct err *err)
{
	if (!read_store(ca, last, v, err))
		return false;
	find_agents(v, !ca->config->allow_same_holder);
	return true;
}

bool
ca_kra_keep(struct store_tx *tx, const struct ca_kra *kra, struct err *err)
{
	return store_keep_kra(
	    tx, view_of(kra->cert.sha1, sizeof kra->cert.sha1), buf_view(&kra->cert.raw), err);
}
