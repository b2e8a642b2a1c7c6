#include "pfx.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "mem.h"
#include "own_openssl.h"
#include "text.h"

/* Three derivations a file: MAC, key, certificates. What readers still take: .NET's loader refuses
 * more than 300,000 for one of them, Java more than 5,000,000; a reader of PKCS#8 files that is
 * ours alone is asked for more (pkcs8.h). */
#define ITERATIONS 300000
#define MAX_PFX    (1024 * 1024)
#define MAX_MAC    10000000 /* iterations: a file that asks for more only burns time */

/* The password as OpenSSL wants it, UTF-8 with a NUL. */
static bool
password_string(const struct secret *password, struct secret *out, struct err *err)
{
	struct view v = secret_view(password);

	*out = (struct secret){0};
	if ((v.len > 0 && memchr(v.ptr, 0, v.len) != NULL) || !text_is_utf8(v))
		return err_set(err, E_INVALIDARG, "the PFX password is not UTF-8 text");
	if (!secret_alloc(v.len + 1, out, err))
		return false;
	if (v.len > 0)
		memcpy(out->ptr, v.ptr, v.len);
	out->ptr[v.len] = 0;
	return true;
}

static X509 *
decode_certificate(struct view der, struct err *err)
{
	const unsigned char *p = der.ptr;
	X509 *cert = der.len > 0 && der.len <= MAX_PFX ? d2i_X509(NULL, &p, (long)der.len) : NULL;

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
	if (!password_string(password, &pass, err) ||
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

static bool
mac_is_right(PKCS12 *p12, const char *password, struct err *err)
{
	const ASN1_INTEGER *count = NULL;
	int64_t iterations = 1;

	if (PKCS12_mac_present(p12) != 1)
		return err_set(err, NTE_BAD_DATA,
		    "PFX: it has no MAC, so that nobody can tell whether it was changed");
	PKCS12_get0_mac(NULL, NULL, NULL, &count, p12);
	if (count != NULL && (ASN1_INTEGER_get_int64(&iterations, count) != 1 || iterations < 1 ||
				 iterations > MAX_MAC))
		return err_openssl(
		    err, NTE_BAD_DATA, "PFX: its iteration count is not within 1 to %d", MAX_MAC);
	if (PKCS12_verify_mac(p12, password, -1) != 1) {
		ERR_clear_error();
		return err_set(
		    err, NTE_BAD_DATA, "PFX: the password is wrong, or the file is damaged");
	}
	return true;
}

static bool
take_certificate(X509 *cert, struct buf *out, struct err *err)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	return buf_take_openssl(der, len, out, err);
}

static bool
take_others(STACK_OF(X509) * list, struct pfx *out, struct err *err)
{
	int count = list != NULL ? sk_X509_num(list) : 0;

	if (count == 0)
		return true;
	out->others = mem_zero((size_t)count, sizeof *out->others);
	for (int i = 0; i < count; i++) {
		if (!take_certificate(sk_X509_value(list, i), &out->others[i], err))
			return false;
		out->other_count++;
	}
	return true;
}

/* What MAC and password have shown to be whole. */
static bool
take_content(PKCS12 *p12, const char *password, struct pfx *out, struct err *err)
{
	OWNED(own_x509_stack) STACK_OF(X509) *others = NULL;
	OWNED(own_x509) X509 *cert = NULL;

	if (PKCS12_parse(p12, password, &out->key, &cert, &others) != 1)
		return err_openssl(err, NTE_BAD_DATA, "PFX: its content cannot be opened");
	if (out->key == NULL || cert == NULL)
		return err_set(err, NTE_BAD_DATA, "PFX: it has no private key with a certificate");
	return take_certificate(cert, &out->certificate, err) && take_others(others, out, err);
}

bool
pfx_decode(struct view der, const struct secret *password, struct pfx *out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(secret_free) struct secret pass = {0};
	OWNED(own_pkcs12) PKCS12 *p12 = NULL;
	OWNED(pfx_free) struct pfx read = {0};

	*out = read;
	if (der.len > MAX_PFX)
		return err_set(err, DIRCA_E_TOO_LARGE, "PFX of %zu bytes: at most %d are read",
		    der.len, MAX_PFX);
	if (!password_string(password, &pass, err))
		return false;
	if (der.len == 0 || (p12 = d2i_PKCS12(NULL, &p, (long)der.len)) == NULL ||
	    p != der.ptr + der.len)
		return err_openssl(
		    err, NTE_BAD_DATA, "PFX: it is not one, or bytes are missing or left over");
	if (!mac_is_right(p12, (const char *)pass.ptr, err) ||
	    !take_content(p12, (const char *)pass.ptr, &read, err))
		return false;
	*out = read;
	read = (struct pfx){0};
	return true;
}

void
pfx_free(struct pfx *p)
{
	for (size_t i = 0; i < p->other_count; i++)
		buf_free(&p->others[i]);
	free(p->others);
	buf_free(&p->certificate);
	EVP_PKEY_free(p->key);
	*p = (struct pfx){0};
}
