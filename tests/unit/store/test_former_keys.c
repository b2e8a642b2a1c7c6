/* Archived keys that were sealed to others, and as they were before. */
#include "own.h"
#include "store_test.h"

#define OLD   "07 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define NEW   "08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define BATCH "0123456789abcdef"
#define HASH  "0123456789abcdef0123456789abcdef"

struct step {
	int64_t id;
	const char *was, *becomes;
	bool done;
	char *hashes;
};

static bool
rewrap(struct store_tx *tx, void *arg, struct err *err)
{
	struct step *s = arg;
	const struct store_rewrap w = {.request_id = s->id,
	    .batch = view_str(BATCH),
	    .was = view_str(s->was),
	    .new_hash = view_str(HASH),
	    .now = 1000};
	const struct store_request row = {.revoked_reason = -1,
	    .raw_archived_key = {.ptr = (uint8_t *)(uintptr_t)s->becomes,
		.len = strlen(s->becomes)},
	    .key_recovery_hashes = TEXT(NEW)};

	return store_rewrap_key(tx, &w, &row, &s->done, err);
}

static bool
revert(struct store_tx *tx, void *arg, struct err *err)
{
	struct step *s = arg;

	return store_revert_key(
	    tx, s->id, view_str(BATCH), view_str(s->was), &s->done, &s->hashes, err);
}

static void
assert_key(struct fixture *f, int64_t id, const char *key, const char *hashes)
{
	struct store_request row;

	assert_int_equal(store_get_request(f->store, id, &row, &f->err), STORE_FOUND);
	assert_true(view_eq(buf_view(&row.raw_archived_key), view_str(key)));
	assert_string_equal(row.key_recovery_hashes, hashes);
	store_request_free(&row);
}

static int64_t
add_sealed(struct fixture *f)
{
	struct sample s;

	sample_issued(&s, 1);
	s.row.raw_archived_key = BYTES("old");
	s.row.key_recovery_hashes = TEXT(OLD);
	return add_row(f, &s.row);
}

static void
the_former_key_stays_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct step s = {.id = add_sealed(f), .was = "old", .becomes = "new"};
	struct store_former_keys list;

	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_true(s.done);
	assert_key(f, s.id, "new", NEW);
	assert_ok(f, store_list_former_keys(f->store, view_str(BATCH), 0, 10, &list, &f->err));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.list[0].request_id, s.id);
	assert_memory_equal(list.list[0].new_hash, HASH, 32);
	store_former_keys_free(&list);
	s.was = "new";
	assert_ok(f, store_do(f->store, revert, &s, &f->err));
	assert_true(s.done);
	assert_string_equal(s.hashes, OLD);
	free(s.hashes);
	assert_key(f, s.id, "old", OLD);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM FormerKey"), 0);
	assert_int_equal(raw_number(f, "SELECT sum(Keys) FROM KraSetCount"), 1);
}

static void
a_key_that_changed_meanwhile_is_left(void **state)
{
	struct fixture *f = *state;
	struct step s = {.id = add_sealed(f), .was = "older", .becomes = "new"};

	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_false(s.done);
	assert_key(f, s.id, "old", OLD);
	s.was = "old";
	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_true(s.done);
	assert_ok(f, store_do(f->store, revert, &s, &f->err));
	assert_false(s.done);
	assert_null(s.hashes);
	assert_key(f, s.id, "new", NEW);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM FormerKey"), 1);
	s.id++;
	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_false(s.done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_former_key_stays_and_comes_back),
	    TEST(a_key_that_changed_meanwhile_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
