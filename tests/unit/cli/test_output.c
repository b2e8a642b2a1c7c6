/* Files that a verb makes: whole, all of them or none, and never in place of what is no file. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "output.h"

static char folder[] = "/tmp/dirca-output.XXXXXX";
static char a[64], b[64], elsewhere[64];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(a, sizeof a, "%s/a", folder);
	snprintf(b, sizeof b, "%s/b", folder);
	snprintf(elsewhere, sizeof elsewhere, "%s/none/c", folder);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(a);
	unlink(b);
	return rmdir(folder);
}

static int
clear(void **state)
{
	(void)state;
	unlink(a);
	unlink(b);
	return 0;
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static bool
holds(const char *path, const char *text)
{
	struct buf content = {0};
	struct err err;
	bool yes =
	    file_read(path, 100, &content, &err) && view_eq(buf_view(&content), view_str(text));

	buf_free(&content);
	return yes;
}

static bool
write_two(const char *first, const char *second, bool force, struct err *err)
{
	const struct output list[] = {
	    {first, view_str("one"), 0600}, {second, view_str("two"), 0644}};

	return outputs_write(list, 2, force, err);
}

static void
both_are_written(void **state)
{
	struct stat st;
	struct err err;

	(void)state;
	assert_true(write_two(a, b, false, &err));
	assert_true(holds(a, "one") && holds(b, "two"));
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
where_one_cannot_be_none_is(void **state)
{
	struct err err;

	(void)state;
	assert_false(write_two(a, elsewhere, false, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	assert_false(is_there(a));
}

static void
what_was_there_is_replaced_by_force_only(void **state)
{
	struct err err;

	(void)state;
	assert_true(file_create(a, view_str("old"), 0600, &err));
	assert_false(write_two(a, b, false, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_true(holds(a, "old"));
	assert_false(is_there(b));
	assert_true(write_two(a, b, true, &err));
	assert_true(holds(a, "one"));
	/* It is not taken away where the other fails: it was there. */
	assert_false(write_two(a, elsewhere, true, &err));
	assert_true(is_there(a));
}

static void
a_link_is_not_replaced(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(symlink("b", a), 0);
	assert_false(output_check(a, true, &err));
	assert_false(write_two(a, b, true, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	assert_false(is_there(b));
}

/* As if it had come in the middle: it waits until nothing is left. */
static void
a_signal_leaves_nothing(void **state)
{
	struct sigaction quiet = {.sa_handler = SIG_IGN}, before;
	sigset_t interrupt, mask;
	struct err err;

	(void)state;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &mask);
	raise(SIGINT);
	assert_false(write_two(a, b, false, &err));
	assert_false(is_there(a) || is_there(b));
	sigaction(SIGINT, &quiet, &before); /* forgets it */
	sigaction(SIGINT, &before, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	assert_true(write_two(a, b, false, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(both_are_written, clear),
	    cmocka_unit_test_teardown(where_one_cannot_be_none_is, clear),
	    cmocka_unit_test_teardown(what_was_there_is_replaced_by_force_only, clear),
	    cmocka_unit_test_teardown(a_link_is_not_replaced, clear),
	    cmocka_unit_test_teardown(a_signal_leaves_nothing, clear),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
