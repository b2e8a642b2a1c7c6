#include "pkix_priv.h"

#include <openssl/err.h>

#include "oids.h"

#define EMPTY_NAME "\x30\x00"

/* The extensions as the one value of an extensionRequest attribute (RFC 2985 5.4.2). */
static bool
put_extensions(
    PKIX_REQUEST_INFO *info, const STACK_OF(X509_EXTENSION) * extensions, struct err *err)
{
	OWNED(own_x509_attribute) X509_ATTRIBUTE *attr = NULL;
	OWNED(own_octets) uint8_t *der = NULL;
	int len = 0;

	if (extensions == NULL || sk_X509_EXTENSION_num(extensions) == 0)
		return true;
	len = i2d_X509_EXTENSIONS(extensions, &der);
	attr = X509_ATTRIBUTE_new();
	if (len <= 0 || attr == NULL ||
	    X509_ATTRIBUTE_set1_object(attr, OBJ_nid2obj(NID_ext_req)) != 1 ||
	    X509_ATTRIBUTE_set1_data(attr, V_ASN1_SEQUENCE, der, len) != 1 ||
	    sk_X509_ATTRIBUTE_push(info->attributes, attr) <= 0)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "certificate request: its extensions cannot be encoded");
	attr = NULL; /* the list's */
	return true;
}

static bool
put_renewal(PKIX_REQUEST_INFO *info, struct view old_certificate, struct err *err)
{
	X509_ATTRIBUTE *attr = NULL;

	if (old_certificate.len == 0)
		return true;
	if ((attr = X509_ATTRIBUTE_new()) == NULL ||
	    X509_ATTRIBUTE_set1_object(attr, OBJ_nid2obj(oid_nid(OID_RENEWAL_CERTIFICATE))) != 1 ||
	    X509_ATTRIBUTE_set1_data(
		attr, V_ASN1_SEQUENCE, old_certificate.ptr, (int)old_certificate.len) != 1 ||
	    sk_X509_ATTRIBUTE_push(info->attributes, attr) <= 0) {
		X509_ATTRIBUTE_free(attr);
		return err_openssl(err, DIRCA_E_CRYPTO,
		    "certificate request: the renewed certificate cannot be encoded");
	}
	return true;
}

struct asked {
	struct view subject;
	const STACK_OF(X509_EXTENSION) * extensions;
	struct view old_certificate;
};

static bool
encode_info(const EVP_PKEY *key, const struct asked *in, struct buf *out, struct err *err)
{
	struct view subject = in->subject;
	OWNED(own_pkix_request_info) PKIX_REQUEST_INFO *info = PKIX_REQUEST_INFO_new();
	OWNED(buf_free) struct buf spki = {0};
	uint8_t *der = NULL;
	int len = 0;

	if (info == NULL || ASN1_INTEGER_set(info->version, 0) != 1 ||
	    (info->attributes = sk_X509_ATTRIBUTE_new_null()) == NULL)
		return err_nomem(err);
	if (subject.len == 0)
		subject = view_of(EMPTY_NAME, sizeof EMPTY_NAME - 1);
	if (!pkix_key_spki(key, &spki, err) ||
	    !pkix_put_element(info->subject, subject, "subject name", err) ||
	    !pkix_put_element(info->spki, buf_view(&spki), "public key", err) ||
	    !put_extensions(info, in->extensions, err) ||
	    !put_renewal(info, in->old_certificate, err))
		return false;
	len = i2d_PKIX_REQUEST_INFO(info, &der);
	return buf_take_openssl(der, len, out, err);
}

/* Digest that belongs to an AlgorithmIdentifier of pkix_sig_alg. */
static const EVP_MD *
digest_of(struct view sig_alg, struct err *err)
{
	X509_ALGOR *alg = pkix_algor(sig_alg, err);
	const ASN1_OBJECT *oid = NULL;
	const EVP_MD *md = NULL;
	int nid = NID_undef;

	if (alg == NULL)
		return NULL;
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	if (OBJ_find_sigid_algs(OBJ_obj2nid(oid), &nid, NULL) != 1 ||
	    (md = cms_digest(nid)) == NULL)
		err_openssl(
		    err, DIRCA_E_CRYPTO, "the digest of the signature algorithm is not available");
	X509_ALGOR_free(alg);
	return md;
}

static bool
sign(EVP_PKEY *key, struct view tbs, struct view sig_alg, struct buf *out, struct err *err)
{
	OWNED(own_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = digest_of(sig_alg, err);
	size_t len = 0;

	if (md == NULL)
		return false;
	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, NULL, &len, tbs.ptr, tbs.len) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "certificate request: the key cannot sign");
	if (!buf_alloc(len, out, err))
		return false;
	if (EVP_DigestSign(ctx, out->ptr, &len, tbs.ptr, tbs.len) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "certificate request: the key cannot sign");
	out->len = len; /* ECDSA signatures vary */
	return true;
}

static bool
make(EVP_PKEY *key, const struct asked *in, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0}, alg = {0}, info = {0};

	*out = (struct buf){0};
	if (!oids_init(err) || !encode_info(key, in, &info, err) || !pkix_sig_alg(key, &alg, err) ||
	    !sign(key, buf_view(&info), buf_view(&alg), &signature, err))
		return false;
	return pkix_signed_wrap(buf_view(&info), buf_view(&alg), buf_view(&signature), out, err);
}

bool
pkix_request_make(EVP_PKEY *key, struct view subject, const STACK_OF(X509_EXTENSION) * extensions,
    struct buf *out, struct err *err)
{
	const struct asked in = {subject, extensions, {0}};

	return make(key, &in, out, err);
}

bool
pkix_request_make_renewal(EVP_PKEY *key, struct view subject,
    const STACK_OF(X509_EXTENSION) * extensions, struct view old_certificate, struct buf *out,
    struct err *err)
{
	const struct asked in = {subject, extensions, old_certificate};

	return make(key, &in, out, err);
}
