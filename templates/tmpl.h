/*
 * Certificate templates: a pKICertificateTemplate entry decoded into a plain struct ([MS-CRTD] 2).
 * Pure: no I/O, no OpenSSL.
 */
#ifndef TEMPLATES_TMPL_H
#define TEMPLATES_TMPL_H

#include "entry.h"
#include "texts.h"
#include "sd.h"

/* The bits of the four words, each number once: flags.c says what this CA does with them, and
 * tmpl_fields.c how they are called on the command line. A bit that two words share by name has the
 * same number in both and stands with the first. */

/* flags, [MS-CRTD] 2.4 */
#define CT_FLAG_ADD_EMAIL         0x00000002u
#define CT_FLAG_PUBLISH_TO_DS     0x00000008u
#define CT_FLAG_EXPORTABLE_KEY    0x00000010u
#define CT_FLAG_AUTO_ENROLLMENT   0x00000020u
#define CT_FLAG_MACHINE_TYPE      0x00000040u
#define CT_FLAG_IS_CA             0x00000080u
#define CT_FLAG_ADD_TEMPLATE_NAME 0x00000200u
#define CT_FLAG_IS_CROSS_CA       0x00000800u
#define CT_FLAG_DONOTPERSISTINDB  0x00001000u
#define CT_FLAG_IS_DEFAULT        0x00010000u
#define CT_FLAG_IS_MODIFIED       0x00020000u

/* msPKI-Enrollment-Flag, [MS-CRTD] 2.26 */
#define CT_FLAG_INCLUDE_SYMMETRIC_ALGORITHMS                                  0x00000001u
#define CT_FLAG_PEND_ALL_REQUESTS                                             0x00000002u
#define CT_FLAG_PUBLISH_TO_KRA_CONTAINER                                      0x00000004u
#define CT_FLAG_AUTO_ENROLLMENT_CHECK_USER_DS_CERTIFICATE                     0x00000010u
#define CT_FLAG_PREVIOUS_APPROVAL_VALIDATE_REENROLLMENT                       0x00000040u
#define CT_FLAG_DOMAIN_AUTHENTICATION_NOT_REQUIRED                            0x00000080u
#define CT_FLAG_USER_INTERACTION_REQUIRED                                     0x00000100u
#define CT_FLAG_REMOVE_INVALID_CERTIFICATE_FROM_PERSONAL_STORE                0x00000400u
#define CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF                                     0x00000800u
#define CT_FLAG_ADD_OCSP_NOCHECK                                              0x00001000u
#define CT_FLAG_ENABLE_KEY_REUSE_ON_NT_TOKEN_KEYSET_STORAGE_FULL              0x00002000u
#define CT_FLAG_NOREVOCATIONINFOINISSUEDCERTS                                 0x00004000u
#define CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS                        0x00008000u
#define CT_FLAG_ALLOW_PREVIOUS_APPROVAL_KEYBASEDRENEWAL_VALIDATE_REENROLLMENT 0x00010000u
#define CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST                                0x00020000u
#define CT_FLAG_SKIP_AUTO_RENEWAL                                             0x00040000u
#define CT_FLAG_NO_SECURITY_EXTENSION                                         0x00080000u

/* msPKI-Certificate-Name-Flag, [MS-CRTD] 2.28 */
#define CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT              0x00000001u
#define CT_FLAG_ADD_OBJ_GUID                           0x00000004u
#define CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME 0x00000008u
#define CT_FLAG_ADD_DIRECTORY_PATH                     0x00000100u
#define CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME     0x00010000u
#define CT_FLAG_SUBJECT_ALT_REQUIRE_DOMAIN_DNS         0x00400000u
#define CT_FLAG_SUBJECT_ALT_REQUIRE_SPN                0x00800000u
#define CT_FLAG_SUBJECT_ALT_REQUIRE_DIRECTORY_GUID     0x01000000u
#define CT_FLAG_SUBJECT_ALT_REQUIRE_UPN                0x02000000u
#define CT_FLAG_SUBJECT_ALT_REQUIRE_EMAIL              0x04000000u
#define CT_FLAG_SUBJECT_ALT_REQUIRE_DNS                0x08000000u
#define CT_FLAG_SUBJECT_REQUIRE_DNS_AS_CN              0x10000000u
#define CT_FLAG_SUBJECT_REQUIRE_EMAIL                  0x20000000u
#define CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME            0x40000000u
#define CT_FLAG_SUBJECT_REQUIRE_DIRECTORY_PATH         0x80000000u

/* msPKI-Private-Key-Flag, [MS-CRTD] 2.27 */
#define CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL          0x00000001u
#define CT_FLAG_STRONG_KEY_PROTECTION_REQUIRED        0x00000020u
#define CT_FLAG_REQUIRE_ALTERNATE_SIGNATURE_ALGORITHM 0x00000040u
#define CT_FLAG_REQUIRE_SAME_KEY_RENEWAL              0x00000080u
#define CT_FLAG_USE_LEGACY_PROVIDER                   0x00000100u
#define CT_FLAG_EK_TRUST_ON_USE                       0x00000200u
#define CT_FLAG_EK_VALIDATE_CERT                      0x00000400u
#define CT_FLAG_EK_VALIDATE_KEY                       0x00000800u
#define CT_FLAG_ATTEST_PREFERRED                      0x00001000u
#define CT_FLAG_ATTEST_REQUIRED                       0x00002000u
#define CT_FLAG_ATTESTATION_WITHOUT_POLICY            0x00004000u
#define CT_FLAG_HELLO_KSP_KEY                         0x00100000u
#define CT_FLAG_HELLO_LOGON_KEY                       0x00200000u

struct tmpl {
	char *dn, *cn, *display_name;
	uint32_t flags, enrollment_flag, name_flag, private_key_flag;
	int schema_version; /* 1..4; absent = 1 */
	int32_t major, minor;
	char *oid; /* msPKI-Cert-Template-OID; NULL if absent (required from version 2 on) */
	int32_t min_key_size; /* bits; 0 = none demanded */
	int32_t ra_signatures;
	int32_t key_spec;          /* 1 AT_KEYEXCHANGE, 2 AT_SIGNATURE; 0 absent */
	int32_t max_depth;         /* pKIMaxIssuingDepth; -1 none */
	uint8_t key_usage[2];      /* BIT STRING content of pKIKeyUsage, [MS-CRTD] 2.13 */
	int64_t validity, overlap; /* seconds */
	struct texts eku, critical, policies, application_policies, supersedes, csps;
	struct texts ra_policies, ra_application_policies; /* [MS-CRTD] 2.23, both syntaxes */
	char *asymmetric_algorithm, *hash_algorithm,
	    *symmetric_algorithm;     /* versions 3 and 4, [MS-CRTD] 2.23.2; NULL if absent */
	int32_t symmetric_key_length; /* bits; 0 absent */
	bool has_sd;
	struct sd sd;
	bool of_request; /* of no directory, but what a request wishes (wish.h); cn is no name */
};

/* Errors name the DN and the attribute, with ERROR_INVALID_DATA. What version 1 may not have
 * (archival above all, issuance and application policies) is cleared ([MS-WCCE] 3.2.2.6.2.1.4.4);
 * what restricts enrollment (pending, RA signatures, key size) is kept. An absent OID is not an
 * error here: the default templates of version 2 have none until a forest gives them one; issuing
 * fails. */
bool tmpl_decode(const struct dir_entry *e, struct tmpl *out, struct err *err);
void tmpl_free(struct tmpl *t);

bool tmpl_requires_key_archival(const struct tmpl *t);
bool tmpl_pends(const struct tmpl *t);
/* Is it for a CA, or what crosses to one? */
bool tmpl_is_ca(const struct tmpl *t);
/* Signatures beside the request's own that it demands: msPKI-RA-Signature, and at least one where
 * it names policies of signers ([MS-WCCE] 3.2.2.6.2.1.4.5.3 and .4). */
int32_t tmpl_signatures_needed(const struct tmpl *t);
/* It lists `cn` in msPKI-Supersede-Templates. False for NULL. */
bool tmpl_supersedes(const struct tmpl *t, const char *cn);

/* What a template says about the key (msPKI-Asymmetric-Algorithm, versions 3 and 4). */
struct tmpl_key_rule {
	const char *algorithm; /* "RSA" or "EC"; NULL: either */
	int curve_bits;        /* of the named curve, which is the least; 0 none named */
	bool signs_only;       /* ECDSA */
};
/* CERTSRV_E_UNSUPPORTED_CERT_TYPE for DSA and other names that no key here can have. */
bool tmpl_key_rule(const struct tmpl *t, struct tmpl_key_rule *out, struct err *err);

enum tmpl_cipher {
	TMPL_CIPHER_AES_256,
	TMPL_CIPHER_AES_192,
	TMPL_CIPHER_AES_128,
	TMPL_CIPHER_3DES
};
/* With what a client encrypts the key that it sends to the CA: msPKI-Symmetric-Algorithm and
 * -Key-Length of versions 3 and 4 ("use advanced symmetric algorithm"). Where the template says
 * nothing it is AES-256. NTE_BAD_ALGID for ciphers that protect no key. */
bool tmpl_transport_cipher(const struct tmpl *t, enum tmpl_cipher *out, struct err *err);
/* Rights on the template by its security descriptor; a template without one grants nothing (fail
 * closed). Read is SD_RIGHT_READ_PROP on the whole object, without which a domain controller shows
 * nobody a template: whoever lacks it neither sees it nor enrolls by it, whatever the directory. On
 * refusal err is CERTSRV_E_TEMPLATE_DENIED with the deciding ACE and `who` in the sentence. */
bool tmpl_check_read(
    const struct tmpl *t, const struct sids *sids, const char *who, struct err *err);
bool tmpl_check_enroll(
    const struct tmpl *t, const struct sids *sids, const char *who, struct err *err);
/* What tmpl_check_read decides by, where there is a descriptor. */
struct sd_verdict tmpl_read_verdict(const struct tmpl *t, const struct sids *sids);

#endif
