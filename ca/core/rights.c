#include "ca.h"

#include "mem.h"
#include "own.h"
#include "sd_text.h"
#include "text.h"

static bool
refuse(const struct ca_view *v, const struct principal *p, uint32_t right, const char *why,
    struct err *err)
{
	return err_set(err, right == CA_RIGHT_ENROLL ? CERTSRV_E_ENROLL_DENIED : E_ACCESSDENIED,
	    "%s lacks the CA right '%s': %s%s%s", p->downlevel, ca_right_name(right), why,
	    v->security_problem != NULL ? "; " : "",
	    v->security_problem != NULL ? v->security_problem : "");
}

static bool
default_right(const struct ca_view *v, const struct principal *p, uint32_t right, struct err *err)
{
	if ((right == CA_RIGHT_ENROLL || right == CA_RIGHT_READ) &&
	    sids_contain(&p->sids, &SID_AUTHENTICATED_USERS))
		return true;
	return refuse(v, p, right,
	    "the CA has no dircaCASecurity, which gives nobody more than enrollment", err);
}

bool
ca_check_right(const struct ca_view *v, const struct principal *p, uint32_t right, struct err *err)
{
	/* Enroll, Officer and Admin imply Read ([MS-CSRA] 3.1.1.7). */
	static const uint32_t implying[] = {CA_RIGHT_ENROLL, CA_RIGHT_OFFICER, CA_RIGHT_ADMIN};
	OWNED(own_memory) char *ace = NULL;
	OWNED(own_memory) char *why = NULL;
	struct sd_verdict verdict;

	if (!v->has_security)
		return default_right(v, p, right, err);
	verdict = sd_check_mask(&v->security, &p->sids, right);
	if (verdict.allowed)
		return true;
	for (size_t i = 0; right == CA_RIGHT_READ && i < COUNT_OF(implying); i++)
		if (sd_check_mask(&v->security, &p->sids, implying[i]).allowed)
			return true;
	if (verdict.ace < 0)
		return refuse(v, p, right, "no entry of dircaCASecurity grants it", err);
	(void)sd_ace_text(&v->security.aces[verdict.ace], SD_RIGHTS_CA, &ace);
	why = text_printf(
	    "entry %d of dircaCASecurity denies it: %s", verdict.ace, ace != NULL ? ace : "?");
	return refuse(v, p, right, why, err);
}

/* *known_out: whether `out` holds all that the requester is. It does not for an account that is
 * gone, nor for a name that was given to another account since: that says nothing about who made
 * the request. */
static bool
requester_sids(struct ca *ca, const struct store_request *row, struct sids *out, bool *known_out,
    struct err *err)
{
	const struct principal_record record = {
	    row->requester_sid, row->requester_dn, row->requester_name};
	OWNED(principal_free) struct principal p = {0};
	enum dir_find found = ca_find_recorded(ca, &record, &p, err);

	*known_out = found == DIR_FOUND;
	if (found == DIR_FIND_FAILED) {
		/* paper, "Unable to Recover User" */
		if (err->code == DIRCA_E_GROUPS_UNREADABLE)
			err->code = CERTSRV_E_RESTRICTEDOFFICER;
		return err_prefix(err, "groups of requester '%s'",
		    row->requester_name != NULL ? row->requester_name : "?");
	}
	*out = p.sids;
	p.sids = (struct sids){0};
	return true;
}

static bool
refuse_officer(const struct ca_view *v, const struct principal *officer,
    const struct store_request *row, bool known, int rule, struct err *err)
{
	const char *who = row->requester_name != NULL ? row->requester_name : "?";
	const char *what = row->template_name != NULL ? row->template_name : "?";
	const char *gone = known ? ""
				 : "; the directory does not know this requester any more: "
				   "every denial counts, and of the grants those for Everyone";

	if (v->officer_problem != NULL)
		return err_set(err, CERTSRV_E_RESTRICTEDOFFICER, "%s may act for nobody: %s",
		    officer->downlevel, v->officer_problem);
	if (rule >= 0)
		return err_set(err, CERTSRV_E_RESTRICTEDOFFICER,
		    "rule %d of dircaOfficerRights denies %s to act for %s and template %s%s",
		    rule + 1, officer->downlevel, who, what, gone);
	return err_set(err, CERTSRV_E_RESTRICTEDOFFICER,
	    "no rule of dircaOfficerRights allows %s to act for %s and template %s%s",
	    officer->downlevel, who, what, gone);
}

bool
ca_decide_officer(struct ca *ca, const struct ca_view *v, const struct principal *officer,
    const struct store_request *row, int *rule_out, struct err *err)
{
	OWNED(sids_free) struct sids requester = {0};
	bool known = false;

	*rule_out = -1;
	if (!ca_check_right(v, officer, CA_RIGHT_OFFICER, err))
		return false;
	if (v->officer_rules.unrestricted)
		return true;
	return requester_sids(ca, row, &requester, &known, err) &&
	       (officer_may(&v->officer_rules, &officer->sids, known ? &requester : NULL,
		    row->template_name, rule_out) ||
		   refuse_officer(v, officer, row, known, *rule_out, err));
}

bool
ca_check_officer(struct ca *ca, const struct ca_view *v, const struct principal *officer,
    const struct store_request *row, struct err *err)
{
	int rule;

	return ca_decide_officer(ca, v, officer, row, &rule, err);
}
