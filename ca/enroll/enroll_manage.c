/*
 * What happens to a request after its submission: a certificate manager approves or denies it, or
 * has it decided anew, its requester fetches the result.
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "clock.h"
#include "mem.h"
#include "own.h"
#include "own_request.h"
#include "publication.h"
#include "text.h"

bool
enroll_get_row(struct ca *ca, int64_t request_id, struct store_request *row, struct err *err)
{
	enum store_find found = store_get_request(ca->store, request_id, row, err);

	return found == STORE_FOUND ||
	       (found == STORE_NOT_FOUND && err_set(err, CERTSRV_E_NO_REQUEST,
						"there is no request %lld", (long long)request_id));
}

bool
enroll_check_pending(const struct store_request *row, struct err *err)
{
	if (row->disposition == DISP_PENDING)
		return true;
	return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS, "request %lld is not pending but %s",
	    (long long)row->request_id, disposition_name(row->disposition));
}

bool
enroll_fresh_view(struct ca *ca, struct ca_view **out, struct err *err)
{
	*out = ca_view_get(ca);
	return enroll_check_fresh(*out, err);
}

bool
enroll_officer_row(struct ca *ca, const struct principal *officer, int64_t request_id,
    struct ca_view **view_out, struct store_request *row, struct err *err)
{
	return enroll_fresh_view(ca, view_out, err) &&
	       ca_check_right(*view_out, officer, CA_RIGHT_OFFICER, err) &&
	       enroll_get_row(ca, request_id, row, err) &&
	       ca_check_officer(ca, *view_out, officer, row, err);
}

void
enroll_audit_refusal(struct ca *ca, enum audit_event event, const struct principal *officer,
    int64_t request_id, int64_t now, struct err *reason)
{
	const struct ca_audit a = {
	    .when = now, .event = event, .actor = officer->downlevel, .request_id = request_id};

	ca_audit_refusal(ca, &a, reason);
}

/* The requester as the directory knows it now: who took over a name since must not get the
 * certificate. */
static bool
current_requester(
    struct ca *ca, const struct store_request *row, struct principal *out, struct err *err)
{
	const struct principal_record record = ca_requester_of(row);
	enum dir_find found = ca_find_recorded(ca, &record, out, err);

	return found == DIR_FOUND ||
	       (found == DIR_NOT_FOUND &&
		   err_set(err, ERROR_FILE_NOT_FOUND,
		       "the account that made request %lld as '%s' is no longer %s",
		       (long long)row->request_id,
		       row->requester_name != NULL ? row->requester_name : "?",
		       ca->config->standalone ? "on this machine" : "in the directory"));
}

/* The template must still be the object that the request was made for: another can bear its name.
 * What was asked of a stand-alone CA is in the request. */
static bool
current_template(struct enrollment *e, const struct store_request *row, struct err *err)
{
	const struct ca_view *view = e->view;
	const struct tmpl *t =
	    row->template_name != NULL ? ca_view_template(view, row->template_name) : NULL;

	if (view->standalone && row->template_name == NULL)
		return enroll_find_wish(e, err);
	if (t == NULL || !ca_view_is_enabled(view, t->cn) ||
	    (t->oid == NULL) != (row->template_oid == NULL) ||
	    (t->oid != NULL && strcmp(t->oid, row->template_oid) != 0))
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "template '%s' of request %lld is not supported by this CA any more",
		    row->template_name != NULL ? row->template_name : "?",
		    (long long)row->request_id);
	e->tmpl = t;
	return true;
}

static bool
decode_stored(const struct store_request *row, struct enroll_request *out, struct err *err)
{
	enum enroll_format format = row->request_type == CR_IN_PKCS10 ? ENROLL_PKCS10 : ENROLL_CMC;

	if (row->raw_request.len == 0)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "request %lld was too large to be kept; it must be made again",
		    (long long)row->request_id);
	/* Of the requester's own signatures only the inner one: the outer one was checked when the
	 * key was still in the message. */
	return enroll_request_decode(
		   format, buf_view(&row->raw_request), row->raw_request.len, out, err) &&
	       (row->key_recipient.len > 0 ||
		   pkix_request_verify(out->pkix, out->key, out->is_cmc, true, err));
}

/* The agent of a request that was made on behalf of its requester. A row from before there was a
 * SID of it has the name; the request's signatures, which are verified again, say that it was one.
 */
static bool
current_agent(
    struct ca *ca, const struct store_request *row, struct principal *out, struct err *err)
{
	const struct principal_record record = {.sid = row->caller_sid};
	const struct identity named = {IDENTITY_NAME, row->caller_name};
	enum dir_find found = row->caller_sid != NULL ? ca_find_recorded(ca, &record, out, err)
						      : ca_find_identity(ca, &named, out, err);

	return found == DIR_FOUND ||
	       (found == DIR_NOT_FOUND &&
		   err_set(err, ERROR_FILE_NOT_FOUND,
		       "the enrollment agent '%s' of request %lld is no longer in the directory",
		       row->caller_name, (long long)row->request_id));
}

/* Requester and caller as the directory knows them now. */
static bool
current_people(
    struct enrollment *e, const struct store_request *row, struct principal *agent, struct err *err)
{
	if (!current_requester(e->ca, row, &e->subject, err))
		return false;
	e->requester = e->caller = &e->subject;
	if ((row->request_flags & CR_FLG_ENROLLONBEHALFOF) == 0)
		return true;
	if (row->caller_name == NULL)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "request %lld was made by an enrollment agent, and the database does not say "
		    "which",
		    (long long)row->request_id);
	if (!current_agent(e->ca, row, agent, err))
		return false;
	e->caller = agent;
	return true;
}

/* Names that the directory gives are the requester's own; the others may be the officer's. */
static bool
check_certified_names(const struct enrollment *e, const struct principal *officer, struct err *err)
{
	const struct issue_plan *p = &e->plan;
	const struct view none = {0};
	const struct own_names names = {
	    .subject = p->subject_from_request ? p->given_subject : none,
	    .san = p->san_from_request ? p->given_san : none,
	    .sid = p->sid_from_request ? p->given_sid : none,
	};

	return own_check_names(e->ca, officer, &names, err);
}

/* A request that was refused at once passed no check for sure: those of a submission are made, and
 * its outer signature is verified, which a message that brought no key still has. The label that it
 * was sent under is not kept, but the template that it meant. */
static bool
decide_refused(struct enrollment *e, const struct store_request *row, struct err *err)
{
	const char *named;

	if (!enroll_request_subject(&e->request, &named, err))
		return false;
	if (named != NULL)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "request %lld names '%s' and was refused before it was certain whom it is for; "
		    "it must be made again",
		    (long long)row->request_id, named);
	e->label = row->template_name;
	return enroll_request_verify(&e->request, e->ca->config->allow_sha1, err) &&
	       enroll_decide(e, ENROLL_AT_SUBMISSION, err);
}

/* Did it wait, so that all checks of a submission were passed? A certificate manager denied it. */
static bool
has_waited(const struct store_request *row)
{
	return row->disposition == DISP_PENDING ||
	       (row->disposition == DISP_DENIED && row->status_code == (int32_t)DIRCA_E_DENIED);
}

bool
enroll_decide_stored(struct enrollment *e, const struct store_request *row,
    const struct principal *officer, struct err *err)
{
	e->submitted = row->submitted_when;
	e->was_archived = row->raw_archived_key.len > 0;
	e->generates = row->key_recipient.len > 0;
	e->kept_recipient = buf_view(&row->key_recipient);
	e->has_key = e->was_archived || e->generates;
	if (!decode_stored(row, &e->request, err) ||
	    !store_list_values(e->ca->store, row->request_id, &e->values, err))
		return false;
	if (e->generates && row->public_key_hash.len == sizeof e->request.key_info_hash)
		memcpy(e->request.key_info_hash, row->public_key_hash.ptr,
		    sizeof e->request.key_info_hash);
	return current_template(e, row, err) &&
	       (has_waited(row) ? enroll_decide(e, ENROLL_AT_APPROVAL, err)
				: decide_refused(e, row, err)) &&
	       check_certified_names(e, officer, err);
}

static bool
issue_stored(struct enrollment *e, const struct store_request *row, const struct principal *officer,
    struct err *err)
{
	return enroll_decide_stored(e, row, officer, err) &&
	       (e->generates ? enroll_generate(e, err) : enroll_certify(e, NULL, NULL, err));
}

static bool
respond_row(struct ca *ca, struct vault *v, const struct store_request *row, struct buf *out,
    struct err *err)
{
	OWNED(enroll_request_free) struct enroll_request request = {0};

	/* That of an imported row has no type. */
	if ((row->request_type != CR_IN_CMC && row->request_type != CR_IN_PKCS7) ||
	    row->raw_request.len == 0)
		return true;
	if (decode_stored(row, &request, err))
		return enroll_respond(ca, v, row, &request, out, err);
	/* What was refused may be unreadable: the row's own words suffice. */
	return row->disposition == DISP_ERROR || row->disposition == DISP_DENIED;
}

/* A stored request that an officer has issued. */
struct approval {
	const struct principal *officer;
	enum audit_event event; /* AUDIT_ISSUED, or AUDIT_RESUBMITTED */
	struct enrollment *e;
	const struct store_request *row;
	char *refusal; /* of AUDIT_RESUBMITTED: what became of it before */
};

static void
approval_free(struct approval *a)
{
	free(a->refusal);
}

/* Meanwhile the same request may have come again, and the key may be another's: what was refused
 * claims neither. */
static bool
write_resubmission(struct store_tx *tx, const struct approval *a, struct err *err)
{
	const struct ca_audit record = {.when = a->e->now,
	    .event = AUDIT_RESUBMITTED,
	    .actor = a->officer->downlevel,
	    .request_id = a->row->request_id,
	    .detail = a->refusal};
	int64_t repeat_of = 0;

	if (!enroll_find_repeat(a->e, tx, &repeat_of, err))
		return false;
	if (repeat_of != 0 && repeat_of != a->row->request_id)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "request %lld cannot be resubmitted: the same came again, as request %lld",
		    (long long)a->row->request_id, (long long)repeat_of);
	return enroll_check_key(a->e, tx, err) &&
	       store_resubmit(tx, a->row->request_id, buf_view(&a->row->public_key_hash), err) &&
	       ca_audit(tx, &record, err);
}

static bool
write_approval(struct store_tx *tx, void *arg, struct err *err)
{
	const struct approval *a = arg;
	OWNED(own_memory) char *detail = ca_audit_certificate(a->row);
	const struct ca_audit record = {.when = a->row->resolved_when,
	    .event = AUDIT_ISSUED,
	    .actor = a->officer->downlevel,
	    .request_id = a->row->request_id,
	    .object = a->row->serial_number,
	    .detail = detail};

	const struct enroll_event event = {.row = a->row, .request_id = a->row->request_id};

	if (!store_values_stand(tx, a->row->request_id, &a->e->values, err) ||
	    (a->event == AUDIT_RESUBMITTED && !write_resubmission(tx, a, err)))
		return false;
	if (a->e->generates && (!store_archive_pending(tx, a->row, err) ||
				   !enroll_note_archived(tx, a->e, a->row, &record, err)))
		return false;
	return store_issue_pending(tx, a->row, err) && ca_audit(tx, &record, err) &&
	       enroll_event_keep(tx, a->e->ca, &event, a->e->now, err) &&
	       enroll_remark_keep(tx, a->e, a->row->request_id, err) &&
	       ca_publication_add(tx, a->row->request_id, a->e->plan.publish_to_ds,
		   a->e->plan.publish_to_kra, err);
}

/* Columns and answer first, so that a vault or memory that fails leaves the request as it is. */
static bool
finish_approval(
    struct approval *a, struct store_request *row, struct enroll_result *out, struct err *err)
{
	struct enrollment *e = a->e;

	buf_free(&row->requester_sids);
	if (!certificate_columns(e->ca->issuer, buf_view(&e->certificate), row, err) ||
	    !sids_encode(&e->requester->sids, &row->requester_sids, err))
		return false;
	if (e->generates) {
		row->raw_archived_key = buf_give(&e->archived);
		row->raw_delivered_key = buf_give(&e->delivered);
		row->key_recovery_hashes = mem_text(e->sealed.hashes);
	}
	free(row->disposition_message);
	enroll_find_second_key(e);
	row->disposition_message = enroll_issued_text(e);
	row->crl_partition = e->partition;
	row->disposition = DISP_ISSUED;
	row->status_code = 0;
	row->resolved_when = e->now;
	if (!respond_row(e->ca, e->vault, row, &e->response, err) ||
	    !store_do(e->ca->store, write_approval, a, err))
		return false;
	enroll_remark_tell(e, row->request_id);
	enroll_wake_publisher(e);
	out->request_id = row->request_id;
	out->disposition = DISP_ISSUED;
	out->certificate = buf_give(&e->certificate);
	out->response = buf_give(&e->response);
	return true;
}

/* The request stays what it was. */
static void
raise_failed_approval(
    const struct approval *a, const struct store_request *row, const struct err *reason)
{
	OWNED(own_memory)
	char *info = text_printf("%s by %s",
	    a->event == AUDIT_RESUBMITTED ? "resubmission" : "approval", a->officer->downlevel);
	const struct enroll_event event = {
	    .row = row, .request_id = row->request_id, .reason = reason, .info = info};

	enroll_event_raise(a->e->ca, &event);
}

bool
enroll_check_refused(const struct ca *ca, const struct store_request *row, struct err *err)
{
	long long id = (long long)row->request_id;

	if (row->disposition != DISP_DENIED && row->disposition != DISP_ERROR)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "request %lld was neither denied nor did it fail: it is %s", id,
		    disposition_name(row->disposition));
	if ((row->private_key_flags & CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL) != 0 ||
	    row->key_recipient.len > 0)
		return err_set(err, CERTSRV_E_ARCHIVED_KEY_REQUIRED,
		    "request %lld has no key to archive any more: that of a refused request is not "
		    "kept; the requester has to enroll anew",
		    id);
	if (row->template_name == NULL && !ca->config->standalone)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "request %lld was refused before it was certain which template it means; it "
		    "must be made again",
		    id);
	return row->raw_request.len > 0 ||
	       err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		   "request %lld was refused at once, and not kept (%s); it must be made again", id,
		   setting_name(SETTING_KEEP_REFUSED));
}

bool
enroll_check_own(struct enrollment *e, const struct principal *officer,
    const struct store_request *row, struct principal *agent, struct err *err)
{
	return own_check_row(e->ca, officer, row, err) && current_people(e, row, agent, err) &&
	       own_check_person(e->ca, officer, e->requester, err) &&
	       own_check_person(e->ca, officer, e->caller, err);
}

/* The approval of a pending request, and the same of one that was refused. */
static bool
issue_for(struct approval *a, struct ca *ca, struct vault *v, int64_t request_id, int64_t now,
    struct enroll_result *out, struct err *err)
{
	const struct principal *officer = a->officer;
	OWNED(principal_free) struct principal agent = {0};
	OWNED(enrollment_free) struct enrollment e = {.ca = ca, .vault = v, .now = now};
	OWNED(store_request_free) struct store_request row = {0};
	bool anew = a->event == AUDIT_RESUBMITTED, ok;

	*out = (struct enroll_result){0};
	a->e = &e;
	a->row = &row;
	ok = enroll_officer_row(ca, officer, request_id, &e.view, &row, err) &&
	     (anew ? enroll_check_refused(ca, &row, err) : enroll_check_pending(&row, err)) &&
	     enroll_check_own(&e, officer, &row, &agent, err);
	if (ok && anew)
		a->refusal = text_printf("was=%s reason=%s", disposition_name(row.disposition),
		    row.disposition_message != NULL ? row.disposition_message : "-");
	if (ok && row.request_hash.len == sizeof e.request_hash)
		memcpy(e.request_hash, row.request_hash.ptr, sizeof e.request_hash);
	if (ok &&
	    !(ok = issue_stored(&e, &row, officer, err) && finish_approval(a, &row, out, err)))
		raise_failed_approval(a, &row, err);
	else if (ok)
		enroll_event_tell(ca,
		    &(struct enroll_event){.row = &row, .request_id = request_id, .waited = true},
		    now);
	if (!ok)
		enroll_audit_refusal(ca, a->event, officer, request_id, now, err);
	return ok;
}

bool
enroll_approve(struct ca *ca, struct vault *v, const struct principal *officer, int64_t request_id,
    int64_t now, struct enroll_result *out, struct err *err)
{
	struct approval a = {.officer = officer, .event = AUDIT_ISSUED};

	return issue_for(&a, ca, v, request_id, now, out, err);
}

bool
enroll_resubmit(struct ca *ca, struct vault *v, const struct principal *officer, int64_t request_id,
    int64_t now, struct enroll_result *out, struct err *err)
{
	OWNED(approval_free) struct approval a = {.officer = officer, .event = AUDIT_RESUBMITTED};

	return issue_for(&a, ca, v, request_id, now, out, err);
}

struct denial {
	const struct principal *officer;
	struct ca *ca;
	struct enroll_event event;
	int64_t now;
	const char *why;
};

static bool
write_denial(struct store_tx *tx, void *arg, struct err *err)
{
	const struct denial *d = arg;
	const struct ca_audit record = {.when = d->now,
	    .event = AUDIT_DENIED_PENDING,
	    .actor = d->officer->downlevel,
	    .request_id = d->event.request_id,
	    .detail = d->why};

	return store_deny_pending(
		   tx, d->event.request_id, d->why, (int32_t)DIRCA_E_DENIED, d->now, err) &&
	       ca_audit(tx, &record, err) && enroll_event_keep(tx, d->ca, &d->event, d->now, err);
}

/* Who may deny it does; what became of it is in the event. */
static bool
deny_row(struct ca *ca, const struct store_request *row, struct denial *d, struct err *err)
{
	OWNED(own_memory)
	char *info = text_printf("denied by certificate manager %s", d->officer->downlevel);
	struct err reason;

	err_set(&reason, DIRCA_E_DENIED, "%s", d->why);
	d->event = (struct enroll_event){.row = row,
	    .request_id = row->request_id,
	    .reason = &reason,
	    .is_denial = true,
	    .waited = true,
	    .info = info};
	if (!store_do(ca->store, write_denial, d, err))
		return false;
	enroll_event_tell(ca, &d->event, d->now);
	return true;
}

bool
enroll_deny(struct ca *ca, const struct principal *officer, int64_t request_id, const char *why,
    int64_t now, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(ca_view_release) struct ca_view *view = NULL;
	struct denial denial = {.ca = ca,
	    .officer = officer,
	    .now = now,
	    .why = why != NULL && *why != '\0' ? why : "Denied by a certificate manager"};
	bool ok;

	ok = enroll_officer_row(ca, officer, request_id, &view, &row, err) &&
	     enroll_check_pending(&row, err) && deny_row(ca, &row, &denial, err);
	if (!ok)
		enroll_audit_refusal(ca, AUDIT_DENIED_PENDING, officer, request_id, now, err);
	return ok;
}

/* The requester, or a certificate manager who may see the row. */
static bool
may_retrieve(
    struct ca *ca, const struct principal *caller, const struct store_request *row, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = NULL;

	if (enroll_is_requester(caller, row))
		return true;
	view = ca_view_get(ca);
	if (!ca_view_is_fresh(view, clock_boot_ms()))
		return err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		    "the directory could not be read for over a minute; rights cannot be checked");
	return ca_check_officer(ca, view, caller, row, err);
}

bool
enroll_retrieve(struct ca *ca, struct vault *v, const struct principal *caller, int64_t request_id,
    struct enroll_result *out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};

	*out = (struct enroll_result){0};
	if (!enroll_get_row(ca, request_id, &row, err) || !may_retrieve(ca, caller, &row, err) ||
	    !respond_row(ca, v, &row, &out->response, err))
		return false;
	out->request_id = row.request_id;
	out->disposition = row.disposition;
	if (row.disposition == DISP_ERROR || row.disposition == DISP_DENIED) {
		out->reason.code = (enum err_code)row.status_code;
		snprintf(out->reason.msg, sizeof out->reason.msg, "%s",
		    row.disposition_message != NULL ? row.disposition_message
						    : err_text(out->reason.code));
	}
	out->certificate = buf_give(&row.raw_certificate);
	return true;
}
