/*
 * What an enrollment would come to: the checks of enroll_decide.c on a request such as `dirca
 * enroll` makes it for the template. Nothing is written, signed or sealed.
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "text.h"

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
}

static void
on_step(struct enrollment *e, const struct enroll_check *check, const struct err *refusal)
{
	const struct explain_reason none = {.at = -1};
	const struct explain_reason reason = check->reason != NULL ? check->reason(e) : none;
	struct teller *t = e->step_arg;

	explain_check(
	    t->x, e->ca, check->name, refusal, refusal == NULL ? check->told(e) : NULL, &reason);
	/* The template is known now, and with it what a client would send. */
	if (e->tmpl != NULL && *t->assumed == NULL)
		assume_request(e, t);
}

bool
enroll_explain(struct ca *ca, const struct principal *who, const char *template_cn, int64_t now,
    struct enroll_explanation *out, struct err *err)
{
	struct teller teller = {.x = &out->steps, .assumed = &out->assumed};
	OWNED(enrollment_free)
	struct enrollment e = {.ca = ca,
	    .view = ca_view_get(ca),
	    .caller = who,
	    .requester = who,
	    .now = now,
	    .label = template_cn,
	    .step = on_step,
	    .step_arg = &teller};

	*out = (struct enroll_explanation){0};
	e.request.pkix = &teller.pkcs10;
	if (!enroll_check_fresh(e.view, err))
		return false;
	out->allowed = enroll_decide(&e, ENROLL_AT_SUBMISSION, &out->refusal);
	if (!out->allowed && err_is_undecided(out->refusal.code)) {
		*err = out->refusal;
		enroll_explanation_free(out);
		return false;
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
	return true;
}

void
enroll_explanation_free(struct enroll_explanation *x)
{
	explain_free(&x->steps);
	free(x->assumed);
	*x = (struct enroll_explanation){0};
}
