/*
 * What the extensions of a TBSCertificate make it good for. Only those that this CA makes are
 * known, and those that root names: one that the vault does not know could say anything to
 * somebody.
 */
#include "vault_priv.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "der.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "pkix_policy.h"

#define OID_TEXT_MAX 128

/* Those of the extensions that are looked into come first, in the order of enum known. */
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

static struct view known[KNOWN_MAX]; /* object identifiers, without their heads */
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static void
find_known(void)
{
	const int nids[KNOWN_MAX] = {
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

	for (size_t i = 0; i < KNOWN_MAX; i++)
		known[i] = oid_nid_octets(nids[i]);
}

/* One extension. */
struct extension {
	struct view whole_oid, oid, value; /* the first with its head */
};

static bool
refuse_extension(struct err *err, struct view whole_oid, const char *reason)
{
	const unsigned char *p = whole_oid.ptr;
	OWNED(own_asn1_object)
	ASN1_OBJECT *oid = d2i_ASN1_OBJECT(NULL, &p, (long)whole_oid.len);
	char text[OID_TEXT_MAX] = "";

	if (oid != NULL)
		OBJ_obj2txt(text, sizeof text, oid, 1);
	return err_set(err, E_ACCESSDENIED,
	    "the vault does not sign this certificate: its extension %s %s", text, reason);
}

/* Extension (RFC 5280 4.1): what is not critical does not say so. */
static bool
take_extension(struct view *list, struct extension *out)
{
	struct view x, critical, begins;

	if (!der_take(list, DER_SEQUENCE, &x))
		return false;
	begins = x;
	if (!der_take(&x, DER_OBJECT, &out->oid) || !der_is_oid(out->oid))
		return false;
	out->whole_oid = view_of(begins.ptr, begins.len - x.len);
	if (der_take(&x, DER_BOOLEAN, &critical) && (critical.len != 1 || critical.ptr[0] != 0xFF))
		return false;
	return der_take(&x, DER_OCTET_STRING, &out->value) && x.len == 0;
}

/* Its place in root's list, the length of the list if it is not there. */
static size_t
find_named(const struct sign_usages *named, struct view whole_oid)
{
	const unsigned char *p = whole_oid.ptr;
	OWNED(own_asn1_object) ASN1_OBJECT *oid = NULL;
	char text[OID_TEXT_MAX];
	size_t i = 0;

	if (named->count == 0 || (oid = d2i_ASN1_OBJECT(NULL, &p, (long)whole_oid.len)) == NULL ||
	    !oid_text(oid, text, sizeof text))
		return named->count;
	while (i < named->count && strcmp(named->list[i], text) != 0)
		i++;
	return i;
}

/* Each extension known and there once; those that are looked into by their place. */
static bool
find_extensions(struct view list, const struct vault_rules *rules,
    struct extension found[LOOKED_INTO], struct err *err)
{
	struct extension x;
	uint64_t seen = 0;
	size_t k;

	if (CRYPTO_THREAD_run_once(&once, find_known) != 1)
		return err_nomem(err);
	while (list.len > 0) {
		if (!take_extension(&list, &x))
			return err_set(err, E_ACCESSDENIED,
			    "the vault does not sign this certificate: an extension is not DER");
		for (k = 0; k < KNOWN_MAX && !view_eq(known[k], x.oid); k++)
			;
		if (k == KNOWN_MAX)
			k += find_named(&rules->extensions, x.whole_oid);
		if (k >= KNOWN_MAX + rules->extensions.count || k >= 64)
			return refuse_extension(err, x.whole_oid, "is none that this CA makes");
		if ((seen & UINT64_C(1) << k) != 0)
			return refuse_extension(err, x.whole_oid, "is there twice");
		seen |= UINT64_C(1) << k;
		if (k < LOOKED_INTO)
			found[k] = x;
	}
	return true;
}

static bool
is_there(const struct extension *x)
{
	return x->oid.len > 0;
}

static bool
read_basic_constraints(const struct extension *x, struct sign_purpose *p, struct err *err)
{
	BASIC_CONSTRAINTS *value;

	if (!is_there(x))
		return true;
	value =
	    (BASIC_CONSTRAINTS *)vault_decode_exactly(x->value, ASN1_ITEM_rptr(BASIC_CONSTRAINTS));
	if (value == NULL)
		return refuse_extension(err, x->whole_oid, "is malformed");
	p->is_ca = value->ca != 0;
	BASIC_CONSTRAINTS_free(value);
	return true;
}

static bool
read_key_usage(const struct extension *x, struct sign_purpose *p, struct err *err)
{
	ASN1_BIT_STRING *value;

	if (!is_there(x))
		return true;
	value = (ASN1_BIT_STRING *)vault_decode_exactly(x->value, ASN1_ITEM_rptr(ASN1_BIT_STRING));
	if (value == NULL)
		return refuse_extension(err, x->whole_oid, "is malformed");
	for (int i = 0; i < ASN1_STRING_length(value) && i < 2; i++)
		p->key_usage |= (uint16_t)(ASN1_STRING_get0_data(value)[i] << (8 - 8 * i));
	ASN1_BIT_STRING_free(value);
	return true;
}

static bool
read_ext_key_usage(const struct extension *x, struct texts *out, struct err *err)
{
	EXTENDED_KEY_USAGE *value;
	char text[OID_TEXT_MAX];
	bool ok = true;

	if (!is_there(x))
		return true;
	value = (EXTENDED_KEY_USAGE *)vault_decode_exactly(
	    x->value, ASN1_ITEM_rptr(EXTENDED_KEY_USAGE));
	if (value == NULL || sk_ASN1_OBJECT_num(value) == 0)
		ok = refuse_extension(err, x->whole_oid, "is malformed");
	for (int i = 0; ok && i < sk_ASN1_OBJECT_num(value); i++) {
		ok = oid_text(sk_ASN1_OBJECT_value(value, i), text, sizeof text) ||
		     refuse_extension(err, x->whole_oid, "is malformed");
		if (ok)
			texts_add(out, text);
	}
	sk_ASN1_OBJECT_pop_free(value, ASN1_OBJECT_free);
	return ok;
}

static bool
read_policies(const struct extension *x, struct texts *out, struct err *err)
{
	struct err why;

	if (!is_there(x) || pkix_policies_decode(x->value, out, &why))
		return true;
	return refuse_extension(err, x->whole_oid, "is malformed");
}

/* How another CA counts its certificates: a number, and the hash of the one before. */
static bool
check_ca_version(
    const struct extension found[LOOKED_INTO], const struct sign_purpose *p, struct err *err)
{
	static const struct {
		enum known at;
		const ASN1_ITEM *(*item)(void);
	} shapes[] = {{CA_VERSION_AT, ASN1_INTEGER_it}, {PREVIOUS_HASH_AT, ASN1_OCTET_STRING_it}};

	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		const struct extension *x = &found[shapes[i].at];
		ASN1_VALUE *value = NULL;

		if (!is_there(x))
			continue;
		if (!p->is_ca)
			return refuse_extension(err, x->whole_oid, "is for a CA");
		value = vault_decode_exactly(x->value, shapes[i].item());
		if (value == NULL)
			return refuse_extension(err, x->whole_oid, "is malformed");
		ASN1_item_free(value, shapes[i].item());
	}
	return true;
}

bool
vault_check_purpose(struct view extensions, const struct vault_rules *rules, struct err *err)
{
	struct extension found[LOOKED_INTO] = {0};
	OWNED(texts_free) struct texts eku = {0};
	OWNED(texts_free) struct texts policies = {0};
	struct sign_purpose p = {0};

	if (!find_extensions(extensions, rules, found, err) ||
	    !read_basic_constraints(&found[BASIC_CONSTRAINTS_AT], &p, err) ||
	    !read_key_usage(&found[KEY_USAGE_AT], &p, err) ||
	    !read_ext_key_usage(&found[EXT_KEY_USAGE_AT], &eku, err) ||
	    !read_policies(&found[POLICIES_AT], &policies, err) ||
	    !check_ca_version(found, &p, err))
		return false;
	p.has_eku = is_there(&found[EXT_KEY_USAGE_AT]);
	p.eku = (struct sign_usages){eku.list, eku.count};
	p.policy = (struct sign_usages){policies.list, policies.count};
	return sign_kinds_check(rules->kinds, &p, err);
}
