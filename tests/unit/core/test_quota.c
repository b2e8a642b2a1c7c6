/*
 * Quotas of an hour: what fits, what is too much, who is forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "quota.h"

static bool
take(struct quota *q, const char *who, int64_t now_ms, int64_t bytes,
    const struct quota_limits *limits, struct quota_verdict *out)
{
	struct err err = {0};
	bool ok = quota_take(q, who, now_ms, bytes, limits, out, &err);

	assert_int_equal(err.code, ok ? ERR_OK : DIRCA_E_QUOTA);
	return ok;
}

static void
requests_and_bytes_are_limited_for_an_hour(void **state)
{
	const struct quota_limits limits = {.requests = 3, .bytes = 100};
	struct quota *q = quota_new();
	struct quota_verdict v;

	(void)state;
	assert_true(take(q, "a", 1000, 40, &limits, &v));
	assert_true(take(q, "a", 1000, 60, &limits, &v));
	assert_false(take(q, "a", 2000, 1, &limits, &v));
	assert_int_equal(v.left_out, 1);
	assert_int_equal(v.retry_after_s, 3599);
	assert_true(take(q, "a", 2000, 0, &limits, &v)); /* the third, without a byte */
	assert_false(take(q, "a", 2000, 0, &limits, &v));
	assert_int_equal(v.left_out, 2);
	assert_true(take(q, "A", 2000, 100, &limits, &v)); /* somebody else */
	assert_false(take(q, "a", 1000 + QUOTA_WINDOW_MS - 1, 1, &limits, &v));
	assert_int_equal(v.retry_after_s, 1);
	assert_true(take(q, "a", 1000 + QUOTA_WINDOW_MS, 100, &limits, &v));
	assert_int_equal(v.left_out_before, 3);
	assert_true(take(q, "a", 1000 + QUOTA_WINDOW_MS, 0, &limits, &v));
	assert_int_equal(v.left_out_before, 0); /* told once */
	quota_free(&q);
}

static void
zero_is_no_limit(void **state)
{
	const struct quota_limits none = {0};
	struct quota *q = quota_new();
	struct quota_verdict v;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(take(q, "a", 0, INT64_C(1) << 40, &none, &v));
	quota_free(&q);
}

/* Whoever asks much is not forgotten for many who ask once. */
static void
many_requesters_do_not_push_out_the_busy_one(void **state)
{
	const struct quota_limits limits = {.requests = 2};
	struct quota *q = quota_new();
	struct quota_verdict v;

	(void)state;
	assert_true(take(q, "busy", 0, 0, &limits, &v));
	assert_true(take(q, "busy", 0, 0, &limits, &v));
	for (int i = 0; i < 3 * QUOTA_SLOTS; i++) {
		char name[16];

		snprintf(name, sizeof name, "user%d", i);
		assert_true(take(q, name, 1, 0, &limits, &v));
	}
	assert_false(take(q, "busy", 2, 0, &limits, &v));
	quota_free(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_and_bytes_are_limited_for_an_hour),
	    cmocka_unit_test(zero_is_no_limit),
	    cmocka_unit_test(many_requesters_do_not_push_out_the_busy_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
