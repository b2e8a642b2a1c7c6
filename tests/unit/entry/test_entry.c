#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "entry.h"

static struct dir_entry
entry_with(const char *name, const char *value)
{
	struct dir_entry e;
	struct err err;

	assert_true(dir_entry_init(&e, "CN=x,DC=example", &err));
	assert_true(dir_entry_add(&e, name, view_str(value), &err));
	return e;
}

static void
names_are_compared_without_case_and_options(void **state)
{
	struct dir_entry e = entry_with("userCertificate;binary", "a");
	struct err err;

	(void)state;
	assert_string_equal(e.attrs[0].name, "userCertificate");
	assert_true(dir_entry_add(&e, "USERCERTIFICATE", view_str("b"), &err));
	assert_int_equal(e.count, 1);
	assert_non_null(dir_entry_attr(&e, "usercertificate;x-y"));
	assert_int_equal(dir_entry_attr(&e, "userCertificate")->count, 2);
	assert_null(dir_entry_attr(&e, "userCert"));
	assert_null(dir_entry_attr(&e, "userCertificates"));
	assert_null(dir_entry_attr(&e, ""));
	assert_true(dir_attr_has(dir_entry_attr(&e, "userCertificate"), view_str("b")));
	assert_false(dir_attr_has(dir_entry_attr(&e, "userCertificate"), view_str("B")));
	assert_false(dir_attr_has(NULL, view_str("b")));
	dir_entry_free(&e);
}

static void
values_are_kept_in_order_and_with_nul_bytes(void **state)
{
	struct dir_entry e = entry_with("a", "2");
	const struct dir_attr *a;
	struct err err;

	(void)state;
	assert_true(dir_entry_add(&e, "a", view_of("1\0z", 3), &err));
	assert_true(dir_entry_add(&e, "a", view_of(NULL, 0), &err));
	a = dir_entry_attr(&e, "a");
	assert_int_equal(a->count, 3);
	assert_memory_equal(a->values[0].ptr, "2", 1);
	assert_int_equal(a->values[1].len, 3);
	assert_memory_equal(a->values[1].ptr, "1\0z", 3);
	assert_int_equal(a->values[2].len, 0);
	dir_entry_free(&e);
}

static void
a_value_matches_whole_and_without_case(void **state)
{
	struct dir_entry e = entry_with("objectClass", "groupOfNames");

	(void)state;
	assert_true(dir_entry_has_value_nocase(&e, "objectclass", "GROUPOFNAMES"));
	assert_false(dir_entry_has_value_nocase(&e, "objectClass", "groupOfName"));
	assert_false(dir_entry_has_value_nocase(&e, "objectClass", "groupOfNamesX"));
	assert_false(dir_entry_has_value_nocase(&e, "cn", "groupOfNames"));
	dir_entry_free(&e);
}

static void
an_absent_attribute_leaves_the_output(void **state)
{
	struct dir_entry e = entry_with("a", "1");
	char *text = NULL;
	int32_t n = 7;
	struct view v = {0};
	struct err err;

	(void)state;
	assert_int_equal(dir_entry_text(&e, "b", &text, &err), DIR_GET_ABSENT);
	assert_null(text);
	assert_int_equal(dir_entry_int32(&e, "b", &n, &err), DIR_GET_ABSENT);
	assert_int_equal(n, 7);
	assert_int_equal(dir_entry_bytes(&e, "b", &v, &err), DIR_GET_ABSENT);
	assert_null(v.ptr);
	dir_entry_free(&e);
}

static void
two_values_are_no_single_value(void **state)
{
	struct dir_entry e = entry_with("a", "1");
	char *text = NULL;
	int32_t n = 7;
	struct view v = {0};
	struct err err;

	(void)state;
	assert_true(dir_entry_add(&e, "a", view_str("2"), &err));
	assert_int_equal(dir_entry_text(&e, "a", &text, &err), DIR_GET_FAILED);
	assert_null(text);
	assert_non_null(strstr(err.msg, "CN=x,DC=example"));
	assert_non_null(strstr(err.msg, "attribute a"));
	assert_int_equal(dir_entry_int32(&e, "a", &n, &err), DIR_GET_FAILED);
	assert_int_equal(n, 7);
	assert_int_equal(dir_entry_bytes(&e, "a", &v, &err), DIR_GET_FAILED);
	dir_entry_free(&e);
}

static void
numbers_are_signed_and_of_32_bits(void **state)
{
	static const struct {
		const char *text;
		enum dir_get got;
		int32_t n;
	} rows[] = {
	    {"0", DIR_GET_OK, 0},
	    {"-2113929216", DIR_GET_OK, -2113929216},
	    {"-2147483648", DIR_GET_OK, INT32_MIN},
	    {"2147483647", DIR_GET_OK, INT32_MAX},
	    {"2147483648", DIR_GET_FAILED, 0},
	    {"-2147483649", DIR_GET_FAILED, 0},
	    {"99999999999999999999", DIR_GET_FAILED, 0},
	    {"1x", DIR_GET_FAILED, 0},
	    {" 1", DIR_GET_FAILED, 0},
	    {"", DIR_GET_FAILED, 0},
	    {"0x10", DIR_GET_FAILED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dir_entry e = entry_with("flags", rows[i].text);
		int32_t n = 0;
		struct err err;

		assert_int_equal(dir_entry_int32(&e, "flags", &n, &err), rows[i].got);
		assert_int_equal(n, rows[i].n);
		dir_entry_free(&e);
	}
}

static void
text_refuses_control_characters_nul_and_bad_utf8(void **state)
{
	static const struct view bad[] = {
	    {(const uint8_t *)"a\0b", 3},
	    {(const uint8_t *)"a\nb", 3},
	    {(const uint8_t *)"a\x7f", 2},
	    {(const uint8_t *)"\xff", 1},
	    {(const uint8_t *)"\xc3", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct dir_entry e = {0};
		char *text = NULL;
		struct err err;

		assert_true(dir_entry_init(&e, "CN=x", &err));
		assert_true(dir_entry_add(&e, "cn", bad[i], &err));
		assert_int_equal(dir_entry_text(&e, "cn", &text, &err), DIR_GET_FAILED);
		assert_null(text);
		assert_non_null(strstr(err.msg, "CN=x"));
		dir_entry_free(&e);
	}
}

static void
a_copy_owns_what_it_holds(void **state)
{
	struct dir_entry e = entry_with("a", "1"), copy;
	struct err err;

	(void)state;
	assert_true(dir_entry_add(&e, "b", view_str("2"), &err));
	assert_true(dir_entry_copy(&e, &copy, &err));
	dir_entry_free(&e);
	assert_string_equal(copy.dn, "CN=x,DC=example");
	assert_int_equal(copy.count, 2);
	assert_true(dir_entry_has_value_nocase(&copy, "a", "1"));
	assert_true(dir_entry_has_value_nocase(&copy, "b", "2"));
	dir_entry_free(&copy);
	assert_null(copy.dn);
	dir_entry_free(&copy);
	dir_entry_free(NULL);
	dir_entries_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_compared_without_case_and_options),
	    cmocka_unit_test(values_are_kept_in_order_and_with_nul_bytes),
	    cmocka_unit_test(a_value_matches_whole_and_without_case),
	    cmocka_unit_test(an_absent_attribute_leaves_the_output),
	    cmocka_unit_test(two_values_are_no_single_value),
	    cmocka_unit_test(numbers_are_signed_and_of_32_bits),
	    cmocka_unit_test(text_refuses_control_characters_nul_and_bad_utf8),
	    cmocka_unit_test(a_copy_owns_what_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
