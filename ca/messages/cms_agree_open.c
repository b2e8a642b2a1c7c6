#include "cms_enveloped.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "der.h"

/* The ephemeral public key, which is a point on the curve of the recipient's key (RFC 5753 3.1.1).
 */
static bool
originator_key(const CMSW_ORIGINATOR *wire, EVP_PKEY *own, EVP_PKEY **out, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	struct view point;
	char group[64];
	OSSL_PARAM params[3];
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = NULL;
	size_t group_len;
	int type;

	*out = NULL;
	if (wire->type != CMSW_ORIGINATOR_IS_KEY)
		return err_set(err, NTE_BAD_ALGID,
		    "key agreement with a certified originator key is not known");
	X509_ALGOR_get0(&oid, &type, &param, wire->d.key->alg);
	if (!EVP_PKEY_is_a(own, "EC") ||
	    EVP_PKEY_get_group_name(own, group, sizeof group, &group_len) != 1 ||
	    OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey)
		return err_set(
		    err, NTE_BAD_ALGID, "the content key needs an elliptic-curve key to be opened");
	if (type == V_ASN1_OBJECT && OBJ_obj2nid(param) != OBJ_txt2nid(group))
		return cms_bad_data(err);
	point = der_string(wire->d.key->key);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.ptr, point.len);
	params[2] = OSSL_PARAM_construct_end();
	if ((ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return cms_bad_data(err);
	return true;
}

static bool
wrap_alg_of(const X509_ALGOR *key_alg, const EVP_MD **md_out, struct view *der_out,
    const struct cms_wrap_alg **out, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *param;
	OWNED(own_x509_algor) X509_ALGOR *alg = NULL;
	int type;

	X509_ALGOR_get0(&oid, &type, &param, key_alg);
	if ((*md_out = cms_kdf_digest(OBJ_obj2nid(oid))) == NULL || type != V_ASN1_SEQUENCE)
		return err_set(err, NTE_BAD_ALGID,
		    "the key agreement is not dhSinglePass-stdDH with SHA-1, SHA-256, SHA-384 or "
		    "SHA-512");
	*der_out = der_string(param);
	alg = der_decode(ASN1_ITEM_rptr(X509_ALGOR), *der_out, 256, "the key wrap algorithm", err);
	if (alg == NULL)
		return false;
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	if ((*out = cms_wrap_alg_by_nid(OBJ_obj2nid(oid))) == NULL)
		return err_set(err, NTE_BAD_ALGID,
		    "the content key is wrapped by another algorithm than AES and 3DES key wrap");
	return true;
}

struct keys {
	uint8_t kek[CMS_KEY_MAX], plain[2 * CMS_KEY_MAX + 16], other[CMS_KEY_MAX];
};

static void
keys_wipe(struct keys *k)
{
	OPENSSL_cleanse(k, sizeof *k);
}

bool
cms_agreed_key(const CMSW_KEY_AGREE *wire, size_t member, EVP_PKEY *key, size_t key_len,
    uint8_t cek[CMS_KEY_MAX], bool *right, struct err *err)
{
	struct view wrapped = der_string(
			sk_CMSW_AGREED_KEY_value(wire->keys, (int)member)->encrypted_key),
		    wrap_der;
	OWNED(keys_wipe) struct keys k = {0};
	const struct cms_wrap_alg *wrap;
	const EVP_MD *md;
	OWNED(own_pkey) EVP_PKEY *peer = NULL;
	struct err ignored;
	size_t len = 0;

	*right = false;
	if (!wrap_alg_of(wire->key_alg, &md, &wrap_der, &wrap, err) ||
	    !originator_key(wire->originator, key, &peer, err))
		return false;
	if (RAND_priv_bytes(k.other, (int)sizeof k.other) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "a random key could not be made");
	/* A view with a pointer is a ukm that is there, be it empty. */
	if (wrapped.len > (size_t)2 * CMS_KEY_MAX ||
	    !cms_agree_kek(key, peer, md, wrap_der, wrap, der_string(wire->ukm), k.kek, err))
		return cms_bad_data(err);
	*right =
	    cms_key_wrap(wrap, k.kek, false, wrapped, k.plain, &len, &ignored) & (len == key_len);
	cms_key_choose(cek, k.plain, k.other, key_len, *right);
	ERR_clear_error();
	return true;
}
