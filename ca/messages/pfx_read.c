/*
 * Reading PKCS#12. OpenSSL's own reader gives one key of a file that may have several, and what
 * Windows up to 2012 R2 wrote needs 40-bit RC2, which lies in OpenSSL's legacy provider: that is
 * loaded for reading a file, in a context of its own, and nowhere else.
 */
#include "pfx.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "mem.h"
#include "own_openssl.h"
#include "pfx_priv.h"
#include "text.h"

#define MAX_MAC   10000000 /* iterations: a file that asks for more only burns time */
#define MAX_DEPTH 4        /* of bags in bags */

bool
pfx_password(const struct secret *password, struct secret *out, struct err *err)
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

/* ---- bags ---- */

struct reader {
	OSSL_LIB_CTX *context;
	OSSL_PROVIDER *usual, *legacy; /* the latter is not on every machine */
	const char *password;
	struct pfx_bags *out;
};

static void
reader_end(struct reader *r)
{
	if (r->legacy != NULL)
		OSSL_PROVIDER_unload(r->legacy);
	if (r->usual != NULL)
		OSSL_PROVIDER_unload(r->usual);
	OSSL_LIB_CTX_free(r->context);
}

static bool
reader_begin(struct reader *r, struct err *err)
{
	if ((r->context = OSSL_LIB_CTX_new()) == NULL ||
	    (r->usual = OSSL_PROVIDER_load(r->context, "default")) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "PFX: no provider to read it with");
	r->legacy = OSSL_PROVIDER_load(r->context, "legacy");
	ERR_clear_error();
	return true;
}

/* The MAC was right, and so the password is. */
static bool
not_opened(const struct reader *r, struct err *err)
{
	return err_openssl(err, NTE_BAD_DATA, "PFX: a part of it cannot be opened%s",
	    r->legacy == NULL ? ", perhaps for want of OpenSSL's legacy provider" : "");
}

static bool
add_key(struct reader *r, const PKCS8_PRIV_KEY_INFO *plain, struct err *err)
{
	struct pfx_bags *out = r->out;
	EVP_PKEY *key = EVP_PKCS82PKEY(plain);

	if (key == NULL)
		return err_openssl(err, NTE_BAD_DATA, "PFX: a private key in it is malformed");
	out->keys = mem_grow(out->keys, out->key_count, sizeof(*out->keys));
	out->keys[out->key_count++] = key;
	return true;
}

static bool
open_key(struct reader *r, const PKCS12_SAFEBAG *bag, struct err *err)
{
	OWNED(own_pkcs8)
	PKCS8_PRIV_KEY_INFO *plain = PKCS12_decrypt_skey_ex(bag, r->password, -1, r->context, NULL);

	return plain != NULL ? add_key(r, plain, err) : not_opened(r, err);
}

static bool
add_certificate(struct reader *r, const PKCS12_SAFEBAG *bag, struct err *err)
{
	struct pfx_bags *out = r->out;
	OWNED(own_x509) X509 *cert = NULL;
	uint8_t *der = NULL;
	int len;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return true;
	if ((cert = PKCS12_SAFEBAG_get1_cert(bag)) == NULL)
		return err_openssl(err, NTE_BAD_DATA, "PFX: a certificate in it is malformed");
	len = i2d_X509(cert, &der);
	out->certificates =
	    mem_grow(out->certificates, out->certificate_count, sizeof *out->certificates);
	if (!buf_take_openssl(der, len, &out->certificates[out->certificate_count], err))
		return false;
	out->certificate_count++;
	return true;
}

static bool
read_bags(struct reader *r, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth, struct err *err)
{
	bool ok = true;

	if (depth > MAX_DEPTH)
		return err_set(err, NTE_BAD_DATA, "PFX: bags lie in bags too deeply");
	for (int i = 0; ok && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);

		switch (PKCS12_SAFEBAG_get_nid(bag)) {
		case NID_keyBag:
			ok = add_key(r, PKCS12_SAFEBAG_get0_p8inf(bag), err);
			break;
		case NID_pkcs8ShroudedKeyBag:
			ok = open_key(r, bag, err);
			break;
		case NID_certBag:
			ok = add_certificate(r, bag, err);
			break;
		case NID_safeContentsBag:
			ok = read_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1, err);
			break;
		default: /* secrets, CRLs */
			break;
		}
	}
	return ok;
}

/* PKCS12_unpack_p7encdata, in the reader's context. */
static STACK_OF(PKCS12_SAFEBAG) * open_safe(const struct reader *r, const PKCS7 *p7)
{
	const PKCS7_ENC_CONTENT *sealed = p7->d.encrypted->enc_data;

	return PKCS12_item_decrypt_d2i_ex(sealed->algorithm, ASN1_ITEM_rptr(PKCS12_SAFEBAGS),
	    r->password, -1, sealed->enc_data, 1, r->context, NULL);
}

static bool
read_safe(struct reader *r, PKCS7 *p7, struct err *err)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	bool ok;

	if (PKCS7_type_is_data(p7))
		bags = PKCS12_unpack_p7data(p7);
	else if (PKCS7_type_is_encrypted(p7))
		bags = open_safe(r, p7);
	ok = bags != NULL ? read_bags(r, bags, 0, err) : not_opened(r, err);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return ok;
}

static bool
read_safes(struct reader *r, const PKCS12 *p12, struct err *err)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	bool ok = safes != NULL || not_opened(r, err);

	for (int i = 0; ok && i < sk_PKCS7_num(safes); i++)
		ok = read_safe(r, sk_PKCS7_value(safes, i), err);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return ok;
}

bool
pfx_open(struct view der, const struct secret *password, struct pfx_bags *out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(pfx_bags_free) struct pfx_bags bags = {0};
	OWNED(secret_free) struct secret pass = {0};
	OWNED(own_pkcs12) PKCS12 *p12 = NULL;
	OWNED(reader_end) struct reader r = {.out = &bags};

	*out = bags;
	if (der.len > PFX_FILE_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "PFX of %zu bytes: at most %d are read",
		    der.len, PFX_FILE_MAX);
	if (!pfx_password(password, &pass, err))
		return false;
	r.password = (const char *)pass.ptr;
	if (der.len == 0 || (p12 = d2i_PKCS12(NULL, &p, (long)der.len)) == NULL ||
	    p != der.ptr + der.len)
		return err_openssl(
		    err, NTE_BAD_DATA, "PFX: it is not one, or bytes are missing or left over");
	if (!mac_is_right(p12, r.password, err) || !reader_begin(&r, err) ||
	    !read_safes(&r, p12, err))
		return false;
	ERR_clear_error();
	*out = bags;
	bags = (struct pfx_bags){0};
	return true;
}

void
pfx_bags_free(struct pfx_bags *b)
{
	for (size_t i = 0; i < b->key_count; i++)
		EVP_PKEY_free(b->keys[i]);
	free(b->keys);
	for (size_t i = 0; i < b->certificate_count; i++)
		buf_free(&b->certificates[i]);
	free(b->certificates);
	*b = (struct pfx_bags){0};
}

/* ---- one key and its certificate ---- */

static bool
is_of_key(struct view certificate, const EVP_PKEY *key)
{
	const unsigned char *p = certificate.ptr;
	OWNED(own_x509) X509 *cert = d2i_X509(NULL, &p, (long)certificate.len);
	bool yes = cert != NULL && X509_check_private_key(cert, key) == 1;

	ERR_clear_error();
	return yes;
}

static bool
take_pair(struct pfx_bags *bags, size_t key, size_t certificate, struct pfx *out)
{
	out->key = bags->keys[key];
	bags->keys[key] = NULL;
	out->certificate = buf_give(&bags->certificates[certificate]);
	out->others = mem_zero(bags->certificate_count, sizeof *out->others);
	for (size_t i = 0; i < bags->certificate_count; i++)
		if (i != certificate)
			out->others[out->other_count++] = buf_give(&bags->certificates[i]);
	return true;
}

bool
pfx_decode(struct view der, const struct secret *password, struct pfx *out, struct err *err)
{
	OWNED(pfx_bags_free) struct pfx_bags bags = {0};

	*out = (struct pfx){0};
	if (!pfx_open(der, password, &bags, err))
		return false;
	for (size_t k = 0; k < bags.key_count; k++)
		for (size_t c = 0; c < bags.certificate_count; c++)
			if (is_of_key(buf_view(&bags.certificates[c]), bags.keys[k]))
				return take_pair(&bags, k, c, out);
	return err_set(err, NTE_BAD_DATA, "PFX: it has no private key with a certificate");
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
