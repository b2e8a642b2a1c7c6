#include "cms_enveloped.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "cms_der.h"

#define RSA_BYTES_MAX 1024
#define POINT_MAX     133 /* uncompressed, P-521 */

/* AlgorithmIdentifier whose parameters are another structure. Takes `params`. */
static bool
set_alg(X509_ALGOR *alg, int nid, ASN1_STRING *params, struct err *err)
{
	if (params != NULL && X509_ALGOR_set0(alg, OBJ_nid2obj(nid), V_ASN1_SEQUENCE, params) == 1)
		return true;
	ASN1_STRING_free(params);
	return err_nomem(err);
}

static ASN1_STRING *
encoded(const ASN1_ITEM *item, const void *value)
{
	return value != NULL ? ASN1_item_pack((void *)(uintptr_t)value, item, NULL) : NULL;
}

static X509_ALGOR *
plain_alg(int nid, int param_type)
{
	X509_ALGOR *alg = X509_ALGOR_new();

	if (alg != NULL && X509_ALGOR_set0(alg, OBJ_nid2obj(nid), param_type, NULL) != 1) {
		X509_ALGOR_free(alg);
		alg = NULL;
	}
	return alg;
}

/* RSAES-OAEP with SHA-256 for both hash and mask, no label (RFC 4055 4.1). */
static bool
set_oaep_alg(X509_ALGOR *alg, struct err *err)
{
	RSA_OAEP_PARAMS *p = RSA_OAEP_PARAMS_new();
	X509_ALGOR *md = plain_alg(NID_sha256, V_ASN1_NULL);
	bool ok = false;

	if (p == NULL || md == NULL || (p->maskGenFunc = X509_ALGOR_new()) == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!set_alg(p->maskGenFunc, NID_mgf1, encoded(ASN1_ITEM_rptr(X509_ALGOR), md), err))
		goto out;
	p->hashFunc = md;
	md = NULL;
	ok = set_alg(alg, NID_rsaesOaep, encoded(ASN1_ITEM_rptr(RSA_OAEP_PARAMS), p), err);
out:
	X509_ALGOR_free(md);
	RSA_OAEP_PARAMS_free(p);
	return ok;
}

static bool
set_issuer_serial(CMSW_ISSUER_SERIAL **field, const struct cms_kra *to, struct err *err)
{
	if ((*field = CMSW_ISSUER_SERIAL_new()) == NULL)
		return err_nomem(err);
	return der_string_set((*field)->issuer, to->issuer, err) && der_string_set((*field)->serial, to->serial, err);
}

static bool
rsa_encrypt(EVP_PKEY *key, bool oaep, struct view cek, uint8_t out[RSA_BYTES_MAX], size_t *len_out, struct err *err)
{
	const EVP_MD *md = cms_digest(NID_sha256);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = false;

	*len_out = RSA_BYTES_MAX;
	if (ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) == 1 &&
	    (!oaep || (EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1)) &&
	    EVP_PKEY_encrypt(ctx, out, len_out, cek.ptr, cek.len) == 1)
		ok = true;
	else
		err_openssl(err, DIRCA_E_CRYPTO, "the content key could not be encrypted to a recipient's RSA key");
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool
fill_key_trans(CMSW_KEY_TRANS *t, const struct cms_kra *to, bool oaep, struct view cek, struct err *err)
{
	uint8_t encrypted[RSA_BYTES_MAX];
	size_t len;

	t->version = 0;
	t->rid->type = CMSW_ID_ISSUER_SERIAL;
	if (!set_issuer_serial(&t->rid->d.issuer_serial, to, err) || !rsa_encrypt(to->key, oaep, cek, encrypted, &len, err))
		return false;
	if (oaep) {
		if (!set_oaep_alg(t->key_alg, err))
			return false;
	} else if (X509_ALGOR_set0(t->key_alg, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL) != 1) {
		return err_nomem(err);
	}
	return der_string_set(t->encrypted_key, view_of(encrypted, len), err);
}

static EVP_PKEY *
ephemeral_key(const EVP_PKEY *of_same_curve)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	char group[64];
	size_t len;

	if (ctx == NULL || EVP_PKEY_get_group_name(of_same_curve, group, sizeof group, &len) != 1 ||
	    EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_group_name(ctx, group) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool
set_originator(CMSW_ORIGINATOR *o, const EVP_PKEY *ephemeral, struct err *err)
{
	uint8_t point[POINT_MAX];
	size_t len = 0;

	o->type = CMSW_ORIGINATOR_IS_KEY;
	if ((o->d.key = CMSW_ORIGINATOR_KEY_new()) == NULL)
		return err_nomem(err);
	if (EVP_PKEY_get_octet_string_param(ephemeral, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point, &len) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the ephemeral public key could not be encoded");
	/* RFC 5753 3.1.1: no parameters, the curve is the recipient's. */
	if (X509_ALGOR_set0(o->d.key->alg, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_UNDEF, NULL) != 1)
		return err_nomem(err);
	o->d.key->key->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* all bits count, trailing zeros too */
	return der_string_set(o->d.key->key, view_of(point, len), err);
}

static bool
push_agreed_key(CMSW_KEY_AGREE *a, const struct cms_kra *to, struct view wrapped, struct err *err)
{
	CMSW_AGREED_KEY *k = CMSW_AGREED_KEY_new();
	bool ok = false;

	if (k == NULL) {
		err_nomem(err);
		goto out;
	}
	k->rid->type = CMSW_ID_ISSUER_SERIAL;
	if (!set_issuer_serial(&k->rid->d.issuer_serial, to, err) || !der_string_set(k->encrypted_key, wrapped, err))
		goto out;
	if (sk_CMSW_AGREED_KEY_push(a->keys, k) <= 0) {
		err_nomem(err);
		goto out;
	}
	k = NULL;
	ok = true;
out:
	CMSW_AGREED_KEY_free(k);
	return ok;
}

static bool
fill_key_agree(CMSW_KEY_AGREE *a, const struct cms_kra *to, struct view cek, struct err *err)
{
	const struct cms_wrap_alg *wrap = cms_wrap_alg_by_nid(NID_id_aes256_wrap);
	X509_ALGOR *wrap_alg = plain_alg(NID_id_aes256_wrap, V_ASN1_UNDEF);
	ASN1_STRING *wrap_der = encoded(ASN1_ITEM_rptr(X509_ALGOR), wrap_alg);
	EVP_PKEY *ephemeral = ephemeral_key(to->key);
	uint8_t kek[CMS_KEY_MAX], wrapped[CMS_KEY_MAX + 16];
	bool ok = false;
	size_t len;

	if (wrap == NULL || wrap_der == NULL || ephemeral == NULL) {
		err_openssl(err, DIRCA_E_CRYPTO, "an ephemeral key on a recipient's curve could not be made");
		goto out;
	}
	a->version = 3;
	if (!set_originator(a->originator, ephemeral, err) ||
	    !cms_agree_kek(ephemeral, to->key, cms_digest(NID_sha256), der_string(wrap_der), wrap, (struct view){0}, kek, err) ||
	    !cms_key_wrap(wrap, kek, true, cek, wrapped, &len, err) || !push_agreed_key(a, to, view_of(wrapped, len), err))
		goto out;
	ok = set_alg(a->key_alg, NID_dhSinglePass_stdDH_sha256kdf_scheme, wrap_der, err);
	wrap_der = NULL;
out:
	OPENSSL_cleanse(kek, sizeof kek);
	EVP_PKEY_free(ephemeral);
	ASN1_STRING_free(wrap_der);
	X509_ALGOR_free(wrap_alg);
	return ok;
}

static bool
fill_recipient(CMSW_RECIPIENT *r, const struct cms_kra *to, bool oaep, struct view cek, struct err *err)
{
	if (to->issuer.len == 0 || !der_is_serial(to->serial))
		return err_set(err, E_INVALIDARG, "a recipient has no issuer and serial number");
	if (EVP_PKEY_is_a(to->key, "RSA") && EVP_PKEY_get_size(to->key) <= RSA_BYTES_MAX) {
		r->type = CMSW_RECIPIENT_TRANS;
		if ((r->d.trans = CMSW_KEY_TRANS_new()) == NULL)
			return err_nomem(err);
		return fill_key_trans(r->d.trans, to, oaep, cek, err);
	}
	if (EVP_PKEY_is_a(to->key, "EC")) {
		r->type = CMSW_RECIPIENT_AGREE;
		if ((r->d.agree = CMSW_KEY_AGREE_new()) == NULL)
			return err_nomem(err);
		return fill_key_agree(r->d.agree, to, cek, err);
	}
	return err_set(err, NTE_BAD_ALGID, "a recipient's key is neither RSA of at most %d bits nor elliptic-curve", RSA_BYTES_MAX * 8);
}

static bool
push_recipient(CMSW_ENVELOPED_DATA *data, const struct cms_kra *to, bool oaep, struct view cek, struct err *err)
{
	CMSW_RECIPIENT *r = CMSW_RECIPIENT_new();
	ASN1_TYPE *t = ASN1_TYPE_new();
	ASN1_STRING *der = NULL;
	bool ok = false;

	if (r == NULL || t == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!fill_recipient(r, to, oaep, cek, err))
		goto out;
	if ((der = encoded(ASN1_ITEM_rptr(CMSW_RECIPIENT), r)) == NULL) {
		err_nomem(err);
		goto out;
	}
	if (r->type != CMSW_RECIPIENT_TRANS)
		data->version = 2; /* RFC 5652 6.1 */
	ASN1_TYPE_set(t, r->type == CMSW_RECIPIENT_TRANS ? V_ASN1_SEQUENCE : V_ASN1_OTHER, der);
	if (sk_ASN1_TYPE_push(data->recipients, t) <= 0) {
		err_nomem(err);
		goto out;
	}
	t = NULL;
	ok = true;
out:
	ASN1_TYPE_free(t);
	CMSW_RECIPIENT_free(r);
	return ok;
}

/* Fresh key and IV, the content under them. */
static bool
encrypt_content(const struct cms_content_alg *alg, struct view content, CMSW_ENCRYPTED_CONTENT *out,
    uint8_t cek[CMS_KEY_MAX], struct err *err)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[CMS_IV_MAX], *encrypted = NULL;
	ASN1_STRING *iv_string = NULL;
	int len = 0, rest = 0;
	bool ok = false;

	if (ctx == NULL || content.len > CMS_ENVELOPED_MAX ||
	    (encrypted = OPENSSL_malloc(content.len + alg->block_len)) == NULL ||
	    (out->content = ASN1_OCTET_STRING_new()) == NULL) {
		err_nomem(err);
		goto out;
	}
	/* EVP_CIPHER_CTX_rand_key sets the parity bits of a DES key, which some readers want. */
	if (EVP_EncryptInit_ex2(ctx, alg->cipher, NULL, NULL, NULL) != 1 || EVP_CIPHER_CTX_rand_key(ctx, cek) <= 0 ||
	    RAND_bytes(iv, (int)alg->block_len) != 1 || EVP_EncryptInit_ex2(ctx, NULL, cek, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, encrypted, &len, content.ptr, (int)content.len) != 1 ||
	    EVP_EncryptFinal_ex(ctx, encrypted + len, &rest) != 1) {
		err_openssl(err, DIRCA_E_CRYPTO, "%s encryption failed", alg->name);
		goto out;
	}
	ASN1_STRING_set0(out->content, encrypted, len + rest);
	encrypted = NULL;
	if ((iv_string = der_string_new(V_ASN1_OCTET_STRING, view_of(iv, alg->block_len))) == NULL ||
	    X509_ALGOR_set0(out->alg, OBJ_nid2obj(alg->nid), V_ASN1_OCTET_STRING, iv_string) != 1) {
		ASN1_STRING_free(iv_string);
		err_nomem(err);
		goto out;
	}
	ASN1_OBJECT_free(out->type);
	out->type = OBJ_nid2obj(NID_pkcs7_data);
	ok = true;
out:
	OPENSSL_free(encrypted);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

bool
cms_enveloped_seal(struct view content, const struct cms_kra *to, size_t count, enum cms_cipher cipher, bool oaep,
    struct buf *out, struct err *err)
{
	const struct cms_content_alg *alg = cms_content_alg(cipher);
	CMSW_ENVELOPED *m = NULL;
	uint8_t cek[CMS_KEY_MAX];
	bool ok = false;

	*out = (struct buf){0};
	if (alg == NULL)
		return err_set(err, NTE_BAD_ALGID, "the content cipher %d is not available", (int)cipher);
	if (count == 0 || count > CMS_RECIPIENTS_MAX)
		return err_set(err, E_INVALIDARG, "a message can go to 1 to %d recipients, not to %zu", CMS_RECIPIENTS_MAX, count);
	if ((m = CMSW_ENVELOPED_new()) == NULL) {
		err_nomem(err);
		goto out;
	}
	m->type = OBJ_nid2obj(NID_pkcs7_enveloped);
	if (!encrypt_content(alg, content, m->data->content, cek, err))
		goto out;
	for (size_t i = 0; i < count; i++)
		if (!push_recipient(m->data, &to[i], oaep, view_of(cek, alg->key_len), err)) {
			err_prefix(err, "recipient %zu of %zu", i + 1, count);
			goto out;
		}
	ok = der_encode(ASN1_ITEM_rptr(CMSW_ENVELOPED), m, "the enveloped message", out, err);
out:
	OPENSSL_cleanse(cek, sizeof cek);
	CMSW_ENVELOPED_free(m);
	return ok;
}
