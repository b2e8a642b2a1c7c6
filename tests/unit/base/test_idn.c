/* Names of hosts in two spellings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idn.h"

static void
each_name_has_the_other_spelling(void **state)
{
	static const char *const pairs[][2] = {
	    {"m\u00fcller.example", "xn--mller-kva.example"},
	    {"anna@m\u00fcller.example", "anna@xn--mller-kva.example"},
	    {"a.b\"@\"c@m\u00fcller.example", "a.b\"@\"c@xn--mller-kva.example"},
	    {"fa\u00df.example", "xn--fa-hia.example"}, /* and no fass.example */
	    {"\u65e5\u672c\u8a9e.example", "xn--wgv71a119e.example"},
	    {"\u05d0\u05d1.example", "xn--4dbc.example"},
	    {"www.b\u00fccher.m\u00fcller.example", "www.xn--bcher-kva.xn--mller-kva.example"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		char *ascii = idn_to_ascii(pairs[i][0]), *text = idn_to_unicode(pairs[i][1]),
		     *other = idn_other(pairs[i][1]);

		if (ascii == NULL || text == NULL || other == NULL)
			fail_msg("%s", pairs[i][0]);
		assert_string_equal(ascii, pairs[i][1]);
		assert_string_equal(text, pairs[i][0]);
		assert_string_equal(other, pairs[i][0]);
		free(ascii);
		free(text);
		free(other);
	}
}

static void
case_is_no_other_name(void **state)
{
	char *upper = idn_to_ascii("Anna@M\u00dcLLER.Example"),
	     *back = idn_to_unicode("Anna@XN--MLLER-KVA.example");

	(void)state;
	assert_string_equal(upper, "Anna@xn--mller-kva.example");
	assert_string_equal(back, "Anna@m\u00fcller.example");
	free(upper);
	free(back);
}

/* Else somebody who is called so would have another's name in a certificate. */
static void
nothing_becomes_what_it_is_not(void **state)
{
	static const char *const none[] = {"example", "user1@nwtraders.com", "", "@", "a@",
	    "nwtraders.co\uff4d",    /* a wide letter */
	    "\u212aim.example",      /* the sign of Kelvin */
	    "\u0130stanbul.example", /* I with a dot */
	    "nw\u00adtraders.com",   /* a soft hyphen */
	    "a\u200bb.example",      /* a blank of no width */
	    "a\u200db.example",      /* a joiner without what it joins */
	    "a\u200f.example",       /* a mark of right to left */
	    "mu\u0308ller.example",  /* not composed */
	    "\u0301a.example",       /* begins with an accent */
	    "a\u3002example",        /* another full stop */
	    "m\u00fc ller.example", "m\u00fc_ller.example", "-m\u00fcller.example",
	    "\U0001f98a.example", /* a fox */
	    "\u2126.example", "m\u00fc..example", "m\xfcller.example", "xn--nwtraders-.com",
	    "xn--.example", "xn--abc.example", "xn--fox-x", "\u00fc@example"};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		char *other = idn_other(none[i]);

		if (other != NULL)
			fail_msg("%zu: %s is %s", i, none[i], other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_name_has_the_other_spelling),
	    cmocka_unit_test(case_is_no_other_name),
	    cmocka_unit_test(nothing_becomes_what_it_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
