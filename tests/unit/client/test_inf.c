/* certreq's INF files: what they say, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "inf.h"
#include "inf_request.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

#define SHA1 "a2 7f 77 bc 2f 7b eb 26 bd 3e ed 43 b8 2a 24 04 2e 55 b8 64"
#define HEAD "[Version]\r\nSignature= \"$Windows NT$\"\r\n[NewRequest]\r\n"

static const char *
value_of(const struct inf *inf, const char *section, const char *name)
{
	for (size_t i = 0; i < inf->count; i++)
		if (text_eq_nocase(inf->list[i].section, section) &&
		    text_eq_nocase(inf->list[i].name, name))
			return inf->list[i].value;
	return NULL;
}

static void
values_are_read_as_windows_does(void **state)
{
	static const struct {
		const char *line, *value;
	} rows[] = {
	    {"a = b", "b"},
	    {"a=b", "b"},
	    {"  a\t=\tb c  ", "b c"},
	    {"a = \"b, c\"", "b, c"},
	    {"a = \"b\" ; c", "b"},
	    {"a = b;c", "b"},
	    {"a = \"b;c\"", "b;c"},
	    {"a = \" b \"", " b "},
	    {"a = \"b \"\"c\"\"\"", "b \"c\""},
	    {"a =", ""},
	    {"a = b=c", "b=c"},
	    {"a = one\\\r\n   two", "onetwo"},
	    {"a = one \\\n \\\ntwo", "one two"},
	    {"a = \"one\"\n_continue_ = \"two\"\n_Continue_ = three", "onetwothree"},
	    {"a = %who%\n[Strings]\nWHO = \"me, %a%\"", "me, %a%"},
	    {"a = 100%%", "100%"},
	    {"a = 100% \"x\"", "100% x"},
	    {"; a = c\na = b\n\n", "b"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(own_memory) char *text = text_printf("[S]\n%s", rows[i].line);
		OWNED(inf_free) struct inf inf = {0};
		struct err err;

		if (!inf_read(view_str(text), &inf, &err))
			fail_msg("%s: %s", rows[i].line, err.msg);
		assert_string_equal(value_of(&inf, "s", "A"), rows[i].value);
	}
}

static void
what_is_no_such_file_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
	    {"a = b", "line 1: neither [section]"},
	    {"[S]\n\na", "line 3: neither [section]"},
	    {"[S]\na = b, c", "line 2: a value with a comma"},
	    {"[S]\na = \"b", "line 2: the quotation marks"},
	    {"[S]\n_continue_ = b", "line 2: _continue_ of nothing"},
	    {"[S]\na = b\n[T]\n_continue_ = c", "line 4: _continue_ of nothing"},
	    {"[S\na = b", "line 1: no section"},
	    {"[]", "line 1: no section"},
	    {"[S]\na = %b%", "line 2: [Strings] has no b"},
	    {"[S]\na = \xe4", "neither UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct inf inf;
		struct err err;

		assert_false(inf_read(view_str(rows[i].text), &inf, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		if (strstr(err.msg, rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].text, err.msg);
		assert_int_equal(inf.count, 0);
	}
}

static void
each_encoding_of_notepad_is_read(void **state)
{
	OWNED(buf_free) struct buf wide = {0};
	OWNED(inf_free) struct inf a = {0}, b = {0};
	struct err err;

	(void)state;
	assert_true(utf16le_encode("\xef\xbb\xbf[S]\r\na = J\xc3\xbcrgen\r\n", &wide, &err));
	assert_true(inf_read(buf_view(&wide), &a, &err));
	assert_string_equal(value_of(&a, "S", "a"), "J\xc3\xbcrgen");
	assert_true(inf_read(view_str("\xef\xbb\xbf[S]\r\na = J\xc3\xbcrgen\r\n"), &b, &err));
	assert_string_equal(value_of(&b, "S", "a"), "J\xc3\xbcrgen");
}

static void
a_file_cut_anywhere_is_read_or_refused(void **state)
{
	static const char whole[] =
	    HEAD "Subject = \"CN=a,DC=b\" \\\r\n ; c\r\n[Extensions]\r\n2.5.29.17 = "
		 "\"{text}dns=a&\"\r\n_continue_ = \"dns=b\"\r\n[Strings]\r\nx = \"%%\"\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof whole; len++) {
		OWNED(own_memory) char *copy = mem_text_n(whole, len);
		struct inf_request r;
		struct err err;

		if (inf_request_read(view_of(copy, len), &r, &err))
			inf_request_free(&r);
		else
			assert_true(err.code != ERR_OK && err.msg[0] != '\0');
	}
}

/* ---- requests ---- */

static void
the_papers_file_asks_for_archival(void **state)
{
	static const char text[] = HEAD "Subject = \"CN=Test Subject\"\r\nKeySpec = 1\r\n"
					"Exportable = FALSE\r\nPrivateKeyArchive = TRUE\r\n"
					"[RequestAttributes]\r\nCertificateTemplate = EFS\r\n";
	OWNED(inf_request_free) struct inf_request r = {0};
	struct err err;

	(void)state;
	assert_true(inf_request_read(view_str(text), &r, &err));
	assert_string_equal(r.subject, "CN=Test Subject");
	assert_string_equal(r.template_name, "EFS");
	assert_true(r.archives);
	assert_true(r.is_cmc);
	assert_true(r.exchange_key);
	assert_false(r.signature_key);
	assert_int_equal(r.bits, 0);
	assert_int_equal(sk_X509_EXTENSION_num(r.extensions), 0);
	assert_int_equal(r.notes.count, 1);
	assert_non_null(strstr(r.notes.list[0], "line 6: Exportable = FALSE"));
}

static void
names_of_keys_are_understood(void **state)
{
	static const struct {
		const char *lines, *curve;
		int bits;
		bool is_rsa;
	} rows[] = {
	    {"KeyLength = 3072", NULL, 3072, false},
	    {"KeyAlgorithm = RSA\nKeyLength = 4096", NULL, 4096, true},
	    {"KeyAlgorithm = ECDH_P256", "P-256", 256, false},
	    {"KeyAlgorithm = ecdsa_p384", "P-384", 384, false},
	    {"KeyAlgorithm = ECDSA_P521\nKeyLength = 521", "P-521", 521, false},
	    {"MachineKeySet = TRUE\nProviderType = 12\nProviderName = \"Microsoft RSA SChannel "
	     "Cryptographic Provider\"",
		NULL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(own_memory) char *text = text_printf(HEAD "%s", rows[i].lines);
		OWNED(inf_request_free) struct inf_request r = {0};
		struct err err;

		assert_true(inf_request_read(view_str(text), &r, &err));
		assert_true((r.curve == NULL) == (rows[i].curve == NULL));
		if (r.curve != NULL)
			assert_string_equal(r.curve, rows[i].curve);
		assert_int_equal(r.bits, rows[i].bits);
		assert_int_equal(r.is_rsa, rows[i].is_rsa);
		assert_false(r.is_cmc);
	}
}

static void
expect_extension(const struct inf_request *r, const char *oid, bool critical, const char *hex)
{
	OWNED(own_asn1_object) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = X509v3_get_ext_by_OBJ(r->extensions, object, -1);

	if (at == -1)
		fail_msg("%s is absent", oid);
	X509_EXTENSION *x = sk_X509_EXTENSION_value(r->extensions, at);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(x);
	OWNED(own_memory)
	char *got = hex_encode(
	    view_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), '\0');

	assert_string_equal(got, hex);
	assert_int_equal(X509_EXTENSION_get_critical(x), critical);
}

static void
extensions_of_every_form_are_made(void **state)
{
	static const char text[] = HEAD
	    "KeyUsage = \"CERT_DIGITAL_SIGNATURE_KEY_USAGE | CERT_KEY_ENCIPHERMENT_KEY_USAGE\"\n"
	    "[Extensions]\n"
	    "2.5.29.17 = \"{text}\"\n"
	    "_continue_ = \"dns=a.b&\"\n"
	    "_continue_ = \"email=c@d&ipaddress=10.0.0.1&url=http://e&\"\n"
	    "2.5.29.37 = \"{text}1.3.6.1.5.5.7.3.2\"\n"
	    "1.3.6.1.4.1.311.21.10 = \"{text}1.3.6.1.5.5.7.3.1\"\n"
	    "1.2.3.4 = BQA=\n"
	    "1.2.3.5 = {hex}0500\n"
	    "Critical = 2.5.29.17\n"
	    "[EnhancedKeyUsageExtension]\n"
	    "OID = 1.3.6.1.5.5.7.3.1 ; server\n"
	    "OID = 1.3.6.1.5.5.7.3.4\n";
	OWNED(inf_request_free) struct inf_request r = {0};
	struct err err;

	(void)state;
	if (!inf_request_read(view_str(text), &r, &err))
		fail_msg("%s", err.msg);
	expect_extension(&r, "2.5.29.15", true, "030205a0");
	expect_extension(&r, "2.5.29.17", true,
	    "301a8203612e628103634064"
	    "87040a000001"
	    "8608687474703a2f2f65");
	expect_extension(&r, "2.5.29.37", false,
	    "301e06082b0601050507030206082b0601050507030106082b06010505070304");
	expect_extension(&r, "1.3.6.1.4.1.311.21.10", false, "300c300a06082b06010505070301");
	expect_extension(&r, "1.2.3.4", false, "0500");
	expect_extension(&r, "1.2.3.5", false, "0500");
	assert_int_equal(sk_X509_EXTENSION_num(r.extensions), 6);
}

static void
a_renewal_names_its_certificate(void **state)
{
	static const char *const texts[] = {HEAD
	    "RequestType = PKCS7\nRenewalCert = \"" SHA1 "\"\nUseExistingKeySet = TRUE\n"
	    "[RequestAttributes]\nCertificateTemplate = User\n",
	    HEAD "UseExistingKeySet = 1\nRenewalCert = A27F77BC2F7BEB26BD3EED43B82A24042E55B864\n"
		 "[RequestAttributes]\nCertificateTemplate = User\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		OWNED(inf_request_free) struct inf_request r = {0};
		struct err err;

		if (!inf_request_read(view_str(texts[i]), &r, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(r.renewal_cert, "a27f77bc2f7beb26bd3eed43b82a24042e55b864");
		assert_true(r.same_key);
		assert_true(r.is_cmc);
		assert_int_equal(r.notes.count, 0);
	}
}

static void
a_usage_may_be_a_number(void **state)
{
	OWNED(inf_request_free) struct inf_request r = {0};
	struct err err;

	(void)state;
	assert_true(inf_request_read(view_str(HEAD "KeyUsage = 0x8008"), &r, &err));
	expect_extension(&r, "2.5.29.15", true, "0303070880");
}

static void
what_cannot_be_is_refused_with_the_way_round(void **state)
{
	static const struct {
		const char *lines;
		enum err_code code;
		const char *words;
	} rows[] = {
	    {"PrivateKeyArchiv = TRUE", DIRCA_E_USAGE, "line 4: dirca knows no PrivateKeyArchiv"},
	    {"PrivateKeyArchive = maybe", ERROR_INVALID_DATA, "TRUE or FALSE is expected"},
	    {"PrivateKeyArchive = TRUE", CERTSRV_E_NO_CERT_TYPE, "needs CertificateTemplate"},
	    {"PrivateKeyArchive = TRUE\nKeySpec = 2\n[RequestAttributes]\nCertificateTemplate = "
	     "EFS",
		DIRCA_E_SIGNATURE_KEY, "only signs is not archived"},
	    {"KeySpec = 3", ERROR_INVALID_DATA, "AT_KEYEXCHANGE"},
	    {"KeyLength = 2048x", ERROR_INVALID_DATA, "number of bits"},
	    {"KeyAlgorithm = DSA", ERROR_INVALID_DATA, "RSA, or ECDSA_"},
	    {"RequestType = Cert", DIRCA_E_USAGE, "needs no CA"},
	    {"RequestType = PKCS7", DIRCA_E_USAGE, "goes with RenewalCert"},
	    {"RequestType = CMC", CERTSRV_E_NO_CERT_TYPE, "needs CertificateTemplate"},
	    {"RenewalCert = a27f", ERROR_INVALID_DATA, "the SHA-1 of a certificate"},
	    {"RenewalCert = " SHA1 "\nRenewalCert = " SHA1, ERROR_INVALID_DATA, "is there twice"},
	    {"RenewalCert = " SHA1, CERTSRV_E_NO_CERT_TYPE, "RenewalCert needs"},
	    {"RequestType = SCEP", ERROR_INVALID_DATA, "PKCS10 or CMC"},
	    {"HashAlgorithm = sha1", DIRCA_E_USAGE, "nothing is signed with it"},
	    {"AlternateSignatureAlgorithm = TRUE", DIRCA_E_USAGE, "PKCS #1 v1.5"},
	    {"ProviderName = \"Microsoft Base Smart Card Crypto Provider\"", DIRCA_E_USAGE,
		"token's own program"},
	    {"ProviderName = \"Microsoft Platform Crypto Provider\"", DIRCA_E_USAGE,
		"token's own program"},
	    {"UseExistingKeySet = TRUE", DIRCA_E_USAGE, "goes with RenewalCert"},
	    {"KeyUsage = CERT_NOTHING_KEY_USAGE", ERROR_INVALID_DATA, "names such as"},
	    {"Subject = \"CN=a\"\nSubject = \"CN=b\"", ERROR_INVALID_DATA,
		"Subject is there twice"},
	    {"[RequestAttributes]\nSAN = \"dns=a\"", DIRCA_E_USAGE,
		"names belong into the request"},
	    {"[RequestAttributes]\nCertificateTemplate =", ERROR_INVALID_DATA,
		"a text is expected"},
	    {"[Extensions]\n2.5.29.17 = \"{text}nonsense=a\"", ERROR_INVALID_DATA, "names are dns"},
	    {"[Extensions]\n2.5.29.17 = \"{text}dns=\"", ERROR_INVALID_DATA, "is no name=value"},
	    {"[Extensions]\n2.5.29.17 = \"{text}ipaddress=1.2.3\"", ERROR_INVALID_DATA,
		"no IP address"},
	    {"[Extensions]\n2.5.29.37 = \"{text}here\"", ERROR_INVALID_DATA,
		"no object identifier"},
	    {"[Extensions]\n1.2.3.4 = \"{text}a\"", DIRCA_E_USAGE, "dirca knows the text of"},
	    {"[Extensions]\n1.2.3.4 = BQA=\n1.2.3.4 = BQA=", E_INVALIDARG,
		"1.2.3.4: already there"},
	    {"[Extensions]\n1.2.3.4 = !", ERROR_INVALID_DATA, "1.2.3.4"},
	    {"[Extensions]\nCritical = 1.2.3.4", ERROR_INVALID_DATA, "no such extension"},
	    {"[Extensions]\nx = BQA=", ERROR_INVALID_DATA, "x is no object identifier"},
	    {"KeyUsage = 0x20\n[Extensions]\n2.5.29.15 = AwIFoA==", E_INVALIDARG,
		"2.5.29.15: already there"},
	    {"[EnhancedKeyUsageExtension]\nName = a", ERROR_INVALID_DATA,
		"OID = 1.3... is expected"},
	    {"[PolicyStatementExtension]\nPolicies = a", DIRCA_E_USAGE,
		"no Policies in [PolicyStatementExtension]"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(own_memory)
		char *text = text_printf(HEAD "%s\n[NewRequest]\nSMIME = FALSE\n", rows[i].lines);
		struct inf_request r;
		struct err err;

		if (inf_request_read(view_str(text), &r, &err))
			fail_msg("%s: taken", rows[i].lines);
		if (err.code != rows[i].code || strstr(err.msg, rows[i].words) == NULL)
			fail_msg("%s: %s: %s", rows[i].lines, err_name(err.code), err.msg);
		assert_null(r.extensions);
	}
}

static void
what_asks_for_nothing_is_no_request(void **state)
{
	struct inf_request r;
	struct err err;

	(void)state;
	assert_false(inf_request_read(view_str("[Version]\nSignature = $Chicago$"), &r, &err));
	assert_non_null(strstr(err.msg, "nothing in [NewRequest]"));
	assert_false(inf_request_read(view_str("[Version]\nSignature = x"), &r, &err));
	assert_non_null(strstr(err.msg, "$Windows NT$ is expected"));
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return oids_init(&err) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_read_as_windows_does),
	    cmocka_unit_test(what_is_no_such_file_is_refused_with_its_line),
	    cmocka_unit_test(each_encoding_of_notepad_is_read),
	    cmocka_unit_test(a_file_cut_anywhere_is_read_or_refused),
	    cmocka_unit_test(the_papers_file_asks_for_archival),
	    cmocka_unit_test(names_of_keys_are_understood),
	    cmocka_unit_test(extensions_of_every_form_are_made),
	    cmocka_unit_test(a_renewal_names_its_certificate),
	    cmocka_unit_test(a_usage_may_be_a_number),
	    cmocka_unit_test(what_cannot_be_is_refused_with_the_way_round),
	    cmocka_unit_test(what_asks_for_nothing_is_no_request),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
