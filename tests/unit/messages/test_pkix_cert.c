/* Certificates read, and what is shown of them; template identification. */
#include "messages_support.h"

#include <openssl/x509v3.h>

#include "clock.h"
#include "text.h"

static struct pkix_cert
decode_fixture(const char *name)
{
	struct buf der = support_fixture(name);
	struct pkix_cert c = {0};
	struct err err;

	must(pkix_cert_decode(buf_view(&der), &c, &err));
	assert_true(view_eq(buf_view(&der), buf_view(&c.raw)));
	buf_free(&der);
	return c;
}

static void
certificate_of_a_real_ca_is_read(void **state)
{
	struct pkix_cert c = decode_fixture("cmc/issued-cert.der");
	struct pkix_template_id id = {0};
	struct buf ski = {0};
	struct err err;
	char when[21], *text = NULL;

	(void)state;
	text = pkix_serial_text(c.serial);
	assert_string_equal(text, "18e922d0000000000060");
	free(text);
	text = pkix_name_text(c.subject);
	assert_string_equal(text, "CN=Avi Ben-Menahem, CN=Users, DC=contoso, DC=com");
	free(text);
	text = pkix_name_text(c.issuer);
	assert_string_equal(text, "CN=TestEnrollment, DC=contoso, DC=com");
	free(text);
	text = pkix_name_value(c.subject, NID_commonName); /* the most specific of two */
	assert_string_equal(text, "Avi Ben-Menahem");
	free(text);
	assert_null(pkix_name_value(c.subject, NID_countryName));
	clock_format(c.not_before, when);
	assert_string_equal(when, "2004-08-12T18:54:55Z");
	clock_format(c.not_after, when);
	assert_string_equal(when, "2005-08-12T18:54:55Z");
	assert_int_equal(c.extension_count, 10);
	text = pkix_cert_upn(&c);
	assert_string_equal(text, "avibm@contoso.com");
	free(text);
	text = pkix_cert_san_text(&c);
	assert_string_equal(text, "UPN:avibm@contoso.com");
	free(text);
	assert_true(pkix_cert_has_eku(&c, "1.3.6.1.4.1.311.10.3.4"));
	assert_false(pkix_cert_has_eku(&c, "1.3.6.1.4.1.311.21.6"));
	assert_false(pkix_cert_has_eku(&c, "no identifier"));
	assert_int_equal(pkix_cert_key_usage(&c), 0x2000);
	must(pkix_cert_ski(&c, &ski, &err));
	text = hex_encode(buf_view(&ski), '\0');
	assert_string_equal(text, "8192563ac431f8820c54c9d0984fd8c534639ecc");
	free(text);
	text = hex_encode(view_of(c.sha1, 4), '\0');
	assert_string_equal(text, "de73d68a");
	free(text);
	must(pkix_template_id(c.extensions, c.extension_count, &id, &err));
	assert_int_equal(id.major, 100);
	assert_int_equal(id.minor, 2);
	pkix_template_id_free(&id);
	buf_free(&ski);
	pkix_cert_free(&c);
}

static void
certificate_verifies_under_the_key_of_its_ca_only(void **state)
{
	struct pkix_cert ca = decode_fixture("cmc/ca-cert.der"),
			 c = decode_fixture("cmc/issued-cert.der");
	EVP_PKEY *ca_key = NULL, *own_key = NULL;
	struct pkix_template_id id = {0};
	struct err err;

	(void)state;
	must(pkix_public_key(ca.spki, &ca_key, &err));
	must(pkix_public_key(c.spki, &own_key, &err));
	must(pkix_verify(ca_key, c.sig_alg, c.tbs, c.signature, true, &err));
	must_fail(pkix_verify(ca_key, c.sig_alg, c.tbs, c.signature, false, &err), NTE_BAD_ALGID);
	must_fail(
	    pkix_verify(own_key, c.sig_alg, c.tbs, c.signature, true, &err), NTE_BAD_SIGNATURE);
	assert_true(view_eq(c.issuer, ca.subject));
	assert_int_equal(pkix_cert_key_usage(&ca), 0x8600);
	assert_null(pkix_cert_upn(&ca));
	assert_null(pkix_cert_san_text(&ca));
	must(pkix_template_id(ca.extensions, ca.extension_count, &id, &err));
	assert_string_equal(id.cn, "CA");
	assert_null(id.oid);
	pkix_template_id_free(&id);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(own_key);
	pkix_cert_free(&ca);
	pkix_cert_free(&c);
}

static void
certificate_cut_at_any_length_or_longer_is_refused(void **state)
{
	struct buf der = support_fixture("cmc/issued-cert.der");
	struct pkix_cert c = {0};
	struct err err;

	(void)state;
	for (size_t len = 0; len < der.len; len++)
		must_fail(pkix_cert_decode(view_of(der.ptr, len), &c, &err), ERROR_INVALID_DATA);
	must(buf_append(&der, view_of("", 1), &err));
	must_fail(pkix_cert_decode(buf_view(&der), &c, &err), ERROR_INVALID_DATA);
	buf_free(&der);
}

/* Every byte changed: refused, or read into something that the CA's signature does not cover. */
static void
certificate_with_any_byte_changed_does_not_verify(void **state)
{
	struct pkix_cert ca = decode_fixture("cmc/ca-cert.der"), c = {0};
	struct buf der = support_fixture("cmc/issued-cert.der");
	EVP_PKEY *key = NULL;
	struct err err;

	(void)state;
	must(pkix_public_key(ca.spki, &key, &err));
	for (size_t i = 0; i < der.len; i++) {
		der.ptr[i] ^= 0x01;
		if (pkix_cert_decode(buf_view(&der), &c, &err))
			assert_false(pkix_verify(key, c.sig_alg, c.tbs, c.signature, true, &err));
		pkix_cert_free(&c);
		der.ptr[i] ^= 0x01;
	}
	EVP_PKEY_free(key);
	pkix_cert_free(&ca);
	buf_free(&der);
}

#define ALG   "30( 06092a864886f70d01010b 0500 )"
#define NAME  "30( 31( 30( 0603550403 13( 41 ) ) ) )"
#define VALID "30( 170d3236303130313030303030305a 170d3237303130313030303030305a )"
#define KEY   "30( 30( 06092a864886f70d010101 0500 ) 03( 00 30( 020103 020103 ) ) )"
#define SIG   "03( 00 0102 )"
#define BC    "30( 0603551d13 04( 3000 ) )"
#define CERT(v, serial, valid, exts, alg) \
	"30( 30( " v serial ALG NAME valid NAME KEY exts " ) " alg SIG " )"

static void
malformed_certificates_are_refused(void **state)
{
	static const struct {
		const char *der;
		enum err_code want;
	} rows[] = {
	    {CERT("a0( 020102 )", "020101", VALID, "a3( 30( " BC " ) )", ALG), ERR_OK},
	    {CERT("", "020101", VALID, "", ALG), ERR_OK}, /* version 1 */
	    {CERT("", "020101", VALID, "a3( 30( " BC " ) )", ALG), ERROR_INVALID_DATA},
	    {CERT("a0( 020103 )", "020101", VALID, "", ALG), ERROR_INVALID_DATA},
	    {CERT("a0( 0201ff )", "020101", VALID, "", ALG), ERROR_INVALID_DATA},
	    {CERT("a0( 020102 )", "020101", VALID, "a3( 30( " BC BC " ) )", ALG),
		ERROR_INVALID_DATA},
	    {CERT("a0( 020102 )", "02020001", VALID, "", ALG), ERROR_INVALID_DATA},
	    {CERT("a0( 020102 )", "020101", VALID, "0500", ALG), ERROR_INVALID_DATA},
	    /* algorithm inside and outside differ */
	    {CERT("a0( 020102 )", "020101", VALID, "", "30( 06092a864886f70d01010c 0500 )"),
		ERROR_INVALID_DATA},
	    /* times without seconds, with a zone, of an impossible date */
	    {CERT("a0( 020102 )", "020101",
		 "30( 170b 32363031303130303030 5a 170d3237303130313030303030305a )", "", ALG),
		ERROR_INVALID_DATA},
	    {CERT("a0( 020102 )", "020101",
		 "30( 1711 3236303130313030303030302b30313030 170d3237303130313030303030305a )", "",
		 ALG),
		ERROR_INVALID_DATA},
	    {CERT("a0( 020102 )", "020101",
		 "30( 170d 3236313330313030303030305a 170d3237303130313030303030305a )", "", ALG),
		ERROR_INVALID_DATA},
	    /* unused bits in the signature */
	    {"30( 30( 020101 ) " ALG " 03( 01 0102 ) )", ERROR_INVALID_DATA},
	};
	struct pkix_cert c = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *at = rows[i].der;
		struct buf der = support_der(&at);

		if (rows[i].want == ERR_OK)
			must(pkix_cert_decode(buf_view(&der), &c, &err));
		else if (pkix_cert_decode(buf_view(&der), &c, &err))
			fail_msg("row %zu is accepted", i);
		else
			assert_int_equal(err.code, rows[i].want);
		pkix_cert_free(&c);
		buf_free(&der);
	}
}

static void
version_is_that_of_the_certificate(void **state)
{
	static const struct {
		const char *der;
		int want;
	} rows[] = {
	    {CERT("", "020101", VALID, "", ALG), 1},
	    {CERT("a0( 020101 )", "020101", VALID, "", ALG), 2},
	    {CERT("a0( 020102 )", "020101", VALID, "", ALG), 3},
	};
	struct pkix_cert c = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *at = rows[i].der;
		struct buf der = support_der(&at);

		must(pkix_cert_decode(buf_view(&der), &c, &err));
		assert_int_equal(c.version, rows[i].want);
		pkix_cert_free(&c);
		buf_free(&der);
	}
}

/* May it issue, and is it a CA at all; what cannot be read is no issuer, and may be a CA. */
static void
only_some_of_what_says_ca_may_issue(void **state)
{
#define CONSTRAINTS(value) "30( 0603551d13 04( " value " ) )"
#define USAGE(value)       "30( 0603551d0f 04( " value " ) )"
	static const struct {
		const char *exts;
		bool is, says;
	} rows[] = {
	    {"", false, false},
	    {"a3( 30( " CONSTRAINTS("3000") " ) )", false, false},
	    {"a3( 30( " CONSTRAINTS("3003 0101ff") " ) )", true, true},
	    {"a3( 30( " CONSTRAINTS("3003 0101ff") USAGE("03020106") " ) )", true, true},
	    {"a3( 30( " CONSTRAINTS("3003 0101ff") USAGE("03020204") " ) )", false, true},
	    {"a3( 30( " CONSTRAINTS("3003 0101ff") USAGE("03020102") " ) )", false, true},
	    {"a3( 30( " CONSTRAINTS("3003 0101ff") USAGE("03020520") " ) )", false, true},
	    {"a3( 30( " CONSTRAINTS("3003 0101ff 00") " ) )", false, true},
	    {"a3( 30( " CONSTRAINTS("0500") " ) )", false, true},
	    {"a3( 30( " USAGE("03020106") " ) )", false, false},
	};
	struct pkix_cert c = {0};
	struct err err;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf der;
		const char *at = text;

		snprintf(text, sizeof text, CERT("a0( 020102 )", "020101", VALID, "%s", ALG),
		    rows[i].exts);
		der = support_der(&at);
		must(pkix_cert_decode(buf_view(&der), &c, &err));
		if (pkix_cert_is_ca(&c) != rows[i].is || pkix_cert_says_ca(&c) != rows[i].says)
			fail_msg("%zu", i);
		pkix_cert_free(&c);
		buf_free(&der);
	}
}

static void
absent_key_usage_allows_all_and_malformed_allows_nothing(void **state)
{
	static const struct {
		const char *exts;
		uint16_t want;
	} rows[] = {
	    {"", 0xffff},
	    {"a3( 30( 30( 0603551d0f 04( 03020520 ) ) ) )", 0x2000},
	    {"a3( 30( 30( 0603551d0f 04( 0303070080 ) ) ) )", 0x0080},
	    {"a3( 30( 30( 0603551d0f 04( 03020520 00 ) ) ) )", 0},
	    {"a3( 30( 30( 0603551d0f 04( 0500 ) ) ) )", 0},
	    {"a3( 30( 30( 0603551d0f 0400 ) ) )", 0},
	};
	struct pkix_cert c = {0};
	struct err err;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf der, ski = {0};
		const char *at = text;

		snprintf(text, sizeof text, CERT("a0( 020102 )", "020101", VALID, "%s", ALG),
		    rows[i].exts);
		der = support_der(&at);
		must(pkix_cert_decode(buf_view(&der), &c, &err));
		assert_int_equal(pkix_cert_key_usage(&c), rows[i].want);
		assert_false(pkix_cert_has_eku(&c, "1.3.6.1.4.1.311.21.6"));
		/* no identifier extension: the SHA-1 of the key */
		must(pkix_cert_ski(&c, &ski, &err));
		assert_int_equal(ski.len, 20);
		buf_free(&ski);
		pkix_cert_free(&c);
		buf_free(&der);
	}
}

static void
check_template(const char *ext_oid_hex, const char *value, enum err_code want, const char *cn,
    const char *oid, bool has_version, int64_t major, int64_t minor)
{
	char text[1024];
	const char *at = text;
	struct pkix_template_id id = {0};
	struct pkix_cert c = {0};
	struct buf der;
	struct err err;

	snprintf(text, sizeof text,
	    CERT("a0( 020102 )", "020101", VALID, "a3( 30( 30( %s 04( %s ) ) ) )", ALG),
	    ext_oid_hex, value);
	der = support_der(&at);
	must(pkix_cert_decode(buf_view(&der), &c, &err));
	if (want != ERR_OK) {
		must_fail(pkix_template_id(c.extensions, c.extension_count, &id, &err), want);
	} else {
		must(pkix_template_id(c.extensions, c.extension_count, &id, &err));
		assert_true(cn == NULL ? id.cn == NULL : id.cn != NULL && strcmp(id.cn, cn) == 0);
		assert_true(
		    oid == NULL ? id.oid == NULL : id.oid != NULL && strcmp(id.oid, oid) == 0);
		assert_int_equal(id.has_version, has_version);
		assert_int_equal(id.major, major);
		assert_int_equal(id.minor, minor);
	}
	pkix_template_id_free(&id);
	pkix_cert_free(&c);
	buf_free(&der);
}

#define NAME_EXT "06092b0601040182371402"
#define OID_EXT  "06092b0601040182371507"

static void
template_name_is_read_in_each_of_its_forms(void **state)
{
	(void)state;
	check_template(NAME_EXT, "1e( 00450046 0053 )", ERR_OK, "EFS", NULL, false, 0, 0);
	check_template(NAME_EXT, "30( 0c( 454653 ) )", ERR_OK, "EFS", NULL, false, 0, 0);
	check_template(NAME_EXT, "0c( 454653 )", ERR_OK, "EFS", NULL, false, 0, 0);
	check_template(NAME_EXT, "13( 454653 )", ERR_OK, "EFS", NULL, false, 0, 0);
	check_template(NAME_EXT, "1e( d83dde00 )", ERR_OK, "\xf0\x9f\x98\x80", NULL, false, 0, 0);
	check_template(NAME_EXT, "1e( 00450000 )", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(NAME_EXT, "1e( 004500 )", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(NAME_EXT, "1e00", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(NAME_EXT, "0c( ff )", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(NAME_EXT, "0c( 454653 ) 00", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(
	    NAME_EXT, "30( 0c( 454653 ) 0500 )", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(NAME_EXT, "020101", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(NAME_EXT, "", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
}

static void
template_oid_is_read_with_and_without_versions(void **state)
{
	(void)state;
	check_template(OID_EXT, "30( 06032a0304 )", ERR_OK, NULL, "1.2.3.4", false, 0, 0);
	check_template(OID_EXT, "30( 06032a0304 020164 )", ERR_OK, NULL, "1.2.3.4", true, 100, 0);
	check_template(
	    OID_EXT, "30( 06032a0304 020164 020102 )", ERR_OK, NULL, "1.2.3.4", true, 100, 2);
	check_template(OID_EXT, "30( 06032a0304 02047fffffff 0204 7fffffff )", ERR_OK, NULL,
	    "1.2.3.4", true, 0x7fffffff, 0x7fffffff);
	check_template(OID_EXT, "30( 06032a0304 02050080000000 )", ERROR_INVALID_DATA, NULL, NULL,
	    false, 0, 0);
	check_template(
	    OID_EXT, "30( 06032a0304 0201ff )", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(OID_EXT, "30( 06032a0304 020101 020101 020101 )", ERROR_INVALID_DATA, NULL,
	    NULL, false, 0, 0);
	check_template(OID_EXT, "30( 020101 )", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(OID_EXT, "3000", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
	check_template(OID_EXT, "30( 06032a0304 ) 00", ERROR_INVALID_DATA, NULL, NULL, false, 0, 0);
}

static void
serial_is_printed_in_octets_without_leading_zeros(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *want;
	} rows[] = {
	    {"\x00\xff\x01", 3, "ff01"},
	    {"\x0a\x01", 2, "0a01"},
	    {"\x00", 1, "00"},
	    {"\x00\x00", 2, "00"},
	    {"", 0, "00"},
	    {"\x10\x00", 2, "1000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = pkix_serial_text(view_of(rows[i].bytes, rows[i].len));

		assert_string_equal(text, rows[i].want);
		free(text);
	}
}

static void
alternative_names_are_printed_by_kind(void **state)
{
	static const char *const exts =
	    "a3( 30( 30( 0603551d11 04( 30( "
	    "a0( 060a2b060104018237140203 a0( 0c( 7540612e62 ) ) ) " /* UPN u@a.b */
	    "81( 6d40612e62 ) 82( 612e62 ) 86( 75726e3a78 ) 87( 7f000001 ) "
	    "a4( " NAME " ) 88( 2a03 ) 82( 0a ) 87( 7f00 ) ) ) ) ) )";
	struct pkix_cert c = {0};
	char text[1024], *line = NULL;
	const char *at = text;
	struct buf der;
	struct err err;

	(void)state;
	snprintf(text, sizeof text, CERT("a0( 020102 )", "020101", VALID, "%s", ALG), exts);
	der = support_der(&at);
	must(pkix_cert_decode(buf_view(&der), &c, &err));
	line = pkix_cert_san_text(&c);
	assert_string_equal(line, "UPN:u@a.b, email:m@a.b, DNS:a.b, URI:urn:x, IP:127.0.0.1, "
				  "directory:CN=A, other name:?, "
				  "DNS:?, IP:?");
	free(line);
	line = pkix_cert_upn(&c);
	assert_string_equal(line, "u@a.b");
	free(line);
	pkix_cert_free(&c);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(certificate_of_a_real_ca_is_read),
	    cmocka_unit_test(certificate_verifies_under_the_key_of_its_ca_only),
	    cmocka_unit_test(certificate_cut_at_any_length_or_longer_is_refused),
	    cmocka_unit_test(certificate_with_any_byte_changed_does_not_verify),
	    cmocka_unit_test(malformed_certificates_are_refused),
	    cmocka_unit_test(version_is_that_of_the_certificate),
	    cmocka_unit_test(only_some_of_what_says_ca_may_issue),
	    cmocka_unit_test(absent_key_usage_allows_all_and_malformed_allows_nothing),
	    cmocka_unit_test(template_name_is_read_in_each_of_its_forms),
	    cmocka_unit_test(template_oid_is_read_with_and_without_versions),
	    cmocka_unit_test(serial_is_printed_in_octets_without_leading_zeros),
	    cmocka_unit_test(alternative_names_are_printed_by_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
