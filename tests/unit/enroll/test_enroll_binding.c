/* A request that says who sends it, to which CA, when, and with which exchange certificate. */
#define ASK_TEMPLATE "EFSArchive"
#include "ca_harness.h"
#include "enroll_ask.h"

static struct principal user1, user2;

/* A binding as an honest client would make it for user1. */
static struct cmc_binding
honest(const struct ca_view *view)
{
	static char sid[SID_TEXT_MAX];

	sid_to_text(&user1.sid, sid);
	return (struct cmc_binding){.time = clock_now(),
	    .ca = view_of(harness.ca->issuer->cert.sha256, CMC_BINDING_HASH_LEN),
	    .exchange = view_of(view->xchgs[0].cert.sha256, CMC_BINDING_HASH_LEN),
	    .sender = view_str(sid)};
}

/* What becomes of an archival request of user1 with this binding; NULL: without. */
static enum err_code
outcome_as(const struct principal *p, const struct cmc_binding *binding)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct ask a = {.template_cn = "EFSArchive", .key = test_key("rsa2048")};
	struct buf pkcs10, payload;
	struct enroll_result r;
	enum err_code code;
	struct err err;

	harness_seal(a.key, &view->xchgs[0].cert, &payload);
	harness_must(pkix_request_make(a.key, (struct view){0}, NULL, &pkcs10, &err), &err);
	const struct cmc_make make = {.pkcs10 = buf_view(&pkcs10),
	    .key = a.key,
	    .archived_key = buf_view(&payload),
	    .template_cn = a.template_cn,
	    .binding = binding};
	harness_must(cmc_request_make(&make, &a.message, &err), &err);
	r = ask_submit(&a, p);
	assert_int_equal(r.disposition == DISP_ISSUED, r.reason.code == ERR_OK);
	code = r.reason.code;
	enroll_result_free(&r);
	buf_free(&pkcs10);
	buf_free(&payload);
	ask_free(&a);
	ca_view_release(&view);
	return code;
}

static enum err_code
outcome(const struct cmc_binding *binding)
{
	return outcome_as(&user1, binding);
}

static void
it_is_taken_from_its_sender_alone(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct cmc_binding b = honest(view);

	(void)state;
	assert_int_equal(outcome(&b), ERR_OK);
	assert_int_equal(outcome_as(&user2, &b), DIRCA_E_REQUEST_BINDING);
	/* Names of user1, and what is none. */
	static const struct {
		const char *name;
		enum err_code code;
	} names[] = {{"user1", ERR_OK}, {"NWTRADERS\\USER1", ERR_OK},
	    {"user1@nwtraders.com", ERR_OK}, {"user2", DIRCA_E_REQUEST_BINDING},
	    {"OTHER\\user1", DIRCA_E_REQUEST_BINDING},
	    {"user1@other.example", DIRCA_E_REQUEST_BINDING},
	    {"CN=user1,CN=Users,DC=nwtraders,DC=com", DIRCA_E_REQUEST_BINDING},
	    {"S-1-5-18", DIRCA_E_REQUEST_BINDING}};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		b.sender = view_str(names[i].name);
		if (outcome(&b) != names[i].code)
			fail_msg("%s", names[i].name);
	}
	b.sender = (struct view){0};
	assert_int_equal(outcome(&b), ERR_OK);
	ca_view_release(&view);
}

static void
it_is_taken_by_its_ca_in_its_time_for_its_exchange_certificate(void **state)
{
	static const uint8_t other[CMC_BINDING_HASH_LEN] = {1};
	struct ca_view *view = ca_view_get(harness.ca);
	struct cmc_binding b = honest(view);

	(void)state;
	b.ca = view_of(other, sizeof other);
	assert_int_equal(outcome(&b), DIRCA_E_REQUEST_BINDING);
	b = honest(view);
	b.exchange = view_of(other, sizeof other);
	assert_int_equal(outcome(&b), DIRCA_E_REQUEST_BINDING);
	b.exchange = (struct view){0};
	assert_int_equal(outcome(&b), DIRCA_E_REQUEST_BINDING);
	b = honest(view);
	b.time -= 500;
	assert_int_equal(outcome(&b), ERR_OK);
	b.time -= 200;
	assert_int_equal(outcome(&b), DIRCA_E_REQUEST_BINDING);
	b.time += 1400;
	assert_int_equal(outcome(&b), DIRCA_E_REQUEST_BINDING);
	ca_view_release(&view);
}

static void
it_is_demanded_by_a_setting(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct cmc_binding b = honest(view);

	(void)state;
	assert_int_equal(outcome(NULL), ERR_OK);
	harness_set(setting_name(SETTING_REQUIRE_BINDING), "1");
	assert_int_equal(outcome(NULL), DIRCA_E_REQUEST_BINDING);
	assert_int_equal(outcome(&b), ERR_OK);
	b.sender = (struct view){0};
	assert_int_equal(outcome(&b), DIRCA_E_REQUEST_BINDING);
	/* Not of requests that archive nothing. */
	ask_issued(&(struct ask){.template_cn = "User"}, &user1);
	harness_set(setting_name(SETTING_REQUIRE_BINDING), "0");
	ca_view_release(&view);
}

static int
open_all(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user2", &user2);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_taken_from_its_sender_alone),
	    cmocka_unit_test(it_is_taken_by_its_ca_in_its_time_for_its_exchange_certificate),
	    cmocka_unit_test(it_is_demanded_by_a_setting),
	};

	return cmocka_run_group_tests(tests, open_all, harness_teardown);
}
