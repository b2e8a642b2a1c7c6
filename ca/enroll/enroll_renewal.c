/*
 * Requests that are not simply "a first certificate for me": on behalf of another subject, and for
 * the renewal of a certificate ([MS-WCCE] 3.2.2.6.2.1.2.1, 3.2.1.4.2.1.4.2).
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "oids.h"
#include "own.h"

/* ---- On behalf of ---- */

static bool
is_same(const struct principal *a, const struct principal *b)
{
	if (a->has_sid && b->has_sid)
		return sid_eq(&a->sid, &b->sid);
	return dir_dn_eq(a->dn, b->dn);
}

bool
enroll_find_subject(struct enrollment *e, struct err *err)
{
	struct identity subject = {.kind = IDENTITY_NAME};
	enum dir_find found;

	if (!enroll_request_subject(&e->request, &subject.text, err))
		return false;
	if (subject.text == NULL)
		return true;
	found = ca_find_identity(e->ca, &subject, &e->subject, err);
	if (found != DIR_FOUND)
		return found == DIR_NOT_FOUND && err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
						     "the request is made on behalf of '%s', whom "
						     "the directory does not know",
						     subject.text);
	if (!is_same(&e->subject, e->caller))
		e->requester = &e->subject;
	return true;
}

/* ---- Renewal ---- */

/* The row of exactly this certificate. */
static bool
get_row(const struct enrollment *e, const struct pkix_cert *cert, struct store_request *row,
    struct err *err)
{
	OWNED(own_memory) char *serial = pkix_serial_text(cert->serial);
	enum store_find found = store_get_by_serial(e->ca->store, serial, row, err);

	if (found == STORE_FAILED)
		return false;
	return (found == STORE_FOUND &&
		   view_eq(buf_view(&row->raw_certificate), buf_view(&cert->raw))) ||
	       err_set(err, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE,
		   "the certificate to be renewed (serial %s) was not issued by this CA", serial);
}

/* The SID decides where there is one: names are given away again. Without one in the row, only an
 * account that still has none can be the owner, as in principal_find_recorded. */
static bool
check_owner(const struct enrollment *e, const struct store_request *row, struct err *err)
{
	char sid[SID_TEXT_MAX] = "";
	bool same;

	if (e->requester->has_sid)
		sid_to_text(&e->requester->sid, sid);
	if (row->requester_sid != NULL)
		same = strcmp(row->requester_sid, sid) == 0;
	else
		same = row->requester_name != NULL && !e->requester->has_sid &&
		       text_eq_nocase(row->requester_name, e->requester->downlevel);
	return same ||
	       err_set(err, CERTSRV_E_BAD_RENEWAL_SUBJECT,
		   "the certificate to be renewed (serial %s) is that of '%s', not of '%s'",
		   row->serial_number, row->requester_name != NULL ? row->requester_name : "?",
		   e->requester->downlevel);
}

/* Its key signed the message, or it is the key of the request, which signs for itself. */
static bool
check_proof(const struct enrollment *e, const struct enroll_renewal *r, struct err *err)
{
	if (r->facts.same_key)
		return true;
	for (size_t i = 0; i < e->signer_count; i++)
		if (view_eq(buf_view(&e->signers[i].cert.raw), buf_view(&r->cert.raw)))
			return true;
	return err_set(err, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE,
	    "the request is not signed with the key of the certificate to be renewed");
}

static struct view
extension(const struct pkix_cert *c, int nid)
{
	const struct pkix_extension *e = pkix_cert_extension(c, nid);

	return e != NULL ? e->value : (struct view){0};
}

/* What the old certificate says, as policy wants it. */
static bool
read_facts(const struct enrollment *e, struct enroll_renewal *r, struct err *err)
{
	const struct tmpl *t;

	if (!pkix_template_id(r->cert.extensions, r->cert.extension_count, &r->template_id, err) ||
	    !pkix_cert_issuance_policies(&r->cert, &r->issuance_policies, err))
		return err_prefix(err, "the certificate to be renewed");
	pkix_cert_san_names(&r->cert, &r->upns, &r->emails);
	r->sid = pkix_cert_sid(&r->cert);
	r->facts = (struct issue_renewed){
	    .template_cn = r->template_id.cn,
	    .template_oid = r->template_id.oid,
	    .same_key = view_eq(r->cert.spki, e->request.pkix->spki),
	    .key_is_archived = r->archived.len > 0,
	    .subject = r->cert.subject,
	    .subject_alt_name = extension(&r->cert, NID_subject_alt_name),
	    .upns = {r->upns.list, r->upns.count},
	    .emails = {r->emails.list, r->emails.count},
	    .policies = {r->issuance_policies.list, r->issuance_policies.count},
	    .sid_extension = extension(&r->cert, oid_nid(OID_NTDS_CA_SECURITY_EXT)),
	    .sid = r->sid,
	};
	if (r->facts.template_cn == NULL && r->facts.template_oid != NULL &&
	    (t = ca_view_template_by_oid(e->view, r->facts.template_oid)) != NULL)
		r->facts.template_cn = t->cn;
	return true;
}

bool
enroll_check_renewal(struct enrollment *e, struct err *err)
{
	struct view der = e->request.pkix->renewal_certificate;
	OWNED(store_request_free) struct store_request row = {0};
	struct enroll_renewal *r;

	if (der.len == 0)
		return true;
	e->renewal = r = mem_zero(1, sizeof *r);
	if (!pkix_cert_decode(der, &r->cert, err)) {
		err->code = CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE;
		return err_prefix(err, "the certificate to be renewed");
	}
	if (!get_row(e, &r->cert, &row, err))
		return false;
	if (!enroll_check_trust(e, &r->cert, err))
		return err_prefix(err, "the certificate to be renewed");
	r->archived = buf_give(&row.raw_archived_key);
	r->kra_hashes = own_give(&row.key_recovery_hashes);
	return check_owner(e, &row, err) && read_facts(e, r, err) && check_proof(e, r, err);
}
