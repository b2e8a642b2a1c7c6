#include "cms_enveloped.h"

#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "der.h"

#define RSA_BYTES_MAX 1024

static bool
rsa_encrypt(EVP_PKEY *key, bool oaep, struct view cek, uint8_t out[RSA_BYTES_MAX], size_t *len_out,
    struct err *err)
{
	const EVP_MD *md = cms_digest(NID_sha256);
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	*len_out = RSA_BYTES_MAX;
	return (ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
		   EVP_PKEY_CTX_set_rsa_padding(
		       ctx, oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) == 1 &&
		   (!oaep || (EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 &&
				 EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1)) &&
		   EVP_PKEY_encrypt(ctx, out, len_out, cek.ptr, cek.len) == 1) ||
	       err_openssl(err, DIRCA_E_CRYPTO,
		   "the content key could not be encrypted to a recipient's RSA key");
}

static bool
fill_key_trans(
    CMSW_KEY_TRANS *t, const struct cms_kra *to, bool oaep, struct view cek, struct err *err)
{
	uint8_t encrypted[RSA_BYTES_MAX];
	size_t len;

	t->version = 0;
	t->rid->type = CMSW_ID_ISSUER_SERIAL;
	if (!cms_recipient_name(&t->rid->d.issuer_serial, to, err) ||
	    !rsa_encrypt(to->key, oaep, cek, encrypted, &len, err))
		return false;
	if (oaep) {
		if (!cms_oaep_write(t->key_alg, err))
			return false;
	} else if (X509_ALGOR_set0(t->key_alg, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL) !=
		   1) {
		return err_nomem(err);
	}
	return der_string_set(t->encrypted_key, view_of(encrypted, len), err);
}

static bool
fill_recipient(
    CMSW_RECIPIENT *r, const struct cms_kra *to, bool oaep, struct view cek, struct err *err)
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
		return cms_key_agree_fill(r->d.agree, to, cek, err);
	}
	return err_set(err, NTE_BAD_ALGID,
	    "a recipient's key is neither RSA of at most %d bits nor elliptic-curve",
	    RSA_BYTES_MAX * 8);
}

static bool
push_recipient(CMSW_ENVELOPED_DATA *data, const struct cms_kra *to, bool oaep, struct view cek,
    struct err *err)
{
	OWNED(own_cmsw_recipient) CMSW_RECIPIENT *r = CMSW_RECIPIENT_new();
	OWNED(own_asn1_type) ASN1_TYPE *t = ASN1_TYPE_new();
	ASN1_STRING *der = NULL;

	if (r == NULL || t == NULL)
		return err_nomem(err);
	if (!fill_recipient(r, to, oaep, cek, err))
		return false;
	if ((der = der_pack(ASN1_ITEM_rptr(CMSW_RECIPIENT), r)) == NULL)
		return err_nomem(err);
	if (r->type != CMSW_RECIPIENT_TRANS)
		data->version = 2; /* RFC 5652 6.1 */
	ASN1_TYPE_set(t, r->type == CMSW_RECIPIENT_TRANS ? V_ASN1_SEQUENCE : V_ASN1_OTHER, der);
	if (sk_ASN1_TYPE_push(data->recipients, t) <= 0)
		return err_nomem(err);
	t = NULL;
	return true;
}

/* Fresh key and IV, the content under them. */
static bool
encrypt_content(const struct cms_content_alg *alg, struct view content, CMSW_ENCRYPTED_CONTENT *out,
    uint8_t cek[CMS_KEY_MAX], struct err *err)
{
	OWNED(own_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	OWNED(own_octets) uint8_t *encrypted = NULL;
	uint8_t iv[CMS_IV_MAX];
	ASN1_STRING *iv_string = NULL;
	int len = 0, rest = 0;

	if (ctx == NULL || content.len > CMS_ENVELOPED_MAX ||
	    (encrypted = OPENSSL_malloc(content.len + alg->block_len)) == NULL ||
	    (out->content = ASN1_OCTET_STRING_new()) == NULL)
		return err_nomem(err);
	/* EVP_CIPHER_CTX_rand_key sets the parity bits of a DES key, which some readers want. */
	if (EVP_EncryptInit_ex2(ctx, alg->cipher, NULL, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_rand_key(ctx, cek) <= 0 || RAND_bytes(iv, (int)alg->block_len) != 1 ||
	    EVP_EncryptInit_ex2(ctx, NULL, cek, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, encrypted, &len, content.ptr, (int)content.len) != 1 ||
	    EVP_EncryptFinal_ex(ctx, encrypted + len, &rest) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "%s encryption failed", alg->name);
	ASN1_STRING_set0(out->content, encrypted, len + rest);
	encrypted = NULL;
	if ((iv_string = der_string_new(V_ASN1_OCTET_STRING, view_of(iv, alg->block_len))) ==
		NULL ||
	    X509_ALGOR_set0(out->alg, OBJ_nid2obj(alg->nid), V_ASN1_OCTET_STRING, iv_string) != 1) {
		ASN1_STRING_free(iv_string);
		return err_nomem(err);
	}
	return true;
}

static bool
seal(int content_nid, struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, bool oaep, struct buf *out, struct err *err)
{
	const struct cms_content_alg *alg = cms_content_alg(cipher);
	OWNED(own_cmsw_enveloped) CMSW_ENVELOPED *m = NULL;
	uint8_t cek[CMS_KEY_MAX];
	bool ok;

	*out = (struct buf){0};
	if (alg == NULL)
		return err_set(
		    err, NTE_BAD_ALGID, "the content cipher %d is not available", (int)cipher);
	if (count == 0 || count > CMS_RECIPIENTS_MAX)
		return err_set(err, E_INVALIDARG,
		    "a message can go to 1 to %d recipients, not to %zu", CMS_RECIPIENTS_MAX,
		    count);
	if ((m = CMSW_ENVELOPED_new()) == NULL)
		return err_nomem(err);
	m->type = OBJ_nid2obj(NID_pkcs7_enveloped);
	ASN1_OBJECT_free(m->data->content->type);
	m->data->content->type = OBJ_nid2obj(content_nid);
	ok = encrypt_content(alg, content, m->data->content, cek, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = push_recipient(m->data, &to[i], oaep, view_of(cek, alg->key_len), err) ||
		     err_prefix(err, "recipient %zu of %zu", i + 1, count);
	OPENSSL_cleanse(cek, sizeof cek);
	return ok &&
	       der_encode(ASN1_ITEM_rptr(CMSW_ENVELOPED), m, "the enveloped message", out, err);
}

bool
cms_enveloped_seal(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, bool oaep, struct buf *out, struct err *err)
{
	return seal(NID_pkcs7_data, content, to, count, cipher, oaep, out, err);
}

bool
cms_enveloped_seal_signed(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, bool oaep, struct buf *out, struct err *err)
{
	return seal(NID_pkcs7_signed, content, to, count, cipher, oaep, out, err);
}
