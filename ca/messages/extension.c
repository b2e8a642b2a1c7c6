#include "extension_priv.h"

#include <string.h>

#include <openssl/asn1.h>

#include "der.h"
#include "mem.h"
#include "oids.h"
#include "pkix_priv.h"

#define OID_KEY_USAGE         "2.5.29.15"
#define OID_EXT_KEY_USAGE     "2.5.29.37"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_SUBJECT_KEY_ID    "2.5.29.14"
#define OID_AUTHORITY_KEY_ID  "2.5.29.35"
#define OID_AUTHORITY_INFO    "1.3.6.1.5.5.7.1.1"
#define OID_OCSP_NOCHECK      "1.3.6.1.5.5.7.48.1.5"
#define OID_SMIME             "1.2.840.113549.1.9.15"

bool
ext_push_item(ext_list *list, const char *dotted, bool critical, const void *value,
    const ASN1_ITEM *item, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	return der_encode(item, value, dotted, &der, err) &&
	       pkix_ext_push(list, dotted, critical, buf_view(&der), err);
}

ASN1_OBJECT *
ext_object(const char *dotted, struct err *err)
{
	ASN1_OBJECT *o = OBJ_txt2obj(dotted, 1);

	if (o == NULL)
		err_openssl(err, ERROR_INVALID_DATA, "'%s' is not an object identifier", dotted);
	return o;
}

ASN1_STRING *
ext_string(int type, const void *data, int len)
{
	ASN1_STRING *s = ASN1_STRING_type_new(type);

	if (s != NULL && !ASN1_STRING_set(s, data, len)) {
		ASN1_STRING_free(s);
		s = NULL;
	}
	return s;
}

bool
ext_key_id(struct view spki, uint8_t out[KEY_ID_LEN], struct err *err)
{
	struct view algorithm, key;

	if (!pkix_key_cut(spki, &algorithm, &key))
		return err_set(err, ERROR_INVALID_DATA, "malformed SubjectPublicKeyInfo");
	return cms_digest_of(NID_sha1, key, out, err);
}

bool
ext_push_key_usage(ext_list *list, uint16_t bits, bool critical, struct err *err)
{
	OWNED(own_asn1_bits) ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
	uint8_t octets[2] = {(uint8_t)(bits >> 8), (uint8_t)bits};

	if (value == NULL || !ASN1_BIT_STRING_set(value, octets, 2))
		return err_nomem(err);
	/* Without the bits-left flag i2d drops trailing zero bits, as DER demands of named bits. */
	return ext_push_item(
	    list, OID_KEY_USAGE, critical, value, ASN1_ITEM_rptr(ASN1_BIT_STRING), err);
}

bool
ext_push_eku(ext_list *list, char *const *oids, size_t count, bool critical, struct err *err)
{
	OWNED(own_eku) EXTENDED_KEY_USAGE *value = sk_ASN1_OBJECT_new_null();

	if (value == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		OWNED(own_asn1_object) ASN1_OBJECT *o = ext_object(oids[i], err);

		if (o == NULL)
			return false;
		if (!sk_ASN1_OBJECT_push(value, o))
			return err_nomem(err);
		o = NULL;
	}
	return ext_push_item(
	    list, OID_EXT_KEY_USAGE, critical, value, ASN1_ITEM_rptr(EXTENDED_KEY_USAGE), err);
}

bool
ext_push_basic_constraints(ext_list *list, bool is_ca, int path_len, bool critical, struct err *err)
{
	OWNED(own_basic_constraints) BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();

	if (value == NULL)
		return err_nomem(err);
	value->ca = is_ca ? 0xff : 0;
	if (is_ca && path_len >= 0 &&
	    ((value->pathlen = ASN1_INTEGER_new()) == NULL ||
		!ASN1_INTEGER_set(value->pathlen, path_len)))
		return err_nomem(err);
	return ext_push_item(
	    list, OID_BASIC_CONSTRAINTS, critical, value, ASN1_ITEM_rptr(BASIC_CONSTRAINTS), err);
}

bool
ext_push_ski(ext_list *list, struct view key_id, struct err *err)
{
	OWNED(own_asn1_octets) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

	if (value == NULL || !ASN1_OCTET_STRING_set(value, key_id.ptr, (int)key_id.len))
		return err_nomem(err);
	return ext_push_item(
	    list, OID_SUBJECT_KEY_ID, false, value, ASN1_ITEM_rptr(ASN1_OCTET_STRING), err);
}

bool
ext_push_aki(ext_list *list, struct view key_id, struct err *err)
{
	OWNED(own_authority_keyid) AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();

	if (value == NULL || (value->keyid = ASN1_OCTET_STRING_new()) == NULL ||
	    !ASN1_OCTET_STRING_set(value->keyid, key_id.ptr, (int)key_id.len))
		return err_nomem(err);
	return ext_push_item(
	    list, OID_AUTHORITY_KEY_ID, false, value, ASN1_ITEM_rptr(AUTHORITY_KEYID), err);
}

/* A bare BMPString, as in real certificates (docs/FACTS.md 4). */
bool
ext_push_template_name(ext_list *list, const char *cn, struct err *err)
{
	OWNED(own_asn1_string) ASN1_STRING *value = NULL;

	if (ASN1_mbstring_copy(&value, (const uint8_t *)cn, -1, MBSTRING_UTF8, B_ASN1_BMPSTRING) <
	    0)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "template name '%s' has no BMPString form", cn);
	return ext_push_item(list, oid_dotted(OID_ENROLL_CERTTYPE), false, value,
	    ASN1_ITEM_rptr(ASN1_BMPSTRING), err);
}

/* [MS-WCCE] 2.2.2.7.7.2; versions are written even if the wire could leave them out. */
bool
ext_push_template_info(
    ext_list *list, const char *oid, int64_t major, int64_t minor, struct err *err)
{
	OWNED(own_pkix_template) PKIX_TEMPLATE *value = PKIX_TEMPLATE_new();
	ASN1_OBJECT *o = ext_object(oid, err);

	if (o == NULL)
		return false;
	if (value == NULL) {
		ASN1_OBJECT_free(o);
		return err_nomem(err);
	}
	ASN1_OBJECT_free(value->oid);
	value->oid = o;
	if ((value->major == NULL && (value->major = ASN1_INTEGER_new()) == NULL) ||
	    (value->minor == NULL && (value->minor = ASN1_INTEGER_new()) == NULL) ||
	    !ASN1_INTEGER_set_int64(value->major, major) ||
	    !ASN1_INTEGER_set_int64(value->minor, minor))
		return err_nomem(err);
	return ext_push_item(list, oid_dotted(OID_CERTIFICATE_TEMPLATE), false, value,
	    ASN1_ITEM_rptr(PKIX_TEMPLATE), err);
}

bool
ext_push_template(
    ext_list *list, const char *cn, const char *oid, int64_t major, int64_t minor, struct err *err)
{
	return oid != NULL ? ext_push_template_info(list, oid, major, minor, err)
			   : ext_push_template_name(list, cn, err);
}

bool
ext_push_ca_version(ext_list *list, int64_t version, struct err *err)
{
	OWNED(own_asn1_integer) ASN1_INTEGER *value = ASN1_INTEGER_new();

	if (value == NULL || !ASN1_INTEGER_set_int64(value, version))
		return err_nomem(err);
	return ext_push_item(
	    list, oid_dotted(OID_CA_VERSION), false, value, ASN1_ITEM_rptr(ASN1_INTEGER), err);
}

bool
ext_push_previous_hash(ext_list *list, struct view sha1, struct err *err)
{
	OWNED(own_asn1_octets) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

	if (value == NULL || !ASN1_OCTET_STRING_set(value, sha1.ptr, (int)sha1.len))
		return err_nomem(err);
	return ext_push_item(list, oid_dotted(OID_PREVIOUS_CERT_HASH), false, value,
	    ASN1_ITEM_rptr(ASN1_OCTET_STRING), err);
}

bool
ext_push_smime_capabilities(ext_list *list, struct err *err)
{
	static const int ciphers[] = {NID_aes_256_cbc, NID_aes_192_cbc, NID_aes_128_cbc};
	OWNED(own_x509_algors) X509_ALGORS *value = sk_X509_ALGOR_new_null();

	for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
		OWNED(own_x509_algor) X509_ALGOR *a = der_alg_new(ciphers[i], V_ASN1_UNDEF);

		if (value == NULL || a == NULL || !sk_X509_ALGOR_push(value, a))
			return err_nomem(err);
		a = NULL;
	}
	return ext_push_item(list, OID_SMIME, false, value, ASN1_ITEM_rptr(X509_ALGORS), err);
}

bool
ext_push_ocsp_nocheck(ext_list *list, struct err *err)
{
	static const uint8_t null_der[] = {V_ASN1_NULL, 0};

	return pkix_ext_push(
	    list, OID_OCSP_NOCHECK, false, view_of(null_der, sizeof null_der), err);
}

static bool
add_access(AUTHORITY_INFO_ACCESS *list, int method, const char *url, struct err *err)
{
	OWNED(own_access_description) ACCESS_DESCRIPTION *a = ACCESS_DESCRIPTION_new();
	ASN1_IA5STRING *ia5 = ext_string(V_ASN1_IA5STRING, url, -1);

	if (a == NULL || ia5 == NULL) {
		ASN1_STRING_free(ia5);
		return err_nomem(err);
	}
	ASN1_OBJECT_free(a->method);
	a->method = OBJ_nid2obj(method);
	GENERAL_NAME_set0_value(a->location, GEN_URI, ia5);
	if (!sk_ACCESS_DESCRIPTION_push(list, a))
		return err_nomem(err);
	a = NULL;
	return true;
}

bool
ext_push_aia(ext_list *list, char *const *urls, size_t count, const char *ocsp, struct err *err)
{
	OWNED(own_authority_info_access) AUTHORITY_INFO_ACCESS *value = AUTHORITY_INFO_ACCESS_new();

	if (value == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		if (urls[i] != NULL && !add_access(value, NID_ad_ca_issuers, urls[i], err))
			return false;
	if (ocsp != NULL && !add_access(value, NID_ad_OCSP, ocsp, err))
		return false;
	if (sk_ACCESS_DESCRIPTION_num(value) == 0)
		return true;
	return ext_push_item(
	    list, OID_AUTHORITY_INFO, false, value, ASN1_ITEM_rptr(AUTHORITY_INFO_ACCESS), err);
}

bool
ext_is_ascii(const char *text, struct err *err)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return err_set(err, ERROR_INVALID_DATA,
			    "'%s' holds characters that this kind of name cannot", text);
	return true;
}

bool
ext_add_name(GENERAL_NAMES *names, int type, const char *text, struct err *err)
{
	return ext_is_ascii(text, err) &&
	       ext_add_string(names, type, ext_string(V_ASN1_IA5STRING, text, -1), err);
}

bool
ext_add_string(GENERAL_NAMES *names, int type, ASN1_STRING *value, struct err *err)
{
	OWNED(own_general_name) GENERAL_NAME *name = GENERAL_NAME_new();

	if (name == NULL || value == NULL) {
		ASN1_STRING_free(value);
		return err_nomem(err);
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (!sk_GENERAL_NAME_push(names, name))
		return err_nomem(err);
	name = NULL;
	return true;
}
