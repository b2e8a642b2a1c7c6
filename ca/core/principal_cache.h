/*
 * Principals by authenticated identity, kept for seconds so that a burst of requests of one client
 * costs one directory read. A table of fixed size in which a newer entry takes the place of the one
 * with the same slot. Thread-safe.
 */
#ifndef CORE_PRINCIPAL_CACHE_H
#define CORE_PRINCIPAL_CACHE_H

#include "principal.h"

#define PRINCIPAL_CACHE_SLOTS  1024
#define PRINCIPAL_CACHE_TTL_MS 5000

struct principal_cache;

struct principal_cache *principal_cache_new(void);
void principal_cache_free(struct principal_cache **cache);
/* True: `out` is a copy of its own, free with principal_free. `now_ms` is clock_mono_ms(). */
bool principal_cache_get(struct principal_cache *cache, const struct identity *id, int64_t now_ms,
    struct principal *out);
/* Keeps a copy. */
void principal_cache_put(struct principal_cache *cache, const struct identity *id, int64_t now_ms,
    const struct principal *p);
/* All that principal_free frees is the copy's own. */
void principal_copy(const struct principal *from, struct principal *out);

#endif
