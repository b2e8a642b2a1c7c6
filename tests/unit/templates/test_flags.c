/* The table of flags: complete, without overlaps, and the names it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "flags.h"

static void
rows_ascend_without_overlap(void **state)
{
	(void)state;
	for (enum tmpl_word w = 0; w < TMPL_WORDS; w++) {
		size_t count;
		const struct tmpl_flag *f = tmpl_flags(w, &count);
		uint32_t seen = 0;

		assert_true(count > 10);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(f[i].mask & seen, 0);
			assert_true(f[i].mask > seen);
			assert_true(strlen(f[i].name) > 0 && strlen(f[i].effect) > 0);
			seen |= f[i].mask;
		}
		assert_int_equal(tmpl_flags_unknown(w, seen), 0);
		assert_int_equal(tmpl_flags_unknown(w, UINT32_MAX), (uint32_t)~seen);
	}
}

static void
set_bits_have_their_names(void **state)
{
	static const struct {
		enum tmpl_word word;
		uint32_t value;
		const char *names;
	} rows[] = {
	    {TMPL_FLAGS, 0, ""},
	    {TMPL_FLAGS, 0x40, "CT_FLAG_MACHINE_TYPE"},
	    {TMPL_FLAGS, 0x10240,
		"CT_FLAG_MACHINE_TYPE | CT_FLAG_ADD_TEMPLATE_NAME | CT_FLAG_IS_DEFAULT"},
	    {TMPL_ENROLLMENT_FLAG, 0x12,
		"CT_FLAG_PEND_ALL_REQUESTS | CT_FLAG_AUTO_ENROLLMENT_CHECK_USER_DS_CERTIFICATE"},
	    {TMPL_NAME_FLAG, 0x80000001u,
		"CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT | CT_FLAG_SUBJECT_REQUIRE_DIRECTORY_PATH"},
	    {TMPL_NAME_FLAG, 0x30, "0x30"},
	    {TMPL_PRIVATE_KEY_FLAG, 0x05060001,
		"CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL | minimum server version=6 | minimum client "
		"version=5"},
	    {TMPL_PRIVATE_KEY_FLAG, 0x80000010u, "CT_FLAG_EXPORTABLE_KEY | 0x80000000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *names = tmpl_flag_names(rows[i].word, rows[i].value);

		assert_string_equal(names, rows[i].names);
		free(names);
	}
}

static void
words_are_those_of_the_template(void **state)
{
	const struct tmpl t = {
	    .flags = 1, .enrollment_flag = 2, .name_flag = 3, .private_key_flag = 4};

	(void)state;
	for (enum tmpl_word w = 0; w < TMPL_WORDS; w++)
		assert_int_equal(tmpl_word_value(&t, w), w + 1);
	assert_string_equal(tmpl_word_attribute(TMPL_FLAGS), "flags");
	assert_string_equal(tmpl_word_attribute(TMPL_PRIVATE_KEY_FLAG), "msPKI-Private-Key-Flag");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_ascend_without_overlap),
	    cmocka_unit_test(set_bits_have_their_names),
	    cmocka_unit_test(words_are_those_of_the_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
