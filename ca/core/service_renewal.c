/* The certificate of the TLS service: renewed in time, and whether clients will take it. */
#include "ca_priv.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "own_openssl.h"
#include "service_key.h"

/* A client that was built into something for months learns of nothing; two of them are enough for
 * what fails to be seen and mended. */
#define RENEW_S (INT64_C(60) * 86400)

/* One of another CA, that an administrator put there, is his. Clients trust the newest key. Of a
 * time to come: made by a clock that was ahead. One that ends with the CA certificate cannot be
 * bettered. */
static bool
is_due(const struct ca *ca, const struct pkix_cert *cert, int64_t now)
{
	if (!view_eq(cert->issuer, ca->issuer->cert.subject) || now >= ca->issuer->cert.not_after)
		return false;
	return cert->not_before > now || ca_issuers_find(&ca->info.issuers, cert) != ca->issuer ||
	       (cert->not_after < ca->issuer->cert.not_after && cert->not_after - RENEW_S <= now);
}

static bool
sign_service(
    struct ca *ca, struct vault *v, struct view spki, int64_t now, struct buf *out, struct err *err)
{
	struct view sig_alg = buf_view(&ca->issuer->sig_alg);
	OWNED(buf_free) struct buf tbs = {0};
	OWNED(buf_free) struct buf signature = {0};
	uint8_t serial[PKIX_SERIAL_LEN];

	return service_certificate_tbs(
		   ca->config, spki, &ca->issuer->cert, sig_alg, now, serial, &tbs, err) &&
	       vault_sign_certificate(v, buf_view(&tbs), &signature, err) &&
	       pkix_signed_wrap(buf_view(&tbs), sig_alg, buf_view(&signature), out, err);
}

bool
renew_service(struct ca *ca, struct vault *v, int64_t now, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert old = {0};
	OWNED(buf_free) struct buf certificate = {0};

	if (!service_certificate_read(ca->config, &old, err))
		return err_prefix(err, "the TLS certificate of the service");
	if (!is_due(ca, &old, now))
		return true;
	return (sign_service(ca, v, old.spki, now, &certificate, err) &&
		   add_own_row(ca, buf_view(&certificate), OWN_SERVICE, OWN_ACTOR, now, err) &&
		   service_certificate_write(
		       ca->config, buf_view(&certificate), &ca->issuer->cert, err)) ||
	       err_prefix(err, "renewing the TLS certificate of the service");
}

bool
ca_service_until(struct ca *ca, int64_t *not_after_out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	*not_after_out = 0;
	if (!service_certificate_read(ca->config, &cert, err))
		return false;
	*not_after_out = cert.not_after;
	return true;
}

/* ---- as clients see it ---- */

static X509 *
x509_of(const struct buf *der)
{
	const unsigned char *p = der->ptr;

	return d2i_X509(NULL, &p, (long)der->len);
}

/* The last of the chain is what clients trust, those before it lie between. */
static bool
add_chain(const struct ca *ca, X509_STORE *store, STACK_OF(X509) * between)
{
	for (size_t i = 0; i < ca->chain_count; i++) {
		OWNED(own_x509) X509 *cert = x509_of(&ca->chain[i]);

		if (cert == NULL)
			return false;
		if (i + 1 == ca->chain_count)
			return X509_STORE_add_cert(store, cert) == 1;
		if (sk_X509_push(between, cert) <= 0)
			return false;
		cert = NULL;
	}
	return false;
}

bool
check_service(struct ca *ca, int64_t now, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_x509_store) X509_STORE *store = X509_STORE_new();
	OWNED(own_x509_store_ctx) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	OWNED(own_x509_stack) STACK_OF(X509) *between = sk_X509_new_null();
	OWNED(own_x509) X509 *leaf = NULL;
	X509_VERIFY_PARAM *param;

	if (!service_certificate_read(ca->config, &cert, err))
		return false;
	if (store == NULL || ctx == NULL || between == NULL || !add_chain(ca, store, between) ||
	    (leaf = x509_of(&cert.raw)) == NULL ||
	    X509_STORE_CTX_init(ctx, store, leaf, between) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the TLS certificate of the service");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1 ||
	    X509_VERIFY_PARAM_set1_host(param, ca->config->host, 0) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the TLS certificate of the service");
	return X509_verify_cert(ctx) == 1 ||
	       err_set(err, CERT_E_WRONG_USAGE,
		   "clients refuse the TLS certificate of the service: %s (certificate %d of its "
		   "chain): a CA certificate whose own usages or names leave out servers like %s "
		   "is "
		   "of no use here",
		   X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)),
		   X509_STORE_CTX_get_error_depth(ctx) + 1, ca->config->host);
}
