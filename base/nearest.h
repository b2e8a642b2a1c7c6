/* Names that somebody may have meant who typed another: a letter wrong, left out, doubled or in the
 * place of its neighbour, or the beginning only. Pure. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

#define NEAREST_MOST 3

struct nearest {
	const char *typed;
	/* Of those that are equally near, as they were offered. Borrowed. */
	const char *names[NEAREST_MOST];
	size_t count;
	size_t distance;
};

/* Keeps the name if it is near, and none that was offered is nearer. Case does not count. */
void nearest_offer(struct nearest *n, const char *name);
/* "", or "; perhaps 'a' is meant", "; perhaps 'a', 'b' or 'c' is meant"; each with `before` before
 * it. free(). */
char *nearest_sentence(const struct nearest *n, const char *before);

#endif
