/* By which names of a certificate its holder could be taken for a host. */
#include "messages_support.h"

#include "extension.h"

static void
names_match_as_clients_match_them(void **state)
{
	static const struct {
		const char *name, *host;
		bool yes;
	} rows[] = {
	    {"ca1.nwtraders.com", "ca1.nwtraders.com", true},
	    {"CA1.NWTraders.Com", "ca1.nwtraders.com", true},
	    {"ca1.nwtraders.com.", "ca1.nwtraders.com", true},
	    {"ca1.nwtraders.com", "CA1.nwtraders.com.", true},
	    {"*.nwtraders.com", "ca1.nwtraders.com", true},
	    {"c*.nwtraders.com", "ca1.nwtraders.com", true},
	    {"*1.nwtraders.com", "ca1.nwtraders.com", true},
	    {"c*a*1.nwtraders.com.", "ca1.nwtraders.com", true},
	    {"*.*.com", "ca1.nwtraders.com", true},
	    {"127.0.0.1", "127.0.0.1", true},
	    {"::1", "0:0:0:0:0:0:0:1", true},
	    {"ca2.nwtraders.com", "ca1.nwtraders.com", false},
	    {"*.com", "ca1.nwtraders.com", false},
	    {"*", "ca1.nwtraders.com", false},
	    {"nwtraders.com", "ca1.nwtraders.com", false},
	    {"ca1.nwtraders.com.evil.example", "ca1.nwtraders.com", false},
	    {"ca1", "ca1.nwtraders.com", false},
	    {"ca1.nwtraders.co", "ca1.nwtraders.com", false},
	    {"ca1.nwtraders.comm", "ca1.nwtraders.com", false},
	    {"*2.nwtraders.com", "ca1.nwtraders.com", false},
	    {"127.0.0.2", "127.0.0.1", false},
	    {"", "ca1.nwtraders.com", false},
	    {".", "ca1.nwtraders.com", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (pkix_host_matches(rows[i].name, rows[i].host) != rows[i].yes)
			fail_msg("%s and %s", rows[i].name, rows[i].host);
}

/* Value of an alternative-names extension. */
static struct buf
san_value(GENERAL_NAMES *names)
{
	uint8_t *der = NULL;
	int len = i2d_GENERAL_NAMES(names, &der);
	struct buf out;
	struct err err;

	assert_true(len > 0);
	must(buf_dup(view_of(der, (size_t)len), &out, &err));
	OPENSSL_free(der);
	GENERAL_NAMES_free(names);
	return out;
}

static void
every_name_that_may_be_a_host_is_seen(void **state)
{
	static const uint8_t address[4] = {192, 0, 2, 7};
	static const char *const expected[] = {"second", "first", "www.nwtraders.com", "192.0.2.7",
	    "uri.nwtraders.com", "HTTP/spn.nwtraders.com", "HTTP", "spn.nwtraders.com", "user1",
	    "user1"};
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct buf subject, san;
	struct texts found;
	struct err err;

	(void)state;
	must(pkix_name_from_dn("CN=first,OU=ou.nwtraders.com,CN=second", NULL, &subject, &err));
	must(ext_add_name(names, GEN_EMAIL, "mail@mail.nwtraders.com", &err));
	must(ext_add_name(names, GEN_DNS, "www.nwtraders.com", &err));
	must(ext_add_address(names, address, sizeof address, &err));
	must(ext_add_name(names, GEN_URI, "https://uri.nwtraders.com:8443/x", &err));
	must(ext_add_upn(names, "HTTP/spn.nwtraders.com@NWTRADERS.COM", &err));
	must(ext_add_upn(names, "user1@nwtraders.com", &err));
	san = san_value(names);
	must(pkix_host_names(buf_view(&subject), buf_view(&san), &found, &err));
	assert_int_equal(found.count, sizeof expected / sizeof expected[0]);
	for (size_t i = 0; i < found.count; i++)
		assert_string_equal(found.list[i], expected[i]);
	texts_free(&found);
	buf_free(&subject);
	buf_free(&san);
}

static void
name_that_cannot_be_read_is_refused(void **state)
{
	/* GeneralNames with one dNSName, "ca1\0x" */
	static const uint8_t nul[] = {0x30, 0x07, 0x82, 0x05, 'c', 'a', '1', '\0', 'x'};
	static const uint8_t good[] = {0x30, 0x07, 0x82, 0x05, 'c', 'a', '1', '.', 'x'};
	static const uint8_t empty[] = {0x30, 0x00};
	struct texts found;
	struct err err;

	(void)state;
	must(pkix_host_names(
	    view_of(empty, sizeof empty), view_of(good, sizeof good), &found, &err));
	assert_int_equal(found.count, 1);
	texts_free(&found);
	assert_false(
	    pkix_host_names(view_of(empty, sizeof empty), view_of(nul, sizeof nul), &found, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	for (size_t len = 1; len < sizeof good; len++)
		assert_false(pkix_host_names(
		    view_of(empty, sizeof empty), view_of(good, len), &found, &err));
	assert_false(pkix_host_names(view_of(good, 3), (struct view){0}, &found, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_match_as_clients_match_them),
	    cmocka_unit_test(every_name_that_may_be_a_host_is_seen),
	    cmocka_unit_test(name_that_cannot_be_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
