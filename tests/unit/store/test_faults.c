/*
 * Every failure that can happen below the store, one after the other: a unit of work is then stored
 * whole or not at all, its caller is told which, nothing leaks, and the next unit goes on.
 * Statements, SQLite's allocator and its file system calls fail on demand.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store_priv.h"
#include "store_test.h"

/* Calls until the first failure, how many fail in a row from there, and whether one did. */
struct countdown {
	atomic_int until, failures;
	atomic_bool reached;
};
static struct countdown steps, allocations, io;

static bool
fails(struct countdown *c)
{
	if (atomic_load(&c->failures) == 0 || atomic_fetch_sub(&c->until, 1) > 1)
		return false;
	atomic_fetch_sub(&c->failures, 1);
	atomic_store(&c->reached, true);
	return true;
}

static void
arm(struct countdown *c, int until, int failures)
{
	atomic_store(&c->reached, false);
	atomic_store(&c->until, until);
	atomic_store(&c->failures, failures);
}

/* True if nothing failed: there were fewer calls. */
static bool
disarm(struct countdown *c)
{
	atomic_store(&c->failures, 0);
	return !atomic_load(&c->reached);
}

/* Of this program's own calls: SQLite's calls of itself would take a failure that did not happen
 * for success. */
int
sqlite3_step(sqlite3_stmt *st)
{
	extern const char __executable_start[], etext[]; /* the linker's */
	static int (*real)(sqlite3_stmt *);
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_step");
	if (caller >= (uintptr_t)__executable_start && caller < (uintptr_t)etext && fails(&steps))
		return SQLITE_IOERR;
	return real(st);
}

static sqlite3_mem_methods system_methods;

static void *
failing_malloc(int size)
{
	return fails(&allocations) ? NULL : system_methods.xMalloc(size);
}

static void *
failing_realloc(void *p, int size)
{
	return fails(&allocations) ? NULL : system_methods.xRealloc(p, size);
}

static bool
disk_fails(void)
{
	if (!fails(&io))
		return false;
	errno = EIO;
	return true;
}

static ssize_t
failing_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return disk_fails() ? -1 : pwrite(fd, bytes, len, at);
}

static ssize_t
failing_pread(int fd, void *bytes, size_t len, off_t at)
{
	return disk_fails() ? -1 : pread(fd, bytes, len, at);
}

static int
failing_ftruncate(int fd, off_t len)
{
	return disk_fails() ? -1 : ftruncate(fd, len);
}

/* SQLite calls these by name. */
int
fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	return disk_fails() ? -1 : real(fd);
}

int
fsync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	return disk_fails() ? -1 : real(fd);
}

static bool
replace_system_calls(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	return vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)failing_pwrite) ==
		   SQLITE_OK &&
	       vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)failing_pwrite) ==
		   SQLITE_OK &&
	       vfs->xSetSystemCall(vfs, "pread", (sqlite3_syscall_ptr)failing_pread) == SQLITE_OK &&
	       vfs->xSetSystemCall(vfs, "pread64", (sqlite3_syscall_ptr)failing_pread) ==
		   SQLITE_OK &&
	       vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)failing_ftruncate) ==
		   SQLITE_OK;
}

static bool
work_whole(struct store_tx *tx, void *arg, struct err *err)
{
	struct audit_record a = {
	    .event = AUDIT_KEY_ARCHIVED, .success = true, .actor = TEXT("NWTRADERS\\user1")};
	struct sample s;

	sample_issued(&s, *(unsigned *)arg);
	return store_add_request(tx, &s.row, &a.request_id, err) && store_audit(tx, &a, err) &&
	       store_set_setting(tx, "CA\\Last", s.serial, err);
}

static void
assert_whole(struct fixture *f, long rows)
{
	int64_t audited;

	assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), rows);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM RequestBlob"), rows);
	assert_ok(f, store_audit_walk(f->store, 0, NULL, NULL, &audited, &f->err));
	assert_int_equal(audited, rows);
}

/* Fails the n-th call, for every n, until a unit passes without meeting a failure; at least `least`
 * units must fail. */
static void
each_failure_is_all_or_nothing(struct fixture *f, struct countdown *c, int in_a_row, int least)
{
	unsigned serial = 1;
	long rows = 0;
	bool past_the_end = false;
	int failed = 0;

	for (int n = 1; !past_the_end; n++) {
		bool ok;

		assert_true(n < 2000);
		f->err = (struct err){0};
		arm(c, n, in_a_row);
		ok = store_do(f->store, work_whole, &serial, &f->err);
		/* After a failed ROLLBACK one unit fails for it. */
		past_the_end = disarm(c) && ok;
		if (ok)
			rows++;
		else
			assert_int_not_equal(f->err.code, ERR_OK);
		failed += !ok;
		assert_whole(f, rows);
		serial++;
	}
	assert_true(failed >= least);
	assert_whole(f, rows);
}

static void
a_failing_step_is_all_or_nothing(void **state)
{
	each_failure_is_all_or_nothing(*state, &steps, 1, 8);
}

/* In one transaction, of which the second has a savepoint. */
static void
do_two(struct store *s, struct job jobs[2], struct err errs[2], unsigned serials[2])
{
	for (int i = 0; i < 2; i++)
		jobs[i] = (struct job){.work = work_whole, .arg = &serials[i], .err = &errs[i]};
	assert_true(writer_run(s, jobs, 2));
}

static void
a_failing_step_of_one_of_two_leaves_the_other_whole(void **state)
{
	struct fixture *f = *state;
	unsigned serials[2] = {1, 2};
	long rows = 0;
	int alone = 0;
	bool past_the_end = false;

	for (int n = 1; !past_the_end; n++) {
		struct job jobs[2];
		struct err errs[2] = {0};

		assert_true(n < 2000);
		arm(&steps, n, 1);
		do_two(f->store, jobs, errs, serials);
		past_the_end = disarm(&steps) && jobs[0].ok && jobs[1].ok;
		for (int i = 0; i < 2; i++)
			assert_int_equal(jobs[i].ok, errs[i].code == ERR_OK);
		rows += jobs[0].ok + jobs[1].ok;
		alone += jobs[0].ok != jobs[1].ok;
		assert_whole(f, rows);
		serials[0] += 2;
		serials[1] += 2;
	}
	assert_true(alone >= 8);
}

static void
failing_steps_in_a_row_are_all_or_nothing(void **state)
{
	each_failure_is_all_or_nothing(*state, &steps, 2, 8);
}

static void
a_rollback_that_fails_too_is_made_up_for(void **state)
{
	each_failure_is_all_or_nothing(*state, &steps, 4, 8);
}

static void
memory_that_runs_out_is_all_or_nothing(void **state)
{
	each_failure_is_all_or_nothing(*state, &allocations, 1, 5);
}

static void
memory_that_stays_out_is_all_or_nothing(void **state)
{
	each_failure_is_all_or_nothing(*state, &allocations, 1000000, 5);
}

static void
a_failing_disk_is_all_or_nothing(void **state)
{
	each_failure_is_all_or_nothing(*state, &io, 1, 2);
}

static void
a_disk_that_keeps_failing_is_all_or_nothing(void **state)
{
	each_failure_is_all_or_nothing(*state, &io, 1000000, 2);
}

static bool
one_more_revoked(const struct store_revoked *r, void *arg, struct err *err)
{
	(void)r, (void)err;
	++*(size_t *)arg;
	return true;
}

/* One of every reading function; false if any failed, which must have set its error. */
static bool
read_everything(struct fixture *f)
{
	struct store_requests rs = {0};
	struct store_request r = {0};
	struct store_settings settings = {0};
	struct store_counts counts;
	struct store_snapshot *snapshot = NULL;
	struct store_crl crl = {0};
	char *value = NULL;
	int64_t a;
	size_t n = 0;
	bool ok = store_get_request(f->store, 1, &r, &f->err) == STORE_FOUND;

	store_request_free(&r);
	ok = ok && store_get_by_serial(f->store, "611e23c200000001", &r, &f->err) == STORE_FOUND;
	store_request_free(&r);
	ok = ok && store_list_requests(f->store, &(struct store_filter){0}, &rs, &f->err) &&
	     rs.count == 1;
	store_requests_free(&rs);
	ok = ok &&
	     store_find_candidates(f->store, STORE_BY_UPN, "user1@nwtraders.com", &rs, &f->err) &&
	     rs.count == 1;
	store_requests_free(&rs);
	ok = ok && store_exchange_certificates(f->store, 0, &rs, &f->err);
	store_requests_free(&rs);
	ok = ok && store_get_setting(f->store, "CA\\Last", &value, &f->err) && value != NULL;
	free(value);
	ok = ok && store_list_settings(f->store, &settings, &f->err) && settings.count == 1;
	store_settings_free(&settings);
	ok = ok && store_snapshot_begin(f->store, &snapshot, &f->err);
	ok = ok &&
	     store_walk_revoked(
		 snapshot, &(struct store_crl_query){.now = 1}, one_more_revoked, &n, &f->err) &&
	     n == 0;
	store_snapshot_end(&snapshot);
	ok = ok && store_newest_crl(f->store, &(struct store_crl_id){0}, &crl, &f->err) &&
	     crl.number == 0;
	store_crl_free(&crl);
	ok = ok && store_count(f->store, &counts, &f->err) && counts.archived_keys == 1;
	return ok && store_audit_walk(f->store, 0, NULL, NULL, &a, &f->err) && a == 1;
}

static void
each_failing_read_is_told(struct fixture *f, struct countdown *c, int in_a_row)
{
	unsigned serial = 1;
	bool past_the_end = false;

	assert_ok(f, store_do(f->store, work_whole, &serial, &f->err));
	for (int n = 1; !past_the_end; n++) {
		bool ok;

		assert_true(n < 2000);
		assert_true(read_everything(f));
		f->err = (struct err){0};
		arm(c, n, in_a_row);
		ok = read_everything(f);
		past_the_end = disarm(c);
		/* SQLite can do without some of its memory; but whoever says ok has read
		 * everything. */
		assert_true(ok || f->err.code != ERR_OK);
	}
}

static void
a_reading_step_that_fails_is_told(void **state)
{
	each_failing_read_is_told(*state, &steps, 1);
	assert_int_equal(((struct fixture *)*state)->store->reader_count, 1);
}

static void
memory_that_runs_out_while_reading_is_told(void **state)
{
	each_failing_read_is_told(*state, &allocations, 1);
}

static void
memory_that_stays_out_while_reading_is_told(void **state)
{
	each_failing_read_is_told(*state, &allocations, 1000000);
}

/* Calls fail ever farther apart: there are thousands. */
static void
failing_opens_are_told(struct fixture *f, struct countdown *c)
{
	bool past_the_end = false;

	store_close(&f->store);
	for (int n = 1; !past_the_end; n += 1 + n / 8) {
		bool ok;

		unlink(f->path);
		arm(c, n, 1);
		ok = store_create(f->path, &f->store, &f->err);
		past_the_end = disarm(c);
		if (!ok) {
			assert_null(f->store);
			assert_true(
			    f->err.code == DIRCA_E_DATABASE || f->err.code == E_OUTOFMEMORY);
			/* What is half made is not in the way of the next try. */
			assert_ok(f, store_create(f->path, &f->store, &f->err));
		}
		store_close(&f->store);
	}
}

static void
an_open_that_fails_at_a_step_can_be_repeated(void **state)
{
	failing_opens_are_told(*state, &steps);
}

static void
an_open_that_runs_out_of_memory_can_be_repeated(void **state)
{
	failing_opens_are_told(*state, &allocations);
}

static void
an_open_on_a_failing_disk_can_be_repeated(void **state)
{
	failing_opens_are_told(*state, &io);
}

/* The log is copied back after the answer. */
static bool
checkpoint_fails(const struct fixture *f, bool expected, int most_ms)
{
	for (int i = 0; i < most_ms && f->store->checkpoint_fails != expected; i++)
		usleep(1000);
	return f->store->checkpoint_fails;
}

static void
a_checkpoint_that_fails_is_noted_until_one_succeeds(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	for (int n = 1; n < 200 && !f->store->checkpoint_fails; n++) {
		f->store->wal_pages_looked = -100000; /* it is due */
		arm(&io, n, 1000000);
		(void)store_do(f->store, work_pending, &id, &f->err);
		(void)checkpoint_fails(f, true, 20);
		disarm(&io);
	}
	assert_true(checkpoint_fails(f, true, 20));
	assert_ok(f, store_do(f->store, work_pending, &id, &f->err));
	f->store->wal_pages_looked = -100000;
	assert_ok(f, store_do(f->store, work_pending, &id, &f->err));
	assert_false(checkpoint_fails(f, false, 60000));
	assert_sound(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_failing_step_is_all_or_nothing),
	    TEST(a_failing_step_of_one_of_two_leaves_the_other_whole),
	    TEST(failing_steps_in_a_row_are_all_or_nothing),
	    TEST(a_rollback_that_fails_too_is_made_up_for),
	    TEST(memory_that_runs_out_is_all_or_nothing),
	    TEST(memory_that_stays_out_is_all_or_nothing),
	    TEST(a_failing_disk_is_all_or_nothing),
	    TEST(a_disk_that_keeps_failing_is_all_or_nothing),
	    TEST(a_checkpoint_that_fails_is_noted_until_one_succeeds),
	    TEST(a_reading_step_that_fails_is_told),
	    TEST(memory_that_runs_out_while_reading_is_told),
	    TEST(memory_that_stays_out_while_reading_is_told),
	    TEST(an_open_that_fails_at_a_step_can_be_repeated),
	    TEST(an_open_that_runs_out_of_memory_can_be_repeated),
	    TEST(an_open_on_a_failing_disk_can_be_repeated),
	};
	sqlite3_mem_methods failing;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_methods) != SQLITE_OK)
		return 1;
	failing = system_methods;
	failing.xMalloc = failing_malloc;
	failing.xRealloc = failing_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK ||
	    sqlite3_initialize() != SQLITE_OK || !replace_system_calls())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
