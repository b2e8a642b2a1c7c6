/* Who can open archived keys, and what is lost when some leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "coverage.h"
#include "own.h"

#define REST        " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define A           "0a" REST
#define B           "0b" REST
#define C           "0c" REST
#define SHA1(first) view_of((const uint8_t[20]){(first)}, 20)

static void
add(struct coverage *c, const char *hashes, int64_t keys)
{
	struct err err;

	assert_true(coverage_add(c, hashes, keys, &err));
}

static void
lives(struct coverage *c, uint8_t first, int64_t until)
{
	coverage_find(c, SHA1(first))->lives = until > 0;
	coverage_find(c, SHA1(first))->until = until;
	coverage_count(c);
}

/* 10 to A, 20 to A and B, 40 to B and C. */
static void
fill(struct coverage *c)
{
	add(c, A, 10);
	add(c, A "\n" B, 19);
	add(c, B "\n" A "\n" A, 1);
	add(c, B "\n" C, 40);
	coverage_count(c);
}

static void
assert_agent(const struct coverage *c, uint8_t first, int64_t keys, int64_t alone, int64_t last)
{
	const struct coverage_agent *a = coverage_find(c, SHA1(first));

	assert_int_equal(a->keys, keys);
	assert_int_equal(a->alone, alone);
	assert_int_equal(a->last, last);
}

static void
combinations_are_counted_whatever_their_order(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};

	(void)state;
	fill(&c);
	assert_int_equal(c.set_count, 3);
	assert_int_equal(c.sets[1].hashes.count, 2);
	assert_int_equal(c.keys, 70);
	assert_int_equal(c.uncovered, 70);
	assert_null(coverage_find(&c, SHA1(9)));
	/* Nobody lives: each would be the last. */
	assert_agent(&c, 0x0a, 30, 10, 30);
	assert_agent(&c, 0x0b, 60, 0, 60);
	assert_agent(&c, 0x0c, 40, 0, 40);
}

static void
who_lives_covers_and_is_the_last_where_nobody_else_does(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};

	(void)state;
	fill(&c);
	lives(&c, 0x0a, 100);
	assert_int_equal(c.uncovered, 40);
	assert_agent(&c, 0x0a, 30, 10, 30);
	assert_agent(&c, 0x0b, 60, 0, 40);
	lives(&c, 0x0b, 200);
	assert_int_equal(c.uncovered, 0);
	assert_agent(&c, 0x0a, 30, 10, 10);
	assert_agent(&c, 0x0b, 60, 0, 40);
	lives(&c, 0x0a, 0);
	assert_int_equal(c.uncovered, 10);
}

static void
what_is_lost_counts_all_who_leave_together(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};

	(void)state;
	fill(&c);
	lives(&c, 0x0a, 100);
	lives(&c, 0x0b, 100);
	assert_int_equal(c.lost, 0);
	coverage_find(&c, SHA1(0x0b))->leaves = true;
	coverage_count(&c);
	assert_int_equal(c.lost, 40);
	coverage_find(&c, SHA1(0x0a))->leaves = true;
	coverage_count(&c);
	assert_int_equal(c.lost, 70);
	/* One who does not live any more and leaves takes with him what nobody else opens. */
	coverage_find(&c, SHA1(0x0a))->leaves = coverage_find(&c, SHA1(0x0b))->leaves = false;
	coverage_find(&c, SHA1(0x0c))->leaves = true;
	coverage_count(&c);
	assert_int_equal(c.lost, 0);
	lives(&c, 0x0b, 0);
	assert_int_equal(c.lost, 40);
}

static void
keys_end_with_the_last_who_opens_them(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};
	struct coverage_end end;

	(void)state;
	fill(&c);
	lives(&c, 0x0a, 100);
	lives(&c, 0x0b, 200);
	end = coverage_ends(&c, 99);
	assert_int_equal(end.keys, 0);
	assert_null(end.agent);
	end = coverage_ends(&c, 100);
	assert_int_equal(end.keys, 10);
	assert_int_equal(end.first, 100);
	assert_int_equal(end.agent->sha1[0], 0x0a);
	end = coverage_ends(&c, 200);
	assert_int_equal(end.keys, 70);
	assert_int_equal(end.sets, 3);
	assert_int_equal(end.first, 100);
	lives(&c, 0x0c, 300);
	end = coverage_ends(&c, 200);
	assert_int_equal(end.keys, 30);
}

/* 8 that two of A, B and C open together, 2 that A and B do. */
static void
keys_that_several_open_need_so_many_who_live(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};
	struct coverage_end end;

	(void)state;
	add(&c, A "\n" B "\n" C "\nthreshold=2", 8);
	add(&c, B "\n" A "\nthreshold=2", 2);
	coverage_count(&c);
	assert_int_equal(c.set_count, 2);
	lives(&c, 0x0a, 300);
	assert_int_equal(c.uncovered, 10);
	assert_int_equal(coverage_ends(&c, 1000).keys, 0);
	lives(&c, 0x0b, 100);
	assert_int_equal(c.uncovered, 0);
	assert_agent(&c, 0x0a, 10, 2, 10);
	assert_agent(&c, 0x0c, 8, 0, 0);
	end = coverage_ends(&c, 100); /* not when the last ends, but when the last but one does */
	assert_int_equal(end.keys, 10);
	assert_int_equal(end.first, 100);
	assert_int_equal(end.agent->sha1[0], 0x0b);
	lives(&c, 0x0c, 200);
	assert_agent(&c, 0x0a, 10, 2, 2);
	end = coverage_ends(&c, 199);
	assert_int_equal(end.keys, 2);
	assert_int_equal(coverage_ends(&c, 200).keys, 10);
	coverage_find(&c, SHA1(0x0a))->leaves = true;
	coverage_count(&c);
	assert_int_equal(c.lost, 2);
	coverage_find(&c, SHA1(0x0b))->leaves = true;
	coverage_count(&c);
	assert_int_equal(c.lost, 10);
}

/* The same agents, one of whom opens the one kind of key, and two together the other. */
static void
a_threshold_is_a_combination_of_its_own(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};

	(void)state;
	add(&c, A "\n" B, 1);
	add(&c, A "\n" B "\nthreshold=2", 2);
	coverage_count(&c);
	assert_int_equal(c.set_count, 2);
	lives(&c, 0x0a, 100);
	assert_int_equal(c.uncovered, 2);
}

static void
what_is_no_hash_is_refused(void **state)
{
	static const char *const bad[] = {"0a", A "0b", "k=2\n" A, A " 00", A "\nthreshold=1",
	    A "\nthreshold=65", A "\nthreshold="};
	OWNED(coverage_free) struct coverage c = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(coverage_add(&c, bad[i], 1, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
	/* Sealed to nobody: nobody opens it. */
	add(&c, "", 3);
	coverage_count(&c);
	assert_int_equal(c.uncovered, 3);
}

/* The key of an agent is its first octet here. */
static void
knows(struct coverage *c, uint8_t first, uint8_t key, int64_t proved)
{
	struct coverage_agent *a = coverage_find(c, SHA1(first));

	a->key_known = true;
	a->key[0] = key;
	a->proved = proved;
}

static void
who_lives_and_showed_nothing_of_late_is_told(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};
	const struct coverage_agent *first;

	(void)state;
	fill(&c);
	for (uint8_t i = 0x0a; i <= 0x0c; i++)
		knows(&c, i, i, 0);
	assert_int_equal(coverage_unproved(&c, 1000, &first), 0);
	assert_null(first);
	for (uint8_t i = 0x0a; i <= 0x0c; i++)
		lives(&c, i, 5000);
	assert_int_equal(coverage_unproved(&c, 0, &first), 0); /* nobody need */
	assert_int_equal(coverage_unproved(&c, 1000, &first), 3);
	assert_ptr_equal(first, coverage_find(&c, SHA1(0x0a)));
	knows(&c, 0x0a, 0x0a, 999);
	knows(&c, 0x0b, 0x0b, 1000);
	assert_int_equal(coverage_unproved(&c, 1000, &first), 2);
	assert_ptr_equal(first, coverage_find(&c, SHA1(0x0c)));
	/* Two certificates of one agent. */
	knows(&c, 0x0c, 0x0a, 999);
	assert_int_equal(coverage_unproved(&c, 1000, &first), 1);
	coverage_find(&c, SHA1(0x0a))->key_known = false;
	coverage_find(&c, SHA1(0x0c))->key_known = false;
	assert_int_equal(coverage_unproved(&c, 1000, &first), 0);
}

static void
drilled(struct coverage *c, uint8_t first, int64_t opened, bool reported, bool whole)
{
	struct coverage_agent *a = coverage_find(c, SHA1(first));

	a->drill.opened = opened;
	a->drill.reported = reported;
	a->drill.whole = whole;
}

static void
a_drill_that_lacks_keys_is_told(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};
	const struct coverage_agent *first;

	(void)state;
	fill(&c);
	for (uint8_t i = 0x0a; i <= 0x0c; i++) {
		knows(&c, i, i, 0);
		lives(&c, i, 5000);
	}
	assert_int_equal(coverage_incomplete(&c, 1000, &first), 0); /* there was none */
	drilled(&c, 0x0a, 1000, false, false);
	assert_int_equal(coverage_incomplete(&c, 1000, &first), 0);
	assert_int_equal(coverage_incomplete(&c, 1001, &first), 1);
	assert_ptr_equal(first, coverage_find(&c, SHA1(0x0a)));
	drilled(&c, 0x0b, 2000, true, false);
	assert_int_equal(coverage_incomplete(&c, 1000, &first), 1);
	assert_ptr_equal(first, coverage_find(&c, SHA1(0x0b)));
	assert_int_equal(coverage_incomplete(&c, 1001, &first), 2);
	assert_ptr_equal(first, coverage_find(&c, SHA1(0x0a)));
	drilled(&c, 0x0b, 2000, true, true);
	drilled(&c, 0x0a, 1, true, true);
	assert_int_equal(coverage_incomplete(&c, 9999, &first), 0);
	drilled(&c, 0x0c, 1, true, false);
	assert_int_equal(coverage_incomplete(&c, 1000, &first), 1);
	coverage_find(&c, SHA1(0x0c))->lives = false;
	assert_int_equal(coverage_incomplete(&c, 1000, &first), 0);
}

static void
who_opens_no_key_alone_need_show_nothing(void **state)
{
	OWNED(coverage_free) struct coverage c = {0};
	const struct coverage_agent *first;

	(void)state;
	add(&c, A "\n" B "\nthreshold=2", 5);
	add(&c, A, 1);
	for (uint8_t i = 0x0a; i <= 0x0b; i++) {
		knows(&c, i, i, 0);
		lives(&c, i, 5000);
	}
	assert_int_equal(coverage_find(&c, SHA1(0x0a))->single, 1);
	assert_int_equal(coverage_find(&c, SHA1(0x0b))->single, 0);
	assert_int_equal(coverage_unproved(&c, 1000, &first), 1);
	assert_ptr_equal(first, coverage_find(&c, SHA1(0x0a)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(combinations_are_counted_whatever_their_order),
	    cmocka_unit_test(who_lives_covers_and_is_the_last_where_nobody_else_does),
	    cmocka_unit_test(what_is_lost_counts_all_who_leave_together),
	    cmocka_unit_test(keys_end_with_the_last_who_opens_them),
	    cmocka_unit_test(keys_that_several_open_need_so_many_who_live),
	    cmocka_unit_test(a_threshold_is_a_combination_of_its_own),
	    cmocka_unit_test(what_is_no_hash_is_refused),
	    cmocka_unit_test(who_lives_and_showed_nothing_of_late_is_told),
	    cmocka_unit_test(a_drill_that_lacks_keys_is_told),
	    cmocka_unit_test(who_opens_no_key_alone_need_show_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
