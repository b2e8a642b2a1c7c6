/*
 * What certificate managers do with a request after its submission: have it decided anew, set
 * attributes and extensions.
 */
#define ASK_TEMPLATE "User"
#include <poll.h>
#include <pthread.h>

#include "enroll_ask.h"
#include "extension.h"
#include "pkix_policy.h"

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

	if (a->message.len == 0)
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

#define USER_TEMPLATE "CN=User,CN=Certificate Templates,CN=Public Key Services,CN=Services"
#define KEY_USAGE     "2.5.29.15"
#define EKU           "2.5.29.37"
#define TLS_FEATURE   "1.3.6.1.5.5.7.1.24"
#define COMMENT       "2.16.840.1.113730.1.13"
#define OWN_OID       "1.3.6.1.4.1.8000.1"
#define CLIENT_AUTH   "1.3.6.1.5.5.7.3.2"

/* Template User as it is, but that a manager decides (CT_FLAG_PEND_ALL_REQUESTS). */
static int64_t
pending(struct ask *a)
{
	struct enroll_result r;
	int64_t id;

	a->template_cn = "User";
	harness_change(USER_TEMPLATE, "msPKI-Enrollment-Flag", view_str("2"));
	ask_make(a);
	r = ask_submit(a, &user1);
	assert_int_equal(r.disposition, DISP_PENDING);
	id = r.request_id;
	enroll_result_free(&r);
	return id;
}

static bool
set_as(const struct principal *officer, int64_t id, const struct enroll_value *v, struct err *err)
{
	return enroll_set_value(harness.ca, officer, id, v, clock_now(), err);
}

static void
set(int64_t id, const struct enroll_value *v)
{
	enum audit_event event = v->is_extension ? AUDIT_EXTENSION_SET : AUDIT_ATTRIBUTES_SET;
	int audited = harness_audited(event, true);
	struct err err;

	harness_must(set_as(&officer1, id, v, &err), &err);
	assert_int_equal(harness_audited(event, true), audited + 1);
}

static void
assert_not_set(
    const struct principal *officer, int64_t id, const struct enroll_value *v, enum err_code code)
{
	enum audit_event event = v->is_extension ? AUDIT_EXTENSION_SET : AUDIT_ATTRIBUTES_SET;
	int audited = harness_audited(event, false);
	struct store_values before, after;
	struct err err;

	harness_must(store_list_values(harness.ca->store, id, &before, &err), &err);
	assert_false(set_as(officer, id, v, &err));
	if (err.code != code)
		fail_msg("%s: %s, expected %s", err_name(err.code), err.msg, err_name(code));
	harness_must(store_list_values(harness.ca->store, id, &after, &err), &err);
	assert_int_equal(after.count, before.count);
	assert_int_equal(harness_audited(event, false), audited + 1);
	store_values_free(&before);
	store_values_free(&after);
}

static struct enroll_value
attribute(const char *name, const char *value)
{
	return (struct enroll_value){.name = name, .value = view_str(value)};
}

/* Values of an extension in DER. */
static const uint8_t key_encipherment[] = {0x03, 0x02, 0x05, 0x20},
		     cert_sign[] = {0x03, 0x02, 0x02, 0x24},
		     must_staple[] = {0x30, 0x03, 0x02, 0x01, 0x05},
		     client_auth[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07,
			 0x03, 0x02},
		     agent[] = {0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37,
			 0x14, 0x02, 0x01};
#define EXTENSION(oid, der)      \
	(&(struct enroll_value){ \
	    .is_extension = true, .name = (oid), .value = view_of((der), sizeof(der))})

static bool
approve(int64_t id, struct pkix_cert *out, struct err *err)
{
	struct enroll_result r;

	if (!enroll_approve(harness.ca, &harness.vault, &officer1, id, clock_now(), &r, err))
		return false;
	harness_must(pkix_cert_decode(buf_view(&r.certificate), out, err), err);
	enroll_result_free(&r);
	return true;
}

static void
assert_not_approved(int64_t id, enum err_code code)
{
	struct store_request row;
	struct pkix_cert cert;
	struct err err;

	assert_false(approve(id, &cert, &err));
	if (err.code != code)
		fail_msg("%s: %s, expected %s", err_name(err.code), err.msg, err_name(code));
	assert_non_null(strstr(err.msg, "what NWTRADERS\\officer1 set ("));
	row = ask_row_of(id);
	assert_int_equal(row.disposition, DISP_PENDING);
	store_request_free(&row);
}

/* Stands between the CA and its vault, and does something before the first request goes on. */
struct between {
	int ca, vault;
	int64_t id;
	struct enroll_value value;
};

static void *
set_between(void *arg)
{
	const struct between *b = arg;
	struct pollfd ends[] = {{b->ca, POLLIN, 0}, {b->vault, POLLIN, 0}};
	uint8_t some[4096];
	bool done = false;
	ssize_t n = 1;

	while (n > 0 && poll(ends, 2, -1) > 0)
		for (size_t i = 0; i < 2 && n > 0; i++) {
			if (ends[i].revents == 0)
				continue;
			if (!done)
				set(b->id, &b->value);
			done = true;
			n = read(ends[i].fd, some, sizeof some);
			if (n > 0 && write(ends[1 - i].fd, some, (size_t)n) != n)
				n = -1;
		}
	return NULL;
}

/* What is in the certificate is what was set when the certificate became one. */
static void
what_is_set_during_an_approval_is_not_passed_over(void **state)
{
	struct ask a = {0};
	struct vault through = {0};
	struct between b = {
	    .vault = harness.vault.fd, .id = pending(&a), .value = attribute("Ticket", "4711")};
	struct store_request row;
	struct enroll_result r;
	pthread_t thread;
	struct err err;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	through.fd = ends[0];
	b.ca = ends[1];
	assert_int_equal(pthread_create(&thread, NULL, set_between, &b), 0);
	assert_false(enroll_approve(harness.ca, &through, &officer1, b.id, clock_now(), &r, &err));
	assert_int_equal(err.code, DIRCA_E_CHANGED);
	close(ends[0]);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(ends[1]);
	row = ask_row_of(b.id);
	assert_int_equal(row.disposition, DISP_PENDING);
	assert_int_equal(row.raw_certificate.len, 0);
	store_request_free(&row);
	enroll_result_free(&r);
	ask_free(&a);
}

static void
what_a_manager_sets_is_in_the_certificate(void **state)
{
	struct ask a = {0};
	int64_t id = pending(&a), end = clock_now() + 30 * 86400;
	struct texts usages, policies;
	struct enroll_value drop = {.is_extension = true, .name = OWN_OID};
	const struct pkix_extension *x;
	struct pkix_cert cert;
	char until[21];
	struct err err;

	(void)state;
	clock_format(end, until);
	set(id, &(struct enroll_value){.name = "expirationdate", .value = view_str(until)});
	set(id, &(struct enroll_value){.name = "Ticket", .value = view_str("4711")});
	set(id, EXTENSION(KEY_USAGE, key_encipherment));
	set(id, EXTENSION(EKU, client_auth));
	set(id, EXTENSION(TLS_FEATURE, must_staple));
	set(id, EXTENSION(OWN_OID, must_staple));
	set(id, &drop);
	assert_not_set(&officer1, id, &drop, CRYPT_E_NOT_FOUND);
	harness_must(approve(id, &cert, &err), &err);
	assert_int_equal(cert.not_after, end);
	assert_int_equal(pkix_cert_key_usage(&cert), PKIX_KU_KEY_ENCIPHERMENT);
	x = pkix_cert_extension(&cert, NID_tlsfeature);
	assert_non_null(x);
	assert_true(view_eq(x->value, view_of(must_staple, sizeof must_staple)));
	/* Both lists of usages: some read one, some the other. */
	x = pkix_cert_extension(&cert, NID_ext_key_usage);
	harness_must(pkix_usages_decode(x->value, &usages, &err), &err);
	assert_int_equal(usages.count, 1);
	assert_string_equal(usages.list[0], CLIENT_AUTH);
	x = pkix_cert_extension(&cert, oid_nid(OID_APPLICATION_CERT_POLICIES));
	if (x != NULL) {
		harness_must(pkix_policies_decode(x->value, &policies, &err), &err);
		assert_int_equal(policies.count, 1);
		assert_string_equal(policies.list[0], CLIENT_AUTH);
		texts_free(&policies);
	}
	for (size_t i = 0; i < cert.extension_count; i++)
		assert_string_not_equal(cert.extensions[i].oid, OWN_OID);
	assert_not_set(&officer1, id, EXTENSION(EKU, client_auth), CERTSRV_E_BAD_REQUESTSTATUS);
	texts_free(&usages);
	pkix_cert_free(&cert);
	ask_free(&a);
}

/* Beside the template there is nothing to set; the request waits on, and goes without it. */
static void
what_the_template_does_not_give_is_not_certified(void **state)
{
	struct ask a = {0};
	int64_t id = pending(&a), end = clock_now() + INT64_C(40) * 365 * 86400;
	struct enroll_value drop = {.is_extension = true, .name = KEY_USAGE};
	struct pkix_cert cert;
	char until[21];
	struct err err;

	(void)state;
	set(id, EXTENSION(KEY_USAGE, cert_sign));
	assert_not_approved(id, CERTSRV_E_TEMPLATE_CONFLICT);
	set(id, &drop);
	set(id, EXTENSION(EKU, agent));
	assert_not_approved(id, CERTSRV_E_TEMPLATE_CONFLICT);
	drop.name = EKU;
	set(id, &drop);
	/* No certificate lives longer for it. */
	clock_format(end, until);
	set(id, &(struct enroll_value){.name = "ExpirationDate", .value = view_str(until)});
	harness_must(approve(id, &cert, &err), &err);
	assert_true(cert.not_after < end - INT64_C(30) * 365 * 86400);
	pkix_cert_free(&cert);
	ask_free(&a);
}

/* Root has taken the extension from dircad.conf between the two. */
static void
what_root_allows_no_more_is_not_certified(void **state)
{
	struct ask a = {0};
	int64_t id = pending(&a);
	size_t allowed = harness.config->officer_extension_count;
	struct pkix_cert cert;
	struct err err;

	(void)state;
	set(id, EXTENSION(OWN_OID, must_staple));
	harness.config->officer_extension_count = 0;
	assert_not_approved(id, E_ACCESSDENIED);
	harness.config->officer_extension_count = allowed;
	harness_must(approve(id, &cert, &err), &err);
	pkix_cert_free(&cert);
	ask_free(&a);
}

static void
whom_it_is_for_is_nothing_to_set(void **state)
{
	static const char *const oids[] = {"2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.35",
	    "2.5.29.31", "1.3.6.1.4.1.311.25.2", "1.3.6.1.4.1.311.21.7", "1.3.6.1.4.1.311.20.2",
	    "1.3.6.1.4.1.311.21.10", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.1.5", "2.5.029.17",
	    "1.2.3", "not.an.oid", ""};
	static const char *const names[] = {
	    "CertificateTemplate", "requestername", "SAN", "san", "ValidityPeriod"};
	struct enroll_value hidden = attribute("Ticket", "4711\xe2\x80\xae"),
			    past = attribute("ExpirationDate", "2020-01-01T00:00:00Z"),
			    never = attribute("ExpirationDate", "never"),
			    colon = attribute("a:b", "x"), ticket = attribute("Ticket", "1");
	struct ask a = {0};
	int64_t id = pending(&a);
	struct principal own = officer1;

	(void)state;
	for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++)
		assert_not_set(&officer1, id, EXTENSION(oids[i], must_staple), E_ACCESSDENIED);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct enroll_value v = attribute(names[i], "x");

		assert_not_set(&officer1, id, &v, E_ACCESSDENIED);
	}
	assert_not_set(&officer1, id, EXTENSION(EKU, must_staple), ERROR_INVALID_DATA);
	assert_not_set(&officer1, id, EXTENSION(COMMENT, must_staple), ERROR_INVALID_DATA);
	assert_not_set(&officer1, id, EXTENSION(TLS_FEATURE, client_auth), ERROR_INVALID_DATA);
	assert_not_set(&officer1, id,
	    &(struct enroll_value){
		.is_extension = true, .name = OWN_OID, .value = view_str("0 no DER")},
	    ERROR_INVALID_DATA);
	assert_not_set(&officer1, id, &hidden, E_INVALIDARG);
	assert_not_set(&officer1, id, &past, E_INVALIDARG);
	assert_not_set(&officer1, id, &never, E_INVALIDARG);
	assert_not_set(&officer1, id, &colon, E_INVALIDARG);
	/* Nor is it everybody's. */
	assert_not_set(&user1, id, &ticket, E_ACCESSDENIED);
	own.sid = user1.sid;
	assert_not_set(&own, id, &ticket, DIRCA_E_OWN_REQUEST);
	harness_restrict((struct harness_rule[]){{false, "1112", "1205", NULL}}, 1);
	assert_not_set(&officer1, id, &ticket, CERTSRV_E_RESTRICTEDOFFICER);
	harness_unrestrict();
	for (int i = 0; i < 32; i++) {
		char name[16];

		snprintf(name, sizeof name, "Word%d", i);
		set(id, &(struct enroll_value){.name = name, .value = view_str("x")});
	}
	assert_not_set(&officer1, id, &ticket, DIRCA_E_TOO_LARGE);
	ask_free(&a);
	harness_change(USER_TEMPLATE, "msPKI-Enrollment-Flag", view_str("0"));
}

/* Enrolled with an archived key; what is said of it names the other request, 0: nothing is. */
static int64_t
archived(const char *template_cn, EVP_PKEY *key, int64_t other)
{
	struct ask a = {.template_cn = template_cn, .archive = true, .key = key};
	int told = harness_events(EVENT_SECOND_KEY);
	struct cmc_response response;
	struct store_request row;
	struct enroll_result r;
	char expected[64];
	struct err err;
	int64_t id;

	ask_make(&a);
	r = ask_submit(&a, &user2);
	if (r.disposition != DISP_ISSUED)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	id = r.request_id;
	row = ask_row_of(id);
	harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
	assert_string_equal(response.text, row.disposition_message);
	if (other == 0) {
		assert_string_equal(row.disposition_message, "Issued");
	} else {
		snprintf(
		    expected, sizeof expected, "same purpose: request %lld,", (long long)other);
		assert_non_null(strstr(row.disposition_message, expected));
	}
	assert_int_equal(harness_events(EVENT_SECOND_KEY), told + (other != 0));
	cmc_response_free(&response);
	store_request_free(&row);
	enroll_result_free(&r);
	ask_free(&a);
	return id;
}

static void
second_valid_key_for_a_purpose_is_told(void **state)
{
	int64_t first, second, ignored;
	EVP_PKEY *key = test_key("rsa2048"), *again = EVP_PKEY_dup(key);
	struct revocation r = {.reason = 4};
	struct err err;

	(void)state;
	first = archived("EFSArchive", key, 0);
	second = archived("EFSArchive", NULL, first);
	r.request_id = first;
	harness_must(enroll_revoke(harness.ca, &officer1, &r, clock_now(), &ignored, &err), &err);
	r.request_id = second;
	harness_must(enroll_revoke(harness.ca, &officer1, &r, clock_now(), &ignored, &err), &err);
	/* Nor is one key two. */
	first = archived("EFSArchive", again, 0);
	/* Another template for the same, and whoever had the name is another. */
	archived("UserArchive", NULL, first);
	user2.sid.subs[user2.sid.count - 1]++;
	archived("EFSArchive", NULL, 0);
	user2.sid.subs[user2.sid.count - 1]--;
}

static int
group_setup(void **state)
{
	(void)state;
	if (harness_open("officer_extension = " OWN_OID "\n") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user2", &user2);
	harness_person("officer1", &officer1);
	harness_person("officer2", &officer2);
	harness_person("kra1", &kra1);
	return 0;
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
	    cmocka_unit_test(what_a_manager_sets_is_in_the_certificate),
	    cmocka_unit_test(what_is_set_during_an_approval_is_not_passed_over),
	    cmocka_unit_test(what_the_template_does_not_give_is_not_certified),
	    cmocka_unit_test(second_valid_key_for_a_purpose_is_told),
	    cmocka_unit_test(what_root_allows_no_more_is_not_certified),
	    cmocka_unit_test(whom_it_is_for_is_nothing_to_set),
	};

	return cmocka_run_group_tests(tests, group_setup, harness_teardown);
}
