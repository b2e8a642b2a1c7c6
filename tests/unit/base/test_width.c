/* The room that a text takes on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"
#include "width.h"

#define DOTS   "\xe2\x80\xa6"
#define LI     "\xe6\x9d\x8e" /* two columns */
#define E_LONG "e\xcc\x81"    /* one, of two characters */
#define JOSE   "Jos\xc3\xa9"

static void
wide_characters_are_two_and_combining_ones_none(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {{"", 0}, {"abc", 3}, {JOSE, 4}, {LI, 2}, {E_LONG, 1}, {"\xff", 1}, {DOTS, 1}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(width_of(rows[i].text), rows[i].width);
}

static void
what_does_not_fit_ends_in_an_ellipsis(void **state)
{
	static const struct {
		const char *text;
		size_t most;
		const char *cut;
	} rows[] = {
	    {"", 0, ""},
	    {"abc", 3, "abc"},
	    {"abcd", 3, "ab" DOTS},
	    {"abcd", 1, DOTS},
	    {"abcd", 0, DOTS},
	    {JOSE, 4, JOSE},
	    {JOSE "x", 4, "Jos" DOTS},
	    {LI LI, 4, LI LI},
	    {LI LI, 3, LI DOTS},
	    {LI LI LI, 4, LI DOTS}, /* half a character is none */
	    {E_LONG "bc", 2, E_LONG DOTS},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *cut = width_cut(rows[i].text, rows[i].most);

		assert_string_equal(cut, rows[i].cut);
		assert_true(width_of(cut) <= rows[i].most || rows[i].most == 0);
		free(cut);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wide_characters_are_two_and_combining_ones_none),
	    cmocka_unit_test(what_does_not_fit_ends_in_an_ellipsis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
