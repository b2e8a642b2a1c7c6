#include <string.h>

#include "lint_priv.h"
#include "sd_effective.h"

#define DELETE 0x00010000u

#define NT_AUTHORITY 5

enum standing { ADMINISTRATIVE, BROAD };

/* [MS-DTYP] 2.4.2.4. Of S-1-5-... the number of parts, the first and the last of them. */
static const struct known_sid {
	uint8_t count;
	uint32_t first, last;
	enum standing standing;
} known_sids[] = {
    {1, 7, 7, BROAD},             /* Anonymous */
    {1, 9, 9, ADMINISTRATIVE},    /* Enterprise Domain Controllers */
    {1, 11, 11, BROAD},           /* Authenticated Users */
    {1, 18, 18, ADMINISTRATIVE},  /* SYSTEM */
    {2, 32, 544, ADMINISTRATIVE}, /* Administrators */
    {2, 32, 545, BROAD},          /* Users */
    {2, 32, 546, BROAD},          /* Guests */
    {2, 32, 554, BROAD},          /* Pre-Windows 2000 Compatible Access */
    {5, 21, 498, ADMINISTRATIVE}, /* Enterprise Read-only Domain Controllers */
    {5, 21, 500, ADMINISTRATIVE}, /* Administrator */
    {5, 21, 501, BROAD},          /* Guest */
    {5, 21, 502, ADMINISTRATIVE}, /* krbtgt */
    {5, 21, 512, ADMINISTRATIVE}, /* Domain Admins */
    {5, 21, 513, BROAD},          /* Domain Users */
    {5, 21, 514, BROAD},          /* Domain Guests */
    {5, 21, 515, BROAD},          /* Domain Computers */
    {5, 21, 516, ADMINISTRATIVE}, /* Domain Controllers */
    {5, 21, 518, ADMINISTRATIVE}, /* Schema Admins */
    {5, 21, 519, ADMINISTRATIVE}, /* Enterprise Admins */
    {5, 21, 521, ADMINISTRATIVE}, /* Read-only Domain Controllers */
};

static bool
has_standing(const struct sid *sid, enum standing standing)
{
	for (size_t i = 0; i < sizeof known_sids / sizeof known_sids[0]; i++) {
		const struct known_sid *k = &known_sids[i];

		if (sid->authority == NT_AUTHORITY && sid->count == k->count &&
		    sid->subs[0] == k->first && sid->subs[k->count - 1] == k->last)
			return k->standing == standing;
	}
	return false;
}

bool
lint_is_trusted(const struct lint *l, const struct sid *sid)
{
	return has_standing(sid, ADMINISTRATIVE) ||
	       (l->in->trusted != NULL && sids_contain(l->in->trusted, sid));
}

bool
lint_is_broad(const struct sid *sid)
{
	return sid_eq(sid, &SID_EVERYONE) || has_standing(sid, BROAD);
}

static bool
add_untrusted(
    const struct lint *l, const struct sd_trustees *from, struct sids *to, struct err *err)
{
	for (size_t i = 0; i < from->count; i++)
		if (!lint_is_trusted(l, &from->list[i].sid) &&
		    !sids_add(to, &from->list[i].sid, err))
			return false;
	return true;
}

/* An attribute or class that no ACE speaks of: whoever has the right on it has it on most. A denial
 * for one attribute alone does not take the others away. */
static const uint8_t any_other[GUID_LEN] = {0};

/* Enroll beside WRITE_PROPERTY, as real templates have it, is no attribute. */
static bool
is_enrollment_right(const struct ace *ace)
{
	return memcmp(ace->object, GUID_RIGHT_ENROLL, GUID_LEN) == 0 ||
	       memcmp(ace->object, GUID_RIGHT_AUTOENROLL, GUID_LEN) == 0;
}

/* Those to whom an ACE gives the right on a single attribute, property set or class: one is enough
 * to change what the object means. */
static bool
add_partial(
    const struct lint *l, const struct sd *sd, uint32_t mask, struct sids *out, struct err *err)
{
	for (size_t i = 0; i < sd->count; i++) {
		const struct ace *ace = &sd->aces[i];
		const struct sd_question question = {
		    .mask = mask, .object = ace->object, .mapping = &SD_MAPPING_DS};
		int completed;

		if (ace->type != ACE_ALLOW_OBJECT || !ace->has_object || is_enrollment_right(ace) ||
		    lint_is_trusted(l, &ace->sid) ||
		    !sd_trustee_holds(sd, &ace->sid, &question, &completed))
			continue;
		if (!sids_add(out, &ace->sid, err))
			return false;
	}
	return true;
}

bool
lint_holders(
    const struct lint *l, const struct sd *sd, unsigned rights, struct sids *out, struct err *err)
{
	static const struct sd_question may_write = {SD_RIGHT_WRITE_PROP, any_other, NULL,
					    &SD_MAPPING_DS},
					may_create = {SD_RIGHT_CREATE_CHILD, any_other, NULL,
					    &SD_MAPPING_DS},
					may_delete = {DELETE, NULL, NULL, &SD_MAPPING_DS};
	static const struct {
		unsigned right;
		const struct sd_question *question;
		bool in_parts; /* is also given for single attributes or classes */
	} asks[] = {
	    {LINT_ENROLL, &SD_ASKS_ENROLL, false},
	    {LINT_AUTOENROLL, &SD_ASKS_AUTOENROLL, false},
	    {LINT_CONTROL, &SD_ASKS_WRITE_DACL, false},
	    {LINT_CONTROL, &SD_ASKS_WRITE_OWNER, false},
	    {LINT_WRITE, &may_write, true},
	    {LINT_CREATE, &may_create, true},
	    {LINT_DELETE, &may_delete, false},
	};

	*out = (struct sids){0};
	for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
		struct sd_trustees who;
		bool ok;

		if ((rights & asks[i].right) == 0)
			continue;
		if (!sd_effective_trustees(sd, asks[i].question, &who, err))
			return false;
		ok = add_untrusted(l, &who, out, err) &&
		     (!asks[i].in_parts || add_partial(l, sd, asks[i].question->mask, out, err));
		sd_trustees_free(&who);
		if (!ok)
			return false;
	}
	return true;
}

bool
lint_writers_of(const struct lint *l, const struct sd *sd, const uint8_t attribute[GUID_LEN],
    struct sids *out, struct err *err)
{
	struct sd_trustees who = {0};
	bool ok = lint_holders(l, sd, LINT_CONTROL, out, err) &&
		  sd_effective_writers(sd, attribute, NULL, &who, err) &&
		  add_untrusted(l, &who, out, err);

	sd_trustees_free(&who);
	return ok;
}
