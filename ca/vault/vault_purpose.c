/*
 * What the extensions of a TBSCertificate make it good for. Only those that this CA makes are
 * known, and those that root names: one that the vault does not know could say anything to
 * somebody.
 */
#include "vault_priv.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "mem.h"
#include "oids.h"
#include "own.h"
#include "pkix_policy.h"

#define OID_TEXT_MAX 128

/* NIDs of the extensions that are looked into come first, in the order of enum known. */
enum known {
	BASIC_CONSTRAINTS_AT,
	KEY_USAGE_AT,
	EXT_KEY_USAGE_AT,
	POLICIES_AT,
	CA_VERSION_AT,
	PREVIOUS_HASH_AT,
	LOOKED_INTO
};
#define KNOWN_MAX 20

static size_t
known_extensions(int nids[KNOWN_MAX])
{
	const int list[] = {
	    [BASIC_CONSTRAINTS_AT] = NID_basic_constraints,
	    [KEY_USAGE_AT] = NID_key_usage,
	    [EXT_KEY_USAGE_AT] = NID_ext_key_usage,
	    [POLICIES_AT] = oid_nid(OID_APPLICATION_CERT_POLICIES),
	    [CA_VERSION_AT] = oid_nid(OID_CA_VERSION),
	    [PREVIOUS_HASH_AT] = oid_nid(OID_PREVIOUS_CERT_HASH),
	    NID_subject_key_identifier,
	    NID_authority_key_identifier,
	    NID_crl_distribution_points,
	    NID_freshest_crl,
	    NID_info_access,
	    NID_subject_alt_name,
	    NID_certificate_policies,
	    NID_SMIMECapabilities,
	    NID_id_pkix_OCSP_noCheck,
	    NID_tlsfeature,
	    NID_netscape_comment,
	    oid_nid(OID_ENROLL_CERTTYPE),
	    oid_nid(OID_CERTIFICATE_TEMPLATE),
	    oid_nid(OID_NTDS_CA_SECURITY_EXT),
	};
	size_t count = COUNT_OF(list);

	for (size_t i = 0; i < count; i++)
		nids[i] = list[i];
	return count;
}

static bool
refuse_extension(struct err *err, const ASN1_OBJECT *oid, const char *reason)
{
	char text[OID_TEXT_MAX] = "";

	OBJ_obj2txt(text, sizeof text, oid, 1);
	return err_set(err, E_ACCESSDENIED,
	    "the vault does not sign this certificate: its extension %s %s", text, reason);
}

/* Its place in root's list, the length of the list if it is not there. */
static size_t
find_named(const struct sign_usages *named, const ASN1_OBJECT *oid)
{
	char text[OID_TEXT_MAX];
	size_t i = 0;

	if (!oid_text(oid, text, sizeof text))
		return named->count;
	while (i < named->count && strcmp(named->list[i], text) != 0)
		i++;
	return i;
}

/* Each extension known and there once; those that are looked into by their place. */
static bool
find_extensions(const STACK_OF(X509_EXTENSION) * extensions, const struct vault_rules *rules,
    X509_EXTENSION *found[LOOKED_INTO], struct err *err)
{
	int nids[KNOWN_MAX];
	size_t count = known_extensions(nids), k;
	uint64_t seen = 0;

	for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
		X509_EXTENSION *x = sk_X509_EXTENSION_value(extensions, i);
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(x);
		int nid = OBJ_obj2nid(oid);

		for (k = 0; k < count && (nid == NID_undef || nids[k] != nid); k++)
			;
		if (k == count)
			k += find_named(&rules->extensions, oid);
		if (k >= count + rules->extensions.count || k >= 64)
			return refuse_extension(err, oid, "is none that this CA makes");
		if ((seen & UINT64_C(1) << k) != 0)
			return refuse_extension(err, oid, "is there twice");
		seen |= UINT64_C(1) << k;
		if (k < LOOKED_INTO)
			found[k] = x;
	}
	return true;
}

static struct view
value_of(X509_EXTENSION *x)
{
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(x);

	return view_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

static bool
read_basic_constraints(X509_EXTENSION *x, struct sign_purpose *p, struct err *err)
{
	BASIC_CONSTRAINTS *value;

	if (x == NULL)
		return true;
	value = (BASIC_CONSTRAINTS *)vault_decode_exactly(
	    value_of(x), ASN1_ITEM_rptr(BASIC_CONSTRAINTS));
	if (value == NULL)
		return refuse_extension(err, X509_EXTENSION_get_object(x), "is malformed");
	p->is_ca = value->ca != 0;
	BASIC_CONSTRAINTS_free(value);
	return true;
}

static bool
read_key_usage(X509_EXTENSION *x, struct sign_purpose *p, struct err *err)
{
	ASN1_BIT_STRING *value;

	if (x == NULL)
		return true;
	value =
	    (ASN1_BIT_STRING *)vault_decode_exactly(value_of(x), ASN1_ITEM_rptr(ASN1_BIT_STRING));
	if (value == NULL)
		return refuse_extension(err, X509_EXTENSION_get_object(x), "is malformed");
	for (int i = 0; i < ASN1_STRING_length(value) && i < 2; i++)
		p->key_usage |= (uint16_t)(ASN1_STRING_get0_data(value)[i] << (8 - 8 * i));
	ASN1_BIT_STRING_free(value);
	return true;
}

static bool
read_ext_key_usage(X509_EXTENSION *x, struct texts *out, struct err *err)
{
	EXTENDED_KEY_USAGE *value;
	char text[OID_TEXT_MAX];
	bool ok = true;

	if (x == NULL)
		return true;
	value = (EXTENDED_KEY_USAGE *)vault_decode_exactly(
	    value_of(x), ASN1_ITEM_rptr(EXTENDED_KEY_USAGE));
	if (value == NULL || sk_ASN1_OBJECT_num(value) == 0)
		ok = refuse_extension(err, X509_EXTENSION_get_object(x), "is malformed");
	for (int i = 0; ok && i < sk_ASN1_OBJECT_num(value); i++) {
		ok = oid_text(sk_ASN1_OBJECT_value(value, i), text, sizeof text) ||
		     refuse_extension(err, X509_EXTENSION_get_object(x), "is malformed");
		if (ok)
			texts_add(out, text);
	}
	sk_ASN1_OBJECT_pop_free(value, ASN1_OBJECT_free);
	return ok;
}

static bool
read_policies(X509_EXTENSION *x, struct texts *out, struct err *err)
{
	struct err why;

	if (x == NULL || pkix_policies_decode(value_of(x), out, &why))
		return true;
	return refuse_extension(err, X509_EXTENSION_get_object(x), "is malformed");
}

/* How another CA counts its certificates: a number, and the hash of the one before. */
static bool
check_ca_version(
    X509_EXTENSION *const found[LOOKED_INTO], const struct sign_purpose *p, struct err *err)
{
	static const struct {
		enum known at;
		const ASN1_ITEM *(*item)(void);
	} shapes[] = {{CA_VERSION_AT, ASN1_INTEGER_it}, {PREVIOUS_HASH_AT, ASN1_OCTET_STRING_it}};

	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		X509_EXTENSION *x = found[shapes[i].at];
		ASN1_VALUE *value = NULL;

		if (x == NULL)
			continue;
		if (!p->is_ca)
			return refuse_extension(err, X509_EXTENSION_get_object(x), "is for a CA");
		value = vault_decode_exactly(value_of(x), shapes[i].item());
		if (value == NULL)
			return refuse_extension(err, X509_EXTENSION_get_object(x), "is malformed");
		ASN1_item_free(value, shapes[i].item());
	}
	return true;
}

bool
vault_check_purpose(
    const STACK_OF(X509_EXTENSION) * extensions, const struct vault_rules *rules, struct err *err)
{
	X509_EXTENSION *found[LOOKED_INTO] = {NULL};
	OWNED(texts_free) struct texts eku = {0};
	OWNED(texts_free) struct texts policies = {0};
	struct sign_purpose p = {0};

	if (!find_extensions(extensions, rules, found, err) ||
	    !read_basic_constraints(found[BASIC_CONSTRAINTS_AT], &p, err) ||
	    !read_key_usage(found[KEY_USAGE_AT], &p, err) ||
	    !read_ext_key_usage(found[EXT_KEY_USAGE_AT], &eku, err) ||
	    !read_policies(found[POLICIES_AT], &policies, err) || !check_ca_version(found, &p, err))
		return false;
	p.has_eku = found[EXT_KEY_USAGE_AT] != NULL;
	p.eku = (struct sign_usages){eku.list, eku.count};
	p.policy = (struct sign_usages){policies.list, policies.count};
	return sign_kinds_check(rules->kinds, &p, err);
}
