#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recover.h"

static void
each_form_of_the_paper_is_recognised(void **state)
{
	static const struct {
		const char *given;
		enum token_kind kind;
		const char *text, *left, *right;
		size_t digits;
	} rows[] = {
	    {"User1@nwtraders.com", TOKEN_UPN, "User1@nwtraders.com", NULL, NULL, 0},
	    {"  user1@nwtraders.com\t", TOKEN_UPN, "user1@nwtraders.com", NULL, NULL, 0},
	    {"@", TOKEN_UPN, "@", NULL, NULL, 0},
	    {"nwtraders\\user1", TOKEN_DOWNLEVEL, "nwtraders\\user1", "nwtraders", "user1", 0},
	    {"Users\\nuser1", TOKEN_DOWNLEVEL, "Users\\nuser1", "Users", "nuser1", 0},
	    {"NWTRADERS\\user@x", TOKEN_DOWNLEVEL, "NWTRADERS\\user@x", "NWTRADERS", "user@x", 0},
	    {"a\\b\\c", TOKEN_DOWNLEVEL, "a\\b\\c", "a", "b\\c", 0},
	    {"User1", TOKEN_CN, "User1", NULL, NULL, 0},
	    {"User One", TOKEN_CN, "User One", NULL, NULL, 0},
	    {"1464be10000000000007", TOKEN_SERIAL_OR_HASH, "1464be10000000000007", NULL, NULL, 20},
	    {"1B 4A b7 1e 00 00 00 00 00 1d", TOKEN_SERIAL_OR_HASH, "1b4ab71e00000000001d", NULL,
		NULL, 20},
	    {"a2:7f:77:bc:2f:7b:eb:26:bd:3e:ed:43:b8:2a:24:04:2e:55:b8:64", TOKEN_SERIAL_OR_HASH,
		"a27f77bc2f7beb26bd3eed43b82a24042e55b864", NULL, NULL, 40},
	    {"000123", TOKEN_SERIAL_OR_HASH, "0123", NULL, NULL, 6},
	    {"123", TOKEN_SERIAL_OR_HASH, "0123", NULL, NULL, 3},
	    {"0a1b2", TOKEN_SERIAL_OR_HASH, "a1b2", NULL, NULL, 5},
	    {"0000", TOKEN_SERIAL_OR_HASH, "00", NULL, NULL, 4},
	    {"0", TOKEN_SERIAL_OR_HASH, "00", NULL, NULL, 1},
	    {"dead beef", TOKEN_SERIAL_OR_HASH, "deadbeef", NULL, NULL, 8},
	    {":", TOKEN_CN, ":", NULL, NULL, 0},
	    {"0x12", TOKEN_CN, "0x12", NULL, NULL, 0},
	    {"J\xc3\xbcrgen", TOKEN_CN, "J\xc3\xbcrgen", NULL, NULL, 0},
	};
	struct token t;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(token_parse(rows[i].given, &t, &err));
		assert_int_equal(t.kind, rows[i].kind);
		assert_string_equal(t.text, rows[i].text);
		assert_int_equal(t.digits, rows[i].digits);
		if (rows[i].left != NULL) {
			assert_string_equal(t.left, rows[i].left);
			assert_string_equal(t.right, rows[i].right);
		} else {
			assert_null(t.left);
			assert_null(t.right);
		}
		token_free(&t);
	}
}

static void
hex_token_keeps_the_name_that_it_may_be(void **state)
{
	struct token t;
	struct err err;

	(void)state;
	assert_true(token_parse(" Dead Beef ", &t, &err));
	assert_string_equal(t.text, "deadbeef");
	assert_string_equal(t.name, "Dead Beef");
	token_free(&t);
}

static void
what_no_name_can_be_is_refused(void **state)
{
	static const char *const bad[] = {"", "   ", "\t", "a\nb", "user\x01", "user\x7f", "\\user",
	    "DOMAIN\\", "\\", "\xff\xfe", "a\rb"};
	struct token t;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(token_parse(bad[i], &t, &err));
		assert_int_equal(err.code, E_INVALIDARG);
		token_free(&t);
	}
}

static void
length_has_a_limit(void **state)
{
	char text[514];
	struct token t;
	struct err err;

	(void)state;
	memset(text, 'x', sizeof text);
	text[512] = '\0';
	assert_true(token_parse(text, &t, &err));
	token_free(&t);
	text[512] = 'x';
	text[513] = '\0';
	assert_false(token_parse(text, &t, &err));
	assert_int_equal(err.code, E_INVALIDARG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_form_of_the_paper_is_recognised),
	    cmocka_unit_test(hex_token_keeps_the_name_that_it_may_be),
	    cmocka_unit_test(what_no_name_can_be_is_refused),
	    cmocka_unit_test(length_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
