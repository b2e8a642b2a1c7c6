/* A list of texts, and a list of pairs of texts, in the order they were added. */
#ifndef BASE_TEXTS_H
#define BASE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

struct texts {
	char **list;
	size_t count;
};
/* Adds a copy. */
void texts_add(struct texts *t, const char *text);
/* Adds the text itself, which the list then owns. */
void texts_take(struct texts *t, char *text);
/* Is it there, to the letter? */
bool texts_has(const struct texts *t, const char *text);
/* Without the case of ASCII letters. */
bool texts_has_nocase(const struct texts *t, const char *text);
void texts_free(struct texts *t);

struct pair {
	char *name, *value;
};
struct pairs {
	struct pair *list;
	size_t count;
};
/* Adds both themselves. */
void pairs_take(struct pairs *p, char *name, char *value);
/* Value of the first pair of that name, without case; NULL if there is none. */
const char *pairs_find(const struct pairs *p, const char *name);
void pairs_free(struct pairs *p);

#endif
