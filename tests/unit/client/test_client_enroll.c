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
#include "file.h"
#include "mem.h"
#include "oids.h"

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

static int
start(void **state)
{
	struct err err;

	(void)state;
	assert_true(secret_heap_init(1 << 18, true, &err));
	assert_true(oids_init(&err));
	ca = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	key = test_key("P-256");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	test_cert_free(&ca);
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
	};

	return cmocka_run_group_tests(tests, start, end);
}
