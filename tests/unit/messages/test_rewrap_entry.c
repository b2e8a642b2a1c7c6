/* Entries of a batch of archived keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "own.h"
#include "rewrap_entry.h"

static const uint8_t sixteen[16] = {1, 2, 3}, hash[32] = {4, 5, 6}, two[64] = {7};

static struct rewrap_entry
usual(void)
{
	return (struct rewrap_entry){.batch = view_of(sixteen, sizeof sixteen),
	    .request_id = 42,
	    .former = view_of(hash, sizeof hash),
	    .gcm = true,
	    .to = view_of(two, sizeof two),
	    .certificate = view_str("certificate"),
	    .key = view_str("key")};
}

static void
what_is_written_is_read(void **state)
{
	const struct rewrap_entry in = usual();
	OWNED(rewrap_entry_free) struct rewrap_entry out = {0};
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	(void)state;
	assert_true(rewrap_entry_encode(&in, &der, &err));
	assert_true(rewrap_entry_decode(buf_view(&der), &out, &err));
	assert_true(view_eq(in.batch, out.batch) && view_eq(in.former, out.former));
	assert_true(view_eq(in.to, out.to) && view_eq(in.certificate, out.certificate));
	assert_true(view_eq(in.key, out.key) && out.gcm);
	assert_int_equal(out.request_id, 42);
}

static void
what_is_none_is_neither_written_nor_read(void **state)
{
	struct rewrap_entry bad[] = {usual(), usual(), usual(), usual(), usual(), usual()};
	OWNED(buf_free) struct buf der = {0};
	struct rewrap_entry good = usual(), out;
	struct err err;

	(void)state;
	bad[0].batch.len--;
	bad[1].request_id = 0;
	bad[2].former.len--;
	bad[3].to.len--;
	bad[4].certificate.len = 0;
	bad[5].key.len = 0;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(rewrap_entry_encode(&bad[i], &der, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
	assert_true(rewrap_entry_encode(&good, &der, &err));
	for (size_t len = 0; len < der.len; len++)
		assert_false(rewrap_entry_decode(view_of(der.ptr, len), &out, &err));
	der.ptr[4] = 2; /* version */
	assert_false(rewrap_entry_decode(buf_view(&der), &out, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
}

/* Of a drill, where nothing is sealed. */
static void
an_entry_may_be_for_no_agents_to_come(void **state)
{
	struct rewrap_entry in = usual(), out;
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	(void)state;
	in.to = (struct view){0};
	assert_true(rewrap_entry_encode(&in, &der, &err));
	assert_true(rewrap_entry_decode(buf_view(&der), &out, &err));
	assert_int_equal(out.to.len, 0);
	rewrap_entry_free(&out);
}

static void
a_batch_is_entries_and_nothing_else(void **state)
{
	const struct rewrap_entry in = usual();
	OWNED(buf_free) struct buf one = {0};
	OWNED(buf_free) struct buf both = {0};
	struct view rest, der;
	struct err err;

	(void)state;
	assert_true(rewrap_entry_encode(&in, &one, &err));
	for (int i = 0; i < 2; i++)
		assert_true(buf_append(&both, buf_view(&one), &err));
	rest = buf_view(&both);
	for (int i = 0; i < 2; i++) {
		assert_true(rewrap_entry_next(&rest, &der, &err));
		assert_true(view_eq(der, buf_view(&one)));
	}
	assert_int_equal(rest.len, 0);
	rest = view_of(one.ptr, one.len - 1);
	assert_false(rewrap_entry_next(&rest, &der, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	rest = view_str("no entry");
	assert_false(rewrap_entry_next(&rest, &der, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),
	    cmocka_unit_test(what_is_none_is_neither_written_nor_read),
	    cmocka_unit_test(an_entry_may_be_for_no_agents_to_come),
	    cmocka_unit_test(a_batch_is_entries_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
