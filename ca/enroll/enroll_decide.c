#include "enroll_priv.h"

#include <string.h>

#include "clock.h"
#include "dotted.h"
#include "escalation.h"
#include "mem.h"
#include "oids.h"

#define TEMPLATE_ATTRIBUTE "CertificateTemplate"

/* What a request says about its template, from every place that may say it. */
struct claim {
	const char *cn, *oid;
};

static bool
claim_cn(struct claim *c, const char *cn, struct err *err)
{
	if (cn == NULL || (c->cn != NULL && text_eq_nocase(c->cn, cn)))
		return true;
	if (c->cn != NULL)
		return err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
		    "the request names template '%s' and template '%s'", c->cn, cn);
	c->cn = cn;
	return true;
}

static bool
claim_oid(struct claim *c, const char *oid, struct err *err)
{
	if (oid == NULL || (c->oid != NULL && strcmp(c->oid, oid) == 0))
		return true;
	if (c->oid != NULL)
		return err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
		    "the request names template %s and template %s", c->oid, oid);
	c->oid = oid;
	return true;
}

/* Not every name can stand in a path or an attribute: what is no name of a template may be its OID.
 */
static bool
claim_name(const struct ca_view *view, struct claim *c, const char *name, struct err *err)
{
	bool is_oid = name != NULL && oid_is_valid(name) && ca_view_template(view, name) == NULL;

	return is_oid ? claim_oid(c, name, err) : claim_cn(c, name, err);
}

static bool
claim_pairs(const struct ca_view *view, struct claim *c, const struct pairs *pairs, struct err *err)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (text_eq_nocase(pairs->list[i].name, TEMPLATE_ATTRIBUTE) &&
		    !claim_name(view, c, pairs->list[i].value, err))
			return false;
	return true;
}

static bool
collect_claim(const struct ca_view *view, const struct enroll_request *r, const char *label,
    struct claim *out, struct err *err)
{
	*out = (struct claim){0};
	for (size_t i = 0; i < 2; i++)
		if (!claim_cn(out, r->ids[i].cn, err) || !claim_oid(out, r->ids[i].oid, err))
			return false;
	return claim_pairs(view, out, &r->pkix->pairs, err) &&
	       claim_pairs(view, out, &r->cmc.pairs, err) &&
	       claim_pairs(view, out, &r->wrapper.pairs, err) && claim_name(view, out, label, err);
}

/* The sentence for a template that is in the directory but not usable says why. */
static bool
refuse_unknown(const struct ca_view *view, const struct claim *c, struct err *err)
{
	const char *name = c->cn != NULL ? c->cn : c->oid;
	size_t len = strlen(name);

	for (size_t i = 0; i < view->broken_templates.count; i++)
		if (strncasecmp(view->broken_templates.list[i], name, len) == 0 &&
		    view->broken_templates.list[i][len] == ':')
			return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE, "template %s",
			    view->broken_templates.list[i]);
	return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
	    "the directory holds no template '%s', or more than one", name);
}

bool
enroll_check_fresh(const struct ca_view *view, struct err *err)
{
	return ca_view_is_fresh(view, clock_boot_ms()) ||
	       err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		   "the directory could not be read for over a minute; nothing is decided");
}

bool
enroll_find_template(const struct ca_view *view, const struct enroll_request *r, const char *label,
    const char *by_default, const struct tmpl **out, struct err *err)
{
	const struct tmpl *t;
	struct claim c;

	*out = NULL;
	if (!collect_claim(view, r, label, &c, err))
		return false;
	if (c.cn == NULL && c.oid == NULL)
		c.cn = by_default;
	if (c.cn == NULL && c.oid == NULL)
		return err_set(err, CERTSRV_E_NO_CERT_TYPE,
		    "the request names no template: neither extension 20.2 or 21.7, nor attribute "
		    "CertificateTemplate, nor EST label");
	t = c.cn != NULL ? ca_view_template(view, c.cn) : ca_view_template_by_oid(view, c.oid);
	if (t == NULL)
		return refuse_unknown(view, &c, err);
	/* Pinned by OID: a name can be given to another object, the OID tells them apart
	 * ([MS-CRTD] 2.20). */
	if (c.oid != NULL && (t->oid == NULL || strcmp(t->oid, c.oid) != 0))
		return err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
		    "the request names template '%s' and OID %s, but the template's OID is %s",
		    t->cn, c.oid, t->oid != NULL ? t->oid : "absent");
	if (!ca_view_is_enabled(view, t->cn))
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template '%s' is not among the certificateTemplates of this CA", t->cn);
	*out = t;
	return true;
}

/* ---- the checks, in the order in which they are made ---- */

/* At an approval the requester of an agent is known already. */
static bool
check_account(struct enrollment *e, struct err *err)
{
	return principal_check_active(e->caller, e->now, err) &&
	       (e->requester == e->caller || principal_check_active(e->requester, e->now, err));
}

static bool
check_ca_right(struct enrollment *e, struct err *err)
{
	return ca_check_right(e->view, e->caller, CA_RIGHT_ENROLL, err);
}

static bool
check_no_template(const struct enrollment *e, struct err *err)
{
	struct claim c;

	if (!collect_claim(e->view, &e->request, e->label, &c, err))
		return false;
	return (c.cn == NULL && c.oid == NULL) ||
	       err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		   "the request names template '%s', and this CA is stand-alone: it has no "
		   "templates, "
		   "and takes what a certificate is for from the request",
		   c.cn != NULL ? c.cn : c.oid);
}

/* Of a stand-alone CA. What waits already is for a certificate manager to decide. */
static bool
check_disposition(const struct enrollment *e, struct err *err)
{
	const int64_t d = e->view->settings.num[SETTING_REQUEST_DISPOSITION];

	return (d & (REQDISP_PENDINGFIRST | REQDISP_MASK)) != REQDISP_DENY ||
	       err_set(err, E_ACCESSDENIED, "the CA denies every request now (%s is REQDISP_DENY)",
		   setting_name(SETTING_REQUEST_DISPOSITION));
}

static bool
check_template(struct enrollment *e, struct err *err)
{
	const char *by_default =
	    e->request.format == ENROLL_PKCS10 ? e->ca->config->est_template : NULL;

	if (e->view->standalone)
		return check_disposition(e, err) && check_no_template(e, err) &&
		       enroll_find_wish(e, err);
	return enroll_find_template(e->view, &e->request, e->label, by_default, &e->tmpl, err);
}

/* Whom an agent enrolls must be somebody who may have a certificate. */
static bool
check_subject(struct enrollment *e, struct err *err)
{
	return enroll_find_subject(e, err) && principal_check_active(e->requester, e->now, err);
}

/* A domain controller hides a template from whoever may not read it; other directories do not. */
static bool
check_read_right(struct enrollment *e, struct err *err)
{
	return tmpl_check_read(e->tmpl, &e->caller->sids, e->caller->downlevel, err);
}

/* [MS-WCCE] 3.2.2.6.2.1.4.3: the right is the caller's, who may be an agent. */
static bool
check_enroll_right(struct enrollment *e, struct err *err)
{
	return tmpl_check_enroll(e->tmpl, &e->caller->sids, e->caller->downlevel, err);
}

/* The plan and the request must agree about archival, and the CA must be able to. */
static bool
check_archival(struct enrollment *e, struct err *err)
{
	const struct issue_request facts = {.has_archived_key = e->has_key,
	    .renewed = e->renewal != NULL ? &e->renewal->facts : NULL};

	if (tmpl_requires_key_archival(e->tmpl) && !ca_check_archival(e->ca, err))
		return err_prefix(err, "template '%s'", e->tmpl->cn);
	return issue_check_archival(e->tmpl, &facts, err);
}

static bool
read_policies(struct enrollment *e, struct err *err)
{
	struct view value;

	if (!enroll_request_extension(&e->request, NID_certificate_policies, &value, err) ||
	    (value.len > 0 && !pkix_policies_decode(value, &e->policies, err)))
		return err_prefix(err, "the policies that the request asks for");
	e->facts.policies = (struct texts){e->policies.list, e->policies.count};
	return true;
}

/* What policy needs to know of the request. */
static bool
gather_facts(struct enrollment *e, struct err *err)
{
	const struct enroll_request *r = &e->request;
	const struct pkix_template_id *id = r->ids[0].has_version ? &r->ids[0] : &r->ids[1];

	e->facts = (struct issue_request){
	    .key_algorithm = r->key_algorithm,
	    .key_bits = r->key_bits,
	    .has_archived_key = e->has_key,
	    .has_subject = r->pkix->subject.len > 2, /* more than an empty SEQUENCE */
	    .subject = r->pkix->subject,
	    .has_template_version = id->has_version,
	    .template_major = id->major,
	    .template_minor = id->minor,
	    .signers = e->signer_facts,
	    .signer_count = e->signer_fact_count,
	    .renewed = e->renewal != NULL ? &e->renewal->facts : NULL,
	    .on_behalf_of = e->requester != e->caller ? e->requester : NULL,
	};
	return read_policies(e, err) &&
	       enroll_request_extension(r, NID_subject_alt_name, &e->facts.subject_alt_name, err) &&
	       enroll_request_extension(
		   r, oid_nid(OID_NTDS_CA_SECURITY_EXT), &e->facts.sid_extension, err);
}

/* A name that the enrollee chooses, for logon, that nobody looks at: the requester could be anybody
 * afterwards. */
static bool
check_escalation(struct enrollment *e, struct err *err)
{
	if (e->view->settings.num[SETTING_REFUSE_ESCALATION] == 0 ||
	    !tmpl_is_certain_escalation(e->tmpl))
		return true;
	return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
	    "template '%s' lets the requester choose the subject of a certificate for logon "
	    "without "
	    "approval (ESC1); set approval, take the subject from the directory, or set %s to 0",
	    e->tmpl->cn, setting_name(SETTING_REFUSE_ESCALATION));
}

static bool
check_policy(struct enrollment *e, struct err *err)
{
	int64_t limit = e->now + e->view->settings.seconds[PERIOD_VALIDITY];
	const struct issue_limits limits = {
	    .now = e->now,
	    .clock_skew = PKIX_CLOCK_SKEW_S,
	    .ca_not_after =
		limit < e->ca->issuer->cert.not_after ? limit : e->ca->issuer->cert.not_after,
	};

	if (!enroll_check_naming(e, err) || !gather_facts(e, err) ||
	    !issue_plan_make(e->tmpl, e->caller, &e->facts, &limits, &e->plan, err))
		return false;
	if (e->view->standalone)
		e->plan.pend = !settings_issue_at_once(&e->view->settings);
	return true;
}

/* Not the policy's matter: what breaks the bounds is in no certificate of anybody. But who wants
 * the name of a CA's service is told that, however it is spelt. */
static bool
check_names(struct enrollment *e, struct err *err)
{
	struct err service;

	if (certificate_names_make(&e->plan, &e->names, err))
		return true;
	if (!enroll_check_service_names(e, &service) && service.code == DIRCA_E_SERVICE_NAME) {
		*err = service;
		e->deciding = true;
	}
	return false;
}

/* An explanation is about a key that does not exist yet. */
static bool
check_key(struct enrollment *e, struct err *err)
{
	return e->request.key == NULL || enroll_check_key(e, NULL, err);
}

/* What the vault would refuse is refused before it is asked, and by `dirca explain` too. */
static bool
check_kind(struct enrollment *e, struct err *err)
{
	const struct issue_plan *plan = &e->plan;
	const struct sign_purpose purpose = {.is_ca = plan->basic_constraints && plan->is_ca,
	    .key_usage = (uint16_t)(plan->key_usage[0] << 8 | plan->key_usage[1]),
	    .has_eku = plan->eku.count > 0,
	    .eku = {plan->eku.list, plan->eku.count},
	    .policy = {plan->application_policies.list, plan->application_policies.count}};

	if (sign_kinds_check(e->ca->config->kinds, &purpose, err))
		return true;
	return e->tmpl->of_request ? false : err_prefix(err, "template '%s'", e->tmpl->cn);
}

/* Of the CA, not of the request: whatever else is wrong is told first. */
static bool
check_chain(struct enrollment *e, struct err *err)
{
	return ca_check_chain(e->view, e->now, err);
}

#define ALWAYS (ENROLL_AT_SUBMISSION | ENROLL_AT_APPROVAL)

static const struct enroll_check checks[] = {
    {"account", ALWAYS, true, check_account, told_account, NULL},
    {"ca-right", ALWAYS, true, check_ca_right, told_ca_right, reason_ca_right},
    {"template", ENROLL_AT_SUBMISSION, true, check_template, told_template, NULL},
    {"read-right", ALWAYS, true, check_read_right, told_read_right, reason_read_right},
    {"enroll-right", ALWAYS, true, check_enroll_right, told_enroll_right, reason_enroll_right},
    {"server-key", ALWAYS, true, enroll_check_server_key, told_server_key, NULL},
    {"request-binding", ENROLL_AT_SUBMISSION, true, enroll_check_binding, told_binding, NULL},
    {"signers", ALWAYS, true, enroll_check_signers, told_signers, NULL},
    {"subject", ENROLL_AT_SUBMISSION, true, check_subject, told_subject, NULL},
    {"renewal", ALWAYS, true, enroll_check_renewal, told_renewal, NULL},
    {"escalation", ALWAYS, true, check_escalation, told_escalation, NULL},
    {"archival", ALWAYS, true, check_archival, told_archival, NULL},
    {"policy", ALWAYS, true, check_policy, told_policy, NULL},
    {"names", ALWAYS, false, check_names, told_names, NULL},
    {"officer-values", ENROLL_AT_APPROVAL, true, enroll_apply_values, told_values, NULL},
    {"service-names", ALWAYS, true, enroll_check_service_names, told_service_names, NULL},
    {"public-key", ALWAYS, true, check_key, told_key, NULL},
    {"kind", ALWAYS, true, check_kind, told_kind, NULL},
    {"revocation", ALWAYS, true, check_chain, told_chain, NULL},
    {"kra", ALWAYS, false, enroll_check_kras, told_kras, NULL},
};

bool
enroll_decide(struct enrollment *e, unsigned when, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		const struct enroll_check *c = &checks[i];
		bool ok;

		if ((c->when & when) == 0)
			continue;
		e->deciding = c->denial;
		ok = c->run(e, err);
		if (e->step != NULL)
			e->step(e, c, ok ? NULL : err);
		if (!ok)
			return false;
	}
	e->deciding = false;
	return true;
}
