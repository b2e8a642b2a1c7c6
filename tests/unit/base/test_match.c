#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "match.h"

static void
names_match_as_directories_match_them(void **state)
{
	static const struct {
		const char *a, *b;
		bool match;
	} rows[] = {
	    {"User1", "uSER1", true},
	    {"J\u00f6rg", "J\u00d6RG", true},
	    {"J\u00f6rg", "Jo\u0308rg", true}, /* NFC and NFD */
	    {"\u00dcnal", "u\u0308NAL", true},
	    {"Stra\u00dfe", "STRASSE", true},
	    {"\u03a3\u03c3", "\u03c2\u03a3", true},
	    {"\u0416\u0443\u043a", "\u0436\u0423\u041a", true},
	    {"\uff2a\uff4f", "jo", true}, /* wide letters */
	    {"\ufb01n", "FIN", true},     /* a ligature */
	    {"so\u00adft", "soft", true}, /* what does not show */
	    {"a\u200db", "ab", true},
	    {"\U00020bb7", "\U00020bb7", true},
	    {"\U00010400", "\U00010428", true}, /* capitals beyond U+FFFF */
	    {"  Pit   Case ", "pit case", true},
	    {"Pit\u00a0Case", "Pit Case", true},
	    {"Pit\tCase", "Pit Case", true},
	    {"", " ", true},
	    {"J\u00f6rg", "Jorg", false},
	    {"PitCase", "Pit Case", false},
	    {"\U00020bb7", "\u5409", false},
	    {"a\xff", "a\xff", true}, /* no UTF-8: itself alone */
	    {"a\xff", "A\xff", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *key = match_key(rows[i].a), *again = match_key(key);

		if (match_eq(rows[i].a, rows[i].b) != rows[i].match)
			fail_msg("\"%s\" and \"%s\"", rows[i].a, rows[i].b);
		assert_string_equal(key, again);
		free(key);
		free(again);
	}
}

static void
few_names_need_a_key(void **state)
{
	static const struct {
		const char *text, *key;
	} rows[] = {
	    {"User One", NULL},
	    {"NWTRADERS\\user1", NULL},
	    {"", NULL},
	    {"\u738b\u5c0f\u660e", NULL}, /* has no other spelling that NOCASE would miss */
	    {"J\u00f6rg", NULL},
	    {"J\u00d6rg", "j\u00f6rg"},
	    {"a  b", "a b"},
	    {" a", "a"},
	    {"a ", "a"},
	    {"a\tb", "a b"},
	    {"Stra\u00dfe", "strasse"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *key = match_key_beyond_ascii(rows[i].text);

		if ((key == NULL) != (rows[i].key == NULL))
			fail_msg("\"%s\"", rows[i].text);
		if (key != NULL)
			assert_string_equal(key, rows[i].key);
		free(key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_match_as_directories_match_them),
	    cmocka_unit_test(few_names_need_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
