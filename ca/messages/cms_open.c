/*
 * Opening an EnvelopedData. Whatever an attacker can vary in a message that he caught (the encrypted key, the encrypted content) fails with one
 * code and one sentence, after the same work: a decryption error must not tell which part was wrong (RFC 3218, RFC 8017 7.2.2).
 */
#include "cms_enveloped.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "cms_der.h"

#define RSA_BYTES_MAX 1024 /* 8192 bits */

static bool
bad_data(struct err *err)
{
	ERR_clear_error();
	return err_set(err, NTE_BAD_DATA, "the enveloped message does not open with this key, or it is damaged");
}

static bool
digest_of(const X509_ALGOR *alg, const EVP_MD **out, struct err *err)
{
	const ASN1_OBJECT *oid;

	*out = cms_digest(NID_sha1); /* the default of RSAES-OAEP-params */
	if (alg != NULL) {
		X509_ALGOR_get0(&oid, NULL, NULL, alg);
		*out = cms_digest(OBJ_obj2nid(oid));
	}
	if (*out == NULL)
		return err_set(err, NTE_BAD_ALGID, "the digest of RSA-OAEP is not known");
	return true;
}

static bool
mgf1_digest_of(const X509_ALGOR *mgf, const EVP_MD **out, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	void *inner = NULL;
	int type;
	bool ok;

	if (mgf == NULL)
		return digest_of(NULL, out, err);
	X509_ALGOR_get0(&oid, &type, &param, mgf);
	if (OBJ_obj2nid(oid) != NID_mgf1 || type != V_ASN1_SEQUENCE)
		return err_set(err, NTE_BAD_ALGID, "RSA-OAEP with another mask than MGF1 is not known");
	ok = der_decode(ASN1_ITEM_rptr(X509_ALGOR), der_string(param), 256, "the digest of MGF1", &inner, err) &&
	    digest_of(inner, out, err);
	X509_ALGOR_free(inner);
	return ok;
}

static bool
set_label(EVP_PKEY_CTX *ctx, const X509_ALGOR *source, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	struct view label;
	void *copy;
	int type;

	if (source == NULL)
		return true;
	X509_ALGOR_get0(&oid, &type, &param, source);
	if (OBJ_obj2nid(oid) != NID_pSpecified || type != V_ASN1_OCTET_STRING)
		return err_set(err, NTE_BAD_ALGID, "the label of RSA-OAEP is not given as pSpecified");
	label = der_string(param);
	if (label.len == 0)
		return true;
	if ((copy = OPENSSL_memdup(label.ptr, label.len)) == NULL)
		return err_nomem(err);
	if (EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label.len) != 1) {
		OPENSSL_free(copy);
		return err_openssl(err, DIRCA_E_CRYPTO, "the label of RSA-OAEP could not be set");
	}
	return true;
}

/* RFC 4055 4.1 */
static bool
set_oaep(EVP_PKEY_CTX *ctx, int param_type, const void *param, struct err *err)
{
	const EVP_MD *md, *mgf1_md;
	RSA_OAEP_PARAMS *p;
	void *wire = NULL;
	bool ok = false;

	if (param_type != V_ASN1_SEQUENCE)
		return err_set(err, NTE_BAD_ALGID, "RSA-OAEP without parameters is not known");
	if (!der_decode(ASN1_ITEM_rptr(RSA_OAEP_PARAMS), der_string(param), 4096, "the RSA-OAEP parameters", &wire, err))
		return false;
	p = wire;
	if (!digest_of(p->hashFunc, &md, err) || !mgf1_digest_of(p->maskGenFunc, &mgf1_md, err))
		goto out;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mgf1_md) != 1) {
		err_openssl(err, DIRCA_E_CRYPTO, "RSA-OAEP could not be set up");
		goto out;
	}
	ok = set_label(ctx, p->pSourceFunc, err);
out:
	RSA_OAEP_PARAMS_free(p);
	return ok;
}

static bool
set_padding(EVP_PKEY_CTX *ctx, const X509_ALGOR *alg, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	int type;

	X509_ALGOR_get0(&oid, &type, &param, alg);
	if (OBJ_obj2nid(oid) == NID_rsaesOaep)
		return set_oaep(ctx, type, param, err);
	if (OBJ_obj2nid(oid) != NID_rsaEncryption)
		return err_set(err, NTE_BAD_ALGID, "the content key is transported by another algorithm than RSA");
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "RSA could not be set up");
	return true;
}

/* Gives the content key, or a random one of its length and *right false: the caller goes on either way. */
static bool
transported_key(const CMSW_KEY_TRANS *wire, EVP_PKEY *key, size_t key_len, uint8_t cek[CMS_KEY_MAX], bool *right,
    struct err *err)
{
	struct view encrypted = der_string(wire->encrypted_key);
	uint8_t em[RSA_BYTES_MAX], other[CMS_KEY_MAX], take;
	EVP_PKEY_CTX *ctx = NULL;
	size_t len = sizeof em;
	bool ok = false;

	*right = false;
	memset(em, 0, sizeof em);
	if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_size(key) > RSA_BYTES_MAX) {
		err_set(err, NTE_BAD_ALGID, "the recipient's key is not an RSA key of at most %d bits", RSA_BYTES_MAX * 8);
		goto out;
	}
	if ((ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) == NULL || EVP_PKEY_decrypt_init(ctx) != 1 ||
	    RAND_priv_bytes(other, (int)sizeof other) != 1) {
		err_openssl(err, DIRCA_E_CRYPTO, "RSA decryption could not be set up");
		goto out;
	}
	if (!set_padding(ctx, wire->key_alg, err))
		goto out;
	*right = (EVP_PKEY_decrypt(ctx, em, &len, encrypted.ptr, encrypted.len) == 1) & (len == key_len);
	take = (uint8_t)(0 - (unsigned)*right);
	for (size_t i = 0; i < key_len; i++)
		cek[i] = (uint8_t)((em[i] & take) | (other[i] & ~take));
	ERR_clear_error();
	ok = true;
out:
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_cleanse(em, sizeof em);
	OPENSSL_cleanse(other, sizeof other);
	return ok;
}

/* The ephemeral public key, which is a point on the curve of the recipient's key (RFC 5753 3.1.1). */
static bool
originator_key(const CMSW_ORIGINATOR *wire, EVP_PKEY *own, EVP_PKEY **out, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	struct view point;
	char group[64];
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *ctx = NULL;
	size_t group_len;
	int type;

	*out = NULL;
	if (wire->type != CMSW_ORIGINATOR_IS_KEY)
		return err_set(err, NTE_BAD_ALGID, "key agreement with a certified originator key is not known");
	X509_ALGOR_get0(&oid, &type, &param, wire->d.key->alg);
	if (!EVP_PKEY_is_a(own, "EC") || EVP_PKEY_get_group_name(own, group, sizeof group, &group_len) != 1 ||
	    OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey)
		return err_set(err, NTE_BAD_ALGID, "the content key needs an elliptic-curve key to be opened");
	if (type == V_ASN1_OBJECT && OBJ_obj2nid(param) != OBJ_txt2nid(group))
		return bad_data(err);
	point = der_string(wire->d.key->key);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.ptr, point.len);
	params[2] = OSSL_PARAM_construct_end();
	if ((ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL)) == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) != 1)
		bad_data(err);
	EVP_PKEY_CTX_free(ctx);
	return *out != NULL;
}

static bool
wrap_alg_of(const X509_ALGOR *key_alg, const EVP_MD **md_out, struct view *der_out, const struct cms_wrap_alg **out,
    struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	void *wire = NULL;
	int type;

	X509_ALGOR_get0(&oid, &type, &param, key_alg);
	if ((*md_out = cms_kdf_digest(OBJ_obj2nid(oid))) == NULL || type != V_ASN1_SEQUENCE)
		return err_set(err, NTE_BAD_ALGID, "the key agreement is not dhSinglePass-stdDH with SHA-1, SHA-256, SHA-384 or SHA-512");
	*der_out = der_string(param);
	if (!der_decode(ASN1_ITEM_rptr(X509_ALGOR), *der_out, 256, "the key wrap algorithm", &wire, err))
		return false;
	X509_ALGOR_get0(&oid, NULL, NULL, wire);
	*out = cms_wrap_alg_by_nid(OBJ_obj2nid(oid));
	X509_ALGOR_free(wire);
	if (*out == NULL)
		return err_set(err, NTE_BAD_ALGID, "the content key is wrapped by another algorithm than AES and 3DES key wrap");
	return true;
}

static bool
agreed_key(const CMSW_KEY_AGREE *wire, size_t member, EVP_PKEY *key, size_t key_len, uint8_t cek[CMS_KEY_MAX],
    struct err *err)
{
	struct view wrapped = der_string(sk_CMSW_AGREED_KEY_value(wire->keys, (int)member)->encrypted_key), wrap_der;
	uint8_t kek[CMS_KEY_MAX], plain[2 * CMS_KEY_MAX + 16];
	const struct cms_wrap_alg *wrap;
	const EVP_MD *md;
	EVP_PKEY *peer = NULL;
	size_t len = 0;
	bool ok = false;

	if (!wrap_alg_of(wire->key_alg, &md, &wrap_der, &wrap, err) ||
	    !originator_key(wire->originator, key, &peer, err))
		goto out;
	/* A view with a pointer is a ukm that is there, be it empty. */
	if (wrapped.len > (size_t)2 * CMS_KEY_MAX ||
	    !cms_agree_kek(key, peer, md, wrap_der, wrap, der_string(wire->ukm), kek, err) ||
	    !cms_key_wrap(wrap, kek, false, wrapped, plain, &len, err) || len != key_len) {
		bad_data(err);
		goto out;
	}
	memcpy(cek, plain, key_len);
	ok = true;
out:
	EVP_PKEY_free(peer);
	OPENSSL_cleanse(kek, sizeof kek);
	OPENSSL_cleanse(plain, sizeof plain);
	return ok;
}

/* Length of PKCS#7 padding in the last block, 0 if it is none; looks at every byte whatever it finds. */
static size_t
padding_len(const uint8_t *last, size_t block_len)
{
	unsigned pad = last[block_len - 1], wrong = (unsigned)(pad == 0) | (unsigned)(pad > block_len);

	for (size_t i = 0; i < block_len; i++)
		wrong |= (0 - (unsigned)(i < pad)) & (last[block_len - 1 - i] ^ pad);
	return wrong == 0 ? pad : 0;
}

static bool
decrypt_content(const struct cms_enveloped_wire *w, const uint8_t *cek, bool right, struct secret *out, struct err *err)
{
	EVP_CIPHER_CTX *ctx = NULL;
	struct secret plain = {0};
	size_t pad;
	bool ok = false;
	int len = 0;

	if (!secret_alloc(w->ciphertext.len, &plain, err))
		goto out;
	if ((ctx = EVP_CIPHER_CTX_new()) == NULL || EVP_DecryptInit_ex2(ctx, w->alg->cipher, cek, w->iv.ptr, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_DecryptUpdate(ctx, plain.ptr, &len, w->ciphertext.ptr, (int)w->ciphertext.len) != 1 ||
	    (size_t)len != plain.len) {
		err_openssl(err, DIRCA_E_CRYPTO, "%s decryption failed", w->alg->name);
		goto out;
	}
	pad = padding_len(plain.ptr + plain.len - w->alg->block_len, w->alg->block_len);
	if (pad == 0 || !right) {
		bad_data(err);
		goto out;
	}
	secret_shrink(&plain, plain.len - pad);
	*out = plain;
	plain = (struct secret){0};
	ok = true;
out:
	EVP_CIPHER_CTX_free(ctx);
	secret_free(&plain);
	return ok;
}

bool
cms_enveloped_open(const struct cms_enveloped *e, size_t index, EVP_PKEY *key, struct secret *content_out,
    struct err *err)
{
	const struct cms_recipient *r;
	uint8_t cek[CMS_KEY_MAX];
	bool right = true, ok = false;

	*content_out = (struct secret){0};
	if (index >= e->count)
		return err_set(err, CRYPT_E_NO_DECRYPT_CERT, "the message has no recipient %zu", index);
	r = &e->recipients[index];
	if (r->wire->type == CMSW_RECIPIENT_TRANS)
		ok = transported_key(r->wire->d.trans, key, e->wire->alg->key_len, cek, &right, err);
	else if (r->wire->type == CMSW_RECIPIENT_AGREE)
		ok = agreed_key(r->wire->d.agree, r->member, key, e->wire->alg->key_len, cek, err);
	else
		err_set(err, NTE_BAD_ALGID, "recipient %zu is named neither by key transport nor by key agreement", index);
	ok = ok && decrypt_content(e->wire, cek, right, content_out, err);
	OPENSSL_cleanse(cek, sizeof cek);
	return ok;
}
