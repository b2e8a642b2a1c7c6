/* A public key is one principal's, and a request that comes again is the same request. */
#define ASK_TEMPLATE "User"
#include "ca_harness.h"
#include "enroll_ask.h"
#include "enroll_priv.h"

static struct principal user1, user2, kra1, kra2, officer1;

static EVP_PKEY *
again(EVP_PKEY *key)
{
	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	return key;
}

static struct buf
pkcs10_of(EVP_PKEY *key)
{
	struct buf out;
	struct err err;

	harness_must(pkix_request_make(key, (struct view){0}, NULL, &out, &err), &err);
	return out;
}

static struct enroll_input
input(enum enroll_format format, const struct buf *body, const char *label,
    const struct principal *caller)
{
	return (struct enroll_input){.format = format,
	    .body = buf_view(body),
	    .template_label = label,
	    .caller = caller,
	    .caller_name = caller->downlevel,
	    .now = clock_now()};
}

static struct enroll_result
submit(const struct enroll_input *in)
{
	struct enroll_result r;
	struct err err;

	harness_must(enroll_submit(harness.ca, &harness.vault, in, &r, &err), &err);
	return r;
}

static int64_t
rows(void)
{
	struct store_filter f = {.limit = 100000};
	struct store_requests all;
	struct err err;
	int64_t count;

	harness_must(store_list_requests(harness.ca->store, &f, &all, &err), &err);
	count = (int64_t)all.count;
	store_requests_free(&all);
	return count;
}

/* The sentence that the requester reads names nobody; the audit record names the holder's row. */
struct finding {
	const char *words;
	bool found;
};

static bool
look_for(const struct audit_record *a, void *arg)
{
	struct finding *f = arg;

	f->found = f->found ||
		   (a->event == AUDIT_REQUEST_DENIED && a->status == (int32_t)DIRCA_E_KEY_IN_USE &&
		       strstr(a->detail, f->words) != NULL);
	return true;
}

static void
assert_key_refused(
    const struct enroll_input *in, const struct principal *holder, int64_t holder_row)
{
	struct enroll_result r = submit(in);
	struct store_request row = ask_row_of(r.request_id);
	char words[48];
	struct finding f = {words, false};
	struct err err;
	int64_t count;

	assert_int_equal(r.disposition, DISP_DENIED);
	assert_int_equal(r.reason.code, DIRCA_E_KEY_IN_USE);
	assert_null(strstr(r.reason.msg, holder->sam));
	assert_string_equal(row.disposition_message, r.reason.msg);
	assert_int_equal(r.certificate.len, 0);
	assert_int_equal(row.raw_certificate.len, 0);
	assert_int_equal(row.raw_archived_key.len, 0);
	assert_int_equal(row.public_key_hash.len, 0);
	snprintf(words, sizeof words, " key-of-request=%lld ", (long long)holder_row);
	harness_must(store_audit_walk(harness.ca->store, 0, look_for, &f, &count, &err), &err);
	assert_true(f.found);
	store_request_free(&row);
	enroll_result_free(&r);
}

static void
a_key_that_somebody_has_is_nobody_elses(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct buf pkcs10 = pkcs10_of(key);
	struct ask cmc = {.template_cn = "EFSArchive", .archive = true, .key = again(key)};
	struct enroll_input in;
	struct enroll_result r;
	int64_t id;

	(void)state;
	in = input(ENROLL_PKCS10, &pkcs10, "User", &user1);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_ISSUED);
	id = r.request_id;
	enroll_result_free(&r);
	in = input(ENROLL_PKCS10, &pkcs10, "User", &user2);
	assert_key_refused(&in, &user1, id);
	ask_make(&cmc);
	in = input(ENROLL_CMC, &cmc.message, NULL, &user2);
	assert_key_refused(&in, &user1, id);
	/* Whoever has it goes on using it. */
	in = input(ENROLL_CMC, &cmc.message, NULL, &user1);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_ISSUED);
	enroll_result_free(&r);
	ask_free(&cmc);
	buf_free(&pkcs10);
	EVP_PKEY_free(key);
}

static void
the_ca_has_a_key_too(void **state)
{
	struct buf pkcs10 = pkcs10_of(harness.ca_cert.key);
	struct enroll_input in = input(ENROLL_PKCS10, &pkcs10, "User", &user1);
	struct enroll_result r = submit(&in);

	(void)state;
	assert_int_equal(r.reason.code, DIRCA_E_KEY_IN_USE);
	enroll_result_free(&r);
	buf_free(&pkcs10);
}

static void
a_request_that_waits_holds_its_key_until_it_is_denied(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct ask first = {.template_cn = "KeyRecoveryAgent", .key = again(key)},
		   second = {
		       .template_cn = "KeyRecoveryAgent", .key = again(key), .archive = false};
	struct enroll_input in;
	struct enroll_result r;
	struct err err;
	int64_t id;

	(void)state;
	ask_make(&first);
	ask_make(&second);
	in = input(ENROLL_CMC, &first.message, NULL, &kra1);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_PENDING);
	id = r.request_id;
	enroll_result_free(&r);
	in = input(ENROLL_CMC, &second.message, NULL, &kra2);
	assert_key_refused(&in, &kra1, id);
	harness_must(enroll_deny(harness.ca, &officer1, id, "no", clock_now(), &err), &err);
	in.now = clock_now();
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_PENDING);
	enroll_result_free(&r);
	ask_free(&first);
	ask_free(&second);
	EVP_PKEY_free(key);
}

static void
shared_keys_are_allowed_where_nobody_archives_them(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct buf pkcs10 = pkcs10_of(key);
	struct ask cmc = {.template_cn = "EFSArchive", .archive = true, .key = again(key)};
	struct enroll_input in = input(ENROLL_PKCS10, &pkcs10, "User", &user1);
	struct enroll_result r;
	int64_t id;

	(void)state;
	harness_set(setting_name(SETTING_ALLOW_SHARED_KEYS), "1");
	ask_make(&cmc);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_ISSUED);
	id = r.request_id;
	enroll_result_free(&r);
	in.caller = &user2;
	in.caller_name = user2.downlevel;
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_int_not_equal(r.request_id, id);
	enroll_result_free(&r);
	/* An archived key is one principal's, whether it was so before or would be now. */
	in = input(ENROLL_CMC, &cmc.message, NULL, &user2);
	assert_key_refused(&in, &user1, id);
	ask_free(&cmc);
	buf_free(&pkcs10);
	EVP_PKEY_free(key);

	cmc =
	    (struct ask){.template_cn = "EFSArchive", .archive = true, .key = test_key("rsa2048")};
	pkcs10 = pkcs10_of(cmc.key);
	ask_make(&cmc);
	in = input(ENROLL_CMC, &cmc.message, NULL, &user1);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_ISSUED);
	id = r.request_id;
	enroll_result_free(&r);
	in = input(ENROLL_PKCS10, &pkcs10, "User", &user2);
	assert_key_refused(&in, &user1, id);
	harness_set(setting_name(SETTING_ALLOW_SHARED_KEYS), "0");
	ask_free(&cmc);
	buf_free(&pkcs10);
}

/* ---- the unit of work asks again ---- */

/* A request of KeyRecoveryAgent, decided: what would be stored. */
static void
prepare(struct enrollment *e, const struct ask *a, const struct principal *caller)
{
	struct err err;

	*e = (struct enrollment){.ca = harness.ca,
	    .vault = &harness.vault,
	    .view = ca_view_get(harness.ca),
	    .caller = caller,
	    .requester = caller,
	    .now = clock_now(),
	    .submitted = clock_now()};
	harness_must(
	    enroll_request_decode(ENROLL_CMC, buf_view(&a->message), 65536, &e->request, &err),
	    &err);
	memcpy(e->request_hash, e->request.key_info_hash, sizeof e->request_hash);
	harness_must(enroll_decide(e, ENROLL_AT_SUBMISSION, &err), &err);
}

static void
of_two_requests_that_were_decided_one_is_stored(void **state)
{
	struct ask a = {.template_cn = "KeyRecoveryAgent"};
	struct enrollment first, other, same;
	struct enroll_commit c[] = {{.e = &first, .disposition = DISP_PENDING},
	    {.e = &other, .disposition = DISP_PENDING}, {.e = &same, .disposition = DISP_PENDING}};
	struct err err;
	int64_t before;

	(void)state;
	ask_make(&a);
	prepare(&first, &a, &kra1);
	prepare(&other, &a, &kra2);
	prepare(&same, &a, &kra1);
	before = rows();
	for (size_t i = 0; i < 3; i++)
		harness_must(enroll_commit_prepare(&c[i], &err), &err);
	harness_must(enroll_commit(&c[0], &err), &err);
	assert_false(enroll_commit(&c[1], &err));
	assert_int_equal(err.code, DIRCA_E_KEY_IN_USE);
	assert_int_equal(other.key_row, c[0].request_id);
	assert_int_equal(c[1].repeat_of, 0);
	assert_false(enroll_commit(&c[2], &err));
	assert_int_equal(c[2].repeat_of, c[0].request_id);
	assert_int_equal(rows(), before + 1);
	for (size_t i = 0; i < 3; i++)
		enroll_commit_free(&c[i]);
	enrollment_free(&first);
	enrollment_free(&other);
	enrollment_free(&same);
	ask_free(&a);
}

/* ---- repeats ---- */

static void
assert_same_answer(const struct enroll_input *in, const struct enroll_result *first)
{
	struct enroll_result r = submit(in);
	struct cmc_response response;
	struct err err;

	assert_int_equal(r.request_id, first->request_id);
	assert_int_equal(r.disposition, first->disposition);
	assert_true(view_eq(buf_view(&r.certificate), buf_view(&first->certificate)));
	assert_int_equal(r.response.len > 0, in->format == ENROLL_CMC);
	if (r.response.len > 0) {
		harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
		assert_true(
		    view_eq(cmc_response_certificate(&response), buf_view(&first->certificate)));
		harness_must(cms_signer_verify(&response.message, &response.message.signers[0],
				 harness.ca->issuer->key, false, &err),
		    &err);
		cmc_response_free(&response);
	}
	enroll_result_free(&r);
}

/* Without a KRA the key could not be sealed again: the answer comes from the row. */
static void
a_repeat_is_answered_from_the_row(void **state)
{
	struct ask a = {.template_cn = "EFSArchive", .archive = true};
	struct enroll_input in;
	struct enroll_result r;
	struct cmc_request request;
	struct cmc_response response;
	struct err err;
	int64_t before;
	int received;

	(void)state;
	ask_make(&a);
	in = input(ENROLL_CMC, &a.message, NULL, &user1);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_ISSUED);
	before = rows();
	received = harness_audited(AUDIT_REQUEST_RECEIVED, true);
	harness_count_kras(0);
	in.now += 30;
	assert_same_answer(&in, &r);
	harness_count_kras(2);
	assert_int_equal(rows(), before);
	assert_int_equal(harness_audited(AUDIT_REQUEST_RECEIVED, true), received);
	enroll_result_free(&r);
	/* The archived key is confirmed again. */
	r = submit(&in);
	harness_must(cmc_request_decode(buf_view(&a.message), &request, &err), &err);
	harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
	assert_true(view_eq(response.key_hash, request.key_hash));
	cmc_request_free(&request);
	cmc_response_free(&response);
	enroll_result_free(&r);
	ask_free(&a);
}

static void
a_pkcs10_for_two_templates_is_two_requests(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct buf pkcs10 = pkcs10_of(key);
	struct enroll_input user = input(ENROLL_PKCS10, &pkcs10, "User", &user1),
			    other_label = input(ENROLL_PKCS10, &pkcs10, "NoSuchTemplate", &user1),
			    none = input(ENROLL_PKCS10, &pkcs10, NULL, &user1);
	struct enroll_result r = submit(&user), other;

	(void)state;
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_same_answer(&user, &r);
	other = submit(&other_label);
	assert_int_equal(other.reason.code, CERTSRV_E_UNSUPPORTED_CERT_TYPE);
	assert_int_not_equal(other.request_id, r.request_id);
	enroll_result_free(&other);
	other = submit(&none);
	assert_int_equal(other.reason.code, CERTSRV_E_NO_CERT_TYPE);
	enroll_result_free(&other);
	enroll_result_free(&r);
	buf_free(&pkcs10);
	EVP_PKEY_free(key);
}

static void
a_request_that_waits_waits_on(void **state)
{
	struct ask a = {.template_cn = "KeyRecoveryAgent"};
	struct enroll_input in;
	struct enroll_result r, approved;
	struct err err;
	int64_t id;

	(void)state;
	ask_make(&a);
	in = input(ENROLL_CMC, &a.message, NULL, &kra1);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_PENDING);
	id = r.request_id;
	enroll_result_free(&r);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_PENDING);
	assert_int_equal(r.request_id, id);
	assert_true(r.response.len > 0);
	enroll_result_free(&r);
	harness_must(
	    enroll_approve(harness.ca, &harness.vault, &officer1, id, clock_now(), &approved, &err),
	    &err);
	assert_same_answer(&in, &approved);
	enroll_result_free(&approved);
	ask_free(&a);
}

static void
a_denied_request_stays_denied(void **state)
{
	struct ask a = {.template_cn = "KeyRecoveryAgent"};
	struct cmc_response response;
	struct enroll_input in;
	struct enroll_result r;
	struct err err;
	int64_t id, before;

	(void)state;
	ask_make(&a);
	in = input(ENROLL_CMC, &a.message, NULL, &kra1);
	r = submit(&in);
	id = r.request_id;
	enroll_result_free(&r);
	harness_must(
	    enroll_deny(harness.ca, &officer1, id, "not this one", clock_now(), &err), &err);
	before = rows();
	r = submit(&in);
	assert_int_equal(r.request_id, id);
	assert_int_equal(r.disposition, DISP_DENIED);
	assert_int_equal(r.reason.code, DIRCA_E_DENIED);
	assert_string_equal(r.reason.msg, "not this one");
	harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
	assert_int_equal(response.status, CMC_STATUS_FAILED);
	cmc_response_free(&response);
	enroll_result_free(&r);
	assert_int_equal(rows(), before);
	ask_free(&a);
}

static void
what_was_refused_is_decided_anew(void **state)
{
	struct ask a = {.template_cn = "EFSArchive", .archive = true};
	struct enroll_input in;
	struct enroll_result r;
	int64_t id;

	(void)state;
	ask_make(&a);
	in = input(ENROLL_CMC, &a.message, NULL, &user1);
	harness_count_kras(0);
	r = submit(&in);
	assert_int_equal(r.reason.code, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	id = r.request_id;
	enroll_result_free(&r);
	harness_count_kras(2);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_int_not_equal(r.request_id, id);
	enroll_result_free(&r);
	ask_free(&a);
}

/* A client that signs and encrypts anew, and says that it is the same transaction. */
static void
a_transaction_made_anew_is_the_same_request(void **state)
{
	uint8_t id[2][CMC_RANDOM_LEN] = {{0}};
	struct cmc_transaction t = {.id = view_of(id[0], CMC_RANDOM_LEN)};
	EVP_PKEY *key = test_key("rsa2048");
	int64_t ids[3];
	struct err err;

	(void)state;
	harness_must(
	    cmc_transaction_id_make(id[0], &err) && cmc_transaction_id_make(id[1], &err), &err);
	for (int i = 0; i < 3; i++) {
		struct ask a = {.template_cn = "EFSArchive",
		    .archive = true,
		    .transaction = &t,
		    .key = again(key)};

		t.id = view_of(id[i / 2], CMC_RANDOM_LEN);
		ids[i] = ask_issued(&a, &user1);
	}
	assert_int_equal(ids[1], ids[0]);
	assert_int_not_equal(ids[2], ids[0]);
	EVP_PKEY_free(key);
}

static void
what_the_client_sent_to_know_its_answer_comes_back(void **state)
{
	uint8_t id[CMC_RANDOM_LEN] = {0}, nonce[CMC_RANDOM_LEN] = {0};
	const struct cmc_transaction t = {.id = view_of(id, sizeof id),
	    .sender_nonce = view_of(nonce, sizeof nonce),
	    .data_return = view_of("\x04\x02me", 4)};
	struct ask a = {.template_cn = "EFSArchive", .archive = true, .transaction = &t};
	struct cmc_response response;
	struct enroll_result r;
	struct err err;

	(void)state;
	harness_must(cmc_transaction_id_make(id, &err) && cmc_nonce_make(nonce, &err), &err);
	ask_make(&a);
	r = ask_submit(&a, &user1);
	harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
	assert_true(view_eq(response.transaction.id, t.id));
	assert_true(view_eq(response.transaction.recipient_nonce, t.sender_nonce));
	assert_true(view_eq(response.transaction.data_return, t.data_return));
	assert_int_equal(response.transaction.sender_nonce.len, CMC_RANDOM_LEN);
	assert_false(view_eq(response.transaction.sender_nonce, t.sender_nonce));
	cmc_response_free(&response);
	enroll_result_free(&r);
	ask_free(&a);
}

/* RFC 5272 3.2.1.1: badRequest, about that control. */
static void
an_unknown_control_refuses_the_whole_request(void **state)
{
	static const uint8_t data_return[] = {0x2b, 6, 1, 5, 5, 7, 7, 4};
	const struct cmc_transaction t = {.data_return = view_of("\x04\x02me", 4)};
	struct ask a = {.template_cn = "EFSArchive", .archive = true, .transaction = &t};
	struct cmc_response response;
	struct enroll_result r;
	struct err err;
	uint8_t *at;

	(void)state;
	ask_make(&a);
	at = memmem(a.message.ptr, a.message.len, data_return, sizeof data_return);
	assert_non_null(at);
	at[sizeof data_return - 1] = 99;
	r = ask_submit(&a, &user1);
	assert_int_equal(r.disposition, DISP_ERROR);
	assert_int_equal(r.reason.code, ERROR_INVALID_DATA);
	assert_non_null(strstr(r.reason.msg, "1.3.6.1.5.5.7.7.99"));
	harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
	assert_int_equal(response.status, CMC_STATUS_FAILED);
	assert_int_equal(response.fail_info, 2);
	cmc_response_free(&response);
	enroll_result_free(&r);
	ask_free(&a);
}

static bool
work_revoke(struct store_tx *tx, void *arg, struct err *err)
{
	return store_revoke(tx, *(int64_t *)arg, 1, 1000, 1000, err);
}

static void
a_revoked_certificate_is_not_given_again(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct buf pkcs10 = pkcs10_of(key);
	struct enroll_input in = input(ENROLL_PKCS10, &pkcs10, "User", &user1);
	struct enroll_result r = submit(&in);
	int64_t id = r.request_id, before = rows();
	struct err err;

	(void)state;
	assert_int_equal(r.disposition, DISP_ISSUED);
	enroll_result_free(&r);
	harness_must(store_do(harness.ca->store, work_revoke, &id, &err), &err);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_DENIED);
	assert_int_equal(r.reason.code, CRYPT_E_REVOKED);
	assert_int_equal(r.request_id, id);
	assert_int_equal(r.certificate.len, 0);
	assert_int_equal(rows(), before);
	enroll_result_free(&r);
	buf_free(&pkcs10);
	EVP_PKEY_free(key);
}

/* ---- older rows ---- */

static void
sqlite(const char *sql)
{
	char command[512];

	snprintf(command, sizeof command, "sqlite3 -cmd '.timeout 5000' '%s/state/dirca.db' \"%s\"",
	    harness.dir, sql);
	assert_int_equal(system(command), 0);
}

/* An issued row has its key, one that waits only its request. */
static void
rows_of_an_older_program_hold_their_keys(void **state)
{
	EVP_PKEY *issued = test_key("rsa2048");
	struct ask pending = {.template_cn = "KeyRecoveryAgent", .key = test_key("rsa2048")};
	struct buf pkcs10 = pkcs10_of(issued), other;
	struct enroll_input in = input(ENROLL_PKCS10, &pkcs10, "User", &user1);
	struct enroll_result r = submit(&in);
	int64_t id = r.request_id, pending_id;
	struct err err;

	(void)state;
	assert_int_equal(r.disposition, DISP_ISSUED);
	enroll_result_free(&r);
	ask_make(&pending);
	in = input(ENROLL_CMC, &pending.message, NULL, &kra1);
	r = submit(&in);
	assert_int_equal(r.disposition, DISP_PENDING);
	pending_id = r.request_id;
	enroll_result_free(&r);
	sqlite("UPDATE Request SET PublicKeyHash = NULL, RequestHash = NULL, CallerSID = NULL");
	harness_must(enroll_complete_rows(harness.ca, &err), &err);
	in = input(ENROLL_PKCS10, &pkcs10, "User", &user2);
	assert_key_refused(&in, &user1, id);
	other = pkcs10_of(pending.key);
	in = input(ENROLL_PKCS10, &other, "User", &user2);
	assert_key_refused(&in, &kra1, pending_id);
	ask_free(&pending);
	buf_free(&pkcs10);
	buf_free(&other);
	EVP_PKEY_free(issued);
}

static int
open_all(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user2", &user2);
	harness_person("kra1", &kra1);
	harness_person("kra2", &kra2);
	harness_person("officer1", &officer1);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_that_somebody_has_is_nobody_elses),
	    cmocka_unit_test(the_ca_has_a_key_too),
	    cmocka_unit_test(a_request_that_waits_holds_its_key_until_it_is_denied),
	    cmocka_unit_test(shared_keys_are_allowed_where_nobody_archives_them),
	    cmocka_unit_test(of_two_requests_that_were_decided_one_is_stored),
	    cmocka_unit_test(a_repeat_is_answered_from_the_row),
	    cmocka_unit_test(a_pkcs10_for_two_templates_is_two_requests),
	    cmocka_unit_test(a_request_that_waits_waits_on),
	    cmocka_unit_test(a_denied_request_stays_denied),
	    cmocka_unit_test(what_was_refused_is_decided_anew),
	    cmocka_unit_test(a_transaction_made_anew_is_the_same_request),
	    cmocka_unit_test(what_the_client_sent_to_know_its_answer_comes_back),
	    cmocka_unit_test(an_unknown_control_refuses_the_whole_request),
	    cmocka_unit_test(a_revoked_certificate_is_not_given_again),
	    cmocka_unit_test(rows_of_an_older_program_hold_their_keys),
	};

	return cmocka_run_group_tests(tests, open_all, harness_teardown);
}
