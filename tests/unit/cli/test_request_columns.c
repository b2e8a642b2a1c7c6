/* Which requests a list lets through, what the CA is asked for them, and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "request_columns.h"

static bool
holds(const char *disposition, const char *one, const char *two, const json_t *row)
{
	const struct cli_list words = {.list = {one, two},
	    .count = two != NULL   ? 2
		     : one != NULL ? 1
				   : 0};
	struct table_filter f;
	struct err err;
	bool yes;

	if (!request_filter_parse(disposition, &words, &f, &err))
		fail_msg("%s", err.msg);
	yes = table_filter_holds(&f, row);
	table_filter_free(&f);
	return yes;
}

static void
all_conditions_must_hold(void **state)
{
	json_t *row = json_pack("{s:s, s:i, s:s, s:s, s:s, s:b, s:s, s:n}", "certificate_hash",
	    "00fab1", "request_id", 12, "disposition", "issued", "template", "User=Archive",
	    "requester_name", "NWTRADERS\\JOS\xc3\x89", "archived_key", 1, "serial_number", "0fab",
	    "upn");

	(void)state;
	assert_true(holds(NULL, NULL, NULL, row));
	assert_true(holds("ISSUED", NULL, NULL, row));
	assert_false(holds("revoked", NULL, NULL, row));
	assert_true(holds(NULL, "template=user=archive", NULL, row));
	assert_false(holds(NULL, "template=user", NULL, row));
	assert_true(holds(NULL, "requester_name=nwtraders\\jos\xc3\xa9", "request_id=12", row));
	assert_false(holds(NULL, "requester_name=nwtraders\\jos\xc3\xa9", "request_id=1", row));
	assert_false(holds("revoked", "request_id=12", NULL, row));
	assert_true(holds(NULL, "archived_key=true", "upn=", row));
	assert_false(holds(NULL, "archived_key=false", NULL, row));
	assert_false(holds(NULL, "template=", NULL, row));
	assert_true(holds(NULL, "serial_number=00:0F:AB", NULL, row));
	assert_false(holds(NULL, "serial_number=0fac", NULL, row));
	assert_true(holds(NULL, "certificate_hash=00 FA b1", NULL, row));
	assert_true(holds(NULL, "certificate_hash=00:fa:b1", NULL, row));
	assert_false(holds(NULL, "certificate_hash=fab100", NULL, row));
	json_decref(row);
}

static void
what_is_no_condition_is_a_usage_error(void **state)
{
	static const char *const wrong[] = {"template", "=x", "", "nothing=x", "serial_number=xyz",
	    "serial_number=abc", "certificate_hash=abc"};
	struct table_filter f;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const struct cli_list words = {.list = {"template=User", wrong[i]}, .count = 2};

		assert_false(request_filter_parse(NULL, &words, &f, &err));
		assert_int_equal(err.code, DIRCA_E_USAGE);
		assert_int_equal(f.count, 0);
	}
}

static void
the_ca_is_asked_for_what_it_has_an_index_of(void **state)
{
	static const struct {
		const char *disposition, *one, *two, *query;
	} rows[] = {
	    {NULL, NULL, NULL, ""},
	    {"issued", "template=User", NULL, "&disposition=issued"},
	    {"issued", "disposition=revoked", "requester_name=A\\b",
		"&requester=A%5Cb&disposition=issued"},
	    {NULL, "serial_number=00:0F:AB", NULL, "&serial_number=0fab"},
	    /* without case beyond ASCII, and absent: only the client can tell */
	    {NULL, "requester_name=A\\jos\xc3\xa9", "serial_number=", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct cli_list words = {.list = {rows[i].one, rows[i].two},
		    .count = rows[i].two != NULL   ? 2
			     : rows[i].one != NULL ? 1
						   : 0};
		struct table_filter f;
		struct err err;
		char *query;

		assert_true(request_filter_parse(rows[i].disposition, &words, &f, &err));
		query = request_filter_query(&f);
		assert_string_equal(query, rows[i].query);
		free(query);
		table_filter_free(&f);
	}
}

static void
add_row(struct request_sorter *s, int id, const char *upn, int archived)
{
	json_t *row =
	    json_pack("{s:i, s:s?, s:b}", "request_id", id, "upn", upn, "archived_key", archived);

	request_sort_add(s, row);
	json_decref(row);
}

/* The ids of the rows, sorted by a column; at most so many are left. */
static void
assert_order(const char *column, bool descending, int64_t most, const char *expected)
{
	struct request_sorter s = {.descending = descending, .most = most};
	char ids[64] = "";
	struct err err;

	assert_non_null(s.column = table_find(&request_table, column, &err));
	add_row(&s, 9, "bob", 0);
	add_row(&s, 10, NULL, 1);
	add_row(&s, 3, "Alice", 1);
	add_row(&s, 4, "carol", 0);
	add_row(&s, 5, "alice", 0);
	request_sort_end(&s);
	assert_int_equal(s.seen, 5);
	for (size_t i = 0; i < s.count; i++)
		snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%d ",
		    (int)json_integer_value(json_object_get(s.list[i], "request_id")));
	assert_string_equal(ids, expected);
	request_sorter_free(&s);
}

static void
rows_are_sorted_by_a_column(void **state)
{
	struct err err;

	(void)state;
	assert_order("upn", false, INT64_MAX, "3 5 9 4 10 ");
	assert_order("upn", true, INT64_MAX, "4 9 5 3 10 ");   /* what is absent stays last */
	assert_order("request_id", false, 100, "3 4 5 9 10 "); /* not as text */
	assert_order("archived_key", false, 100, "4 5 9 3 10 ");
	/* While more are read than are held. */
	assert_order("upn", false, 1, "3 ");
	assert_order("upn", true, 2, "4 9 ");
	assert_null(table_find(&request_table, "RequestID; DROP TABLE Request", &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
	assert_non_null(strstr(err.msg, "there is no column 'RequestID; DROP TABLE Request'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_conditions_must_hold),
	    cmocka_unit_test(what_is_no_condition_is_a_usage_error),
	    cmocka_unit_test(the_ca_is_asked_for_what_it_has_an_index_of),
	    cmocka_unit_test(rows_are_sorted_by_a_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
