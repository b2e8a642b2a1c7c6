#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DAY      INT64_C(86400)

/* [MS-CRTD]: values of real templates. A year has 365 days, a week 7. */
static const struct {
	const char *hex;
	int64_t seconds;
} periods[] = {
    {"00 40 39 87 2e e1 fe ff", 365 * DAY},
    {"00 80 72 0e 5d c2 fd ff", 730 * DAY},
    {"00 40 1e a4 e8 65 fa ff", 1825 * DAY},
    {"00 80 a6 0a ff de ff ff", 42 * DAY},
    {"00 c0 1b d7 7f fa ff ff", 7 * DAY},
};

static void
periods_of_templates_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(periods); i++) {
		struct buf raw;
		struct err err;
		int64_t seconds;
		uint8_t again[8];

		assert_true(hex_decode(periods[i].hex, &raw, &err));
		assert_true(period_decode(buf_view(&raw), &seconds));
		assert_int_equal(seconds, periods[i].seconds);
		period_encode(seconds, again);
		assert_memory_equal(again, raw.ptr, 8);
		buf_free(&raw);
	}
}

/* Both clocks are read in whole milliseconds: what moved by a day may seem to lack one of them. */
static void
a_step_of_the_clock_is_told_to_the_nearest_second(void **state)
{
	static const struct {
		int64_t moved_ms, seconds;
	} cases[] = {
	    {0, 0},
	    {86399700, 86400},
	    {86400300, 86400},
	    {-86399700, -86400},
	    {-86400300, -86400},
	    {9300, 0},
	    {-9300, 0},
	    {9700, 10},
	    {-9700, -10},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct clock_watch w;

		clock_watch_begin(&w);
		w.offset_ms -= cases[i].moved_ms;
		assert_int_equal(clock_watch_step(&w), cases[i].seconds);
		assert_int_equal(clock_watch_step(&w), 0);
	}
}

static void
a_period_is_eight_bytes_and_negative(void **state)
{
	uint8_t raw[9] = {0};
	int64_t seconds;

	(void)state;
	assert_false(period_decode(view_of(raw, 8), &seconds)); /* zero */
	memset(raw, 0xff, sizeof raw);
	for (size_t len = 0; len <= sizeof raw; len++)
		assert_int_equal(period_decode(view_of(raw, len), &seconds), len == 8);
	raw[7] = 0x7f; /* positive */
	assert_false(period_decode(view_of(raw, 8), &seconds));
	memset(raw, 0, sizeof raw);
	raw[7] = 0x80; /* has no positive counterpart */
	assert_false(period_decode(view_of(raw, 8), &seconds));
}

static void
a_period_over_the_format_is_the_longest(void **state)
{
	uint8_t raw[8];
	int64_t seconds;

	(void)state;
	period_encode(INT64_MAX, raw);
	assert_true(period_decode(view_of(raw, 8), &seconds));
	assert_int_equal(seconds, INT64_MAX / 10000000);
}

static void
instants_are_written_and_read(void **state)
{
	static const struct {
		int64_t when;
		const char *text;
	} rows[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {-1, "1969-12-31T23:59:59Z"},
	    {951782400, "2000-02-29T00:00:00Z"},
	    {INT64_C(4102444800), "2100-01-01T00:00:00Z"},
	    {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[21];
		int64_t when;

		clock_format(rows[i].when, text);
		assert_string_equal(text, rows[i].text);
		assert_true(clock_parse(text, &when));
		assert_int_equal(when, rows[i].when);
	}
}

static void
an_instant_without_four_digit_year_has_no_text(void **state)
{
	char text[21];

	(void)state;
	clock_format(INT64_C(253402300800), text);
	assert_string_equal(text, "?");
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "?");
}

static void
malformed_instants_are_refused(void **state)
{
	static const char *const bad[] = {"", "2026", "2026-11-24", "2026-11-24T05:22:34",
	    "2026-11-24T05:22:34Zx", " 2026-11-24T05:22:34Z", "2026-11-24 05:22:34Z",
	    "2026-02-30T00:00:00Z", "2026-1-2T03:04:05Z", "2026-13-01T00:00:00Z",
	    "2026-11-24T24:00:00Z", "2026-11-24T05:60:00Z", "2026-11-24T05:22:61Z",
	    "2026-11-24T05:22:34+00"};
	int64_t when;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (clock_parse(bad[i], &when))
			fail_msg("\"%s\" was read", bad[i]);
}

static void
people_have_their_own_clock(void **state)
{
	static const struct {
		const char *zone;
		int64_t when;
		const char *text;
	} rows[] = {
	    {"UTC0", 1795497754, "2026-11-24T05:22:34Z"},
	    {"XXX-1", 1795497754, "2026-11-24T06:22:34+01:00"},
	    {"XXX-5:45", 1795497754, "2026-11-24T11:07:34+05:45"},
	    {"XXX3:30", 1795497754, "2026-11-24T01:52:34-03:30"},
	    {"XXX0:00:30", 1795497754, "2026-11-24T05:22:34Z"}, /* RFC 3339 cannot say it */
	    {"XXX-1XXY,M3.5.0,M10.5.0/3", 1795497754 - 150 * 86400, "2026-06-27T07:22:34+02:00"},
	    {"XXX-14", INT64_C(253402300799), "9999-12-31T23:59:59Z"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[CLOCK_LOCAL_LEN];
		int64_t when;

		setenv("TZ", rows[i].zone, 1);
		tzset();
		clock_local_format(rows[i].when, text);
		assert_string_equal(text, rows[i].text);
		assert_true(clock_local_parse(text, &when));
		assert_int_equal(when, rows[i].when);
	}
	setenv("TZ", "UTC0", 1);
	tzset();
}

static void
what_is_no_offset_is_refused(void **state)
{
	static const char *const bad[] = {"", "2026-11-24T05:22:34", "2026-11-24T05:22:34+0100",
	    "2026-11-24T05:22:34+1:000", "2026-11-24T05:22:34 01:00", "2026-11-24T05:22:34+24:00",
	    "2026-11-24T05:22:34+01:60", "2026-02-30T05:22:34+01:00", "2026-11-24T05:22:34+01-00",
	    "2026-11-24T05:22:34+ 1:00", "2026-11-24T05:22:34++1:00", "2026-11-24 05:22:34+01:00"};
	int64_t when;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (clock_local_parse(bad[i], &when))
			fail_msg("\"%s\" was read", bad[i]);
}

static void
instants_of_http_are_read_as_they_are_written(void **state)
{
	static const char *const bad[] = {"", "Tue, 24 Nov 2026 05:22:34", "2026-11-24T05:22:34Z",
	    "Mon, 24 Nov 2026 05:22:34 GMT", "Tue, 24 Nov 2026 05:22:34 UTC",
	    "Tuesday, 24-Nov-26 05:22:34 GMT", "Tue Nov 24 05:22:34 2026",
	    "Tue, 24 Nov 2026 05:22:34 GMT;", "Tue, 31 Nov 2026 05:22:34 GMT"};
	char text[CLOCK_HTTP_LEN];
	int64_t when;

	(void)state;
	clock_http_format(1795497754, text);
	assert_string_equal(text, "Tue, 24 Nov 2026 05:22:34 GMT");
	assert_true(clock_http_parse(text, &when));
	assert_int_equal(when, 1795497754);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (clock_http_parse(bad[i], &when))
			fail_msg("\"%s\" was read", bad[i]);
}

static void
the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t a = clock_mono_ms(), b = clock_mono_ms();

	(void)state;
	assert_true(b >= a);
	assert_true(clock_now() > INT64_C(1700000000));
}

/* By another clock it would be over at once, or in decades. */
static void
a_wait_goes_by_the_monotonic_clock(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int64_t until_ms = clock_mono_ms() + 30;
	struct timespec until = clock_timespec(until_ms), odd = clock_timespec(2999);
	pthread_cond_t never;
	int ended;

	(void)state;
	assert_int_equal(odd.tv_sec, 2);
	assert_int_equal(odd.tv_nsec, 999000000);
	clock_cond_init(&never);
	pthread_mutex_lock(&lock);
	while ((ended = pthread_cond_timedwait(&never, &lock, &until)) == 0)
		;
	pthread_mutex_unlock(&lock);
	assert_int_equal(ended, ETIMEDOUT);
	assert_true(clock_mono_ms() >= until_ms);
	pthread_cond_destroy(&never);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(periods_of_templates_are_read_and_written),
	    cmocka_unit_test(a_step_of_the_clock_is_told_to_the_nearest_second),
	    cmocka_unit_test(a_period_is_eight_bytes_and_negative),
	    cmocka_unit_test(a_period_over_the_format_is_the_longest),
	    cmocka_unit_test(instants_are_written_and_read),
	    cmocka_unit_test(an_instant_without_four_digit_year_has_no_text),
	    cmocka_unit_test(malformed_instants_are_refused),
	    cmocka_unit_test(people_have_their_own_clock),
	    cmocka_unit_test(what_is_no_offset_is_refused),
	    cmocka_unit_test(instants_of_http_are_read_as_they_are_written),
	    cmocka_unit_test(the_monotonic_clock_does_not_go_back),
	    cmocka_unit_test(a_wait_goes_by_the_monotonic_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
