#include "cms_enveloped.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "der.h"

#define RSA_BYTES_MAX 1024
_Static_assert(CMS_SEED_LEN >= CMS_KEY_MAX, "the seed covers each key");

static bool
rsa_encrypt(const struct cms_kra *to, struct view cek, uint8_t out[RSA_BYTES_MAX], size_t *len_out,
    struct err *err)
{
	bool oaep = to->reader >= CMS_READER_OAEP;
	int padding = oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING;
	char digest[] = "SHA256";
	const OSSL_PARAM all[] = {
	    OSSL_PARAM_construct_int(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &padding),
	    oaep ? OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest, 0)
		 : OSSL_PARAM_construct_end(),
	    OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end()};
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, to->key, NULL);

	*len_out = RSA_BYTES_MAX;
	return (ctx != NULL && EVP_PKEY_encrypt_init_ex(ctx, all) == 1 &&
		   EVP_PKEY_encrypt(ctx, out, len_out, cek.ptr, cek.len) == 1) ||
	       err_openssl(err, DIRCA_E_CRYPTO,
		   "the content key could not be encrypted to a recipient's RSA key");
}

static bool
fill_key_trans(CMSW_KEY_TRANS *t, const struct cms_kra *to, struct view cek, struct err *err)
{
	uint8_t encrypted[RSA_BYTES_MAX];
	size_t len;

	t->version = 0;
	t->rid->type = CMSW_ID_ISSUER_SERIAL;
	if (!cms_recipient_name(&t->rid->d.issuer_serial, to, err) ||
	    !rsa_encrypt(to, cek, encrypted, &len, err))
		return false;
	if (to->reader >= CMS_READER_OAEP) {
		if (!cms_oaep_write(t->key_alg, err))
			return false;
	} else if (X509_ALGOR_set0(t->key_alg, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL) !=
		   1) {
		return err_nomem(err);
	}
	return der_string_set(t->encrypted_key, view_of(encrypted, len), err);
}

static bool
fill_recipient(CMSW_RECIPIENT *r, const struct cms_kra *to, struct view cek, struct err *err)
{
	if (to->issuer.len == 0 || !der_is_serial(to->serial))
		return err_set(err, E_INVALIDARG, "a recipient has no issuer and serial number");
	if (EVP_PKEY_is_a(to->key, "RSA") && EVP_PKEY_get_size(to->key) <= RSA_BYTES_MAX) {
		r->type = CMSW_RECIPIENT_TRANS;
		if ((r->d.trans = CMSW_KEY_TRANS_new()) == NULL)
			return err_nomem(err);
		return fill_key_trans(r->d.trans, to, cek, err);
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

/* What EnvelopedData and AuthEnvelopedData share. */
struct message {
	STACK_OF(ASN1_TYPE) * recipients;
	CMSW_ENCRYPTED_CONTENT *content;
	ASN1_OCTET_STRING *tag;        /* NULL: nothing authenticates the content */
	struct view seed;              /* of the content key */
	const struct cms_split *split; /* NULL: each recipient gets the content key */
};

static bool
push_recipient(const struct message *m, CMSW_RECIPIENT *r, struct err *err)
{
	OWNED(own_asn1_type) ASN1_TYPE *t = ASN1_TYPE_new();
	ASN1_STRING *der = NULL;

	if (t == NULL)
		return err_nomem(err);
	if ((der = der_pack(ASN1_ITEM_rptr(CMSW_RECIPIENT), r)) == NULL)
		return err_nomem(err);
	ASN1_TYPE_set(t, r->type == CMSW_RECIPIENT_TRANS ? V_ASN1_SEQUENCE : V_ASN1_OTHER, der);
	if (sk_ASN1_TYPE_push(m->recipients, t) <= 0)
		return err_nomem(err);
	t = NULL;
	return true;
}

static bool
add_recipient(const struct message *m, const struct cms_kra *to, struct view cek, struct err *err)
{
	OWNED(own_cmsw_recipient) CMSW_RECIPIENT *r = CMSW_RECIPIENT_new();

	if (r == NULL)
		return err_nomem(err);
	return fill_recipient(r, to, cek, err) && push_recipient(m, r, err);
}

static bool
add_sharer(const struct message *m, const struct cms_kra *to, const struct cms_shares *shares,
    size_t at, size_t len, struct err *err)
{
	OWNED(own_cmsw_recipient) CMSW_RECIPIENT *inner = CMSW_RECIPIENT_new(), *r = NULL;

	if (inner == NULL)
		return err_nomem(err);
	return fill_recipient(inner, to, view_of(shares->rows[at], len), err) &&
	       cms_share_wrap(shares, at, len, &inner, &r, err) && push_recipient(m, r, err);
}

static bool
add_recipients(const struct message *m, const struct cms_kra *to, size_t count, struct view cek,
    struct err *err)
{
	OWNED(cms_shares_wipe) struct cms_shares shares = {0};
	bool ok = m->split == NULL || cms_shares_make(&shares, m->split, count, cek, m->seed, err);

	for (size_t i = 0; ok && i < count; i++)
		ok = (m->split != NULL ? add_sharer(m, &to[i], &shares, i, cek.len, err)
				       : add_recipient(m, &to[i], cek, err)) ||
		     err_prefix(err, "recipient %zu of %zu", i + 1, count);
	return ok;
}

static bool
set_alg(X509_ALGOR *out, const struct cms_content_alg *alg, const uint8_t *iv, struct err *err)
{
	OWNED(own_cmsw_gcm) CMSW_GCM *gcm = NULL;
	OWNED(own_asn1_string)
	ASN1_STRING *nonce = der_string_new(V_ASN1_OCTET_STRING, view_of(iv, alg->iv_len));

	if (nonce == NULL)
		return err_nomem(err);
	if (alg->tag_len == 0) {
		if (X509_ALGOR_set0(out, OBJ_nid2obj(alg->nid), V_ASN1_OCTET_STRING, nonce) != 1)
			return err_nomem(err);
		nonce = NULL;
		return true;
	}
	if ((gcm = CMSW_GCM_new()) == NULL || (gcm->tag_len = ASN1_INTEGER_new()) == NULL ||
	    ASN1_INTEGER_set(gcm->tag_len, (long)alg->tag_len) != 1 ||
	    !der_string_set(gcm->nonce, der_string(nonce), err))
		return err_nomem(err);
	return der_alg_set(out, alg->nid, der_pack(ASN1_ITEM_rptr(CMSW_GCM), gcm), err);
}

/* The last bit of each octet of a DES key makes the number of its ones odd. */
static uint8_t
with_parity(uint8_t octet)
{
	unsigned ones = octet >> 1;

	ones ^= ones >> 4;
	ones ^= ones >> 2;
	ones ^= ones >> 1;
	return (uint8_t)((octet & 0xfeu) | (~ones & 1u));
}

/* EVP_CIPHER_CTX_rand_key sets the parity bits of a DES key, which some readers want. */
static bool
make_key(EVP_CIPHER_CTX *ctx, const struct cms_content_alg *alg, struct view seed,
    uint8_t cek[CMS_KEY_MAX])
{
	if (EVP_CIPHER_CTX_rand_key(ctx, cek) <= 0)
		return false;
	for (size_t i = 0; i < alg->key_len && seed.len > 0; i++) {
		cek[i] ^= seed.ptr[i];
		if (alg->nid == NID_des_ede3_cbc)
			cek[i] = with_parity(cek[i]);
	}
	return true;
}

/* Fresh key and IV, the content under them. */
static bool
encrypt_content(const struct cms_content_alg *alg, struct view content, const struct message *m,
    uint8_t cek[CMS_KEY_MAX], struct err *err)
{
	OWNED(own_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	OWNED(own_octets) uint8_t *encrypted = NULL;
	uint8_t iv[CMS_IV_MAX], tag[CMS_TAG_MAX];
	int len = 0, rest = 0;

	if (ctx == NULL || content.len > CMS_ENVELOPED_MAX ||
	    (encrypted = OPENSSL_malloc(content.len + alg->block_len)) == NULL ||
	    (m->content->content = ASN1_OCTET_STRING_new()) == NULL)
		return err_nomem(err);
	if (EVP_EncryptInit_ex2(ctx, alg->cipher, NULL, NULL, NULL) != 1 ||
	    !make_key(ctx, alg, m->seed, cek) || RAND_bytes(iv, (int)alg->iv_len) != 1 ||
	    EVP_EncryptInit_ex2(ctx, NULL, cek, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, encrypted, &len, content.ptr, (int)content.len) != 1 ||
	    EVP_EncryptFinal_ex(ctx, encrypted + len, &rest) != 1 ||
	    (alg->tag_len > 0 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)alg->tag_len, tag) != 1))
		return err_openssl(err, DIRCA_E_CRYPTO, "%s encryption failed", alg->name);
	ASN1_STRING_set0(m->content->content, encrypted, len + rest);
	encrypted = NULL;
	return (m->tag == NULL || der_string_set(m->tag, view_of(tag, alg->tag_len), err)) &&
	       set_alg(m->content->alg, alg, iv, err);
}

static bool
fill(const struct message *m, const struct cms_content_alg *alg, int content_nid,
    struct view content, const struct cms_kra *to, size_t count, struct err *err)
{
	uint8_t cek[CMS_KEY_MAX];
	bool ok;

	ASN1_OBJECT_free(m->content->type);
	m->content->type = OBJ_nid2obj(content_nid);
	ok = encrypt_content(alg, content, m, cek, err) &&
	     add_recipients(m, to, count, view_of(cek, alg->key_len), err);
	OPENSSL_cleanse(cek, sizeof cek);
	return ok;
}

/* RFC 5652 6.1: 3 of others, 2 if somebody has no issuer and serial of an RSA key. */
static int32_t
version_of(const struct cms_kra *to, size_t count, const struct cms_split *split)
{
	if (split != NULL)
		return 3;
	for (size_t i = 0; i < count; i++)
		if (!EVP_PKEY_is_a(to[i].key, "RSA"))
			return 2;
	return 0;
}

static bool
seal(int content_nid, struct view content, const struct cms_kra *to, size_t count,
    const struct cms_content_alg *alg, struct view seed, const struct cms_split *split,
    struct buf *out, struct err *err)
{
	OWNED(own_cmsw_enveloped) CMSW_ENVELOPED *m = CMSW_ENVELOPED_new();

	if (m == NULL)
		return err_nomem(err);
	m->type = OBJ_nid2obj(NID_pkcs7_enveloped);
	m->data->version = version_of(to, count, split);
	return fill(&(struct message){.recipients = m->data->recipients,
			.content = m->data->content,
			.seed = seed,
			.split = split},
		   alg, content_nid, content, to, count, err) &&
	       der_encode(ASN1_ITEM_rptr(CMSW_ENVELOPED), m, "the enveloped message", out, err);
}

static bool
seal_authenticated(struct view content, const struct cms_kra *to, size_t count,
    const struct cms_content_alg *alg, struct view seed, const struct cms_split *split,
    struct buf *out, struct err *err)
{
	OWNED(own_cmsw_auth_enveloped) CMSW_AUTH_ENVELOPED *m = CMSW_AUTH_ENVELOPED_new();

	if (m == NULL)
		return err_nomem(err);
	m->type = OBJ_nid2obj(NID_id_smime_ct_authEnvelopedData);
	return fill(&(struct message){.recipients = m->data->recipients,
			.content = m->data->content,
			.tag = m->data->mac,
			.seed = seed,
			.split = split},
		   alg, NID_pkcs7_data, content, to, count, err) &&
	       der_encode(
		   ASN1_ITEM_rptr(CMSW_AUTH_ENVELOPED), m, "the enveloped message", out, err);
}

static bool
check(const struct cms_content_alg *alg, enum cms_cipher cipher, size_t count, struct err *err)
{
	if (alg == NULL)
		return err_set(
		    err, NTE_BAD_ALGID, "the content cipher %d is not available", (int)cipher);
	return (count > 0 && count <= CMS_RECIPIENTS_MAX) ||
	       err_set(err, E_INVALIDARG, "a message can go to 1 to %d recipients, not to %zu",
		   CMS_RECIPIENTS_MAX, count);
}

bool
cms_enveloped_seal_split(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct view seed, const struct cms_split *split, struct buf *out,
    struct err *err)
{
	const struct cms_content_alg *alg = cms_content_alg(cipher);
	const struct cms_split *shared = split != NULL && split->threshold > 1 ? split : NULL;

	*out = (struct buf){0};
	if (seed.len != 0 && seed.len != CMS_SEED_LEN)
		return err_set(err, E_INVALIDARG, "a content key takes %d octets of another source",
		    CMS_SEED_LEN);
	if (shared != NULL && shared->threshold > count)
		return err_set(err, E_INVALIDARG, "%zu of %zu recipients cannot open a message",
		    shared->threshold, count);
	return check(alg, cipher, count, err) &&
	       (cms_is_gcm(cipher)
		       ? seal_authenticated(content, to, count, alg, seed, shared, out, err)
		       : seal(NID_pkcs7_data, content, to, count, alg, seed, shared, out, err));
}

bool
cms_enveloped_seal_seeded(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct view seed, struct buf *out, struct err *err)
{
	return cms_enveloped_seal_split(content, to, count, cipher, seed, NULL, out, err);
}

bool
cms_enveloped_seal(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct buf *out, struct err *err)
{
	return cms_enveloped_seal_seeded(content, to, count, cipher, (struct view){0}, out, err);
}

bool
cms_enveloped_seal_signed(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct buf *out, struct err *err)
{
	const struct cms_content_alg *alg = cms_is_gcm(cipher) ? NULL : cms_content_alg(cipher);

	*out = (struct buf){0};
	return check(alg, cipher, count, err) &&
	       seal(NID_pkcs7_signed, content, to, count, alg, (struct view){0}, NULL, out, err);
}
