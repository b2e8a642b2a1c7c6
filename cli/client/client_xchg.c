#include "client_xchg.h"

#include <stdlib.h>
#include <openssl/x509.h>

#include "oids.h"
#include "text.h"

static bool
check(const struct pkix_cert *xchg, const struct pkix_cert *ca, EVP_PKEY *ca_key, int64_t now,
    struct err *err)
{
	if (!view_eq(xchg->issuer, ca->subject) ||
	    !pkix_verify(ca_key, xchg->sig_alg, xchg->tbs, xchg->signature, false, err))
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "the exchange certificate is not signed by the CA key that the directory "
		    "names; no private key is sent");
	if (!pkix_cert_has_eku(xchg, oid_dotted(OID_KP_CA_EXCHANGE)))
		return err_set(err, CERT_E_WRONG_USAGE,
		    "the exchange certificate lacks the CA exchange usage");
	if (now < xchg->not_before || now >= xchg->not_after)
		return err_set(err, CERT_E_EXPIRED,
		    "the exchange certificate is not within its validity period");
	return true;
}

static bool
check_crl(
    X509_CRL *crl, const struct pkix_cert *xchg, EVP_PKEY *ca_key, int64_t now, struct err *err)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	X509_REVOKED *revoked = NULL;
	time_t when = (time_t)now;
	bool ok = false;

	if (serial == NULL || ASN1_STRING_set(serial, xchg->serial.ptr, (int)xchg->serial.len) != 1)
		err_nomem(err);
	else if (X509_CRL_verify(crl, ca_key) != 1)
		err_openssl(err, NTE_BAD_SIGNATURE,
		    "the CA's CRL is not signed by the CA key that the directory names");
	else if (X509_cmp_time(X509_CRL_get0_nextUpdate(crl), &when) < 0)
		err_set(err, CERT_E_EXPIRED,
		    "the CA's CRL is out of date; a CA administrator publishes one with `dirca "
		    "crl`");
	else if (X509_CRL_get0_by_serial(crl, &revoked, serial) != 0)
		err_set(err, CRYPT_E_REVOKED, "the exchange certificate is revoked");
	else
		ok = true;
	ASN1_INTEGER_free(serial);
	return ok;
}

static bool
check_revocation(struct http_client *http, const char *ca_name, const struct pkix_cert *xchg,
    EVP_PKEY *ca_key, int64_t now, struct err *err)
{
	struct http_answer answer = {0};
	char *name = http_escape(ca_name),
	     *path = name != NULL ? text_printf("/dirca/%s.crl", name) : NULL;
	const unsigned char *cursor;
	X509_CRL *crl = NULL;
	bool ok = false;

	if (path == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!http_client_request(http, "GET", path, NULL, (struct view){0}, &answer, err) ||
	    !http_answer_check(&answer, err)) {
		err_prefix(err, "the revocation status of the exchange certificate");
		goto out;
	}
	cursor = answer.body.ptr;
	if ((crl = d2i_X509_CRL(NULL, &cursor, (long)answer.body.len)) == NULL) {
		err_openssl(err, ERROR_INVALID_DATA, "the CA's CRL cannot be read");
		goto out;
	}
	ok = check_crl(crl, xchg, ca_key, now, err);
out:
	X509_CRL_free(crl);
	http_answer_free(&answer);
	free(name);
	free(path);
	return ok;
}

bool
client_xchg_fetch(struct http_client *http, const char *ca_name, struct view ca_certificate,
    int64_t now, struct pkix_cert *out, struct err *err)
{
	struct http_answer answer = {0};
	struct pkix_cert ca = {0};
	EVP_PKEY *ca_key = NULL;
	bool ok = false;

	*out = (struct pkix_cert){0};
	if (!http_client_request(http, "GET", "/dirca/v1/exchange-certificate", NULL,
		(struct view){0}, &answer, err) ||
	    !http_answer_check(&answer, err) || !pkix_cert_decode(ca_certificate, &ca, err) ||
	    !pkix_public_key(ca.spki, &ca_key, err) ||
	    !pkix_cert_decode(buf_view(&answer.body), out, err))
		goto out;
	ok = check(out, &ca, ca_key, now, err) &&
	     check_revocation(http, ca_name, out, ca_key, now, err);
out:
	http_answer_free(&answer);
	pkix_cert_free(&ca);
	EVP_PKEY_free(ca_key);
	if (!ok)
		pkix_cert_free(out);
	return ok;
}
