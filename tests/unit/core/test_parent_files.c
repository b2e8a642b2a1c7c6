/* A stand-alone CA below another: the CRL of that one is a file that root put into trust/. */
#include "ca_harness.h"
#include "foreign_crl.h"

static struct test_cert parent;

static void
put(const char *name, EVP_PKEY *signer, bool lists_us, int64_t until)
{
	const struct foreign_crl f = {.name = "Parent",
	    .issuer = &parent.cert,
	    .signer = signer,
	    .revoked = lists_us ? harness.ca->issuer->cert.serial : (struct view){0},
	    .next_update = clock_now() + until};
	char path[128];
	struct buf crl;
	struct err err;

	foreign_crl_make(&f, &crl);
	snprintf(path, sizeof path, "%s/state/trust/%s", harness.dir, name);
	harness_must(file_replace(path, buf_view(&crl), 0644, &err), &err);
	buf_free(&crl);
	harness_refresh();
}

static void
assert_chain(enum err_code code)
{
	struct ca_view *v = ca_view_get(harness.ca);
	struct err err = {0};
	bool ok = ca_check_chain(v, clock_now(), &err);

	if (ok != (code == ERR_OK) || (!ok && err.code != code))
		fail_msg("%s: %s, expected %s", err_name(err.code), err.msg, err_name(code));
	ca_view_release(&v);
}

static void
nothing_is_issued_without_a_current_crl_of_the_parent(void **state)
{
	EVP_PKEY *stranger = test_key("rsa2048");

	(void)state;
	assert_chain(CRYPT_E_REVOCATION_OFFLINE);
	put("parent.pem", parent.key, false, 3600); /* not called so */
	assert_chain(CRYPT_E_REVOCATION_OFFLINE);
	put("parent.crl", stranger, false, 3600);
	assert_chain(CRYPT_E_REVOCATION_OFFLINE);
	put("parent.crl", parent.key, false, -60);
	assert_chain(CRYPT_E_REVOCATION_OFFLINE);
	put("parent.crl", parent.key, false, 3600);
	assert_chain(ERR_OK);
	/* One that says revoked counts beside one that does not. */
	put("newer.crl", parent.key, true, 3600);
	assert_chain(CRYPT_E_REVOKED);
	EVP_PKEY_free(stranger);
}

static int
setup(void **state)
{
	(void)state;
	harness_parent = "";
	harness_open_standalone("");
	foreign_crl_parent(&parent);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	test_cert_free(&parent);
	return harness_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_issued_without_a_current_crl_of_the_parent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
