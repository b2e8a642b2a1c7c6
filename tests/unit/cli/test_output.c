/* Files that a verb makes: whole, all of them or none, and never in place of what is no file. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "output.h"

/* How each exchange of files fails, in their order; 0: not at all. */
static int exchange_fails[4];
static size_t exchanges;

int __real_renameat2(int at, const char *from, int to_at, const char *to, unsigned flags);
int __wrap_renameat2(int at, const char *from, int to_at, const char *to, unsigned flags);

int
__wrap_renameat2(int at, const char *from, int to_at, const char *to, unsigned flags)
{
	int fails = exchanges < 4 ? exchange_fails[exchanges] : 0;

	exchanges++;
	if (fails == 0)
		return __real_renameat2(at, from, to_at, to, flags);
	errno = fails;
	return -1;
}

static void
let_fail(int first, int second, int third)
{
	exchanges = 0;
	exchange_fails[0] = first;
	exchange_fails[1] = second;
	exchange_fails[2] = third;
}

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
	/* Nothing of it where the other fails. */
	assert_true(file_replace(a, view_str("old"), 0600, &err));
	assert_false(write_two(a, elsewhere, true, &err));
	assert_true(holds(a, "old"));
}

static size_t
files_in_folder(void)
{
	DIR *d = opendir(folder);
	size_t count = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

static void
two_that_were_there(void)
{
	struct err err;

	assert_true(file_replace(a, view_str("old"), 0640, &err));
	assert_true(file_replace(b, view_str("older"), 0600, &err));
}

/* One of them cannot be put in place: both are what they were, their modes too. */
static void
what_was_there_comes_back(void **state)
{
	struct stat st;
	struct err err;

	(void)state;
	for (int second = 0; second <= 1; second++) {
		two_that_were_there();
		let_fail(second ? 0 : EIO, EIO, 0);
		assert_false(write_two(a, b, true, &err));
		assert_int_equal(err.code, DIRCA_E_IO);
		assert_null(strstr(err.msg, "not as it was"));
		assert_true(holds(a, "old") && holds(b, "older"));
		assert_int_equal(stat(a, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
		assert_int_equal(files_in_folder(), 2);
	}
	unlink(a); /* a new one beside one that was there */
	let_fail(0, EIO, 0);
	exchange_fails[0] = ENOENT;
	assert_false(write_two(a, b, true, &err));
	assert_false(is_there(a));
	assert_true(holds(b, "older"));
	assert_int_equal(files_in_folder(), 1);
	let_fail(0, 0, 0);
}

/* A file system that cannot exchange, and a way back that fails. */
static void
what_cannot_come_back_is_named(void **state)
{
	struct err err;

	(void)state;
	two_that_were_there();
	let_fail(EINVAL, EINVAL, 0);
	assert_true(write_two(a, b, true, &err));
	assert_true(holds(a, "one") && holds(b, "two"));
	for (int back = 0; back <= 1; back++) {
		two_that_were_there();
		let_fail(back ? 0 : EINVAL, EIO, EIO);
		assert_false(write_two(a, b, true, &err));
		assert_non_null(strstr(err.msg, "not as it was before: "));
		assert_non_null(strstr(err.msg, a));
		assert_true(holds(a, "one") && holds(b, "older"));
		assert_int_equal(files_in_folder(), back ? 3 : 2);
		if (back) {
			char *kept = strstr(err.msg, "what is now ") + strlen("what is now ");

			kept[strcspn(kept, ";")] = '\0';
			assert_true(holds(kept, "old"));
			unlink(kept);
		}
	}
	let_fail(0, 0, 0);
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
	    cmocka_unit_test_teardown(what_was_there_comes_back, clear),
	    cmocka_unit_test_teardown(what_cannot_come_back_is_named, clear),
	    cmocka_unit_test_teardown(a_link_is_not_replaced, clear),
	    cmocka_unit_test_teardown(a_signal_leaves_nothing, clear),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
