#include "material.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "armour.h"
#include "bytes.h"
#include "keyblob.h"
#include "mem.h"
#include "own_openssl.h"
#include "pbe.h"
#include "pkcs7.h"
#include "pkcs8.h"
#include "plain.h"
#include "text.h"

#define PVK_PLAIN 8 /* octets of the blob: its type and algorithm */

/* ---- passwords ---- */

struct passwords {
	const struct secret *list;
	size_t count;
};

/* OpenSSL asks for the password of an old PEM key. */
static int
give_password(char *to, int size, int writing, void *arg)
{
	const struct secret *password = arg;

	(void)writing;
	if (password->len > (size_t)size)
		return -1;
	if (password->len > 0)
		memcpy(to, password->ptr, password->len);
	return (int)password->len;
}

static bool
none_opens(const struct passwords *p, const char *what, struct err *err)
{
	ERR_clear_error();
	return p->count == 0
		   ? err_set(err, NTE_BAD_DATA, "%s: it is encrypted, and no password given", what)
		   : err_set(err, NTE_BAD_DATA, "%s: no password given opens it, or it is damaged",
			 what);
}

/* ---- one key ---- */

static bool
add_key(struct pfx_content *to, EVP_PKEY *key, struct err *err)
{
	return pfx_add_key(to, key, (struct view){0}, NULL, err);
}

static bool
no_key(const char *what, struct err *err)
{
	return err_openssl(err, NTE_BAD_DATA, "%s: it is malformed", what);
}

static bool
read_pkcs8(struct view der, struct pfx_content *to, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return pkcs8_decode_der(der, &key, err) && add_key(to, key, err);
}

static bool
read_old_key(struct view der, struct pfx_content *to, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	/* OpenSSL would read that under another name, too. */
	if (material_of(der) == MATERIAL_PKCS8)
		return read_pkcs8(der, to, err);
	key = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
	if (key == NULL || p != der.ptr + der.len)
		return no_key("private key", err);
	return add_key(to, key, err);
}

static bool
read_blob(struct view blob, struct pfx_content *to, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return keyblob_decode(blob, &key, err) && add_key(to, key, err);
}

bool
material_open_pkcs8(struct view der, const struct secret *password, EVP_PKEY **out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509_sig) X509_SIG *sealed = d2i_X509_SIG(NULL, &p, (long)der.len);
	OWNED(own_pkcs8) PKCS8_PRIV_KEY_INFO *plain = NULL;
	OWNED(pbe_close) struct pbe_context pbe = {0};
	const X509_ALGOR *alg = NULL;

	*out = NULL;
	if (sealed == NULL || p != der.ptr + der.len)
		return no_key("PKCS#8", err);
	X509_SIG_get0(sealed, &alg, NULL);
	if (pbe_cost(alg) > PBE_MAX_ONCE)
		return err_set(err, NTE_BAD_DATA,
		    "PKCS#8: its iteration count is not within 1 to %d", PBE_MAX_ONCE);
	if (!pbe_open(&pbe, err))
		return false;
	plain = PKCS8_decrypt_ex(
	    sealed, (const char *)password->ptr, (int)password->len, pbe.context, NULL);
	if (plain == NULL)
		return err_openssl(err, NTE_BAD_DATA,
		    "PKCS#8: the password is wrong, or it is damaged%s", pbe_missing(&pbe));
	return pkcs8_key(plain, out, err) || err_prefix(err, "PKCS#8");
}

static bool
read_sealed(struct view der, const struct passwords *with, struct pfx_content *to, struct err *err)
{
	for (size_t i = 0; i < with->count; i++) {
		OWNED(own_pkey) EVP_PKEY *key = NULL;

		if (material_open_pkcs8(der, &with->list[i], &key, err))
			return add_key(to, key, err);
	}
	return none_opens(with, "PKCS#8", err);
}

/* A header, the salt, and a PRIVATEKEYBLOB of which all but the first eight octets are encrypted by
 * RC4 under SHA-1 of salt and password. OpenSSL's reader asks for RC4 in the usual context, where
 * it is not. */
struct pvk {
	struct view salt, blob;
	bool is_encrypted;
};

static bool
pvk_cut(struct view v, struct pvk *out)
{
	uint32_t magic, reserved, type, encrypted, salt, key;

	if (!bytes_get_u32le(&v, &magic) || !bytes_get_u32le(&v, &reserved) ||
	    !bytes_get_u32le(&v, &type) || !bytes_get_u32le(&v, &encrypted) ||
	    !bytes_get_u32le(&v, &salt) || !bytes_get_u32le(&v, &key) || v.len < salt ||
	    v.len - salt != key || key <= PVK_PLAIN || encrypted > 1)
		return false;
	*out = (struct pvk){view_of(v.ptr, salt), view_of(v.ptr + salt, key), encrypted == 1};
	return true;
}

static bool
rc4(const struct pbe_context *pbe, const uint8_t *key, struct view in, uint8_t *out)
{
	OWNED(own_cipher) EVP_CIPHER *cipher = EVP_CIPHER_fetch(pbe->context, "RC4", NULL);
	OWNED(own_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	return cipher != NULL && ctx != NULL &&
	       EVP_DecryptInit_ex2(ctx, cipher, key, NULL, NULL) == 1 &&
	       EVP_DecryptUpdate(ctx, out, &len, in.ptr, (int)in.len) == 1;
}

/* With 128 bits, or the 40 that could be exported: the rest of the key is zero then. */
static EVP_PKEY *
open_pvk(const struct pbe_context *pbe, const struct pvk *pvk, const struct secret *password)
{
	OWNED(secret_free) struct secret key = {0}, blob = {0};
	OWNED(own_md_ctx) EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct view sealed = view_of(pvk->blob.ptr + PVK_PLAIN, pvk->blob.len - PVK_PLAIN);
	EVP_PKEY *out = NULL;
	struct err ignored;

	if (md == NULL || !secret_alloc(20, &key, &ignored) ||
	    !secret_dup(pvk->blob, &blob, &ignored) ||
	    EVP_DigestInit_ex(md, EVP_sha1(), NULL) != 1 ||
	    EVP_DigestUpdate(md, pvk->salt.ptr, pvk->salt.len) != 1 ||
	    EVP_DigestUpdate(md, password->ptr, password->len) != 1 ||
	    EVP_DigestFinal_ex(md, key.ptr, NULL) != 1)
		return NULL;
	for (int is_weak = 0; is_weak <= 1; is_weak++) {
		if (is_weak)
			memset(key.ptr + 5, 0, 11);
		if (rc4(pbe, key.ptr, sealed, blob.ptr + PVK_PLAIN) &&
		    keyblob_decode(secret_view(&blob), &out, &ignored))
			return out;
	}
	return NULL;
}

static bool
read_pvk(struct view bytes, const struct passwords *with, struct pfx_content *to, struct err *err)
{
	OWNED(pbe_close) struct pbe_context pbe = {0};
	struct pvk pvk;

	if (!pvk_cut(bytes, &pvk))
		return no_key("PVK", err);
	if (!pvk.is_encrypted)
		return read_blob(pvk.blob, to, err);
	if (!pbe_open(&pbe, err))
		return false;
	for (size_t i = 0; i < with->count; i++) {
		OWNED(own_pkey) EVP_PKEY *key = open_pvk(&pbe, &pvk, &with->list[i]);

		if (key != NULL)
			return add_key(to, key, err);
	}
	return pbe.legacy == NULL
		   ? err_set(err, NTE_BAD_DATA, "PVK: it cannot be opened%s", pbe_missing(&pbe))
		   : none_opens(with, "PVK", err);
}

/* ---- certificates ---- */

static bool
read_certificate(struct view der, struct pfx_content *to, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509) X509 *cert = d2i_X509(NULL, &p, (long)der.len);

	if (cert == NULL || p != der.ptr + der.len)
		return err_openssl(err, ERROR_INVALID_DATA,
		    "it begins as a certificate does, and is none, or more stands behind it");
	return pfx_add_certificate(to, der, NULL, err);
}

static bool
take_certificate(void *arg, struct view der, struct err *err)
{
	return pfx_add_certificate(arg, der, NULL, err);
}

/* Certificates alone: a message that was signed is another verb's. */
static bool
read_pkcs7(struct view der, struct pfx_content *to, struct err *err)
{
	return pkcs7_certificates(der, take_certificate, to, err) ||
	       err_set(err, ERROR_INVALID_DATA,
		   "a signed or encrypted message, not certificates alone: `dirca dump` shows it, "
		   "and `dirca recoverkey` opens a recovery BLOB");
}

/* ---- PEM ---- */

/* "DEK-Info" of old programs (RFC 1421 4.6.1.3), if it is there. */
static bool
read_old_pem(const char *header, struct view data, const struct passwords *with,
    struct pfx_content *to, struct err *err)
{
	OWNED(own_memory) char *lines = mem_text(header);
	EVP_CIPHER_INFO cipher;

	if (PEM_get_EVP_CIPHER_INFO(lines, &cipher) != 1)
		return err_openssl(err, NTE_BAD_DATA, "PEM: it is encrypted in a way not known");
	if (cipher.cipher == NULL)
		return read_old_key(data, to, err);
	for (size_t i = 0; i < with->count; i++) {
		OWNED(secret_free) struct secret plain = {0};
		struct secret copy = with->list[i];
		long len = (long)data.len;

		if (!secret_dup(data, &plain, err))
			return false;
		if (PEM_do_header(&cipher, plain.ptr, &len, give_password, &copy) == 1 &&
		    read_old_key(view_of(plain.ptr, (size_t)len), to, err))
			return true;
	}
	return none_opens(with, "PEM", err);
}

static bool read_der(
    struct view der, const struct passwords *with, struct pfx_content *to, struct err *err);

static bool
read_labelled(const char *label, const char *header, struct view data, const struct passwords *with,
    struct pfx_content *to, struct err *err)
{
	if (strcmp(label, PEM_STRING_PKCS8) == 0)
		return read_sealed(data, with, to, err);
	if (strcmp(label, PEM_STRING_PKCS8INF) == 0)
		return read_pkcs8(data, to, err);
	if (strcmp(label, PEM_STRING_RSA) == 0 || strcmp(label, PEM_STRING_ECPRIVATEKEY) == 0)
		return read_old_pem(header, data, with, to, err);
	/* certutil -encode writes that around whatever it is given. */
	if (strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_OLD) == 0 ||
	    strcmp(label, PEM_STRING_PKCS7) == 0 || strcmp(label, PEM_STRING_CMS) == 0)
		return read_der(data, with, to, err);
	if (strcmp(label, PEM_STRING_ECPARAMETERS) == 0)
		return true;
	return err_set(err, ERROR_INVALID_DATA,
	    "PEM of '%s', which is neither a key nor a certificate", label);
}

struct armoured {
	const struct passwords *with;
	struct pfx_content *to;
};

static bool
read_object(void *arg, const struct armour *one, struct err *err)
{
	const struct armoured *a = arg;

	return read_labelled(one->label, one->header, one->der, a->with, a->to, err);
}

static bool
read_pem(struct view text, const struct passwords *with, struct pfx_content *to, struct err *err)
{
	struct armoured a = {with, to};

	return armour_read(text, true, read_object, &a, err);
}

/* ---- any ---- */

static bool
read_pfx(struct view der, const struct passwords *with, struct pfx_content *to, struct err *err)
{
	static const struct secret empty = {0};

	for (size_t i = 0; i <= with->count; i++) {
		OWNED(pfx_content_free) struct pfx_content c = {0};

		if (pfx_read(der, i < with->count ? &with->list[i] : &empty, &c, err)) {
			pfx_merge(to, &c);
			return true;
		}
		if (i == 0 && with->count > 0 && err->code != NTE_BAD_DATA &&
		    err->code != E_INVALIDARG)
			return false;
	}
	return false;
}

/* Neither armour nor base64, and so what can lie in these. */
static bool
read_der(struct view v, const struct passwords *with, struct pfx_content *to, struct err *err)
{
	switch (material_of(v)) {
	case MATERIAL_PFX:
		return read_pfx(v, with, to, err);
	case MATERIAL_PKCS8:
		return read_pkcs8(v, to, err);
	case MATERIAL_SEALED_PKCS8:
		return read_sealed(v, with, to, err);
	case MATERIAL_OLD_KEY:
		return read_old_key(v, to, err);
	case MATERIAL_CERTIFICATE:
		return read_certificate(v, to, err);
	case MATERIAL_PKCS7:
		return read_pkcs7(v, to, err);
	case MATERIAL_PVK:
		return read_pvk(v, with, to, err);
	case MATERIAL_BLOB:
		return read_blob(v, to, err);
	case MATERIAL_EPF:
		return err_set(err, ERROR_INVALID_DATA,
		    "an Entrust profile (*.epf), whose format is not published: export a PKCS#12 "
		    "file from Outlook or the Entrust client");
	case MATERIAL_JKS:
		return err_set(err, ERROR_INVALID_DATA,
		    "a Java key store: `keytool -importkeystore -deststoretype PKCS12` makes a "
		    "PKCS#12 file of it");
	default:
		return err_set(
		    err, ERROR_INVALID_DATA, "neither a key nor a certificate that dirca knows");
	}
}

static bool
read_base64(struct view text, const struct passwords *with, struct pfx_content *to, struct err *err)
{
	OWNED(buf_free_wiped) struct buf der = {0};

	return base64_decode(text, &der, err) && read_der(buf_view(&der), with, to, err);
}

static bool
read_any(struct view file, const struct passwords *with, struct pfx_content *to, struct err *err)
{
	OWNED(buf_free_wiped) struct buf hold = {0};
	struct view v;

	if (!plain_text(file, &hold, &v, err))
		return false;
	switch (material_of(v)) {
	case MATERIAL_PEM:
		return read_pem(v, with, to, err);
	case MATERIAL_BASE64:
		return read_base64(v, with, to, err);
	default:
		return read_der(v, with, to, err);
	}
}

bool
material_read(struct view bytes, const struct secret *passwords, size_t count,
    struct pfx_content *out, struct err *err)
{
	const struct passwords with = {passwords, count};
	OWNED(pfx_content_free) struct pfx_content c = {0};

	*out = c;
	if (bytes.len > MATERIAL_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", MATERIAL_MAX);
	if (!read_any(bytes, &with, &c, err))
		return false;
	ERR_clear_error();
	*out = c;
	c = (struct pfx_content){0};
	return true;
}
