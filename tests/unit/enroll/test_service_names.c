/* Nobody is certified for the host of a CA's service, at submission or when it becomes one while a
 * request waits. */
#include "ca_harness.h"
#include "cmc.h"
#include "enroll.h"

/* On a curve: each signature is another, and so is each request. The same one again would be
 * answered with what became of it. */
static EVP_PKEY *key;

/* A request whose names come from the directory, as these accounts have them there. */
static void
submit(const struct principal *p, const char *cn, struct enroll_result *out)
{
	struct buf pkcs10, message;
	struct err err;

	harness_must(pkix_request_make(key, (struct view){0}, NULL, &pkcs10, &err), &err);
	const struct cmc_make make = {.pkcs10 = buf_view(&pkcs10), .key = key, .template_cn = cn};
	harness_must(cmc_request_make(&make, &message, &err), &err);
	const struct enroll_input in = {.format = ENROLL_CMC,
	    .body = buf_view(&message),
	    .caller = p,
	    .caller_name = p->downlevel,
	    .now = clock_now()};
	harness_must(enroll_submit(harness.ca, &harness.vault, &in, out, &err), &err);
	buf_free(&pkcs10);
	buf_free(&message);
}

static void
assert_user_gets(const char *upn, enum err_code code)
{
	struct principal p = {0};
	struct enroll_result r;

	harness_principal("user1", &p);
	free(p.upn);
	p.upn = strdup(upn);
	submit(&p, "User", &r);
	if (r.reason.code != code)
		fail_msg("%s: %s %s", upn, err_name(r.reason.code), r.reason.msg);
	assert_int_equal(r.disposition, code == ERR_OK ? DISP_ISSUED : DISP_DENIED);
	enroll_result_free(&r);
	principal_free(&p);
}

static void
names_of_the_service_are_refused_whoever_supplies_them(void **state)
{
	(void)state;
	assert_user_gets("user1@nwtraders.com", ERR_OK);
	assert_user_gets("HTTP/ca1.nwtraders.com@NWTRADERS.COM", DIRCA_E_SERVICE_NAME);
	assert_user_gets("host/CA1.nwtraders.com/x@NWTRADERS.COM", DIRCA_E_SERVICE_NAME);
	assert_user_gets("ca1.nwtraders.com@NWTRADERS.COM", DIRCA_E_SERVICE_NAME);
	assert_user_gets("HTTP/ca2.nwtraders.com@NWTRADERS.COM", ERR_OK);
}

static void
every_enrollment_service_of_the_directory_counts(void **state)
{
	static const char *const values[] = {
	    "https://ca2.nwtraders.com:8443", "1\n4\nhttps://CA2.nwtraders.com/CES/service.svc\n0"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		harness_set_attr("msPKI-Enrollment-Servers", view_str(values[i]));
		assert_user_gets("HTTP/ca2.nwtraders.com@NWTRADERS.COM", DIRCA_E_SERVICE_NAME);
		assert_user_gets("HTTP/ca1.nwtraders.com@NWTRADERS.COM", DIRCA_E_SERVICE_NAME);
	}
	harness_set_attr("msPKI-Enrollment-Servers", view_str(harness.config->url));
	assert_user_gets("HTTP/ca2.nwtraders.com@NWTRADERS.COM", ERR_OK);
	harness_set_attr("dircaServiceURL", view_str("https://ca2.nwtraders.com:8443"));
	assert_user_gets("HTTP/ca2.nwtraders.com@NWTRADERS.COM", DIRCA_E_SERVICE_NAME);
	harness_set_attr("dircaServiceURL", view_str(harness.config->url));
	assert_user_gets("HTTP/ca2.nwtraders.com@NWTRADERS.COM", ERR_OK);
}

static void
name_that_became_a_services_is_refused_at_the_approval(void **state)
{
	struct principal kra1 = {0}, officer1 = {0};
	struct enroll_result pending, r;
	struct err err;

	(void)state;
	harness_principal("kra1", &kra1);
	harness_principal("officer1", &officer1);
	EVP_PKEY_free(key);
	key = test_key("P-256"); /* a key is one person's */
	submit(&kra1, "KeyRecoveryAgent", &pending);
	assert_int_equal(pending.disposition, DISP_PENDING);
	harness_set_attr("dNSHostName", view_str("kra1"));
	if (enroll_approve(
		harness.ca, &harness.vault, &officer1, pending.request_id, clock_now(), &r, &err)) {
		assert_int_equal(r.reason.code, DIRCA_E_SERVICE_NAME);
		assert_int_equal(r.certificate.len, 0);
		enroll_result_free(&r);
	} else {
		assert_int_equal(err.code, DIRCA_E_SERVICE_NAME);
	}
	harness_set_attr("dNSHostName", view_str(harness.config->host));
	enroll_result_free(&pending);
	principal_free(&kra1);
	principal_free(&officer1);
}

static int
group_setup(void **state)
{
	(void)state;
	key = test_key("P-256");
	return harness_open("");
}

static int
group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return harness_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_of_the_service_are_refused_whoever_supplies_them),
	    cmocka_unit_test(every_enrollment_service_of_the_directory_counts),
	    cmocka_unit_test(name_that_became_a_services_is_refused_at_the_approval),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
