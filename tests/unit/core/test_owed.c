/* When the directory is tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "owed.h"

#define MOST 60000

static struct err
failure(enum err_code code)
{
	struct err err;

	err_set(&err, code, "no");
	return err;
}

static void
what_is_refused_is_tried_less_and_less_often(void **state)
{
	const struct err why = failure(DIRCA_E_DIRECTORY);
	struct owed o = {0};
	int64_t ms = 5, delay = 10000;

	(void)state;
	assert_true(owed_is_due(&o, ms));
	assert_int_equal(owed_wait(&o, ms, MOST), MOST);
	for (int i = 0; i < 10; i++) {
		owed_failed(&o, &why, ms, false);
		assert_false(owed_is_due(&o, ms + delay - 1));
		assert_int_equal(owed_wait(&o, ms, 1000000), delay);
		ms += delay;
		assert_true(owed_is_due(&o, ms));
		assert_int_equal(owed_wait(&o, ms + 1, MOST), 0);
		delay = delay < 300000 ? 2 * delay : 600000;
	}
}

static void
what_was_out_of_reach_is_due_when_the_directory_answers(void **state)
{
	const struct err away = failure(DIRCA_E_DIRECTORY_UNAVAILABLE),
			 refused = failure(DIRCA_E_DIRECTORY);
	struct owed o = {0}, other = {0};

	(void)state;
	owed_failed(&o, &away, 0, false);
	owed_failed(&o, &away, 10000, false);
	owed_failed(&other, &refused, 0, false);
	owed_answered(&o);
	owed_answered(&other);
	assert_true(owed_is_due(&o, 1));
	assert_false(owed_is_due(&other, 1));
	/* Away again: it does not begin with the shortest delay. */
	owed_failed(&o, &away, 20000, false);
	assert_false(owed_is_due(&o, 20000 + 39999));
}

/* The try was under way when the directory came back, and only then learnt that it was away. */
static void
answer_during_a_try_counts(void **state)
{
	const struct err away = failure(DIRCA_E_DIRECTORY_UNAVAILABLE),
			 refused = failure(DIRCA_E_DIRECTORY);
	struct owed o = {0};

	(void)state;
	owed_failed(&o, &away, 7, true);
	assert_true(owed_is_due(&o, 7));
	owed_failed(&o, &refused, 7, true);
	assert_false(owed_is_due(&o, 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_refused_is_tried_less_and_less_often),
	    cmocka_unit_test(what_was_out_of_reach_is_due_when_the_directory_answers),
	    cmocka_unit_test(answer_during_a_try_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
