#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "der.h"
#include "mem.h"
#include "oids.h"
#include "text.h"

/* The single value of an attribute; NULL if it has another number of values or another type. */
static const ASN1_STRING *
single_sequence(X509_ATTRIBUTE *attr)
{
	return X509_ATTRIBUTE_count(attr) == 1
		   ? X509_ATTRIBUTE_get0_data(attr, 0, V_ASN1_SEQUENCE, NULL)
		   : NULL;
}

static bool
add_requested(
    struct pkix_request *r, X509_ATTRIBUTE *attr, STACK_OF(X509_EXTENSION) * *slot, struct err *err)
{
	const ASN1_STRING *der = single_sequence(attr);
	const unsigned char *p = NULL;

	if (der != NULL) {
		p = ASN1_STRING_get0_data(der);
		*slot = d2i_X509_EXTENSIONS(NULL, &p, ASN1_STRING_length(der));
	}
	if (*slot == NULL)
		return err_openssl(err, ERROR_INVALID_DATA,
		    "the requested extensions are not one SEQUENCE of extensions");
	return pkix_extensions_add(*slot, &r->extensions, &r->extension_count, err);
}

static bool
add_pairs(struct pkix_request *r, X509_ATTRIBUTE *attr, struct err *err)
{
	for (int i = 0; i < X509_ATTRIBUTE_count(attr); i++) {
		const ASN1_STRING *der = X509_ATTRIBUTE_get0_data(attr, i, V_ASN1_SEQUENCE, NULL);

		if (der == NULL)
			return err_openssl(err, ERROR_INVALID_DATA,
			    "an enrollment name-value pair is not a SEQUENCE");
		if (!pkix_pairs_add(pkix_string_view(der), &r->pairs, err))
			return false;
	}
	return true;
}

/* [MS-WCCE] 2.2.2.7.3: the certificate that the request renews, as it came. */
static bool
add_renewal(struct pkix_request *r, X509_ATTRIBUTE *attr, struct err *err)
{
	const ASN1_STRING *der = single_sequence(attr);

	if (der == NULL)
		return err_openssl(err, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE,
		    "the renewal attribute (311.13.1) does not hold one certificate");
	r->renewal_certificate = pkix_string_view(der);
	return true;
}

/* RFC 7030 4.4.1.2; OCTET STRING. */
static bool
add_decrypt_key(struct pkix_request *r, X509_ATTRIBUTE *attr, struct err *err)
{
	const ASN1_STRING *id = X509_ATTRIBUTE_count(attr) == 1
				    ? X509_ATTRIBUTE_get0_data(attr, 0, V_ASN1_OCTET_STRING, NULL)
				    : NULL;

	if (id == NULL || ASN1_STRING_length(id) == 0)
		return err_openssl(err, ERROR_INVALID_DATA,
		    "the attribute AsymmetricDecryptKeyIdentifier is not one OCTET STRING");
	r->decrypt_key_id = pkix_string_view(id);
	return true;
}

static bool
add_capabilities(struct pkix_request *r, X509_ATTRIBUTE *attr, struct err *err)
{
	const ASN1_STRING *der = single_sequence(attr);

	if (der == NULL)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "the attribute SMIMECapabilities is not one SEQUENCE");
	r->smime_capabilities = pkix_string_view(der);
	return true;
}

static bool
read_attribute(struct pkix_request *r, X509_ATTRIBUTE *attr, struct err *err)
{
	int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attr));

	if (nid == NID_ext_req)
		return add_requested(r, attr, &r->wire->requested[0], err);
	if (nid == NID_ms_ext_req)
		return add_requested(r, attr, &r->wire->requested[1], err);
	if (nid == oid_nid(OID_ENROLLMENT_NAME_VALUE_PAIR))
		return add_pairs(r, attr, err);
	if (nid == oid_nid(OID_RENEWAL_CERTIFICATE))
		return add_renewal(r, attr, err);
	if (nid == oid_nid(OID_ASYMMETRIC_DECRYPT_KEY_ID))
		return add_decrypt_key(r, attr, err);
	if (nid == NID_SMIMECapabilities)
		return add_capabilities(r, attr, err);
	if (nid == oid_nid(OID_DECRYPT_KEY_ID))
		r->names_shared_key = true;
	return true;
}

/* Every type once, except name-value pairs, of which clients write one attribute each. */
static bool
read_attributes(struct pkix_request *r, struct err *err)
{
	const STACK_OF(X509_ATTRIBUTE) *list = r->wire->info->attributes;
	int count = list != NULL ? sk_X509_ATTRIBUTE_num(list) : 0;

	if (count > PKIX_MAX_ITEMS)
		return err_set(err, ERROR_INVALID_DATA, "more than %d attributes", PKIX_MAX_ITEMS);
	for (int i = 0; i < count; i++) {
		X509_ATTRIBUTE *attr = sk_X509_ATTRIBUTE_value(list, i);
		const ASN1_OBJECT *oid = X509_ATTRIBUTE_get0_object(attr);

		for (int j = 0;
		     j < i && OBJ_obj2nid(oid) != oid_nid(OID_ENROLLMENT_NAME_VALUE_PAIR); j++)
			if (OBJ_cmp(oid,
				X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(list, j))) == 0)
				return err_set(err, ERROR_INVALID_DATA,
				    "attribute %d repeats the type of attribute %d", i + 1, j + 1);
		if (!read_attribute(r, attr, err))
			return false;
	}
	return true;
}

static bool
read_info(struct pkix_request *r, struct err *err)
{
	const unsigned char *p = r->info.ptr;
	const PKIX_REQUEST_INFO *info = NULL;
	int64_t version = -1;

	r->wire->info = d2i_PKIX_REQUEST_INFO(NULL, &p, (long)r->info.len);
	if ((info = r->wire->info) == NULL || p != r->info.ptr + r->info.len)
		return err_openssl(err, ERROR_INVALID_DATA, "not a CertificationRequestInfo");
	if (!der_int64(&version, info->version) || version != 0)
		return err_openssl(err, ERROR_INVALID_DATA, "the version is not 0 (RFC 2986 4.1)");
	r->subject = pkix_string_view(info->subject);
	r->spki = pkix_string_view(info->spki);
	return read_attributes(r, err);
}

/* [MS-WCCE] 2.2.2.6.5: the algorithm is a digest alone. */
static bool
is_null_signature(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid = NULL;

	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	return cms_digest(OBJ_obj2nid(oid)) != NULL;
}

bool
pkix_request_decode(struct view der, struct pkix_request *out, struct err *err)
{
	OWNED(pkix_request_free) struct pkix_request r = {0};

	*out = r;
	if (!oids_init(err))
		return false;
	r.wire = mem_zero(1, sizeof *r.wire);
	if (!pkix_signed_decode(der, "certificate request", &r.wire->outer, err) ||
	    !buf_dup(der, &r.raw, err))
		return false;
	r.info = pkix_string_view(r.wire->outer->tbs);
	r.sig_alg = r.wire->outer->sig_alg;
	r.signature = pkix_string_view(r.wire->outer->signature);
	r.null_signature = is_null_signature(r.sig_alg);
	if (!read_info(&r, err))
		return err_prefix(err, "certificate request");
	*out = r;
	r = (struct pkix_request){0};
	return true;
}

void
pkix_request_free(struct pkix_request *r)
{
	pairs_free(&r->pairs);
	free(r->extensions);
	pkix_wire_free(r->wire);
	buf_free(&r->raw);
	*r = (struct pkix_request){0};
}

static bool
verify_null(const struct pkix_request *r, bool allow_sha1, struct err *err)
{
	const ASN1_OBJECT *oid = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int nid = NID_undef;

	X509_ALGOR_get0(&oid, NULL, NULL, r->sig_alg);
	nid = OBJ_obj2nid(oid);
	if (nid == NID_sha1 && !allow_sha1)
		return err_set(
		    err, NTE_BAD_ALGID, "the null signature uses SHA-1, which is not allowed here");
	if (EVP_Digest(r->info.ptr, r->info.len, digest, &len, cms_digest(nid), NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the null signature cannot be checked");
	if (len != r->signature.len || CRYPTO_memcmp(digest, r->signature.ptr, len) != 0)
		return err_set(
		    err, NTE_BAD_SIGNATURE, "the null signature is not the digest of the request");
	return true;
}

bool
pkix_request_verify(
    const struct pkix_request *r, EVP_PKEY *key, bool allow_null, bool allow_sha1, struct err *err)
{
	bool ok = false;

	if (!r->null_signature)
		ok = pkix_verify(key, r->sig_alg, r->info, r->signature, allow_sha1, err);
	else if (allow_null)
		ok = verify_null(r, allow_sha1, err);
	else
		err_set(err, NTE_BAD_SIGNATURE,
		    "it has a digest in place of a signature, which only a CMC message makes good");
	return ok || err_prefix(err, "certificate request");
}
