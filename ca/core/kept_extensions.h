/*
 * Encoded extensions that are the same in many certificates. They are found by all that they were
 * made of, and belong to one view, with which they go: what changes in directory or settings comes
 * with another view. May be used by several threads.
 */
#ifndef CORE_KEPT_EXTENSIONS_H
#define CORE_KEPT_EXTENSIONS_H

#include "buf.h"

/* Three runs of extensions, one behind the other. */
struct extension_runs {
	struct buf der;
	size_t first, second; /* octets of these runs; the rest is the third */
};
void extension_runs_free(struct extension_runs *r);

struct kept_extensions;
struct kept_extensions *kept_extensions_new(void);
/* A copy; false: not there, or there is nothing to keep them in (NULL). */
bool kept_extensions_find(
    struct kept_extensions *k, struct view made_of, struct extension_runs *out);
/* Keeps a copy of both. There is room for the last few: requests may have a say in them. */
void kept_extensions_add(
    struct kept_extensions *k, struct view made_of, const struct extension_runs *runs);
void kept_extensions_free(struct kept_extensions **k);

#endif
