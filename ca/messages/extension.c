#include "extension_priv.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/sha.h>

#include "oids.h"
#include "pkix.h"

#define OID_KEY_USAGE         "2.5.29.15"
#define OID_EXT_KEY_USAGE     "2.5.29.37"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_SUBJECT_KEY_ID    "2.5.29.14"
#define OID_AUTHORITY_KEY_ID  "2.5.29.35"
#define OID_CRL_POINTS        "2.5.29.31"
#define OID_AUTHORITY_INFO    "1.3.6.1.5.5.7.1.1"
#define OID_OCSP_NOCHECK      "1.3.6.1.5.5.7.48.1.5"
#define OID_SMIME             "1.2.840.113549.1.9.15"

bool
ext_push_der(
    ext_list *list, const char *dotted, bool critical, uint8_t *der, int len, struct err *err)
{
	bool ok;

	if (len < 0 || der == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "cannot encode extension %s", dotted);
	ok = pkix_ext_push(list, dotted, critical, view_of(der, (size_t)len), err);
	OPENSSL_free(der);
	return ok;
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
	const uint8_t *p = spki.ptr, *end = spki.ptr + spki.len;
	long len;
	int tag, class;

	if ((ASN1_get_object(&p, &len, &tag, &class, end - p) & 0x81) != 0 ||
	    tag != V_ASN1_SEQUENCE || p + len != end)
		goto bad;
	if ((ASN1_get_object(&p, &len, &tag, &class, end - p) & 0x81) != 0 ||
	    tag != V_ASN1_SEQUENCE)
		goto bad;
	p += len;
	if ((ASN1_get_object(&p, &len, &tag, &class, end - p) & 0x81) != 0 ||
	    tag != V_ASN1_BIT_STRING || p + len != end || len < 2)
		goto bad;
	/* The first octet counts unused bits. */
	return SHA1(p + 1, (size_t)len - 1, out) != NULL ||
	       err_openssl(err, DIRCA_E_CRYPTO, "SHA-1 of a public key");
bad:
	return err_openssl(err, ERROR_INVALID_DATA, "malformed SubjectPublicKeyInfo");
}

bool
ext_push_key_usage(ext_list *list, uint16_t bits, bool critical, struct err *err)
{
	ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
	uint8_t *der = NULL, octets[2] = {(uint8_t)(bits >> 8), (uint8_t)bits};
	bool ok = false;

	if (value == NULL || !ASN1_BIT_STRING_set(value, octets, 2)) {
		err_nomem(err);
		goto out;
	}
	/* Without the bits-left flag i2d drops trailing zero bits, as DER demands of named bits. */
	int len = i2d_ASN1_BIT_STRING(value, &der);
	ok = ext_push_der(list, OID_KEY_USAGE, critical, der, len, err);
out:
	ASN1_BIT_STRING_free(value);
	return ok;
}

bool
ext_push_eku(ext_list *list, char *const *oids, size_t count, bool critical, struct err *err)
{
	EXTENDED_KEY_USAGE *value = sk_ASN1_OBJECT_new_null();
	uint8_t *der = NULL;
	bool ok = false;

	if (value == NULL) {
		err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		ASN1_OBJECT *o = ext_object(oids[i], err);

		if (o == NULL)
			goto out;
		if (!sk_ASN1_OBJECT_push(value, o)) {
			ASN1_OBJECT_free(o);
			err_nomem(err);
			goto out;
		}
	}
	int len = i2d_EXTENDED_KEY_USAGE(value, &der);
	ok = ext_push_der(list, OID_EXT_KEY_USAGE, critical, der, len, err);
out:
	sk_ASN1_OBJECT_pop_free(value, ASN1_OBJECT_free);
	return ok;
}

bool
ext_push_basic_constraints(ext_list *list, bool is_ca, int path_len, bool critical, struct err *err)
{
	BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
	uint8_t *der = NULL;
	bool ok = false;

	if (value == NULL) {
		err_nomem(err);
		goto out;
	}
	value->ca = is_ca ? 0xff : 0;
	if (is_ca && path_len >= 0 &&
	    ((value->pathlen = ASN1_INTEGER_new()) == NULL ||
		!ASN1_INTEGER_set(value->pathlen, path_len))) {
		err_nomem(err);
		goto out;
	}
	int len = i2d_BASIC_CONSTRAINTS(value, &der);
	ok = ext_push_der(list, OID_BASIC_CONSTRAINTS, critical, der, len, err);
out:
	BASIC_CONSTRAINTS_free(value);
	return ok;
}

bool
ext_push_ski(ext_list *list, struct view key_id, struct err *err)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	uint8_t *der = NULL;
	bool ok = false;

	if (value == NULL || !ASN1_OCTET_STRING_set(value, key_id.ptr, (int)key_id.len)) {
		err_nomem(err);
		goto out;
	}
	int len = i2d_ASN1_OCTET_STRING(value, &der);
	ok = ext_push_der(list, OID_SUBJECT_KEY_ID, false, der, len, err);
out:
	ASN1_OCTET_STRING_free(value);
	return ok;
}

bool
ext_push_aki(ext_list *list, struct view key_id, struct err *err)
{
	AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();
	uint8_t *der = NULL;
	bool ok = false;

	if (value == NULL || (value->keyid = ASN1_OCTET_STRING_new()) == NULL ||
	    !ASN1_OCTET_STRING_set(value->keyid, key_id.ptr, (int)key_id.len)) {
		err_nomem(err);
		goto out;
	}
	int len = i2d_AUTHORITY_KEYID(value, &der);
	ok = ext_push_der(list, OID_AUTHORITY_KEY_ID, false, der, len, err);
out:
	AUTHORITY_KEYID_free(value);
	return ok;
}

/* A bare BMPString, as in real certificates (docs/FACTS.md 4). */
bool
ext_push_template_name(ext_list *list, const char *cn, struct err *err)
{
	ASN1_BMPSTRING *value = NULL;
	uint8_t *der = NULL;
	bool ok = false;

	if (ASN1_mbstring_copy(&value, (const uint8_t *)cn, -1, MBSTRING_UTF8, B_ASN1_BMPSTRING) <
	    0) {
		err_openssl(
		    err, ERROR_INVALID_DATA, "template name '%s' has no BMPString form", cn);
		goto out;
	}
	int len = i2d_ASN1_BMPSTRING(value, &der);
	ok = ext_push_der(list, oid_dotted(OID_ENROLL_CERTTYPE), false, der, len, err);
out:
	ASN1_BMPSTRING_free(value);
	return ok;
}

static bool
sequence_add(ASN1_SEQUENCE_ANY *seq, int type, void *value, struct err *err)
{
	ASN1_TYPE *t = value != NULL ? ASN1_TYPE_new() : NULL;

	if (t == NULL)
		return err_nomem(err);
	ASN1_TYPE_set(t, type, value);
	if (!sk_ASN1_TYPE_push(seq, t)) {
		t->type = V_ASN1_NULL; /* the caller keeps the value */
		t->value.ptr = NULL;
		ASN1_TYPE_free(t);
		return err_nomem(err);
	}
	return true;
}

static bool
sequence_add_integer(ASN1_SEQUENCE_ANY *seq, int64_t n, struct err *err)
{
	ASN1_INTEGER *i = ASN1_INTEGER_new();

	if (i == NULL || !ASN1_INTEGER_set_int64(i, n) ||
	    !sequence_add(
		seq, i->type == V_ASN1_NEG_INTEGER ? V_ASN1_NEG_INTEGER : V_ASN1_INTEGER, i, err)) {
		ASN1_INTEGER_free(i);
		return err_nomem(err);
	}
	return true;
}

bool
ext_push_template_info(
    ext_list *list, const char *oid, int64_t major, int64_t minor, struct err *err)
{
	ASN1_SEQUENCE_ANY *seq = sk_ASN1_TYPE_new_null();
	ASN1_OBJECT *o = ext_object(oid, err);
	uint8_t *der = NULL;
	bool ok = false;

	if (seq == NULL || o == NULL)
		goto out;
	if (!sequence_add(seq, V_ASN1_OBJECT, o, err))
		goto out;
	o = NULL;
	if (!sequence_add_integer(seq, major, err) || !sequence_add_integer(seq, minor, err))
		goto out;
	int len = i2d_ASN1_SEQUENCE_ANY(seq, &der);
	ok = ext_push_der(list, oid_dotted(OID_CERTIFICATE_TEMPLATE), false, der, len, err);
out:
	ASN1_OBJECT_free(o);
	sk_ASN1_TYPE_pop_free(seq, ASN1_TYPE_free);
	return ok;
}

bool
ext_push_ca_version(ext_list *list, int64_t version, struct err *err)
{
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	uint8_t *der = NULL;
	bool ok = false;

	if (value == NULL || !ASN1_INTEGER_set_int64(value, version)) {
		err_nomem(err);
		goto out;
	}
	int len = i2d_ASN1_INTEGER(value, &der);
	ok = ext_push_der(list, oid_dotted(OID_CA_VERSION), false, der, len, err);
out:
	ASN1_INTEGER_free(value);
	return ok;
}

bool
ext_push_smime_capabilities(ext_list *list, struct err *err)
{
	static const int ciphers[] = {NID_aes_256_cbc, NID_aes_192_cbc, NID_aes_128_cbc};
	X509_ALGORS *value = sk_X509_ALGOR_new_null();
	uint8_t *der = NULL;
	bool ok = false;

	for (size_t i = 0; value != NULL && i < sizeof ciphers / sizeof ciphers[0]; i++) {
		X509_ALGOR *a = X509_ALGOR_new();

		if (a == NULL || !X509_ALGOR_set0(a, OBJ_nid2obj(ciphers[i]), V_ASN1_UNDEF, NULL) ||
		    !sk_X509_ALGOR_push(value, a)) {
			X509_ALGOR_free(a);
			err_nomem(err);
			goto out;
		}
	}
	int len = value != NULL ? i2d_X509_ALGORS(value, &der) : -1;
	ok = ext_push_der(list, OID_SMIME, false, der, len, err);
out:
	sk_X509_ALGOR_pop_free(value, X509_ALGOR_free);
	return ok;
}

bool
ext_push_ocsp_nocheck(ext_list *list, struct err *err)
{
	static const uint8_t null_der[] = {V_ASN1_NULL, 0};

	return pkix_ext_push(
	    list, OID_OCSP_NOCHECK, false, view_of(null_der, sizeof null_der), err);
}

static DIST_POINT *
point_with_names(GENERAL_NAMES *names)
{
	DIST_POINT *point = DIST_POINT_new();

	if (point == NULL)
		return NULL;
	if ((point->distpoint = DIST_POINT_NAME_new()) == NULL) {
		DIST_POINT_free(point);
		return NULL;
	}
	point->distpoint->type = 0; /* fullName */
	point->distpoint->name.fullname = names;
	return point;
}

bool
ext_push_cdp(ext_list *list, char *const *urls, size_t count, struct err *err)
{
	CRL_DIST_POINTS *value = CRL_DIST_POINTS_new();
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	DIST_POINT *point = NULL;
	uint8_t *der = NULL;
	bool ok = false;

	if (value == NULL || names == NULL) {
		err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		if (urls[i] != NULL && !ext_add_name(names, GEN_URI, urls[i], err))
			goto out;
	if ((point = point_with_names(names)) == NULL) {
		err_nomem(err);
		goto out;
	}
	names = NULL;
	if (!sk_DIST_POINT_push(value, point)) {
		DIST_POINT_free(point);
		err_nomem(err);
		goto out;
	}
	int len = i2d_CRL_DIST_POINTS(value, &der);
	ok = ext_push_der(list, OID_CRL_POINTS, false, der, len, err);
out:
	GENERAL_NAMES_free(names);
	CRL_DIST_POINTS_free(value);
	return ok;
}

static bool
add_access(AUTHORITY_INFO_ACCESS *list, const char *url, struct err *err)
{
	ACCESS_DESCRIPTION *a = ACCESS_DESCRIPTION_new();
	ASN1_IA5STRING *ia5 = ext_string(V_ASN1_IA5STRING, url, -1);

	if (a == NULL || ia5 == NULL) {
		ACCESS_DESCRIPTION_free(a);
		ASN1_STRING_free(ia5);
		return err_nomem(err);
	}
	ASN1_OBJECT_free(a->method);
	a->method = OBJ_nid2obj(NID_ad_ca_issuers);
	GENERAL_NAME_set0_value(a->location, GEN_URI, ia5);
	if (!sk_ACCESS_DESCRIPTION_push(list, a)) {
		ACCESS_DESCRIPTION_free(a);
		return err_nomem(err);
	}
	return true;
}

bool
ext_push_aia(ext_list *list, char *const *urls, size_t count, struct err *err)
{
	AUTHORITY_INFO_ACCESS *value = AUTHORITY_INFO_ACCESS_new();
	uint8_t *der = NULL;
	bool ok = false;

	if (value == NULL) {
		err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		if (urls[i] != NULL && !add_access(value, urls[i], err))
			goto out;
	int len = i2d_AUTHORITY_INFO_ACCESS(value, &der);
	ok = ext_push_der(list, OID_AUTHORITY_INFO, false, der, len, err);
out:
	AUTHORITY_INFO_ACCESS_free(value);
	return ok;
}

bool
ext_add_name(GENERAL_NAMES *names, int type, const char *text, struct err *err)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *ia5 = ASN1_IA5STRING_new();

	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80) {
			GENERAL_NAME_free(name);
			ASN1_IA5STRING_free(ia5);
			return err_set(err, ERROR_INVALID_DATA,
			    "'%s' holds characters that this kind of name cannot", text);
		}
	if (name == NULL || ia5 == NULL || !ASN1_STRING_set(ia5, text, -1)) {
		GENERAL_NAME_free(name);
		ASN1_IA5STRING_free(ia5);
		return err_nomem(err);
	}
	GENERAL_NAME_set0_value(name, type, ia5);
	if (!sk_GENERAL_NAME_push(names, name)) {
		GENERAL_NAME_free(name);
		return err_nomem(err);
	}
	return true;
}
