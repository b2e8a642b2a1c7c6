/*
 * Key records of a Dogtag or FreeIPA KRA, as an LDIF export of its directory has them
 * (ou=keyRepository,ou=kra; dogtagpki/pki, StorageKeyUnit.java and KeyRecord.java). privateKeyData
 * is SEQUENCE { encryptedSession, encryptedPrivate }, OCTET STRINGs: a session key encrypted to the
 * storage certificate, and PrivateKeyInfo encrypted with it, as metaInfo says; without it, as
 * versions before 10.4 did. A record has no certificate.
 */
#include "escrow_priv.h"

#include <string.h>
#include <strings.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "der.h"
#include "dir_ldif.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkcs8.h"
#include "text.h"

#define SOURCE      "Dogtag KRA"
#define SESSION_MAX 32

bool
escrow_is_dogtag(struct view file)
{
	static const char mark[] = "privateKeyData:";

	return file.len > 4 && memmem(file.ptr, file.len, mark, sizeof mark - 1) != NULL;
}

/* ---- how it is encrypted ---- */

struct wrapping {
	const char *cipher; /* of EVP_CIPHER_fetch */
	bool wraps;         /* AES key wrap with padding */
	bool oaep;
	size_t key_len;
	uint8_t iv[16];
};

/* Value of "name:value" in metaInfo. */
static const char *
meta(const struct dir_entry *e, const char *name, char *to, size_t size)
{
	const struct dir_attr *a = dir_entry_attr(e, "metaInfo");
	size_t n = strlen(name);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		struct view v = buf_view(&a->values[i]);

		if (v.len > n + 1 && v.len - n - 1 < size && memcmp(v.ptr, name, n) == 0 &&
		    v.ptr[n] == ':') {
			memcpy(to, v.ptr + n + 1, v.len - n - 1);
			to[v.len - n - 1] = '\0';
			return to;
		}
	}
	return NULL;
}

static bool
read_iv(const struct dir_entry *e, const char *name, struct wrapping *w, struct err *err)
{
	OWNED(buf_free) struct buf iv = {0};
	char text[64];

	if (meta(e, name, text, sizeof text) == NULL)
		return true;
	if (!base64_decode(view_str(text), &iv, err) || iv.len > sizeof w->iv)
		return err_set(err, ERROR_INVALID_DATA, "%s is no IV", name);
	memcpy(w->iv, iv.ptr, iv.len);
	return true;
}

/* Of before there was metaInfo: a fixed IV. */
static void
set_legacy(struct wrapping *w)
{
	*w = (struct wrapping){.cipher = "DES-EDE3-CBC", .key_len = 24};
	memset(w->iv, 1, 8);
}

static bool
read_aes(const struct dir_entry *e, struct wrapping *w, struct err *err)
{
	char text[64], encrypted[8];
	const char *wrap = meta(e, "payloadWrapAlgorithm", text, sizeof text);
	int64_t bits = 128;
	char length[8];

	if (meta(e, "sessionKeyLength", length, sizeof length) != NULL &&
	    (!text_to_int(length, 128, 256, &bits) || bits % 64 != 0))
		return err_set(err, ERROR_INVALID_DATA, "sessionKeyLength is none of AES");
	w->key_len = (size_t)bits / 8;
	w->wraps = wrap != NULL && strncasecmp(wrap, "AES KeyWrap", 11) == 0 &&
		   !(meta(e, "payloadEncrypted", encrypted, sizeof encrypted) != NULL &&
		       strcasecmp(encrypted, "true") == 0);
	if (w->wraps)
		w->cipher = bits == 128   ? "AES-128-WRAP-PAD"
			    : bits == 192 ? "AES-192-WRAP-PAD"
					  : "AES-256-WRAP-PAD";
	else
		w->cipher = bits == 128   ? "AES-128-CBC"
			    : bits == 192 ? "AES-192-CBC"
					  : "AES-256-CBC";
	return w->wraps || read_iv(e, "payloadEncryptionIV", w, err);
}

static bool
read_wrapping(const struct dir_entry *e, struct wrapping *w, struct err *err)
{
	char type[32], wrap[32];

	set_legacy(w);
	if (meta(e, "sessionKeyType", type, sizeof type) == NULL)
		return true;
	w->oaep = meta(e, "sessionKeyWrapAlgorithm", wrap, sizeof wrap) != NULL &&
		  strstr(wrap, "OAEP") != NULL;
	if (strncasecmp(type, "AES", 3) == 0)
		return read_aes(e, w, err);
	if (strncasecmp(type, "DES", 3) != 0)
		return err_set(err, NTE_BAD_ALGID, "session keys of type %s are not read", type);
	return read_iv(e, "payloadWrapIV", w, err);
}

/* ---- opening ---- */

static bool
decrypt_session(EVP_PKEY *storage, const struct wrapping *w, struct view in,
    uint8_t session[SESSION_MAX], struct err *err)
{
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, storage, NULL);
	OWNED(secret_free) struct secret out = {0};
	size_t len = (size_t)EVP_PKEY_get_size(storage);

	if (!EVP_PKEY_is_a(storage, "RSA") || !secret_alloc(len, &out, err))
		return err_set(err, NTE_BAD_ALGID, "the storage key of a KRA is an RSA key");
	if (ctx == NULL || EVP_PKEY_decrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(
		ctx, w->oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_decrypt(ctx, out.ptr, &len, in.ptr, in.len) != 1 || len != w->key_len) {
		ERR_clear_error();
		return err_set(err, CRYPT_E_NO_DECRYPT_CERT,
		    "the key record is not encrypted to a storage key that is given (--opener)");
	}
	memcpy(session, out.ptr, len);
	return true;
}

static bool
decrypt_payload(const struct wrapping *w, const uint8_t session[SESSION_MAX], struct view in,
    struct secret *out, struct err *err)
{
	OWNED(own_cipher) EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, w->cipher, NULL);
	OWNED(own_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int first = 0, last = 0;

	if (cipher == NULL || ctx == NULL || in.len > INT32_MAX - 64 ||
	    !secret_alloc(in.len + 64, out, err))
		return err_openssl(err, DIRCA_E_CRYPTO, "opening a key record");
	if (w->wraps)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_DecryptInit_ex2(ctx, cipher, session, w->wraps ? NULL : w->iv, NULL) != 1 ||
	    EVP_DecryptUpdate(ctx, out->ptr, &first, in.ptr, (int)in.len) != 1 ||
	    EVP_DecryptFinal_ex(ctx, out->ptr + first, &last) != 1 || first + last <= 0) {
		ERR_clear_error();
		return err_set(err, NTE_BAD_DATA, "the private key of a record cannot be opened");
	}
	secret_shrink(out, (size_t)(first + last));
	return true;
}

static bool
read_pkcs8(const struct secret *der, EVP_PKEY **out, struct err *err)
{
	const unsigned char *p = der->ptr;
	OWNED(own_pkcs8)
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der->len);
	bool ok = info != NULL && pkcs8_key(info, out, err);

	ERR_clear_error();
	return ok || err_set(err, NTE_BAD_DATA, "what is in a record is no private key (PKCS#8)");
}

/* SEQUENCE { OCTET STRING, OCTET STRING } */
static bool
split(struct view der, struct view *session, struct view *payload, struct err *err)
{
	const unsigned char *p = der.ptr;
	long len;
	int tag, class;
	struct view parts[2];

	if ((der_head(&p, &len, &tag, &class, der.len) & 0x80) != 0 || tag != V_ASN1_SEQUENCE ||
	    p + len != der.ptr + der.len)
		return err_set(err, ERROR_INVALID_DATA, "privateKeyData is no SEQUENCE");
	for (int i = 0; i < 2; i++) {
		if ((der_head(&p, &len, &tag, &class, (size_t)(der.ptr + der.len - p)) & 0x80) !=
			0 ||
		    tag != V_ASN1_OCTET_STRING)
			return err_set(
			    err, ERROR_INVALID_DATA, "privateKeyData is not two OCTET STRINGs");
		parts[i] = view_of(p, (size_t)len);
		p += len;
	}
	*session = parts[0];
	*payload = parts[1];
	return p == der.ptr + der.len ||
	       err_set(err, ERROR_INVALID_DATA, "privateKeyData has more than two parts");
}

/* With PKCS #1 v1.5 another key may seem to open the session key, and gives some octets. */
static bool
open_with(EVP_PKEY *storage, const struct wrapping *w, struct view session, struct view payload,
    EVP_PKEY **out, struct err *err)
{
	OWNED(secret_free) struct secret plain = {0};
	uint8_t key[SESSION_MAX];
	bool ok = decrypt_session(storage, w, session, key, err) &&
		  decrypt_payload(w, key, payload, &plain, err) && read_pkcs8(&plain, out, err);

	OPENSSL_cleanse(key, sizeof key);
	return ok;
}

static bool
open_record(const struct dir_entry *e, const struct escrow_with *with, struct view data,
    EVP_PKEY **out, struct err *err)
{
	struct view session, payload;
	struct wrapping w;
	bool ok = false;

	if (!read_wrapping(e, &w, err) || !split(data, &session, &payload, err))
		return false;
	err_set(err, CRYPT_E_NO_DECRYPT_CERT,
	    "key records of Dogtag are opened with the KRA's storage key: --opener");
	for (size_t i = 0; !ok && with->openers != NULL && i < with->openers->key_count; i++)
		ok = open_with(with->openers->keys[i].key, &w, session, payload, out, err);
	return ok;
}

/* ---- records ---- */

/* The account, where ownerName is the DN of one attribute: "UID=user1". NULL: it says no account.
 */
static const char *
account_of(const char *owner)
{
	return owner != NULL && strncasecmp(owner, "UID=", 4) == 0 &&
		       strpbrk(owner, ",+\\\"") == NULL
		   ? owner + 4
		   : NULL;
}

static bool
add_record(const struct dir_entry *e, const struct escrow_with *with, struct escrow_items *out,
    struct err *err)
{
	const struct dir_attr *data = dir_entry_attr(e, "privateKeyData");
	OWNED(own_memory) char *owner = NULL;
	EVP_PKEY *key = NULL;
	struct err why;

	if (data == NULL)
		return true;
	if (data->count != 1) {
		texts_take(
		    &out->problems, text_printf("%s: a key record has one privateKeyData", e->dn));
		return true;
	}
	if (dir_entry_text(e, "ownerName", &owner, err) == DIR_GET_FAILED)
		return false;
	if (!open_record(e, with, buf_view(&data->values[0]), &key, &why)) {
		texts_take(&out->problems, text_printf("%s: %s", e->dn, why.msg));
		return true;
	}
	return escrow_add_alone(with, key, e->dn, account_of(owner), SOURCE, out, err);
}

bool
escrow_read_dogtag(
    struct view file, const struct escrow_with *with, struct escrow_items *out, struct err *err)
{
	OWNED(ldif_free) struct ldif ldif = {0};

	if (!ldif_parse(file, &ldif, err))
		return false;
	for (size_t i = 0; i < ldif.count; i++)
		if (ldif.list[i].kind == LDIF_ADD &&
		    !add_record(&ldif.list[i].entry, with, out, err))
			return false;
	return true;
}
