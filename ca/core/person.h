/* By what rows know somebody: the SID where there is one, and the name. */
#ifndef CORE_PERSON_H
#define CORE_PERSON_H

#include "principal.h"
#include "store.h"

/* `sid`: room for SID_TEXT_MAX, and as long as the answer is used. */
struct store_principal person_of(const struct principal *p, char *sid);
/* free(); NULL: there is none. */
char *person_sid(const struct principal *p);

/* The name in rows of somebody whom the directory did not know when his certificate was brought,
 * made of what it calls him: one with which no account is found, so that no group of anybody's
 * counts; and in which nothing passes for a word of the trail ("requester=..."). free() */
char *person_unknown(const char *name);
/* What he was called, a part of `requester`; NULL: it is no such name. */
const char *person_unknown_name(const char *requester);

#endif
