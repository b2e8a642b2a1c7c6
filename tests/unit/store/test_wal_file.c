/*
 * The log of the database is written by few calls, and by none too late: what is acknowledged was
 * in it when it was synced, a write that fails late is no commit, and what another program wrote
 * meanwhile stays.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store_priv.h"
#include "store_test.h"

enum fault { NO_FAULT, BROKEN, FULL, SHORT_THEN_FULL, SHORT };

/* Of writes: how many there were, and what the one after `until` meets. */
static atomic_int writes, until;
static atomic_int fault;

/* What a machine that stops after a sync finds: a copy of the database and its log. */
static char watched[128], copied_to[128];
static atomic_bool copies;

static ssize_t
counted_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	enum fault f = (enum fault)atomic_load(&fault);

	atomic_fetch_add(&writes, 1);
	if (f == NO_FAULT || atomic_fetch_sub(&until, 1) != 1)
		return pwrite(fd, bytes, len, at);
	if (f == SHORT_THEN_FULL) {
		atomic_store(&until, 1);
		atomic_store(&fault, FULL);
	}
	if (f == SHORT || f == SHORT_THEN_FULL)
		return pwrite(fd, bytes, len / 2, at);
	errno = f == FULL ? ENOSPC : EIO;
	return -1;
}

static void
arm(enum fault f, int n)
{
	atomic_store(&until, n);
	atomic_store(&fault, f);
}

/* True if the fault was met. */
static bool
disarm(void)
{
	atomic_store(&fault, NO_FAULT);
	return atomic_load(&until) <= 0;
}

static void
copy_file(const char *suffix)
{
	char from[128], to[128], bytes[65536];
	ssize_t n;
	int in, out;

	snprintf(from, sizeof from, "%s%s", watched, suffix);
	snprintf(to, sizeof to, "%s%s", copied_to, suffix);
	in = open(from, O_RDONLY);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	close(in);
	close(out);
}

/* SQLite calls it by name. */
int
fdatasync(int fd)
{
	static int (*real)(int);
	int rc;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	rc = real(fd);
	if (atomic_load(&copies)) {
		copy_file("");
		copy_file("-wal");
	}
	return rc;
}

static bool
work_one(struct store_tx *tx, void *arg, struct err *err)
{
	struct sample s;
	int64_t id;

	sample_issued(&s, *(unsigned *)arg);
	return store_add_request(tx, &s.row, &id, err);
}

/* What the layer is made for (wal_file.c). */
static void
commits_are_synced(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *st = NULL;

	assert_int_equal(
	    sqlite3_prepare_v2(f->store->writer.db, "PRAGMA synchronous", -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 2);
	sqlite3_finalize(st);
}

static void
a_unit_is_written_by_few_calls(void **state)
{
	struct fixture *f = *state;
	unsigned serial;

	for (serial = 1; serial <= 10; serial++) {
		int before = atomic_load(&writes);

		assert_ok(f, store_do(f->store, work_one, &serial, &f->err));
		assert_in_range(atomic_load(&writes) - before, 1, 3);
	}
	assert_sound(f);
}

static long
rows_of_copy(const char *path)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	long rows;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT count(*) FROM Request", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	rows = (long)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return rows;
}

static void
what_is_acknowledged_was_in_the_log_when_it_was_synced(void **state)
{
	struct fixture *f = *state;
	unsigned serial;

	snprintf(watched, sizeof watched, "%s", f->path);
	snprintf(copied_to, sizeof copied_to, "%s/copy.db", f->folder);
	for (serial = 1; serial <= 5; serial++) {
		atomic_store(&copies, true);
		assert_ok(f, store_do(f->store, work_one, &serial, &f->err));
		atomic_store(&copies, false);
		assert_int_equal(rows_of_copy(copied_to), serial);
		unlink(copied_to);
	}
}

/* A page cache of ten pages: most of what a unit writes goes into the log before its end, and is
 * read again from there. */
static void
shrink_cache(struct fixture *f)
{
	assert_int_equal(
	    sqlite3_exec(f->store->writer.db, "PRAGMA cache_size = 10", NULL, NULL, NULL),
	    SQLITE_OK);
}

#define MANY 8

struct many {
	unsigned serial;
	bool taken_back;
};

static bool
work_many(struct store_tx *tx, void *arg, struct err *err)
{
	static uint8_t big[12000] = {1};
	struct many *m = arg;

	for (int i = 0; i < MANY; i++) {
		struct sample s;
		int64_t id;

		sample_issued(&s, m->serial++);
		s.row.raw_request = (struct buf){.ptr = big, .len = sizeof big};
		if (!store_add_request(tx, &s.row, &id, err))
			return false;
	}
	return !m->taken_back || err_set(err, DIRCA_E_DENIED, "taken back");
}

/* In one transaction, which the second leaves to the first if it fails alone. */
static void
do_two(struct store *s, struct job jobs[2], struct many work[2], struct err errs[2])
{
	for (int i = 0; i < 2; i++)
		jobs[i] = (struct job){.work = work_many, .arg = &work[i], .err = &errs[i]};
	assert_true(writer_run(s, jobs, 2));
}

static void
no_fault_is_a_commit_of_less(struct fixture *f, enum fault what, int least)
{
	struct many work[2] = {{.serial = 1}, {.serial = 100000}};
	bool met = true;
	long rows = 0;
	int failed = 0;

	shrink_cache(f);
	for (int n = 1; met; n += 1 + n / 8) {
		struct job jobs[2];
		struct err errs[2] = {0};

		assert_true(n < 5000);
		arm(what, n);
		do_two(f->store, jobs, work, errs);
		met = disarm();
		for (int i = 0; i < 2; i++) {
			assert_int_equal(jobs[i].ok, errs[i].code == ERR_OK);
			failed += !jobs[i].ok;
			rows += jobs[i].ok ? MANY : 0;
		}
		assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), rows);
		assert_int_equal(raw_number(f, "SELECT count(*) FROM RequestBlob"), rows);
		assert_sound(f);
	}
	assert_true(failed >= least);
	assert_true(what != SHORT || failed == 0);
	assert_true(rows > 0);
}

static void
a_disk_that_breaks_commits_nothing_of_a_unit(void **state)
{
	no_fault_is_a_commit_of_less(*state, BROKEN, 10);
}

static void
a_disk_that_is_full_commits_nothing_of_a_unit(void **state)
{
	no_fault_is_a_commit_of_less(*state, FULL, 10);
}

static void
a_disk_that_becomes_full_commits_nothing_of_a_unit(void **state)
{
	no_fault_is_a_commit_of_less(*state, SHORT_THEN_FULL, 10);
}

static void
a_write_that_is_cut_is_gone_on_with(void **state)
{
	no_fault_is_a_commit_of_less(*state, SHORT, 0);
}

/* Where this program's transaction would have gone on, another one's is now. */
static void
what_was_taken_back_is_not_written_over_another_programs(void **state)
{
	struct fixture *f = *state;
	struct many m = {.serial = 1, .taken_back = true};
	unsigned serial = 1000;
	char sql[128];

	shrink_cache(f);
	for (int n = 1; n <= 10; n++) {
		int before = atomic_load(&writes);

		assert_false(store_do(f->store, work_many, &m, &f->err));
		assert_int_equal(f->err.code, DIRCA_E_DENIED);
		assert_true(atomic_load(&writes) > before);
		snprintf(sql, sizeof sql, "INSERT INTO Setting VALUES ('Other%d', '1')", n);
		raw_exec(f, sql);
		assert_ok(f, store_do(f->store, work_one, &serial, &f->err));
		serial++;
		assert_int_equal(raw_number(f, "SELECT count(*) FROM Setting"), n);
		assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), n);
		assert_sound(f);
	}
}

#define FAR (64 * 1024 * 1024)

enum act { SYNC, READ, SIZE, GIVE_UP_LOCK, WRITE_ELSEWHERE, CUT, ACTS };

static void
act(enum act a, sqlite3_file *db, sqlite3_file *wal)
{
	sqlite3_int64 size;
	char bytes[8];
	int rc = SQLITE_OK;

	switch (a) {
	case SYNC:
		rc = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
		break;
	case READ:
		rc = wal->pMethods->xRead(wal, bytes, sizeof bytes, FAR);
		assert_memory_equal(bytes, "gathered", 8);
		break;
	case SIZE:
		rc = wal->pMethods->xFileSize(wal, &size);
		assert_int_equal(size, FAR + 16);
		break;
	case GIVE_UP_LOCK:
		rc = db->pMethods->xShmLock(db, 0, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
		break;
	case WRITE_ELSEWHERE:
		rc = wal->pMethods->xWrite(wal, "elsewhere", 9, 2 * FAR);
		break;
	case CUT:
		rc = wal->pMethods->xTruncate(wal, FAR + 8);
		break;
	case ACTS:
		break;
	}
	assert_int_equal(rc, SQLITE_OK);
}

static void
what_is_gathered_is_written_before_it_could_be_missed(void **state)
{
	struct fixture *f = *state;
	sqlite3_file *db = NULL, *wal = NULL;
	unsigned serial = 1;

	assert_ok(f, store_do(f->store, work_one, &serial, &f->err));
	sqlite3_file_control(f->store->writer.db, "main", SQLITE_FCNTL_FILE_POINTER, &db);
	sqlite3_file_control(f->store->writer.db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	for (int a = 0; a < ACTS; a++) {
		int before = atomic_load(&writes);

		assert_int_equal(
		    db->pMethods->xShmLock(db, 0, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE),
		    SQLITE_OK);
		assert_int_equal(wal->pMethods->xWrite(wal, "gathered", 8, FAR), SQLITE_OK);
		assert_int_equal(wal->pMethods->xWrite(wal, "together", 8, FAR + 8), SQLITE_OK);
		assert_int_equal(atomic_load(&writes), before);
		act((enum act)a, db, wal);
		assert_int_equal(atomic_load(&writes), before + 1);
		if (a != GIVE_UP_LOCK)
			act(GIVE_UP_LOCK, db, wal);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(commits_are_synced),
	    TEST(a_unit_is_written_by_few_calls),
	    TEST(what_is_acknowledged_was_in_the_log_when_it_was_synced),
	    TEST(a_disk_that_breaks_commits_nothing_of_a_unit),
	    TEST(a_disk_that_is_full_commits_nothing_of_a_unit),
	    TEST(a_disk_that_becomes_full_commits_nothing_of_a_unit),
	    TEST(a_write_that_is_cut_is_gone_on_with),
	    TEST(what_was_taken_back_is_not_written_over_another_programs),
	    TEST(what_is_gathered_is_written_before_it_could_be_missed),
	};
	sqlite3_vfs *vfs;

	if (sqlite3_initialize() != SQLITE_OK || (vfs = sqlite3_vfs_find(NULL)) == NULL)
		return 1;
	for (int i = 0; i < 2; i++)
		if (vfs->xSetSystemCall(vfs, i == 0 ? "pwrite" : "pwrite64",
			(sqlite3_syscall_ptr)counted_pwrite) != SQLITE_OK)
			return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
