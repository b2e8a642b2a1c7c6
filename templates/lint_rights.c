#include <string.h>

#include "lint_priv.h"
#include "sd_effective.h"

#define DELETE 0x00010000u

#define NT_AUTHORITY 5
#define BUILTIN      32
#define DOMAIN       21

static bool
is_listed(uint32_t value, const uint32_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return false;
}

#define IS_LISTED(value, list) is_listed((value), (list), sizeof(list) / sizeof(list)[0])

/* [MS-DTYP] 2.4.2.4 */
static bool
is_administrative(const struct sid *sid)
{
	static const uint32_t single[] = {9, 18}; /* Enterprise Domain Controllers, System */
	static const uint32_t builtin[] = {544};  /* Administrators */
	static const uint32_t domain[] = {498, 500,
	    502,                      /* RODCs of the enterprise, Administrator */
	    512, 516, 518, 519, 521}; /* Domain Admins, DCs, Schema and Enterprise Admins, RODCs */

	if (sid->authority != NT_AUTHORITY)
		return false;
	if (sid->count == 1)
		return IS_LISTED(sid->subs[0], single);
	if (sid->count == 2)
		return sid->subs[0] == BUILTIN && IS_LISTED(sid->subs[1], builtin);
	return sid->count == 5 && sid->subs[0] == DOMAIN && IS_LISTED(sid->subs[4], domain);
}

bool
lint_is_trusted(const struct lint *l, const struct sid *sid)
{
	return is_administrative(sid) ||
	       (l->in->trusted != NULL && sids_contain(l->in->trusted, sid));
}

bool
lint_is_broad(const struct sid *sid)
{
	static const uint32_t single[] = {7, 11};              /* Anonymous, Authenticated Users */
	static const uint32_t builtin[] = {545, 546, 554};     /* Users, Guests, Pre-Windows 2000 */
	static const uint32_t domain[] = {501, 513, 514, 515}; /* Guest, Users, Guests, Computers */

	if (sid_eq(sid, &SID_EVERYONE))
		return true;
	if (sid->authority != NT_AUTHORITY)
		return false;
	if (sid->count == 1)
		return IS_LISTED(sid->subs[0], single);
	if (sid->count == 2)
		return sid->subs[0] == BUILTIN && IS_LISTED(sid->subs[1], builtin);
	return sid->count == 5 && sid->subs[0] == DOMAIN && IS_LISTED(sid->subs[4], domain);
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
