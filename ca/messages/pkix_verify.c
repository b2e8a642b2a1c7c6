#include "der.h"
#include "pkix_priv.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

/* A signature algorithm with its parameters, read. */
struct scheme {
	const char *key_type; /* "RSA" or "EC" */
	int md_nid;
	bool pss;
	int salt_len;
};

static bool
is_digest(int nid)
{
	return nid == NID_sha1 || nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* Digest algorithm identifier: no parameters or NULL. Absent means SHA-1 (RFC 4055 3.1). */
static int
digest_nid(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid = NULL;
	int param = 0;

	if (alg == NULL)
		return NID_sha1;
	X509_ALGOR_get0(&oid, &param, NULL, alg);
	if (param != V_ASN1_NULL && param != V_ASN1_UNDEF)
		return NID_undef;
	return is_digest(OBJ_obj2nid(oid)) ? OBJ_obj2nid(oid) : NID_undef;
}

/* MGF1 with its digest. */
static int
mgf1_nid(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid = NULL;
	const void *any = NULL;
	OWNED(own_x509_algor) X509_ALGOR *inner = NULL;
	int param = 0;

	if (alg == NULL)
		return NID_sha1;
	X509_ALGOR_get0(&oid, &param, &any, alg);
	if (OBJ_obj2nid(oid) != NID_mgf1 || param != V_ASN1_SEQUENCE)
		return NID_undef;
	inner = der_exact(ASN1_ITEM_rptr(X509_ALGOR), der_string(any));
	return inner != NULL ? digest_nid(inner) : NID_undef;
}

/* RFC 4055 3.1; both digests must be the same one, as all that RFC 5756 and later profiles make. */
static bool
read_pss(const X509_ALGOR *alg, struct scheme *s, struct err *err)
{
	const void *any = NULL;
	OWNED(own_pss_params) RSA_PSS_PARAMS *pss = NULL;
	int64_t salt = 20, trailer = 1;
	int param = 0;

	X509_ALGOR_get0(NULL, &param, &any, alg);
	if (param == V_ASN1_SEQUENCE)
		pss = der_exact(ASN1_ITEM_rptr(RSA_PSS_PARAMS), der_string(any));
	if (pss == NULL)
		return err_set(err, NTE_BAD_ALGID, "RSASSA-PSS without valid parameters");
	if ((pss->saltLength != NULL && !der_int64(&salt, pss->saltLength)) ||
	    (pss->trailerField != NULL && !der_int64(&trailer, pss->trailerField)))
		return err_openssl(err, NTE_BAD_ALGID,
		    "RSASSA-PSS with a salt length or trailer that is no number");
	s->md_nid = digest_nid(pss->hashAlgorithm);
	if (s->md_nid == NID_undef || s->md_nid != mgf1_nid(pss->maskGenAlgorithm) ||
	    trailer != 1 || salt < 0 || salt > EVP_MAX_MD_SIZE)
		return err_set(err, NTE_BAD_ALGID,
		    "RSASSA-PSS with digests that are unknown or differ, or an odd salt length or "
		    "trailer");
	s->key_type = "RSA";
	s->pss = true;
	s->salt_len = (int)salt;
	return true;
}

static bool
read_scheme(const X509_ALGOR *alg, struct scheme *s, struct err *err)
{
	const ASN1_OBJECT *oid = NULL;
	int param = 0, key_nid = NID_undef;
	char name[80];

	*s = (struct scheme){0};
	X509_ALGOR_get0(&oid, &param, NULL, alg);
	if (OBJ_obj2nid(oid) == NID_rsassaPss)
		return read_pss(alg, s, err);
	if (OBJ_find_sigid_algs(OBJ_obj2nid(oid), &s->md_nid, &key_nid) == 1 &&
	    is_digest(s->md_nid)) {
		if (key_nid == NID_rsaEncryption && (param == V_ASN1_NULL || param == V_ASN1_UNDEF))
			s->key_type = "RSA";
		else if (key_nid == NID_X9_62_id_ecPublicKey && param == V_ASN1_UNDEF)
			s->key_type = "EC";
	}
	if (s->key_type == NULL) {
		OBJ_obj2txt(name, sizeof name, oid, 0);
		return err_set(err, NTE_BAD_ALGID,
		    "signature algorithm %s is not supported, or its parameters are wrong", name);
	}
	return true;
}

bool
pkix_alg_digest(const X509_ALGOR *alg, int *nid_out, struct err *err)
{
	struct scheme s;

	*nid_out = NID_undef;
	if (!read_scheme(alg, &s, err))
		return false;
	*nid_out = s.md_nid;
	return true;
}

static bool
set_padding(EVP_PKEY_CTX *ctx, const struct scheme *s)
{
	return !s->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			      EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, cms_digest(s->md_nid)) == 1 &&
			      EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt_len) == 1);
}

bool
pkix_verify(EVP_PKEY *key, const X509_ALGOR *alg, struct view tbs, struct view signature,
    bool allow_sha1, struct err *err)
{
	OWNED(own_md_ctx) EVP_MD_CTX *ctx = NULL;
	EVP_PKEY_CTX *pctx = NULL; /* of ctx */
	struct scheme s;

	if (!read_scheme(alg, &s, err))
		return false;
	if (s.md_nid == NID_sha1 && !allow_sha1)
		return err_set(err, NTE_BAD_ALGID,
		    "the signature uses SHA-1, which is not allowed here; sign with SHA-256");
	if (!EVP_PKEY_is_a(key, s.key_type))
		return err_set(err, NTE_BAD_SIGNATURE,
		    "the signature is one of an %s key, the key is another kind", s.key_type);
	if (cms_digest(s.md_nid) == NULL || (ctx = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestVerifyInit(ctx, &pctx, cms_digest(s.md_nid), NULL, key) != 1 ||
	    !set_padding(pctx, &s))
		return err_openssl(err, DIRCA_E_CRYPTO, "a signature cannot be checked");
	if (EVP_DigestVerify(ctx, signature.ptr, signature.len, tbs.ptr, tbs.len) != 1) {
		ERR_clear_error();
		return err_set(err, NTE_BAD_SIGNATURE,
		    "the signature does not verify: the content was changed or another key signed "
		    "it");
	}
	return true;
}

bool
pkix_cert_is_signed_by(const struct pkix_cert *c, const struct pkix_cert *by, bool allow_sha1)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct err ignored;

	return pkix_public_key(by->spki, &key, &ignored) &&
	       pkix_verify(key, c->sig_alg, c->tbs, c->signature, allow_sha1, &ignored);
}

bool
pkix_cert_is_issued_by(const struct pkix_cert *c, const struct pkix_cert *by, bool allow_sha1)
{
	return view_eq(c->issuer, by->subject) && pkix_cert_is_signed_by(c, by, allow_sha1);
}
