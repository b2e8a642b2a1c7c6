/* Renewals, and the policies that certificates are issued under. */
#include "certificate.h"
#include "enroll_ask.h"
#include "extension.h"
#include "file.h"

#define TEMPLATE_DN "CN=EFSArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services"
#define ARCHIVE_DN  "CN=UserArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services"
#define POLICY      "1.3.6.1.4.1.99999.1.2"
#define OTHER       "1.3.6.1.4.1.99999.1.3"

static struct principal user1, user2, officer1;

/* A certificate with its key and row. */
struct held {
	struct test_cert cert;
	int64_t id;
};

static struct held
enroll(const char *template_cn, bool archive, const struct principal *who)
{
	struct ask a = {.template_cn = template_cn, .archive = archive, .key = test_key("rsa2048")};
	struct held h = {.cert.key = a.key};
	struct store_request row;
	struct err err;

	assert_int_equal(EVP_PKEY_up_ref(a.key), 1);
	h.id = ask_issued(&a, who);
	row = ask_row_of(h.id);
	harness_must(buf_dup(buf_view(&row.raw_certificate), &h.cert.der, &err), &err);
	harness_must(pkix_cert_decode(buf_view(&h.cert.der), &h.cert.cert, &err), &err);
	store_request_free(&row);
	return h;
}

static EVP_PKEY *
key_of(const struct held *h)
{
	assert_int_equal(EVP_PKEY_up_ref(h->cert.key), 1);
	return h->cert.key;
}

static void
a_renewal_signed_with_the_old_key_is_issued(void **state)
{
	struct held old = enroll("EFSArchive", false, &user1);
	struct store_request row;

	(void)state;
	row = ask_row_of(ask_issued(
	    &(struct ask){.renews = buf_view(&old.cert.der), .signers = {&old.cert}}, &user1));
	assert_int_equal(row.request_flags & CR_FLG_RENEWAL, CR_FLG_RENEWAL);
	assert_string_equal(row.requester_name, user1.downlevel);
	store_request_free(&row);
	row = ask_row_of(ask_issued(
	    &(struct ask){
		.renews = buf_view(&old.cert.der), .signers = {&old.cert}, .wrapped = true},
	    &user1));
	assert_int_equal(row.request_flags & CR_FLG_RENEWAL, CR_FLG_RENEWAL);
	assert_int_equal(row.request_type, CR_IN_PKCS7);
	store_request_free(&row);
	/* With the same key the request signs for itself. */
	ask_issued(&(struct ask){.renews = buf_view(&old.cert.der), .key = key_of(&old)}, &user1);
	test_cert_free(&old.cert);
}

static void
a_renewal_without_the_old_key_is_refused(void **state)
{
	struct held old = enroll("EFSArchive", false, &user1),
		    other = enroll("User", false, &user1),
		    encrypts = enroll("EFSArchive", false, &user1);

	(void)state;
	ask_refused(&(struct ask){.renews = buf_view(&old.cert.der)}, &user1,
	    CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE);
	ask_refused(&(struct ask){.renews = buf_view(&old.cert.der), .signers = {&other.cert}},
	    &user1, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE);
	/* A key that only encrypts may sign for its own renewal and for nothing else. */
	ask_refused(&(struct ask){.renews = buf_view(&old.cert.der), .signers = {&encrypts.cert}},
	    &user1, CERT_E_WRONG_USAGE);
	test_cert_free(&old.cert);
	test_cert_free(&other.cert);
	test_cert_free(&encrypts.cert);
}

static void
a_certificate_of_another_user_is_not_renewed(void **state)
{
	struct held old = enroll("EFSArchive", false, &user2);

	(void)state;
	ask_refused(&(struct ask){.renews = buf_view(&old.cert.der), .signers = {&old.cert}},
	    &user1, CERTSRV_E_BAD_RENEWAL_SUBJECT);
	test_cert_free(&old.cert);
}

/* A row without SID was not made by the account that has the name and a SID now. */
static void
a_name_without_sid_is_no_owner(void **state)
{
	struct held old = enroll("EFSArchive", false, &user1);
	struct enroll_result fetched;
	struct err err;
	char sql[512];

	(void)state;
	snprintf(sql, sizeof sql,
	    "sqlite3 -cmd '.timeout 5000' '%s/state/dirca.db' \"UPDATE Request SET RequesterSID = "
	    "NULL WHERE RequestID = %lld\"",
	    harness.dir, (long long)old.id);
	assert_int_equal(system(sql), 0);
	ask_refused(&(struct ask){.renews = buf_view(&old.cert.der), .signers = {&old.cert}},
	    &user1, CERTSRV_E_BAD_RENEWAL_SUBJECT);
	assert_false(enroll_retrieve(harness.ca, &harness.vault, &user1, old.id, &fetched, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	test_cert_free(&old.cert);
}

static void
a_certificate_that_this_ca_did_not_issue_is_not_renewed(void **state)
{
	struct test_cert own = test_issue(&(struct test_issue){.dn = "CN=user1",
	    .key = test_key("P-256"),
	    .issuer = &harness.ca_cert,
	    .serial = 99,
	    .not_before = clock_now() - 60,
	    .not_after = clock_now() + 3600});

	(void)state;
	ask_refused(&(struct ask){.renews = buf_view(&own.der), .signers = {&own}}, &user1,
	    CERT_E_ISSUERCHAINING);
	ask_refused(&(struct ask){.renews = buf_view(&own.der)}, &user1,
	    CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE);
	ask_refused(&(struct ask){.renews = view_of("\x30\x00", 2)}, &user1,
	    CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE);
	test_cert_free(&own);
}

static bool
revoke_row(struct store_tx *tx, void *arg, struct err *err)
{
	const struct held *h = arg;
	int64_t now = clock_now();

	return store_revoke(tx, h->id, 1, now, now, err);
}

static void
a_revoked_certificate_is_not_renewed(void **state)
{
	struct held old = enroll("EFSArchive", false, &user1);
	struct err err;

	(void)state;
	harness_must(store_do(harness.ca->store, revoke_row, &old, &err), &err);
	ask_refused(&(struct ask){.renews = buf_view(&old.cert.der), .signers = {&old.cert}},
	    &user1, CRYPT_E_REVOKED);
	ask_refused(&(struct ask){.renews = buf_view(&old.cert.der), .key = key_of(&old)}, &user1,
	    CRYPT_E_REVOKED);
	test_cert_free(&old.cert);
}

struct insert {
	const struct test_cert *cert;
};

static bool
insert_row(struct store_tx *tx, void *arg, struct err *err)
{
	const struct insert *in = arg;
	struct store_request row = {.disposition = DISP_ISSUED, .revoked_reason = -1};
	int64_t id;
	bool ok;

	harness_must(
	    certificate_columns(harness.ca->issuer, buf_view(&in->cert->der), &row, err), err);
	row.requester_name = strdup(user1.downlevel);
	ok = store_add_request(tx, &row, &id, err);
	store_request_free(&row);
	return ok;
}

static void
an_expired_certificate_is_not_renewed(void **state)
{
	struct test_cert old = test_issue(&(struct test_issue){.dn = "CN=user1",
	    .key = test_key("P-256"),
	    .issuer = &harness.ca_cert,
	    .serial = 98,
	    .not_before = clock_now() - 7200,
	    .not_after = clock_now() - 3600});
	struct insert in = {&old};
	struct err err;

	(void)state;
	harness_must(store_do(harness.ca->store, insert_row, &in, &err), &err);
	ask_refused(
	    &(struct ask){.renews = buf_view(&old.der), .signers = {&old}}, &user1, CERT_E_EXPIRED);
	assert_int_equal(EVP_PKEY_up_ref(old.key), 1);
	ask_refused(
	    &(struct ask){.renews = buf_view(&old.der), .key = old.key}, &user1, CERT_E_EXPIRED);
	test_cert_free(&old);
}

/* user1 of today has a SID, so that he is not known to be the user1 without one who got it. */
static void
the_name_alone_is_no_proof_for_an_account_with_a_sid(void **state)
{
	struct test_cert old = test_issue(&(struct test_issue){.dn = "CN=user1",
	    .key = test_key("P-256"),
	    .issuer = &harness.ca_cert,
	    .serial = 97,
	    .not_before = clock_now() - 60,
	    .not_after = clock_now() + 3600});
	struct insert in = {&old};
	struct err err;

	(void)state;
	harness_must(store_do(harness.ca->store, insert_row, &in, &err), &err);
	ask_refused(&(struct ask){.renews = buf_view(&old.der), .signers = {&old}}, &user1,
	    CERTSRV_E_BAD_RENEWAL_SUBJECT);
	test_cert_free(&old);
}

static void
a_renewal_is_for_the_same_template(void **state)
{
	struct held old = enroll("EFSArchive", false, &user1);

	(void)state;
	ask_refused(
	    &(struct ask){
		.template_cn = "User", .renews = buf_view(&old.cert.der), .signers = {&old.cert}},
	    &user1, CERTSRV_E_TEMPLATE_CONFLICT);
	test_cert_free(&old.cert);
}

/* Archival: the key comes again, or, where the template wants it kept, the sealed one stays. */
static void
a_renewal_of_an_archival_template_has_its_key_archived(void **state)
{
	struct held old = enroll("UserArchive", true, &user1);
	struct store_request before = ask_row_of(old.id), row;
	EVP_PKEY *recovered;

	(void)state;
	ask_refused(&(struct ask){.template_cn = "UserArchive",
			.renews = buf_view(&old.cert.der),
			.key = key_of(&old)},
	    &user1, CERTSRV_E_ARCHIVED_KEY_REQUIRED);
	row = ask_row_of(ask_issued(&(struct ask){.template_cn = "UserArchive",
					.archive = true,
					.renews = buf_view(&old.cert.der),
					.key = key_of(&old)},
	    &user1));
	assert_false(view_eq(buf_view(&row.raw_archived_key), buf_view(&before.raw_archived_key)));
	recovered = harness_unseal(buf_view(&row.raw_archived_key));
	assert_int_equal(EVP_PKEY_eq(recovered, old.cert.key), 1);
	EVP_PKEY_free(recovered);
	store_request_free(&row);
	harness_change(ARCHIVE_DN, "msPKI-Private-Key-Flag", view_str("145")); /* + same key */
	ask_refused(&(struct ask){.template_cn = "UserArchive",
			.archive = true,
			.renews = buf_view(&old.cert.der),
			.signers = {&old.cert}},
	    &user1, CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY);
	row = ask_row_of(ask_issued(&(struct ask){.template_cn = "UserArchive",
					.renews = buf_view(&old.cert.der),
					.key = key_of(&old)},
	    &user1));
	assert_true(view_eq(buf_view(&row.raw_archived_key), buf_view(&before.raw_archived_key)));
	assert_string_equal(row.key_recovery_hashes, before.key_recovery_hashes);
	harness_change(ARCHIVE_DN, "msPKI-Private-Key-Flag", view_str("17"));
	store_request_free(&row);
	store_request_free(&before);
	test_cert_free(&old.cert);
}

/* The twin: nothing is archived of the certificate that is renewed. */
static void
a_kept_key_that_was_never_archived_must_come(void **state)
{
	struct held old;

	(void)state;
	harness_change(ARCHIVE_DN, "msPKI-Private-Key-Flag", view_str("144"));
	old = enroll("UserArchive", false, &user1);
	harness_change(ARCHIVE_DN, "msPKI-Private-Key-Flag", view_str("145"));
	ask_refused(&(struct ask){.template_cn = "UserArchive",
			.renews = buf_view(&old.cert.der),
			.key = key_of(&old)},
	    &user1, CERTSRV_E_ARCHIVED_KEY_REQUIRED);
	harness_change(ARCHIVE_DN, "msPKI-Private-Key-Flag", view_str("17"));
	test_cert_free(&old.cert);
}

/* PEND_ALL_REQUESTS and RA signatures are for first certificates where the template says that an
 * approval lasts. */
static void
a_renewal_that_was_approved_before_does_not_wait_again(void **state)
{
	struct ask first = {.template_cn = "UserArchive", .archive = true};
	struct held old;
	struct store_request row;
	struct enroll_result r;

	(void)state;
	old = enroll("UserArchive", true, &user1);
	harness_change(ARCHIVE_DN, "msPKI-Enrollment-Flag", view_str("107")); /* + 0x2, 0x40 */
	ask_make(&first);
	r = ask_submit(&first, &user1);
	assert_int_equal(r.disposition, DISP_PENDING);
	enroll_result_free(&r);
	ask_free(&first);
	row = ask_row_of(ask_issued(&(struct ask){.template_cn = "UserArchive",
					.archive = true,
					.renews = buf_view(&old.cert.der),
					.signers = {&old.cert}},
	    &user1));
	/* The old key is still valid, and no second one: this one takes its place. */
	assert_string_equal(row.disposition_message, "Issued");
	store_request_free(&row);
	harness_change(ARCHIVE_DN, "msPKI-Enrollment-Flag", view_str("43"));
	first = (struct ask){.template_cn = "UserArchive",
	    .archive = true,
	    .renews = buf_view(&old.cert.der),
	    .signers = {&old.cert}};
	ask_make(&first);
	r = ask_submit(&first, &user1);
	assert_int_equal(r.disposition, DISP_PENDING);
	ask_free(&first);
	/* ... and is decided as the renewal that it is. */
	struct enroll_result approved;
	struct err err;

	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, r.request_id,
			 clock_now(), &approved, &err),
	    &err);
	enroll_result_free(&approved);
	enroll_result_free(&r);
	harness_change(ARCHIVE_DN, "msPKI-Enrollment-Flag", view_str("41"));
	test_cert_free(&old.cert);
}

/* ---- Issuance policies ---- */

struct oid_entry {
	const char *cn, *oid, *cps, *notice;
};

static bool
add_oid(struct dir_conn *c, void *arg, struct err *err)
{
	const struct oid_entry *in = arg;
	struct dir_entry e;
	char dn[256];
	bool ok;

	snprintf(dn, sizeof dn, "CN=%s,CN=OID,CN=Public Key Services,CN=Services,%s", in->cn,
	    dir_conn_root(c)->config_nc);
	harness_must(dir_entry_init(&e, dn, err), err);
	harness_must(dir_entry_add(&e, "objectClass", view_str("msPKI-Enterprise-Oid"), err) &&
			 dir_entry_add(&e, "cn", view_str(in->cn), err) &&
			 dir_entry_add(&e, "flags", view_str("2"), err) &&
			 dir_entry_add(&e, "msPKI-Cert-Template-OID", view_str(in->oid), err) &&
			 dir_entry_add(&e, "msPKI-OID-CPS", view_str(in->cps), err) &&
			 dir_entry_add(&e, "msPKI-OID-User-Notice", view_str(in->notice), err),
	    err);
	ok = dir_add(c, &e, err);
	dir_entry_free(&e);
	return ok;
}

/* `openssl x509 -text` of the certificate of a row. */
static struct buf
printed(int64_t id)
{
	struct store_request row = ask_row_of(id);
	char path[128], command[512];
	struct buf text;
	struct err err;

	snprintf(path, sizeof path, "%s/issued.der", harness.dir);
	harness_must(file_replace(path, buf_view(&row.raw_certificate), 0600, &err), &err);
	snprintf(command, sizeof command, "openssl x509 -inform DER -in %s -noout -text > %s.txt",
	    path, path);
	assert_int_equal(system(command), 0);
	strcat(path, ".txt");
	harness_must(file_read(path, 65536, &text, &err), &err);
	harness_must(buf_append(&text, view_of("", 1), &err), &err);
	store_request_free(&row);
	return text;
}

static void
must_hold(const struct buf *text, const char *part)
{
	if (strstr((const char *)text->ptr, part) == NULL)
		fail_msg("no '%s' in\n%s", part, (const char *)text->ptr);
}

static void
policies_carry_their_statement_and_notice(void **state)
{
	struct oid_entry entry = {"policy1", POLICY, "https://pki.nwtraders.com/cps",
	    "Issued to people whose passport was seen; se\u00f1or"};
	const struct view critical[] = {view_str("2.5.29.15"), view_str("2.5.29.32")};
	struct buf text;
	struct err err;

	(void)state;
	harness_must(ca_directory_do(harness.ca, add_oid, &entry, &err), &err);
	harness_change(TEMPLATE_DN, "msPKI-Certificate-Policy", view_str(POLICY));
	harness_change_list(TEMPLATE_DN, "pKICriticalExtensions", critical, 2);
	text = printed(ask_issued(&(struct ask){0}, &user1));
	must_hold(&text, "X509v3 Certificate Policies: critical");
	must_hold(&text, "Policy: " POLICY);
	must_hold(&text, "CPS: https://pki.nwtraders.com/cps");
	must_hold(&text, "Explicit Text: Issued to people whose passport was seen");
	buf_free(&text);
	harness_change_list(TEMPLATE_DN, "pKICriticalExtensions", critical, 1);
	text = printed(ask_issued(&(struct ask){0}, &user1));
	must_hold(&text, "X509v3 Certificate Policies: \n");
	buf_free(&text);
}

static void
a_notice_that_does_not_fit_is_refused(void **state)
{
	char notice[202];
	struct oid_entry entry = {"policy2", OTHER, "https://pki.nwtraders.com/cps", notice};
	struct err err;

	(void)state;
	memset(notice, 'n', sizeof notice - 1);
	notice[sizeof notice - 1] = '\0';
	harness_must(ca_directory_do(harness.ca, add_oid, &entry, &err), &err);
	harness_change(TEMPLATE_DN, "msPKI-Certificate-Policy", view_str(OTHER));
	ask_refused(&(struct ask){0}, &user1, ERROR_INVALID_DATA);
	harness_change(TEMPLATE_DN, "msPKI-Certificate-Policy", view_str(POLICY));
}

static void
a_request_chooses_among_the_policies_of_the_template(void **state)
{
	const struct view both[] = {view_str(POLICY), view_str("1.3.6.1.4.1.99999.1.4")};
	ext_list *list = sk_X509_EXTENSION_new_null(), *broken = sk_X509_EXTENSION_new_null();
	const struct ext_policy wanted = {.oid = "1.3.6.1.4.1.99999.1.4"};
	struct buf text;
	struct err err;

	(void)state;
	harness_change_list(TEMPLATE_DN, "msPKI-Certificate-Policy", both, 2);
	harness_change(TEMPLATE_DN, "msPKI-Enrollment-Flag", view_str("131113")); /* + 0x20000 */
	harness_must(ext_push_issuance_policies(list, &wanted, 1, &err), &err);
	text = printed(ask_issued(&(struct ask){.extensions = list}, &user1));
	must_hold(&text, "Policy: 1.3.6.1.4.1.99999.1.4");
	assert_null(strstr((const char *)text.ptr, POLICY));
	buf_free(&text);
	harness_must(pkix_ext_push(broken, "2.5.29.32", false, view_str("0\x01x"), &err), &err);
	ask_refused(&(struct ask){.extensions = broken}, &user1, ERROR_INVALID_DATA);
	harness_change(TEMPLATE_DN, "msPKI-Enrollment-Flag", view_str("41"));
	harness_change(TEMPLATE_DN, "msPKI-Certificate-Policy", (struct view){0});
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	sk_X509_EXTENSION_pop_free(broken, X509_EXTENSION_free);
}

static int
group_setup(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user2", &user2);
	harness_person("officer1", &officer1);
	harness_change(TEMPLATE_DN, "msPKI-Private-Key-Flag", view_str("16"));
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_renewal_signed_with_the_old_key_is_issued),
	    cmocka_unit_test(a_renewal_without_the_old_key_is_refused),
	    cmocka_unit_test(a_certificate_of_another_user_is_not_renewed),
	    cmocka_unit_test(a_name_without_sid_is_no_owner),
	    cmocka_unit_test(a_certificate_that_this_ca_did_not_issue_is_not_renewed),
	    cmocka_unit_test(a_revoked_certificate_is_not_renewed),
	    cmocka_unit_test(an_expired_certificate_is_not_renewed),
	    cmocka_unit_test(the_name_alone_is_no_proof_for_an_account_with_a_sid),
	    cmocka_unit_test(a_renewal_is_for_the_same_template),
	    cmocka_unit_test(a_renewal_of_an_archival_template_has_its_key_archived),
	    cmocka_unit_test(a_kept_key_that_was_never_archived_must_come),
	    cmocka_unit_test(a_renewal_that_was_approved_before_does_not_wait_again),
	    cmocka_unit_test(policies_carry_their_statement_and_notice),
	    cmocka_unit_test(a_notice_that_does_not_fit_is_refused),
	    cmocka_unit_test(a_request_chooses_among_the_policies_of_the_template),
	};

	return cmocka_run_group_tests(tests, group_setup, harness_teardown);
}
