#include "client_xchg.h"

#include <stdlib.h>

#include "client_crl.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

struct kind {
	const char *path;
	enum oid_id usage;
	const char *name;
};
static const struct kind exchange = {
    "/dirca/v1/exchange-certificate", OID_KP_CA_EXCHANGE, "exchange certificate"};
static const struct kind import = {
    "/dirca/v1/import-certificate", OID_KP_KEY_IMPORT, "key import certificate"};

static bool
check_certificate(const struct kind *kind, const struct pkix_cert *xchg, const struct pkix_cert *ca,
    EVP_PKEY *ca_key, int64_t now, struct err *err)
{
	if (!view_eq(xchg->issuer, ca->subject) ||
	    !pkix_verify(ca_key, xchg->sig_alg, xchg->tbs, xchg->signature, false, err))
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "the %s is not signed by the CA key that the directory names; no private key "
		    "is sent",
		    kind->name);
	if (!pkix_cert_has_eku(xchg, oid_dotted(kind->usage)))
		return err_set(
		    err, CERT_E_WRONG_USAGE, "the %s lacks the usage of one", kind->name);
	if (now < xchg->not_before || now >= xchg->not_after)
		return err_set(
		    err, CERT_E_EXPIRED, "the %s is not within its validity period", kind->name);
	return true;
}

static bool
check_revocation(const struct kind *kind, struct http_client *http, const char *ca_name,
    const struct pkix_cert *ca, EVP_PKEY *ca_key, int64_t now, const struct pkix_cert *xchg,
    struct err *err)
{
	bool revoked;

	if (!client_crl_lists(http, ca_name, ca, ca_key, xchg->serial, now, &revoked, err))
		return err_prefix(err, "the revocation status of the %s", kind->name);
	return !revoked || err_set(err, CRYPT_E_REVOKED, "the %s is revoked", kind->name);
}

static bool
check_exchange(const struct kind *kind, struct http_client *http, const char *ca_name,
    struct view ca_certificate, int64_t now, const struct pkix_cert *xchg, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	OWNED(own_pkey) EVP_PKEY *ca_key = NULL;

	return pkix_cert_decode(ca_certificate, &ca, err) &&
	       pkix_public_key(ca.spki, &ca_key, err) &&
	       check_certificate(kind, xchg, &ca, ca_key, now, err) &&
	       check_revocation(kind, http, ca_name, &ca, ca_key, now, xchg, err);
}

static bool
fetch(const struct kind *kind, struct http_client *http, const char *ca_name,
    struct view ca_certificate, int64_t now, struct pkix_cert *out, struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};

	*out = (struct pkix_cert){0};
	if (http_client_request(http, "GET", kind->path, NULL, (struct view){0}, &answer, err) &&
	    http_answer_check(&answer, err) && pkix_cert_decode(buf_view(&answer.body), out, err) &&
	    check_exchange(kind, http, ca_name, ca_certificate, now, out, err))
		return true;
	pkix_cert_free(out);
	return false;
}

bool
client_xchg_fetch(struct http_client *http, const char *ca_name, struct view ca_certificate,
    int64_t now, struct pkix_cert *out, struct err *err)
{
	return fetch(&exchange, http, ca_name, ca_certificate, now, out, err);
}

bool
client_import_fetch(struct http_client *http, const char *ca_name, struct view ca_certificate,
    int64_t now, struct pkix_cert *out, struct err *err)
{
	return fetch(&import, http, ca_name, ca_certificate, now, out, err);
}
