/*
 * Certificates of key recovery agents: copies that stay, and what hangs on each.
 */
#include "own.h"
#include "store_test.h"
#include "texts.h"

#define SHA1(first) view_of((const uint8_t[20]){(first)}, 20)

static bool
keep_twice(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	return store_keep_kra(tx, SHA1(7), view_str("first"), err) &&
	       store_keep_kra(tx, SHA1(7), view_str("second"), err);
}

static void
assert_kra(struct fixture *f, uint8_t first, const char *content)
{
	struct buf found;

	assert_int_equal(store_get_kra(f->store, SHA1(first), &found, &f->err), STORE_FOUND);
	assert_int_equal(found.len, strlen(content));
	assert_memory_equal(found.ptr, content, found.len);
	buf_free(&found);
}

static void
a_copy_is_found_and_stays_and_so_is_what_the_ca_issued(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	struct buf found;

	sample_issued(&s, 9);
	s.row.raw_certificate = BYTES("own");
	add_row(f, &s.row);
	assert_ok(f, store_do(f->store, keep_twice, NULL, &f->err));
	assert_kra(f, 7, "first");
	assert_kra(f, 9, "own");
	assert_int_equal(store_get_kra(f->store, SHA1(8), &found, &f->err), STORE_NOT_FOUND);
}

static bool
keep_then_fail(struct store_tx *tx, void *arg, struct err *err)
{
	return keep_twice(tx, arg, err) && err_set(err, E_ACCESSDENIED, "refused");
}

static void
a_copy_that_was_taken_back_is_made_again(void **state)
{
	struct fixture *f = *state;

	assert_false(store_do(f->store, keep_then_fail, NULL, &f->err));
	assert_ok(f, store_do(f->store, keep_twice, NULL, &f->err));
	assert_kra(f, 7, "first");
}

#define REST " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"

static void
add_sealed(struct fixture *f, uint8_t n, const char *hashes)
{
	struct sample s;

	sample_issued(&s, n);
	s.row.raw_archived_key = BYTES("sealed");
	s.row.key_recovery_hashes = TEXT(hashes);
	add_row(f, &s.row);
}

struct sets {
	const char *hashes[4];
	int64_t keys[4];
	size_t count, stop_at;
};

static bool
take_set(const char *hashes, int64_t keys, void *arg, struct err *err)
{
	static const char *const known[] = {"07" REST, "07" REST "\n08" REST, "08" REST};
	struct sets *s = arg;

	if (s->count == s->stop_at)
		return err_set(err, E_INVALIDARG, "enough");
	for (size_t i = 0; i < 3; i++)
		if (strcmp(known[i], hashes) == 0)
			s->hashes[s->count] = known[i];
	s->keys[s->count++] = keys;
	return true;
}

static void
keys_are_counted_by_whom_they_are_sealed_to(void **state)
{
	struct fixture *f = *state;
	struct sets sets = {.stop_at = 4}, none = {.stop_at = 0};

	assert_ok(f, store_walk_kra_sets(f->store, take_set, &none, &f->err));
	add_sealed(f, 1, "07" REST);
	add_sealed(f, 2, "07" REST "\n08" REST);
	add_sealed(f, 3, "08" REST);
	add_sealed(f, 4, "07" REST);
	assert_int_equal(raw_exec(f, "DELETE FROM RequestBlob WHERE RequestID = 3; "
				     "DELETE FROM Request WHERE RequestID = 3"),
	    SQLITE_OK);
	assert_ok(f, store_walk_kra_sets(f->store, take_set, &sets, &f->err));
	assert_int_equal(sets.count, 2);
	assert_string_equal(sets.hashes[0], "07" REST);
	assert_int_equal(sets.keys[0], 2);
	assert_string_equal(sets.hashes[1], "07" REST "\n08" REST);
	assert_int_equal(sets.keys[1], 1);
	assert_false(store_walk_kra_sets(f->store, take_set, &none, &f->err));
	assert_int_equal(f->err.code, E_INVALIDARG);
}

static void
keys_of_one_combination_are_listed_page_by_page(void **state)
{
	struct fixture *f = *state;
	struct store_ids ids;

	add_sealed(f, 1, "07" REST);
	add_sealed(f, 2, "07" REST "\n08" REST);
	add_sealed(f, 3, "07" REST);
	add_sealed(f, 4, "07" REST);
	assert_ok(f, store_sealed_to(f->store, "07" REST, 0, 2, &ids, &f->err));
	assert_int_equal(ids.count, 2);
	assert_int_equal(ids.list[0], 1);
	assert_int_equal(ids.list[1], 3);
	store_ids_free(&ids);
	assert_ok(f, store_sealed_to(f->store, "07" REST, 3, 2, &ids, &f->err));
	assert_int_equal(ids.count, 1);
	assert_int_equal(ids.list[0], 4);
	store_ids_free(&ids);
	assert_ok(f, store_sealed_to(f->store, "08" REST, 0, 2, &ids, &f->err));
	assert_int_equal(ids.count, 0);
}

/* A count that somebody wrote is found. */
static void
a_count_that_is_wrong_is_found(void **state)
{
	struct fixture *f = *state;
	OWNED(texts_free) struct texts findings = {0};

	add_sealed(f, 1, "07" REST);
	assert_int_equal(raw_exec(f, "UPDATE KraSetCount SET Keys = 7; INSERT INTO KraSetCount "
				     "VALUES ('08', 1)"),
	    SQLITE_OK);
	assert_ok(f, store_check(f->store, &findings, &f->err));
	assert_int_equal(findings.count, 2);
	assert_non_null(strstr(findings.list[0], "7 are kept, 1 are there"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_copy_is_found_and_stays_and_so_is_what_the_ca_issued),
	    TEST(a_copy_that_was_taken_back_is_made_again),
	    TEST(keys_are_counted_by_whom_they_are_sealed_to),
	    TEST(keys_of_one_combination_are_listed_page_by_page),
	    TEST(a_count_that_is_wrong_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
