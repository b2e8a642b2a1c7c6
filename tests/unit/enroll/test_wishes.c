/*
 * A CA without directory: what a request asks for is what an officer decides about, and nothing
 * that would need a template or a directory gets through. The people are accounts that every system
 * has: games asks, daemon is certificate manager, root administrator.
 */
#include "ca_harness.h"
#include "ca_holder.h"
#include "cmc.h"
#include "enroll.h"
#include "extension.h"
#include "own_openssl.h"

#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"

static struct principal games, officer, admin;

/* A request of one extension each. */
struct wished {
	const char *subject;
	const char *eku, *dns;
	uint16_t usage;
	bool is_ca;
	EVP_PKEY *key; /* NULL: a new one */
};

static void
make(const struct wished *w, struct view renews, struct buf *out)
{
	EVP_PKEY *key = w->key != NULL ? w->key : EVP_EC_gen("P-256");
	ext_list *list = sk_X509_EXTENSION_new_null();
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	char eku[128], *usages[] = {eku};
	struct buf name = {0};
	struct err err;

	if (w->subject != NULL)
		harness_must(pkix_name_from_dn(w->subject, NULL, &name, &err), &err);
	if (w->eku != NULL) {
		strcpy(eku, w->eku);
		harness_must(ext_push_eku(list, usages, 1, false, &err), &err);
	}
	if (w->usage != 0)
		harness_must(ext_push_key_usage(list, w->usage, true, &err), &err);
	if (w->is_ca)
		harness_must(ext_push_basic_constraints(list, true, -1, true, &err), &err);
	if (w->dns != NULL) {
		struct buf san = {0};
		uint8_t *der = NULL;
		int len;

		harness_must(ext_add_name(names, GEN_DNS, w->dns, &err), &err);
		len = i2d_GENERAL_NAMES(names, &der);
		harness_must(buf_take_openssl(der, len, &san, &err), &err);
		harness_must(pkix_ext_push(list, "2.5.29.17", false, buf_view(&san), &err), &err);
		buf_free(&san);
	}
	harness_must(
	    pkix_request_make_renewal(key, buf_view(&name), list, renews, out, &err), &err);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	GENERAL_NAMES_free(names);
	buf_free(&name);
	if (w->key == NULL)
		EVP_PKEY_free(key);
}

static struct enroll_result
submit(const struct principal *p, enum enroll_format format, struct view body, const char *label)
{
	const struct enroll_input in = {.format = format,
	    .body = body,
	    .template_label = label,
	    .caller = p,
	    .caller_name = p->downlevel,
	    .now = clock_now()};
	struct enroll_result r;
	struct err err;

	harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
	return r;
}

static struct enroll_result
ask(const struct principal *p, const struct wished *w)
{
	struct buf pkcs10;
	struct enroll_result r;

	make(w, (struct view){0}, &pkcs10);
	r = submit(p, ENROLL_PKCS10, buf_view(&pkcs10), NULL);
	buf_free(&pkcs10);
	return r;
}

static int64_t
pending(const struct principal *p, const struct wished *w)
{
	struct enroll_result r = ask(p, w);
	int64_t id = r.request_id;

	if (r.disposition != DISP_PENDING)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	enroll_result_free(&r);
	return id;
}

static void
assert_refused(const struct principal *p, const struct wished *w, enum err_code code)
{
	struct enroll_result r = ask(p, w);

	if (r.reason.code != code)
		fail_msg(
		    "%s: %s, expected %s", err_name(r.reason.code), r.reason.msg, err_name(code));
	assert_int_equal(r.disposition, DISP_DENIED);
	enroll_result_free(&r);
}

static void
assert_not_approved(const struct principal *p, int64_t id, enum err_code code)
{
	struct enroll_result r;
	struct err err;

	assert_false(enroll_approve(harness.ca, &harness.vault, p, id, clock_now(), &r, &err));
	if (err.code != code)
		fail_msg("%s: %s, expected %s", err_name(err.code), err.msg, err_name(code));
	enroll_result_free(&r);
}

static void
approve(int64_t id, struct pkix_cert *out)
{
	struct enroll_result r;
	struct err err;

	harness_must(
	    enroll_approve(harness.ca, &harness.vault, &officer, id, clock_now(), &r, &err), &err);
	assert_int_equal(r.disposition, DISP_ISSUED);
	harness_must(pkix_cert_decode(buf_view(&r.certificate), out, &err), &err);
	enroll_result_free(&r);
}

/* ---- */

static void
a_certificate_manager_decides_about_what_was_asked(void **state)
{
	const struct wished w = {.subject = "CN=www", .dns = "www.example.org"};
	int64_t id = pending(&games, &w);
	struct store_request row;
	struct pkix_cert cert;
	struct err err;

	(void)state;
	assert_not_approved(&games, id, E_ACCESSDENIED);
	assert_not_approved(&admin, id, E_ACCESSDENIED);
	approve(id, &cert);
	assert_true(pkix_cert_has_eku(&cert, CLIENT_AUTH));
	assert_int_equal(
	    pkix_cert_key_usage(&cert), PKIX_KU_DIGITAL_SIGNATURE | PKIX_KU_KEY_AGREEMENT);
	assert_non_null(pkix_cert_extension(&cert, NID_subject_alt_name));
	/* No directory, and no http_url: it does not say where a CRL is. */
	assert_null(pkix_cert_extension(&cert, NID_crl_distribution_points));
	assert_null(pkix_cert_extension(&cert, NID_info_access));
	assert_null(pkix_cert_extension(&cert, NID_basic_constraints));
	assert_null(pkix_cert_sid(&cert));
	assert_int_equal(store_get_request(harness.ca->store, id, &row, &err), STORE_FOUND);
	assert_null(row.template_name);
	assert_string_equal(row.requester_name, "ca1\\games");
	store_request_free(&row);
	pkix_cert_free(&cert);
}

/* It is no denial: no policy could let it pass, and nothing is signed over it. */
static void
an_alternative_name_alone_is_a_name(void **state)
{
	const struct wished w = {.dns = "x.example.org"};
	const struct pkix_extension *san;
	struct pkix_cert cert;

	(void)state;
	approve(pending(&games, &w), &cert);
	assert_int_equal(cert.subject.len, 2);
	san = pkix_cert_extension(&cert, NID_subject_alt_name);
	assert_non_null(san);
	assert_true(san->critical); /* RFC 5280 4.2.1.6 */
	pkix_cert_free(&cert);
}

static void
names_beyond_their_bounds_are_errors(void **state)
{
	static const char *const bad[] = {"a..b", "", "a b", "*", "10.0.0.1"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const struct wished w = {.subject = "CN=x", .dns = bad[i]};
		OWNED(buf_free) struct buf body = {0};
		struct store_request row;
		struct enroll_result r;
		struct err err;

		make(&w, (struct view){0}, &body);
		r = submit(&games, ENROLL_PKCS10, buf_view(&body), NULL);
		assert_int_equal(r.disposition, DISP_ERROR);
		assert_int_equal(r.reason.code, CERTSRV_E_BAD_REQUESTSUBJECT);
		assert_int_equal(r.certificate.len, 0);
		assert_int_equal(
		    store_get_request(harness.ca->store, r.request_id, &row, &err), STORE_FOUND);
		assert_int_equal(row.disposition, DISP_ERROR);
		assert_int_equal(row.raw_certificate.len, 0);
		store_request_free(&row);
		enroll_result_free(&r);
	}
}

static void
nobody_decides_about_himself(void **state)
{
	const struct wished w = {.subject = "CN=daemon's"}, named = {.subject = "CN=daemon"};

	(void)state;
	assert_not_approved(&officer, pending(&officer, &w), DIRCA_E_OWN_REQUEST);
	assert_not_approved(&officer, pending(&games, &named), DIRCA_E_OWN_REQUEST);
}

static void
what_root_does_not_allow_is_not_even_kept(void **state)
{
	static const struct wished rows[] = {
	    {.subject = "CN=x", .eku = "1.3.6.1.4.1.311.21.6"},
	    {.subject = "CN=x", .eku = "1.3.6.1.4.1.311.20.2.1"},
	    {.subject = "CN=x", .eku = "1.3.6.1.5.5.7.3.9"},
	    {.subject = "CN=x", .eku = "2.5.29.37.0"},
	    {.subject = "CN=x", .eku = "1.3.6.1.4.1.311.21.5"},
	    {.subject = "CN=x", .eku = KP_KEY_IMPORT},
	    {.subject = "CN=x", .is_ca = true},
	    {.subject = "CN=x", .is_ca = true, .eku = CLIENT_AUTH},
	};
	const struct wished signs = {.subject = "CN=x", .usage = PKIX_KU_CERT_SIGN},
			    nameless = {.usage = PKIX_KU_DIGITAL_SIGNATURE},
			    host = {.subject = "CN=x", .dns = "ca1.nwtraders.com"};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_refused(&games, &rows[i], DIRCA_E_KIND_NOT_ALLOWED);
	assert_refused(&games, &signs, ERROR_INVALID_DATA);
	assert_refused(&games, &nameless, CERTSRV_E_BAD_REQUESTSUBJECT);
	assert_refused(&games, &host, DIRCA_E_SERVICE_NAME);
}

/* A template, archival, another's name, a renewal. */
static void
what_needs_a_directory_is_refused_by_name(void **state)
{
	const struct wished w = {.subject = "CN=x", .key = test_key("rsa2048")};
	struct ca_view *view = ca_view_get(harness.ca);
	struct buf pkcs10, renewal, payload;
	int64_t archival = 0;
	struct err err;
	const struct {
		const char *template_cn, *requester_name;
		bool archives, renews;
		enum err_code code;
	} rows[] = {
	    {"User", NULL, false, false, CERTSRV_E_UNSUPPORTED_CERT_TYPE},
	    {NULL, NULL, true, false, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED},
	    {NULL, "root", false, false, CERTSRV_E_BAD_REQUESTSUBJECT},
	    {NULL, NULL, false, true, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE},
	};

	(void)state;
	harness_set("CA\\KeepRefusedRequests", "1");
	assert_int_equal(view->xchg_count, 1); /* the settings of it apply to this CA too */
	harness_seal(w.key, &view->xchgs[0].cert, &payload);
	make(&w, (struct view){0}, &pkcs10);
	make(&w, buf_view(&harness.ca_cert.der), &renewal);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct cmc_make in = {.pkcs10 = buf_view(rows[i].renews ? &renewal : &pkcs10),
		    .key = w.key,
		    .template_cn = rows[i].template_cn,
		    .requester_name = rows[i].requester_name,
		    .archived_key = rows[i].archives ? buf_view(&payload) : (struct view){0}};
		struct enroll_result r;
		struct buf message;

		harness_must(cmc_request_make(&in, &message, &err), &err);
		r = submit(&games, ENROLL_CMC, buf_view(&message), NULL);
		if (r.reason.code != rows[i].code)
			fail_msg("%zu: %s: %s", i, err_name(r.reason.code), r.reason.msg);
		if (rows[i].archives)
			archival = r.request_id;
		enroll_result_free(&r);
		buf_free(&message);
	}
	struct enroll_result r = submit(&games, ENROLL_PKCS10, buf_view(&pkcs10), "User");
	assert_int_equal(r.reason.code, CERTSRV_E_UNSUPPORTED_CERT_TYPE);
	enroll_result_free(&r);
	/* Nor when it is decided anew, by what was kept of it. */
	assert_false(
	    enroll_resubmit(harness.ca, &harness.vault, &officer, archival, clock_now(), &r, &err));
	assert_int_equal(err.code, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	enroll_result_free(&r);
	buf_free(&payload);
	buf_free(&pkcs10);
	buf_free(&renewal);
	ca_view_release(&view);
	EVP_PKEY_free(w.key);
}

/* EST serverkeygen archives the key that it makes. */
static void
no_key_is_made_here(void **state)
{
	const struct wished w = {.subject = "CN=x"};
	struct enroll_result r;
	struct buf pkcs10;
	struct err err;

	(void)state;
	make(&w, (struct view){0}, &pkcs10);
	const struct enroll_input in = {.format = ENROLL_PKCS10,
	    .generates = true,
	    .body = buf_view(&pkcs10),
	    .caller = &games,
	    .caller_name = games.downlevel,
	    .now = clock_now()};
	harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
	assert_int_equal(r.reason.code, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	enroll_result_free(&r);
	buf_free(&pkcs10);
}

/* A refused request is read anew, by the same bounds; a denied one waits for nothing more. */
static void
what_was_refused_is_decided_anew(void **state)
{
	const struct wished bad = {.subject = "CN=x", .eku = "1.3.6.1.4.1.311.20.2.1"},
			    good = {.subject = "CN=denied once"};
	int64_t denied = pending(&games, &good), id;
	struct enroll_result r;
	struct err err;

	(void)state;
	harness_set("CA\\KeepRefusedRequests", "1");
	r = ask(&games, &bad);
	assert_int_equal(r.disposition, DISP_DENIED);
	id = r.request_id;
	enroll_result_free(&r);
	assert_false(
	    enroll_resubmit(harness.ca, &harness.vault, &officer, id, clock_now(), &r, &err));
	assert_int_equal(err.code, DIRCA_E_KIND_NOT_ALLOWED);
	enroll_result_free(&r);
	harness_must(enroll_deny(harness.ca, &officer, denied, "a test", clock_now(), &err), &err);
	harness_must(
	    enroll_resubmit(harness.ca, &harness.vault, &officer, denied, clock_now(), &r, &err),
	    &err);
	assert_int_equal(r.disposition, DISP_ISSUED);
	enroll_result_free(&r);
}

static void
get_holder(const struct pkix_cert *cert, struct principal *out)
{
	char text[SID_TEXT_MAX];
	struct identity id = {IDENTITY_SID, text};
	struct sid sid;
	struct err err;

	harness_must(ca_holder_sid(cert->serial, &sid, &err), &err);
	assert_true(ca_holder_is(&sid));
	sid_to_text(&sid, text);
	harness_must(ca_principal(harness.ca, &id, out, &err), &err);
}

static void
holder_of_a_certificate_renews_it_and_is_nobody_else(void **state)
{
	const struct wished w = {.subject = "CN=srv", .dns = "srv.example.org"},
			    other = {.subject = "CN=srv", .dns = "www.example.org"},
			    more = {.subject = "CN=root", .dns = "srv.example.org"},
			    none = {.subject = "CN=srv"};
	struct principal holder = {0};
	struct pkix_cert cert, renewed;
	struct err err;
	int64_t first = pending(&games, &w), waits, revoked;

	(void)state;
	approve(first, &cert);
	get_holder(&cert, &holder);
	assert_false(sid_eq(&holder.sid, &games.sid));
	assert_false(sids_contain(&holder.sids, &games.sid));
	approve(pending(&holder, &w), &renewed);
	assert_refused(&holder, &other, CERTSRV_E_BAD_REQUESTSUBJECT);
	assert_refused(&holder, &more, CERTSRV_E_BAD_REQUESTSUBJECT);
	assert_refused(&holder, &none, CERTSRV_E_BAD_REQUESTSUBJECT);
	/* What was asked before the certificate was revoked is not issued afterwards. */
	waits = pending(&holder, &w);
	harness_must(enroll_revoke(harness.ca, &officer, &(struct revocation){.request_id = first},
			 clock_now(), &revoked, &err),
	    &err);
	assert_not_approved(&officer, waits, ERROR_ACCOUNT_DISABLED);
	pkix_cert_free(&cert);
	pkix_cert_free(&renewed);
	principal_free(&holder);
}

/* Every length of a serial number is one SID and back. */
static void
serial_numbers_and_sids_are_one_to_one(void **state)
{
	uint8_t serial[21];
	struct sid seen[20], sid;
	struct err err;

	(void)state;
	memset(serial, 0x5a, sizeof serial);
	for (size_t len = 1; len <= 20; len++) {
		harness_must(ca_holder_sid(view_of(serial, len), &seen[len - 1], &err), &err);
		assert_true(ca_holder_is(&seen[len - 1]));
		for (size_t k = 0; k + 1 < len; k++)
			assert_false(sid_eq(&seen[k], &seen[len - 1]));
	}
	assert_false(ca_holder_sid(view_of(serial, 21), &sid, &err));
	serial[0] = 0; /* the sign octet of an INTEGER */
	harness_must(ca_holder_sid(view_of(serial, 17), &sid, &err), &err);
	assert_true(sid_eq(&sid, &seen[15]));
	assert_false(ca_holder_is(&games.sid));
}

static bool
never(struct dir_conn *c, void *arg, struct err *err)
{
	(void)c, (void)arg, (void)err;
	fail();
	return true;
}

static void
there_is_no_directory(void **state)
{
	static const struct identity strangers[] = {{IDENTITY_NAME, "user1@nwtraders.com"},
	    {IDENTITY_NAME, "NWTRADERS\\root"}, {IDENTITY_KERBEROS, "root"},
	    {IDENTITY_DN, "UID=root"}, {IDENTITY_SID, "S-1-22-1-4294967294"},
	    {IDENTITY_SID, "S-1-22-3-0-1-2-3-4"}, {IDENTITY_SID, "S-1-5-32-544"}};
	struct principal p;
	struct err err;

	(void)state;
	assert_false(ca_directory_do(harness.ca, never, NULL, &err));
	assert_int_equal(err.code, DIRCA_E_STANDALONE);
	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
		assert_false(ca_principal(harness.ca, &strangers[i], &p, &err));
		assert_int_equal(err.code, DIRCA_E_AUTHENTICATION);
	}
}

static int
setup(void **state)
{
	(void)state;
	harness_open_standalone("certificate_managers = daemon\n");
	harness_person("games", &games);
	harness_person("daemon", &officer);
	harness_person("root", &admin);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_certificate_manager_decides_about_what_was_asked),
	    cmocka_unit_test(an_alternative_name_alone_is_a_name),
	    cmocka_unit_test(names_beyond_their_bounds_are_errors),
	    cmocka_unit_test(nobody_decides_about_himself),
	    cmocka_unit_test(what_root_does_not_allow_is_not_even_kept),
	    cmocka_unit_test(what_needs_a_directory_is_refused_by_name),
	    cmocka_unit_test(no_key_is_made_here),
	    cmocka_unit_test(what_was_refused_is_decided_anew),
	    cmocka_unit_test(holder_of_a_certificate_renews_it_and_is_nobody_else),
	    cmocka_unit_test(serial_numbers_and_sids_are_one_to_one),
	    cmocka_unit_test(there_is_no_directory),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
