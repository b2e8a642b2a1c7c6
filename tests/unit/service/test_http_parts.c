/* Bodies and answers of the API, headers, query parameters, authentication parameters, the
 * descriptor list of a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth_priv.h"
#include "file.h"
#include "json.h"
#include "scram_decoy.h"
#include "sign_in.h"

static char *
member_of(const char *body, size_t len)
{
	struct http_call call = {0};
	struct err err;
	char *value;

	assert_true(buf_dup(view_of(body, len), &call.body, &err));
	value = json_body_string(&call, "value");
	buf_free(&call.body);
	return value;
}

static void
a_string_member_is_read(void **state)
{
	char *value = member_of("{\"value\": \"a\\u00e9\"}", 20);

	(void)state;
	assert_non_null(value);
	assert_string_equal(value, "a\xc3\xa9");
	free(value);
}

static void
what_is_no_object_with_that_string_gives_nothing(void **state)
{
	static const char *const bodies[] = {"", "{", "[]", "null", "\"value\"", "{\"value\": 1}",
	    "{\"value\": null}", "{\"Value\": \"x\"}", "{\"value\": \"x\"} x",
	    "{\"value\": \"x\", \"value\": \"y\"}", "{\"value\": \"\xff\"}",
	    "{\"value\": \"a\\u0000b\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		assert_null(member_of(bodies[i], strlen(bodies[i])));
}

static void
a_body_truncated_anywhere_gives_nothing(void **state)
{
	static const char body[] = "{\"value\": \"CA\"}";

	(void)state;
	for (size_t len = 0; len < strlen(body); len++)
		assert_null(member_of(body, len));
}

static void
a_body_over_its_limit_gives_nothing(void **state)
{
	char body[5000];

	(void)state;
	memset(body, ' ', sizeof body);
	memcpy(body, "{\"value\": \"x\"}", 14);
	assert_null(member_of(body, 4097));
	char *value = member_of(body, 4096);
	assert_non_null(value);
	free(value);
}

static void
an_error_answer_names_code_and_sentence(void **state)
{
	struct http_call call = {0};
	struct err err;
	json_t *root, *e;

	(void)state;
	err_set(&err, CERTSRV_E_TEMPLATE_DENIED, "template \"User\": no right");
	json_answer_error(&call, 403, &err);
	assert_int_equal(call.status, 403);
	assert_string_equal(call.content_type, "application/json");
	root = json_loadb((const char *)call.answer.ptr, call.answer.len, 0, NULL);
	assert_non_null(root);
	e = json_object_get(root, "error");
	assert_string_equal(json_string_value(json_object_get(e, "code")), "0x80094012");
	assert_string_equal(
	    json_string_value(json_object_get(e, "name")), "CERTSRV_E_TEMPLATE_DENIED");
	assert_string_equal(
	    json_string_value(json_object_get(e, "message")), "template \"User\": no right");
	json_decref(root);
	buf_free(&call.answer);
}

static void
an_empty_row_is_a_whole_object(void **state)
{
	struct store_request row = {
	    .request_id = 7, .disposition = DISP_PENDING, .revoked_reason = -1};
	json_t *value = json_request(&row);

	(void)state;
	assert_non_null(value);
	assert_int_equal(json_object_size(value), 20);
	assert_int_equal(json_integer_value(json_object_get(value, "request_id")), 7);
	assert_true(json_is_null(json_object_get(value, "serial_number")));
	assert_true(json_is_null(json_object_get(value, "revoked_reason")));
	assert_true(json_is_false(json_object_get(value, "archived_key")));
	json_decref(value);
}

static json_t *
version_told_of(struct buf certificate)
{
	struct store_request row = {.disposition = DISP_ISSUED, .raw_certificate = certificate};
	json_t *value = json_candidate(&row), *version;

	assert_int_equal(json_object_size(value), 21);
	version = json_incref(json_object_get(value, "certificate_version"));
	json_decref(value);
	return version;
}

static void
a_candidate_tells_the_version_of_its_certificate(void **state)
{
	struct buf der = {0};
	struct err err;
	json_t *version;

	(void)state;
	assert_true(file_read(FIXTURES "/cmc/issued-cert.der", 65536, &der, &err));
	version = version_told_of(der);
	assert_int_equal(json_integer_value(version), 3);
	json_decref(version);
	der.len--;
	version = version_told_of(der);
	assert_true(json_is_null(version));
	json_decref(version);
	buf_free(&der);
}

/* ---- headers and query ---- */

static void
a_header_value_with_control_characters_is_refused(void **state)
{
	static const char *const values[] = {"a\r\nX: y", "a\n", "\r", "\t", "\x7f"};
	struct http_call call = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		assert_false(http_call_header(&call, "X", values[i], &err));
	assert_int_equal(call.header_count, 0);
}

static void
a_ninth_header_is_refused(void **state)
{
	struct http_call call = {0};
	struct err err;

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_true(http_call_header(&call, "X", "y", &err));
	assert_false(http_call_header(&call, "X", "y", &err));
	assert_int_equal(err.code, DIRCA_E_INTERNAL);
	for (size_t i = 0; i < call.header_count; i++) {
		free(call.headers[i].name);
		free(call.headers[i].value);
	}
}

static void
a_query_parameter_is_decoded(void **state)
{
	char query[] = "token=user1%40nwtraders.com&x=", none[] = "tok=1", broken[] = "=&&";
	struct http_call call = {.query = query};
	char *value = http_call_query(&call, "token");

	(void)state;
	assert_non_null(value);
	assert_string_equal(value, "user1@nwtraders.com");
	free(value);
	call.query = none;
	assert_null(http_call_query(&call, "token"));
	call.query = broken;
	assert_null(http_call_query(&call, "token"));
	call.query = NULL;
	assert_null(http_call_query(&call, "token"));
}

/* ---- authentication parameters ---- */

static void
auth_parameters_are_read_as_tokens_and_quoted_strings(void **state)
{
	static const struct {
		const char *params, *name, *value;
	} rows[] = {
	    {"sid=abc, data=bnw=", "sid", "abc"},
	    {"sid=abc, data=bnw=", "data", "bnw="},
	    {"data=\"bnw=\",sid=abc", "data", "bnw="},
	    {"data=\"bnw=\",sid=abc", "sid", "abc"},
	    {"DATA=x", "data", "x"},
	    {"realm=\"a, data=evil\", data=good", "data", "good"},
	    {"metadata=evil, data=good", "data", "good"},
	    {"x=data=evil", "data", NULL},
	    {"data", "data", NULL},
	    {"", "data", NULL},
	    {"data=\"unfinished", "data", NULL},
	    {"data=", "data", ""},
	    {", ,, data=x", "data", "x"},
	    {"dat=x", "data", NULL},
	    {"\"data=x", "data", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *value = auth_param(rows[i].params, rows[i].name);

		if (rows[i].value == NULL) {
			assert_null(value);
		} else {
			assert_non_null(value);
			assert_string_equal(value, rows[i].value);
		}
		free(value);
	}
}

/* ---- descriptors of a child ---- */

static void
a_list_of_descriptors_is_read(void **state)
{
	struct child_fds fds;

	(void)state;
	assert_true(child_fds_parse("3,-1,4096", &fds));
	assert_int_equal(fds.count, 3);
	assert_int_equal(fds.list[0], 3);
	assert_int_equal(fds.list[1], -1);
	assert_int_equal(fds.list[2], 4096);
}

static void
a_malformed_list_of_descriptors_is_refused(void **state)
{
	static const char *const texts[] = {"", ",", "3,", ",3", "3,,4", "a", "3 4", "-2", "4097",
	    "99999999999999999999", "3;4", "0x3"};
	char many[400] = "1";
	struct child_fds fds;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_false(child_fds_parse(texts[i], &fds));
	for (int i = 1; i < CHILD_FDS_MAX; i++)
		strcat(many, ",1");
	assert_true(child_fds_parse(many, &fds));
	strcat(many, ",1");
	assert_false(child_fds_parse(many, &fds));
}

static void
a_realm_is_its_domain_only_where_the_configuration_says_so(void **state)
{
	static const struct {
		const char *name, *mapped;
	} rows[] = {
	    {"user1", "user1"},
	    {"user1@EXAMPLE.ORG", "user1@nwtraders.com"},
	    {"user1@example.org", "user1@example.org"}, /* realms have capitals that count */
	    {"user1@EXAMPLE.ORG.EVIL.COM", "user1@EXAMPLE.ORG.EVIL.COM"},
	    {"user1@XEXAMPLE.ORG", "user1@XEXAMPLE.ORG"},
	    {"a@EXAMPLE.ORG@EVIL.COM", "a@EXAMPLE.ORG@EVIL.COM"},
	};
	static char line[] = "EXAMPLE.ORG nwtraders.com";
	const struct config config = {.realms = {line}, .realm_count = 1};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *mapped = auth_map_realm(&config, rows[i].name);

		assert_string_equal(mapped, rows[i].mapped);
		free(mapped);
	}
}

static void
the_decoy_of_a_name_is_always_the_same_and_of_no_other(void **state)
{
	static uint8_t raw[2][32] = {{1}, {2}};
	const struct secret one = {raw[0], 32}, other = {raw[1], 32};
	char *a, *b, *c, *d;
	struct err err;

	(void)state;
	assert_true(scram_decoy(&one, "nobody", NULL, &a, &err));
	assert_true(scram_decoy(&one, "nobody", NULL, &b, &err));
	assert_true(scram_decoy(&one, "nobody2", NULL, &c, &err));
	assert_true(scram_decoy(&other, "nobody", NULL, &d, &err));
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_not_equal(a, d);
	/* As long as that of an account, to the letter. */
	assert_int_equal(strlen(a),
	    strlen("SCRAM-SHA-256$4096:hBtcasG9vtC/5KRNxep/Bg==$") + 44 + strlen(":") + 44);
	assert_memory_equal(a, "SCRAM-SHA-256$4096:", 19);
	free(a);
	free(b);
	free(c);
	free(d);
}

static void
the_decoy_of_an_account_has_its_salt_and_not_its_keys(void **state)
{
	static uint8_t raw[32];
	const struct secret secret = {raw, 32};
	char *decoy;
	struct err err;

	(void)state;
	assert_true(scram_decoy(
	    &secret, "user1", "SCRAM-SHA-256$10000:c2FsdA==$c3RvcmVk:c2VydmVy", &decoy, &err));
	assert_memory_equal(decoy, "SCRAM-SHA-256$10000:c2FsdA==$", 29);
	assert_null(strstr(decoy, "c3RvcmVk"));
	assert_null(strstr(decoy, "c2VydmVy"));
	free(decoy);
}

static void
records_of_failed_sign_ins_are_counted_out(void **state)
{
	struct sign_in_budget b = {0};
	int written = 0;

	(void)state;
	for (int64_t now = 0; now < 3600000; now += 10) /* an hour of 100 a second */
		written += sign_in_budget_spend(&b, now);
	assert_in_range(written, SIGN_IN_RECORDS + 355, SIGN_IN_RECORDS + 360);
	assert_int_equal(b.left_out, 360000 - written);
	b.left_out = 0;
	for (int i = 0; i < SIGN_IN_RECORDS; i++)
		assert_true(sign_in_budget_spend(&b, 7200000));
	assert_false(sign_in_budget_spend(&b, 7200000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_string_member_is_read),
	    cmocka_unit_test(what_is_no_object_with_that_string_gives_nothing),
	    cmocka_unit_test(a_body_truncated_anywhere_gives_nothing),
	    cmocka_unit_test(a_body_over_its_limit_gives_nothing),
	    cmocka_unit_test(an_error_answer_names_code_and_sentence),
	    cmocka_unit_test(an_empty_row_is_a_whole_object),
	    cmocka_unit_test(a_candidate_tells_the_version_of_its_certificate),
	    cmocka_unit_test(a_header_value_with_control_characters_is_refused),
	    cmocka_unit_test(a_ninth_header_is_refused),
	    cmocka_unit_test(a_query_parameter_is_decoded),
	    cmocka_unit_test(auth_parameters_are_read_as_tokens_and_quoted_strings),
	    cmocka_unit_test(a_realm_is_its_domain_only_where_the_configuration_says_so),
	    cmocka_unit_test(the_decoy_of_a_name_is_always_the_same_and_of_no_other),
	    cmocka_unit_test(the_decoy_of_an_account_has_its_salt_and_not_its_keys),
	    cmocka_unit_test(records_of_failed_sign_ins_are_counted_out),
	    cmocka_unit_test(a_list_of_descriptors_is_read),
	    cmocka_unit_test(a_malformed_list_of_descriptors_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
