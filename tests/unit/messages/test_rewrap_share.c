/* Shares of the keys of a batch, on their way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mem.h"
#include "own.h"
#include "rewrap_share.h"

static const uint8_t sixteen[16] = {1, 2, 3};

static struct rewrap_share
usual(void)
{
	return (struct rewrap_share){.batch = view_of(sixteen, sizeof sixteen),
	    .request_id = 42,
	    .share = view_str("share")};
}

static void
what_is_written_is_read(void **state)
{
	const struct rewrap_share in = usual();
	OWNED(rewrap_share_free) struct rewrap_share out = {0};
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	(void)state;
	assert_true(rewrap_share_encode(&in, &der, &err));
	assert_true(rewrap_share_decode(buf_view(&der), &out, &err));
	assert_true(view_eq(in.batch, out.batch) && view_eq(in.share, out.share));
	assert_int_equal(out.request_id, 42);
}

/* docs/PROTOCOL.md */
static void
it_is_as_it_is_written_down(void **state)
{
	static const uint8_t der[] = {0x30, 0x1f, 0x02, 0x01, 0x01, 0x04, 0x10, 1, 2, 3, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x01, 0x2a, 0x04, 0x05, 's', 'h', 'a', 'r', 'e'};
	const struct rewrap_share in = usual();
	OWNED(buf_free) struct buf out = {0};
	struct err err;

	(void)state;
	assert_true(rewrap_share_encode(&in, &out, &err));
	assert_true(view_eq(buf_view(&out), view_of(der, sizeof der)));
}

static void
what_is_none_is_neither_written_nor_read(void **state)
{
	struct rewrap_share bad[] = {usual(), usual(), usual(), usual()}, out;
	const struct rewrap_share good = usual();
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	(void)state;
	bad[0].batch.len--;
	bad[1].request_id = 0;
	bad[2].request_id = -1;
	bad[3].share.len = 0;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(rewrap_share_encode(&bad[i], &der, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
	assert_true(rewrap_share_encode(&good, &der, &err));
	for (size_t len = 0; len < der.len; len++) {
		assert_false(rewrap_share_decode(view_of(der.ptr, len), &out, &err));
		assert_null(out.content.ptr);
	}
	der.ptr[4] = 2; /* the version */
	assert_false(rewrap_share_decode(buf_view(&der), &out, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	der.ptr[4] = 1;
	der.ptr[25] = 0; /* the request */
	assert_false(rewrap_share_decode(buf_view(&der), &out, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	assert_null(out.content.ptr);
}

/* A length that takes in more than there is, or other octets than it has. */
static void
what_is_too_long_is_refused(void **state)
{
	OWNED(buf_free) struct buf large = {0}, der = {0};
	struct rewrap_share in = usual();
	struct err err;

	(void)state;
	assert_true(buf_alloc(REWRAP_ENTRY_MAX, &large, &err));
	memset(large.ptr, 0, large.len);
	in.share = buf_view(&large);
	assert_false(rewrap_share_encode(&in, &der, &err));
	assert_int_equal(err.code, DIRCA_E_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),
	    cmocka_unit_test(it_is_as_it_is_written_down),
	    cmocka_unit_test(what_is_none_is_neither_written_nor_read),
	    cmocka_unit_test(what_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
