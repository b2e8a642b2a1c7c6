#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "printable.h"

static void
names_of_people_are_shown_as_they_are(void **state)
{
	static const char *const good[] = {
	    "user1", "m\u00fcller", "\u0645\u062d\u0645\u062f \u0639\u0644\u064a", /* Arabic */
	    "\u05d3\u05d5\u05d3",                                                  /* Hebrew */
	    "\u738b\u5c0f\u660e",                                                  /* Chinese */
	    "\u0e2a\u0e21\u0e0a\u0e32\u0e22", /* Thai, with marks */
	    "e\u0301",                        /* combining */
	    "\U0001f600\ufe0f",               /* emoji, variation selector */
	    "\U00020bb7\u91ce",               /* beyond U+FFFF */
	};
	uint32_t bad;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		char *shown = printable_escape(good[i]);

		assert_true(printable_text(view_str(good[i]), &bad));
		assert_string_equal(shown, good[i]);
		free(shown);
	}
}

static void
what_people_do_not_see_is_escaped(void **state)
{
	static const struct {
		const char *text, *shown;
		uint32_t bad;
	} rows[] = {
	    {"a\nb", "a\\u000ab", 0x0a}, {"a\x7f", "a\\u007f", 0x7f},
	    {"\xc2\x9b"
	     "31mRED",
		"\\u009b31mRED", 0x9b},
	    {"so\u00adft", "so\\u00adft", 0xad}, {"\u202egpj.exe", "\\u202egpj.exe", 0x202e},
	    {"\u2066x\u2069", "\\u2066x\\u2069", 0x2066}, {"a\u2028b", "a\\u2028b", 0x2028},
	    {"a\u200cb", "a\\u200cb", 0x200c}, {"a\u200db", "a\\u200db", 0x200d},
	    {"\ufeff", "\\ufeff", 0xfeff}, {"\U000e0041", "\\udb40\\udc41", 0xe0041},
	    {"\U0010ffff", "\\udbff\\udfff", 0x10ffff}, {"\ufdd0", "\\ufdd0", 0xfdd0},
	    {"a\xff", "a\\xff", UINT32_MAX}, {"\xe2\x82", "\\xe2\\x82", UINT32_MAX},
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80", UINT32_MAX}, /* a surrogate */
	};
	uint32_t bad;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *shown = printable_escape(rows[i].text);

		assert_string_equal(shown, rows[i].shown);
		free(shown);
		assert_false(printable_text(view_str(rows[i].text), &bad));
		assert_int_equal(bad, rows[i].bad);
	}
}

static void
the_ends_of_the_ranges_are_exact(void **state)
{
	static const uint32_t hidden[] = {0, 0x1f, 0x7f, 0x9f, 0x200b, 0x200f, 0x2028, 0x202e,
	    0x2060, 0x206f, 0xfff9, 0xfffb, 0xfffe, 0xffff, 0x1fffe, 0xe007f},
			      shown[] = {0x20, 0x7e, 0xa0, 0xac, 0xae, 0x200a, 0x2010, 0x2027,
				  0x202f, 0x205f, 0x2070, 0xfff8, 0xfffc, 0xfffd, 0x1fffd, 0xe0100};

	(void)state;
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
		assert_false(printable_character(hidden[i]));
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		assert_true(printable_character(shown[i]));
}

static void
a_text_is_cut_at_a_whole_character(void **state)
{
	static const char text[] = "ab\u202e\u20ac\u20ac";
	char to[sizeof "ab\\u202e\u20ac\u20ac"];

	(void)state;
	for (size_t size = 1; size <= sizeof to; size++) {
		size_t wanted = size > 14   ? 14
				: size > 11 ? 11
				: size > 8  ? 8
				: size > 2  ? 2
				: size > 1  ? 1
					    : 0;

		memset(to, 'x', sizeof to);
		printable_copy(view_str(text), to, size);
		assert_int_equal(strlen(to), wanted);
		assert_memory_equal(to, "ab\\u202e\u20ac\u20ac", wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_of_people_are_shown_as_they_are),
	    cmocka_unit_test(what_people_do_not_see_is_escaped),
	    cmocka_unit_test(the_ends_of_the_ranges_are_exact),
	    cmocka_unit_test(a_text_is_cut_at_a_whole_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
