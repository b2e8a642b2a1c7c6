/* Which columns a list shows, which rows it lets through, and what people and spreadsheets get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "mem.h"
#include "table.h"

static json_t *
both(const json_t *row)
{
	return json_sprintf("%s of %s", json_string_value(json_object_get(row, "name")),
	    json_string_value(json_object_get(row, "serial_number")));
}

static const struct table_column columns[] = {
    {"row_id", TABLE_NUMBER, false, NULL},
    {"name", TABLE_TEXT, false, NULL},
    {"is_own", TABLE_TEXT, false, NULL},
    {"not_after", TABLE_WHEN, false, NULL},
    {"serial_number", TABLE_HEX, false, NULL},
    {"places", TABLE_TEXT, false, NULL},
    {"both", TABLE_KEPT, false, both},
};
static const struct table table = {columns, COUNT_OF(columns), "row_id,name", NULL};

static json_t *
make_row(void)
{
	return json_pack("{s:i, s:s, s:b, s:s, s:s, s:[s,s], s:n}", "row_id", 12, "name",
	    "NWTRADERS\\JOS\xc3\x89", "is_own", 1, "not_after", "2026-11-24T05:22:34Z",
	    "serial_number", "0fab", "places", "CN=AIA", "CN=a, b", "gone");
}

static void
columns_are_known_by_the_names_of_head_and_json(void **state)
{
	static const char *const wrong[] = {
	    "", ",", "name,", "nothing", "name,,row_id", "name row_id", "ROW  ID"};
	struct table_choice c;
	struct err err;

	(void)state;
	assert_true(table_choose(&table, "serial_number,ROW ID,Is-Own", &c, &err));
	assert_int_equal(c.count, 3);
	assert_string_equal(c.list[0]->name, "serial_number");
	assert_string_equal(c.list[1]->name, "row_id");
	assert_string_equal(c.list[2]->name, "is_own");
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_false(table_choose(&table, wrong[i], &c, &err));
		assert_int_equal(err.code, DIRCA_E_USAGE);
		assert_non_null(strstr(err.msg, "there are row_id, name, is_own, "));
	}
	assert_false(table_choose(&table, "not_aftr", &c, &err));
	assert_non_null(strstr(err.msg, "no column 'not_aftr'; perhaps 'not_after' is meant;"));
}

static void
more_columns_than_fit_are_refused(void **state)
{
	char names[TABLE_COLUMNS_MAX * 5 + 8] = "name";
	struct table_choice c;
	struct err err;

	(void)state;
	for (int i = 1; i < TABLE_COLUMNS_MAX; i++)
		strcat(names, ",name");
	assert_true(table_choose(&table, names, &c, &err));
	strcat(names, ",name");
	assert_false(table_choose(&table, names, &c, &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
}

static bool
holds_if(const char *word, bool exact)
{
	struct table_filter f = {.exact = exact};
	json_t *row = make_row();
	struct err err;
	bool yes;

	if (!table_filter_add(&table, word, &f, &err))
		fail_msg("%s", err.msg);
	yes = table_filter_holds(&f, row);
	table_filter_free(&f);
	json_decref(row);
	return yes;
}

static bool
holds(const char *word)
{
	return holds_if(word, false);
}

/* In a list all that a directory takes for the name; for an act the one that is typed. */
static void
an_act_is_about_the_name_that_is_typed(void **state)
{
	static const struct {
		const char *word;
		bool listed, done;
	} rows[] = {
	    {"name=NWTRADERS\\JOS\u00c9", true, true},
	    {"name=nwtraders\\jos\u00e9", true, true},
	    {"name=nwtraders\\jose\u0301", true, false},      /* as a Mac types it */
	    {"name=nwtraders\\\uff4aos\u00e9", true, false},  /* a wide letter */
	    {"name=nwtraders\\jo\u017f\u00e9", true, false},  /* a long s */
	    {"name=nwtraders\\jo\u00ads\u00e9", true, false}, /* what does not show */
	    {"name=nwtraders\\jose", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (holds_if(rows[i].word, false) != rows[i].listed ||
		    holds_if(rows[i].word, true) != rows[i].done)
			fail_msg("%s", rows[i].word);
}

static void
a_condition_takes_what_is_shown(void **state)
{
	static const struct {
		const char *word;
		bool holds;
	} rows[] = {
	    {"row_id=12", true},
	    {"row_id=1", false},
	    {"ROW ID=12", true},
	    {"name=nwtraders\\jos\xc3\xa9", true},
	    {"name=nwtraders\\jos", false},
	    {"is_own=true", true},
	    {"is_own=yes", true},
	    {"is_own=YES", true},
	    {"is_own=no", false},
	    {"is_own=", false},
	    {"not_after=2026-11-24T05:22:34Z", true},
	    {"not_after=2026-11-24T06:22:34+01:00", true},
	    {"not_after=2026-11-23T21:52:34-07:30", true},
	    {"not_after=2026-11-24T05:22:34+01:00", false},
	    {"not_after=2026", false},
	    {"serial_number=00:0F:AB", true},
	    {"serial_number=fab0", false},
	    {"places=CN=AIA", true},
	    {"places=cn=A, b", true},
	    {"places=CN=AIA,CN=a, b", true},
	    {"places=CN", false},
	    {"both=nwtraders\\jos\xc3\xa9 of 0fab", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (holds(rows[i].word) != rows[i].holds)
			fail_msg("%s", rows[i].word);
}

static void
what_is_no_condition_is_a_usage_error(void **state)
{
	static const char *const wrong[] = {
	    "name", "=x", "", "nothing=x", "serial_number=xyz", "serial_number=abc"};
	struct table_filter f = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_false(table_filter_add(&table, wrong[i], &f, &err));
		assert_int_equal(err.code, DIRCA_E_USAGE);
	}
	for (size_t i = 0; i <= TABLE_COLUMNS_MAX; i++)
		assert_true(table_filter_add(&table, "name=x", &f, &err));
	assert_false(table_filter_add(&table, "name=x", &f, &err));
	table_filter_free(&f);
}

static void
assert_texts(const json_t *row, const char *column, const char *value, const char *shown)
{
	struct err err;
	const struct table_column *c = table_find(&table, column, &err);
	char *is = table_value(c, row), *looks = table_shown(c, row);

	assert_string_equal(is, value);
	assert_string_equal(looks, shown);
	free(is);
	free(looks);
}

static void
people_see_their_own_time_and_one_line(void **state)
{
	json_t *row = make_row(), *none = json_object();

	(void)state;
	setenv("TZ", "XXX-05:30", 1);
	tzset();
	assert_texts(row, "not_after", "2026-11-24T05:22:34Z", "2026-11-24T10:52:34+05:30");
	setenv("TZ", "UTC0", 1);
	tzset();
	assert_texts(row, "not_after", "2026-11-24T05:22:34Z", "2026-11-24T05:22:34Z");
	assert_texts(row, "is_own", "true", "yes");
	assert_texts(row, "places", "CN=AIA,CN=a, b", "CN=AIA, CN=a, b");
	assert_texts(none, "name", "", "-");
	assert_texts(none, "is_own", "", "-");
	json_object_set_new(row, "name", json_string("two\nlines\t\xe2\x80\xae"));
	assert_texts(row, "name", "two\nlines\t\xe2\x80\xae", "two\\u000alines\\u0009\\u202e");
	json_object_set_new(row, "not_after", json_string("soon"));
	assert_texts(row, "not_after", "soon", "soon");
	json_decref(row);
	json_decref(none);
}

static void
a_field_of_csv_is_quoted_where_it_must_be_and_is_no_formula(void **state)
{
	static const char *const rows[][2] = {{"", ""}, {"plain", "plain"}, {"a,b", "\"a,b\""},
	    {"say \"x\"", "\"say \"\"x\"\"\""}, {"two\nlines", "\"two\nlines\""},
	    {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"}, {"+1,2", "\"'+1,2\""}, {"-1", "'-1"},
	    {"@x", "'@x"}, {"a=b", "a=b"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *field = table_csv_field(rows[i][0]);

		assert_string_equal(field, rows[i][1]);
		free(field);
	}
}

static void
picked_members_are_the_only_ones(void **state)
{
	json_t *row =
	    json_pack("{s:i, s:s, s:s}", "row_id", 12, "name", "a", "serial_number", "0f");
	struct table_choice c;
	struct err err;
	json_t *picked;
	char *text;

	(void)state;
	assert_true(table_choose(&table, "name,is_own,both", &c, &err));
	picked = table_pick(row, &c);
	text = json_dumps(picked, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"both\":\"a of 0f\",\"is_own\":null,\"name\":\"a\"}");
	free(text);
	json_decref(picked);
	json_decref(row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns_are_known_by_the_names_of_head_and_json),
	    cmocka_unit_test(more_columns_than_fit_are_refused),
	    cmocka_unit_test(an_act_is_about_the_name_that_is_typed),
	    cmocka_unit_test(a_condition_takes_what_is_shown),
	    cmocka_unit_test(what_is_no_condition_is_a_usage_error),
	    cmocka_unit_test(people_see_their_own_time_and_one_line),
	    cmocka_unit_test(a_field_of_csv_is_quoted_where_it_must_be_and_is_no_formula),
	    cmocka_unit_test(picked_members_are_the_only_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
