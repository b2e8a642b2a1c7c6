#include "pfx.h"

#include <string.h>

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "own_openssl.h"
#include "pfx_priv.h"

/* Three derivations a file: MAC, key, certificates. What readers still take: .NET's loader refuses
 * more than 300,000 for one of them, Java more than 5,000,000; a reader of PKCS#8 files that is
 * ours alone is asked for more (pkcs8.h). */
#define ITERATIONS 300000

static X509 *
decode_certificate(struct view der, struct err *err)
{
	const unsigned char *p = der.ptr;
	X509 *cert =
	    der.len > 0 && der.len <= PFX_FILE_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;

	if (cert == NULL || p != der.ptr + der.len) {
		err_openssl(err, ERROR_INVALID_DATA, "PFX: a certificate for it is malformed");
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static STACK_OF(X509) * decode_chain(const struct view *chain, size_t count, struct err *err)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	X509 *cert = NULL;

	for (size_t i = 0; list != NULL && i < count; i++)
		if ((cert = decode_certificate(chain[i], err)) == NULL ||
		    sk_X509_push(list, cert) <= 0) {
			X509_free(cert);
			sk_X509_pop_free(list, X509_free);
			return NULL;
		}
	if (list == NULL)
		err_nomem(err);
	return list;
}

bool
pfx_encode(EVP_PKEY *key, struct view certificate, const struct view *chain, size_t chain_count,
    const char *friendly_name, const struct secret *password, struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret pass = {0};
	OWNED(own_x509_stack) STACK_OF(X509) *others = NULL;
	OWNED(own_x509) X509 *cert = NULL;
	OWNED(own_pkcs12) PKCS12 *p12 = NULL;
	uint8_t *der = NULL;
	int len = 0;

	*out = (struct buf){0};
	if (password->len == 0)
		return err_set(err, E_INVALIDARG, "PFX: the password is empty");
	if (!pfx_password(password, &pass, err) ||
	    (cert = decode_certificate(certificate, err)) == NULL ||
	    (others = decode_chain(chain, chain_count, err)) == NULL)
		return false;
	if (X509_check_private_key(cert, key) != 1)
		return err_openssl(err, DIRCA_E_KEY_MISMATCH,
		    "PFX: the private key is not that of the certificate");
	/* PBES2, whose PRF is HMAC-SHA-256 by default; the MAC is set apart, as OpenSSL would take
	 * its own digest for it. */
	p12 = PKCS12_create((const char *)pass.ptr, friendly_name, key, cert, others,
	    NID_aes_256_cbc, NID_aes_256_cbc, ITERATIONS, -1, 0);
	if (p12 == NULL ||
	    PKCS12_set_mac(p12, (const char *)pass.ptr, -1, NULL, 0, ITERATIONS, EVP_sha256()) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "PFX: it could not be made");
	len = i2d_PKCS12(p12, &der);
	return buf_take_openssl(der, len, out, err);
}
