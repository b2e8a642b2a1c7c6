/*
 * The writer: units are grouped, a failing one leaves nothing, nothing is acknowledged that is not
 * on disk.
 */
#include <sys/resource.h>
#include <time.h>

#include "store_priv.h"
#include "store_test.h"

#define THREADS 32
#define EACH    20

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool reached, open;
};

/* Keeps the writer busy until the gate opens: only a test may block in a unit of work. */
static bool
work_gate(struct store_tx *tx, void *arg, struct err *err)
{
	struct gate *g = arg;

	(void)tx;
	(void)err;
	pthread_mutex_lock(&g->lock);
	g->reached = true;
	pthread_cond_broadcast(&g->changed);
	while (!g->open)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
	return true;
}

struct caller {
	struct store *store;
	store_work *work;
	void *arg;
	int64_t id;
	struct err err;
	bool ok;
	pthread_t thread;
};

static void *
call(void *arg)
{
	struct caller *c = arg;

	c->ok = store_do(c->store, c->work, c->arg != NULL ? c->arg : &c->id, &c->err);
	return NULL;
}

static void
start(struct caller *c, struct store *s, store_work *work, void *arg)
{
	*c = (struct caller){.store = s, .work = work, .arg = arg};
	assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

static size_t
queue_length(struct store *s)
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	for (const struct job *j = s->first; j != NULL; j = j->next)
		n++;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* The gate's unit runs; `count` callers wait behind it and will be one group. */
static void
hold(struct fixture *f, struct gate *g, struct caller *holder)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	start(holder, f->store, work_gate, g);
	pthread_mutex_lock(&g->lock);
	while (!g->reached)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void
release(struct fixture *f, struct gate *g, struct caller *holder, size_t waiting)
{
	struct timespec pause = {.tv_nsec = 1000000};

	while (queue_length(f->store) < waiting)
		nanosleep(&pause, NULL);
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	pthread_join(holder->thread, NULL);
	assert_true(holder->ok);
}

static uint64_t
commits(struct store *s)
{
	uint64_t n;

	pthread_mutex_lock(&s->lock);
	n = s->commits;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void
assert_rows(struct fixture *f, long count)
{
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), count);
}

/* Starts `count` callers behind a held writer, lets them go, and gives the number of commits that
 * they took. */
static uint64_t
run_behind_gate(
    struct fixture *f, struct caller *callers, size_t count, store_work *(*choose)(size_t i))
{
	struct gate g = {0};
	struct caller holder;
	uint64_t before = commits(f->store);

	hold(f, &g, &holder);
	for (size_t i = 0; i < count; i++)
		start(&callers[i], f->store, choose(i), NULL);
	release(f, &g, &holder, count);
	for (size_t i = 0; i < count; i++)
		pthread_join(callers[i].thread, NULL);
	return commits(f->store) - before - 1;
}

static store_work *
always_pending(size_t i)
{
	(void)i;
	return work_pending;
}

static void
units_that_wait_share_one_commit(void **state)
{
	struct fixture *f = *state;
	struct caller callers[50];

	assert_int_equal(run_behind_gate(f, callers, 50, always_pending), 1);
	for (int i = 0; i < 50; i++) {
		assert_true(callers[i].ok);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(callers[i].id, callers[j].id);
	}
	assert_rows(f, 50);
}

static void
a_group_has_at_most_128_units(void **state)
{
	struct fixture *f = *state;
	static struct caller callers[GROUP_MAX + 22];

	assert_int_equal(run_behind_gate(f, callers, GROUP_MAX + 22, always_pending), 2);
	for (int i = 0; i < GROUP_MAX + 22; i++)
		assert_true(callers[i].ok);
	assert_rows(f, GROUP_MAX + 22);
}

static bool
work_add_then_refuse(struct store_tx *tx, void *arg, struct err *err)
{
	return work_pending(tx, arg, err) &&
	       err_set(err, E_ACCESSDENIED, "refused after row %lld", (long long)*(int64_t *)arg);
}

static bool
work_add_then_break_a_rule(struct store_tx *tx, void *arg, struct err *err)
{
	struct sample s;
	int64_t id;

	sample_issued(&s, 1);
	s.row.certificate_hash.len = 3;
	return work_pending(tx, arg, err) && store_add_request(tx, &s.row, &id, err);
}

static store_work *
some_fail(size_t i)
{
	return i % 3 == 0   ? work_pending
	       : i % 3 == 1 ? work_add_then_refuse
			    : work_add_then_break_a_rule;
}

static void
a_failing_unit_leaves_nothing_and_its_neighbours_stay(void **state)
{
	struct fixture *f = *state;
	struct caller callers[30];

	assert_int_equal(run_behind_gate(f, callers, 30, some_fail), 1);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(callers[i].ok, i % 3 == 0);
		if (i % 3 == 1) {
			assert_int_equal(callers[i].err.code, E_ACCESSDENIED);
			assert_non_null(strstr(callers[i].err.msg, "refused after row"));
		} else if (i % 3 == 2) {
			assert_int_equal(callers[i].err.code, DIRCA_E_DATABASE);
			assert_non_null(strstr(callers[i].err.msg, "20 bytes"));
		}
	}
	assert_rows(f, 10);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM RequestBlob"), 10);
}

static store_work *
all_but_one_fail(size_t i)
{
	return i == 7       ? work_pending
	       : i % 2 == 0 ? work_add_then_refuse
			    : work_add_then_break_a_rule;
}

/* Whoever comes first has no savepoint: the transaction is it. */
static void
who_fails_first_leaves_nothing_either(void **state)
{
	struct fixture *f = *state;
	struct caller callers[10];
	int64_t id;

	assert_false(store_do(f->store, work_add_then_refuse, &id, &f->err));
	assert_int_equal(f->err.code, E_ACCESSDENIED);
	assert_rows(f, 0);
	assert_int_equal(run_behind_gate(f, callers, 10, all_but_one_fail), 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(callers[i].ok, i == 7);
	assert_rows(f, 1);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM RequestBlob"), 1);
	assert_sound(f);
}

static bool
work_nested(struct store_tx *tx, void *arg, struct err *err)
{
	return store_do(tx->store, work_pending, arg, err);
}

static void
a_unit_inside_a_unit_is_refused(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	assert_false(store_do(f->store, work_nested, &id, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_INTERNAL);
	assert_ok(f, store_do(f->store, work_pending, &id, &f->err));
}

/* A migration may change the text of a table; units of work may not. */
static void
the_schema_is_defended(void **state)
{
	struct fixture *f = *state;
	int on = 0;

	assert_int_equal(
	    sqlite3_db_config(f->store->writer.db, SQLITE_DBCONFIG_DEFENSIVE, -1, &on), SQLITE_OK);
	assert_int_equal(on, 1);
	assert_int_not_equal(
	    sqlite3_exec(f->store->writer.db,
		"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''", NULL, NULL, NULL),
	    SQLITE_OK);
}

static void *
add_and_read(void *arg)
{
	struct caller *c = arg;

	for (int i = 0; i < EACH; i++) {
		struct store_request r;

		if (!store_do(c->store, work_pending, &c->id, &c->err))
			return NULL;
		/* What is acknowledged can be read. */
		if (store_get_request(c->store, c->id, &r, &c->err) != STORE_FOUND)
			return NULL;
		c->ok = strcmp(r.requester_name, "NWTRADERS\\user2") == 0 && r.raw_request.len == 7;
		store_request_free(&r);
		if (!c->ok)
			return NULL;
	}
	return NULL;
}

static void
many_threads_write_and_read_at_once(void **state)
{
	struct fixture *f = *state;
	struct caller callers[THREADS] = {0};

	for (int i = 0; i < THREADS; i++) {
		callers[i].store = f->store;
		assert_int_equal(
		    pthread_create(&callers[i].thread, NULL, add_and_read, &callers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		if (!callers[i].ok)
			fail_msg("%s", callers[i].err.msg);
	}
	assert_rows(f, (long)THREADS * EACH);
	assert_true(commits(f->store) < (uint64_t)THREADS * EACH);
	assert_true(f->store->reader_count <= READERS_MAX);
	assert_sound(f);
}

static void
limit_file_size(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
a_full_disk_fails_the_whole_group_and_later_work_goes_on(void **state)
{
	struct fixture *f = *state;
	struct caller callers[10];
	int64_t id;

	assert_ok(f, store_do(f->store, work_pending, &id, &f->err));
	for (int round = 0; round < 3; round++) {
		limit_file_size(4096);
		assert_int_equal(run_behind_gate(f, callers, 10, always_pending), 0);
		limit_file_size(RLIM_INFINITY);
		for (int i = 0; i < 10; i++) {
			assert_false(callers[i].ok);
			assert_int_equal(callers[i].err.code, DIRCA_E_DATABASE);
			assert_non_null(strstr(callers[i].err.msg, f->path));
		}
		assert_rows(f, 1 + round);
		assert_ok(f, store_do(f->store, work_pending, &id, &f->err));
		assert_int_equal(id, 2 + round);
	}
	assert_sound(f);
	reopen(f);
	assert_rows(f, 4);
}

static bool
work_many(struct store_tx *tx, void *arg, struct err *err)
{
	struct sample s;

	for (int i = 0; i < 200; i++) {
		sample_pending(&s);
		if (!store_add_request(tx, &s.row, arg, err))
			return false;
	}
	return true;
}

/* SQLite keeps no errno of it: none of an earlier failure is told, nor "Success". */
static void
a_full_database_is_told_without_an_errno(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	assert_int_equal(
	    sqlite3_exec(f->store->writer.db, "PRAGMA max_page_count = 1", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_false(store_do(f->store, work_many, &id, &f->err));
	assert_non_null(strstr(f->err.msg, "database or disk is full (SQLite code 13)"));
	assert_rows(f, 0);
}

static bool
work_big(struct store_tx *tx, void *arg, struct err *err)
{
	static uint8_t zeros[MOST_RawRequest];
	struct sample s;

	/* More than the writer's page cache: pages reach the WAL before the commit, inside of the
	 * unit. */
	for (int i = 0; i < 1200; i++) {
		sample_pending(&s);
		s.row.raw_request = (struct buf){.ptr = zeros, .len = sizeof zeros};
		if (!store_add_request(tx, &s.row, arg, err))
			return false;
	}
	return true;
}

static store_work *
one_is_big(size_t i)
{
	return i == 2 ? work_big : work_pending;
}

static void
a_disk_that_fills_inside_a_unit_fails_the_whole_group(void **state)
{
	struct fixture *f = *state;
	struct caller callers[5];
	int64_t id;

	limit_file_size(4 * 1024 * 1024);
	assert_int_equal(run_behind_gate(f, callers, 5, one_is_big), 0);
	limit_file_size(RLIM_INFINITY);
	for (int i = 0; i < 5; i++) {
		assert_false(callers[i].ok);
		assert_int_equal(callers[i].err.code, DIRCA_E_DATABASE);
	}
	assert_rows(f, 0);
	assert_ok(f, store_do(f->store, work_pending, &id, &f->err));
	assert_rows(f, 1);
	assert_sound(f);
}

static void
the_log_is_copied_back_when_the_writer_is_idle(void **state)
{
	struct fixture *f = *state;
	struct timespec pause = {.tv_nsec = 10000000};
	int64_t id;
	long pages = 0;

	assert_ok(f, store_do(f->store, work_big, &id, &f->err));
	/* The file itself, without its WAL: pages are there only after a checkpoint. */
	for (int i = 0; i < 6000 && pages < 1000; i++) {
		FILE *file = fopen(f->path, "rb");

		assert_non_null(file);
		assert_int_equal(fseek(file, 0, SEEK_END), 0);
		pages = ftell(file) / 4096;
		fclose(file);
		nanosleep(&pause, NULL);
	}
	assert_true(pages >= 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(units_that_wait_share_one_commit),
	    TEST(a_group_has_at_most_128_units),
	    TEST(a_failing_unit_leaves_nothing_and_its_neighbours_stay),
	    TEST(who_fails_first_leaves_nothing_either),
	    TEST(a_unit_inside_a_unit_is_refused),
	    TEST(the_schema_is_defended),
	    TEST(many_threads_write_and_read_at_once),
	    TEST(a_full_disk_fails_the_whole_group_and_later_work_goes_on),
	    TEST(a_full_database_is_told_without_an_errno),
	    TEST(a_disk_that_fills_inside_a_unit_fails_the_whole_group),
	    TEST(the_log_is_copied_back_when_the_writer_is_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
