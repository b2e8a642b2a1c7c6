/*
 * What an enrollment would come to: the checks of enroll_decide.c on a request such as `dirca
 * enroll` makes it for the template. Nothing is written, signed or sealed.
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define DEFAULT_RSA_BITS 3072
#define DEFAULT_EC_BITS  256

struct teller {
	struct explanation *x;
	struct pkix_request pkcs10;
	char **assumed;
};

/* CN=x: where the enrollee supplies the subject there is one. */
static const uint8_t some_subject[] = {
    0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x'};

/* The template is known now, and with it what a client would send. */
static void
assume_request(struct enrollment *e, struct teller *t)
{
	struct enroll_request *r = &e->request;
	bool ec = e->tmpl->asymmetric_algorithm != NULL &&
		  strncmp(e->tmpl->asymmetric_algorithm, "EC", 2) == 0;
	int usual = ec ? DEFAULT_EC_BITS : DEFAULT_RSA_BITS;
	bool supplies = (e->tmpl->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0;

	r->key_algorithm = ec ? "EC" : "RSA";
	r->key_bits = e->tmpl->min_key_size > usual ? e->tmpl->min_key_size : usual;
	e->has_key = tmpl_requires_key_archival(e->tmpl);
	if (supplies)
		t->pkcs10.subject = view_of(some_subject, sizeof some_subject);
	*t->assumed = text_printf("a new request with %s key of %d bits%s%s, signed by nobody else",
	    ec ? "an EC" : "an RSA", r->key_bits, e->has_key ? ", archived" : "",
	    supplies ? ", with a subject of its own" : "");
	t->x->failed = t->x->failed || *t->assumed == NULL;
}

/* ", UPN user1@nwtraders.com, ..."; NULL on no memory. free(). */
static char *
alternative_names(const struct issue_plan *p)
{
	static const char *const kinds[] = {[ISSUE_SAN_UPN] = "UPN",
	    [ISSUE_SAN_EMAIL] = "mail",
	    [ISSUE_SAN_DNS] = "DNS name",
	    [ISSUE_SAN_GUID] = "objectGUID"};
	char *all = strdup("");

	for (size_t i = 0; all != NULL && i < p->san_count; i++) {
		const struct issue_san_value *san = &p->sans[i];
		char *longer = text_printf("%s, %s%s%s", all, kinds[san->kind],
		    san->text != NULL ? " " : "", san->text != NULL ? san->text : "");

		free(all);
		all = longer;
	}
	return all;
}

static void
tell_names(const struct enrollment *e, struct explanation *x)
{
	const struct issue_plan *p = &e->plan;
	char *names = alternative_names(p);
	char until[21];

	clock_format(p->not_after, until);
	if (p->subject_from_request)
		explain_passed(x, ENROLL_CHECK_POLICY,
		    "the subject is the requester's own choice; valid until %s", until);
	else
		explain_passed(x, ENROLL_CHECK_POLICY,
		    "from the directory: subject %s%s%s%s; valid until %s",
		    p->subject_dn != NULL   ? p->subject_dn
		    : p->subject_cn != NULL ? p->subject_cn
					    : "",
		    p->subject_email != NULL ? " " : "",
		    p->subject_email != NULL ? p->subject_email : "", names != NULL ? names : "",
		    until);
	free(names);
}

/* What a check that was passed found. */
static struct explain_step *
tell_passed(const struct enrollment *e, const char *check, struct explanation *x)
{
	if (strcmp(check, ENROLL_CHECK_ACCOUNT) == 0)
		return explain_passed(x, check, "%s is active", e->requester->downlevel);
	if (strcmp(check, ENROLL_CHECK_CA_RIGHT) == 0)
		return explain_passed(x, check, "%s has the CA right '%s'", e->requester->downlevel,
		    ca_right_name(CA_RIGHT_ENROLL));
	if (strcmp(check, ENROLL_CHECK_TEMPLATE) == 0)
		return explain_passed(x, check, "template %s, version %d, is issued by this CA",
		    e->tmpl->cn, e->tmpl->schema_version);
	if (strcmp(check, ENROLL_CHECK_BINDING) == 0)
		return explain_passed(x, check, "`dirca enroll` says who sends the request");
	if (strcmp(check, ENROLL_CHECK_SIGNERS) == 0)
		return explain_passed(x, check, "nobody else signs");
	if (strcmp(check, ENROLL_CHECK_SUBJECT) == 0)
		return explain_passed(
		    x, check, "the certificate is for %s", e->requester->downlevel);
	if (strcmp(check, ENROLL_CHECK_RENEWAL) == 0)
		return explain_passed(x, check, "no certificate is renewed");
	if (strcmp(check, ENROLL_CHECK_READ) == 0)
		return explain_passed(x, check, "%s has the right Read on template %s",
		    e->requester->downlevel, e->tmpl->cn);
	if (strcmp(check, ENROLL_CHECK_RIGHT) == 0)
		return explain_passed(x, check, "%s has the right Enroll on template %s",
		    e->requester->downlevel, e->tmpl->cn);
	if (strcmp(check, ENROLL_CHECK_ESCALATION) == 0)
		return explain_passed(x, check, "template %s is no certain escalation, or %s is 0",
		    e->tmpl->cn, setting_name(SETTING_REFUSE_ESCALATION));
	if (strcmp(check, ENROLL_CHECK_ARCHIVAL) == 0)
		return explain_passed(x, check,
		    e->has_key ? "the private key is archived" : "no private key is archived");
	if (strcmp(check, ENROLL_CHECK_POLICY) == 0) {
		tell_names(e, x);
		return NULL;
	}
	if (strcmp(check, ENROLL_CHECK_SERVICE) == 0)
		return explain_passed(x, check, "no name is the host of a CA's enrollment service");
	if (strcmp(check, ENROLL_CHECK_KEY) == 0)
		return explain_passed(x, check, "a new public key is nobody else's");
	if (strcmp(check, ENROLL_CHECK_KIND) == 0)
		return explain_passed(
		    x, check, "dircad.conf lets the vault sign certificates of this kind");
	return explain_passed(
	    x, check, e->has_key ? "there are enough valid KRA certificates" : "no KRA is needed");
}

static void
on_step(struct enrollment *e, const char *check, const struct err *refusal)
{
	struct teller *t = e->step_arg;
	struct explain_step *step =
	    refusal != NULL ? explain_refused(t->x, check, refusal) : tell_passed(e, check, t->x);
	const struct sids *sids = &e->requester->sids;

	if (strcmp(check, ENROLL_CHECK_CA_RIGHT) == 0 && e->view->has_security)
		explain_ace(e->ca, step, SD_RIGHTS_CA, &e->view->security,
		    sd_check_mask(&e->view->security, sids, CA_RIGHT_ENROLL).ace, e->requester);
	if (strcmp(check, ENROLL_CHECK_READ) == 0 && e->tmpl->has_sd)
		explain_ace(e->ca, step, SD_RIGHTS_DS, &e->tmpl->sd,
		    tmpl_read_verdict(e->tmpl, sids).ace, e->requester);
	if (strcmp(check, ENROLL_CHECK_RIGHT) == 0 && e->tmpl->has_sd)
		explain_ace(e->ca, step, SD_RIGHTS_DS, &e->tmpl->sd,
		    sd_check_extended_right(&e->tmpl->sd, sids, GUID_RIGHT_ENROLL).ace,
		    e->requester);
	if (strcmp(check, ENROLL_CHECK_TEMPLATE) == 0 && refusal == NULL)
		assume_request(e, t);
}

bool
enroll_explain(struct ca *ca, const struct principal *who, const char *template_cn, int64_t now,
    struct enroll_explanation *out, struct err *err)
{
	struct teller teller = {.x = &out->steps, .assumed = &out->assumed};
	struct enrollment e = {.ca = ca,
	    .view = ca_view_get(ca),
	    .caller = who,
	    .requester = who,
	    .now = now,
	    .label = template_cn,
	    .step = on_step,
	    .step_arg = &teller};
	bool ok = false;

	*out = (struct enroll_explanation){0};
	e.request.pkix = &teller.pkcs10;
	if (!ca_view_is_fresh(e.view, now)) {
		err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		    "the directory could not be read for over a minute; nothing is decided");
		goto out;
	}
	out->allowed = enroll_decide(&e, ENROLL_AT_SUBMISSION, &out->refusal);
	if (!out->allowed && err_is_undecided(out->refusal.code)) {
		*err = out->refusal;
		goto out;
	}
	if (!out->allowed)
		out->outcome = e.deciding ? DISP_DENIED : DISP_ERROR;
	else
		out->outcome = e.plan.pend ? DISP_PENDING : DISP_ISSUED;
	if (out->outcome == DISP_PENDING)
		explain_note(&out->steps, "queue",
		    "template %s puts every request into the queue, where a certificate manager "
		    "decides (CT_FLAG_PEND_ALL_REQUESTS)",
		    e.tmpl->cn);
	ok = !out->steps.failed || err_nomem(err);
out:
	if (!ok)
		enroll_explanation_free(out);
	enrollment_free(&e);
	return ok;
}

void
enroll_explanation_free(struct enroll_explanation *x)
{
	explain_free(&x->steps);
	free(x->assumed);
	*x = (struct enroll_explanation){0};
}
