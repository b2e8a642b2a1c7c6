/*
 * What the database says of a request before it is decided: whether it came before, from the same
 * caller, and whether its public key is somebody else's.
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "key_holder.h"
#include "own.h"
#include "person.h"
#include "text.h"

bool
enroll_request_hash(const struct enroll_input *in, const struct enroll_request *r,
    uint8_t out[SHA256_DIGEST_LENGTH], struct err *err)
{
	const char *label = in->template_label;
	const struct view transaction = r->cmc.transaction.id;
	OWNED(buf_free) struct buf all = {0};

	if ((label != NULL && !buf_append(&all, view_of(label, strlen(label) + 1), err)) ||
	    !buf_append(&all, transaction, err) ||
	    !buf_append(&all, transaction.len > 0 ? r->pkix->info : in->body, err) ||
	    (in->renews && !buf_append(&all, view_str("simplereenroll"), err)) ||
	    (in->generates && !buf_append(&all, view_str("serverkeygen"), err)))
		return false;
	return cms_digest_of(NID_sha256, buf_view(&all), out, err);
}

bool
enroll_claim_no_key(struct enrollment *e, struct err *err)
{
	char sid[SID_TEXT_MAX];
	struct store_principal who = person_of(e->caller, sid);
	OWNED(buf_free) struct buf all = {0};

	return buf_append(&all, view_of(e->request_hash, sizeof e->request_hash), err) &&
	       buf_append(&all, view_str(who.sid != NULL ? who.sid : who.name), err) &&
	       cms_digest_of(NID_sha256, buf_view(&all), e->request.key_info_hash, err);
}

bool
enroll_find_repeat(
    struct enrollment *e, struct store_tx *tx, int64_t *request_id_out, struct err *err)
{
	char sid[SID_TEXT_MAX];
	const struct store_newcomer n = {
	    .request_hash = view_of(e->request_hash, sizeof e->request_hash),
	    .caller = person_of(e->caller, sid),
	    .now = e->now,
	    .renews = e->renews,
	    .public_key_hash = view_of(e->request.key_info_hash, sizeof e->request.key_info_hash),
	};
	struct store_precedent found = {0};
	bool ok = tx != NULL ? store_precedent(tx, &n, &found, err)
			     : store_find_precedent(e->ca->store, &n, &found, err);

	*request_id_out = found.repeat_of;
	e->key_is_free = ok && !found.key_is_held;
	return ok;
}

bool
enroll_check_key(struct enrollment *e, struct store_tx *tx, struct err *err)
{
	char sid[SID_TEXT_MAX];
	const struct key_holder h = {
	    .public_key_hash = view_of(e->request.key_info_hash, sizeof e->request.key_info_hash),
	    .holder = person_of(e->requester, sid),
	    .is_free = e->key_is_free && e->requester == e->caller,
	    .archives = tmpl_requires_key_archival(e->tmpl),
	    .may_share = e->view->settings.num[SETTING_ALLOW_SHARED_KEYS] != 0,
	};

	return key_holder_check(e->ca, tx, &h, &e->key_row, err);
}

/* A certificate that was revoked is not given out again as if nothing had happened. */
static void
refuse_revoked(struct store_request *row)
{
	row->disposition = DISP_DENIED;
	row->status_code = (int32_t)CRYPT_E_REVOKED;
	free(row->disposition_message);
	row->disposition_message = text_printf(
	    "the certificate of request %lld, which is this one, was revoked; make a new request",
	    (long long)row->request_id);
}

static void
take_outcome(struct store_request *row, struct enroll_result *out)
{
	out->disposition = row->disposition;
	if (row->disposition == DISP_ISSUED) {
		out->certificate = buf_give(&row->raw_certificate);
		out->delivered_key = buf_give(&row->raw_delivered_key);
	} else if (row->disposition != DISP_PENDING) {
		err_set(&out->reason, (enum err_code)row->status_code, "%s",
		    row->disposition_message != NULL ? row->disposition_message : "");
	}
}

bool
enroll_answer_repeat(
    struct enrollment *e, int64_t request_id, struct enroll_result *out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};

	*out = (struct enroll_result){.request_id = request_id};
	if (!ca_get_row(e->ca, request_id, &row, err))
		return false;
	if (row.disposition == DISP_REVOKED)
		refuse_revoked(&row);
	if (e->request.format == ENROLL_CMC &&
	    !enroll_respond(e->ca, e->vault, &row, &e->request, &out->response, err))
		return false;
	take_outcome(&row, out);
	return true;
}
