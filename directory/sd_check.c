#include "sd.h"

#include <string.h>

#include "sd_priv.h"

const uint8_t GUID_RIGHT_ENROLL[GUID_LEN] = {
    0x68, 0xc9, 0x10, 0x0e, 0xfb, 0x78, 0xd2, 0x11, 0x90, 0xd4, 0x00, 0xc0, 0x4f, 0x79, 0xdc, 0x55};
const uint8_t GUID_RIGHT_AUTOENROLL[GUID_LEN] = {
    0xc2, 0x8c, 0x5b, 0xa0, 0xbc, 0x17, 0x02, 0x48, 0xa7, 0x10, 0xe7, 0xc1, 0x5a, 0xb8, 0x66, 0xa2};

/* Types of [MS-DTYP] 2.4.4.1 that never allow or deny: audit, alarm, label, attribute, policy ACEs.
 * 4 is reserved there. */
#define ACE_ALARM              3
#define ACE_ALARM_OBJECT       8
#define ACE_AUDIT_CALLBACK     13
#define ACE_LAST_OF_SACL_TYPES 19

enum effect { EFFECT_NONE, EFFECT_ALLOW, EFFECT_DENY };

/* A callback ACE has a condition that is not evaluated here: it never allows, and it denies as if
 * the condition were true
 * ([MS-DTYP] 2.4.4.17 for an unknown result). A type that nobody knows could deny, so it does. */
static enum effect
ace_effect(const struct ace *ace)
{
	switch (ace->type) {
	case ACE_ALLOW:
	case ACE_ALLOW_OBJECT:
		return EFFECT_ALLOW;
	case ACE_DENY:
	case ACE_DENY_OBJECT:
	case ACE_DENY_CALLBACK:
	case ACE_DENY_CALLBACK_OBJECT:
		return EFFECT_DENY;
	case ACE_ALLOW_CALLBACK:
	case ACE_ALLOW_CALLBACK_OBJECT:
	case ACE_AUDIT:
	case ACE_AUDIT_OBJECT:
	case ACE_ALARM:
	case ACE_ALARM_OBJECT:
		return EFFECT_NONE;
	default:
		return ace->type >= ACE_AUDIT_CALLBACK && ace->type <= ACE_LAST_OF_SACL_TYPES
			   ? EFFECT_NONE
			   : EFFECT_DENY;
	}
}

/* What the ACE says to this principal; an unknown type names nobody that could be read, hence
 * everybody. */
static enum effect
effect_on(const struct ace *ace, const struct sids *sids)
{
	enum effect effect = ace_effect(ace);

	if ((ace->flags & ACE_FLAG_INHERIT_ONLY) != 0)
		return EFFECT_NONE;
	if (ace_is_known(ace->type) && !sids_contain(sids, &ace->sid))
		return EFFECT_NONE;
	return effect;
}

struct sd_verdict
sd_check_extended_right(const struct sd *sd, const struct sids *sids, const uint8_t right[GUID_LEN])
{
	if (!sd->has_dacl)
		return (struct sd_verdict){.allowed = true, .ace = -2};
	for (size_t i = 0; i < sd->count; i++) {
		const struct ace *ace = &sd->aces[i];
		enum effect effect = effect_on(ace, sids);

		/* Generic bits are not mapped (facts 4.2), but a denial of everything denies. */
		uint32_t bits =
		    SD_RIGHT_CONTROL_ACCESS | (effect == EFFECT_DENY ? SD_GENERIC_ALL : 0);

		if (effect == EFFECT_NONE)
			continue;
		/* Without a GUID the ACE speaks of all extended rights; "full control" 0xF00FF
		 * lacks the bit. */
		if (ace_is_known(ace->type) &&
		    ((ace->mask & bits) == 0 ||
			(ace->has_object && memcmp(ace->object, right, GUID_LEN) != 0)))
			continue;
		return (struct sd_verdict){.allowed = effect == EFFECT_ALLOW, .ace = (int)i};
	}
	return (struct sd_verdict){.allowed = false, .ace = -1};
}

struct sd_verdict
sd_check_mask(const struct sd *sd, const struct sids *sids, uint32_t mask)
{
	uint32_t missing = mask;

	if (mask == 0)
		return (struct sd_verdict){.allowed = false, .ace = -1};
	if (!sd->has_dacl)
		return (struct sd_verdict){.allowed = true, .ace = -2};
	for (size_t i = 0; i < sd->count; i++) {
		const struct ace *ace = &sd->aces[i];
		enum effect effect = effect_on(ace, sids);

		if (effect == EFFECT_DENY &&
		    (!ace_is_known(ace->type) || (ace->mask & (missing | SD_GENERIC_ALL)) != 0))
			return (struct sd_verdict){.allowed = false, .ace = (int)i};
		/* An ACE for one property or right of the object does not speak of the whole
		 * object. */
		if (effect == EFFECT_ALLOW && !ace->has_object)
			missing &= ~ace->mask;
		if (missing == 0)
			return (struct sd_verdict){.allowed = true, .ace = (int)i};
	}
	return (struct sd_verdict){.allowed = false, .ace = -1};
}
