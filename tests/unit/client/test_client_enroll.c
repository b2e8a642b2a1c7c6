/* What an answer, or none, says about a request: whether its key may be thrown away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "archive_pki.h"
#include "client_enroll.h"
#include "cmc.h"
#include "file.h"
#include "mem.h"
#include "oids.h"
#include "own.h"

static struct test_cert ca;
static EVP_PKEY *key;

static struct answer {
	int status;
	long long request_id;
	const char *content_type, *body;
	bool is_lost, in_doubt;
	size_t body_len; /* 0: that of the text */
} answer;

bool __wrap_http_client_request(struct http_client *c, const char *method, const char *path,
    const char *content_type, struct view body, struct http_answer *out, struct err *err);

bool
__wrap_http_client_request(struct http_client *c, const char *method, const char *path,
    const char *content_type, struct view body, struct http_answer *out, struct err *err)
{
	(void)c;
	(void)content_type;
	assert_string_equal(method, "POST");
	assert_string_equal(path, "/.well-known/est/simpleenroll");
	assert_true(body.len > 0);
	*out = (struct http_answer){
	    .status = answer.status, .request_id = answer.request_id, .in_doubt = answer.in_doubt};
	if (answer.is_lost)
		return err_set(err, DIRCA_E_NETWORK, "no answer came");
	snprintf(out->content_type, sizeof out->content_type, "%s", answer.content_type);
	return buf_dup(
	    view_of(answer.body, answer.body_len > 0 ? answer.body_len : strlen(answer.body)),
	    &out->body, err);
}

static bool
enroll(struct client_enrolled *out, struct err *err)
{
	struct tmpl t = {.cn = (char[]){"User"}, .schema_version = 1};
	struct pki_service service = {.name = (char[]){"Test CA"}, .certificate = ca.der};
	const struct client_enroll in = {
	    .service = &service, .tmpl = &t, .key = key, .now = TEST_NOW};
	struct client_request request;
	struct buf pkcs10;
	bool ok;

	assert_true(client_pkcs10_make(&in, &pkcs10, err));
	assert_true(client_request_make(NULL, &in, buf_view(&pkcs10), &request, err));
	ok = client_enroll_send(NULL, &request, buf_view(&ca.der), key, out, err);
	client_request_free(&request);
	buf_free(&pkcs10);
	return ok;
}

#define ANSWER(number, id, type, text)                                                         \
	{                                                                                      \
		.status = (number), .request_id = (id), .content_type = (type), .body = (text) \
	}
#define REFUSAL(name) "{\"error\": {\"name\": \"" name "\", \"message\": \"no\"}}"

static void
only_a_numbered_refusal_of_the_ca_says_that_nothing_was_issued(void **state)
{
	static const struct {
		struct answer answer;
		enum client_outcome outcome;
	} rows[] = {
	    {ANSWER(200, 7, "application/pkcs7-mime", "cut off on its way"), CLIENT_UNKNOWN},
	    {ANSWER(200, 7, "text/html", "<p>Welcome</p>"), CLIENT_UNKNOWN},
	    {ANSWER(202, 7, "application/json", "{}"), CLIENT_PENDING},
	    {ANSWER(202, 0, "text/html", "Accepted"), CLIENT_UNKNOWN},
	    {ANSWER(403, 7, "application/json", REFUSAL("CERTSRV_E_TEMPLATE_DENIED")),
		CLIENT_REFUSED},
	    {ANSWER(429, 0, "application/json", REFUSAL("DIRCA_E_QUOTA")), CLIENT_UNDECIDED},
	    {ANSWER(403, 0, "text/html", "Forbidden"), CLIENT_UNKNOWN},
	    {ANSWER(503, 0, "application/json", REFUSAL("DIRCA_E_DATABASE")), CLIENT_UNDECIDED},
	    {ANSWER(500, 7, "application/json", REFUSAL("DIRCA_E_INTERNAL")), CLIENT_UNKNOWN},
	    {ANSWER(502, 0, "text/html", "Bad Gateway"), CLIENT_UNKNOWN},
	    {{.status = 0, .is_lost = true, .in_doubt = true}, CLIENT_UNKNOWN},
	    {{.status = 0, .is_lost = true}, CLIENT_NOT_SENT},
	};
	struct client_enrolled out;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		answer = rows[i].answer;
		assert_int_equal(enroll(&out, &err), rows[i].outcome == CLIENT_PENDING);
		if (out.outcome != rows[i].outcome)
			fail_msg("row %zu: outcome %d", i, (int)out.outcome);
		assert_int_equal(out.certificate.len, 0);
		client_enrolled_free(&out);
	}
}

static void
another_certificate_is_no_answer(void **state)
{
	struct client_enrolled out;
	struct err err;

	(void)state;
	answer = (struct answer){.status = 200,
	    .request_id = 7,
	    .content_type = "application/pkcs7-mime",
	    .body = (const char *)ca.der.ptr,
	    .body_len = ca.der.len};
	assert_false(enroll(&out, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	assert_int_equal(out.outcome, CLIENT_UNKNOWN);
	client_enrolled_free(&out);
}

static void
what_was_sent_is_kept_byte_for_byte(void **state)
{
	static const char path[] = "test_client_enroll.sent";
	const struct client_request r = {.ca = (char[]){"K!00f6ln CA"},
	    .template_cn = (char[]){"User"},
	    .is_cmc = true,
	    .message = ca.der};
	struct client_request back;
	struct err err;

	(void)state;
	assert_true(client_request_save(path, &r, &err));
	assert_true(client_request_load(path, &back, &err));
	assert_string_equal(back.ca, r.ca);
	assert_string_equal(back.template_cn, "User");
	assert_true(back.is_cmc);
	assert_true(view_eq(buf_view(&back.message), buf_view(&ca.der)));
	client_request_free(&back);
	assert_true(file_replace(path, view_str("{\"ca\": \"x\"}"), 0600, &err));
	assert_false(client_request_load(path, &back, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	unlink(path);
	assert_false(client_request_load(path, &back, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
}

/* ---- the answer to a request that carries a key ---- */

static const uint8_t nonce[] = {4, 3, 1, 2, 3}, other_nonce[] = {4, 3, 3, 2, 1};
static struct test_cert user, stranger;

static struct test_cert
issued(const char *dn, const struct test_cert *issuer)
{
	const struct test_issue in = {.dn = dn,
	    .key = test_key("P-256"),
	    .issuer = issuer,
	    .serial = 7,
	    .not_before = TEST_NOW - TEST_DAY,
	    .not_after = TEST_NOW + TEST_DAY};

	return test_issue(&in);
}

/* An archived key as bytes: what is inside is nobody's here. */
static struct client_request
archiving_request(void)
{
	struct client_request r = {
	    .ca = (char[]){"Test CA"}, .template_cn = (char[]){"EFS"}, .is_cmc = true};
	const struct cmc_transaction transaction = {.sender_nonce = view_of(nonce, sizeof nonce)};
	struct cmc_make make = {.key = user.key,
	    .archived_key = buf_view(&ca.der),
	    .template_cn = "EFS",
	    .transaction = &transaction};
	OWNED(buf_free) struct buf pkcs10 = {0};
	struct err err;

	assert_true(pkix_request_make(user.key, (struct view){0}, NULL, &pkcs10, &err));
	make.pkcs10 = buf_view(&pkcs10);
	assert_true(cmc_request_make(&make, &r.message, &err));
	return r;
}

static void
respond(const struct cmc_response_body *body, const struct test_cert *signer,
    struct view certificate, struct buf *out)
{
	OWNED(buf_free) struct buf content = {0}, attrs = {0}, sig_alg = {0}, signature = {0};
	struct cms_sign in = {.content_oid = oid_dotted(OID_CT_PKI_RESPONSE),
	    .issuer = signer->cert.issuer,
	    .serial = signer->cert.serial,
	    .certificates = &certificate,
	    .certificate_count = 1,
	    .digest = cms_digest(NID_sha256)};
	struct err err;

	assert_true(cmc_response_body_encode(body, &content, &err));
	in.content = buf_view(&content);
	assert_true(cms_sign_attrs(&in, &attrs, &err));
	assert_true(pkix_sig_alg(signer->key, &sig_alg, &err));
	test_sign(signer->key, buf_view(&attrs), &signature);
	assert_true(cms_sign_finish(
	    &in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), out, &err));
}

static void
an_answer_counts_only_as_the_ca_gave_it_to_this_request(void **state)
{
	enum hash { RIGHT, NONE, WRONG };
	static const struct {
		enum hash certificate, key;
		bool stranger_signs, of_stranger, other_nonce;
		enum err_code code;
	} rows[] = {
	    {RIGHT, RIGHT, false, false, false, ERR_OK},
	    {WRONG, RIGHT, false, false, false, ERROR_INVALID_DATA},
	    {NONE, RIGHT, false, false, false, ERROR_INVALID_DATA},
	    {RIGHT, WRONG, false, false, false, XENROLL_E_RESPONSE_KA_HASH_MISMATCH},
	    {RIGHT, NONE, false, false, false, XENROLL_E_RESPONSE_KA_HASH_NOT_FOUND},
	    {RIGHT, RIGHT, true, false, false, NTE_BAD_SIGNATURE},
	    {RIGHT, RIGHT, false, true, false, DIRCA_E_KEY_MISMATCH},
	    {RIGHT, RIGHT, false, false, true, ERROR_INVALID_DATA},
	};
	static const uint8_t wrong[32];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(buf_free) struct buf response = {0};
		OWNED(client_enrolled_free) struct client_enrolled out = {0};
		struct client_request sent = archiving_request();
		const struct test_cert *subject = rows[i].of_stranger ? &stranger : &user;
		struct cmc_request own;
		struct cmc_response_body body = {.status = CMC_STATUS_SUCCESS,
		    .text = "Issued",
		    .body_part_id = 1,
		    .fail_info = -1};
		struct err err = {.code = ERR_OK};

		assert_true(cmc_request_decode(buf_view(&sent.message), &own, &err));
		if (rows[i].certificate != NONE)
			body.issued_sha1 =
			    view_of(rows[i].certificate == RIGHT ? subject->cert.sha1 : wrong, 20);
		if (rows[i].key == RIGHT)
			body.key_hash = own.key_hash;
		else if (rows[i].key == WRONG)
			body.key_hash = view_of(wrong, own.key_hash.len);
		body.transaction.recipient_nonce = rows[i].other_nonce
						       ? view_of(other_nonce, sizeof other_nonce)
						       : view_of(nonce, sizeof nonce);
		respond(&body, rows[i].stranger_signs ? &stranger : &ca, buf_view(&subject->der),
		    &response);
		if (client_check_answer(buf_view(&response), &sent, buf_view(&ca.der), user.key,
			&out, &err) != (rows[i].code == ERR_OK))
			fail_msg("row %zu: %s", i, err.msg);
		if (rows[i].code != ERR_OK)
			assert_int_equal(err.code, rows[i].code);
		assert_int_equal(out.outcome == CLIENT_ISSUED, rows[i].code == ERR_OK);
		cmc_request_free(&own);
		buf_free(&sent.message);
	}
}

static void
certificates_alone_are_no_answer_to_a_cmc_request(void **state)
{
	const struct view list[] = {buf_view(&ca.der), buf_view(&user.der)};
	OWNED(buf_free) struct buf several = {0};
	OWNED(client_enrolled_free) struct client_enrolled out = {0};
	struct client_request sent = archiving_request();
	struct err err;

	(void)state;
	assert_true(cms_certs_only(list, 2, &several, &err));
	assert_false(client_check_answer(
	    buf_view(&user.der), &sent, buf_view(&ca.der), user.key, &out, &err));
	assert_int_equal(err.code, CRYPT_E_INVALID_MSG_TYPE);
	assert_false(client_check_answer(
	    buf_view(&several), &sent, buf_view(&ca.der), user.key, &out, &err));
	assert_int_equal(err.code, CRYPT_E_INVALID_MSG_TYPE);
	/* To a PKCS#10 they are: whichever is the key's. */
	sent.is_cmc = false;
	assert_true(
	    client_check_answer(buf_view(&several), &sent, (struct view){0}, user.key, &out, &err));
	assert_true(view_eq(buf_view(&out.certificate), buf_view(&user.der)));
	client_enrolled_free(&out);
	assert_false(client_check_answer(
	    buf_view(&several), &sent, (struct view){0}, stranger.key, &out, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	buf_free(&sent.message);
}

static int
start(void **state)
{
	struct err err;

	(void)state;
	assert_true(secret_heap_init(1 << 18, true, &err));
	assert_true(oids_init(&err));
	ca = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	key = test_key("P-256");
	user = issued("CN=user1", &ca);
	stranger = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	test_cert_free(&ca);
	test_cert_free(&user);
	test_cert_free(&stranger);
	EVP_PKEY_free(key);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_a_numbered_refusal_of_the_ca_says_that_nothing_was_issued),
	    cmocka_unit_test(another_certificate_is_no_answer),
	    cmocka_unit_test(what_was_sent_is_kept_byte_for_byte),
	    cmocka_unit_test(an_answer_counts_only_as_the_ca_gave_it_to_this_request),
	    cmocka_unit_test(certificates_alone_are_no_answer_to_a_cmc_request),
	};

	return cmocka_run_group_tests(tests, start, end);
}
