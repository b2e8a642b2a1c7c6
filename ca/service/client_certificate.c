#include "client_certificate.h"

#include <stdlib.h>
#include <string.h>

#include "ca_holder.h"
#include "issued.h"
#include "mem.h"
#include "own.h"
#include "pkix.h"
#include "store_cases.h"

#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2" /* RFC 5280 4.2.1.12 */

static bool
check_use(const struct pkix_cert *cert, int64_t now, struct err *err)
{
	if (now < cert->not_before || now > cert->not_after)
		return err_set(err, CERT_E_EXPIRED, "the client certificate is %s",
		    now > cert->not_after ? "expired" : "not valid yet");
	return (pkix_cert_has_eku(cert, CLIENT_AUTH) &&
		   (pkix_cert_key_usage(cert) & PKIX_KU_DIGITAL_SIGNATURE) != 0) ||
	       err_set(err, CERT_E_WRONG_USAGE,
		   "the client certificate is not for client authentication");
}

/* A certificate of the key that issued `cert`. */
static bool
is_issuer(const struct ca_issuer *i, const struct ca_issuer *of_cert, struct view der)
{
	return view_eq(i->cert.spki, of_cert->cert.spki) && view_eq(buf_view(&i->cert.raw), der);
}

/* Who may vouch for accounts is the directory's word: NTAuthCertificates. */
static bool
check_nt_auth(
    struct ca *ca, const struct ca_view *view, const struct pkix_cert *cert, struct err *err)
{
	const struct ca_issuers *own = &ca->info.issuers;
	const struct ca_issuer *issuer = ca_issuers_find(own, cert);
	const struct dir_attr *cas = pki_snapshot_nt_auth(view->pki);

	for (size_t i = 0; issuer != NULL && cas != NULL && i < cas->count; i++)
		for (size_t k = 0; k < own->count; k++)
			if (is_issuer(&own->list[k], issuer, buf_view(&cas->values[i])))
				return true;
	return err_set(err, CERT_E_ISSUERCHAINING,
	    "NTAuthCertificates of the directory does not hold this CA; `dirca ca publish` puts it "
	    "there");
}

/* One UPN, if it has no SID: a second would be a second account. */
static bool
names(const struct pkix_cert *cert, const struct principal *p)
{
	OWNED(own_memory) char *sid = pkix_cert_sid(cert);
	OWNED(texts_free) struct texts upns = {0};
	OWNED(texts_free) struct texts emails = {0};
	char text[SID_TEXT_MAX];

	if (sid != NULL) {
		if (!p->has_sid)
			return false;
		sid_to_text(&p->sid, text);
		return strcmp(sid, text) == 0;
	}
	pkix_cert_san_names(cert, &upns, &emails);
	return upns.count == 1 && strchr(upns.list[0], '@') != NULL &&
	       principal_is_named(p, upns.list[0]);
}

/* Who recovered it gave it to somebody, and had it himself. */
static bool
check_recovered(struct ca *ca, const struct store_request *row, struct err *err)
{
	bool fetched;

	return store_key_was_fetched(ca->store, row->request_id, &fetched, err) &&
	       (!fetched ||
		   err_set(err, DIRCA_E_AUTHENTICATION,
		       "the private key of the client certificate was recovered, so that it proves "
		       "nobody any more"));
}

static bool
find_account(
    struct ca *ca, const struct pkix_cert *cert, struct client_account *out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(principal_free) struct principal p = {0};
	struct principal_record record;

	if (!issued_row(ca, cert, &row, err) || !check_recovered(ca, &row, err))
		return false;
	record = ca_requester_of(&row);
	switch (ca_find_recorded(ca, &record, &p, err)) {
	case DIR_FIND_FAILED:
		return false;
	case DIR_NOT_FOUND:
		return err_set(err, DIRCA_E_AUTHENTICATION,
		    "the account of the client certificate is no longer in the directory");
	case DIR_FOUND:
		break;
	}
	if (!names(cert, &p))
		return err_set(err, DIRCA_E_AUTHENTICATION,
		    "the client certificate was issued to %s and names somebody else, or nobody",
		    p.downlevel);
	out->text = mem_text(p.dn);
	out->key_is_archived = row.raw_archived_key.len > 0;
	return true;
}

/* Without a directory it names nobody but its holder: somebody else may have requested it. */
static bool
find_holder(struct ca *ca, const struct pkix_cert *cert, char **sid_out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	char text[SID_TEXT_MAX];
	struct sid sid;

	if (ca_issuers_find(&ca->info.issuers, cert) == NULL)
		return err_set(
		    err, CERT_E_ISSUERCHAINING, "the client certificate was not issued by this CA");
	if (!issued_row(ca, cert, &row, err) || !ca_holder_sid(cert->serial, &sid, err))
		return false;
	sid_to_text(&sid, text);
	*sid_out = mem_text(text);
	return true;
}

bool
client_certificate_account(
    struct ca *ca, struct view der, int64_t now, struct client_account *out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);

	*out = (struct client_account){.kind = ca->config->standalone ? IDENTITY_SID : IDENTITY_DN};
	if (!pkix_cert_decode(der, &cert, err) || !check_use(&cert, now, err))
		return false;
	if (ca->config->standalone)
		return find_holder(ca, &cert, &out->text, err);
	return check_nt_auth(ca, view, &cert, err) && find_account(ca, &cert, out, err);
}
