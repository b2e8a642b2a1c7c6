/*
 * A CA that is killed at any moment loses nothing that it acknowledged.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store_priv.h"
#include "store_test.h"

#define KILLS 20

static bool
work_request_with_audit(struct store_tx *tx, void *arg, struct err *err)
{
	struct audit_record a = {
	    .event = AUDIT_PENDING, .success = true, .actor = TEXT("NWTRADERS\\user2")};

	if (!work_pending(tx, arg, err))
		return false;
	a.request_id = *(int64_t *)arg;
	return store_audit(tx, &a, err);
}

struct victim {
	struct store *store;
	int acknowledge;
};

static void *
write_for_ever(void *arg)
{
	struct victim *v = arg;
	struct err err;
	int64_t id;

	while (store_do(v->store, work_request_with_audit, &id, &err) &&
	       write(v->acknowledge, &id, sizeof id) == sizeof id)
		;
	return NULL;
}

static void
be_killed(const char *path, int acknowledge)
{
	struct victim v = {.acknowledge = acknowledge};
	pthread_t threads[4];
	struct err err;

	if (!store_open(path, &v.store, &err))
		_exit(1);
	/* A log that is copied back, and begins anew, some times until it is killed. */
	v.store->log_limits = (struct log_limits){.new = 20, .is_long = 60, .rest = 20, .most = 90};
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, write_for_ever, &v) != 0)
			_exit(1);
	for (;;)
		pause();
}

/* Starts a writer, kills it some milliseconds after its first commit, and gives the ids that it
 * acknowledged. */
static size_t
acknowledged_until_killed(const char *path, int milliseconds, int64_t *ids, size_t room)
{
	struct timespec wait = {.tv_nsec = milliseconds * 1000000L};
	size_t count = 0;
	pid_t child;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	if ((child = fork()) == 0) {
		close(fds[0]);
		be_killed(path, fds[1]);
	}
	assert_true(child > 0);
	close(fds[1]);
	assert_int_equal(read(fds[0], &ids[count++], sizeof ids[0]), sizeof ids[0]);
	nanosleep(&wait, NULL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	while (count < room && read(fds[0], &ids[count], sizeof ids[0]) == sizeof ids[0])
		count++;
	close(fds[0]);
	return count;
}

static void
what_was_acknowledged_survives_kill_9(void **state)
{
	static int64_t ids[10000];
	struct fixture *f = *state;

	for (int round = 0; round < KILLS; round++) {
		size_t count;

		store_close(&f->store);
		count = acknowledged_until_killed(
		    f->path, 5 + 3 * round, ids, sizeof ids / sizeof ids[0]);
		assert_ok(f, store_open(f->path, &f->store, &f->err));
		assert_sound(f);
		for (size_t i = 0; i < count; i++) {
			struct store_request r;

			assert_int_equal(
			    store_get_request(f->store, ids[i], &r, &f->err), STORE_FOUND);
			assert_int_equal(r.raw_request.len, 7);
			store_request_free(&r);
		}
		assert_int_equal(raw_number(f, "SELECT count(*) FROM Audit"),
		    raw_number(f, "SELECT count(*) FROM Request"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_acknowledged_survives_kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
