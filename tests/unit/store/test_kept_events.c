/* Events in the database: read as they were raised, and never more than are to be kept. */
#include "mem.h"
#include "store_test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct raising {
	struct event_record event;
	int64_t keep;
};

static bool
add_event(struct store_tx *tx, void *arg, struct err *err)
{
	const struct raising *a = arg;

	return store_add_event(tx, &a->event, a->keep, err);
}

static void
raise_one(struct fixture *f, int64_t number, char *value, int64_t keep)
{
	struct raising a = {{.when = 100 + number, .number = number, .values = {value}}, keep};

	assert_ok(f, store_do(f->store, add_event, &a, &f->err));
}

struct seen {
	char text[256];
	size_t most, count;
};

static bool
see(const struct event_record *e, void *arg)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof s->text - len, "%lld:%lld:%.8s ", (long long)e->row_id,
	    (long long)e->number, e->values[0] != NULL ? e->values[0] : "-");
	return ++s->count < s->most;
}

static struct event_reading
read_all(struct fixture *f, int64_t after, size_t rows, size_t most, struct seen *s)
{
	struct event_reading r;

	*s = (struct seen){.most = most};
	assert_ok(f, store_read_events(f->store, after, rows, see, s, &r, &f->err));
	return r;
}

static void
events_are_read_as_they_were_raised(void **state)
{
	struct fixture *f = *state;
	char first[] = "first";
	struct event_reading r;
	struct seen s;

	raise_one(f, 84, first, 10);
	raise_one(f, 98, NULL, 10);
	raise_one(f, 4711, NULL, 10);
	r = read_all(f, 0, 100, 100, &s);
	assert_string_equal(s.text, "1:84:first 2:98:- 3:4711:- ");
	assert_true(r.ended);
	assert_int_equal(r.last, 3);
	r = read_all(f, 1, 1, 100, &s);
	assert_string_equal(s.text, "2:98:- ");
	assert_false(r.ended);
	r = read_all(f, 0, 100, 1, &s);
	assert_string_equal(s.text, "1:84:first ");
	assert_false(r.ended);
}

static void
the_newest_are_kept_and_numbers_go_on(void **state)
{
	struct fixture *f = *state;
	struct seen s;

	for (int i = 0; i < 5; i++)
		raise_one(f, 84 + i, NULL, 2);
	read_all(f, 0, 100, 100, &s);
	assert_string_equal(s.text, "4:87:- 5:88:- ");
	reopen(f);
	raise_one(f, 1, NULL, 1);
	read_all(f, 0, 100, 100, &s);
	assert_string_equal(s.text, "6:1:- ");
}

static void
a_long_value_is_cut_between_characters(void **state)
{
	struct fixture *f = *state;
	char *value = malloc(8194);
	struct event_reading r;
	struct seen s;

	assert_non_null(value);
	value[0] = 'x';
	for (size_t i = 1; i < 8193; i += 2)
		memcpy(value + i, "\xc3\xb6", 2);
	value[8193] = '\0';
	raise_one(f, 84, value, 10);
	free(value);
	r = read_all(f, 0, 100, 100, &s);
	assert_int_equal(r.last, 1);
	assert_int_equal(raw_number(f, "SELECT length(CAST(Value1 AS BLOB)) FROM Event"), 4095);
}

static void
an_older_database_gets_the_table(void **state)
{
	struct fixture *f = *state;
	struct seen s;

	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_11), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	raise_one(f, 84, NULL, 10);
	read_all(f, 0, 100, 100, &s);
	assert_string_equal(s.text, "1:84:- ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(events_are_read_as_they_were_raised),
	    TEST(the_newest_are_kept_and_numbers_go_on),
	    TEST(a_long_value_is_cut_between_characters),
	    TEST(an_older_database_gets_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
