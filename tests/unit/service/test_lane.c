/* How many calls are worked at, who makes room for whom, and what becomes of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lane.h"
#include "mem.h"

#define THREADS 6
#define CALLS   300
#define AT_MOST 2

/* Threads that take calls: how many are at work, or were at most, wait for the disk, are done. */
static struct place {
	struct lane lane;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int at_work, most_at_work, resting, taken;
	bool disk_is_stuck;
} place;

static void
count(int *n, int by, int *most)
{
	pthread_mutex_lock(&place.lock);
	*n += by;
	if (most != NULL && *n > *most)
		*most = *n;
	pthread_cond_broadcast(&place.changed);
	pthread_mutex_unlock(&place.lock);
}

static void
wait_for_disk(void)
{
	count(&place.at_work, -1, &place.most_at_work);
	lane_leave(&place.lane);
	count(&place.resting, 1, NULL);
	pthread_mutex_lock(&place.lock);
	while (place.disk_is_stuck)
		pthread_cond_wait(&place.changed, &place.lock);
	pthread_mutex_unlock(&place.lock);
	count(&place.resting, -1, NULL);
	lane_enter(&place.lane);
}

static void *
take_calls(void *arg)
{
	const bool *rests = arg;

	while (lane_take(&place.lane) != NULL) {
		count(&place.at_work, 1, &place.most_at_work);
		sched_yield();
		if (*rests)
			wait_for_disk();
		else
			count(&place.at_work, -1, &place.most_at_work);
		lane_leave(&place.lane);
		count(&place.taken, 1, NULL);
	}
	return NULL;
}

static void
open_place(bool disk_is_stuck)
{
	place = (struct place){.disk_is_stuck = disk_is_stuck};
	pthread_mutex_init(&place.lock, NULL);
	pthread_cond_init(&place.changed, NULL);
	lane_open(&place.lane, AT_MOST);
}

static void
close_place(pthread_t threads[THREADS])
{
	lane_close(&place.lane);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	lane_free(&place.lane);
	pthread_mutex_destroy(&place.lock);
	pthread_cond_destroy(&place.changed);
}

static void
start(pthread_t threads[THREADS], bool *rests)
{
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_calls, rests), 0);
}

static void
await(const int *n, int wanted)
{
	pthread_mutex_lock(&place.lock);
	while (*n != wanted)
		pthread_cond_wait(&place.changed, &place.lock);
	pthread_mutex_unlock(&place.lock);
}

static void
no_more_are_at_work_than_may_be(void **state)
{
	static struct http_call calls[CALLS];
	pthread_t threads[THREADS];
	bool rests = false;

	(void)state;
	open_place(false);
	start(threads, &rests);
	for (int i = 0; i < CALLS; i++)
		assert_true(lane_put(&place.lane, &calls[i]));
	await(&place.taken, CALLS);
	assert_in_range(place.most_at_work, 1, AT_MOST);
	close_place(threads);
}

static void
who_waits_for_the_disk_makes_room(void **state)
{
	static struct http_call calls[THREADS];
	pthread_t threads[THREADS];
	bool rests = true;

	(void)state;
	open_place(true);
	start(threads, &rests);
	for (int i = 0; i < THREADS; i++)
		assert_true(lane_put(&place.lane, &calls[i]));
	await(&place.resting, THREADS);
	assert_in_range(place.most_at_work, 1, AT_MOST);
	pthread_mutex_lock(&place.lock);
	place.disk_is_stuck = false;
	pthread_cond_broadcast(&place.changed);
	pthread_mutex_unlock(&place.lock);
	await(&place.taken, THREADS);
	assert_int_equal(place.lane.at_work, 0);
	close_place(threads);
}

static void
who_goes_on_keeps_others_from_beginning(void **state)
{
	struct http_call calls[3] = {0};
	struct lane l;

	(void)state;
	lane_open(&l, 1);
	for (int i = 0; i < 3; i++)
		assert_true(lane_put(&l, &calls[i]));
	assert_ptr_equal(lane_take(&l), &calls[0]);
	lane_leave(&l);
	assert_ptr_equal(lane_take(&l), &calls[1]);
	lane_enter(&l);
	assert_int_equal(l.at_work, 2);
	lane_leave(&l);
	assert_int_equal(l.at_work, l.at_most);
	lane_leave(&l);
	assert_ptr_equal(lane_take(&l), &calls[2]);
	lane_leave(&l);
	lane_close(&l);
	assert_null(lane_take(&l));
	lane_free(&l);
}

static void
what_is_in_it_is_taken_when_it_closes(void **state)
{
	static struct http_call calls[CALLS];
	pthread_t threads[THREADS];
	bool rests = true;

	(void)state;
	open_place(false);
	for (int i = 0; i < CALLS; i++)
		assert_true(lane_put(&place.lane, &calls[i]));
	start(threads, &rests);
	close_place(threads);
	assert_int_equal(place.taken, CALLS);
}

static void
what_is_over_its_bound_or_comes_late_is_refused(void **state)
{
	struct http_call *calls = mem_zero(LANE_MAX + 1, sizeof *calls);
	struct lane l;

	(void)state;
	lane_open(&l, 1);
	for (int i = 0; i < LANE_MAX; i++)
		assert_true(lane_put(&l, &calls[i]));
	assert_false(lane_put(&l, &calls[LANE_MAX]));
	for (int i = 0; i < LANE_MAX; i++) {
		assert_ptr_equal(lane_take(&l), &calls[i]);
		lane_leave(&l);
	}
	lane_close(&l);
	assert_false(lane_put(&l, &calls[0]));
	assert_null(lane_take(&l));
	lane_free(&l);
	free(calls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_more_are_at_work_than_may_be),
	    cmocka_unit_test(who_waits_for_the_disk_makes_room),
	    cmocka_unit_test(who_goes_on_keeps_others_from_beginning),
	    cmocka_unit_test(what_is_in_it_is_taken_when_it_closes),
	    cmocka_unit_test(what_is_over_its_bound_or_comes_late_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
