#include "ca_rights.h"

#include <stdlib.h>

#include "sd_edit.h"
#include "sd_effective.h"
#include "own.h"
#include "mem.h"

const struct ca_right ca_rights[] = {
    {CA_RIGHT_ADMIN, "admin", "Manage CA"},
    {CA_RIGHT_OFFICER, "officer", "Issue and Manage Certificates"},
    {CA_RIGHT_AUDITOR, "auditor", "Auditor"},
    {CA_RIGHT_OPERATOR, "operator", "Backup Operator"},
    {CA_RIGHT_READ, "read", "Read"},
    {CA_RIGHT_ENROLL, "enroll", "Request Certificates"},
};
const size_t ca_right_count = COUNT_OF(ca_rights);

const char *
ca_right_name(uint32_t right)
{
	for (size_t i = 0; i < ca_right_count; i++)
		if (ca_rights[i].mask == right)
			return ca_rights[i].name;
	return "an unknown right";
}

uint32_t
ca_right_by_text(const char *text)
{
	for (size_t i = 0; i < ca_right_count; i++)
		if (text_eq_nocase(ca_rights[i].word, text) ||
		    text_eq_nocase(ca_rights[i].name, text))
			return ca_rights[i].mask;
	return 0;
}

bool
ca_rights_initial(struct sd *out, struct err *err)
{
	static const struct sid administrators = {.count = 2, .authority = 5, .subs = {32, 544}};

	*out = (struct sd){.has_owner = true,
	    .has_group = true,
	    .has_dacl = true,
	    .owner = administrators,
	    .group = administrators};
	(void)err;
	out->aces = mem_zero(1, sizeof *out->aces);
	out->aces[0] = (struct ace){
	    .type = ACE_ALLOW, .mask = CA_RIGHT_ENROLL, .sid = SID_AUTHENTICATED_USERS};
	out->count = 1;
	return true;
}

/* An ACE that these functions write and change: explicit, plain, for this trustee alone. What it
 * says of objects below does not matter: a CA has none. */
static bool
is_own(const struct ace *ace, const struct sid *trustee, bool deny)
{
	return ace->type == (deny ? ACE_DENY : ACE_ALLOW) &&
	       (ace->flags & (ACE_FLAG_INHERITED | ACE_FLAG_INHERIT_ONLY)) == 0 &&
	       sid_eq(&ace->sid, trustee);
}

bool
ca_rights_grant(struct sd *sd, const struct sid *trustee, uint32_t mask, bool deny,
    bool *changed_out, struct err *err)
{
	const struct ace ace = {.type = deny ? ACE_DENY : ACE_ALLOW, .mask = mask, .sid = *trustee};

	size_t counts = deny ? sd_denials_end(sd) : sd->count;

	for (size_t i = 0; i < counts; i++)
		if (is_own(&sd->aces[i], trustee, deny)) {
			*changed_out = (sd->aces[i].mask & mask) != mask;
			sd->aces[i].mask |= mask;
			return true;
		}
	return sd_add_ace(sd, &ace, changed_out, err);
}

void
ca_roles_free(struct ca_roles *roles)
{
	sids_free(&roles->admins);
	sids_free(&roles->officers);
	sids_free(&roles->auditors);
}

static bool
grant_all(struct sd *sd, const struct sids *who, uint32_t mask, struct err *err)
{
	bool changed;

	for (size_t i = 0; i < who->count; i++)
		if (!ca_rights_grant(sd, &who->list[i], mask | CA_RIGHT_READ, false, &changed, err))
			return false;
	return true;
}

bool
ca_rights_of_roles(const struct ca_roles *roles, struct sd *out, struct err *err)
{
	bool admins_manage = roles->officers.count == 0;

	return ca_rights_initial(out, err) &&
	       grant_all(out, &roles->admins,
		   CA_RIGHT_ADMIN | (admins_manage ? CA_RIGHT_OFFICER : 0), err) &&
	       grant_all(out, &roles->officers, CA_RIGHT_OFFICER, err) &&
	       grant_all(out, &roles->auditors, CA_RIGHT_AUDITOR, err);
}

static bool
is_empty(const struct ace *ace, const void *trustee)
{
	return ace->mask == 0 && (is_own(ace, trustee, false) || is_own(ace, trustee, true));
}

void
ca_rights_revoke(
    struct sd *sd, const struct sid *trustee, uint32_t mask, bool deny, bool *changed_out)
{
	*changed_out = false;
	for (size_t i = 0; i < sd->count; i++)
		if (is_own(&sd->aces[i], trustee, deny) && (sd->aces[i].mask & mask) != 0) {
			sd->aces[i].mask &= ~mask;
			*changed_out = true;
		}
	(void)sd_remove_aces(sd, is_empty, trustee);
}

bool
ca_rights_check_revoked(
    const struct sd *sd, const struct sid *trustee, uint32_t mask, struct err *err)
{
	int ace;

	if (!sd->has_dacl)
		return err_set(err, E_INVALIDARG,
		    "the security descriptor has no DACL, which gives everybody every right; "
		    "publish the CA anew");
	for (size_t i = 0; i < ca_right_count; i++) {
		const struct sd_question question = {.mask = ca_rights[i].mask};

		if ((mask & ca_rights[i].mask) != 0 &&
		    sd_trustee_holds(sd, trustee, &question, &ace))
			return err_set(err, E_INVALIDARG,
			    "entry %d, which is inherited or of another kind, still gives the "
			    "right '%s'; nothing is changed. Deny the right, or remove the entry "
			    "where it comes from",
			    ace, ca_rights[i].name);
	}
	return true;
}

bool
ca_rights_holders(const struct sd *sd, uint32_t right, struct sids *out, struct err *err)
{
	const struct sd_question question = {.mask = right};
	OWNED(sd_trustees_free) struct sd_trustees found = {0};

	*out = (struct sids){0};
	if (!sd_effective_trustees(sd, &question, &found, err))
		return false;
	for (size_t i = 0; i < found.count; i++)
		sids_put(out, &found.list[i].sid);
	return true;
}

bool
ca_rights_check(const struct sd *sd, struct err *err)
{
	OWNED(sids_free) struct sids admins = {0};

	if (!ca_rights_holders(sd, CA_RIGHT_ADMIN, &admins, err))
		return false;
	return admins.count > 0 ||
	       err_set(err, CERTSRV_E_NO_CAADMIN_DEFINED,
		   "nobody would be left with the right '%s', and the CA could not be administered "
		   "any more; give it to somebody else first",
		   ca_right_name(CA_RIGHT_ADMIN));
}
