/* Batches of archived keys that were given out, and who approved them. */
#include "own.h"
#include "store_batches.h"
#include "store_test.h"

static char root[] = "uid=0 login=root sudo=user1", to[] = "bb,cc";

static bool
add(struct store_tx *tx, void *arg, struct err *err)
{
	return store_add_batch(tx, arg, err);
}

struct approval {
	struct view id;
	bool done;
};

static bool
approve(struct store_tx *tx, void *arg, struct err *err)
{
	struct approval *a = arg;

	return store_approve_batch(tx, a->id, "NWTRADERS\\caadmin", 2000, &a->done, err);
}

static struct store_batch
usual(uint8_t first, int64_t when)
{
	return (struct store_batch){
	    .id = {first}, .from = {7}, .given_when = when, .keys = 3, .given_by = root, .to = to};
}

static void
a_batch_is_approved_once(void **state)
{
	struct fixture *f = *state;
	struct store_batch b = usual(1, 1000);
	struct approval a = {.id = view_of(b.id, sizeof b.id)};
	OWNED(store_batch_free) struct store_batch out = {0};

	assert_int_equal(store_get_batch(f->store, a.id, &out, &f->err), STORE_NOT_FOUND);
	assert_ok(f, store_do(f->store, approve, &a, &f->err));
	assert_false(a.done);
	assert_ok(f, store_do(f->store, add, &b, &f->err));
	assert_int_equal(store_get_batch(f->store, a.id, &out, &f->err), STORE_FOUND);
	assert_memory_equal(out.id, b.id, sizeof b.id);
	assert_int_equal(out.given_when, 1000);
	assert_int_equal(out.keys, 3);
	assert_string_equal(out.given_by, root);
	assert_int_equal(out.from[0], 7);
	assert_string_equal(out.to, to);
	assert_int_equal(out.approved_when, 0);
	assert_null(out.approved_by);
	store_batch_free(&out);
	for (int i = 0; i < 2; i++) {
		assert_ok(f, store_do(f->store, approve, &a, &f->err));
		assert_int_equal(a.done, i == 0);
	}
	assert_int_equal(store_get_batch(f->store, a.id, &out, &f->err), STORE_FOUND);
	assert_int_equal(out.approved_when, 2000);
	assert_string_equal(out.approved_by, "NWTRADERS\\caadmin");
}

static void
the_newest_is_listed_first(void **state)
{
	struct fixture *f = *state;
	struct store_batch first = usual(1, 1000), second = usual(2, 2000);
	char with[] = "dd,ee"; /* of keys that several open together */
	OWNED(store_batches_free) struct store_batches out = {0};

	second.with = with;
	assert_ok(f, store_do(f->store, add, &first, &f->err));
	assert_ok(f, store_do(f->store, add, &second, &f->err));
	assert_ok(f, store_list_batches(f->store, NULL, 1000, &out, &f->err));
	assert_int_equal(out.count, 2);
	assert_int_equal(out.list[0].id[0], 2);
	assert_int_equal(out.list[1].id[0], 1);
	assert_string_equal(out.list[0].with, with);
	assert_null(out.list[1].with);
}

/* Also those of one second: none is left out between two pages, and none comes twice. */
static void
pages_are_the_whole_list(void **state)
{
	static const int64_t when[] = {1000, 3000, 2000, 2000, 1000, 2000};
	static const uint8_t expected[] = {2, 3, 4, 6, 1, 5};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof when / sizeof *when; i++) {
		struct store_batch b = usual((uint8_t)(i + 1), when[i]);

		assert_ok(f, store_do(f->store, add, &b, &f->err));
	}
	for (int limit = 1; limit <= 7; limit++) {
		struct store_batch after = {0};
		size_t seen = 0, count;

		do {
			OWNED(store_batches_free) struct store_batches out = {0};

			assert_ok(f, store_list_batches(
					 f->store, seen > 0 ? &after : NULL, limit, &out, &f->err));
			assert_in_range(seen + (count = out.count), 0, sizeof expected);
			for (size_t i = 0; i < count; i++)
				assert_int_equal(out.list[i].id[0], expected[seen++]);
			if (count > 0)
				after = usual(expected[seen - 1], out.list[count - 1].given_when);
		} while (count == (size_t)limit);
		assert_int_equal(seen, sizeof expected);
	}
}

/* Also by hand: the database itself holds it. */
static void
what_was_approved_stays(void **state)
{
	static const char *const acts[] = {"UPDATE RewrapBatch SET ToHashes = 'dd'",
	    "UPDATE RewrapBatch SET ApprovedBy = 'nobody'",
	    "UPDATE RewrapBatch SET ApprovedBy = NULL, ApprovedWhen = NULL",
	    "DELETE FROM RewrapBatch"};
	struct fixture *f = *state;
	struct store_batch b = usual(1, 1000);
	struct approval a = {.id = view_of(b.id, sizeof b.id)};

	assert_ok(f, store_do(f->store, add, &b, &f->err));
	assert_int_not_equal(
	    raw_exec(f, "UPDATE RewrapBatch SET ApprovedBy = 'nobody'"), SQLITE_OK);
	assert_ok(f, store_do(f->store, approve, &a, &f->err));
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		assert_int_not_equal(raw_exec(f, acts[i]), SQLITE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_batch_is_approved_once),
	    TEST(the_newest_is_listed_first),
	    TEST(pages_are_the_whole_list),
	    TEST(what_was_approved_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
