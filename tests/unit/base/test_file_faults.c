/* Every call of the system that a file's writing makes fails, one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "faults.h"
#include "file.h"

#define OLD "what was there before"
#define NEW "what is to be there"

/* FAULTY(int, fsync, (int fd), (fd), -1): fails with EIO when its turn comes. */
#define FAULTY(type, name, parameters, arguments, failure) \
	type __real_##name parameters;                     \
	type __wrap_##name parameters;                     \
	type __wrap_##name parameters                      \
	{                                                  \
		if (fault_is_due()) {                      \
			errno = EIO;                       \
			return failure;                    \
		}                                          \
		return __real_##name arguments;            \
	}

FAULTY(ssize_t, read, (int fd, void *to, size_t len), (fd, to, len), -1)
FAULTY(ssize_t, write, (int fd, const void *from, size_t len), (fd, from, len), -1)
FAULTY(int, fsync, (int fd), (fd), -1)
FAULTY(int, fstat, (int fd, struct stat *st), (fd, st), -1)
FAULTY(int, rename, (const char *from, const char *to), (from, to), -1)

static bool no_links; /* as on a file system that knows none */

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);

int
__wrap_link(const char *from, const char *to)
{
	if (!fault_is_due() && !no_links)
		return __real_link(from, to);
	errno = no_links ? EPERM : EIO;
	return -1;
}
FAULTY(ssize_t, getrandom, (void *to, size_t len, unsigned flags), (to, len, flags), -1)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, unsigned) : 0;
	va_end(ap);
	if (!fault_is_due())
		return __real_open(path, flags, mode);
	errno = EMFILE;
	return -1;
}

static char folder[] = "/tmp/dirca-file-faults-XXXXXX", path[64];

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
assert_holds_one_of(const char *one, const char *other)
{
	struct buf found;
	struct err err;

	assert_true(file_read(path, 100, &found, &err));
	assert_true(
	    view_eq(buf_view(&found), view_str(one)) || view_eq(buf_view(&found), view_str(other)));
	buf_free(&found);
	assert_int_equal(files_in_folder(), 1);
}

static bool
replace(void *arg, struct err *err)
{
	bool ok = file_replace(path, view_str(NEW), 0600, err);
	int due = fault_at;

	(void)arg;
	fault_at = 0;
	assert_holds_one_of(ok ? NEW : OLD, NEW);
	assert_true(file_replace(path, view_str(OLD), 0600, &(struct err){0}));
	fault_at = due;
	return ok;
}

static void
a_file_is_replaced_whole_or_not_at_all(void **state)
{
	struct err err;

	(void)state;
	assert_true(file_replace(path, view_str(OLD), 0600, &err));
	/* random name, open, write, fsync, rename, open and fsync of the folder */
	assert_int_equal(fault_each(replace, NULL), 7);
	unlink(path);
}

static bool
create(void *arg, struct err *err)
{
	bool ok = file_create(path, view_str(NEW), 0600, err);

	(void)arg;
	if (access(path, F_OK) == 0)
		assert_int_equal(files_in_folder(), 1);
	else
		assert_int_equal(files_in_folder(), 0);
	unlink(path);
	return ok;
}

static void
a_file_is_made_whole_or_not_at_all(void **state)
{
	(void)state;
	assert_int_equal(fault_each(create, NULL), 7);
}

static void
a_file_is_made_where_there_are_no_links(void **state)
{
	struct err err;

	(void)state;
	no_links = true;
	assert_int_equal(fault_each(create, NULL), 7);
	assert_true(file_create(path, view_str(OLD), 0600, &err));
	assert_false(file_create(path, view_str(NEW), 0600, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_holds_one_of(OLD, OLD);
	unlink(path);
	no_links = false;
}

static bool
read_back(void *arg, struct err *err)
{
	struct buf found;
	bool ok = file_read(path, 100, &found, err);

	(void)arg;
	assert_int_equal(found.len, ok ? strlen(OLD) : 0);
	buf_free(&found);
	return ok;
}

static void
a_file_is_read_whole_or_not_at_all(void **state)
{
	struct err err;

	(void)state;
	assert_true(file_replace(path, view_str(OLD), 0600, &err));
	/* open, fstat, read, and whether there is more */
	assert_int_equal(fault_each(read_back, NULL), 4);
	unlink(path);
}

static int
start(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/file", folder);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_replaced_whole_or_not_at_all),
	    cmocka_unit_test(a_file_is_made_whole_or_not_at_all),
	    cmocka_unit_test(a_file_is_made_where_there_are_no_links),
	    cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, start, end);
}
