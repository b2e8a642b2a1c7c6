/*
 * A request that does not wait: the vault seals the key, signs the certificate and signs the answer
 * in one act, so that there is one without the others nowhere.
 */
#include "enroll_priv.h"

#include "oids.h"
#include "own.h"

bool
enroll_certify(
    struct enrollment *e, struct vault_issue *issue, struct vault_issued *issued, struct err *err)
{
	if (!certificate_partition(e->view, &e->partition, err))
		return false;
	struct certificate_order order = {
	    .view = e->view,
	    .plan = &e->plan,
	    .names = &e->names,
	    .spki = e->request.pkix->spki,
	    .partition = e->partition,
	    .issue = issue,
	    .issued = issued,
	    .marks = &e->marks,
	};

	/* A CA that renews its certificate counts it by these. */
	if (e->plan.is_ca && (!enroll_request_extension(
				  &e->request, oid_nid(OID_CA_VERSION), &order.ca_version, err) ||
				 !enroll_request_extension(&e->request,
				     oid_nid(OID_PREVIOUS_CERT_HASH), &order.previous_hash, err)))
		return false;
	return certificate_issue(e->ca, e->vault, &order, &e->certificate, err);
}

/* What the act made becomes the enrollment's. The answer comes last: where something else fails,
 * there is none that promises a certificate which nobody stores. */
static bool
take(struct enrollment *e, struct enroll_answer *answer, struct vault_issued *made, struct err *err)
{
	e->archived = buf_give(&made->archived);
	return (e->archived.len == 0 ||
		   sealing_note(e->view, buf_view(&e->archived), &e->sealed, err)) &&
	       (e->request.format != ENROLL_CMC || enroll_answer_finish(e, answer, made, err));
}

bool
enroll_issue(struct enrollment *e, struct err *err)
{
	OWNED(enroll_archival_free) struct enroll_archival archival = {0};
	OWNED(enroll_answer_free) struct enroll_answer answer = {0};
	OWNED(vault_issued_free) struct vault_issued made = {0};
	const bool archives = e->request.payload.len > 0;
	struct vault_issue order = {.rewrap = archives ? &archival.order : NULL};

	if (archives && !enroll_archival_begin(e, &archival, err))
		return false;
	if (e->request.format == ENROLL_CMC && !enroll_answer_begin(e, &answer, err))
		return false;
	order.before = answer.before;
	order.after = answer.after;
	if (enroll_certify(e, &order, &made, err))
		return take(e, &answer, &made, err);
	if (archives)
		enroll_archival_failed(e, err->code);
	return false;
}
