/* Security descriptors compared field by field, not the bytes they came from. What SDDL has no word
 * for (other control bits, the resource manager's byte, ACL revisions) is left out of
 * sd_equal_but_control. */
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
aces_equal(const struct ace *a, size_t a_count, const struct ace *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!ace_equal(&a[i], &b[i]))
			return false;
	return true;
}

static inline bool
sd_equal_but_control(const struct sd *a, const struct sd *b)
{
	return a->has_owner == b->has_owner && a->has_group == b->has_group &&
	       a->has_dacl == b->has_dacl && a->has_sacl == b->has_sacl &&
	       sid_eq(&a->owner, &b->owner) && sid_eq(&a->group, &b->group) &&
	       aces_equal(a->aces, a->count, b->aces, b->count) &&
	       aces_equal(a->sacl, a->sacl_count, b->sacl, b->sacl_count);
}

static inline bool
sd_equal(const struct sd *a, const struct sd *b)
{
	return a->control == b->control && a->rm_control == b->rm_control &&
	       a->dacl_revision == b->dacl_revision && a->sacl_revision == b->sacl_revision &&
	       sd_equal_but_control(a, b);
}

#endif
