/* Security descriptors compared field by field: owner, group, DACL and control, not the bytes they
 * came from. */
#ifndef SUPPORT_SD_EQUAL_H
#define SUPPORT_SD_EQUAL_H

#include <string.h>

#include "sd.h"

static inline bool
ace_equal(const struct ace *a, const struct ace *b)
{
	return a->type == b->type && a->flags == b->flags && a->mask == b->mask &&
	       a->has_object == b->has_object &&
	       a->has_inherited_object == b->has_inherited_object &&
	       memcmp(a->object, b->object, GUID_LEN) == 0 &&
	       memcmp(a->inherited_object, b->inherited_object, GUID_LEN) == 0 &&
	       sid_eq(&a->sid, &b->sid) && view_eq(a->data, b->data);
}

static inline bool
sd_equal_but_control(const struct sd *a, const struct sd *b)
{
	if (a->has_owner != b->has_owner || a->has_group != b->has_group ||
	    a->has_dacl != b->has_dacl || a->count != b->count || !sid_eq(&a->owner, &b->owner) ||
	    !sid_eq(&a->group, &b->group))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!ace_equal(&a->aces[i], &b->aces[i]))
			return false;
	return true;
}

static inline bool
sd_equal(const struct sd *a, const struct sd *b)
{
	return a->control == b->control && sd_equal_but_control(a, b);
}

#endif
