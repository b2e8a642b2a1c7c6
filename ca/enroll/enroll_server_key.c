/*
 * Keys that the CA makes (RFC 7030 4.4): where, and whom they are encrypted to. Without a recipient
 * there is none: a key that only TLS protects would pass through the front.
 */
#include "enroll_priv.h"

#include "issued.h"
#include "mem.h"
#include "own.h"
#include "recipient.h"
#include "text.h"

#define KEY_ID_MOST 64

static bool
check_recipient(struct enrollment *e, struct view der, struct pkix_cert *cert, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	struct err why;

	if (!pkix_cert_decode(der, cert, err))
		return false;
	if (!issued_row(e->ca, cert, &row, &why)) {
		*err = why;
		return err_prefix(err, "the certificate that the new key would be encrypted to");
	}
	return (enroll_was_for(e->requester, &row) ||
		   err_set(err, DIRCA_E_KEY_RECIPIENT,
		       "the certificate that the new key would be encrypted to is not %s's",
		       e->requester->downlevel)) &&
	       recipient_check(cert, &e->ca->info.issuers, e->now, err);
}

/* The first that fits; else what is wrong with the newest of the requester's own. Of others'
 * certificates nothing is told. */
static bool
choose_row(struct enrollment *e, const struct store_requests *rows, struct err *err)
{
	bool told = false;
	struct err why;

	for (size_t i = 0; i < rows->count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert cert = {0};

		if (!enroll_was_for(e->requester, &rows->list[i]))
			continue;
		if (check_recipient(
			e, buf_view(&rows->list[i].raw_certificate), &cert, told ? &why : err)) {
			e->recipient = cert;
			cert = (struct pkix_cert){0};
			return true;
		}
		told = true;
	}
	return !told &&
	       err_set(err, DIRCA_E_KEY_RECIPIENT,
		   "AsymmetricDecryptKeyIdentifier is the key identifier of no certificate "
		   "that this CA issued to %s",
		   e->requester->downlevel);
}

static bool
find_by_identifier(struct enrollment *e, struct view id, struct err *err)
{
	OWNED(own_memory) char *hex = hex_encode(id, '\0');
	OWNED(store_requests_free) struct store_requests rows = {0};

	return store_list_key_identifier(e->ca->store, hex, &rows, err) &&
	       choose_row(e, &rows, err);
}

static bool
find_recipient(struct enrollment *e, struct err *err)
{
	struct view id = e->request.pkix->decrypt_key_id;

	if (e->kept_recipient.len > 0)
		return check_recipient(e, e->kept_recipient, &e->recipient, err);
	if (id.len > KEY_ID_MOST)
		return err_set(err, ERROR_INVALID_DATA,
		    "AsymmetricDecryptKeyIdentifier has %zu octets", id.len);
	if (id.len > 0)
		return find_by_identifier(e, id, err);
	if (e->request.pkix->names_shared_key)
		return err_set(err, DIRCA_E_KEY_RECIPIENT,
		    "DecryptKeyIdentifier names a key that the client shares with the CA, and this "
		    "CA shares none; name a certificate by AsymmetricDecryptKeyIdentifier");
	if (e->client_certificate.len > 0)
		return check_recipient(e, e->client_certificate, &e->recipient, err);
	return err_set(err, DIRCA_E_KEY_RECIPIENT,
	    "the request names no certificate that the new key could be encrypted to: put the "
	    "subjectKeyIdentifier of a certificate for encryption that this CA issued to %s into "
	    "attribute AsymmetricDecryptKeyIdentifier (RFC 7030 4.4.1.2), or sign in by one",
	    e->requester->downlevel);
}

/* Keys are made here in order to be kept: whoever wants one that nobody else can read makes it
 * himself. */
static bool
check_template(const struct enrollment *e, struct err *err)
{
	return tmpl_requires_key_archival(e->tmpl) ||
	       err_set(err, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED,
		   "template %s has no key archival, and this CA makes keys only where they are "
		   "archived; make the key yourself (simpleenroll)",
		   e->tmpl->cn);
}

bool
enroll_check_server_key(struct enrollment *e, struct err *err)
{
	const struct pkix_request *r = e->request.pkix;

	if (!e->generates)
		return true;
	if (r->renewal_certificate.len > 0)
		return err_set(err, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE,
		    "a request for a key that the CA makes renews no certificate");
	return check_template(e, err) &&
	       archive_can_generate(e->request.key_algorithm, e->request.key_bits, err) &&
	       key_transport_choose(r->smime_capabilities, &e->transport, err) &&
	       find_recipient(e, err);
}
