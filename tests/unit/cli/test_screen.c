#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "screen.h"

static char seen[4096];

/* What comes out when `pieces` are written one by one. */
static void
show(const char *const *pieces, size_t count)
{
	FILE *file = tmpfile(), *stream;
	size_t n;

	assert_non_null(file);
	assert_non_null(stream = screen_stream(fileno(file)));
	setvbuf(stream, NULL, _IONBF, 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
		    fwrite(pieces[i], 1, strlen(pieces[i]), stream), strlen(pieces[i]));
	assert_int_equal(fclose(stream), 0);
	rewind(file);
	n = fread(seen, 1, sizeof seen - 1, file);
	seen[n] = '\0';
	fclose(file);
}

static void
lines_and_tabs_pass_and_the_rest_is_escaped(void **state)
{
	static const char *const text[] = {"a\tb\nm\u00fcller \xc2\x9b"
					   "31m\u202e\x1b[0m\r\n"};

	(void)state;
	show(text, 1);
	assert_string_equal(seen, "a\tb\nm\u00fcller \\u009b31m\\u202e\\u001b[0m\\u000d\n");
}

static void
a_character_may_come_in_pieces(void **state)
{
	static const char *const pieces[] = {
	    "x\xf0", "\x9f\x98", "\x80y\xe2\x80", "\xae", "\xe2", "z\xc3"};

	(void)state;
	show(pieces, sizeof pieces / sizeof pieces[0]);
	assert_string_equal(seen, "x\U0001f600y\\u202e\\xe2z\\xc3");
}

static void
escapes_in_json_mean_the_character(void **state)
{
	static const char name[] = "\u202egpj.exe \U000e0041 m\u00fcller";
	json_t *value = json_pack("{s:s}", "subject", name), *back;
	char *text = json_dumps(value, JSON_INDENT(2));
	const char *const pieces[] = {text};

	(void)state;
	show(pieces, 1);
	assert_null(strstr(seen, "\u202e"));
	assert_non_null(back = json_loads(seen, 0, NULL));
	assert_true(json_equal(back, value));
	free(text);
	json_decref(value);
	json_decref(back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_and_tabs_pass_and_the_rest_is_escaped),
	    cmocka_unit_test(a_character_may_come_in_pieces),
	    cmocka_unit_test(escapes_in_json_mean_the_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
