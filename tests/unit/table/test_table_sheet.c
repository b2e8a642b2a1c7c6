/* Tables: as wide as what is in them, and cut where a terminal is narrow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"
#include "table_sheet.h"

static const struct table_column columns[] = {
    {"id", TABLE_NUMBER, false, NULL},
    {"who", TABLE_TEXT, false, NULL},
    {"serial_number", TABLE_HEX, false, NULL},
    {"text", TABLE_TEXT, false, NULL},
};
static const struct table table = {columns, COUNT_OF(columns), "id,who,serial_number,text", NULL};

static struct table_choice choice;

static void
add(struct table_sheet *s, int id, const char *who, const char *text)
{
	json_t *row = json_pack("{s:i, s:s, s:s, s:s}", "id", id, "who", who, "serial_number",
	    "0123456789abcdef", "text", text);

	assert_non_null(row);
	table_sheet_add(s, row);
	json_decref(row);
}

static void
assert_lines(struct table_sheet *s, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	table_sheet_print(s, f);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void
a_column_is_as_wide_as_what_is_in_it(void **state)
{
	struct table_sheet s = {.columns = &choice};

	(void)state;
	add(&s, 7, "bob", "short");
	add(&s, 1234, "J\xc3\xb6rg", "and long");
	assert_lines(&s, "  ID  WHO   SERIAL NUMBER     TEXT\n"
			 "   7  bob   0123456789abcdef  short\n"
			 "1234  J\xc3\xb6rg  0123456789abcdef  and long\n");
	/* The next page has no head, and no column is narrower than before. */
	add(&s, 1235, "\xe6\x9d\x8e\xe5\xb0\x8f\xe9\xbe\x8d", "-");
	add(&s, 3, "x", "-");
	assert_lines(&s, "1235  \xe6\x9d\x8e\xe5\xb0\x8f\xe9\xbe\x8d  0123456789abcdef  -\n"
			 "   3  x       0123456789abcdef  -\n");
	table_sheet_free(&s);
}

static void
an_empty_table_is_its_head(void **state)
{
	struct table_sheet s = {.columns = &choice, .room = 20};

	(void)state;
	assert_lines(&s, "ID  WHO  SERIAL \xe2\x80\xa6  TEXT\n");
	assert_lines(&s, "");
	table_sheet_free(&s);
}

static void
texts_are_cut_before_serial_numbers_and_numbers_never(void **state)
{
	static const struct {
		size_t room;
		const char *line;
	} rows[] = {
	    {0, "1000000007  somebody of some name  0123456789abcdef  a text that is long\n"},
	    {72, "1000000007  somebody of some name  0123456789abcdef  a text that is long\n"},
	    {71, "1000000007  somebody of some na\xe2\x80\xa6  0123456789abcdef  a text that is "
		 "long\n"},
	    {60, "1000000007  somebody of s\xe2\x80\xa6  0123456789abcdef  a text that "
		 "i\xe2\x80\xa6\n"},
	    {48, "1000000007  somebod\xe2\x80\xa6  0123456789abcdef  a text \xe2\x80\xa6\n"},
	    {40, "1000000007  somebod\xe2\x80\xa6  0123456\xe2\x80\xa6  a text \xe2\x80\xa6\n"},
	    {10, "1000000007  somebod\xe2\x80\xa6  0123456\xe2\x80\xa6  a text \xe2\x80\xa6\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct table_sheet s = {.columns = &choice, .room = rows[i].room, .has_head = true};

		add(&s, 1000000007, "somebody of some name", "a text that is long");
		assert_lines(&s, rows[i].line);
		table_sheet_free(&s);
	}
}

static int
choose(void **state)
{
	struct err err;

	(void)state;
	return table_choose(&table, table.usual, &choice, &err) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_column_is_as_wide_as_what_is_in_it),
	    cmocka_unit_test(an_empty_table_is_its_head),
	    cmocka_unit_test(texts_are_cut_before_serial_numbers_and_numbers_never),
	};

	return cmocka_run_group_tests(tests, choose, NULL);
}
