/* What an explanation says of each check that was passed. The checks are in enroll_decide.c. */
#include <stdlib.h>

#include "clock.h"
#include "enroll_priv.h"
#include "mem.h"
#include "own.h"
#include "text.h"

char *
told_account(const struct enrollment *e)
{
	return text_printf("%s is active", e->requester->downlevel);
}

char *
told_ca_right(const struct enrollment *e)
{
	return text_printf(
	    "%s has the CA right '%s'", e->requester->downlevel, ca_right_name(CA_RIGHT_ENROLL));
}

char *
told_template(const struct enrollment *e)
{
	return text_printf(
	    "template %s, version %d, is issued by this CA", e->tmpl->cn, e->tmpl->schema_version);
}

char *
told_read_right(const struct enrollment *e)
{
	return text_printf(
	    "%s has the right Read on template %s", e->requester->downlevel, e->tmpl->cn);
}

char *
told_enroll_right(const struct enrollment *e)
{
	return text_printf(
	    "%s has the right Enroll on template %s", e->requester->downlevel, e->tmpl->cn);
}

char *
told_server_key(const struct enrollment *e)
{
	(void)e;
	return mem_text("the requester makes the key");
}

char *
told_binding(const struct enrollment *e)
{
	(void)e;
	return mem_text("`dirca enroll` says who sends the request");
}

char *
told_signers(const struct enrollment *e)
{
	(void)e;
	return mem_text("nobody else signs");
}

char *
told_subject(const struct enrollment *e)
{
	return text_printf("the certificate is for %s", e->requester->downlevel);
}

char *
told_renewal(const struct enrollment *e)
{
	(void)e;
	return mem_text("no certificate is renewed");
}

char *
told_escalation(const struct enrollment *e)
{
	return text_printf("template %s is no certain escalation, or %s is 0", e->tmpl->cn,
	    setting_name(SETTING_REFUSE_ESCALATION));
}

char *
told_archival(const struct enrollment *e)
{
	return mem_text(e->has_key ? "the private key is archived" : "no private key is archived");
}

/* ", UPN user1@nwtraders.com, ..."; free(). */
static char *
alternative_names(const struct issue_plan *p)
{
	static const char *const kinds[] = {[ISSUE_SAN_UPN] = "UPN",
	    [ISSUE_SAN_EMAIL] = "mail",
	    [ISSUE_SAN_DNS] = "DNS name",
	    [ISSUE_SAN_GUID] = "objectGUID"};
	char *all = mem_text("");

	for (size_t i = 0; i < p->san_count; i++) {
		const struct issue_san_value *san = &p->sans[i];
		char *longer = text_printf("%s, %s%s%s", all, kinds[san->kind],
		    san->text != NULL ? " " : "", san->text != NULL ? san->text : "");

		free(all);
		all = longer;
	}
	return all;
}

char *
told_policy(const struct enrollment *e)
{
	const struct issue_plan *p = &e->plan;
	OWNED(own_memory) char *names = alternative_names(p);
	const char *subject = p->subject_dn != NULL   ? p->subject_dn
			      : p->subject_cn != NULL ? p->subject_cn
						      : "";
	bool named = *subject != '\0' || p->subject_email != NULL;
	bool both = *subject != '\0' && p->subject_email != NULL;
	char until[21];

	clock_format(p->not_after, until);
	if (p->subject_from_request)
		return text_printf(
		    "the subject is the requester's own choice; valid until %s", until);
	return text_printf("from the directory: %s%s%s%s%s; valid until %s",
	    named ? "subject " : "no subject", subject, both ? " " : "",
	    p->subject_email != NULL ? p->subject_email : "", names, until);
}

char *
told_names(const struct enrollment *e)
{
	(void)e;
	return mem_text("the names are in the bounds of RFC 5280");
}

char *
told_service_names(const struct enrollment *e)
{
	(void)e;
	return mem_text("no name is the host of a CA's enrollment service");
}

char *
told_key(const struct enrollment *e)
{
	(void)e;
	return mem_text("a new public key is nobody else's");
}

char *
told_kind(const struct enrollment *e)
{
	(void)e;
	return mem_text("dircad.conf lets the vault sign certificates of this kind");
}

char *
told_chain(const struct enrollment *e)
{
	return mem_text(e->view->chain_problem == NULL
			    ? "the CRLs of the CA and of those above it are current"
			    : "a CRL is missing, which CA\\CRLFlags does not mind");
}

char *
told_kras(const struct enrollment *e)
{
	return mem_text(
	    e->has_key ? "there are enough valid KRA certificates" : "no KRA is needed");
}

/* ---- what decided ---- */

struct explain_reason
reason_ca_right(const struct enrollment *e)
{
	const struct sd *sd = &e->view->security;

	return (struct explain_reason){.sd = sd,
	    .rights = SD_RIGHTS_CA,
	    .at = e->view->has_security
		      ? sd_check_mask(sd, &e->requester->sids, CA_RIGHT_ENROLL).ace
		      : -1,
	    .who = e->requester};
}

static struct explain_reason
of_template(const struct enrollment *e, int at)
{
	return (struct explain_reason){
	    .sd = &e->tmpl->sd, .rights = SD_RIGHTS_DS, .at = at, .who = e->requester};
}

struct explain_reason
reason_read_right(const struct enrollment *e)
{
	return of_template(
	    e, e->tmpl->has_sd ? tmpl_read_verdict(e->tmpl, &e->requester->sids).ace : -1);
}

struct explain_reason
reason_enroll_right(const struct enrollment *e)
{
	return of_template(e,
	    e->tmpl->has_sd
		? sd_check_extended_right(&e->tmpl->sd, &e->requester->sids, GUID_RIGHT_ENROLL).ace
		: -1);
}
