#include "cms_enveloped.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>

#include "der.h"

#define POINT_MAX 133 /* uncompressed, P-521 */

static EVP_PKEY *
ephemeral_key(const EVP_PKEY *of_same_curve)
{
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	char group[64];
	size_t len;

	if (ctx == NULL || EVP_PKEY_get_group_name(of_same_curve, group, sizeof group, &len) != 1 ||
	    EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_group_name(ctx, group) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1)
		return NULL;
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
	if (EVP_PKEY_get_octet_string_param(
		ephemeral, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point, &len) != 1)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "the ephemeral public key could not be encoded");
	/* RFC 5753 3.1.1: no parameters, the curve is the recipient's. */
	if (X509_ALGOR_set0(
		o->d.key->alg, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_UNDEF, NULL) != 1)
		return err_nomem(err);
	o->d.key->key->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* all bits count, trailing zeros too */
	return der_string_set(o->d.key->key, view_of(point, len), err);
}

static bool
push_agreed_key(CMSW_KEY_AGREE *a, const struct cms_kra *to, struct view wrapped, struct err *err)
{
	OWNED(own_cmsw_agreed_key) CMSW_AGREED_KEY *k = CMSW_AGREED_KEY_new();

	if (k == NULL)
		return err_nomem(err);
	k->rid->type = CMSW_ID_ISSUER_SERIAL;
	if (!cms_recipient_name(&k->rid->d.issuer_serial, to, err) ||
	    !der_string_set(k->encrypted_key, wrapped, err))
		return false;
	if (sk_CMSW_AGREED_KEY_push(a->keys, k) <= 0)
		return err_nomem(err);
	k = NULL;
	return true;
}

bool
cms_key_agree_fill(CMSW_KEY_AGREE *a, const struct cms_kra *to, struct view cek, struct err *err)
{
	const struct cms_wrap_alg *wrap = cms_wrap_alg_by_nid(NID_id_aes256_wrap);
	OWNED(own_x509_algor) X509_ALGOR *wrap_alg = der_alg_new(NID_id_aes256_wrap, V_ASN1_UNDEF);
	OWNED(own_asn1_string)
	ASN1_STRING *wrap_der = der_pack(ASN1_ITEM_rptr(X509_ALGOR), wrap_alg);
	OWNED(own_pkey) EVP_PKEY *ephemeral = ephemeral_key(to->key);
	uint8_t kek[CMS_KEY_MAX], wrapped[CMS_KEY_MAX + 16];
	bool ok;
	size_t len;

	if (wrap == NULL || wrap_der == NULL || ephemeral == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO,
		    "an ephemeral key on a recipient's curve could not be made");
	a->version = 3;
	ok = set_originator(a->originator, ephemeral, err) &&
	     cms_agree_kek(ephemeral, to->key, cms_digest(NID_sha256), der_string(wrap_der), wrap,
		 (struct view){0}, kek, err) &&
	     cms_key_wrap(wrap, kek, true, cek, wrapped, &len, err) &&
	     push_agreed_key(a, to, view_of(wrapped, len), err);
	OPENSSL_cleanse(kek, sizeof kek);
	return ok && der_alg_set(a->key_alg, NID_dhSinglePass_stdDH_sha256kdf_scheme,
			 own_give(&wrap_der), err);
}
