#include "tls_channel.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "own_openssl.h"
#include "pkix.h"

static void
own_der(uint8_t **der)
{
	OPENSSL_free(*der);
}

static bool
check_pin(const struct tls_channel *c, const struct pkix_cert *cert, struct err *err)
{
	uint8_t hash[32];

	if (EVP_Digest(cert->spki.ptr, cert->spki.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 failed");
	for (size_t i = 0; i < c->key_count; i++)
		if (view_eq(buf_view(&c->keys[i]), view_of(hash, sizeof hash)))
			return true;
	return err_set(err, DIRCA_E_SERVICE_KEY,
	    "who answers has a certificate of this CA, but none of the keys that the directory "
	    "names "
	    "for its service (dircaServiceKeyHash): another than the CA listens, or the CA's key "
	    "was "
	    "changed and `dirca ca publish` forgotten");
}

static bool
check_end_point(struct tls_channel *c, struct view certificate, struct err *err)
{
	OWNED(buf_free) struct buf end_point = {0};

	if (!pkix_end_point(certificate, &end_point, err))
		return false;
	if (c->bound && !view_eq(buf_view(&end_point), buf_view(&c->end_point)))
		return err_set(err, DIRCA_E_CHANNEL_BINDING,
		    "the service shows another certificate than where the sign-in began");
	buf_free(&c->end_point);
	c->end_point = buf_give(&end_point);
	return true;
}

static bool
check_service(struct tls_channel *c, const X509 *leaf, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_der) uint8_t *der = NULL;
	int len = i2d_X509(leaf, &der);

	if (len <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, "the certificate of the service");
	return pkix_cert_decode(view_of(der, (size_t)len), &cert, err) &&
	       check_pin(c, &cert, err) && check_end_point(c, buf_view(&cert.raw), err);
}

/* In the place of libssl's own verification, which comes first. libcurl checks the host name after
 * the handshake, and sends nothing before. */
static int
verify(X509_STORE_CTX *store, void *arg)
{
	struct tls_channel *c = arg;

	if (X509_verify_cert(store) != 1)
		return 0;
	if (check_service(c, X509_STORE_CTX_get0_cert(store), &c->refusal)) {
		c->refusal.code = ERR_OK;
		return 1;
	}
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static bool
show_certificate(const struct tls_channel *c, SSL_CTX *context, struct err *err)
{
	const struct view der = c->client_certificate;

	return (SSL_CTX_use_certificate_ASN1(context, (int)der.len, der.ptr) == 1 &&
		   SSL_CTX_use_PrivateKey(context, c->client_key) == 1) ||
	       err_openssl(
		   err, DIRCA_E_CRYPTO, "TLS cannot use the client certificate and its key");
}

static CURLcode
on_context(CURL *curl, void *context, void *arg)
{
	struct tls_channel *c = arg;

	(void)curl;
	SSL_CTX_set_cert_verify_callback(context, verify, c);
	return c->client_key == NULL || show_certificate(c, context, &c->refusal)
		   ? CURLE_OK
		   : CURLE_SSL_CERTPROBLEM;
}

/* A resumed session would show no certificate. */
bool
tls_channel_watch(struct tls_channel *c, CURL *curl, struct err *err)
{
	if (curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_context) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, c) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L) != CURLE_OK)
		return err_set(err, DIRCA_E_CONFIG,
		    "libcurl does not use OpenSSL: the service's key cannot be checked");
	return true;
}

void
tls_channel_free(struct tls_channel *c)
{
	buf_free(&c->end_point);
}
