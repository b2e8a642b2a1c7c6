/* What a client makes of an answer that it cannot use: the CA accepted, so the key is of use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "archive_pki.h"
#include "client_enroll.h"
#include "oids.h"

static struct test_cert ca;
static EVP_PKEY *key;

static struct {
	int status;
	const char *content_type, *body;
	bool is_lost;
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
	*out = (struct http_answer){.status = answer.status, .request_id = 7};
	if (answer.is_lost)
		return err_set(err, DIRCA_E_NETWORK, "no answer came");
	snprintf(out->content_type, sizeof out->content_type, "%s", answer.content_type);
	return buf_dup(view_str(answer.body), &out->body, err);
}

static bool
enroll(struct client_enrolled *out, struct err *err)
{
	struct tmpl t = {.cn = (char[]){"User"}, .schema_version = 1};
	struct pki_service service = {.name = (char[]){"Test CA"}, .certificate = ca.der};
	const struct client_enroll in = {
	    .service = &service, .tmpl = &t, .key = key, .now = TEST_NOW};

	return client_enroll(NULL, &in, out, err);
}

static void
answer_that_cannot_be_read_leaves_the_key_of_use(void **state)
{
	struct client_enrolled out;
	struct err err;

	(void)state;
	answer.status = 200;
	answer.content_type = "application/pkcs7-mime";
	answer.body = "cut off on its way";
	assert_false(enroll(&out, &err));
	assert_true(out.accepted);
	assert_int_equal(out.request_id, 7);
	assert_int_equal(out.certificate.len, 0);
	client_enrolled_free(&out);
}

static void
refusal_and_silence_accept_nothing(void **state)
{
	struct client_enrolled out;
	struct err err;

	(void)state;
	answer.status = 403;
	answer.content_type = "application/json";
	answer.body = "{\"error\": {\"name\": \"CERTSRV_E_TEMPLATE_DENIED\", \"message\": \"no\"}}";
	assert_false(enroll(&out, &err));
	assert_int_equal(err.code, CERTSRV_E_TEMPLATE_DENIED);
	assert_false(out.accepted);
	answer.is_lost = true;
	assert_false(enroll(&out, &err));
	assert_int_equal(err.code, DIRCA_E_NETWORK);
	assert_false(out.accepted);
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
	    cmocka_unit_test(answer_that_cannot_be_read_leaves_the_key_of_use),
	    cmocka_unit_test(refusal_and_silence_accept_nothing),
	};

	return cmocka_run_group_tests(tests, start, end);
}
