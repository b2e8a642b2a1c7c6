/*
 * Whether clients can take the certificate of the TLS service, which the CA's own certificate may
 * make impossible; and its renewal.
 */
#include "ca_harness.h"

static bool
warns_of(int64_t now, const char *words)
{
	struct texts list = {0};
	bool found = false;

	ca_warnings(harness.ca, now, &list);
	for (size_t i = 0; i < list.count; i++)
		found = found || strstr(list.list[i], words) != NULL;
	texts_free(&list);
	return found;
}

static void
ca_that_may_serve_warns_of_nothing(void **state)
{
	(void)state;
	assert_false(warns_of(clock_now(), ""));
}

static void
certificate_is_renewed_with_its_key(void **state)
{
	int64_t before, now, after, later = clock_now() + INT64_C(700) * 86400;
	struct err err;

	(void)state;
	harness_must(ca_service_until(harness.ca, &before, &err), &err);
	harness_must(ca_maintain(harness.ca, &harness.vault, clock_now(), &err), &err);
	harness_must(ca_service_until(harness.ca, &now, &err), &err);
	assert_int_equal(now, before); /* not due */
	harness_must(ca_maintain(harness.ca, &harness.vault, later, &err), &err);
	harness_must(ca_service_until(harness.ca, &after, &err), &err);
	assert_int_equal(after - later, INT64_C(730) * 86400);
	assert_false(warns_of(later, "TLS"));
	/* That one was made by a clock that was ahead. */
	harness_must(ca_maintain(harness.ca, &harness.vault, clock_now(), &err), &err);
	harness_must(ca_service_until(harness.ca, &now, &err), &err);
	assert_true(now >= before && now < after);
}

static void
end_of_the_ca_certificate_is_told(void **state)
{
	int64_t end = harness.ca->issuer->cert.not_after;

	(void)state;
	assert_false(warns_of(end - INT64_C(61) * 86400, "the CA certificate ends"));
	assert_true(warns_of(end - INT64_C(59) * 86400, "the CA certificate ends"));
	assert_true(warns_of(end + 1, "the CA certificate ended"));
}

/* Every client's handshake would fail. */
static void
ca_without_servers_among_its_usages_says_so(void **state)
{
	(void)state;
	assert_true(warns_of(clock_now(), "clients refuse the TLS certificate of the service"));
	assert_true(warns_of(clock_now(), "purpose"));
}

static void
ca_whose_names_leave_the_host_out_says_so(void **state)
{
	(void)state;
	assert_true(warns_of(clock_now(), "clients refuse the TLS certificate of the service"));
	assert_true(warns_of(clock_now(), "subtree"));
}

static int
open_root(void **state)
{
	(void)state;
	return harness_open("");
}

static int
open_for_clients(void **state)
{
	harness_parent = "extendedKeyUsage = clientAuth, 1.3.6.1.4.1.311.21.5\n";
	return open_root(state);
}

static int
open_for_others(void **state)
{
	harness_parent = "nameConstraints = critical,permitted;DNS:other.example\n";
	return open_root(state);
}

static int
close_ca(void **state)
{
	int status = harness_close();

	(void)state;
	harness = (struct harness){0};
	return status;
}

int
main(void)
{
	const struct CMUnitTest root[] = {
	    cmocka_unit_test(ca_that_may_serve_warns_of_nothing),
	    cmocka_unit_test(certificate_is_renewed_with_its_key),
	    cmocka_unit_test(end_of_the_ca_certificate_is_told),
	};
	const struct CMUnitTest for_clients[] = {
	    cmocka_unit_test(ca_without_servers_among_its_usages_says_so)};
	const struct CMUnitTest for_others[] = {
	    cmocka_unit_test(ca_whose_names_leave_the_host_out_says_so)};

	return cmocka_run_group_tests_name("a root", root, open_root, close_ca) +
	       cmocka_run_group_tests_name(
		   "clients only", for_clients, open_for_clients, close_ca) +
	       cmocka_run_group_tests_name("other names", for_others, open_for_others, close_ca);
}
