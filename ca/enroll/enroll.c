#include "enroll_priv.h"

#include <stdlib.h>

#include "log.h"
#include "own.h"
#include "publication.h"
#include "space.h"

static void
renewal_free(struct enroll_renewal **rp)
{
	struct enroll_renewal *r = *rp;

	if (r == NULL)
		return;
	pkix_cert_free(&r->cert);
	pkix_template_id_free(&r->template_id);
	texts_free(&r->upns);
	texts_free(&r->emails);
	texts_free(&r->issuance_policies);
	free(r->sid);
	buf_free(&r->archived);
	free(r->kra_hashes);
	free(r);
	*rp = NULL;
}

void
enrollment_free(struct enrollment *e)
{
	issue_plan_free(&e->plan);
	tmpl_free(&e->wished);
	certificate_names_free(&e->names);
	store_values_free(&e->values);
	free(e->extra);
	free(e->remark);
	for (size_t i = 0; i < e->signer_count; i++) {
		pkix_cert_free(&e->signers[i].cert);
		free(e->signers[i].name);
		texts_free(&e->signers[i].application_policies);
		texts_free(&e->signers[i].issuance_policies);
	}
	free(e->signers);
	free(e->signer_facts);
	renewal_free(&e->renewal);
	texts_free(&e->policies);
	principal_free(&e->subject);
	enroll_request_free(&e->request);
	buf_free(&e->archived);
	sealing_free(&e->sealed);
	pkix_cert_free(&e->recipient);
	buf_free(&e->delivered);
	buf_free(&e->certificate);
	buf_free(&e->response);
	ca_view_release(&e->view);
}

/* What waits for a certificate manager is decoded again from the database, so it must fit into it.
 */
static bool
check_keepable(const struct enrollment *e, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};

	return enroll_request_raw(&e->request, &raw, err) &&
	       (raw.len > 0 || err_set(err, DIRCA_E_TOO_LARGE,
				   "a request that waits for a certificate manager must fit into "
				   "64 KiB without its key"));
}

static bool
read_request(struct enrollment *e, const struct enroll_input *in, struct err *err)
{
	bool read = enroll_request_decode(
	    in->format, in->body, (size_t)e->ca->config->max_request, &e->request, err);
	struct err ignored;

	e->label = in->template_label;
	e->renews = in->renews;
	e->generates = in->generates;
	e->client_certificate = in->client_certificate;
	if (!enroll_request_hash(in, &e->request, e->request_hash, read ? err : &ignored))
		return false;
	return read && (!e->generates || enroll_claim_no_key(e, err));
}

void
enroll_wake_publisher(const struct enrollment *e)
{
	if (e->plan.publish_to_ds || e->plan.publish_to_kra)
		ca_publication_wake(e->ca);
}

/* From a request to a certificate that is not yet anybody's; nothing here is written anywhere. */
static bool
process(struct enrollment *e, struct err *err)
{
	if (!e->generates && !enroll_request_verify(&e->request, e->ca->config->allow_sha1, err))
		return false;
	e->has_key = e->request.payload.len > 0 || e->generates;
	if (!enroll_decide(e, ENROLL_AT_SUBMISSION, err))
		return false;
	if (e->plan.pend)
		return check_keepable(e, err) && enroll_archive(e, err);
	enroll_find_second_key(e);
	return e->generates ? enroll_generate(e, err) : enroll_issue(e, err);
}

static bool
respond(struct enrollment *e, const struct enroll_commit *c, struct err *err)
{
	return e->request.format != ENROLL_CMC || e->response.len > 0 ||
	       enroll_respond(e->ca, e->vault, &c->row, &e->request, &e->response, err);
}

/* Answers that name the request's number, and refusals: made after the commit, since they promise
 * nothing that it could undo. */
static void
respond_later(struct enrollment *e, const struct enroll_commit *c)
{
	struct err err;

	if (e->request.decoded && c->disposition != DISP_ISSUED && !respond(e, c, &err))
		log_warn("answer without CMC response", LOG_INT("request", c->request_id),
		    LOG_REASON(&err));
}

static enum disposition
disposition_of(const struct enrollment *e, const struct err *reason)
{
	if (reason != NULL)
		return e->deciding ? DISP_DENIED : DISP_ERROR;
	return e->plan.pend ? DISP_PENDING : DISP_ISSUED;
}

static bool
finish(struct enrollment *e, const struct enroll_input *in, const struct err *reason,
    struct enroll_result *out, struct err *err)
{
	OWNED(enroll_commit_free)
	struct enroll_commit c = {.e = e,
	    .caller_name = in->caller_name,
	    .reason = reason,
	    .disposition = disposition_of(e, reason)};

	if (!enroll_commit_prepare(&c, err) ||
	    (c.disposition == DISP_ISSUED && !respond(e, &c, err)))
		return false;
	if (!enroll_commit(&c, err))
		return c.repeat_of != 0 && enroll_answer_repeat(e, c.repeat_of, out, err);
	respond_later(e, &c);
	out->request_id = c.request_id;
	out->disposition = c.disposition;
	if (reason != NULL)
		out->reason = *reason;
	out->response = buf_give(&e->response);
	if (c.disposition == DISP_ISSUED) {
		enroll_wake_publisher(e);
		out->certificate = buf_give(&e->certificate);
		out->delivered_key = buf_give(&e->delivered);
	}
	return true;
}

/* Decides a request that is new, and stores what comes of it. */
static bool
decide(
    struct enrollment *e, const struct enroll_input *in, struct enroll_result *out, struct err *err)
{
	struct err reason = {0};
	bool done = process(e, &reason);

	if (!done && err_is_undecided(reason.code)) {
		*err = reason;
		return false;
	}
	if (finish(e, in, done ? NULL : &reason, out, err))
		return true;
	if (!done || err->code != DIRCA_E_KEY_IN_USE)
		return false;
	/* Somebody else's request for the key was stored between the check and the commit. */
	reason = *err;
	e->deciding = true;
	buf_free(&e->response);
	return finish(e, in, &reason, out, err);
}

/* A new request takes room on the disk, whatever becomes of it. */
static bool
may_store(
    struct enrollment *e, const struct enroll_input *in, struct enroll_result *out, struct err *err)
{
	return ca_check_space(e->ca, err) &&
	       ca_take_quota(e->ca, e->view, in->caller, in->body.len, &out->retry_after_s, err);
}

static bool
answer(
    struct enrollment *e, const struct enroll_input *in, struct enroll_result *out, struct err *err)
{
	struct err reason = {0}, inactive;
	int64_t repeat_of = 0;
	bool read = read_request(e, in, &reason);

	if (read && principal_check_active(in->caller, in->now, &inactive) &&
	    !enroll_find_repeat(e, NULL, &repeat_of, err))
		return false;
	if (repeat_of != 0)
		return enroll_answer_repeat(e, repeat_of, out, err);
	if (!may_store(e, in, out, err))
		return false;
	if (read)
		return decide(e, in, out, err);
	if (!err_is_undecided(reason.code))
		return finish(e, in, &reason, out, err);
	*err = reason;
	return false;
}

bool
enroll_submit(struct ca *ca, struct vault *v, const struct enroll_input *in,
    struct enroll_result *out, struct err *err)
{
	OWNED(enrollment_free)
	struct enrollment e = {.ca = ca,
	    .vault = v,
	    .view = ca_view_get(ca),
	    .caller = in->caller,
	    .requester = in->caller,
	    .now = in->now,
	    .submitted = in->now};

	*out = (struct enroll_result){0};
	if (!enroll_check_fresh(e.view, err))
		return false;
	if (!answer(&e, in, out, err))
		return false;
	if (e.key_row != 0)
		log_warn("public key of another principal", LOG_INT("request", out->request_id),
		    LOG_STR("requester", in->caller_name), LOG_INT("key_of_request", e.key_row));
	return true;
}

void
enroll_result_free(struct enroll_result *r)
{
	buf_free(&r->certificate);
	buf_free(&r->delivered_key);
	buf_free(&r->response);
	*r = (struct enroll_result){0};
}
