/* Rows of comma-separated values: what RFC 4180 and Windows write, and what neither does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv.h"
#include "mem.h"

static FILE *
file_of(struct view bytes)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
	rewind(f);
	return f;
}

/* What the rows are: "line:field|field;", or "line!word" of one that cannot be read. */
static char *
read_all(struct view bytes)
{
	FILE *f = file_of(bytes), *out;
	struct csv *csv = csv_open(f);
	struct csv_row row;
	char *text = NULL;
	struct err err;
	size_t len;

	out = open_memstream(&text, &len);
	while (csv_next(csv, &row, &err)) {
		fprintf(out, "%lld%s", (long long)row.line, row.broken != NULL ? "!" : ":");
		for (size_t i = 0; row.broken == NULL && i < row.count; i++)
			fprintf(out, "%s%s", i > 0 ? "|" : "", row.fields[i]);
		fputc(';', out);
	}
	assert_int_equal(err.code, ERR_OK);
	fclose(out);
	csv_close(&csv);
	fclose(f);
	return text;
}

static void
check(struct view bytes, const char *expected)
{
	char *text = read_all(bytes);

	assert_string_equal(text, expected);
	free(text);
}

static void
rows_and_fields_are_found(void **state)
{
	(void)state;
	check(view_str(""), "");
	check(view_str("\r\n\n"), "");
	check(view_str("a,b\r\nc,d"), "1:a|b;2:c|d;");
	check(view_str("a\n\n\"b\"\n"), "1:a;3:b;");
	check(view_str(",\n\"\",\"\"\n"), "1:|;2:|;");
	check(view_str("\"one\r\ntwo, \"\"three\"\"\",x\ny"), "1:one\r\ntwo, \"three\"|x;3:y;");
	check(view_str("\xef\xbb\xbf\"\xc3\xa9\""), "1:\xc3\xa9;");
}

static void
utf16_is_read(void **state)
{
	(void)state;
	check(view_of("\xff\xfe"
		      "a\0,\0\xe9\0\r\0\n\0\x3d\xd8\x00\xde",
		  16),
	    "1:a|\xc3\xa9;2:\xf0\x9f\x98\x80;");
	check(view_of("\xfe\xff"
		      "\0a\0,\x20\xac",
		  8),
	    "1:a|\xe2\x82\xac;");
	/* a surrogate alone, half a unit */
	check(view_of("\xff\xfe\x3d\xd8"
		      "a\0\n\0b\0",
		  10),
	    "1!;2:b;");
	check(view_of("\xff\xfe\x00\xde\n\0b\0", 8), "1!;2:b;");
	check(view_of("\xff\xfe\x3d\xd8\n\0b\0", 8), "1!;2:b;");
	check(view_of("\xff\xfe\x3d\xd8", 4), "1!;");
	check(view_of("\xff\xfe"
		      "b\0c",
		  5),
	    "1!;");
}

static void
a_broken_row_takes_no_other_with_it(void **state)
{
	(void)state;
	check(view_str("a\n\"b\"x,c\nd"), "1:a;2!;3:d;");
	check(view_str("a\nb\"c\nd"), "1:a;2!;3:d;");
	check(view_of("a\nb\0c\nd", 7), "1:a;2!;3:d;");
	check(view_str("a\n\xff\nd"), "1:a;2!;3:d;");
	/* as much of a byte order mark as is none */
	check(view_str("\xff\na"), "1!;2:a;");
	check(view_str("\xff\xff\na"), "1!;2:a;");
	check(view_str("\xef\xbb\na"), "1!;2:a;");
	check(view_str("a\n\"b\nd"), "1:a;2!;");
}

static void
sizes_have_limits(void **state)
{
	size_t len = CSV_ROW_MAX + 8;
	char *text = mem_zero(len + 3, 1);
	struct buf commas = {0};
	struct err err;

	(void)state;
	memset(text, 'x', len);
	memcpy(text + len, "\nb", 2);
	check(view_of(text, len + 2), "1!;2:b;");
	free(text);
	for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
		assert_true(buf_append(&commas, view_str(","), &err));
	assert_true(buf_append(&commas, view_str("\nb"), &err));
	check(buf_view(&commas), "1!;2:b;");
	buf_free(&commas);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_and_fields_are_found),
	    cmocka_unit_test(utf16_is_read),
	    cmocka_unit_test(a_broken_row_takes_no_other_with_it),
	    cmocka_unit_test(sizes_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
