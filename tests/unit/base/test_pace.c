/* Work that pauses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <cmocka.h>

#include "pace.h"

#define WORK_NS INT64_C(2000000)

static int64_t
ns_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
work(void)
{
	int64_t end = ns_of(CLOCK_THREAD_CPUTIME_ID) + WORK_NS;

	while (ns_of(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

/* How much longer ten steps with work in each take than the work: at least, since whoever has to
 * wait for a processor does so in addition. */
static int64_t
ten_steps(struct pace p)
{
	int64_t from = ns_of(CLOCK_MONOTONIC), worked = ns_of(CLOCK_THREAD_CPUTIME_ID);

	for (int i = 0; i < 10; i++) {
		work();
		pace_step(&p);
	}
	worked = ns_of(CLOCK_THREAD_CPUTIME_ID) - worked;
	return ns_of(CLOCK_MONOTONIC) - from - worked;
}

/* The little that is worked in the step itself is not slept for. */
static void
pauses_are_as_long_as_the_work_before_them_asks_for(void **state)
{
	(void)state;
	assert_true(ten_steps(pace_begin(1, 3)) >= 29 * WORK_NS);
	assert_true(ten_steps(pace_begin(2, 3)) >= 29 * WORK_NS);
	/* Three stretches of three, and one step of the next. */
	assert_true(ten_steps(pace_begin(3, 3)) >= 26 * WORK_NS);
}

static void
waiting_is_no_work(void **state)
{
	const struct timespec nap = {.tv_nsec = WORK_NS};
	struct pace p = pace_begin(1, 1000);
	int64_t from = ns_of(CLOCK_MONOTONIC);

	(void)state;
	for (int i = 0; i < 20; i++)
		nanosleep(&nap, NULL);
	pace_step(&p);
	assert_true(ns_of(CLOCK_MONOTONIC) - from < 1000 * 20 * WORK_NS);
}

static void
less_than_a_stretch_does_not_pause(void **state)
{
	(void)state;
	(void)ten_steps(pace_begin(11, INT64_C(1000000))); /* else for hours */
	(void)ten_steps(pace_begin(1, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pauses_are_as_long_as_the_work_before_them_asks_for),
	    cmocka_unit_test(waiting_is_no_work),
	    cmocka_unit_test(less_than_a_stretch_does_not_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
