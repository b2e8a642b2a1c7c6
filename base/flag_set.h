/*
 * Sets of flags that people write by name, as certutil does: "A B", "A | B", 0x3, and of a set that
 * there is "+A", "-A". Pure.
 */
#ifndef BASE_FLAG_SET_H
#define BASE_FLAG_SET_H

#include <stddef.h>

#include "err.h"

struct flag_name {
	const char *name; /* NULL ends the table */
	uint32_t value;
	bool known_only; /* a flag that does nothing here, and so cannot be set */
};

/* *out: the set that `text` makes of `was`. E_INVALIDARG with those that there are, by `what`, the
 * set's name. */
bool flags_parse(const struct flag_name *names, const char *what, const char *text, int64_t was,
    int64_t *out, struct err *err);
/* "A B", in the order of the table; "0" for none; bits without a name as one number. free(). */
char *flags_text(const struct flag_name *names, int64_t value);
/* All that can be set. */
int64_t flags_all(const struct flag_name *names);

#endif
