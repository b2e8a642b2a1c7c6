#include "cms.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>

#include "cms_algs.h"
#include "der.h"
#include "oids.h"
#include "pkix.h"

static bool
check_content_type(const struct cms_signed *s, const struct cms_signer *signer, struct err *err)
{
	struct view value;
	char oid[80];
	OWNED(own_asn1_object) ASN1_OBJECT *type = NULL;

	if (!cms_attr_single(cms_signer_attr(signer, NID_pkcs9_contentType, true), &value, err) ||
	    (type = der_decode(ASN1_ITEM_rptr(ASN1_OBJECT), value, sizeof oid,
		 "the contentType attribute", err)) == NULL)
		return err_prefix(err, "signed attribute contentType");
	return (oid_text(type, oid, sizeof oid) && strcmp(oid, s->content_oid) == 0) ||
	       err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		   "the signer signed another content type than %s", s->content_oid);
}

static bool
check_message_digest(const struct cms_signed *s, const struct cms_signer *signer, struct err *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	struct view said;
	size_t len;

	if (!der_attr_octets(cms_signer_attr(signer, NID_pkcs9_messageDigest, true), &said, err))
		return err_prefix(err, "signed attribute messageDigest");
	if (!cms_hash(signer->digest, s->content, hash, &len, err))
		return false;
	if (said.len != len || CRYPTO_memcmp(said.ptr, hash, len) != 0)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "the %s hash of the content is not the one that was signed",
		    EVP_MD_get0_name(signer->digest));
	return true;
}

/* RFC 3370 3.2: rsaEncryption leaves the digest to digestAlgorithm. What names a digest itself, by
 * its parameters too (RFC 4056 3), must name the same. */
static bool
effective_algorithm(const struct cms_signer *signer, X509_ALGOR **made_out, struct err *err)
{
	int digest_nid = EVP_MD_get_type(signer->digest), sig_nid, its_digest = NID_undef;
	const ASN1_OBJECT *sig;

	*made_out = NULL;
	X509_ALGOR_get0(&sig, NULL, NULL, signer->sig_alg);
	sig_nid = OBJ_obj2nid(sig);
	if (sig_nid == NID_rsaEncryption) {
		if (OBJ_find_sigid_by_algs(&sig_nid, digest_nid, NID_rsaEncryption) != 1)
			return err_set(err, NTE_BAD_ALGID, "RSA signatures with %s are not known",
			    EVP_MD_get0_name(signer->digest));
		if ((*made_out = X509_ALGOR_new()) == NULL ||
		    X509_ALGOR_set0(*made_out, OBJ_nid2obj(sig_nid), V_ASN1_NULL, NULL) != 1)
			return err_nomem(err);
		return true;
	}
	return pkix_alg_digest(signer->sig_alg, &its_digest, err) &&
	       (its_digest == digest_nid ||
		   err_set(err, NTE_BAD_ALGID,
		       "the signer's digest algorithm and signature algorithm disagree"));
}

bool
cms_signer_verify(const struct cms_signed *s, const struct cms_signer *signer, EVP_PKEY *key,
    bool allow_sha1, struct err *err)
{
	OWNED(own_x509_algor) X509_ALGOR *made = NULL;

	if (signer->digest == NULL)
		return err_set(err, NTE_BAD_ALGID,
		    "the signer's digest algorithm is not one of SHA-1, SHA-256, SHA-384, SHA-512");
	if (EVP_MD_get_type(signer->digest) == NID_sha1 && !allow_sha1)
		return err_set(
		    err, NTE_BAD_ALGID, "the message is signed with SHA-1, which is not allowed");
	if (signer->attr_count > 0) {
		if (!check_content_type(s, signer, err) || !check_message_digest(s, signer, err))
			return false;
	} else if (strcmp(s->content_oid, CMS_ID_DATA) != 0) {
		/* RFC 5652 5.3; otherwise a signature over attributes could be passed off as one
		 * over content. */
		return err_set(err, ERROR_INVALID_DATA,
		    "a signature over content of type %s needs signed attributes", s->content_oid);
	}

	return effective_algorithm(signer, &made, err) &&
	       pkix_verify(key, made != NULL ? made : signer->sig_alg,
		   signer->attr_count > 0 ? signer->signed_attrs : s->content, signer->signature,
		   allow_sha1, err);
}
