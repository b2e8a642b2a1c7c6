/*
 * The one transaction of a submission: request row, certificate, archived key and audit records
 * together, or nothing.
 */
#include "enroll_priv.h"

#include <stdlib.h>

#include "audit.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "person.h"
#include "publication.h"
#include "text.h"

static void
fill_people(const struct enrollment *e, const char *caller_name, struct store_request *row)
{
	const struct principal *p = e->requester;

	row->requester_sid = person_sid(p);
	row->caller_sid = person_sid(e->caller);
	row->requester_name = mem_text(p->downlevel);
	row->caller_name = mem_text(caller_name);
	row->requester_dn = mem_text(p->dn);
}

static void
fill_template(const struct tmpl *t, struct store_request *row)
{
	if (t == NULL)
		return;
	row->enrollment_flags = t->enrollment_flag;
	row->general_flags = t->flags;
	row->private_key_flags = t->private_key_flag;
	row->template_name = t->of_request ? NULL : mem_text(t->cn);
	row->template_oid = mem_text(t->oid);
}

static bool
fill_request(const struct enroll_commit *c, struct store_request *row, struct err *err)
{
	const struct enrollment *e = c->e;
	bool keep = c->reason == NULL || e->view->settings.num[SETTING_KEEP_REFUSED] != 0;

	row->request_type = CR_IN_PKCS10;
	if (e->request.format == ENROLL_CMC)
		row->request_type = e->request.is_wrapped ? CR_IN_PKCS7 : CR_IN_CMC;
	if (e->renewal != NULL)
		row->request_flags |= CR_FLG_RENEWAL;
	if (e->requester != e->caller)
		row->request_flags |= CR_FLG_ENROLLONBEHALFOF;
	return buf_dup(view_of(e->request_hash, sizeof e->request_hash), &row->request_hash, err) &&
	       (!keep || enroll_request_raw(&e->request, &row->raw_request, err)) &&
	       enroll_request_attributes(&e->request, &row->request_attributes, err);
}

static bool
put_archived(struct view sealed, const char *kra_hashes, struct store_request *row, struct err *err)
{
	row->key_recovery_hashes = mem_text(kra_hashes);
	return buf_dup(sealed, &row->raw_archived_key, err);
}

/* The sealed key goes with a request that was issued or waits, never with a refused one. A renewal
 * that keeps its key without sending it takes the sealed one of the old row along. */
static bool
fill_archive(const struct enrollment *e, struct store_request *row, struct err *err)
{
	const struct enroll_renewal *r = e->renewal;

	if (e->generates)
		return buf_dup(buf_view(&e->recipient.raw), &row->key_recipient, err) &&
		       buf_dup(buf_view(&e->delivered), &row->raw_delivered_key, err) &&
		       (e->archived.len == 0 ||
			   put_archived(buf_view(&e->archived), e->sealed.hashes, row, err));
	if (e->archived.len > 0) {
		row->request_flags |= CR_FLG_VALIDENCRYPTEDKEYHASH;
		return buf_dup(e->request.key_hash, &row->key_hash, err) &&
		       put_archived(buf_view(&e->archived), e->sealed.hashes, row, err);
	}
	return !tmpl_requires_key_archival(e->tmpl) || r == NULL || !r->facts.same_key ||
	       put_archived(buf_view(&r->archived), r->kra_hashes, row, err);
}

/* A key that the vault made is in the certificate alone. */
static bool
fill_certificate(const struct enrollment *e, struct store_request *row, struct err *err)
{
	const struct enroll_request *r = &e->request;
	const struct certificate_known known = {.der = buf_view(&e->certificate),
	    .spki = r->pkix->spki,
	    .marks = &e->marks,
	    .names = &e->names,
	    .not_before = e->plan.not_before,
	    .not_after = e->plan.not_after,
	    .key_algorithm = r->key_algorithm,
	    .key_bits = r->key_bits,
	    .key_hash = view_of(r->key_info_hash, sizeof r->key_info_hash)};

	return e->generates ? certificate_columns(e->ca->issuer, known.der, row, err)
			    : certificate_columns_known(e->ca->issuer, &known, row, err);
}

static bool
fill_outcome(const struct enroll_commit *c, struct store_request *row, struct err *err)
{
	const struct enrollment *e = c->e;

	row->disposition = c->disposition;
	row->resolved_when = c->disposition == DISP_PENDING ? 0 : e->now;
	if (c->reason != NULL) {
		row->status_code = (int32_t)c->reason->code;
		row->disposition_message = mem_text(c->reason->msg);
		return true;
	}
	row->crl_partition = e->partition;
	row->disposition_message = c->disposition == DISP_PENDING
				       ? mem_text("Taken under submission")
				       : enroll_issued_text(e);
	return (c->disposition == DISP_ISSUED
		       ? fill_certificate(e, row, err)
		       : buf_dup(view_of(e->request.key_info_hash, sizeof e->request.key_info_hash),
			     &row->public_key_hash, err)) &&
	       sids_encode(&e->requester->sids, &row->requester_sids, err) &&
	       fill_archive(e, row, err);
}

bool
enroll_commit_prepare(struct enroll_commit *c, struct err *err)
{
	c->row = (struct store_request){.submitted_when = c->e->now, .revoked_reason = -1};
	fill_people(c->e, c->caller_name, &c->row);
	fill_template(c->e->tmpl, &c->row);
	return fill_request(c, &c->row, err) && fill_outcome(c, &c->row, err);
}

struct unit {
	struct enroll_commit *commit;
	char *received, *outcome; /* details of the audit records */
	char *info;               /* of the event */
};

static const char *
format_name(int request_type)
{
	if (request_type == CR_IN_CMC)
		return "CMC";
	return request_type == CR_IN_PKCS7 ? "PKCS7" : "PKCS10";
}

/* Who signed beside the requester, by the serial numbers of their certificates. free(). */
static char *
signers_text(const struct enrollment *e)
{
	char *text = mem_text("");

	for (size_t i = 0; i < e->signer_count; i++) {
		OWNED(own_memory) char *serial = pkix_serial_text(e->signers[i].cert.serial);
		char *longer = text_printf("%s%s%s", text, i > 0 ? "," : " signers=", serial);

		free(text);
		text = longer;
	}
	return text;
}

/* "format=CMC caller=DOM\agent1 requester=DOM\user1 signers=1a,2b renews=3c" */
static char *
received_text(const struct enrollment *e, const struct store_request *row)
{
	OWNED(own_memory) char *signers = signers_text(e);
	OWNED(own_memory)
	char *renewed = e->renewal != NULL ? pkix_serial_text(e->renewal->cert.serial) : NULL;
	bool other = e->requester != e->caller;

	return text_printf("format=%s caller=%s%s%s%s%s%s", format_name(row->request_type),
	    row->caller_name != NULL ? row->caller_name : "-", other ? " requester=" : "",
	    other ? row->requester_name : "", signers, renewed != NULL ? " renews=" : "",
	    renewed != NULL ? renewed : "");
}

static char *
outcome_text(const struct enroll_commit *c, const char *template)
{
	if (c->reason == NULL)
		return ca_audit_certificate(&c->row);
	if (c->e->key_row != 0)
		return text_printf("template=%s key-of-request=%lld reason=%s", template,
		    (long long)c->e->key_row, c->reason->msg);
	return text_printf("template=%s reason=%s", template, c->reason->msg);
}

/* Additional information of event 53 (paper, "Certificate Template Not Supported by the CA"). */
static char *
denial_info(const struct store_request *row)
{
	return row->template_name != NULL
		   ? text_printf("denied by the CA's policy, template %s", row->template_name)
		   : mem_text("denied by the CA's policy");
}

static void
fill_details(struct unit *u)
{
	const struct store_request *row = &u->commit->row;
	const char *template = row->template_name != NULL ? row->template_name : "-";

	u->received = received_text(u->commit->e, row);
	u->outcome = outcome_text(u->commit, template);
	u->info = denial_info(row);
}

static void
unit_free(struct unit *u)
{
	free(u->received);
	free(u->outcome);
	free(u->info);
}

static enum audit_event
outcome_event(enum disposition d)
{
	if (d == DISP_ISSUED)
		return AUDIT_ISSUED;
	return d == DISP_PENDING ? AUDIT_PENDING : AUDIT_REQUEST_DENIED;
}

/* What was asked before the work is asked again where nobody else writes. */
static bool
is_first(struct unit *u, struct store_tx *tx, struct err *err)
{
	struct enroll_commit *c = u->commit;

	if (c->reason != NULL)
		return true;
	if (!enroll_find_repeat(c->e, tx, &c->repeat_of, err))
		return false;
	if (c->repeat_of != 0)
		return err_set(err, ERROR_FILE_EXISTS, "the same request came before, as %lld",
		    (long long)c->repeat_of);
	return enroll_check_key(c->e, tx, err);
}

/* "template=EFSArchive kras=..." */
static char *
archived_text(const struct store_request *row)
{
	char *text = text_printf("template=%s kras=%s%s",
	    row->template_name != NULL ? row->template_name : "-", row->key_recovery_hashes,
	    row->key_recipient.len > 0 ? " made-by=CA" : "");

	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ',';
	return text;
}

/* Whatever becomes of the KRA store, it is known who can open the key. */
bool
enroll_note_archived(struct store_tx *tx, const struct enrollment *e,
    const struct store_request *row, const struct ca_audit *about, struct err *err)
{
	OWNED(own_memory) char *detail = archived_text(row);
	struct ca_audit a = *about;

	a.event = AUDIT_KEY_ARCHIVED;
	a.detail = detail;
	return sealing_keep(tx, &e->sealed, err) && ca_audit(tx, &a, err);
}

static struct enroll_event
event_of(const struct enroll_commit *c, const char *info)
{
	return (struct enroll_event){.row = &c->row,
	    .request_id = c->request_id,
	    .reason = c->reason,
	    .is_denial = c->disposition == DISP_DENIED,
	    .info = c->disposition == DISP_DENIED ? info : NULL};
}

static bool
write_unit(struct store_tx *tx, void *arg, struct err *err)
{
	struct unit *u = arg;
	const struct store_request *row = &u->commit->row;
	struct enroll_event event;
	struct ca_audit a = {.when = row->submitted_when,
	    .actor = u->commit->e->caller->downlevel,
	    .event = AUDIT_REQUEST_RECEIVED,
	    .object = row->template_name,
	    .detail = u->received};

	if (!is_first(u, tx, err) || !store_add_request(tx, row, &u->commit->request_id, err))
		return false;
	a.request_id = u->commit->request_id;
	if (!ca_audit(tx, &a, err))
		return false;
	a.object = row->serial_number;
	if (row->raw_archived_key.len > 0 && !enroll_note_archived(tx, u->commit->e, row, &a, err))
		return false;
	if (row->disposition == DISP_ISSUED &&
	    !ca_publication_add(tx, a.request_id, u->commit->e->plan.publish_to_ds,
		u->commit->e->plan.publish_to_kra, err))
		return false;
	a.event = outcome_event(row->disposition);
	a.detail = u->outcome;
	a.status = u->commit->reason != NULL ? u->commit->reason->code : ERR_OK;
	event = event_of(u->commit, u->info);
	return ca_audit(tx, &a, err) &&
	       enroll_event_keep(tx, u->commit->e->ca, &event, u->commit->e->now, err) &&
	       (row->disposition != DISP_ISSUED ||
		   enroll_remark_keep(tx, u->commit->e, a.request_id, err));
}

bool
enroll_commit(struct enroll_commit *c, struct err *err)
{
	OWNED(unit_free) struct unit unit = {.commit = c};
	struct enroll_event event;

	fill_details(&unit);
	if (!store_do(c->e->ca->store, write_unit, &unit, err)) {
		c->request_id = 0;
		return false;
	}
	c->row.request_id = c->request_id;
	event = event_of(c, unit.info);
	enroll_event_tell(c->e->ca, &event, c->e->now);
	if (c->disposition == DISP_ISSUED)
		enroll_remark_tell(c->e, c->request_id);
	return true;
}

void
enroll_commit_free(struct enroll_commit *c)
{
	store_request_free(&c->row);
}
