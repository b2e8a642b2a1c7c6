/* A CA that has a parent: key archival that the parent excludes ("Restricting Key Archival"), and
 * the twin that has it; and the parent's CRL. */
#include "enroll_ask.h"
#include "foreign_crl.h"
#include "pem.h"
#include "log.h"

#define APPLICATION_POLICIES(oid)                                                           \
	"1.3.6.1.4.1.311.21.10 = ASN1:SEQUENCE:all\n[all]\nfirst = SEQUENCE:one\nsecond = " \
	"SEQUENCE:two\n[one]\noid = OID:1.3.6.1.5.5.7.3.2\n[two]\noid = OID:" oid "\n"

static struct principal user1;

static void
no_exchange_certificate_is_made(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct err err;

	(void)state;
	assert_int_equal(view->xchg_count, 0);
	ca_view_release(&view);
	assert_non_null(harness.ca->no_archival);
	assert_non_null(strstr(harness.ca->no_archival, "1.3.6.1.4.1.311.21.5"));
	assert_false(ca_check_archival(harness.ca, &err));
	assert_int_equal(err.code, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	harness_must(ca_maintain(harness.ca, &harness.vault, clock_now() + 86400, &err), &err);
	harness_refresh();
	view = ca_view_get(harness.ca);
	assert_int_equal(view->xchg_count, 0);
	ca_view_release(&view);
}

/* The key is sealed to a KRA for want of an exchange certificate: what counts is the refusal. */
static void
a_template_that_archives_is_refused(void **state)
{
	struct ask a = {.key = test_key("rsa2048"), .template_cn = "EFSArchive"};
	struct buf pkcs10, payload;
	struct err err;

	(void)state;
	harness_seal(a.key, &harness.kras[0].cert, &payload);
	harness_must(pkix_request_make(a.key, (struct view){0}, NULL, &pkcs10, &err), &err);
	const struct cmc_make in = {.pkcs10 = buf_view(&pkcs10),
	    .key = a.key,
	    .archived_key = buf_view(&payload),
	    .template_cn = a.template_cn};
	harness_must(cmc_request_make(&in, &a.message, &err), &err);
	ask_refused_made(&a, &user1, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	buf_free(&pkcs10);
	buf_free(&payload);
	ask_free(&a);
}

static void
other_templates_are_issued(void **state)
{
	(void)state;
	ask_issued(&(struct ask){.template_cn = "User"}, &user1);
}

static void
a_subordinate_with_the_policy_archives(void **state)
{
	struct store_request row;

	(void)state;
	assert_null(harness.ca->no_archival);
	row = ask_row_of(ask_issued(&(struct ask){.archive = true}, &user1));
	assert_true(row.raw_archived_key.len > 0);
	store_request_free(&row);
}

/* ---- the CRL of the parent (paper, "User Enrollment Errors") ---- */

static struct test_cert parent;

static void
put_crl(bool lists_us, int64_t until)
{
	foreign_crl_put(&(struct foreign_crl){.name = "Parent",
	    .issuer = &parent.cert,
	    .signer = parent.key,
	    .revoked = lists_us ? harness.ca->issuer->cert.serial : (struct view){0},
	    .next_update = clock_now() + until});
	harness_refresh();
}

static void
ignore_offline(bool yes)
{
	struct err err;

	harness_must(
	    ca_set_setting(harness.ca, &harness.vault, "caadmin", "CA\\CRLFlags",
		yes ? "+CRLF_REVCHECK_IGNORE_OFFLINE" : "-CRLF_REVCHECK_IGNORE_OFFLINE", &err),
	    &err);
}

static void
refused_with(enum err_code code)
{
	ask_refused(&(struct ask){.template_cn = "User"}, &user1, code);
}

static void
without_the_parents_crl_nothing_is_issued(void **state)
{
	(void)state;
	refused_with(CRYPT_E_REVOCATION_OFFLINE);
	harness_refresh();
	refused_with(CRYPT_E_REVOCATION_OFFLINE);
	assert_int_equal(harness_events(EVENT_REQUEST_DENIED), 2);
	assert_int_equal(harness_events(EVENT_ISSUING_STOPPED), 1);
	put_crl(false, 3600);
	ask_issued(&(struct ask){.template_cn = "User"}, &user1);
	assert_int_equal(harness_events(EVENT_ISSUING_STOPPED), 1);
}

static void
a_crl_that_is_not_current_is_none(void **state)
{
	(void)state;
	put_crl(false, -60);
	refused_with(CRYPT_E_REVOCATION_OFFLINE);
	assert_int_equal(harness_events(EVENT_ISSUING_STOPPED), 2);
}

static void
the_setting_goes_on_without_it_but_not_revoked(void **state)
{
	(void)state;
	ignore_offline(true);
	ask_issued(&(struct ask){.template_cn = "User"}, &user1);
	put_crl(true, 3600);
	refused_with(CRYPT_E_REVOKED);
	ignore_offline(false);
	refused_with(CRYPT_E_REVOKED);
	put_crl(false, 3600);
	ask_issued(&(struct ask){.template_cn = "User"}, &user1);
}

static int
open_with_parent(void)
{
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	foreign_crl_parent(&parent);
	return 0;
}

static int
open_excluded(void **state)
{
	(void)state;
	harness_parent = APPLICATION_POLICIES("1.3.6.1.5.5.7.3.4");
	if (open_with_parent() != 0)
		return -1;
	put_crl(false, 3600);
	return 0;
}

static int
open_included(void **state)
{
	(void)state;
	harness_parent = APPLICATION_POLICIES("1.3.6.1.4.1.311.21.5");
	if (open_with_parent() != 0)
		return -1;
	put_crl(false, 3600);
	return 0;
}

static int
open_unpublished(void **state)
{
	(void)state;
	harness_parent = APPLICATION_POLICIES("1.3.6.1.4.1.311.21.5");
	return open_with_parent();
}

static int
close_ca(void **state)
{
	int status;

	(void)state;
	test_cert_free(&parent);
	status = harness_close();
	harness = (struct harness){0};
	return status;
}

int
main(void)
{
	const struct CMUnitTest excluded[] = {
	    cmocka_unit_test(no_exchange_certificate_is_made),
	    cmocka_unit_test(a_template_that_archives_is_refused),
	    cmocka_unit_test(other_templates_are_issued),
	};
	const struct CMUnitTest included[] = {
	    cmocka_unit_test(a_subordinate_with_the_policy_archives),
	};
	const struct CMUnitTest above[] = {
	    cmocka_unit_test(without_the_parents_crl_nothing_is_issued),
	    cmocka_unit_test(a_crl_that_is_not_current_is_none),
	    cmocka_unit_test(the_setting_goes_on_without_it_but_not_revoked),
	};

	return cmocka_run_group_tests(excluded, open_excluded, close_ca) +
	       cmocka_run_group_tests(included, open_included, close_ca) +
	       cmocka_run_group_tests(above, open_unpublished, close_ca);
}
