/* Ids of requests as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "request_ids.h"

static void
an_id_or_a_range(void **state)
{
	static const struct {
		const char *word;
		int64_t from, to; /* 0: it is none */
	} rows[] = {{"12", 12, 12}, {"12-40", 12, 40}, {"12-12", 12, 12},
	    {"1-9223372036854775807", 1, INT64_MAX}, {"40-12", 0, 0}, {"0", 0, 0}, {"0-3", 0, 0},
	    {"-3", 0, 0}, {"3-", 0, 0}, {"-", 0, 0}, {"", 0, 0}, {"x", 0, 0}, {"12-x", 0, 0},
	    {"12--40", 0, 0}, {"12-40-50", 0, 0}, {"12,40", 0, 0}, {" 12", 0, 0}, {"12 ", 0, 0},
	    {"9223372036854775808", 0, 0}, {"1e3", 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct request_ids ids = {0};
		struct err err;
		bool ok = request_ids_add(&ids, rows[i].word, &err);

		if (ok != (rows[i].from != 0) ||
		    (ok && (ids.list[0].from != rows[i].from || ids.list[0].to != rows[i].to)))
			fail_msg("'%s'", rows[i].word);
		if (!ok)
			assert_int_equal(err.code, DIRCA_E_USAGE);
		assert_int_equal(ids.count, ok);
		request_ids_free(&ids);
	}
}

static void
a_line_has_one_and_what_is_behind_it_does_not_count(void **state)
{
	static char text[] = "7\n\n  8-9 pending NWTRADERS\\user1\r\n10,pending\n\t\n11";
	struct request_ids ids = {0};
	FILE *from = fmemopen(text, strlen(text), "r");
	struct err err;

	(void)state;
	assert_true(request_ids_read(&ids, from, &err));
	fclose(from);
	assert_int_equal(ids.count, 4);
	assert_true(ids.list[1].from == 8 && ids.list[1].to == 9);
	assert_true(ids.list[2].from == 10 && ids.list[3].to == 11);
	request_ids_free(&ids);
}

static void
a_line_that_is_none_is_refused(void **state)
{
	static char text[] = "request_id\n7\n";
	struct request_ids ids = {0};
	FILE *from = fmemopen(text, strlen(text), "r");
	struct err err;

	(void)state;
	assert_false(request_ids_read(&ids, from, &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
	fclose(from);
	request_ids_free(&ids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_or_a_range),
	    cmocka_unit_test(a_line_has_one_and_what_is_behind_it_does_not_count),
	    cmocka_unit_test(a_line_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
