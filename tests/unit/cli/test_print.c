/* Output that several verbs share, and what becomes text in a URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http_client.h"
#include "print.h"

static void
a_time_is_printed_to_the_minute(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	print_when(f, INT64_C(1764000000));
	fclose(f);
	assert_string_equal(text, "2025-11-24 16:00 UTC");
	free(text);
}

static void
a_hash_is_printed_in_octets(void **state)
{
	static const uint8_t bytes[] = {0xa2, 0x7f, 0x00};
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	print_hash(f, bytes, 3);
	print_hash(f, bytes, 0);
	fclose(f);
	assert_string_equal(text, "a2 7f 00");
	free(text);
}

static void
a_member_that_is_no_string_is_a_dash(void **state)
{
	json_t *o = json_pack("{s:s, s:i, s:n}", "a", "x", "b", 1, "c");

	(void)state;
	assert_string_equal(json_text(o, "a"), "x");
	assert_string_equal(json_text(o, "b"), "-");
	assert_string_equal(json_text(o, "c"), "-");
	assert_string_equal(json_text(o, "d"), "-");
	assert_string_equal(json_text(NULL, "a"), "-");
	json_decref(o);
}

static void
what_a_url_could_misread_is_escaped(void **state)
{
	static const char *const rows[][2] = {{"", ""}, {"aZ09-_.~", "aZ09-_.~"},
	    {"CA\\KRACertCount", "CA%5CKRACertCount"}, {"a/b?c&d=e#f%", "a%2Fb%3Fc%26d%3De%23f%25"},
	    {"\xc3\xa9 \n", "%C3%A9%20%0A"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = http_escape(rows[i][0]);

		assert_non_null(text);
		assert_string_equal(text, rows[i][1]);
		free(text);
	}
}

static void
an_answer_that_refuses_keeps_its_code_and_sentence(void **state)
{
	char good[] = "{\"error\":{\"name\":\"CERTSRV_E_TEMPLATE_DENIED\",\"message\":\"no\"}}",
	     bad[] = "{\"error\":{\"name\":\"ERR_OK\",\"message\":\"no\"}}", html[] = "<html>";
	struct http_answer a = {
	    .status = 403, .body = {.ptr = (uint8_t *)good, .len = strlen(good)}};
	struct err err;

	(void)state;
	assert_false(http_answer_check(&a, &err));
	assert_int_equal(err.code, CERTSRV_E_TEMPLATE_DENIED);
	assert_string_equal(err.msg, "no");
	a.body = (struct buf){.ptr = (uint8_t *)bad, .len = strlen(bad)};
	assert_false(http_answer_check(&a, &err));
	assert_int_equal(err.code, DIRCA_E_NETWORK);
	a.body = (struct buf){.ptr = (uint8_t *)html, .len = strlen(html)};
	assert_false(http_answer_check(&a, &err));
	a.status = 404;
	assert_false(http_answer_check(&a, &err));
	assert_int_equal(err.code, CRYPT_E_NOT_FOUND);
	a.status = 200;
	assert_true(http_answer_check(&a, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_time_is_printed_to_the_minute),
	    cmocka_unit_test(a_hash_is_printed_in_octets),
	    cmocka_unit_test(a_member_that_is_no_string_is_a_dash),
	    cmocka_unit_test(what_a_url_could_misread_is_escaped),
	    cmocka_unit_test(an_answer_that_refuses_keeps_its_code_and_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
