#include "ca.h"

#include "mem.h"
#include "own.h"
#include "sd_text.h"
#include "text.h"

/* Where rights are given. */
static const char *
giver(const struct ca_view *v)
{
	return v->standalone ? "dircad.conf" : "dircaCASecurity";
}

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

/* The four roles, of which one principal has one, where root wants them apart (paper,
 * "Understanding Role Separation"). A right that its holder may use is known to be his. */
static bool
check_separation(
    const struct ca_view *v, const struct principal *p, uint32_t right, struct err *err)
{
	static const uint32_t roles[] = {
	    CA_RIGHT_ADMIN, CA_RIGHT_OFFICER, CA_RIGHT_AUDITOR, CA_RIGHT_OPERATOR};

	if (!v->separate_roles || right == CA_RIGHT_ENROLL || right == CA_RIGHT_READ)
		return true;
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (roles[i] != right && sd_check_mask(&v->security, &p->sids, roles[i]).allowed)
			return err_set(err, CERTSRV_E_ROLECONFLICT,
			    "%s holds the CA rights '%s' and '%s', and so may use neither "
			    "(role_separation of dircad.conf); take one away %s",
			    p->downlevel, ca_right_name(right), ca_right_name(roles[i]),
			    v->standalone ? "there" : "with `dirca ca rights revoke`");
	return true;
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
		return check_separation(v, p, right, err);
	for (size_t i = 0; right == CA_RIGHT_READ && i < COUNT_OF(implying); i++)
		if (sd_check_mask(&v->security, &p->sids, implying[i]).allowed)
			return true;
	if (verdict.ace < 0) {
		why = text_printf("no entry of %s grants it%s", giver(v),
		    v->standalone ? "" : " (`dirca ca rights grant`)");
		return refuse(v, p, right, why, err);
	}
	(void)sd_ace_text(&v->security.aces[verdict.ace], SD_RIGHTS_CA, &ace);
	why = text_printf(
	    "entry %d of dircaCASecurity denies it: %s", verdict.ace, ace != NULL ? ace : "?");
	return refuse(v, p, right, why, err);
}

/* Whose groups a requester has. */
enum known {
	KNOWN_NOW,
	KNOWN_THEN, /* the account is gone: those that were written down with the request */
	KNOWN_NOT   /* gone, and nothing was written down */
};

/* Lists come without what was written down. */
static bool
recorded_sids(struct ca *ca, const struct store_request *row, struct sids *out, enum known *known,
    struct err *err)
{
	OWNED(store_request_free) struct store_request whole = {0};
	const struct buf *raw = &row->requester_sids;

	if (raw->len == 0 && row->request_id != 0) {
		if (!ca_get_row(ca, row->request_id, &whole, err))
			return false;
		raw = &whole.requester_sids;
	}
	*known = raw->len > 0 ? KNOWN_THEN : KNOWN_NOT;
	return sids_decode(buf_view(raw), out, err);
}

/* All that the requester is, or was: an account that has got the name since says nothing about who
 * made the request. */
static bool
requester_sids(struct ca *ca, const struct store_request *row, struct sids *out, enum known *known,
    struct err *err)
{
	const struct principal_record record = ca_requester_of(row);
	OWNED(principal_free) struct principal p = {0};
	enum dir_find found = ca_find_recorded(ca, &record, &p, err);

	*known = KNOWN_NOW;
	if (found == DIR_NOT_FOUND)
		return recorded_sids(ca, row, out, known, err);
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

/* What AD CS issued by a template of version 2 says so by the template's OID alone. One that two
 * templates have names neither. */
static const char *
template_of(const struct ca_view *v, const struct store_request *row)
{
	const struct tmpl *t;

	if (row->template_name != NULL || row->template_oid == NULL)
		return row->template_name;
	t = ca_view_template_by_oid(v, row->template_oid);
	return t != NULL ? t->cn : NULL;
}

static bool
refuse_officer(const struct ca_view *v, const struct principal *officer,
    const struct store_request *row, const char *template, enum known known, int rule,
    struct err *err)
{
	static const char *const gone_texts[] = {
	    [KNOWN_NOW] = "",
	    [KNOWN_THEN] = "; the directory does not know this requester any more: the groups "
			   "count that were written down with the request",
	    [KNOWN_NOT] = "; the directory does not know this requester any more: every denial "
			  "counts, and of the grants those for Everyone",
	};
	const char *who = row->requester_name != NULL ? row->requester_name : "?";
	const char *what = template != NULL ? template : "?";
	const char *gone = gone_texts[known];

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
    const struct store_request *row, struct officer_decision *out, struct err *err)
{
	OWNED(sids_free) struct sids requester = {0};
	const char *template = template_of(v, row);
	enum known known = KNOWN_NOW;

	*out = (struct officer_decision){.rule = -1};
	if (!ca_check_right(v, officer, CA_RIGHT_OFFICER, err))
		return false;
	if (v->officer_rules.unrestricted)
		return true;
	if (!requester_sids(ca, row, &requester, &known, err))
		return false;
	out->by_record = known == KNOWN_THEN;
	return officer_may(&v->officer_rules, &officer->sids,
		   known != KNOWN_NOT ? &requester : NULL, template, &out->rule) ||
	       refuse_officer(v, officer, row, template, known, out->rule, err);
}

bool
ca_check_officer(struct ca *ca, const struct ca_view *v, const struct principal *officer,
    const struct store_request *row, struct err *err)
{
	struct officer_decision ignored;

	return ca_decide_officer(ca, v, officer, row, &ignored, err);
}
