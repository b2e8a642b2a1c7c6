#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "buf.h"
#include "err.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* The table a second time, as literals: a later slip in err.h shows here. The rows were copied from
 * err.h, and the numbers of all but our own codes were then compared with the lists of [MS-ERREF]
 * and winerror.h; the texts are ours and have no other source. */
static const struct {
	uint32_t number;
	const char *name;
	const char *text;
} rows[] = {
    {0x00000000u, "ERR_OK", "the operation completed successfully"},
    {0x80094001u, "CERTSRV_E_BAD_REQUESTSUBJECT",
	"the request subject name is invalid or too long"},
    {0x80094002u, "CERTSRV_E_NO_REQUEST", "the request does not exist"},
    {0x80094003u, "CERTSRV_E_BAD_REQUESTSTATUS",
	"the request's current status does not allow this operation"},
    {0x80094004u, "CERTSRV_E_PROPERTY_EMPTY", "the requested property value is empty"},
    {0x80094005u, "CERTSRV_E_INVALID_CA_CERTIFICATE", "the CA's certificate contains invalid data"},
    {0x80094008u, "CERTSRV_E_ROLECONFLICT",
	"the user has multiple roles assigned and the CA enforces role separation"},
    {0x80094009u, "CERTSRV_E_RESTRICTEDOFFICER",
	"only a certificate manager allowed to manage certificates for this requester may do this"},
    {0x8009400Au, "CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED",
	"the CA is not configured for key archival"},
    {0x8009400Bu, "CERTSRV_E_NO_VALID_KRA",
	"the CA could not verify one or more key recovery certificates"},
    {0x8009400Cu, "CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL",
	"the encrypted private key must be in an unauthenticated attribute of the outermost "
	"signature"},
    {0x8009400Du, "CERTSRV_E_NO_CAADMIN_DEFINED",
	"at least one security principal must have the permission to manage this CA"},
    {0x8009400Eu, "CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE",
	"the request contains an invalid renewal certificate attribute"},
    {0x80094011u, "CERTSRV_E_ENROLL_DENIED",
	"the permissions on this CA do not allow the caller to enroll for certificates"},
    {0x80094012u, "CERTSRV_E_TEMPLATE_DENIED",
	"the permissions on the certificate template do not allow the caller to enroll"},
    {0x80094800u, "CERTSRV_E_UNSUPPORTED_CERT_TYPE",
	"the requested certificate template is not supported by this CA"},
    {0x80094801u, "CERTSRV_E_NO_CERT_TYPE",
	"the request contains no certificate template information"},
    {0x80094802u, "CERTSRV_E_TEMPLATE_CONFLICT",
	"the request contains conflicting template information"},
    {0x80094803u, "CERTSRV_E_SUBJECT_ALT_NAME_REQUIRED",
	"the request is missing a required subject alternative name extension"},
    {0x80094804u, "CERTSRV_E_ARCHIVED_KEY_REQUIRED",
	"the request is missing a required private key for archival by the server"},
    {0x80094805u, "CERTSRV_E_SMIME_REQUIRED",
	"the request is missing a required SMIME capabilities extension"},
    {0x80094806u, "CERTSRV_E_BAD_RENEWAL_SUBJECT",
	"the request is for another subject than the caller and no signature authorizes it"},
    {0x80094807u, "CERTSRV_E_BAD_TEMPLATE_VERSION",
	"the request template version is newer than the supported template version"},
    {0x80094808u, "CERTSRV_E_TEMPLATE_POLICY_REQUIRED",
	"the template is missing a required signature policy attribute"},
    {0x80094809u, "CERTSRV_E_SIGNATURE_POLICY_REQUIRED",
	"the request is missing required signature policy information"},
    {0x8009480Au, "CERTSRV_E_SIGNATURE_COUNT",
	"the request is missing one or more required signatures"},
    {0x8009480Bu, "CERTSRV_E_SIGNATURE_REJECTED",
	"one or more signatures did not include the required policies"},
    {0x8009480Cu, "CERTSRV_E_ISSUANCE_POLICY_REQUIRED",
	"the request is missing one or more required signature issuance policies"},
    {0x8009480Du, "CERTSRV_E_SUBJECT_UPN_REQUIRED",
	"the UPN is unavailable and cannot be added to the subject alternative name"},
    {0x8009480Eu, "CERTSRV_E_SUBJECT_DIRECTORY_GUID_REQUIRED",
	"the directory GUID is unavailable and cannot be added to the subject alternative name"},
    {0x8009480Fu, "CERTSRV_E_SUBJECT_DNS_REQUIRED",
	"the DNS name is unavailable and cannot be added to the subject alternative name"},
    {0x80094810u, "CERTSRV_E_ARCHIVED_KEY_UNEXPECTED",
	"the request includes a private key but the template does not enable key archival"},
    {0x80094811u, "CERTSRV_E_KEY_LENGTH",
	"the public key does not meet the minimum size required by the certificate template"},
    {0x80094812u, "CERTSRV_E_SUBJECT_EMAIL_REQUIRED",
	"the e-mail name is unavailable and cannot be added to the subject"},
    {0x80094813u, "CERTSRV_E_UNKNOWN_CERT_TYPE",
	"one or more certificate templates to be enabled on this CA could not be found"},
    {0x80094814u, "CERTSRV_E_CERT_TYPE_OVERLAP",
	"the template renewal period is longer than the certificate validity period"},
    {0x80094815u, "CERTSRV_E_TOO_MANY_SIGNATURES",
	"the template demands more signatures than a request can carry"},
    {0x80094816u, "CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY",
	"the key used in a renewal request does not match the certificate being renewed"},
    {0x80095002u, "XENROLL_E_RESPONSE_KA_HASH_NOT_FOUND",
	"the key archival hash attribute was not found in the response"},
    {0x80095003u, "XENROLL_E_RESPONSE_UNEXPECTED_KA_HASH",
	"an unexpected key archival hash attribute was found in the response"},
    {0x80095004u, "XENROLL_E_RESPONSE_KA_HASH_MISMATCH",
	"the key archival hashes of request and response differ"},
    {0x80070002u, "ERROR_FILE_NOT_FOUND", "the file or object cannot be found"},
    {0x80070005u, "E_ACCESSDENIED", "access is denied"},
    {0x8007000Du, "ERROR_INVALID_DATA", "the data is invalid"},
    {0x8007000Eu, "E_OUTOFMEMORY", "not enough memory"},
    {0x80070050u, "ERROR_FILE_EXISTS", "the file or object exists already"},
    {0x80070057u, "E_INVALIDARG", "an argument is invalid"},
    {0x80070533u, "ERROR_ACCOUNT_DISABLED", "the account is disabled"},
    {0x80070701u, "ERROR_ACCOUNT_EXPIRED", "the account has expired"},
    {0x80070775u, "ERROR_ACCOUNT_LOCKED_OUT", "the account is locked out"},
    {0x8002802Cu, "TYPE_E_AMBIGUOUSNAME", "Ambiguous name."},
    {0x80090005u, "NTE_BAD_DATA", "bad data"},
    {0x80090006u, "NTE_BAD_SIGNATURE", "invalid signature"},
    {0x80090008u, "NTE_BAD_ALGID", "the algorithm is unknown or not allowed"},
    {0x80091004u, "CRYPT_E_INVALID_MSG_TYPE", "the message type is not valid"},
    {0x80091007u, "CRYPT_E_HASH_VALUE", "the hash value is not correct"},
    {0x8010000Cu, "SCARD_E_NO_SMARTCARD",
	"the operation requires a smart card, but none is in the device"},
    {0x80100028u, "SCARD_E_WRITE_TOO_MANY",
	"what was to be written is more than the card has room for"},
    {0x80090019u, "NTE_KEYSET_NOT_DEF", "the keyset is not defined"},
    {0x8009001Du, "NTE_PROVIDER_DLL_FAIL", "the provider of keys could not be set up"},
    {0x80090009u, "NTE_BAD_FLAGS", "the key may not be exported"},
    {0x80092004u, "CRYPT_E_NOT_FOUND", "cannot find object or property"},
    {0x8009200Cu, "CRYPT_E_NO_DECRYPT_CERT",
	"no certificate with a private key opens this message"},
    {0x8009200Eu, "CRYPT_E_NO_SIGNER", "the message has no signer"},
    {0x80092010u, "CRYPT_E_REVOKED", "the certificate is revoked"},
    {0x80092013u, "CRYPT_E_REVOCATION_OFFLINE",
	"it cannot be checked whether the certificate is revoked"},
    {0x800B0101u, "CERT_E_EXPIRED", "a required certificate is not within its validity period"},
    {0x800B0107u, "CERT_E_ISSUERCHAINING", "the certificate was not issued by the expected parent"},
    {0x800B0110u, "CERT_E_WRONG_USAGE", "the certificate is not valid for the requested usage"},
    {0xA0DC0001u, "DIRCA_E_INTERNAL", "a defect in this program"},
    {0xA0DC0002u, "DIRCA_E_USAGE", "the command line is wrong"},
    {0xA0DC0003u, "DIRCA_E_CONFIG", "the configuration is wrong"},
    {0xA0DC0004u, "DIRCA_E_IO", "a file could not be read or written"},
    {0xA0DC0005u, "DIRCA_E_DIRECTORY", "the directory refused or does not hold what is needed"},
    {0xA0DC0006u, "DIRCA_E_DIRECTORY_UNAVAILABLE", "the directory cannot be reached"},
    {0xA0DC0007u, "DIRCA_E_DATABASE", "the CA database failed"},
    {0xA0DC0008u, "DIRCA_E_CRYPTO", "a cryptographic operation failed"},
    {0xA0DC0009u, "DIRCA_E_VAULT", "the vault process did not answer"},
    {0xA0DC000Au, "DIRCA_E_TOO_LARGE", "the data is over the size limit"},
    {0xA0DC000Bu, "DIRCA_E_AUTHENTICATION", "the caller could not be authenticated"},
    {0xA0DC000Cu, "DIRCA_E_NETWORK", "the CA cannot be reached"},
    {0xA0DC000Du, "DIRCA_E_KEY_MISMATCH", "the private key does not match the public key"},
    {0xA0DC000Eu, "DIRCA_E_SIGNATURE_KEY", "a signature-only key is not archived"},
    {0xA0DC000Fu, "DIRCA_E_XCHG_CERT", "the CA exchange certificate is unknown or expired"},
    {0xA0DC0010u, "DIRCA_E_PENDING", "the request waits for a certificate manager"},
    {0xA0DC0011u, "DIRCA_E_DENIED", "the request was denied"},
    {0xA0DC0012u, "DIRCA_E_GROUPS_UNREADABLE",
	"the CA's account cannot read the group memberships that the decision needs"},
    {0xA0DC0014u, "DIRCA_E_CHANGED", "somebody else changed the object meanwhile"},
    {0x800B0109u, "CERT_E_UNTRUSTEDROOT",
	"the certificate chain ends in a root certificate that is not trusted"},
    {0xA0DC0015u, "DIRCA_E_KEY_NOT_ARCHIVED", "the key could not be archived"},
    {0xA0DC0016u, "DIRCA_E_ARCHIVAL_SUSPENDED",
	"too many keys of this requester could not be archived"},
    {0xA0DC0017u, "DIRCA_E_KIND_NOT_ALLOWED",
	"the configuration does not allow the CA to sign this kind of certificate"},
    {0xA0DC0018u, "DIRCA_E_JOURNAL", "the journal of signatures and the database differ"},
    {0xA0DC0019u, "DIRCA_E_KEY_IN_USE", "the public key belongs to another principal"},
    {0xA0DC001Au, "DIRCA_E_REQUEST_BINDING",
	"the request was made for another requester, CA or time"},
    {0xA0DC001Bu, "DIRCA_E_OWN_REQUEST", "nobody decides about himself"},
    {0xA0DC001Cu, "DIRCA_E_QUOTA", "the requester's quota is used up"},
    {0xA0DC001Du, "DIRCA_E_LOW_SPACE", "the CA's disk is nearly full"},
    {0xA0DC001Eu, "DIRCA_E_SERVICE_KEY",
	"the service does not have the key that the directory names for the CA"},
    {0xA0DC001Fu, "DIRCA_E_CHANNEL_BINDING", "the sign-in is not bound to the TLS channel"},
    {0xA0DC0020u, "DIRCA_E_SERVICE_NAME", "the name belongs to the service of a CA"},
    {0xA0DC0021u, "DIRCA_E_CROSS_SITE", "the request could come from another site's page"},
    {0xA0DC0022u, "DIRCA_E_TOO_MANY_ATTEMPTS", "too many failed sign-ins"},
    {0xA0DC0023u, "DIRCA_E_KEY_RECIPIENT",
	"no certificate of the requester is named that a new key can be encrypted to"},
    {0xA0DC0024u, "DIRCA_E_KRAS_CHANGED", "the key recovery agents changed just now"},
    {0xA0DC0027u, "DIRCA_E_CASE_REQUIRED", "the key is handed out by a recovery case only"},
    {0xA0DC0028u, "DIRCA_E_STANDALONE", "the CA is stand-alone: it has no directory"},
    {0xA0DC0029u, "DIRCA_E_KEY_SHARE",
	"the shares of an archived key are missing, wrong or too few"},
    {0xA0DC0030u, "DIRCA_E_BACKUP", "the copy of the CA is not whole"},
    {0xA0DC0031u, "DIRCA_E_BUSY", "the service has too much to do"},
};

/* One code of each category at least, and those about which the four tables of before differed. */
static void
a_category_says_whether_anything_was_decided(void **state)
{
	static const struct {
		enum err_code code;
		enum err_category category;
		bool undecided;
	} of[] = {
	    {ERR_OK, ERR_CATEGORY_OK, true},
	    {E_INVALIDARG, ERR_CATEGORY_BAD_REQUEST, false},
	    {CERTSRV_E_NO_VALID_KRA, ERR_CATEGORY_BAD_REQUEST, false},
	    {DIRCA_E_AUTHENTICATION, ERR_CATEGORY_NOT_AUTHENTICATED, false},
	    {E_ACCESSDENIED, ERR_CATEGORY_REFUSED, false},
	    {ERROR_ACCOUNT_DISABLED, ERR_CATEGORY_REFUSED, false},
	    {TYPE_E_AMBIGUOUSNAME, ERR_CATEGORY_NOT_FOUND, false},
	    {ERROR_FILE_NOT_FOUND, ERR_CATEGORY_NOT_FOUND, false},
	    {CERTSRV_E_BAD_REQUESTSTATUS, ERR_CATEGORY_CONFLICT, false},
	    {DIRCA_E_TOO_LARGE, ERR_CATEGORY_TOO_LARGE, false},
	    {DIRCA_E_QUOTA, ERR_CATEGORY_TOO_MANY, false},
	    {DIRCA_E_CONFIG, ERR_CATEGORY_UNABLE, true},
	    {DIRCA_E_DATABASE, ERR_CATEGORY_UNABLE, true},
	    {DIRCA_E_GROUPS_UNREADABLE, ERR_CATEGORY_UNABLE, true},
	    {E_OUTOFMEMORY, ERR_CATEGORY_UNABLE, true},
	    {DIRCA_E_IO, ERR_CATEGORY_INTERNAL, true},
	    {(enum err_code)0x12345678, ERR_CATEGORY_BAD_REQUEST, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(of); i++) {
		assert_int_equal(err_category(of[i].code), of[i].category);
		assert_int_equal(err_is_undecided(of[i].code), of[i].undecided);
	}
}

static void
every_row_is_in_the_table(void **state)
{
#define ONE(number, name, category, text) +1
	const size_t count = 0 ERR_CODES(ONE);
#undef ONE

	(void)state;
	assert_int_equal(COUNT(rows), count);
}

static void
numbers_names_and_texts_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum err_code by_number, by_name;

		assert_true(err_by_number(rows[i].number, &by_number));
		assert_int_equal((uint32_t)by_number, rows[i].number);
		assert_string_equal(err_name(by_number), rows[i].name);
		assert_string_equal(err_text(by_number), rows[i].text);
		assert_true(err_by_name(rows[i].name, &by_name));
		assert_int_equal(by_name, by_number);
	}
}

static void
numbers_and_names_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(rows[i].number, rows[k].number);
			assert_string_not_equal(rows[i].name, rows[k].name);
		}
}

static void
own_codes_carry_the_customer_bit(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    strncmp(rows[i].name, "DIRCA_E_", 8) == 0, rows[i].number >> 16 == 0xA0DC);
}

static void
an_unknown_code_has_no_name(void **state)
{
	enum err_code code;

	(void)state;
	assert_false(err_by_number(0x80094fffu, &code));
	assert_false(err_by_name("CERTSRV_E_NONSENSE", &code));
	assert_false(err_by_name("certsrv_e_no_valid_kra", &code));
	assert_string_equal(err_name((enum err_code)12345), "?");
	assert_string_equal(
	    err_text((enum err_code)12345), "a code that this program does not know");
}

static void
set_returns_false_with_code_and_sentence(void **state)
{
	struct err err;

	(void)state;
	assert_false(err_set(&err, CERTSRV_E_NO_VALID_KRA, "KRA %d of %s", 1, "two"));
	assert_int_equal(err.code, CERTSRV_E_NO_VALID_KRA);
	assert_string_equal(err.msg, "KRA 1 of two");
	assert_false(err_nomem(&err));
	assert_int_equal(err.code, E_OUTOFMEMORY);
}

static void
context_goes_before_the_sentence_and_the_code_stays(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CERTSRV_E_NO_VALID_KRA, "expired");
	assert_false(err_prefix(&err, "KRA %d", 1));
	assert_int_equal(err.code, CERTSRV_E_NO_VALID_KRA);
	assert_string_equal(err.msg, "KRA 1: expired");
}

static void
control_characters_do_not_reach_the_sentence(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, E_INVALIDARG, "%s", "a\nb\x1b[31m\x7f\tc");
	assert_string_equal(err.msg, "a\\u000ab\\u001b[31m\\u007f\\u0009c");
	err_set(&err, E_INVALIDARG, "x");
	err_prefix(&err, "%s", "a\r\nb");
	assert_string_equal(err.msg, "a\\u000d\\u000ab: x");
}

static void
the_sentence_is_always_utf8(void **state)
{
	char longest[600];
	struct err err;

	(void)state;
	err_set(&err, E_INVALIDARG, "%s", "m\303\274ller \xff\xc3 \xe2\x82");
	assert_string_equal(err.msg, "m\303\274ller \\xff\\xc3 \\xe2\\x82");
	/* Cut in the middle of a character. */
	for (size_t start = 0; start < 3; start++) {
		memset(longest, 'x', start);
		for (size_t i = start; i + 3 < sizeof longest; i += 3)
			memcpy(longest + i, "\342\202\254", 4);
		err_set(&err, E_INVALIDARG, "%s", longest);
		assert_in_range(strlen(err.msg), sizeof err.msg - 3, sizeof err.msg - 1);
		assert_true(text_is_utf8(view_str(err.msg)));
		err_prefix(&err, "y");
		assert_true(text_is_utf8(view_str(err.msg)));
	}
}

static void
a_long_sentence_is_cut(void **state)
{
	char longest[2000];
	struct err err;

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	err_set(&err, E_INVALIDARG, "%s", longest);
	assert_in_range(strlen(err.msg), sizeof err.msg - 3, sizeof err.msg - 1);
	err_prefix(&err, "%s", longest);
	assert_in_range(strlen(err.msg), sizeof err.msg - 3, sizeof err.msg - 1);
	errno = ENOENT;
	err_errno(&err, E_INVALIDARG, "%s", longest);
	assert_in_range(strlen(err.msg), sizeof err.msg - 3, sizeof err.msg - 1);
}

static char heard[256];

static void
hear(const char *said, const char *told)
{
	snprintf(heard, sizeof heard, "%s|%s", said, told);
}

static void
of_libraries_only_the_system_has_a_word(void **state)
{
	struct err err;

	(void)state;
	errno = ENOENT;
	assert_false(err_errno(&err, DIRCA_E_IO, "%s: cannot open", "/x"));
	assert_string_equal(err.msg, "/x: cannot open: No such file or directory");
	ERR_clear_error();
	ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
	assert_false(err_openssl(&err, DIRCA_E_CRYPTO, "opening"));
	assert_string_equal(err.msg, "opening");
	assert_int_equal(ERR_peek_error(), 0);
	err_listen(hear);
	ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
	assert_false(err_openssl(&err, DIRCA_E_CRYPTO, "opening"));
	assert_non_null(strstr(heard, "bad decrypt|opening"));
	assert_string_equal(err.msg, "opening");
	err_listen(NULL);
	assert_false(err_openssl(&err, DIRCA_E_CRYPTO, "opening"));
	assert_string_equal(err.msg, "opening");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_category_says_whether_anything_was_decided),
	    cmocka_unit_test(every_row_is_in_the_table),
	    cmocka_unit_test(numbers_names_and_texts_agree),
	    cmocka_unit_test(numbers_and_names_are_unique),
	    cmocka_unit_test(own_codes_carry_the_customer_bit),
	    cmocka_unit_test(an_unknown_code_has_no_name),
	    cmocka_unit_test(set_returns_false_with_code_and_sentence),
	    cmocka_unit_test(context_goes_before_the_sentence_and_the_code_stays),
	    cmocka_unit_test(control_characters_do_not_reach_the_sentence),
	    cmocka_unit_test(the_sentence_is_always_utf8),
	    cmocka_unit_test(a_long_sentence_is_cut),
	    cmocka_unit_test(of_libraries_only_the_system_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
