/* By what rows know somebody: the SID where there is one, and the name. */
#ifndef CORE_PERSON_H
#define CORE_PERSON_H

#include "principal.h"
#include "store.h"

/* `sid`: room for SID_TEXT_MAX, and as long as the answer is used. */
struct store_principal person_of(const struct principal *p, char *sid);
/* free(); NULL: there is none. */
char *person_sid(const struct principal *p);

#endif
