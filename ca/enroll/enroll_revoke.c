/*
 * A certificate manager revokes a certificate, or takes it from hold.
 */
#include "enroll_priv.h"

#include <openssl/x509v3.h>

#include "audit.h"
#include "mem.h"
#include "own.h"
#include "own_request.h"
#include "text.h"

#define HOLD    CRL_REASON_CERTIFICATE_HOLD
#define RELEASE CRL_REASON_REMOVE_FROM_CRL

/* RFC 5280 5.3.1; the position is the number, 7 is none. */
static const char *const reasons[] = {"unspecified", "keyCompromise", "cACompromise",
    "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold", NULL,
    "removeFromCRL", "privilegeWithdrawn", "aACompromise"};

bool
enroll_revocation_reason(const char *text, int *out, struct err *err)
{
	int64_t number = -1;
	bool is_number = text_to_int(text, 0, (int64_t)COUNT_OF(reasons) - 1, &number);

	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (reasons[i] != NULL &&
		    (is_number ? (int64_t)i == number : text_eq_nocase(reasons[i], text))) {
			*out = (int)i;
			return true;
		}
	return err_set(err, E_INVALIDARG,
	    "'%s' is no reason: give unspecified, keyCompromise, cACompromise, affiliationChanged, "
	    "superseded, cessationOfOperation, certificateHold, removeFromCRL, privilegeWithdrawn "
	    "or aACompromise (RFC 5280)",
	    text);
}

bool
enroll_is_release(const struct revocation *r)
{
	return r->reason == RELEASE;
}

struct revoking {
	const struct principal *officer;
	const struct store_request *row;
	int reason;
	int64_t now;
};

static bool
write_revocation(struct store_tx *tx, void *arg, struct err *err)
{
	const struct revoking *r = arg;
	OWNED(own_memory) char *certificate = ca_audit_certificate(r->row);
	OWNED(own_memory)
	char *detail = text_printf("reason=%s %s", reasons[r->reason], certificate);
	const struct ca_audit record = {.when = r->now,
	    .event = AUDIT_REVOKED,
	    .actor = r->officer->downlevel,
	    .request_id = r->row->request_id,
	    .object = r->row->serial_number,
	    .detail = detail};

	return store_revoke(tx, r->row->request_id, r->reason, r->now, r->now, err) &&
	       ca_audit(tx, &record, err);
}

static bool
find_row(struct ca *ca, const struct revocation *r, struct store_request *row, struct err *err)
{
	enum store_find found;

	if (r->serial_number == NULL)
		return enroll_get_row(ca, r->request_id, row, err);
	found = store_get_by_serial_or_hash(ca->store, r->serial_number, row, err);
	return found == STORE_FOUND ||
	       (found == STORE_NOT_FOUND &&
		   err_set(err, CERTSRV_E_NO_REQUEST,
		       "no certificate of this CA has the serial number or SHA-1 %s",
		       r->serial_number));
}

/* Only a hold is taken back, and by nobody for himself: to lose a certificate is nobody's gain. */
static bool
check_release(struct ca *ca, const struct principal *officer, const struct store_request *row,
    struct err *err)
{
	if (row->disposition != DISP_REVOKED || row->revoked_reason != HOLD)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "the certificate of request %lld is not on hold", (long long)row->request_id);
	return own_check_row(ca, officer, row, err);
}

static bool
check_revocable(const struct store_request *row, struct err *err)
{
	return row->disposition == DISP_ISSUED ||
	       (row->disposition == DISP_REVOKED && row->revoked_reason == HOLD) ||
	       err_set(err, CERTSRV_E_BAD_REQUESTSTATUS, "request %lld is %s",
		   (long long)row->request_id,
		   row->disposition == DISP_REVOKED ? "revoked already"
						    : disposition_name(row->disposition));
}

bool
enroll_revoke(struct ca *ca, const struct principal *officer, const struct revocation *r,
    int64_t now, int64_t *request_id_out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(ca_view_release) struct ca_view *view = NULL;
	struct revoking revoking = {officer, &row, r->reason, now};
	bool ok;

	ok = enroll_fresh_view(ca, &view, err) &&
	     ca_check_right(view, officer, CA_RIGHT_OFFICER, err) && find_row(ca, r, &row, err) &&
	     ca_check_officer(ca, view, officer, &row, err) &&
	     (enroll_is_release(r) ? check_release(ca, officer, &row, err)
				   : check_revocable(&row, err)) &&
	     store_do(ca->store, write_revocation, &revoking, err);
	*request_id_out = row.request_id;
	if (!ok)
		enroll_audit_refusal(ca, AUDIT_REVOKED, officer, row.request_id, now, err);
	return ok;
}
