/*
 * Opening an EnvelopedData. Whatever an attacker can vary in a message that he caught (the
 * encrypted key, the encrypted content) fails with one code and one sentence, after the same work:
 * a decryption error must not tell which part was wrong (RFC 3218, RFC 8017 7.2.2).
 */
#include "cms_enveloped.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "der.h"

#define RSA_BYTES_MAX 1024 /* 8192 bits */

static bool
set_padding(EVP_PKEY_CTX *ctx, const X509_ALGOR *alg, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	int type;

	X509_ALGOR_get0(&oid, &type, &param, alg);
	if (OBJ_obj2nid(oid) == NID_rsaesOaep)
		return cms_oaep_read(ctx, type, param, err);
	if (OBJ_obj2nid(oid) != NID_rsaEncryption)
		return err_set(err, NTE_BAD_ALGID,
		    "the content key is transported by another algorithm than RSA");
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "RSA could not be set up");
	return true;
}

struct keys {
	uint8_t em[RSA_BYTES_MAX], other[CMS_KEY_MAX];
};

static void
keys_wipe(struct keys *k)
{
	OPENSSL_cleanse(k, sizeof *k);
}

/* Gives the content key, or a random one of its length and *right false: the caller goes on either
 * way. */
static bool
transported_key(const CMSW_KEY_TRANS *wire, EVP_PKEY *key, size_t key_len, uint8_t cek[CMS_KEY_MAX],
    bool *right, struct err *err)
{
	struct view encrypted = der_string(wire->encrypted_key);
	OWNED(keys_wipe) struct keys k = {0};
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = NULL;
	size_t len = sizeof k.em;

	*right = false;
	if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_size(key) > RSA_BYTES_MAX)
		return err_set(err, NTE_BAD_ALGID,
		    "the recipient's key is not an RSA key of at most %d bits", RSA_BYTES_MAX * 8);
	if ((ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) == NULL ||
	    EVP_PKEY_decrypt_init(ctx) != 1 || RAND_priv_bytes(k.other, (int)sizeof k.other) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "RSA decryption could not be set up");
	if (!set_padding(ctx, wire->key_alg, err))
		return false;
	*right = (EVP_PKEY_decrypt(ctx, k.em, &len, encrypted.ptr, encrypted.len) == 1) &
		 (len == key_len);
	cms_key_choose(cek, k.em, k.other, key_len, *right);
	ERR_clear_error();
	return true;
}

/* Length of PKCS#7 padding in the last block, 0 if it is none; looks at every byte whatever it
 * finds. */
static size_t
padding_len(const uint8_t *last, size_t block_len)
{
	unsigned pad = last[block_len - 1],
		 wrong = (unsigned)(pad == 0) | (unsigned)(pad > block_len);

	for (size_t i = 0; i < block_len; i++)
		wrong |= (0 - (unsigned)(i < pad)) & (last[block_len - 1 - i] ^ pad);
	return wrong == 0 ? pad : 0;
}

/* What a tag authenticates; `right` as above, though a random key has no tag that fits. */
static bool
decrypt_gcm(const struct cms_enveloped_wire *w, EVP_CIPHER_CTX *ctx, bool right,
    struct secret *plain, struct err *err)
{
	int len = 0, rest = 0;

	if (EVP_DecryptUpdate(ctx, plain->ptr, &len, w->ciphertext.ptr, (int)w->ciphertext.len) !=
		1 ||
	    (size_t)len != plain->len ||
	    EVP_CIPHER_CTX_ctrl(
		ctx, EVP_CTRL_AEAD_SET_TAG, (int)w->tag.len, (void *)(uintptr_t)w->tag.ptr) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "%s decryption failed", w->alg->name);
	return (EVP_DecryptFinal_ex(ctx, plain->ptr + len, &rest) == 1 && right) ||
	       cms_bad_data(err);
}

static bool
decrypt_cbc(const struct cms_enveloped_wire *w, EVP_CIPHER_CTX *ctx, bool right,
    struct secret *plain, struct err *err)
{
	int len = 0;
	size_t pad;

	if (EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_DecryptUpdate(ctx, plain->ptr, &len, w->ciphertext.ptr, (int)w->ciphertext.len) !=
		1 ||
	    (size_t)len != plain->len)
		return err_openssl(err, DIRCA_E_CRYPTO, "%s decryption failed", w->alg->name);
	pad = padding_len(plain->ptr + plain->len - w->alg->block_len, w->alg->block_len);
	if (pad == 0 || !right)
		return cms_bad_data(err);
	secret_shrink(plain, plain->len - pad);
	return true;
}

bool
cms_content_open(const struct cms_enveloped *e, const uint8_t *cek, bool right, struct secret *out,
    struct err *err)
{
	const struct cms_enveloped_wire *w = e->wire;
	OWNED(own_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	OWNED(secret_free) struct secret plain = {0};

	if (!secret_alloc(w->ciphertext.len, &plain, err))
		return false;
	if (ctx == NULL || EVP_DecryptInit_ex2(ctx, w->alg->cipher, cek, w->iv.ptr, NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "%s decryption failed", w->alg->name);
	if (!(w->tag.len > 0 ? decrypt_gcm(w, ctx, right, &plain, err)
			     : decrypt_cbc(w, ctx, right, &plain, err)))
		return false;
	*out = plain;
	plain = (struct secret){0};
	return true;
}

bool
cms_recipient_key(const struct cms_enveloped *e, size_t index, EVP_PKEY *key,
    uint8_t cek[CMS_KEY_MAX], bool *right, struct err *err)
{
	const struct cms_recipient *r;

	if (index >= e->count)
		return err_set(
		    err, CRYPT_E_NO_DECRYPT_CERT, "the message has no recipient %zu", index);
	r = &e->recipients[index];
	if (r->wire->type == CMSW_RECIPIENT_TRANS)
		return transported_key(
		    r->wire->d.trans, key, e->wire->alg->key_len, cek, right, err);
	if (r->wire->type == CMSW_RECIPIENT_AGREE)
		return cms_agreed_key(
		    r->wire->d.agree, r->member, key, e->wire->alg->key_len, cek, right, err);
	return err_set(err, NTE_BAD_ALGID,
	    "recipient %zu is named neither by key transport nor by key agreement", index);
}

bool
cms_enveloped_open(const struct cms_enveloped *e, size_t index, EVP_PKEY *key,
    struct secret *content_out, struct err *err)
{
	uint8_t cek[CMS_KEY_MAX];
	bool right = true, ok;

	*content_out = (struct secret){0};
	if (e->threshold > 1)
		return err_set(err, DIRCA_E_KEY_SHARE,
		    "%zu of %zu recipients open the message together, and none alone", e->threshold,
		    e->count);
	ok = cms_recipient_key(e, index, key, cek, &right, err) &&
	     cms_content_open(e, cek, right, content_out, err);
	OPENSSL_cleanse(cek, sizeof cek);
	return ok;
}
