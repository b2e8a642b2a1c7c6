/* Drills and what was proved in them. */
#include "own.h"
#include "store_drills.h"
#include "store_test.h"

struct act {
	struct store_drill drill;
	struct store_drill_key keys[2];
	struct view sealed;
	bool done;
};

static struct act
usual(int64_t request_id)
{
	return (struct act){
	    .drill = {.id = "drill", .kra = "agent", .opened_when = 1000, .keys = 2},
	    .keys = {{.request_id = request_id, .sealed = "b"},
		{.request_id = request_id, .sealed = "a"}}};
}

static bool
add(struct store_tx *tx, void *arg, struct err *err)
{
	const struct act *a = arg;

	return store_add_drill(tx, &a->drill, a->keys, err);
}

static bool
prove(struct store_tx *tx, void *arg, struct err *err)
{
	struct act *a = arg;
	const struct view id = view_of(a->drill.id, STORE_DRILL_ID);

	return store_prove_drill_key(tx, id, a->sealed, 2000, &a->done, err) &&
	       store_note_report(tx, id, 2000, err);
}

static int64_t
add_one(struct fixture *f)
{
	struct sample s;

	sample_issued(&s, 1);
	return add_row(f, &s.row);
}

static void
count_drill(const struct store_drill *d, void *arg)
{
	*(int64_t *)arg += d->proved;
}

static void
what_was_proved_is_counted(void **state)
{
	struct fixture *f = *state;
	struct act a = usual(add_one(f));
	const struct view id = view_of(a.drill.id, STORE_DRILL_ID);
	OWNED(store_drill_keys_free) struct store_drill_keys keys = {0};
	struct store_drill d;
	int64_t proved = 0;

	assert_int_equal(store_get_drill(f->store, id, &d, &f->err), STORE_NOT_FOUND);
	assert_ok(f, store_do(f->store, add, &a, &f->err));
	assert_int_equal(store_get_drill(f->store, id, &d, &f->err), STORE_FOUND);
	assert_int_equal(d.reported_when, 0);
	assert_int_equal(d.proved, 0);
	a.sealed = view_of(a.keys[0].sealed, STORE_DRILL_HASH);
	for (int i = 0; i < 2; i++) {
		assert_ok(f, store_do(f->store, prove, &a, &f->err));
		assert_int_equal(a.done, i == 0);
	}
	assert_int_equal(store_get_drill(f->store, id, &d, &f->err), STORE_FOUND);
	assert_memory_equal(d.id, a.drill.id, sizeof d.id);
	assert_memory_equal(d.kra, a.drill.kra, sizeof d.kra);
	assert_int_equal(d.opened_when, 1000);
	assert_int_equal(d.reported_when, 2000);
	assert_int_equal(d.keys, 2);
	assert_int_equal(d.proved, 1);
	assert_ok(f, store_list_drill_keys(f->store, id, &keys, &f->err));
	assert_int_equal(keys.count, 2);
	assert_string_equal((const char *)keys.list[0].sealed, "a");
	assert_false(keys.list[0].proved);
	assert_true(keys.list[1].proved);
	assert_ok(f, store_walk_drills(f->store, count_drill, &proved, &f->err));
	assert_int_equal(proved, 1);
}

static void
a_drill_has_no_key_twice(void **state)
{
	struct fixture *f = *state;
	struct act a = usual(add_one(f));

	a.keys[1] = a.keys[0];
	assert_false(store_do(f->store, add, &a, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_DATABASE);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Drill"), 0);
}

/* Also by hand: the database itself holds it. */
static void
a_proof_is_never_taken_back(void **state)
{
	static const char *const acts[] = {"UPDATE DrillKey SET ProvedWhen = NULL",
	    "UPDATE DrillKey SET Sealed = zeroblob(32)", "DELETE FROM DrillKey",
	    "DELETE FROM Drill"};
	struct fixture *f = *state;
	struct act a = usual(add_one(f));

	assert_ok(f, store_do(f->store, add, &a, &f->err));
	a.sealed = view_of(a.keys[0].sealed, STORE_DRILL_HASH);
	assert_ok(f, store_do(f->store, prove, &a, &f->err));
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		assert_int_not_equal(raw_exec(f, acts[i]), SQLITE_OK);
	a.sealed = view_str("0123456789abcdef0123456789abcdef");
	assert_ok(f, store_do(f->store, prove, &a, &f->err));
	assert_false(a.done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_proved_is_counted),
	    TEST(a_drill_has_no_key_twice),
	    TEST(a_proof_is_never_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
