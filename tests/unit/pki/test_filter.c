#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conn.h"
#include "pki.h"

static void
check_filter(char *got, const char *want)
{
	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void
filter_values_are_escaped(void **state)
{
	(void)state;
	check_filter(dir_filter("(cn=%s)", "user1"), "(cn=user1)");
	check_filter(dir_filter("(cn=%s)", "*"), "(cn=\\2a)");
	check_filter(dir_filter("(cn=%s)", "a)(objectClass=*"), "(cn=a\\29\\28objectClass=\\2a)");
	check_filter(dir_filter("(cn=%s)", "a\\b"), "(cn=a\\5cb)");
	check_filter(dir_filter("(cn=%s)", "\x01\x7f\xc3\xa4\xff"), "(cn=\\01\\7f\\c3\\a4\\ff)");
	check_filter(dir_filter("(cn=%s)", ""), "(cn=)");
	check_filter(dir_filter("(|(a=%s)(%s=%s))", "1", "b", "2"), "(|(a=1)(b=2))");
}

static void
an_attribute_name_cannot_widen_the_filter(void **state)
{
	(void)state;
	check_filter(dir_filter("(%s=x)", "cn=*)(a"), "(cn=\\2a\\29\\28a=x)");
}

static void
binary_values_are_escaped_byte_by_byte(void **state)
{
	struct view v = view_of("a\0*", 3), empty = view_of(NULL, 0);

	(void)state;
	check_filter(dir_filter("(objectSid=%S)", &v), "(objectSid=\\61\\00\\2a)");
	check_filter(dir_filter("(objectSid=%S)", &empty), "(objectSid=)");
}

static void
a_percent_sign_is_doubled_and_other_formats_are_refused(void **state)
{
	(void)state;
	check_filter(dir_filter("(cn=100%%)"), "(cn=100%)");
	assert_null(dir_filter("(cn=%d)", 1));
	assert_null(dir_filter("(cn=%"));
}

static void
check_rdn(const char *value, const char *want)
{
	char *got = dir_rdn_escape(value);

	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void
rdn_values_are_escaped(void **state)
{
	(void)state;
	check_rdn("user1", "user1");
	check_rdn("Doe, John", "Doe\\, John");
	check_rdn("a+b\"c\\d;e<f>g=h", "a\\+b\\\"c\\\\d\\;e\\<f\\>g\\=h");
	check_rdn(" x ", "\\ x\\ ");
	check_rdn("#x#", "\\#x#");
	check_rdn("a\nb", "a\\0ab");
	check_rdn("\xc3\xa4", "\xc3\xa4");
	check_rdn("", "");
	check_rdn(" ", "\\ ");
}

static void
an_escaped_rdn_is_one_rdn(void **state)
{
	static const char *const values[] = {
	    "Doe, John", "x,DC=evil", "a+cn=b", " #\"\\ ", "a=b;c"};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		char *escaped = dir_rdn_escape(values[i]), dn[128];

		assert_non_null(escaped);
		snprintf(dn, sizeof dn, "CN=%s,DC=example", escaped);
		assert_true(dir_dn_is_under(dn, "DC=example"));
		assert_false(dir_dn_is_under(dn, "DC=evil,DC=example"));
		assert_true(dir_dn_eq(dn, dn));
		free(escaped);
	}
}

static void
equal_dns_differ_only_in_case_blanks_and_escapes(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
	    {"CN=a,DC=x", "cn=A, dc=X", true},
	    {"CN=a b,DC=x", "CN=a  b,DC=x", true},
	    {"CN=a,DC=x", "CN=\\61,DC=x", true},
	    {"CN=a\\,b", "CN=a\\2Cb", true},
	    {"CN=a+OU=b,DC=x", "OU=b+CN=a,DC=x", true},
	    {"", "", true},
	    {"CN=a,DC=x", "CN=b,DC=x", false},
	    {"CN=a,DC=x", "CN=a,DC=y", false},
	    {"CN=a,DC=x", "OU=a,DC=x", false},
	    {"CN=a,DC=x", "DC=x", false},
	    {"CN=ab,DC=x", "CN=a b,DC=x", false},
	    {"CN=a\\ ,DC=x", "CN=a,DC=x", true}, /* blanks at the ends do not count */
	    {"CN=a+CN=a", "CN=a", false},
	    {"CN=#0401", "CN=\\04\\01", false},
	    {"CN=#0401", "CN=#0401", true},
	    {"no dn", "no dn", false},
	    {"CN=a,", "CN=a,", false},
	    {"<SID=S-1-1-0>", "<SID=S-1-1-0>", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(dir_dn_eq(rows[i].a, rows[i].b), rows[i].equal);
		assert_int_equal(dir_dn_eq(rows[i].b, rows[i].a), rows[i].equal);
	}
}

static void
under_means_whole_rdns(void **state)
{
	(void)state;
	assert_true(dir_dn_is_under("CN=a,DC=x,DC=y", "dc=x,dc=y"));
	assert_true(dir_dn_is_under("DC=x,DC=y", "DC=x,DC=y"));
	assert_true(dir_dn_is_under("CN=a,DC=x", ""));
	assert_false(dir_dn_is_under("DC=y", "DC=x,DC=y"));
	assert_false(dir_dn_is_under("CN=a,DC=xx,DC=y", "DC=x,DC=y"));
	assert_false(dir_dn_is_under("CN=a\\,DC=x,DC=y", "DC=x,DC=y"));
	assert_false(dir_dn_is_under("garbage", "DC=x"));
	assert_false(dir_dn_is_under("DC=x", "garbage"));
}

static void
check_sanitized(const char *name, const char *want)
{
	char *got = pki_sanitize(name);

	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

/* [MS-WCCE] 1.3.2.5 and 3.1.1.4.1.1. */
static void
ca_names_are_sanitized(void **state)
{
	(void)state;
	check_sanitized("TestCA9", "TestCA9");
	check_sanitized("LongCAName(WithSpeci@#$%^Characters",
	    "LongCAName!0028WithSpeci@!0023$!0025!005eCharacters");
	check_sanitized("a b-c._~", "a b-c._~");
	check_sanitized("caf\xc3\xa9", "caf!00e9");
	check_sanitized("\xf0\x9f\x94\x91", "!d83d!dd11");
	check_sanitized("x!y", "x!0021y");
	assert_null(pki_sanitize("\xff"));
}

static void
long_ca_names_are_cut_and_hashed(void **state)
{
	(void)state;
	/* 51 characters stay whole. */
	check_sanitized("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeef",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeef");
	/* One more: its own value is the hash. */
	check_sanitized("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefg",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeef-00103");
	/* "gh": rotl(103) + 104 = 310. */
	check_sanitized("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefgh",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeef-00310");
	/* A replaced character that the cut would split goes whole into the hash: "!0023" = 0x21
	 * 0x30 0x30 0x32 0x33. */
	check_sanitized("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee#",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee-01255");
	/* One that ends right at the cut stays. */
	check_sanitized("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeee#g",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeee!0023-00103");
}

static void
ldap_urls_name_the_published_objects(void **state)
{
	const char *services =
	    "CN=Public Key Services,CN=Services,CN=Configuration,DC=nwtraders,DC=com";
	struct pki_crl_place place = {.ca_name = "Test #1", .host = "ca1.nwtraders.com"},
			     delta_place = {.ca_name = "Test #1",
				 .host = "ca1.nwtraders.com",
				 .key_index = 1,
				 .partition = 2,
				 .delta = true};
	char *cdp = pki_cdp_url(services, &place), *delta = pki_cdp_url(services, &delta_place),
	     *aia = pki_aia_url(services, "Test? CA");

	(void)state;
	assert_string_equal(cdp,
	    "ldap:///"
	    "CN=Test%20!00231,CN=ca1,CN=CDP,CN=Public%20Key%20Services,CN=Services,CN="
	    "Configuration,"
	    "DC=nwtraders,DC=com?certificateRevocationList?base?objectClass=cRLDistributionPoint");
	assert_string_equal(aia,
	    "ldap:///"
	    "CN=Test!003f%20CA,CN=AIA,CN=Public%20Key%20Services,CN=Services,CN=Configuration,"
	    "DC=nwtraders,DC=com?cACertificate?base?objectClass=certificationAuthority");
	assert_string_equal(delta,
	    "ldap:///"
	    "CN=Test%20!00231-p2(1),CN=ca1,CN=CDP,CN=Public%20Key%20Services,CN=Services,CN="
	    "Configuration,DC=nwtraders,DC=com?deltaRevocationList?base?objectClass="
	    "cRLDistributionPoint");
	free(delta);
	free(cdp);
	free(aia);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(filter_values_are_escaped),
	    cmocka_unit_test(an_attribute_name_cannot_widen_the_filter),
	    cmocka_unit_test(binary_values_are_escaped_byte_by_byte),
	    cmocka_unit_test(a_percent_sign_is_doubled_and_other_formats_are_refused),
	    cmocka_unit_test(rdn_values_are_escaped),
	    cmocka_unit_test(an_escaped_rdn_is_one_rdn),
	    cmocka_unit_test(equal_dns_differ_only_in_case_blanks_and_escapes),
	    cmocka_unit_test(under_means_whole_rdns),
	    cmocka_unit_test(ca_names_are_sanitized),
	    cmocka_unit_test(long_ca_names_are_cut_and_hashed),
	    cmocka_unit_test(ldap_urls_name_the_published_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
