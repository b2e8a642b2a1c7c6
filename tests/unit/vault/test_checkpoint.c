/* Checkpoints of the audit trail: signed for rows that only grow, each with what was signed before;
 * and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "own.h"
#include "text.h"
#include "vault_lab.h"

static const uint8_t hashes[3][32] = {{1}, {2}, {3}};

static bool
ask_both(int64_t row, const uint8_t hash[32], struct view previous, struct buf *out,
    struct buf *lost, struct err *err)
{
	return vault_sign_checkpoint(&child.front[0], row, hash, previous, out, lost, err);
}

static bool
ask(int64_t row, const uint8_t hash[32], struct view previous, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf lost = {0};

	return ask_both(row, hash, previous, out, &lost, err) &&
	       (lost.len == 0 || err_set(err, DIRCA_E_INTERNAL, "nothing was lost"));
}

static struct checkpoint
read_back(const struct buf *message)
{
	const struct pkix_cert *const cas[] = {&foreign_ca.cert, &ca.cert};
	struct checkpoint c;
	struct err err;

	ASSERT_DONE(checkpoint_verify(buf_view(message), cas, 2, &c, &err));
	return c;
}

static void
rows_only_grow_and_name_the_one_before(void **state)
{
	OWNED(buf_free) struct buf first = {0}, second = {0}, third = {0}, none = {0}, lost = {0};
	struct checkpoint c;
	struct err err;

	ASSERT_DONE(ask(7, hashes[0], view_of(NULL, 0), &first, &err));
	c = read_back(&first);
	assert_int_equal(c.row, 7);
	assert_memory_equal(c.hash, hashes[0], 32);
	assert_true(c.when > TEST_NOW - 1000 * TEST_DAY);
	assert_int_equal(c.previous_row, 0);
	assert_false(ask(7, hashes[1], buf_view(&first), &none, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_false(ask(6, hashes[1], buf_view(&first), &none, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	ASSERT_DONE(ask(8, hashes[1], buf_view(&first), &second, &err));
	c = read_back(&second);
	assert_int_equal(c.previous_row, 7);
	assert_true(c.has_previous_hash);
	assert_memory_equal(c.previous_hash, hashes[0], 32);

	/* The vault remembers over a restart, and is not told another past. */
	stop(&child);
	start_child(state);
	assert_false(ask(8, hashes[2], buf_view(&second), &none, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_false(ask(7, hashes[2], buf_view(&second), &none, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	ASSERT_DONE(ask_both(9, hashes[2], buf_view(&first), &third, &lost, &err));
	c = read_back(&third);
	assert_int_equal(c.previous_row, 8);
	assert_true(c.has_previous_hash);
	assert_memory_equal(c.previous_hash, hashes[1], 32);
}

static void
assert_same(const struct buf *a, const struct buf *b)
{
	struct checkpoint one = read_back(a), other = read_back(b);

	assert_int_equal(one.row, other.row);
	assert_int_equal(one.when, other.when);
	assert_memory_equal(one.hash, other.hash, 32);
	assert_int_equal(one.previous_row, other.previous_row);
	assert_int_equal(one.has_previous_hash, other.has_previous_hash);
}

/* Whoever died between signature and commit, of the vault and the front. */
static void
what_was_lost_is_given_once_more(void **state)
{
	OWNED(buf_free)
	struct buf first = {0}, again = {0}, second = {0}, lost = {0}, third = {0}, nothing = {0};
	struct err err;

	ASSERT_DONE(ask_both(20, hashes[0], view_of(NULL, 0), &first, &nothing, &err));
	/* It did not come; nothing was added since. */
	ASSERT_DONE(ask(20, hashes[0], view_of(NULL, 0), &again, &err));
	assert_same(&first, &again);
	/* Something was. */
	stop(&child);
	start_child(state);
	ASSERT_DONE(ask_both(21, hashes[1], view_of(NULL, 0), &second, &lost, &err));
	assert_same(&first, &lost);
	assert_int_equal(read_back(&second).previous_row, 20);
	ASSERT_DONE(ask(22, hashes[2], buf_view(&second), &third, &err));
}

/* As an older program leaves it: the message that the front shows counts. */
static void
without_its_file_the_vault_goes_by_the_journal(void **state)
{
	OWNED(own_memory) char *path = NULL;
	OWNED(buf_free) struct buf first = {0}, lost = {0}, second = {0}, third = {0};
	struct err err;

	ASSERT_DONE(ask_both(30, hashes[0], view_of(NULL, 0), &first, &lost, &err));
	stop(&child);
	path = text_printf("%s/checkpoint", vault_dir);
	assert_int_equal(unlink(path), 0);
	start_child(state);
	assert_false(ask(30, hashes[0], view_of(NULL, 0), &second, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_false(ask(29, hashes[0], view_of(NULL, 0), &second, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	ASSERT_DONE(ask(31, hashes[1], buf_view(&first), &second, &err));
	assert_true(read_back(&second).has_previous_hash);
	stop(&child);
	assert_int_equal(unlink(path), 0);
	start_child(state);
	ASSERT_DONE(ask(32, hashes[2], view_of(NULL, 0), &third, &err));
	assert_false(read_back(&third).has_previous_hash);
	assert_int_equal(read_back(&third).previous_row, 31);
}

static void
what_is_no_row_or_hash_is_refused(void **state)
{
	OWNED(buf_free) struct buf out = {0};
	struct err err;

	(void)state;
	assert_false(ask(0, hashes[0], view_of(NULL, 0), &out, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_false(ask(-1, hashes[0], view_of(NULL, 0), &out, &err));
	assert_int_equal(err.code, E_INVALIDARG);
}

/* A checkpoint is no message of another kind, nor is another message a checkpoint. */
static void
a_checkpoint_is_taken_for_nothing_else(void **state)
{
	OWNED(buf_free)
	struct buf message = {0}, content = {0}, attrs = {0}, signature = {0}, lost = {0};
	const struct pkix_cert *const other[] = {&foreign_ca.cert};
	const struct pkix_cert *const cas[] = {&ca.cert};
	struct checkpoint c = {.row = 1000};
	struct cms_sign in = {.content_oid = oid_dotted(OID_CT_AUDIT_CHECKPOINT),
	    .digest = cms_digest(NID_sha256),
	    .issuer = ca.cert.issuer,
	    .serial = ca.cert.serial};
	struct err err;

	(void)state;
	assert_true(checkpoint_encode(&c, &content, &err));
	in.content = buf_view(&content);
	assert_true(cms_sign_attrs(&in, &attrs, &err));
	assert_false(vault_sign_message(&child.front[0], buf_view(&attrs), &signature, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);

	ASSERT_DONE(ask_both(1000, hashes[0], view_of(NULL, 0), &message, &lost, &err));
	assert_false(checkpoint_verify(buf_view(&message), other, 1, &c, &err));
	assert_false(checkpoint_verify(buf_view(&message), other, 0, &c, &err));
	for (size_t len = 0; len < message.len; len++)
		assert_false(checkpoint_verify(view_of(message.ptr, len), cas, 1, &c, &err));
	message.ptr[message.len - 1] ^= 1;
	assert_false(checkpoint_verify(buf_view(&message), cas, 1, &c, &err));
}

static void
a_content_is_read_as_it_is_written(void **state)
{
	struct checkpoint c = {.row = 300,
	    .when = 1790000000,
	    .previous_row = 299,
	    .has_previous_hash = true,
	    .previous_hash = {9}};
	struct checkpoint back;
	struct err err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		OWNED(buf_free) struct buf der = {0};

		c.has_previous_hash = i == 1;
		assert_true(checkpoint_encode(&c, &der, &err));
		assert_true(checkpoint_decode(buf_view(&der), &back, &err));
		assert_int_equal(back.row, 300);
		assert_int_equal(back.when, c.when);
		assert_int_equal(back.previous_row, 299);
		assert_int_equal(back.has_previous_hash, i == 1);
		assert_int_equal(back.previous_hash[0], i == 1 ? 9 : 0);
		for (size_t len = 0; len < der.len; len++)
			assert_false(checkpoint_decode(view_of(der.ptr, len), &back, &err));
	}
	c.previous_row = c.row;
	OWNED(buf_free) struct buf none = {0};

	assert_false(checkpoint_encode(&c, &none, &err));
}

#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, start_child, stop_child)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_CHILD(rows_only_grow_and_name_the_one_before),
	    WITH_CHILD(what_is_no_row_or_hash_is_refused),
	    WITH_CHILD(what_was_lost_is_given_once_more),
	    WITH_CHILD(without_its_file_the_vault_goes_by_the_journal),
	    WITH_CHILD(a_checkpoint_is_taken_for_nothing_else),
	    cmocka_unit_test(a_content_is_read_as_it_is_written),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
