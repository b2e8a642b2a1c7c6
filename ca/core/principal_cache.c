#include "principal_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

bool
principal_cache_new(struct principal_cache **out, struct err *err)
{
	struct principal_cache *cache = calloc(1, sizeof *cache);

	*out = cache;
	if (cache == NULL)
		return err_nomem(err);
	pthread_mutex_init(&cache->lock, NULL);
	return true;
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

static bool
copy_text(const char *from, char **out)
{
	return from == NULL || (*out = strdup(from)) != NULL;
}

/* What the copy must own itself: all that principal_free frees. */
static void
disown(struct principal *p)
{
	p->dn = p->cn = p->sam = p->domain = NULL;
	p->downlevel = p->upn = p->mail = p->dns_name = NULL;
	p->sids = (struct sids){0};
}

/* The struct as a whole, so that no state of an account can be forgotten; what it points to after
 * it. */
bool
principal_copy(const struct principal *from, struct principal *out, struct err *err)
{
	*out = *from;
	disown(out);
	if (copy_text(from->dn, &out->dn) && copy_text(from->cn, &out->cn) &&
	    copy_text(from->sam, &out->sam) && copy_text(from->domain, &out->domain) &&
	    copy_text(from->downlevel, &out->downlevel) && copy_text(from->upn, &out->upn) &&
	    copy_text(from->mail, &out->mail) && copy_text(from->dns_name, &out->dns_name) &&
	    (out->sids.list = calloc(from->sids.count + 1, sizeof *out->sids.list)) != NULL) {
		for (size_t i = 0; i < from->sids.count; i++)
			out->sids.list[i] = from->sids.list[i];
		out->sids.count = from->sids.count;
		return true;
	}
	principal_free(out);
	return err_nomem(err);
}

bool
principal_cache_get(
    struct principal_cache *cache, const struct identity *id, int64_t now_ms, struct principal *out)
{
	struct slot *s = slot_of(cache, id);
	struct err ignored;
	bool found;

	*out = (struct principal){0};
	pthread_mutex_lock(&cache->lock);
	found = s->identity != NULL && s->kind == id->kind && strcmp(s->identity, id->text) == 0 &&
		now_ms < s->until_ms && principal_copy(&s->principal, out, &ignored);
	pthread_mutex_unlock(&cache->lock);
	return found;
}

void
principal_cache_put(struct principal_cache *cache, const struct identity *id, int64_t now_ms,
    const struct principal *p)
{
	struct slot fresh = {.kind = id->kind,
			.identity = strdup(id->text),
			.until_ms = now_ms + PRINCIPAL_CACHE_TTL_MS},
		    old;
	struct slot *s = slot_of(cache, id);
	struct err ignored;

	if (fresh.identity == NULL || !principal_copy(p, &fresh.principal, &ignored)) {
		free(fresh.identity);
		return;
	}
	pthread_mutex_lock(&cache->lock);
	old = *s;
	*s = fresh;
	pthread_mutex_unlock(&cache->lock);
	slot_clear(&old);
}
