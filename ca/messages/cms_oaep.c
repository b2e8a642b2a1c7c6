#include "cms_enveloped.h"

#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "der.h"

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
	OWNED(own_x509_algor) X509_ALGOR *inner = NULL;
	int type;

	if (mgf == NULL)
		return digest_of(NULL, out, err);
	X509_ALGOR_get0(&oid, &type, &param, mgf);
	if (OBJ_obj2nid(oid) != NID_mgf1 || type != V_ASN1_SEQUENCE)
		return err_set(
		    err, NTE_BAD_ALGID, "RSA-OAEP with another mask than MGF1 is not known");
	inner = der_decode(
	    ASN1_ITEM_rptr(X509_ALGOR), der_string(param), 256, "the digest of MGF1", err);
	return inner != NULL && digest_of(inner, out, err);
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
		return err_set(
		    err, NTE_BAD_ALGID, "the label of RSA-OAEP is not given as pSpecified");
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
bool
cms_oaep_read(EVP_PKEY_CTX *ctx, int param_type, const void *param, struct err *err)
{
	const EVP_MD *md, *mgf1_md;
	OWNED(own_oaep_params) RSA_OAEP_PARAMS *p = NULL;

	if (param_type != V_ASN1_SEQUENCE)
		return err_set(err, NTE_BAD_ALGID, "RSA-OAEP without parameters is not known");
	p = der_decode(ASN1_ITEM_rptr(RSA_OAEP_PARAMS), der_string(param), 4096,
	    "the RSA-OAEP parameters", err);
	if (p == NULL || !digest_of(p->hashFunc, &md, err) ||
	    !mgf1_digest_of(p->maskGenFunc, &mgf1_md, err))
		return false;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mgf1_md) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "RSA-OAEP could not be set up");
	return set_label(ctx, p->pSourceFunc, err);
}

bool
cms_oaep_write(X509_ALGOR *alg, struct err *err)
{
	OWNED(own_oaep_params) RSA_OAEP_PARAMS *p = RSA_OAEP_PARAMS_new();
	OWNED(own_x509_algor) X509_ALGOR *md = der_alg_new(NID_sha256, V_ASN1_NULL);

	if (p == NULL || md == NULL || (p->maskGenFunc = X509_ALGOR_new()) == NULL)
		return err_nomem(err);
	if (!der_alg_set(p->maskGenFunc, NID_mgf1, der_pack(ASN1_ITEM_rptr(X509_ALGOR), md), err))
		return false;
	p->hashFunc = own_give(&md);
	return der_alg_set(alg, NID_rsaesOaep, der_pack(ASN1_ITEM_rptr(RSA_OAEP_PARAMS), p), err);
}
