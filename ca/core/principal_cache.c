#include "principal_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct slot {
	enum identity_kind kind;
	char *identity;
	int64_t until_ms;
	struct principal principal;
};

struct principal_cache {
	pthread_mutex_t lock;
	struct slot slots[PRINCIPAL_CACHE_SLOTS];
};

static void
slot_clear(struct slot *s)
{
	free(s->identity);
	principal_free(&s->principal);
	*s = (struct slot){0};
}

struct principal_cache *
principal_cache_new(void)
{
	struct principal_cache *cache = mem_zero(1, sizeof *cache);

	pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

void
principal_cache_free(struct principal_cache **cache)
{
	if (*cache == NULL)
		return;
	for (size_t i = 0; i < PRINCIPAL_CACHE_SLOTS; i++)
		slot_clear(&(*cache)->slots[i]);
	pthread_mutex_destroy(&(*cache)->lock);
	free(*cache);
	*cache = NULL;
}

/* FNV-1a. Who finds identities that share a slot only makes the directory be asked. */
static struct slot *
slot_of(struct principal_cache *cache, const struct identity *id)
{
	uint32_t h = 2166136261u;

	for (const char *p = id->text; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	return &cache->slots[h % PRINCIPAL_CACHE_SLOTS];
}

static struct texts
texts_copy(const struct texts *from)
{
	struct texts copy = {0};

	for (size_t i = 0; i < from->count; i++)
		texts_add(&copy, from->list[i]);
	return copy;
}

/* The struct as a whole, so that no state of an account can be forgotten; what it points to after
 * it. */
void
principal_copy(const struct principal *from, struct principal *out)
{
	char **const texts[] = {&out->dn, &out->cn, &out->sam, &out->domain, &out->downlevel,
	    &out->upn, &out->dns_name};

	*out = *from;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = mem_text(*texts[i]);
	out->accounts = texts_copy(&from->accounts);
	out->mails = texts_copy(&from->mails);
	out->sids.list = mem_zero(from->sids.count, sizeof *out->sids.list);
	for (size_t i = 0; i < from->sids.count; i++)
		out->sids.list[i] = from->sids.list[i];
}

bool
principal_cache_get(
    struct principal_cache *cache, const struct identity *id, int64_t now_ms, struct principal *out)
{
	struct slot *s = slot_of(cache, id);
	bool found;

	*out = (struct principal){0};
	pthread_mutex_lock(&cache->lock);
	found = s->identity != NULL && s->kind == id->kind && strcmp(s->identity, id->text) == 0 &&
		now_ms < s->until_ms;
	if (found)
		principal_copy(&s->principal, out);
	pthread_mutex_unlock(&cache->lock);
	return found;
}

void
principal_cache_put(struct principal_cache *cache, const struct identity *id, int64_t now_ms,
    const struct principal *p)
{
	struct slot fresh = {.kind = id->kind,
			.identity = mem_text(id->text),
			.until_ms = now_ms + PRINCIPAL_CACHE_TTL_MS},
		    old;
	struct slot *s = slot_of(cache, id);

	principal_copy(p, &fresh.principal);
	pthread_mutex_lock(&cache->lock);
	old = *s;
	*s = fresh;
	pthread_mutex_unlock(&cache->lock);
	slot_clear(&old);
}
