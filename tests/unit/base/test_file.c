#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"
#include "text.h"

static char folder[64];

static char *
in_folder(const char *name)
{
	char *path = text_printf("%s/%s", folder, name);

	assert_non_null(path);
	return path;
}

static size_t
files_in_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *d;
	size_t n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
assert_content(const char *path, const char *expected)
{
	struct err err;
	struct buf b;

	if (!file_read(path, 1000, &b, &err))
		fail_msg("%s", err.msg);
	assert_true(view_eq(buf_view(&b), view_str(expected)));
	buf_free(&b);
}

static void
what_is_created_is_read(void **state)
{
	char *path = in_folder("a");
	struct secret s;
	struct stat st;
	struct err err;

	(void)state;
	assert_true(file_create(path, view_str("content"), 0600, &err));
	assert_content(path, "content");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(file_read_secret(path, 7, &s, &err));
	assert_true(view_eq(secret_view(&s), view_str("content")));
	secret_free(&s);
	assert_int_equal(files_in_folder(), 1);
	free(path);
}

static void
create_refuses_what_exists(void **state)
{
	char *path = in_folder("a");
	struct err err;

	(void)state;
	assert_true(file_create(path, view_str("old"), 0600, &err));
	assert_false(file_create(path, view_str("new"), 0600, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_content(path, "old");
	assert_int_equal(files_in_folder(), 1);
	free(path);
}

static void
replace_puts_a_new_file_in_place(void **state)
{
	char *path = in_folder("a");
	struct stat before, after;
	struct err err;
	FILE *open_before;
	char old[8] = "";

	(void)state;
	assert_true(file_replace(path, view_str("old"), 0600, &err));
	assert_int_equal(stat(path, &before), 0);
	assert_non_null(open_before = fopen(path, "r"));
	assert_true(file_replace(path, view_str("new, longer"), 0644, &err));
	assert_int_equal(stat(path, &after), 0);
	assert_content(path, "new, longer");
	/* Whoever has the old one open reads all of the old one. */
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(fread(old, 1, sizeof old, open_before), 3);
	assert_string_equal(old, "old");
	fclose(open_before);
	assert_int_equal(files_in_folder(), 1);
	free(path);
}

static void
a_failing_replace_leaves_the_old_and_no_temporary_file(void **state)
{
	char *path = in_folder("a"), *child = in_folder("a/b");
	struct err err;

	(void)state;
	/* A file cannot take the place of a folder that is not empty. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(file_create(child, view_str("old"), 0600, &err));
	assert_false(file_replace(path, view_str("new"), 0600, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	assert_content(child, "old");
	assert_int_equal(files_in_folder(), 1);
	unlink(child);
	rmdir(path);
	free(path);
	free(child);
}

static void
a_temporary_file_of_a_crash_is_no_hindrance(void **state)
{
	char *path = in_folder("a"), *name = text_printf("a.new-%ld", (long)getpid()),
	     *left = in_folder(name);
	struct err err;

	(void)state;
	assert_true(file_create(left, view_str("half"), 0600, &err));
	assert_true(file_replace(path, view_str("new"), 0600, &err));
	assert_content(path, "new");
	assert_content(left, "half");
	free(path);
	free(name);
	free(left);
}

static void
writing_does_not_follow_a_symlink(void **state)
{
	char *path = in_folder("link"), *target = in_folder("target");
	struct stat st;
	struct err err;

	(void)state;
	assert_true(file_create(target, view_str("precious"), 0600, &err));
	assert_int_equal(symlink(target, path), 0);
	assert_false(file_create(path, view_str("new"), 0600, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_true(file_replace(path, view_str("new"), 0600, &err));
	assert_content(target, "precious");
	assert_content(path, "new");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	/* Nor one that points nowhere. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_false(file_create(path, view_str("new"), 0600, &err));
	assert_int_equal(access(target, F_OK), -1);
	free(path);
	free(target);
}

static void
a_file_over_the_cap_is_refused(void **state)
{
	char *path = in_folder("a");
	struct secret s;
	struct err err;
	struct buf b;

	(void)state;
	assert_true(file_create(path, view_str("12345"), 0600, &err));
	assert_true(file_read(path, 5, &b, &err));
	buf_free(&b);
	assert_false(file_read(path, 4, &b, &err));
	assert_int_equal(err.code, DIRCA_E_TOO_LARGE);
	assert_null(b.ptr);
	assert_false(file_read_secret(path, 4, &s, &err));
	assert_int_equal(err.code, DIRCA_E_TOO_LARGE);
	assert_null(s.ptr);
	free(path);
}

static void
an_empty_file_is_empty(void **state)
{
	char *path = in_folder("a");
	struct err err;

	(void)state;
	assert_true(file_create(path, view_of(NULL, 0), 0600, &err));
	assert_content(path, "");
	free(path);
}

static void
absent_files_folders_and_fifos_are_refused(void **state)
{
	char *path = in_folder("a"), *fifo = in_folder("fifo");
	struct err err;
	struct buf b;

	(void)state;
	assert_false(file_read(path, 10, &b, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	assert_non_null(strstr(err.msg, path));
	assert_false(file_read(folder, 10, &b, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_false(file_read(fifo, 10, &b, &err)); /* at once */
	assert_int_equal(err.code, DIRCA_E_IO);
	free(path);
	free(fifo);
}

static void
a_file_that_is_longer_than_its_size_is_refused(void **state)
{
	struct err err;
	struct buf b;

	(void)state;
	/* The kernel says 0 bytes and gives more. */
	assert_false(file_read("/proc/self/status", 100000, &b, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	assert_null(b.ptr);
}

static void
a_folder_that_is_absent_is_not_made(void **state)
{
	char *path = in_folder("absent/a");
	struct err err;

	(void)state;
	assert_false(file_create(path, view_str("x"), 0600, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	free(path);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Whoever may write the folder does not have another file given to himself by a link to it. */
static void
a_file_is_entrusted_by_its_only_name(void **state)
{
	char *path = text_printf("%s/keytab", folder), *soft = text_printf("%s/soft", folder),
	     *hard = text_printf("%s/hard", folder);
	struct err err;

	(void)state;
	assert_true(file_create(path, view_str("x"), 0600, &err));
	assert_int_equal(symlink(path, soft), 0);
	assert_false(file_entrust(soft, getuid(), getgid(), 0640, &err));
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(link(path, hard), 0);
	assert_false(file_entrust(hard, getuid(), getgid(), 0640, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(unlink(hard), 0);
	assert_true(file_entrust(path, getuid(), getgid(), 0640, &err));
	assert_int_equal(mode_of(path), 0640);
	assert_false(file_entrust(folder, getuid(), getgid(), 0640, &err));
	free(path);
	free(soft);
	free(hard);
}

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/dirca-file-XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int
remove_folder(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *d;

	(void)state;
	if (dir == NULL)
		return -1;
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
	return rmdir(folder);
}

static int
make_heap(void **state)
{
	struct err err;

	(void)state;
	return secret_heap_init(65536, true, &err) ? 0 : -1;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(what_is_created_is_read),
	    IN_FOLDER(create_refuses_what_exists),
	    IN_FOLDER(replace_puts_a_new_file_in_place),
	    IN_FOLDER(a_failing_replace_leaves_the_old_and_no_temporary_file),
	    IN_FOLDER(a_temporary_file_of_a_crash_is_no_hindrance),
	    IN_FOLDER(writing_does_not_follow_a_symlink),
	    IN_FOLDER(a_file_is_entrusted_by_its_only_name),
	    IN_FOLDER(a_file_over_the_cap_is_refused),
	    IN_FOLDER(an_empty_file_is_empty),
	    IN_FOLDER(absent_files_folders_and_fifos_are_refused),
	    cmocka_unit_test(a_file_that_is_longer_than_its_size_is_refused),
	    IN_FOLDER(a_folder_that_is_absent_is_not_made),
	};

	return cmocka_run_group_tests(tests, make_heap, NULL);
}
