#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "buf.h"
#include "mem.h"
#include "own.h"
#include "texts.h"

static int freed;

static void
count_free(const int *variable)
{
	freed += *variable;
}

static bool
leaves_early(bool early)
{
	OWNED(count_free) int one = 1;

	if (early)
		return false;
	OWNED(count_free) int ten = 10;

	return one + ten == 11;
}

static void
what_is_owned_is_freed_where_its_block_is_left(void **state)
{
	(void)state;
	freed = 0;
	assert_false(leaves_early(true));
	assert_int_equal(freed, 1);
	assert_true(leaves_early(false));
	assert_int_equal(freed, 12);
}

static char *
make_text(void)
{
	OWNED(own_memory) char *text = mem_text("given");

	return own_give(&text);
}

static void
what_is_given_away_is_not_freed(void **state)
{
	OWNED(own_memory) char *text = make_text();
	struct buf from = {0}, to;
	struct err err;

	(void)state;
	assert_string_equal(text, "given");
	assert_true(buf_dup(view_str("bytes"), &from, &err));
	to = buf_give(&from);
	assert_null(from.ptr);
	assert_int_equal(from.cap, 0);
	assert_int_equal(to.len, 5);
	buf_free(&to);
}

static void
texts_keep_their_order(void **state)
{
	OWNED(texts_free) struct texts t = {0};

	(void)state;
	assert_false(texts_has(&t, "a"));
	for (size_t i = 0; i < 100; i++)
		texts_add(&t, i % 2 == 0 ? "a" : "b");
	texts_take(&t, mem_text_n("cd", 1));
	assert_int_equal(t.count, 101);
	assert_string_equal(t.list[1], "b");
	assert_string_equal(t.list[100], "c");
	assert_true(texts_has(&t, "c"));
	assert_false(texts_has(&t, "A"));
}

static void
first_pair_of_a_name_is_found_without_case(void **state)
{
	OWNED(pairs_free) struct pairs p = {0};

	(void)state;
	pairs_take(&p, mem_text("Name"), mem_text("1"));
	pairs_take(&p, mem_text("name"), mem_text("2"));
	assert_string_equal(pairs_find(&p, "NAME"), "1");
	assert_null(pairs_find(&p, "nam"));
}

static void
want_of_memory_ends_the_process(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_int_not_equal(child, -1);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL); /* cmocka's handler would go on */
		close(STDERR_FILENO);
		free(mem_grow(NULL, SIZE_MAX, 1));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_owned_is_freed_where_its_block_is_left),
	    cmocka_unit_test(what_is_given_away_is_not_freed),
	    cmocka_unit_test(texts_keep_their_order),
	    cmocka_unit_test(first_pair_of_a_name_is_found_without_case),
	    cmocka_unit_test(want_of_memory_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
