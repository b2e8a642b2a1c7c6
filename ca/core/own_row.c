/* Rows of what the CA certifies for itself: issued, without a request. */
#include "ca_priv.h"

#include "audit.h"
#include "certificate.h"
#include "mem.h"
#include "own.h"

static const struct kind {
	const char *template_name; /* NULL: none */
	const char *detail;        /* of the audit record */
	uint32_t flags;
} kinds[] = {
    /* [MS-WCCE] 3.2.1.4.3.2.15.1 */
    [OWN_EXCHANGE] = {"CAExchange", "CA exchange certificate",
	CR_FLG_CAXCHGCERT | CR_FLG_FORCEUTF8},
    [OWN_OCSP] = {"OCSPResponseSigning", "OCSP response signing certificate", CR_FLG_FORCEUTF8},
    [OWN_IMPORT] = {NULL, "key import certificate", CR_FLG_FORCEUTF8},
    [OWN_SERVICE] = {NULL, "TLS certificate of the service", CR_FLG_FORCEUTF8},
};

struct new_row {
	const struct kind *kind;
	struct store_request *row;
	const char *actor;
	int64_t now;
};

static bool
store_own(struct store_tx *tx, void *arg, struct err *err)
{
	const struct new_row *x = arg;
	struct ca_audit a = {.when = x->now,
	    .event = AUDIT_ISSUED,
	    .actor = x->actor,
	    .object = x->row->serial_number,
	    .detail = x->kind->detail};

	return store_add_request(tx, x->row, &a.request_id, err) && ca_audit(tx, &a, err);
}

/* One that is taken up may be from before a renewal. */
static bool
find_issuer(
    const struct ca *ca, struct view certificate, const struct ca_issuer **out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!pkix_cert_decode(certificate, &cert, err))
		return false;
	return (*out = ca_issuers_find(&ca->info.issuers, &cert)) != NULL ||
	       err_set(err, CERT_E_ISSUERCHAINING,
		   "no certificate of this CA issued what it should have made for itself");
}

bool
add_own_row(struct ca *ca, struct view certificate, enum own_kind own, const char *actor,
    int64_t now, struct err *err)
{
	const struct kind *kind = &kinds[own];
	OWNED(store_request_free)
	struct store_request row = {.disposition = DISP_ISSUED,
	    .request_flags = kind->flags,
	    .submitted_when = now,
	    .resolved_when = now,
	    .revoked_reason = -1};
	struct new_row arg = {kind, &row, actor, now};
	const struct ca_issuer *issuer;

	row.requester_name = mem_text(OWN_ACTOR);
	row.caller_name = mem_text(OWN_ACTOR);
	row.template_name = mem_text(kind->template_name);
	return find_issuer(ca, certificate, &issuer, err) &&
	       certificate_columns(issuer, certificate, &row, err) &&
	       store_do(ca->store, store_own, &arg, err);
}
