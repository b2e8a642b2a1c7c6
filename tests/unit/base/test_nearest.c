/* Names that somebody may have meant: which are near, which come first, how it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nearest.h"

static const char *const names[] = {"requests", "request show", "getkey", "getreg", "setreg",
    "approve", "template list", "template lint", "ca", "cas", "crl", "json"};

static void
one_asks_for_what_is_near(void **state)
{
	static const struct {
		const char *typed, *sentence;
	} rows[] = {
	    {"getkye", "; perhaps '--getkey' is meant"},  /* neighbours in each other's place */
	    {"gtkey", "; perhaps '--getkey' is meant"},   /* one left out */
	    {"getkeyy", "; perhaps '--getkey' is meant"}, /* doubled */
	    {"GETKEX", "; perhaps '--getkey' is meant"},  /* wrong, and case does not count */
	    {"req", "; perhaps '--requests' or '--request show' is meant"}, /* the beginning */
	    {"getre", "; perhaps '--getreg' is meant"},                     /* the nearest only */
	    {"template lsit", "; perhaps '--template list' is meant"},
	    {"approvement", "; perhaps '--approve' is meant"}, /* it goes on */
	    {"jsno", "; perhaps '--json' is meant"},
	    {"c", ""}, /* a letter begins too much */
	    {"x", ""},
	    {"", ""},
	    {"nothing of all this", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct nearest near = {.typed = rows[i].typed};
		char *sentence;

		for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
			nearest_offer(&near, names[k]);
		sentence = nearest_sentence(&near, "--");
		assert_string_equal(sentence, rows[i].sentence);
		free(sentence);
	}
}

static void
three_are_enough_and_none_comes_twice(void **state)
{
	struct nearest near = {.typed = "note"};
	char *sentence;

	(void)state;
	nearest_offer(&near, "nots");
	nearest_offer(&near, "nota");
	nearest_offer(&near, "nots");
	nearest_offer(&near, "noti");
	nearest_offer(&near, "notu");
	assert_int_equal(near.count, 3);
	sentence = nearest_sentence(&near, "");
	assert_string_equal(sentence, "; perhaps 'nots', 'nota' or 'noti' is meant");
	free(sentence);
}

static void
what_is_too_long_is_near_nothing(void **state)
{
	char typed[1000];
	struct nearest near = {.typed = typed};

	(void)state;
	for (size_t i = 0; i + 1 < sizeof typed; i++)
		typed[i] = 'a';
	typed[sizeof typed - 1] = '\0';
	nearest_offer(&near, "aaa");
	nearest_offer(&near, typed);
	assert_int_equal(near.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_asks_for_what_is_near),
	    cmocka_unit_test(three_are_enough_and_none_comes_twice),
	    cmocka_unit_test(what_is_too_long_is_near_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
