/* Reports of drills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "drill_report.h"
#include "own.h"

static const uint8_t sixteen[16] = {1, 2, 3}, hash[32] = {4, 5, 6}, other[32] = {7};

static struct drill_report
usual(void)
{
	return (struct drill_report){.drill = view_of(sixteen, sizeof sixteen),
	    .proofs = {{view_of(hash, sizeof hash), view_str("signature")},
		{view_of(other, sizeof other), view_str("another")}},
	    .count = 2};
}

static void
what_is_written_is_read(void **state)
{
	const struct drill_report in = usual();
	OWNED(drill_report_free) struct drill_report out = {0};
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	(void)state;
	assert_true(drill_report_encode(&in, &der, &err));
	assert_true(drill_report_decode(buf_view(&der), &out, &err));
	assert_true(view_eq(in.drill, out.drill));
	assert_int_equal(out.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(view_eq(in.proofs[i].sealed, out.proofs[i].sealed));
		assert_true(view_eq(in.proofs[i].signature, out.proofs[i].signature));
	}
}

static void
what_is_none_is_neither_written_nor_read(void **state)
{
	struct drill_report bad[] = {usual(), usual(), usual(), usual(), usual()};
	OWNED(buf_free) struct buf der = {0};
	struct drill_report good = usual(), out;
	struct err err;

	(void)state;
	bad[0].drill.len--;
	bad[1].count = 0;
	bad[2].proofs[1].sealed.len--;
	bad[3].proofs[0].signature.len = 0;
	bad[4].count = DRILL_PROOFS_MAX + 1;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(drill_report_encode(&bad[i], &der, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
	assert_true(drill_report_encode(&good, &der, &err));
	for (size_t len = 0; len < der.len; len++)
		assert_false(drill_report_decode(view_of(der.ptr, len), &out, &err));
	der.ptr[5]++; /* version */
	assert_false(drill_report_decode(buf_view(&der), &out, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
}

/* As many as there may be, and what somebody wrote who put in one more. */
static void
a_report_has_no_more_than_a_hundred(void **state)
{
	struct drill_report in = usual(), out;
	OWNED(buf_free) struct buf der = {0};
	OWNED(buf_free) struct buf more = {0};
	struct err err;
	size_t one = 2 + 34 + 11, list;

	(void)state;
	for (in.count = 0; in.count < DRILL_PROOFS_MAX; in.count++)
		in.proofs[in.count] = usual().proofs[0];
	assert_true(drill_report_encode(&in, &der, &err));
	assert_true(drill_report_decode(buf_view(&der), &out, &err));
	assert_int_equal(out.count, DRILL_PROOFS_MAX);
	drill_report_free(&out);
	/* 30 82 .. .. 02 01 01 04 10 (16) 30 82 .. .. */
	list = 4 + 3 + 18;
	assert_int_equal(der.ptr[list], 0x30);
	assert_true(buf_dup(buf_view(&der), &more, &err));
	assert_true(buf_append(&more, view_of(der.ptr + list + 4, one), &err));
	for (size_t at = 0; at <= list; at += list) {
		size_t len = (size_t)(more.ptr[at + 2] << 8 | more.ptr[at + 3]) + one;

		more.ptr[at + 2] = (uint8_t)(len >> 8);
		more.ptr[at + 3] = (uint8_t)len;
	}
	assert_false(drill_report_decode(buf_view(&more), &out, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	assert_non_null(strstr(err.msg, "1 to 100"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),
	    cmocka_unit_test(what_is_none_is_neither_written_nor_read),
	    cmocka_unit_test(a_report_has_no_more_than_a_hundred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
