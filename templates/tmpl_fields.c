#include "tmpl_fields_priv.h"

#include <string.h>

#include "mem.h"
#include "text.h"

/* msPKI-Certificate-Name-Flag, [MS-CRTD] 2.28 */
static const struct tmpl_choice subject_words[] = {
    {"request", CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT},
    {"request-san", CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME},
    {"old-certificate", CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME},
    {"dn", CT_FLAG_SUBJECT_REQUIRE_DIRECTORY_PATH},
    {"cn", CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME},
    {"dns-as-cn", CT_FLAG_SUBJECT_REQUIRE_DNS_AS_CN},
    {"email-in-dn", CT_FLAG_SUBJECT_REQUIRE_EMAIL},
    {"upn", CT_FLAG_SUBJECT_ALT_REQUIRE_UPN},
    {"email", CT_FLAG_SUBJECT_ALT_REQUIRE_EMAIL},
    {"dns", CT_FLAG_SUBJECT_ALT_REQUIRE_DNS},
    {"domain-dns", CT_FLAG_SUBJECT_ALT_REQUIRE_DOMAIN_DNS},
    {"spn", CT_FLAG_SUBJECT_ALT_REQUIRE_SPN},
    {"guid", CT_FLAG_SUBJECT_ALT_REQUIRE_DIRECTORY_GUID},
    {NULL, 0},
};

/* Bits of pKIKeyUsage: the first byte in bits 0 to 7, the second in 8 to 15. */
static const struct tmpl_choice usage_words[] = {
    {"digitalSignature", 0x80},
    {"nonRepudiation", 0x40},
    {"keyEncipherment", 0x20},
    {"dataEncipherment", 0x10},
    {"keyAgreement", 0x08},
    {"keyCertSign", 0x04},
    {"cRLSign", 0x02},
    {"encipherOnly", 0x01},
    {"decipherOnly", 0x8000},
    {NULL, 0},
};

/* AT_KEYEXCHANGE, AT_SIGNATURE */
static const struct tmpl_choice key_spec_words[] = {{"exchange", 1}, {"signature", 2}, {NULL, 0}};

/* [MS-CRTD] 2.27: least version of the CA and of the client */
static const struct tmpl_choice ca_words[] = {
    {"any", 0},
    {"2003", 0x10000},
    {"2008", 0x20000},
    {"2008r2", 0x30000},
    {"2012", 0x40000},
    {"2012r2", 0x50000},
    {"2016", 0x60000},
    {NULL, 0},
};
static const struct tmpl_choice client_words[] = {
    {"any", 0},
    {"xp", 0x1000000},
    {"vista", 0x2000000},
    {"7", 0x3000000},
    {"8", 0x4000000},
    {"8.1", 0x5000000},
    {"10", 0x6000000},
    {NULL, 0},
};

/* Values of properties; the number is the key size that goes with it. */
static const struct tmpl_choice key_words[] = {
    {"RSA", 0},
    {"ECDH_P256", 256},
    {"ECDH_P384", 384},
    {"ECDH_P521", 521},
    {"ECDSA_P256", 256},
    {"ECDSA_P384", 384},
    {"ECDSA_P521", 521},
    {NULL, 0},
};
static const struct tmpl_choice hash_words[] = {
    {"SHA1", 0}, {"SHA256", 0}, {"SHA384", 0}, {"SHA512", 0}, {NULL, 0}};

#define GENERAL    "flags"
#define ENROLLMENT "msPKI-Enrollment-Flag"
#define PRIVATE    "msPKI-Private-Key-Flag"

#define BIT(name, attribute, mask, help)                                      \
	{                                                                     \
		name, "yes|no", help, &FIELD_BIT, attribute, NULL, mask, 0, 0 \
	}

const struct tmpl_field tmpl_fields[] = {
    {"version", "2|3|4", "schema version", &FIELD_VERSION, "msPKI-Template-Schema-Version", NULL, 0,
	2, 4},
    {"legacy-provider", "yes|no",
	"version 4: the key is made by a legacy provider, so that key-algorithm, hash and "
	"transport "
	"cannot be given",
	&FIELD_LEGACY, PRIVATE, NULL, CT_FLAG_USE_LEGACY_PROVIDER, 0, 0},
    {"display-name", "TEXT", "name for people", &FIELD_TEXT, "displayName", NULL, 0, 1, 256},
    {"validity", "PERIOD", "longest validity of a certificate: a number and s, m, h, d, w or y",
	&FIELD_PERIOD, "pKIExpirationPeriod", NULL, 0, 0, 0},
    {"overlap", "PERIOD", "how long before its end a certificate may be renewed by itself",
	&FIELD_PERIOD, "pKIOverlapPeriod", NULL, 0, 0, 0},
    {"subject", "WORD,...",
	"who says the subject: request, or of the directory dn, cn, dns-as-cn, email-in-dn and, as "
	"alternative names, upn, email, dns, domain-dns, spn, guid; old-certificate, request-san",
	&FIELD_BITS, "msPKI-Certificate-Name-Flag", subject_words, 0, 0, 0},
    {"key-usage", "WORD,...",
	"digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyAgreement, "
	"keyCertSign, cRLSign, encipherOnly, decipherOnly",
	&FIELD_USAGE, "pKIKeyUsage", usage_words, 0, 0, 0},
    {"eku", "OID,...", "extended key usages (application policies), by name or OID", &FIELD_EKU,
	"pKIExtendedKeyUsage", NULL, 0, 0, 0},
    {"policies", "OID,...", "issuance policies", &FIELD_OIDS, "msPKI-Certificate-Policy", NULL, 0,
	0, 0},
    {"critical", "OID,...", "extensions that are critical, by name or OID", &FIELD_OIDS,
	"pKICriticalExtensions", NULL, 0, 0, 0},
    {"path-length", "N|none", "path length of a CA's certificate", &FIELD_DEPTH,
	"pKIMaxIssuingDepth", NULL, 0, 0, 255},
    {"archive", "yes|no", "the private key is archived by the CA", &FIELD_BIT, PRIVATE, NULL,
	CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, 0, 0},
    BIT("exportable", PRIVATE, CT_FLAG_EXPORTABLE_KEY, "the client may export the key"),
    BIT("strong-protection", PRIVATE, CT_FLAG_STRONG_KEY_PROTECTION_REQUIRED,
	"the client asks before it uses the key"),
    BIT("alternate-signature", PRIVATE, CT_FLAG_REQUIRE_ALTERNATE_SIGNATURE_ALGORITHM,
	"RSASSA-PSS in the client's signatures"),
    BIT("same-key-renewal", PRIVATE, CT_FLAG_REQUIRE_SAME_KEY_RENEWAL, "renewals keep the key"),
    {"key-spec", "exchange|signature", "what a legacy provider makes the key for", &FIELD_CHOICE,
	"pKIDefaultKeySpec", key_spec_words, UINT32_MAX, 0, 0},
    {"key-algorithm", "NAME",
	"versions 3 and 4: RSA, ECDH_P256, ECDH_P384, ECDH_P521, ECDSA_P256, ECDSA_P384 or "
	"ECDSA_P521; the key size of a curve follows",
	&FIELD_PROPERTY, "msPKI-Asymmetric-Algorithm", key_words, 0, 0, 0},
    {"hash", "NAME", "versions 3 and 4: SHA1, SHA256, SHA384 or SHA512 in the client's signatures",
	&FIELD_PROPERTY, "msPKI-Hash-Algorithm", hash_words, 0, 0, 0},
    {"transport", "NAME",
	"versions 3 and 4: how the key goes to the CA: aes128, aes192, aes256, 3des or none",
	&FIELD_TRANSPORT, "msPKI-Symmetric-Algorithm", NULL, 0, 0, 0},
    {"min-key-size", "BITS", "smallest key", &FIELD_NUMBER, "msPKI-Minimal-Key-Size", NULL, 0, 0,
	16384},
    {"providers", "NAME;...", "cryptographic providers of the client, the preferred one first",
	&FIELD_PROVIDERS, "pKIDefaultCSPs", NULL, 0, 0, 0},
    BIT("approval", ENROLLMENT, CT_FLAG_PEND_ALL_REQUESTS,
	"requests wait for a certificate manager"),
    {"ra-signatures", "N", "signatures of registration authorities that a request needs",
	&FIELD_NUMBER, "msPKI-RA-Signature", NULL, 0, 0, 32},
    {"ra-policies", "OID,...", "issuance policies that a registration authority's certificate has",
	&FIELD_OIDS, "msPKI-RA-Policies", NULL, 0, 0, 0},
    {"ra-application-policies", "OID,...",
	"application policies that a registration authority's certificate has", &FIELD_RA_POLICIES,
	PROPERTY_RA_POLICIES, NULL, 0, 0, 0},
    {"supersedes", "TEMPLATE,...", "templates whose certificates those of this one replace",
	&FIELD_NAMES, "msPKI-Supersede-Templates", NULL, 0, 0, 0},
    BIT("publish", ENROLLMENT, CT_FLAG_PUBLISH_TO_DS,
	"certificates go to userCertificate of the account"),
    BIT("publish-to-kra", ENROLLMENT, CT_FLAG_PUBLISH_TO_KRA_CONTAINER,
	"certificates go to the KRA container"),
    BIT("autoenroll", ENROLLMENT, CT_FLAG_AUTO_ENROLLMENT, "clients enroll by themselves"),
    BIT("autoenroll-checks-published", ENROLLMENT,
	CT_FLAG_AUTO_ENROLLMENT_CHECK_USER_DS_CERTIFICATE,
	"not where the account has a published certificate"),
    BIT("user-interaction", ENROLLMENT, CT_FLAG_USER_INTERACTION_REQUIRED,
	"the user is asked at enrollment"),
    BIT("remove-invalid", ENROLLMENT, CT_FLAG_REMOVE_INVALID_CERTIFICATE_FROM_PERSONAL_STORE,
	"clients delete expired and revoked certificates"),
    BIT("smime-capabilities", ENROLLMENT, CT_FLAG_INCLUDE_SYMMETRIC_ALGORITHMS,
	"the certificate lists symmetric algorithms"),
    BIT("renewal-without-approval", ENROLLMENT, CT_FLAG_PREVIOUS_APPROVAL_VALIDATE_REENROLLMENT,
	"a valid certificate stands for approval and signatures at renewal"),
    BIT("key-based-renewal", ENROLLMENT,
	CT_FLAG_ALLOW_PREVIOUS_APPROVAL_KEYBASEDRENEWAL_VALIDATE_REENROLLMENT,
	"who has the key may renew"),
    BIT("skip-auto-renewal", ENROLLMENT, CT_FLAG_SKIP_AUTO_RENEWAL,
	"clients do not renew by themselves"),
    BIT("reuse-key", ENROLLMENT, CT_FLAG_ENABLE_KEY_REUSE_ON_NT_TOKEN_KEYSET_STORAGE_FULL,
	"a full smart card keeps its key at renewal"),
    BIT("on-behalf-of", ENROLLMENT, CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF,
	"enrollment agents may ask for others"),
    BIT("ocsp-nocheck", ENROLLMENT, CT_FLAG_ADD_OCSP_NOCHECK, "the extension id-pkix-ocsp-nocheck"),
    BIT("no-revocation-info", ENROLLMENT, CT_FLAG_NOREVOCATIONINFOINISSUEDCERTS,
	"neither CDP nor AIA"),
    BIT("basic-constraints", ENROLLMENT, CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS,
	"basic constraints also in end entities' certificates"),
    BIT("policies-from-request", ENROLLMENT, CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST,
	"the request chooses issuance policies"),
    BIT("no-sid", ENROLLMENT, CT_FLAG_NO_SECURITY_EXTENSION,
	"the account's SID is left out of the certificate"),
    BIT("machine", GENERAL, CT_FLAG_MACHINE_TYPE, "for computers"),
    BIT("ca", GENERAL, CT_FLAG_IS_CA, "for certification authorities"),
    BIT("cross-ca", GENERAL, CT_FLAG_IS_CROSS_CA, "for cross-certification"),
    BIT("do-not-store", GENERAL, CT_FLAG_DONOTPERSISTINDB,
	"the CA keeps no record of certificates"),
    {"minimum-ca", "RELEASE", "any, 2003, 2008, 2008r2, 2012, 2012r2 or 2016", &FIELD_CHOICE,
	PRIVATE, ca_words, 0xf0000, 0, 0},
    {"minimum-client", "RELEASE", "any, xp, vista, 7, 8, 8.1 or 10", &FIELD_CHOICE, PRIVATE,
	client_words, 0xf000000, 0, 0},
};
const size_t tmpl_field_count = COUNT_OF(tmpl_fields);

const struct tmpl_field *
tmpl_field_find(const char *name)
{
	for (size_t i = 0; i < tmpl_field_count; i++)
		if (text_eq_nocase(tmpl_fields[i].name, name))
			return &tmpl_fields[i];
	return NULL;
}

char *
tmpl_field_get(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	char *text = f->kind->get(f, e, err);

	if (text == NULL)
		err_prefix(err, "field %s", f->name);
	return text;
}

bool
tmpl_field_set(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	return f->kind->set(f, e, value, err) || err_prefix(err, "field %s=%s", f->name, value);
}
