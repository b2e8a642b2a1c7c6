/* PEM (RFC 7468): one object after another, with whatever stands between them. */
#ifndef MESSAGES_ARMOUR_H
#define MESSAGES_ARMOUR_H

#include "buf.h"

struct armour {
	const char *label, *header; /* "CERTIFICATE"; lines of RFC 1421, or "" */
	struct view der;
};
/* False ends it. */
typedef bool armour_each(void *arg, const struct armour *one, struct err *err);

/* Calls for each, none too. Of a file that may hold private keys each lies on the secure heap, one
 * at a time. ERROR_INVALID_DATA: damaged. */
bool armour_read(struct view text, bool is_secret, armour_each *each, void *arg, struct err *err);
/* Is there one that begins? */
bool armour_is(struct view text);

#endif
