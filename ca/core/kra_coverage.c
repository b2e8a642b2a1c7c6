#include "kra_coverage.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "archive.h"
#include "mem.h"
#include "own.h"
#include "store_drills.h"

static bool
take_set(const char *hashes, int64_t keys, void *arg, struct err *err)
{
	return coverage_add(arg, hashes, keys, err);
}

static void
note_living(struct coverage_agent *a, const struct pkix_cert *living)
{
	a->lives = true;
	if (living->not_after > a->until)
		a->until = living->not_after;
}

/* One whose certificate is nowhere is known by its hash alone. */
static void
look_by_hash(struct coverage_agent *a, const struct pkix_cert *const *living, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (view_eq(view_of(living[i]->sha1, sizeof living[i]->sha1),
			view_of(a->sha1, sizeof a->sha1)))
			note_living(a, living[i]);
}

static void
look_by_key(struct coverage_agent *a, const struct pkix_cert *cert,
    const struct pkix_cert *const *living, size_t count)
{
	a->key_known = true;
	SHA256(cert->spki.ptr, cert->spki.len, a->key);
	a->subject = pkix_name_text(cert->subject);
	a->ends = cert->not_after;
	for (size_t i = 0; i < count; i++)
		if (kra_same_agent(living[i], cert, false))
			note_living(a, living[i]);
}

static bool
look_at_agent(struct store *store, struct coverage_agent *a, const struct pkix_cert *const *living,
    size_t count, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(buf_free) struct buf raw = {0};
	struct err ignored;

	look_by_hash(a, living, count);
	if (store_get_kra(store, view_of(a->sha1, sizeof a->sha1), &raw, err) == STORE_FAILED)
		return false;
	if (raw.len > 0 && pkix_cert_decode(buf_view(&raw), &cert, &ignored))
		look_by_key(a, &cert, living, count);
	return true;
}

/* ---- drills ---- */

struct drills {                    /* of each certificate */
	struct store_drill *last;  /* the newest */
	struct store_drill *whole; /* the last whose every key was proved; no id: none */
	size_t count;
};

static void
drills_free(struct drills *d)
{
	free(d->last);
	free(d->whole);
}

/* Oldest first. An agent who left out one of them has not shown that he opens what he is asked for.
 */
static void
take_drill(const struct store_drill *d, void *arg)
{
	struct drills *all = arg;
	size_t i = 0;

	while (i < all->count && memcmp(all->last[i].kra, d->kra, sizeof d->kra) != 0)
		i++;
	if (i == all->count) {
		all->last = mem_grow(all->last, i, sizeof *all->last);
		all->whole = mem_grow(all->whole, all->count++, sizeof *all->whole);
		all->whole[i] = (struct store_drill){0};
	}
	all->last[i] = *d;
	if (d->proved >= d->keys)
		all->whole[i] = *d;
}

/* By its key, which other certificates of the agent have too. */
static bool
note_drill(struct store *store, const struct store_drill *last, const struct store_drill *whole,
    struct coverage *c, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(buf_free) struct buf raw = {0};
	uint8_t key[32];
	struct err ignored;

	if (store_get_kra(store, view_of(last->kra, sizeof last->kra), &raw, err) == STORE_FAILED)
		return false;
	if (raw.len == 0 || !pkix_cert_decode(buf_view(&raw), &cert, &ignored))
		return true;
	SHA256(cert.spki.ptr, cert.spki.len, key);
	for (size_t i = 0; i < c->agent_count; i++) {
		struct coverage_agent *a = &c->agents[i];

		if (!a->key_known || memcmp(a->key, key, sizeof key) != 0)
			continue;
		if (a->proved < whole->opened_when)
			a->proved = whole->opened_when;
		if (a->drill.opened <= last->opened_when) {
			a->drill.opened = last->opened_when;
			a->drill.reported = last->reported_when != 0;
			a->drill.whole = last->proved >= last->keys;
		}
	}
	return true;
}

/* What is proved was proved after the drill was opened; when it was no report tells. */
static bool
look_at_drills(struct store *store, struct coverage *c, struct err *err)
{
	OWNED(drills_free) struct drills d = {0};

	if (!store_walk_drills(store, take_drill, &d, err))
		return false;
	for (size_t i = 0; i < d.count; i++)
		if (!note_drill(store, &d.last[i], &d.whole[i], c, err))
			return false;
	return true;
}

bool
kra_coverage(struct store *store, const struct pkix_cert *const *living, size_t count,
    struct coverage *out, struct err *err)
{
	OWNED(coverage_free) struct coverage c = {0};

	*out = (struct coverage){0};
	if (!store_walk_kra_sets(store, take_set, &c, err))
		return false;
	for (size_t i = 0; i < c.agent_count; i++)
		if (!look_at_agent(store, &c.agents[i], living, count, err))
			return false;
	if (!look_at_drills(store, &c, err))
		return false;
	coverage_count(&c);
	*out = c;
	c = (struct coverage){0};
	return true;
}

bool
ca_kra_coverage(struct store *store, const struct ca_view *v, struct coverage *out, struct err *err)
{
	OWNED(own_memory)
	const struct pkix_cert **living = mem_zero(v->kra_count, sizeof(*living));
	size_t count = 0;

	for (size_t i = 0; i < v->kra_count; i++)
		if (v->kras[i].status == KRA_VALID)
			living[count++] = &v->kras[i].cert;
	return kra_coverage(store, living, count, out, err);
}

int64_t
ca_proved_since(const struct settings *s, int64_t now)
{
	int64_t days = s->num[SETTING_RECOVERY_DRILL_DAYS];

	return days > 0 ? now - days * INT64_C(86400) : 0;
}
