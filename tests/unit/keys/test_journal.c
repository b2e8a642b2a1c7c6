#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"
#include "text.h"
#include "journal.h"

#define NOW     INT64_C(1790000000)
#define ENTRIES 6

static char dir[] = "/tmp/dirca-journal-XXXXXX", path[64];

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/" JOURNAL_FILE, dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
must(bool ok, const struct err *err)
{
	if (!ok)
		fail_msg("%s: %s", err_name(err->code), err->msg);
}

/* A journal of its beginning and ENTRIES - 1 certificates. */
static void
fill(struct buf *content)
{
	struct journal j;
	struct err err;

	unlink(path);
	must(journal_open(&j, dir, NOW, 0, &err), &err);
	for (uint8_t i = 1; i < ENTRIES; i++) {
		struct journal_entry e = {
		    .kind = JOURNAL_CERTIFICATE, .number = {0x10, i}, .number_len = 2};

		must(journal_add(&j, &e, view_of(&i, 1), NOW + i, &err), &err);
	}
	must(journal_sync(&j, &err), &err);
	journal_close(&j);
	must(file_read(path, 1 << 20, content, &err), &err);
	assert_int_equal(content->len, ENTRIES * JOURNAL_RECORD_LEN);
}

static bool
count_entry(const struct journal_entry *e, void *arg, struct err *err)
{
	(void)e;
	(void)err;
	(*(size_t *)arg)++;
	return true;
}

static bool
walk(struct view content, size_t *count, struct err *err)
{
	*count = 0;
	must(file_replace(path, content, 0600, err), err);
	return journal_walk(path, count_entry, count, err);
}

static bool
reopen(struct view content, uint64_t *count, struct err *err)
{
	struct journal j;

	must(file_replace(path, content, 0600, err), err);
	if (!journal_open(&j, dir, NOW, 0, err))
		return false;
	*count = j.count;
	journal_close(&j);
	return true;
}

static bool
is_as_written(const struct journal_entry *e, void *arg, struct err *err)
{
	size_t i = (*(size_t *)arg)++;

	(void)err;
	assert_int_equal(e->kind, i == 0 ? JOURNAL_BEGUN : JOURNAL_CERTIFICATE);
	assert_int_equal(e->when, NOW + (int64_t)i);
	assert_int_equal(e->number_len, i == 0 ? 0 : 2);
	if (i > 0)
		assert_int_equal(e->number[1], i);
	return true;
}

static void
records_are_read_as_they_were_written(void **state)
{
	struct buf content;
	size_t count = 0;
	struct err err;

	(void)state;
	fill(&content);
	must(journal_walk(path, is_as_written, &count, &err), &err);
	assert_int_equal(count, ENTRIES);
	buf_free(&content);
}

static void
every_octet_that_was_changed_is_found(void **state)
{
	struct buf content;
	char name[16];
	struct err err;
	size_t count;

	(void)state;
	fill(&content);
	for (size_t i = 0; i < content.len; i++) {
		content.ptr[i] ^= 1;
		assert_false(walk(buf_view(&content), &count, &err));
		assert_int_equal(err.code, DIRCA_E_JOURNAL);
		assert_int_equal(count, i / JOURNAL_RECORD_LEN);
		snprintf(name, sizeof name, "record %zu ", count + 1);
		assert_non_null(strstr(err.msg, name));
		content.ptr[i] ^= 1;
	}
	buf_free(&content);
}

static void
record_that_is_missing_in_the_middle_is_found(void **state)
{
	struct buf content, less = {0};
	struct err err;
	size_t count;

	(void)state;
	fill(&content);
	must(buf_append(&less, view_of(content.ptr, 2 * JOURNAL_RECORD_LEN), &err) &&
		 buf_append(&less,
		     view_of(content.ptr + 3 * JOURNAL_RECORD_LEN,
			 content.len - 3 * JOURNAL_RECORD_LEN),
		     &err),
	    &err);
	assert_false(walk(buf_view(&less), &count, &err));
	assert_int_equal(count, 2);
	buf_free(&content);
	buf_free(&less);
}

/* What a machine that stopped leaves at the end is taken off, and the chain goes on. */
static void
half_a_record_and_octets_that_were_never_written_are_cut(void **state)
{
	static const uint8_t zeros[2 * JOURNAL_RECORD_LEN];
	struct journal_entry e = {.kind = JOURNAL_CRL};
	struct buf content, longer = {0};
	struct journal j;
	struct err err;
	uint64_t kept;
	size_t count;

	(void)state;
	fill(&content);
	must(reopen(view_of(content.ptr, content.len - 1), &kept, &err), &err);
	assert_int_equal(kept, ENTRIES - 1);
	must(buf_dup(buf_view(&content), &longer, &err) &&
		 buf_append(&longer, view_of(zeros, sizeof zeros), &err),
	    &err);
	must(reopen(buf_view(&longer), &kept, &err), &err);
	assert_int_equal(kept, ENTRIES);
	must(journal_open(&j, dir, NOW, 0, &err), &err);
	must(journal_add(&j, &e, view_str("crl"), NOW, &err), &err);
	journal_close(&j);
	count = 0;
	must(journal_walk(path, count_entry, &count, &err), &err);
	assert_int_equal(count, ENTRIES + 1);
	buf_free(&content);
	buf_free(&longer);
}

static void
journal_whose_end_does_not_fit_is_not_continued(void **state)
{
	struct buf content;
	uint64_t kept;
	struct err err;

	(void)state;
	fill(&content);
	content.ptr[content.len - 50] ^= 1;
	assert_false(reopen(buf_view(&content), &kept, &err));
	assert_int_equal(err.code, DIRCA_E_JOURNAL);
	buf_free(&content);
}

static void
one_process_writes_at_a_time(void **state)
{
	struct journal j, second;
	struct buf content;
	struct err err;

	(void)state;
	fill(&content);
	buf_free(&content);
	must(journal_open(&j, dir, NOW, 0, &err), &err);
	assert_false(journal_open(&second, dir, NOW, 0, &err));
	assert_int_equal(err.code, DIRCA_E_JOURNAL);
	journal_close(&j);
	must(journal_open(&second, dir, NOW, 0, &err), &err);
	journal_close(&second);
}

/* A process that ends is waited for. */
static void
what_another_process_still_has_is_waited_for(void **state)
{
	struct journal j;
	struct err err;
	char byte;
	int held[2], refused[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(held), 0);
	assert_int_equal(pipe(refused), 0);
	if ((pid = fork()) == 0) {
		const struct timespec pause = {0, 200000000};

		must(journal_open(&j, dir, NOW, 0, &err), &err);
		assert_int_equal(write(held[1], "", 1), 1);
		assert_int_equal(read(refused[0], &byte, 1), 1);
		nanosleep(&pause, NULL);
		_exit(0);
	}
	assert_int_equal(read(held[0], &byte, 1), 1);
	assert_false(journal_open(&j, dir, NOW, 0, &err));
	assert_int_equal(write(refused[1], "", 1), 1);
	must(journal_open(&j, dir, NOW, 60000, &err), &err);
	journal_close(&j);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 2; i++) {
		close(held[i]);
		close(refused[i]);
	}
}

/* Does the process have the journal open? */
static bool
has_it_open(pid_t pid)
{
	char folder[32], name[512], target[128];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(folder, sizeof folder, "/proc/%d/fd", (int)pid);
	assert_non_null(d = opendir(folder));
	while ((e = readdir(d)) != NULL) {
		ssize_t len;

		snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
		len = readlink(name, target, sizeof target - 1);
		target[len > 0 ? len : 0] = '\0';
		found = found || strcmp(target, path) == 0;
	}
	closedir(d);
	return found;
}

/* And what it writes until its end is continued. */
static void
what_is_written_while_one_waits_is_continued(void **state)
{
	const struct timespec pause = {0, 50000000};
	struct journal_entry e = {.kind = JOURNAL_CERTIFICATE};
	struct buf content;
	struct journal j;
	struct err err;
	int held[2], status;
	size_t count;
	char byte;
	pid_t pid;

	(void)state;
	fill(&content);
	buf_free(&content);
	assert_int_equal(pipe(held), 0);
	if ((pid = fork()) == 0) {
		assert_int_equal(read(held[0], &byte, 1), 1);
		must(journal_open(&j, dir, NOW, 60000, &err), &err);
		must(journal_add(&j, &e, view_str("second"), NOW, &err), &err);
		_exit(0);
	}
	must(journal_open(&j, dir, NOW, 0, &err), &err);
	assert_int_equal(write(held[1], "", 1), 1);
	while (!has_it_open(pid))
		nanosleep(&pause, NULL);
	nanosleep(&pause, NULL); /* it asks for the lock by now */
	must(journal_add(&j, &e, view_str("first"), NOW, &err), &err);
	journal_close(&j);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	must(file_read(path, 1 << 20, &content, &err), &err);
	must(walk(buf_view(&content), &count, &err), &err);
	assert_int_equal(count, ENTRIES + 2);
	buf_free(&content);
	close(held[0]);
	close(held[1]);
}

/* After a write that failed nothing more is written, and so nothing is signed. */
static void
journal_that_cannot_be_written_stops_signatures(void **state)
{
	struct journal_entry e = {.kind = JOURNAL_CERTIFICATE};
	struct journal j;
	struct err err;
	int fd;

	(void)state;
	must(journal_open(&j, dir, NOW, 0, &err), &err);
	fd = j.fd;
	j.fd = -1;
	assert_false(journal_add(&j, &e, view_str("x"), NOW, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	j.fd = fd;
	assert_false(journal_add(&j, &e, view_str("x"), NOW, &err));
	journal_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_read_as_they_were_written),
	    cmocka_unit_test(every_octet_that_was_changed_is_found),
	    cmocka_unit_test(record_that_is_missing_in_the_middle_is_found),
	    cmocka_unit_test(half_a_record_and_octets_that_were_never_written_are_cut),
	    cmocka_unit_test(journal_whose_end_does_not_fit_is_not_continued),
	    cmocka_unit_test(one_process_writes_at_a_time),
	    cmocka_unit_test(what_another_process_still_has_is_waited_for),
	    cmocka_unit_test(what_is_written_while_one_waits_is_continued),
	    cmocka_unit_test(journal_that_cannot_be_written_stops_signatures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
