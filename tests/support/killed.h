/*
 * A process that dies before its nth change of a file: rename, link and unlink of the program are
 * wrapped (dirca_wrap in tests/CMakeLists.txt).
 */
#ifndef TEST_KILLED_H
#define TEST_KILLED_H

#include <sys/wait.h>
#include <unistd.h>

#include "config.h"

#define KILLED 77

static int kill_at, changes; /* 0: it lives */

static void
change(void)
{
	if (kill_at > 0 && ++changes == kill_at)
		_exit(KILLED);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

int
__wrap_rename(const char *from, const char *to)
{
	change();
	return __real_rename(from, to);
}

int
__wrap_link(const char *from, const char *to)
{
	change();
	return __real_link(from, to);
}

int
__wrap_unlink(const char *path)
{
	change();
	return __real_unlink(path);
}

typedef bool killed_act(const struct config *c, struct err *err);

/* Runs `act` in a process that dies before its change `at`. Whether it came to its end before. */
static bool
killed_run(killed_act *act, const struct config *c, int at)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct err err;

		kill_at = at;
		_exit(act(c, &err) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
	return WEXITSTATUS(status) == 0;
}

#endif
