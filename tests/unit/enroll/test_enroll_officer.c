/*
 * What certificate managers do with a request after its submission: have it decided anew.
 */
#define ASK_TEMPLATE "User"
#include "enroll_ask.h"

static struct principal user1, user2, officer1, officer2, kra1;

static void
assert_not_resubmitted(const struct principal *officer, int64_t id, enum err_code code)
{
	struct store_request before = ask_row_of(id), after;
	int refused = harness_audited(AUDIT_RESUBMITTED, false);
	struct enroll_result r;
	struct err err;

	assert_false(
	    enroll_resubmit(harness.ca, &harness.vault, officer, id, clock_now(), &r, &err));
	if (err.code != code)
		fail_msg("%s: %s, expected %s", err_name(err.code), err.msg, err_name(code));
	after = ask_row_of(id);
	assert_int_equal(after.disposition, before.disposition);
	assert_int_equal(after.status_code, before.status_code);
	assert_int_equal(after.raw_certificate.len, before.raw_certificate.len);
	assert_int_equal(harness_audited(AUDIT_RESUBMITTED, false), refused + 1);
	store_request_free(&before);
	store_request_free(&after);
}

static void
resubmit(int64_t id)
{
	int done = harness_audited(AUDIT_RESUBMITTED, true),
	    issued = harness_audited(AUDIT_ISSUED, true);
	struct store_request row;
	struct enroll_result r;
	struct err err;

	harness_must(
	    enroll_resubmit(harness.ca, &harness.vault, &officer1, id, clock_now(), &r, &err),
	    &err);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_true(r.certificate.len > 0 && r.response.len > 0);
	enroll_result_free(&r);
	row = ask_row_of(id);
	assert_int_equal(row.disposition, DISP_ISSUED);
	assert_int_equal(row.status_code, 0);
	assert_int_equal(row.public_key_hash.len, 32);
	store_request_free(&row);
	assert_int_equal(harness_audited(AUDIT_RESUBMITTED, true), done + 1);
	assert_int_equal(harness_audited(AUDIT_ISSUED, true), issued + 1);
}

/* Refused at once, and kept. */
static int64_t
refused_at_once(struct ask *a, const struct principal *caller, enum err_code code)
{
	struct enroll_result r;
	int64_t id;

	ask_make(a);
	harness_set("CA\\KeepRefusedRequests", "1");
	r = ask_submit(a, caller);
	harness_set("CA\\KeepRefusedRequests", "0");
	if (r.reason.code != code)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	id = r.request_id;
	enroll_result_free(&r);
	return id;
}

static void
demand_bits(const char *bits)
{
	harness_change("CN=User,CN=Certificate Templates,CN=Public Key Services,CN=Services",
	    "msPKI-Minimal-Key-Size", view_str(bits));
}

static int64_t
denied_by_a_manager(struct ask *a)
{
	struct enroll_result r;
	struct err err;
	int64_t id;

	a->template_cn = "KeyRecoveryAgent";
	ask_make(a);
	r = ask_submit(a, &kra1);
	assert_int_equal(r.disposition, DISP_PENDING);
	id = r.request_id;
	enroll_result_free(&r);
	harness_must(enroll_deny(harness.ca, &officer2, id, "not now", clock_now(), &err), &err);
	return id;
}

static void
denied_request_is_decided_anew_by_a_manager_alone(void **state)
{
	struct ask a = {0};
	int64_t id = denied_by_a_manager(&a);
	struct principal own = officer1;
	struct enroll_result again;

	(void)state;
	assert_not_resubmitted(&kra1, id, E_ACCESSDENIED);
	own.sid = kra1.sid;
	assert_not_resubmitted(&own, id, DIRCA_E_OWN_REQUEST);
	harness_restrict((struct harness_rule[]){{false, "1112", "1205", NULL}}, 1);
	assert_not_resubmitted(&officer1, id, CERTSRV_E_RESTRICTEDOFFICER);
	harness_unrestrict();
	/* To the requester the denial stands. */
	again = ask_submit(&a, &kra1);
	assert_int_equal(again.reason.code, DIRCA_E_DENIED);
	assert_int_equal(again.request_id, id);
	enroll_result_free(&again);
	resubmit(id);
	assert_not_resubmitted(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS);
	again = ask_submit(&a, &kra1);
	assert_int_equal(again.disposition, DISP_ISSUED);
	assert_int_equal(again.request_id, id);
	enroll_result_free(&again);
	ask_free(&a);
}

static void
pending_request_is_approved_and_not_resubmitted(void **state)
{
	struct ask a = {.template_cn = "KeyRecoveryAgent"};
	struct enroll_result r;

	(void)state;
	ask_make(&a);
	r = ask_submit(&a, &kra1);
	assert_not_resubmitted(&officer1, r.request_id, CERTSRV_E_BAD_REQUESTSTATUS);
	enroll_result_free(&r);
	ask_free(&a);
}

static void
key_that_is_another_s_meanwhile_is_not_certified(void **state)
{
	struct ask denied = {0}, other = {0};
	int64_t id = denied_by_a_manager(&denied);

	(void)state;
	/* What was denied claims no key. */
	other.key = EVP_PKEY_dup(denied.key);
	ask_issued(&other, &user1);
	assert_not_resubmitted(&officer1, id, DIRCA_E_KEY_IN_USE);
	ask_free(&denied);
}

static void
request_that_was_refused_at_once_passes_all_checks_of_a_submission(void **state)
{
	struct ask a = {0}, again, forged = {.subject = "NWTRADERS\\user2"}, unkept = {0};
	int64_t id, twin;
	struct enroll_result r;

	(void)state;
	demand_bits("4096");
	id = refused_at_once(&a, &user1, CERTSRV_E_KEY_LENGTH);
	twin = refused_at_once(&a, &user1, CERTSRV_E_KEY_LENGTH);
	assert_not_resubmitted(&officer1, id, CERTSRV_E_KEY_LENGTH);
	ask_make(&unkept);
	r = ask_submit(&unkept, &user1);
	assert_int_equal(r.reason.code, CERTSRV_E_KEY_LENGTH);
	demand_bits("2048");
	assert_not_resubmitted(&officer1, r.request_id, CERTSRV_E_BAD_REQUESTSTATUS);
	enroll_result_free(&r);
	resubmit(id);
	/* The key is claimed from now on, and the request came. */
	again = (struct ask){.key = EVP_PKEY_dup(a.key)};
	ask_refused(&again, &user2, DIRCA_E_KEY_IN_USE);
	assert_not_resubmitted(&officer1, twin, CERTSRV_E_BAD_REQUESTSTATUS);
	/* Whom it is for was never certain. */
	id = refused_at_once(&forged, &user1, CERTSRV_E_TEMPLATE_DENIED);
	assert_not_resubmitted(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS);
	ask_free(&forged);
	ask_free(&unkept);
	ask_free(&a);
}

static void
request_that_was_to_archive_a_key_has_none(void **state)
{
	struct ask a = {.template_cn = "EFSArchive"};
	int64_t id = refused_at_once(&a, &user1, CERTSRV_E_ARCHIVED_KEY_REQUIRED);

	(void)state;
	assert_not_resubmitted(&officer1, id, CERTSRV_E_ARCHIVED_KEY_REQUIRED);
	ask_free(&a);
}

static int
group_setup(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_principal("user1", &user1);
	harness_principal("user2", &user2);
	harness_principal("officer1", &officer1);
	harness_principal("officer2", &officer2);
	harness_principal("kra1", &kra1);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	principal_free(&user1);
	principal_free(&user2);
	principal_free(&officer1);
	principal_free(&officer2);
	principal_free(&kra1);
	return harness_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(denied_request_is_decided_anew_by_a_manager_alone),
	    cmocka_unit_test(pending_request_is_approved_and_not_resubmitted),
	    cmocka_unit_test(key_that_is_another_s_meanwhile_is_not_certified),
	    cmocka_unit_test(request_that_was_refused_at_once_passes_all_checks_of_a_submission),
	    cmocka_unit_test(request_that_was_to_archive_a_key_has_none),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
