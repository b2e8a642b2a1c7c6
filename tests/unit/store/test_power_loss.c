/*
 * Power that fails at any moment: of what was written to a file and not synced, any sector may be
 * there and any other may not. What was acknowledged is there whole whatever is left, nothing is
 * there in part, and the database is sound. `test_power_loss CRASHES SEED` goes other ways, for
 * longer.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "mem.h"
#include "store_priv.h"
#include "store_test.h"

#define SECTOR   512
#define ROWS     3 /* of a unit of work */
#define UNITS    60
#define FILE_MAX (8 << 20)

enum { DATABASE, LOG, FILES };

/* What was done to a file, in order; `len` 0 with `at` -1: synced, with `at` 0 or more: cut. */
struct op {
	int file;
	off_t at;
	size_t len;
	uint8_t *bytes;
};

static struct {
	pthread_mutex_t lock;
	bool records;
	const struct fixture *f;
	struct op *ops;
	size_t count;
	struct {
		uint8_t *bytes;
		size_t len;
	} begin[FILES];
	size_t
	    done_at[UNITS + 1]; /* how many ops there were when the unit was acknowledged; 0: not */
	size_t tried_at[UNITS + 1];
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Of writes, one in so many fails; 0: none. */
static atomic_uint fails, chance = 1;
static unsigned crashes = 40;

static unsigned
random_below(unsigned n)
{
	unsigned x = atomic_load(&chance);

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	atomic_store(&chance, x);
	return x % n;
}

static int
file_of(int fd)
{
	char link[64], path[128];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n <= 0 || seen.f == NULL)
		return -1;
	path[n] = '\0';
	if (strcmp(path, seen.f->path) == 0)
		return DATABASE;
	return strncmp(path, seen.f->path, strlen(seen.f->path)) == 0 &&
		       strcmp(path + strlen(seen.f->path), "-wal") == 0
		   ? LOG
		   : -1;
}

/* Under the lock. */
static void
record(int fd, off_t at, const void *bytes, size_t len)
{
	struct op *o;
	int file = seen.records ? file_of(fd) : -1;

	if (file < 0)
		return;
	seen.ops = mem_grow_long(seen.ops, seen.count, sizeof *seen.ops);
	o = &seen.ops[seen.count++];
	*o = (struct op){.file = file, .at = at, .len = len};
	if (len > 0) {
		o->bytes = mem_zero(len, 1);
		memcpy(o->bytes, bytes, len);
	}
}

static ssize_t
seen_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	unsigned one_in = atomic_load(&fails), how = random_below(3);
	bool fault = one_in > 0 && random_below(one_in) == 0;
	ssize_t n = 0;

	pthread_mutex_lock(&seen.lock);
	if (!fault || how > 0)
		n = pwrite(fd, bytes, fault ? len / 2 : len, at);
	if (n > 0)
		record(fd, at, bytes, (size_t)n);
	pthread_mutex_unlock(&seen.lock);
	if (!fault || (how == 1 && n > 0))
		return n; /* whole; or a part, which is gone on with */
	errno = how == 0 ? EIO : ENOSPC;
	return -1;
}

static int
seen_ftruncate(int fd, off_t len)
{
	int rc;

	pthread_mutex_lock(&seen.lock);
	rc = ftruncate(fd, len);
	if (rc == 0)
		record(fd, len, NULL, 0);
	pthread_mutex_unlock(&seen.lock);
	return rc;
}

/* SQLite calls it by name. */
int
fdatasync(int fd)
{
	pthread_mutex_lock(&seen.lock);
	record(fd, -1, NULL, 0);
	pthread_mutex_unlock(&seen.lock);
	return 0;
}

/* ---- the work ---- */

static bool
work_rows(struct store_tx *tx, void *arg, struct err *err)
{
	static uint8_t big[9000] = {1};
	const unsigned *unit = arg;

	for (unsigned i = 0; i < ROWS; i++) {
		struct sample s;
		int64_t id;

		sample_issued(&s, *unit * ROWS + i);
		s.row.raw_request = (struct buf){.ptr = big, .len = sizeof big};
		if (!store_add_request(tx, &s.row, &id, err))
			return false;
	}
	return true;
}

static void
read_file(const char *path, int file)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	seen.begin[file].bytes = mem_zero(FILE_MAX, 1);
	n = pread(fd, seen.begin[file].bytes, FILE_MAX, 0);
	assert_true(n > 0 && n < FILE_MAX);
	seen.begin[file].len = (size_t)n;
	close(fd);
}

/* The log is copied back, and begun anew, now and then. `cache`: in pages; what has no room in it
 * is written before the end of the transaction. */
static void
work(struct fixture *f, unsigned cache, unsigned one_in)
{
	char log[128], sql[64];

	snprintf(log, sizeof log, "%s-wal", f->path);
	snprintf(sql, sizeof sql, "PRAGMA cache_size = %u", cache);
	assert_int_equal(sqlite3_exec(f->store->writer.db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_ok(f, store_do(f->store, work_rows, &(unsigned){0}, &f->err));
	read_file(f->path, DATABASE);
	read_file(log, LOG);
	seen.f = f;
	seen.records = true;
	for (unsigned unit = 1; unit <= UNITS; unit++) {
		bool ok;

		pthread_mutex_lock(&seen.lock);
		seen.tried_at[unit] = seen.count;
		pthread_mutex_unlock(&seen.lock);
		atomic_store(&fails, one_in);
		ok = store_do(f->store, work_rows, &unit, &f->err);
		atomic_store(&fails, 0);
		pthread_mutex_lock(&seen.lock);
		seen.done_at[unit] = ok ? seen.count : 0;
		pthread_mutex_unlock(&seen.lock);
		if (unit % 7 == 0)
			assert_int_equal(raw_exec(f, "PRAGMA wal_checkpoint(PASSIVE)"), SQLITE_OK);
	}
	seen.records = false;
}

/* ---- the crash ---- */

struct image {
	uint8_t *bytes;
	size_t len;
};

/* What was not synced is written in sectors, each of which may be lost. */
static void
apply(struct image *i, const struct op *o, bool is_synced, unsigned keeps)
{
	if (o->len == 0) {
		if (o->at >= 0 && (is_synced || random_below(2) == 0)) {
			if ((size_t)o->at > i->len)
				memset(i->bytes + i->len, 0, (size_t)o->at - i->len);
			i->len = (size_t)o->at;
		}
		return;
	}
	assert_true((size_t)o->at + o->len < FILE_MAX);
	for (size_t at = 0, n; at < o->len; at += n) {
		size_t place = (size_t)o->at + at;

		n = SECTOR - place % SECTOR;
		n = n < o->len - at ? n : o->len - at;
		if (!is_synced && random_below(100) >= keeps)
			continue;
		if (place > i->len)
			memset(i->bytes + i->len, 0, place - i->len);
		memcpy(i->bytes + place, o->bytes + at, n);
		if (place + n > i->len)
			i->len = place + n;
	}
}

static void
crash(size_t moment, struct image images[FILES])
{
	size_t synced[FILES] = {0};
	/* All, nothing, or something of it. */
	unsigned keeps[] = {0, 50, 90, 100, 99};

	for (int f = 0; f < FILES; f++) {
		images[f].len = seen.begin[f].len;
		memcpy(images[f].bytes, seen.begin[f].bytes, seen.begin[f].len);
	}
	for (size_t i = 0; i < moment; i++)
		if (seen.ops[i].len == 0 && seen.ops[i].at < 0)
			synced[seen.ops[i].file] = i;
	for (int f = 0; f < FILES; f++) {
		unsigned k = keeps[random_below(5)];

		for (size_t i = 0; i < moment; i++)
			if (seen.ops[i].file == f)
				apply(&images[f], &seen.ops[i], i < synced[f], k);
	}
}

static void
write_image(const char *path, const struct image *i)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, i->bytes, i->len), i->len);
	close(fd);
}

static void
assert_whole(const struct fixture *after, size_t moment)
{
	int rows[UNITS + 1] = {0};
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	char text[64];

	raw_text(after, "PRAGMA integrity_check", text, sizeof text);
	assert_string_equal(text, "ok");
	assert_int_equal(raw_number(after, "SELECT (SELECT count(*) FROM Request) - (SELECT "
					   "count(*) FROM RequestBlob)"),
	    0);
	assert_int_equal(sqlite3_open(after->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT SerialNumber FROM Request", -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *serial = (const char *)sqlite3_column_text(st, 0);

		rows[strtoul(serial + 8, NULL, 16) / ROWS]++;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	for (unsigned unit = 1; unit <= UNITS; unit++) {
		assert_true(rows[unit] == 0 || rows[unit] == ROWS);
		if (seen.done_at[unit] > 0 && seen.done_at[unit] <= moment)
			assert_int_equal(rows[unit], ROWS);
		if (seen.tried_at[unit] >= moment)
			assert_int_equal(rows[unit], 0);
	}
}

static void
crash_and_look(struct fixture *f)
{
	struct image images[FILES];
	struct fixture after = {0};
	char log[128];

	snprintf(after.path, sizeof after.path, "%s/after.db", f->folder);
	snprintf(log, sizeof log, "%s-wal", after.path);
	for (int i = 0; i < FILES; i++)
		images[i].bytes = mem_zero(FILE_MAX, 1);
	for (unsigned i = 0; i < crashes; i++) {
		size_t moment = random_below((unsigned)seen.count + 1);

		crash(moment, images);
		write_image(after.path, &images[DATABASE]);
		write_image(log, &images[LOG]);
		assert_whole(&after, moment);
	}
	unlink(after.path);
	unlink(log);
	for (int i = 0; i < FILES; i++)
		free(images[i].bytes);
}

static void
forget(void)
{
	for (size_t i = 0; i < seen.count; i++)
		free(seen.ops[i].bytes);
	free(seen.ops);
	seen.ops = NULL;
	seen.count = 0;
	for (int i = 0; i < FILES; i++)
		free(seen.begin[i].bytes);
	seen.f = NULL;
}

static unsigned
acknowledged(void)
{
	unsigned n = 0;

	for (unsigned unit = 1; unit <= UNITS; unit++)
		n += seen.done_at[unit] > 0;
	return n;
}

static void
what_is_acknowledged_outlives_the_power(void **state)
{
	struct fixture *f = *state;

	work(f, 20, 0);
	assert_int_equal(acknowledged(), UNITS);
	crash_and_look(f);
	forget();
}

static void
assert_outlives_faults(struct fixture *f, unsigned cache, unsigned one_in)
{
	work(f, cache, one_in);
	assert_in_range(acknowledged(), 1, UNITS - 1);
	assert_sound(f);
	crash_and_look(f);
	forget();
}

static void
what_is_acknowledged_of_a_disk_that_fails_early_outlives_the_power(void **state)
{
	assert_outlives_faults(*state, 20, 100);
}

static void
what_is_acknowledged_of_a_disk_that_fails_late_outlives_the_power(void **state)
{
	assert_outlives_faults(*state, 2000, 4);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		sqlite3_syscall_ptr by;
	} calls[] = {{"pwrite", (sqlite3_syscall_ptr)seen_pwrite},
	    {"pwrite64", (sqlite3_syscall_ptr)seen_pwrite},
	    {"ftruncate", (sqlite3_syscall_ptr)seen_ftruncate}};
	const struct CMUnitTest tests[] = {
	    TEST(what_is_acknowledged_outlives_the_power),
	    TEST(what_is_acknowledged_of_a_disk_that_fails_early_outlives_the_power),
	    TEST(what_is_acknowledged_of_a_disk_that_fails_late_outlives_the_power),
	};
	sqlite3_vfs *vfs;

	if (argc == 3) {
		crashes = (unsigned)strtoul(argv[1], NULL, 10);
		atomic_store(&chance, (unsigned)strtoul(argv[2], NULL, 10) | 1);
	}
	if (sqlite3_initialize() != SQLITE_OK || (vfs = sqlite3_vfs_find(NULL)) == NULL)
		return 1;
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		if (vfs->xSetSystemCall(vfs, calls[i].name, calls[i].by) != SQLITE_OK)
			return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
