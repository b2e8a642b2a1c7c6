/*
 * What an enrollment would come to: the checks of enroll_decide.c on a request such as `dirca
 * enroll` makes it for the template. Nothing is written, signed or sealed.
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
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

char *
enroll_waits_because(const char *template_cn)
{
	return template_cn != NULL
		   ? text_printf("template %s puts every request into the queue, where a "
				 "certificate manager decides (CT_FLAG_PEND_ALL_REQUESTS)",
			 template_cn)
		   : mem_text("the stand-alone CA puts every request into the queue, where a "
			      "certificate manager decides (Policy\\RequestDisposition)");
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
	if (out->outcome == DISP_PENDING) {
		OWNED(own_memory) char *why = enroll_waits_because(e.tmpl->cn);

		explain_note(&out->steps, "queue", "%s", why);
	}
	return true;
}

/* ---- a request that is there ---- */

static void
on_stored_step(struct enrollment *e, const struct enroll_check *check, const struct err *refusal)
{
	const struct explain_reason none = {.at = -1};
	const struct explain_reason reason = check->reason != NULL ? check->reason(e) : none;

	explain_check(e->step_arg, e->ca, check->name, refusal,
	    refusal == NULL ? check->told(e) : NULL, &reason);
}

/* A check that is of no list; `told` is taken over. */
static bool
explain_own(struct enrollment *e, const char *check, bool ok, char *told, const struct err *err)
{
	const struct explain_reason none = {.at = -1};

	if (!ok)
		free(told);
	explain_check(e->step_arg, e->ca, check, ok ? NULL : err, ok ? told : NULL, &none);
	return ok;
}

static bool
was_refused(const struct store_request *row)
{
	return row->disposition == DISP_DENIED || row->disposition == DISP_ERROR;
}

static bool
check_state(struct enrollment *e, const struct store_request *row, struct err *err)
{
	bool anew = was_refused(row);
	bool ok = anew ? enroll_check_refused(e->ca, row, err) : enroll_check_pending(row, err);

	return explain_own(e, "state", ok,
	    text_printf("request %lld is %s, and decided by `dirca %s %lld`",
		(long long)row->request_id, disposition_name(row->disposition),
		anew ? "resubmit" : "approve", (long long)row->request_id),
	    err);
}

static bool
check_own(struct enrollment *e, const struct principal *officer, const struct store_request *row,
    struct principal *agent, struct err *err)
{
	bool ok = enroll_check_own(e, officer, row, agent, err);

	return explain_own(e, "own-request", ok,
	    text_printf("%s is somebody else than %s",
		row->requester_name != NULL ? row->requester_name : "?", officer->downlevel),
	    err);
}

/* What the checks of the list did not refuse and what comes before and behind them does. */
static bool
decide(struct enrollment *e, const struct store_request *row, const struct principal *officer,
    struct err *err)
{
	size_t before = ((const struct explanation *)e->step_arg)->count;
	const struct explanation *x = e->step_arg;

	if (enroll_decide_stored(e, row, officer, err))
		return true;
	if (x->count == before || x->steps[x->count - 1].verdict != EXPLAIN_REFUSED)
		(void)explain_own(
		    e, x->count == before ? "request" : "certified-names", false, NULL, err);
	return false;
}

static void
note_values(const struct enrollment *e)
{
	for (size_t i = 0; i < e->values.count; i++) {
		const struct store_value *v = &e->values.list[i];

		if (v->kind == STORE_ATTRIBUTE)
			explain_note(e->step_arg, "value", "attribute %s = %.*s was set by %s",
			    v->name, (int)v->value.len, (const char *)v->value.ptr, v->set_by);
		else
			explain_note(e->step_arg, "value", "extension %s%s was set by %s", v->name,
			    v->critical ? ", critical," : "", v->set_by);
	}
}

static void
note_certificate(const struct enrollment *e)
{
	OWNED(own_memory) char *subject = pkix_name_text(buf_view(&e->names.subject));
	char until[21];

	clock_format(e->plan.not_after, until);
	explain_note(e->step_arg, "certificate", "it would be for %s%s, until %s",
	    subject != NULL && *subject != '\0' ? subject : "an empty subject",
	    e->names.san.len > 0 ? " and its alternative names" : "", until);
}

bool
enroll_explain_request(struct ca *ca, const struct principal *officer, int64_t request_id,
    int64_t now, struct store_request *row_out, struct enroll_explanation *out, struct err *err)
{
	OWNED(principal_free) struct principal agent = {0};
	OWNED(enrollment_free)
	struct enrollment e = {
	    .ca = ca, .now = now, .step = on_stored_step, .step_arg = &out->steps};

	*out = (struct enroll_explanation){0};
	*row_out = (struct store_request){0};
	if (!enroll_officer_row(ca, officer, request_id, &e.view, row_out, err))
		return false;
	out->allowed = check_state(&e, row_out, &out->refusal) &&
		       check_own(&e, officer, row_out, &agent, &out->refusal) &&
		       decide(&e, row_out, officer, &out->refusal);
	if (!out->allowed && err_is_undecided(out->refusal.code)) {
		*err = out->refusal;
		enroll_explanation_free(out);
		return false;
	}
	note_values(&e);
	if (out->allowed)
		note_certificate(&e);
	out->outcome = out->allowed ? DISP_ISSUED : row_out->disposition;
	return true;
}

void
enroll_explanation_free(struct enroll_explanation *x)
{
	explain_free(&x->steps);
	free(x->assumed);
	*x = (struct enroll_explanation){0};
}
