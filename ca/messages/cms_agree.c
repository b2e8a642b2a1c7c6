#include "cms_enveloped.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "der.h"

#define SECRET_MAX 66 /* x coordinate on P-521 */

/* ECC-CMS-SharedInfo */
static bool
shared_info(struct view wrap_alg, size_t key_len, struct view ukm, struct buf *out, struct err *err)
{
	uint32_t bits = (uint32_t)key_len * 8;
	uint8_t raw[4] = {
	    (uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
	OWNED(own_cmsw_shared_info) CMSW_SHARED_INFO *info = CMSW_SHARED_INFO_new();

	if (info == NULL)
		return err_nomem(err);
	if (!der_string_set(info->key_info, wrap_alg, err) ||
	    !der_string_set(info->supp_pub_info, view_of(raw, sizeof raw), err))
		return false;
	if (ukm.ptr != NULL &&
	    (info->entity_u_info = der_string_new(V_ASN1_OCTET_STRING, ukm)) == NULL)
		return err_nomem(err);
	return der_encode(ASN1_ITEM_rptr(CMSW_SHARED_INFO), info,
	    "the shared information of a key agreement", out, err);
}

static bool
agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t z[SECRET_MAX], size_t *len_out, struct err *err)
{
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);

	*len_out = SECRET_MAX;
	return (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
		   EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		   EVP_PKEY_derive(ctx, z, len_out) == 1) ||
	       err_openssl(err, NTE_BAD_DATA, "the key agreement failed");
}

static bool
derive(const EVP_MD *md, uint8_t *z, size_t z_len, const struct buf *info, uint8_t *kek,
    size_t kek_len, struct err *err)
{
	EVP_KDF *kdf = cms_x963kdf();
	OWNED(own_kdf_ctx) EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	char name[32];
	OSSL_PARAM params[4];

	if (ctx == NULL || OPENSSL_strlcpy(name, EVP_MD_get0_name(md), sizeof name) >= sizeof name)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "the key derivation X9.63 is not available");
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, z, z_len);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info->ptr, info->len);
	params[3] = OSSL_PARAM_construct_end();
	return EVP_KDF_derive(ctx, kek, kek_len, params) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "the key derivation failed");
}

bool
cms_agree_kek(EVP_PKEY *own, EVP_PKEY *peer, const EVP_MD *md, struct view wrap_alg,
    const struct cms_wrap_alg *wrap, struct view ukm, uint8_t kek[CMS_KEY_MAX], struct err *err)
{
	uint8_t z[SECRET_MAX];
	OWNED(buf_free) struct buf info = {0};
	size_t z_len;
	bool ok = agree(own, peer, z, &z_len, err) &&
		  shared_info(wrap_alg, wrap->key_len, ukm, &info, err) &&
		  derive(md, z, z_len, &info, kek, wrap->key_len, err);

	OPENSSL_cleanse(z, sizeof z);
	return ok;
}

bool
cms_key_wrap(const struct cms_wrap_alg *wrap, const uint8_t *kek, bool seal, struct view in,
    uint8_t *out, size_t *len_out, struct err *err)
{
	OWNED(own_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0, rest = 0;

	*len_out = 0;
	if (ctx == NULL)
		return err_nomem(err);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_CipherInit_ex2(ctx, wrap->cipher, kek, NULL, seal, NULL) != 1 ||
	    EVP_CipherUpdate(ctx, out, &len, in.ptr, (int)in.len) != 1 ||
	    EVP_CipherFinal_ex(ctx, out + len, &rest) != 1)
		return err_openssl(
		    err, NTE_BAD_DATA, "the %s of the content key failed", wrap->name);
	*len_out = (size_t)(len + rest);
	return true;
}
