/*
 * The log is copied back beside the commits: none waits for it while the log is short, the log does
 * not grow without end, and it is not written over before what was copied is on disk.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "store_priv.h"
#include "store_test.h"

#define PAGE  4096
#define FRAME (PAGE + 24)
/* More than any transaction here writes. */
#define COMMIT_MOST 60

/* More than the copier needs to begin. */
#define COMMITS_MEANWHILE 30

static const struct log_limits small = {.new = 40, .is_long = 120, .rest = 30, .most = 240};

/* Of the files that SQLite writes: which is the database, and the longest that the log was. */
static ino_t database;
static pthread_t copier;
static atomic_int longest, begun_anew, written_over_too_early;
static atomic_int copied_by_copier, copied_by_others, synced;
static atomic_bool unsynced, disk_is_full, sync_fails;

/* What the copier waits at before it writes to the database, if it is there. */
static struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool there, reached;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};

static void
pass_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.reached = true;
	pthread_cond_broadcast(&gate.changed);
	while (gate.there)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static void
set_gate(bool there)
{
	pthread_mutex_lock(&gate.lock);
	gate.there = there;
	gate.reached = false;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

static bool
is_database(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == database;
}

static ssize_t
watched_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	int pages = (int)((at + (off_t)len) / FRAME);

	if (!is_database(fd)) {
		if (at == 0 && atomic_load(&unsynced))
			atomic_fetch_add(&written_over_too_early, 1);
		atomic_fetch_add(&begun_anew, at == 0);
		if (pages > atomic_load(&longest))
			atomic_store(&longest, pages);
		return pwrite(fd, bytes, len, at);
	}
	if (pthread_equal(pthread_self(), copier))
		pass_gate();
	if (atomic_load(&disk_is_full)) {
		errno = ENOSPC;
		return -1;
	}
	atomic_store(&unsynced, true);
	atomic_fetch_add(
	    pthread_equal(pthread_self(), copier) ? &copied_by_copier : &copied_by_others, 1);
	return pwrite(fd, bytes, len, at);
}

/* SQLite calls it by name. */
int
fdatasync(int fd)
{
	static int (*real)(int);
	int rc;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	if (is_database(fd) && atomic_load(&sync_fails)) {
		errno = EIO;
		return -1;
	}
	rc = real(fd);
	if (is_database(fd)) {
		atomic_store(&unsynced, false);
		atomic_fetch_add(&synced, 1);
	}
	return rc;
}

static int
begin(void **state)
{
	int rc = set_up(state);
	struct fixture *f = *state;
	struct stat st;

	if (rc != 0 || stat(f->path, &st) != 0)
		return 1;
	database = st.st_ino;
	copier = f->store->copier;
	f->store->log_limits = small;
	atomic_store(&longest, 0);
	atomic_store(&begun_anew, 0);
	atomic_store(&written_over_too_early, 0);
	atomic_store(&copied_by_copier, 0);
	atomic_store(&copied_by_others, 0);
	atomic_store(&unsynced, false);
	return 0;
}

static int
end(void **state)
{
	set_gate(false);
	atomic_store(&disk_is_full, false);
	assert_int_equal(atomic_load(&written_over_too_early), 0);
	return tear_down(state);
}

static void
add(struct fixture *f, int count)
{
	int64_t id;

	for (int i = 0; i < count; i++)
		assert_ok(f, store_do(f->store, work_pending, &id, &f->err));
}

static void
add_until_the_copier_is_held(struct fixture *f)
{
	bool reached = false;

	set_gate(true);
	for (int i = 0; i < 1000 && !reached; i++) {
		add(f, 1);
		pthread_mutex_lock(&gate.lock);
		reached = gate.reached;
		pthread_mutex_unlock(&gate.lock);
	}
	assert_true(reached);
}

static void
await(bool (*is_so)(struct fixture *), struct fixture *f)
{
	for (int i = 0; i < 60000 && !is_so(f); i++)
		usleep(1000);
	assert_true(is_so(f));
}

static bool
nobody_copies(struct fixture *f)
{
	bool is_still;

	pthread_mutex_lock(&f->store->copy_lock);
	is_still = f->store->copy_state == COPY_NONE;
	pthread_mutex_unlock(&f->store->copy_lock);
	return is_still;
}

static bool
all_is_copied(struct fixture *f)
{
	return nobody_copies(f) && f->store->wal_pages > 0 &&
	       f->store->wal_pages_copied == f->store->wal_pages;
}

/* Who commits asks for what came during the copy before. */
static void
add_until_all_is_copied(struct fixture *f)
{
	f->store->log_limits.new = 1;
	for (int i = 0; i < 1000 && !all_is_copied(f); i++) {
		add(f, 1);
		for (int ms = 0; ms < 50 && !all_is_copied(f); ms++)
			usleep(1000);
	}
	assert_true(all_is_copied(f));
}

static void
commits_go_on_while_the_log_is_copied(void **state)
{
	struct fixture *f = *state;
	int before;

	f->store->log_limits.is_long = f->store->log_limits.most = 1000000;
	add_until_the_copier_is_held(f);
	before = f->store->wal_pages;
	add(f, 50);
	assert_true(f->store->wal_pages > before);
	set_gate(false);
	/* Before the log is copied whole, when the writer would have to. */
	await(nobody_copies, f);
	assert_true(atomic_load(&copied_by_copier) > 0);
	assert_false(atomic_load(&unsynced));
	add_until_all_is_copied(f);
	assert_true(atomic_load(&copied_by_copier) > 0);
	assert_int_equal(atomic_load(&copied_by_others), 0);
	assert_sound(f);
}

static void
a_log_that_was_copied_whole_begins_anew(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++) {
		int before = atomic_load(&begun_anew);

		/* Once is enough, but where it began anew before it was seen to be copied. */
		for (int n = 0; n < 100 && atomic_load(&begun_anew) == before; n++) {
			add_until_all_is_copied(f);
			add(f, 1);
		}
		assert_true(atomic_load(&begun_anew) > before);
	}
	assert_int_equal(atomic_load(&copied_by_others), 0);
	assert_sound(f);
}

static void
the_writer_copies_what_is_left_of_a_long_log(void **state)
{
	struct fixture *f = *state;
	int before, by_copier;

	add_until_all_is_copied(f);
	by_copier = atomic_load(&copied_by_copier);
	before = atomic_load(&begun_anew);
	f->store->log_limits.new = f->store->log_limits.most = 1000000;
	f->store->log_limits.is_long = 30;
	f->store->log_limits.rest = 60;
	add(f, 60);
	assert_true(atomic_load(&begun_anew) >= before + 2);
	assert_true(atomic_load(&copied_by_others) > 0);
	assert_int_equal(atomic_load(&copied_by_copier), by_copier);
	assert_sound(f);
}

struct load {
	struct fixture *f;
	pthread_t thread;
	int count;
	struct err err;
	bool ok;
};

static void *
add_many(void *arg)
{
	struct load *l = arg;
	int64_t id;

	l->ok = true;
	for (int i = 0; i < l->count && l->ok; i++)
		l->ok = store_do(l->f->store, work_pending, &id, &l->err);
	return NULL;
}

static void
start(struct load *l, struct fixture *f, int count)
{
	*l = (struct load){.f = f, .count = count};
	assert_int_equal(pthread_create(&l->thread, NULL, add_many, l), 0);
}

static void
join(struct load *l)
{
	pthread_join(l->thread, NULL);
	if (!l->ok)
		fail_msg("%s", l->err.msg);
}

#define THREADS 4
#define EACH    300

static void
load_from_threads(struct fixture *f)
{
	struct load loads[THREADS];

	for (int i = 0; i < THREADS; i++)
		start(&loads[i], f, EACH);
	for (int i = 0; i < THREADS; i++)
		join(&loads[i]);
	assert_true(raw_number(f, "SELECT count(*) FROM Request") >= THREADS * EACH);
	assert_sound(f);
}

static void
a_log_begins_anew_while_commits_do_not_end(void **state)
{
	struct fixture *f = *state;

	load_from_threads(f);
	assert_true(atomic_load(&begun_anew) >= 3);
	assert_in_range(atomic_load(&longest), small.is_long, small.most + COMMIT_MOST);
}

static bool
log_is_at_its_bound(struct fixture *f)
{
	(void)f;
	return atomic_load(&longest) >= small.most;
}

static void
commits_wait_for_a_copy_once_the_log_is_at_its_bound(void **state)
{
	struct fixture *f = *state;
	struct load l;

	add_until_the_copier_is_held(f);
	start(&l, f, 300);
	await(log_is_at_its_bound, f);
	/* For those that do not wait to be seen. */
	usleep(100000);
	assert_in_range(atomic_load(&longest), small.most, small.most + COMMIT_MOST);
	set_gate(false);
	join(&l);
	assert_in_range(atomic_load(&longest), small.most, small.most + COMMIT_MOST);
	assert_sound(f);
}

static void
without_its_connection_the_writer_copies_at_the_bound(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){3, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	add(f, 200);
	assert_int_equal(atomic_load(&copied_by_copier), 0);
	assert_true(atomic_load(&copied_by_others) > 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(atomic_load(&longest), small.most, small.most + COMMIT_MOST);
	load_from_threads(f);
	assert_true(atomic_load(&copied_by_copier) > 0);
}

static long
rows_seen(sqlite3_stmt *st)
{
	long rows;

	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	rows = (long)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rows;
}

static void
what_a_reader_needs_stays_in_the_log(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *count = NULL;
	sqlite3 *reader = NULL;
	int anew;

	add(f, 3);
	assert_int_equal(sqlite3_open(f->path, &reader), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(reader, "SELECT count(*) FROM Request", -1, &count, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(rows_seen(count), 3);
	anew = atomic_load(&begun_anew);
	for (int i = 0; i < 10; i++) {
		add(f, 30);
		assert_int_equal(rows_seen(count), 3);
	}
	assert_true(atomic_load(&longest) > small.most + COMMIT_MOST);
	assert_int_equal(atomic_load(&begun_anew), anew);
	assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(rows_seen(count), 303);
	sqlite3_finalize(count);
	sqlite3_close(reader);
	add(f, 30);
	assert_true(atomic_load(&begun_anew) > anew);
	assert_sound(f);
}

static void
what_a_reader_needs_is_not_synced_again_and_again(void **state)
{
	struct fixture *f = *state;
	sqlite3 *reader = NULL;
	int syncs;

	f->store->log_limits.most = 1000000;
	add(f, 3);
	assert_int_equal(sqlite3_open(f->path, &reader), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(reader, "BEGIN; SELECT * FROM Request", NULL, NULL, NULL), SQLITE_OK);
	add(f, 60);
	await(nobody_copies, f);
	syncs = atomic_load(&synced);
	for (int i = 0; i < 10; i++) {
		add(f, 30);
		await(nobody_copies, f);
	}
	assert_int_equal(atomic_load(&synced), syncs);
	sqlite3_close(reader);
	add_until_all_is_copied(f);
	assert_true(atomic_load(&synced) > syncs);
}

static bool
copying_fails(struct fixture *f)
{
	return f->store->checkpoint_fails;
}

static void
a_disk_without_room_for_the_copy_takes_nothing_back(void **state)
{
	struct fixture *f = *state;

	add(f, 1);
	atomic_store(&disk_is_full, true);
	for (int i = 0; i < 10; i++)
		add(f, 30);
	await(copying_fails, f);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), 301);
	atomic_store(&disk_is_full, false);
	add(f, 30);
	assert_false(copying_fails(f));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), 331);
	assert_sound(f);
}

/* Its pages are written once: no later commit has them. */
static bool
work_large(struct store_tx *tx, void *arg, struct err *err)
{
	static uint8_t octets[10 * PAGE];
	struct sample s;

	memset(octets, 0xa5, sizeof octets);
	sample_pending(&s);
	s.row.raw_request = (struct buf){.ptr = octets, .len = sizeof octets};
	return store_add_request(tx, &s.row, arg, err);
}

/* In a process of its own, until it ends; how many it was told to be durable is in the pipe. The
 * copier copies while others commit, so that not all is copied, and it is its turn to sync. */
static void
add_until_the_end(struct fixture *f, const struct log_limits *limits, int told)
{
	int64_t id;

	if (!store_open(f->path, &f->store, &f->err))
		_exit(2);
	f->store->log_limits = *limits;
	copier = f->store->copier;
	atomic_store(&sync_fails, true);
	set_gate(true);
	for (int i = 0; i < 1000; i++) {
		if (!store_do(f->store, work_large, &id, &f->err) || write(told, "1", 1) != 1)
			_exit(3);
		if (i == COMMITS_MEANWHILE)
			set_gate(false);
	}
	_exit(4);
}

static int
rows_told(struct fixture *f, const struct log_limits *limits)
{
	int ends[2], status, rows = 0;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	if ((child = fork()) == 0)
		add_until_the_end(f, limits, ends[1]);
	close(ends[1]);
	while (read(ends[0], &byte, 1) == 1)
		rows++;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
	return rows;
}

static sqlite3 *
open_as_others_do(const struct fixture *f)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "SELECT * FROM Request", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

/* The disk lost what it did not take: the database is as it was when the log was empty.
 * `others`: so that the log's index, which is in memory, outlives the process. */
static void
assert_all_comes_from_the_log(struct fixture *f, const struct log_limits *limits, bool others)
{
	OWNED(buf_free) struct buf before = {0};
	sqlite3 *other;
	int fd, rows;

	store_close(&f->store);
	assert_ok(f, file_read(f->path, 1 << 24, &before, &f->err));
	other = others ? open_as_others_do(f) : NULL;
	rows = rows_told(f, limits);
	assert_true(rows > 0);
	assert_true((fd = open(f->path, O_WRONLY)) != -1);
	assert_int_equal(write(fd, before.ptr, before.len), (ssize_t)before.len);
	assert_int_equal(ftruncate(fd, (off_t)before.len), 0);
	close(fd);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	assert_true(raw_number(f, "SELECT count(*) FROM Request") >= rows);
	sqlite3_close(other);
	assert_sound(f);
}

static const struct log_limits copier_alone = {
    .new = 40, .is_long = 1000000, .rest = 30, .most = 1000000};
static const struct log_limits writer_alone = {
    .new = 1000000, .is_long = 1000000, .rest = 30, .most = 60};

static void
what_the_copier_cannot_sync_is_copied_again(void **state)
{
	assert_all_comes_from_the_log(*state, &copier_alone, false);
}

static void
what_the_writer_cannot_sync_is_copied_again(void **state)
{
	assert_all_comes_from_the_log(*state, &writer_alone, false);
}

static void
also_where_another_process_has_the_database_open(void **state)
{
	assert_all_comes_from_the_log(*state, &copier_alone, true);
}

static void
what_is_copied_is_synced(void **state)
{
	struct fixture *f = *state;
	struct conn c;
	sqlite3_stmt *st = NULL;

	assert_ok(f, conn_open(f->path, SQL_COPIER, false, &c, &f->err));
	assert_int_equal(sqlite3_prepare_v2(c.db, "PRAGMA synchronous", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 2);
	sqlite3_finalize(st);
	conn_close(&c);
}

#define TEST_HERE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST_HERE(commits_go_on_while_the_log_is_copied),
	    TEST_HERE(a_log_that_was_copied_whole_begins_anew),
	    TEST_HERE(the_writer_copies_what_is_left_of_a_long_log),
	    TEST_HERE(a_log_begins_anew_while_commits_do_not_end),
	    TEST_HERE(commits_wait_for_a_copy_once_the_log_is_at_its_bound),
	    TEST_HERE(without_its_connection_the_writer_copies_at_the_bound),
	    TEST_HERE(what_a_reader_needs_stays_in_the_log),
	    TEST_HERE(what_a_reader_needs_is_not_synced_again_and_again),
	    TEST_HERE(a_disk_without_room_for_the_copy_takes_nothing_back),
	    TEST_HERE(what_the_copier_cannot_sync_is_copied_again),
	    TEST_HERE(what_the_writer_cannot_sync_is_copied_again),
	    TEST_HERE(also_where_another_process_has_the_database_open),
	    TEST_HERE(what_is_copied_is_synced),
	};
	sqlite3_vfs *vfs;

	if (sqlite3_initialize() != SQLITE_OK || (vfs = sqlite3_vfs_find(NULL)) == NULL)
		return 1;
	for (int i = 0; i < 2; i++)
		if (vfs->xSetSystemCall(vfs, i == 0 ? "pwrite" : "pwrite64",
			(sqlite3_syscall_ptr)watched_pwrite) != SQLITE_OK)
			return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
