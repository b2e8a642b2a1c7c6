#include "flags.h"

#include <stdlib.h>

#include "mem.h"
#include "text.h"

#define HONOURED TMPL_FLAG_HONOURED
#define REFUSED  TMPL_FLAG_REFUSED
#define IGNORED  TMPL_FLAG_IGNORED
#define CLIENT   TMPL_FLAG_CLIENT
#define RESERVED TMPL_FLAG_RESERVED

/* A row of a bit that has a name in tmpl.h. */
#define FLAG(name, role, effect)                                   \
	{                                                          \
		CT_FLAG_##name, "CT_FLAG_" #name, (role), (effect) \
	}

/* [MS-CRTD] 2.4. Names without CT_FLAG_ have none there. */
static const struct tmpl_flag general_flags[] = {
    {0x00000001u, "undocumented 0x1", RESERVED, "in many default templates; without meaning"},
    FLAG(ADD_EMAIL, RESERVED, "msPKI-Certificate-Name-Flag says it"),
    {0x00000004u, "undocumented 0x4", RESERVED, "in DomainController; without meaning"},
    FLAG(PUBLISH_TO_DS, RESERVED, "msPKI-Enrollment-Flag says it"),
    FLAG(EXPORTABLE_KEY, RESERVED, "msPKI-Private-Key-Flag says it"),
    FLAG(AUTO_ENROLLMENT, CLIENT, "clients may enroll unasked"),
    FLAG(MACHINE_TYPE, HONOURED,
	"where a name is built from dNSHostName, the subject must be a computer that has one"),
    FLAG(IS_CA, HONOURED,
	"critical basic constraints with cA and the path length of pKIMaxIssuingDepth"),
    FLAG(ADD_TEMPLATE_NAME, HONOURED,
	"version 1: extension 1.3.6.1.4.1.311.20.2 with the template's cn"),
    FLAG(IS_CROSS_CA, HONOURED, "like CT_FLAG_IS_CA"),
    FLAG(DONOTPERSISTINDB, IGNORED,
	"every request is recorded; together with key archival the template is refused"),
    FLAG(IS_DEFAULT, RESERVED, "for administrative tools"),
    FLAG(IS_MODIFIED, RESERVED, "for administrative tools"),
};

/* [MS-CRTD] 2.26, [MS-WCCE] 3.2.2.6.2.1.4.5.6 */
static const struct tmpl_flag enrollment_flags[] = {
    FLAG(INCLUDE_SYMMETRIC_ALGORITHMS, HONOURED, "S/MIME capabilities in the certificate"),
    FLAG(PEND_ALL_REQUESTS, HONOURED,
	"a certificate manager decides; not for a renewal that was approved before"),
    FLAG(PUBLISH_TO_KRA_CONTAINER, HONOURED,
	"the certificate is added to the CA's entry below CN=KRA"),
    FLAG(PUBLISH_TO_DS, HONOURED, "the certificate is added to userCertificate of the subject"),
    FLAG(AUTO_ENROLLMENT_CHECK_USER_DS_CERTIFICATE, CLIENT,
	"no automatic enrollment where userCertificate has a valid one"),
    FLAG(AUTO_ENROLLMENT, CLIENT, "clients may enroll unasked"),
    FLAG(PREVIOUS_APPROVAL_VALIDATE_REENROLLMENT, HONOURED,
	"a renewal that meets [MS-WCCE] 3.2.2.6.2.1.4.8 needs neither signatures nor approval"),
    FLAG(
	DOMAIN_AUTHENTICATION_NOT_REQUIRED, RESERVED, "every caller is authenticated all the same"),
    FLAG(USER_INTERACTION_REQUIRED, CLIENT, "the client asks its user"),
    FLAG(ADD_TEMPLATE_NAME, RESERVED, "flags says it"),
    FLAG(REMOVE_INVALID_CERTIFICATE_FROM_PERSONAL_STORE, CLIENT, "the client cleans its store"),
    FLAG(ALLOW_ENROLL_ON_BEHALF_OF, HONOURED,
	"an enrollment agent, who signs the request, may name another subject"),
    FLAG(ADD_OCSP_NOCHECK, HONOURED,
	"with application policy 1.3.6.1.5.5.7.3.9: id-pkix-ocsp-nocheck, and neither CRL "
	"distribution points nor authority information access"),
    FLAG(ENABLE_KEY_REUSE_ON_NT_TOKEN_KEYSET_STORAGE_FULL, CLIENT,
	"a full smart card renews with its old key"),
    FLAG(NOREVOCATIONINFOINISSUEDCERTS, HONOURED, "no CRL distribution points"),
    FLAG(INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS, HONOURED, "basic constraints with cA false"),
    FLAG(ALLOW_PREVIOUS_APPROVAL_KEYBASEDRENEWAL_VALIDATE_REENROLLMENT, IGNORED,
	"renewals need the Enroll right too"),
    FLAG(ISSUANCE_POLICIES_FROM_REQUEST, HONOURED,
	"the request chooses among msPKI-Certificate-Policy; others are refused"),
    FLAG(SKIP_AUTO_RENEWAL, CLIENT, "clients do not renew unasked"),
    FLAG(NO_SECURITY_EXTENSION, HONOURED, "no extension 1.3.6.1.4.1.311.25.2"),
};

/* [MS-CRTD] 2.28, [MS-WCCE] 3.2.2.6.2.1.4.5.9 */
static const struct tmpl_flag name_flags[] = {
    FLAG(ENROLLEE_SUPPLIES_SUBJECT, HONOURED,
	"subject, alternative names and SID extension come from the request"),
    FLAG(ADD_EMAIL, RESERVED, "older than the flags below"),
    FLAG(ADD_OBJ_GUID, RESERVED, "older than the flags below"),
    FLAG(OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME, HONOURED,
	"in a renewal, with CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT: names and SID extension of the "
	"renewed certificate"),
    FLAG(ADD_DIRECTORY_PATH, RESERVED, "older than the flags below"),
    FLAG(ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME, RESERVED,
	"a CA must ignore it: without bit 0x1 the request's names are not used"),
    FLAG(SUBJECT_ALT_REQUIRE_DOMAIN_DNS, HONOURED,
	"DNS name and NetBIOS name of the subject's domain"),
    FLAG(SUBJECT_ALT_REQUIRE_SPN, HONOURED, "userPrincipalName"),
    FLAG(SUBJECT_ALT_REQUIRE_DIRECTORY_GUID, HONOURED, "objectGUID"),
    FLAG(SUBJECT_ALT_REQUIRE_UPN, HONOURED, "userPrincipalName"),
    FLAG(SUBJECT_ALT_REQUIRE_EMAIL, HONOURED, "mail"),
    FLAG(SUBJECT_ALT_REQUIRE_DNS, HONOURED, "dNSHostName"),
    FLAG(SUBJECT_REQUIRE_DNS_AS_CN, HONOURED, "CN is dNSHostName of a computer, cn of a user"),
    FLAG(SUBJECT_REQUIRE_EMAIL, HONOURED, "E is mail"),
    FLAG(SUBJECT_REQUIRE_COMMON_NAME, HONOURED, "CN is dNSHostName of a computer, cn of a user"),
    FLAG(SUBJECT_REQUIRE_DIRECTORY_PATH, HONOURED,
	"the subject is the distinguished name in the directory"),
};

/* [MS-CRTD] 2.27, [MS-WCCE] 3.2.2.6.2.1.4.5.7 */
static const struct tmpl_flag private_key_flags[] = {
    FLAG(REQUIRE_PRIVATE_KEY_ARCHIVAL, HONOURED,
	"the request must hold its private key, which is archived; not in version 1"),
    FLAG(EXPORTABLE_KEY, CLIENT, "the key may leave the client's store"),
    FLAG(STRONG_KEY_PROTECTION_REQUIRED, CLIENT, "the client asks before use"),
    FLAG(
	REQUIRE_ALTERNATE_SIGNATURE_ALGORITHM, CLIENT, "the client signs requests with RSASSA-PSS"),
    FLAG(REQUIRE_SAME_KEY_RENEWAL, HONOURED,
	"a renewal with another key is refused; one with the same key needs no archival"),
    FLAG(USE_LEGACY_PROVIDER, HONOURED,
	"version 4: msPKI-RA-Application-Policies is a list of OIDs"),
    FLAG(EK_TRUST_ON_USE, IGNORED, "how to attest; nothing is attested"),
    FLAG(EK_VALIDATE_CERT, IGNORED, "how to attest; nothing is attested"),
    FLAG(EK_VALIDATE_KEY, IGNORED, "how to attest; nothing is attested"),
    FLAG(ATTEST_PREFERRED, IGNORED,
	"certificates are issued without attestation, and do not claim it"),
    FLAG(ATTEST_REQUIRED, REFUSED, "this CA attests no keys"),
    FLAG(ATTESTATION_WITHOUT_POLICY, IGNORED, "how to attest; nothing is attested"),
    {0x000f0000u, "minimum server version", HONOURED,
	"above 6 (Windows Server 2016) the template is refused"},
    FLAG(HELLO_KSP_KEY, CLIENT, "where the key is made"),
    FLAG(HELLO_LOGON_KEY, CLIENT, "where the key is made"),
    {0x0f000000u, "minimum client version", CLIENT, "which clients see the template"},
};

#define ROWS(a) (a), COUNT_OF(a)

static const struct word {
	const char *attribute;
	size_t offset;
	const struct tmpl_flag *flags;
	size_t count;
} words[TMPL_WORDS] = {
    [TMPL_FLAGS] = {"flags", offsetof(struct tmpl, flags), ROWS(general_flags)},
    [TMPL_ENROLLMENT_FLAG] = {"msPKI-Enrollment-Flag", offsetof(struct tmpl, enrollment_flag),
	ROWS(enrollment_flags)},
    [TMPL_NAME_FLAG] = {"msPKI-Certificate-Name-Flag", offsetof(struct tmpl, name_flag),
	ROWS(name_flags)},
    [TMPL_PRIVATE_KEY_FLAG] = {"msPKI-Private-Key-Flag", offsetof(struct tmpl, private_key_flag),
	ROWS(private_key_flags)},
};

const char *
tmpl_word_attribute(enum tmpl_word word)
{
	return words[word].attribute;
}

uint32_t
tmpl_word_value(const struct tmpl *t, enum tmpl_word word)
{
	return *(const uint32_t *)(const void *)((const char *)t + words[word].offset);
}

const struct tmpl_flag *
tmpl_flags(enum tmpl_word word, size_t *count_out)
{
	*count_out = words[word].count;
	return words[word].flags;
}

uint32_t
tmpl_flags_unknown(enum tmpl_word word, uint32_t value)
{
	for (size_t i = 0; i < words[word].count; i++)
		value &= ~words[word].flags[i].mask;
	return value;
}

/* Appends the text and frees it. */
static void
join(char **list, char *text)
{
	text_list_add(list, " | ", text);
	free(text);
}

char *
tmpl_flag_names(enum tmpl_word word, uint32_t value)
{
	uint32_t unknown = tmpl_flags_unknown(word, value);
	char *names = text_printf("%s", "");

	for (size_t i = 0; i < words[word].count; i++) {
		const struct tmpl_flag *f = &words[word].flags[i];
		uint32_t lowest = f->mask & (~f->mask + 1);

		if ((value & f->mask) == 0)
			continue;
		if (lowest == f->mask)
			join(&names, text_printf("%s", f->name));
		else
			join(&names, text_printf("%s=%u", f->name, (value & f->mask) / lowest));
	}
	if (unknown != 0)
		join(&names, text_printf("0x%x", unknown));
	return names;
}
