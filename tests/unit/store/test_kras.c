/*
 * Certificates of key recovery agents: copies that stay, and what hangs on each.
 */
#include "store_test.h"

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

static void
keys_are_counted_by_whom_they_are_sealed_to(void **state)
{
	static const char *const sealed[] = {"07", "07\n08", "08", "09"};
	static const int64_t keys[] = {2, 2, 1, 0}, alone[] = {1, 1, 1, 0};
	struct fixture *f = *state;
	char hashes[2 * 20 * 3 + 1];

	for (size_t i = 0; i < 4; i++) {
		struct sample s;
		size_t len = 0;

		sample_issued(&s, (uint8_t)(i + 1));
		for (const char *p = sealed[i]; p != NULL; p = strchr(p, '\n')) {
			p += *p == '\n';
			len += (size_t)snprintf(hashes + len, sizeof hashes - len, "%s%.2s%s",
			    len > 0 ? "\n" : "", p,
			    " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
		}
		s.row.key_recovery_hashes = hashes;
		add_row(f, &s.row);
	}
	for (size_t i = 0; i < 4; i++) {
		struct store_kra_use use;

		assert_ok(f, store_count_kra_keys(f->store, SHA1((uint8_t)(i + 7)), &use, &f->err));
		assert_int_equal(use.keys, keys[i]);
		assert_int_equal(use.alone, alone[i]);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_copy_is_found_and_stays_and_so_is_what_the_ca_issued),
	    TEST(keys_are_counted_by_whom_they_are_sealed_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
