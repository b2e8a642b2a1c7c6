#include <string.h>

#include "lint_priv.h"

#define WRITE_DAC     0x00040000u
#define WRITE_OWNER   0x00080000u
#define DELETE        0x00010000u
#define CREATE_CHILD  0x00000001u
#define GENERIC_ALL   0x10000000u
#define GENERIC_WRITE 0x40000000u

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

/* Whoever has the SID is Everyone too, and authenticated unless it says otherwise. */
struct token {
	struct sid list[3];
	struct sids sids;
};

static void
token_of(const struct sid *sid, struct token *out)
{
	out->list[0] = *sid;
	out->list[1] = SID_EVERYONE;
	out->list[2] = SID_AUTHENTICATED_USERS;
	out->sids = (struct sids){.list = out->list,
	    .count = sid_eq(sid, &SID_EVERYONE) || sid_eq(sid, &SID_AUTHENTICATED_USERS) ? 2 : 3};
	if (sid_eq(sid, &SID_EVERYONE))
		out->sids.count = 1;
}

/* The ACE that decides is the trustee's own: what Everyone is granted is said of Everyone. */
static bool
decides(const struct sd *sd, struct sd_verdict v, const struct sid *sid)
{
	return v.allowed && v.ace >= 0 && sid_eq(&sd->aces[v.ace].sid, sid);
}

static bool
has_mask(const struct sd *sd, const struct sid *sid, uint32_t mask)
{
	struct token token;

	token_of(sid, &token);
	return decides(sd, sd_check_mask(sd, &token.sids, mask), sid);
}

static bool
holds(const struct sd *sd, const struct sid *sid, unsigned rights)
{
	static const struct {
		unsigned right;
		uint32_t mask;
	} masks[] = {
	    {LINT_CONTROL, WRITE_DAC},
	    {LINT_CONTROL, WRITE_OWNER},
	    {LINT_CONTROL, GENERIC_ALL},
	    {LINT_CONTROL, GENERIC_WRITE},
	    {LINT_WRITE, SD_RIGHT_WRITE_PROP},
	    {LINT_CREATE, CREATE_CHILD},
	    {LINT_DELETE, DELETE},
	};
	struct token token;

	for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++)
		if ((rights & masks[i].right) != 0 && has_mask(sd, sid, masks[i].mask))
			return true;
	if ((rights & LINT_ENROLL) == 0)
		return false;
	token_of(sid, &token);
	return decides(sd, sd_check_extended_right(sd, &token.sids, GUID_RIGHT_ENROLL), sid) ||
	       has_mask(sd, sid, GENERIC_ALL);
}

bool
lint_holders(
    const struct lint *l, const struct sd *sd, unsigned rights, struct sids *out, struct err *err)
{
	*out = (struct sids){0};
	if (!sd->has_dacl && !sids_add(out, &SID_EVERYONE, err))
		return false;
	if ((rights & LINT_CONTROL) != 0 && sd->has_owner && !lint_is_trusted(l, &sd->owner) &&
	    !sids_add(out, &sd->owner, err))
		return false;
	for (size_t i = 0; i < sd->count; i++) {
		const struct sid *sid = &sd->aces[i].sid;

		if (sid->count > 0 && !lint_is_trusted(l, sid) && holds(sd, sid, rights) &&
		    !sids_add(out, sid, err))
			return false;
	}
	return true;
}

/* An allow ACE for just this attribute; a denial of it by an ACE before takes it away. */
static bool
writes_attribute(const struct sd *sd, size_t at, const uint8_t attribute[GUID_LEN])
{
	const struct ace *ace = &sd->aces[at];

	if (ace->type != ACE_ALLOW_OBJECT || (ace->flags & ACE_FLAG_INHERIT_ONLY) != 0 ||
	    (ace->mask & SD_RIGHT_WRITE_PROP) == 0 || !ace->has_object ||
	    memcmp(ace->object, attribute, GUID_LEN) != 0)
		return false;
	for (size_t i = 0; i < at; i++) {
		const struct ace *d = &sd->aces[i];

		if ((d->type == ACE_DENY || d->type == ACE_DENY_OBJECT) &&
		    (d->flags & ACE_FLAG_INHERIT_ONLY) == 0 &&
		    (d->mask & SD_RIGHT_WRITE_PROP) != 0 && sid_eq(&d->sid, &ace->sid) &&
		    (!d->has_object || memcmp(d->object, attribute, GUID_LEN) == 0))
			return false;
	}
	return true;
}

bool
lint_writers_of(const struct lint *l, const struct sd *sd, const uint8_t attribute[GUID_LEN],
    struct sids *out, struct err *err)
{
	if (!lint_holders(l, sd, LINT_CONTROL | LINT_WRITE, out, err))
		return false;
	for (size_t i = 0; i < sd->count; i++)
		if (writes_attribute(sd, i, attribute) && !lint_is_trusted(l, &sd->aces[i].sid) &&
		    !sids_add(out, &sd->aces[i].sid, err))
			return false;
	return true;
}
