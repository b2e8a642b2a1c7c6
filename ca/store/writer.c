/*
 * The writer thread and group commit. While one commit waits for the disk, callers queue; the
 * writer then takes all that are waiting and commits them together, each in its savepoint. Nobody
 * waits artificially. While a transaction holds nothing of anybody else's, the transaction itself
 * is the savepoint: SQLite copies each page that a savepoint touches, and most groups have one
 * unit.
 */
#include <signal.h>
#include <string.h>

#include "store_priv.h"

/* All that wait, at most GROUP_MAX; NULL when the store closes and nothing is left. */
static struct job *
take_group(struct store *s)
{
	struct job *group, **end;
	int n = 0;

	pthread_mutex_lock(&s->lock);
	while (s->first == NULL && !s->closing)
		pthread_cond_wait(&s->queued, &s->lock);
	group = s->first;
	for (end = &s->first; *end != NULL && n < GROUP_MAX; n++)
		end = &(*end)->next;
	s->first = *end;
	*end = NULL;
	if (s->first == NULL)
		s->last = &s->first;
	pthread_mutex_unlock(&s->lock);
	return group;
}

static void
wake_group(struct store *s, struct job *group, bool committed)
{
	pthread_mutex_lock(&s->lock);
	s->commits += committed;
	pthread_mutex_unlock(&s->lock);
	/* Not under the lock, which those who wake want for their next unit. */
	while (group != NULL) {
		struct job *j = group;

		group = j->next;
		sem_post(&j->done);
	}
}

/* Takes back what the unit wrote. */
static bool
undo_unit(struct store *s, bool is_first, const struct audit_end *before, struct err *err)
{
	s->audit = *before;
	s->kept_kra_count = 0;
	if (!is_first)
		return sql_run(&s->writer, SQL_ROLLBACK_TO, err);
	return sql_run(&s->writer, SQL_ROLLBACK, err) && sql_run(&s->writer, SQL_BEGIN, err);
}

/* False: the whole transaction is lost, for the reason in `err`. A unit's own failure is not that.
 * `is_first`: there is nothing else in the transaction.
 */
static bool
run_unit(struct store *s, struct job *j, bool is_first, struct err *err)
{
	const struct audit_end before = s->audit;
	struct store_tx tx = {s, &s->writer};

	if (!is_first && !sql_run(&s->writer, SQL_SAVEPOINT, err))
		return false;
	j->ran = true;
	j->ok = j->work(&tx, j->arg, j->err);
	/* A full or broken disk makes SQLite roll back everything, not only the statement. */
	if (sqlite3_get_autocommit(s->writer.db)) {
		if (j->ok)
			return err_set(err, DIRCA_E_DATABASE,
			    "CA database %s: the transaction was rolled back", s->path);
		*err = *j->err;
		return false;
	}
	if (!j->ok && !undo_unit(s, is_first, &before, err))
		return false;
	return is_first || sql_run(&s->writer, SQL_RELEASE, err);
}

static bool
run_group(struct store *s, struct job *group, struct err *err)
{
	bool is_first = true;

	/* Other programs may have written since the last group. */
	s->audit = (struct audit_end){0};
	if (!sql_run(&s->writer, SQL_BEGIN, err))
		return false;
	for (struct job *j = group; j != NULL; j = j->next) {
		if (!run_unit(s, j, is_first, err))
			return false;
		is_first = is_first && !j->ok;
	}
	return audit_move_head(s, err) && sql_run(&s->writer, SQL_COMMIT, err);
}

/* Nothing of the group is on disk: nobody may be told that it is. A unit that had failed keeps its
 * own reason. */
static void
fail_group(struct store *s, struct job *group, const struct err *reason)
{
	struct err ignored;

	s->kept_kra_count = 0;
	if (!sqlite3_get_autocommit(s->writer.db))
		sql_run(&s->writer, SQL_ROLLBACK, &ignored);
	for (struct job *j = group; j != NULL; j = j->next) {
		if (j->ok || !j->ran)
			*j->err = *reason;
		j->ok = false;
	}
}

static int
after_commit(void *arg, sqlite3 *db, const char *schema, int pages)
{
	(void)db;
	(void)schema;
	copyback_committed(arg, pages);
	return SQLITE_OK;
}

static void *
writer_main(void *arg)
{
	struct store *s = arg;
	struct job *group;

	while ((group = take_group(s)) != NULL) {
		struct err reason;
		bool committed = run_group(s, group, &reason);

		if (!committed)
			fail_group(s, group, &reason);
		wake_group(s, group, committed);
		copyback_look(s);
	}
	return NULL;
}

bool
writer_start(struct store *s, struct err *err)
{
	sigset_t all, before;
	int rc;

	sqlite3_wal_hook(s->writer.db, after_commit, s);
	/* Signals are the main thread's; SIGXFSZ here becomes an error of write(). */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if ((rc = copyback_start(s)) == 0)
		rc = pthread_create(&s->thread, NULL, writer_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->running = rc == 0;
	return s->running ||
	       err_set(err, DIRCA_E_DATABASE, "CA database %s: its threads cannot be started: %s",
		   s->path, strerrordesc_np(rc));
}

void
writer_stop(struct store *s)
{
	if (!s->running)
		return;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->queued);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->running = false;
}

static bool
queue(struct store *s, struct job *jobs, size_t count)
{
	bool closing;

	pthread_mutex_lock(&s->lock);
	closing = s->closing;
	for (struct job *j = jobs; !closing && j < jobs + count; j++) {
		*s->last = j;
		s->last = &j->next;
	}
	pthread_mutex_unlock(&s->lock);
	/* Whoever wakes wants the lock. */
	if (!closing)
		pthread_cond_signal(&s->queued);
	return !closing;
}

static void
await(struct store *s, struct job *jobs, size_t count)
{
	if (s->wait_begins != NULL)
		s->wait_begins();
	for (struct job *j = jobs; j < jobs + count; j++)
		while (sem_wait(&j->done) != 0)
			;
	if (s->wait_ends != NULL)
		s->wait_ends();
}

bool
writer_run(struct store *s, struct job *jobs, size_t count)
{
	bool queued;

	for (struct job *j = jobs; j < jobs + count; j++)
		sem_init(&j->done, 0, 0);
	if ((queued = queue(s, jobs, count)))
		await(s, jobs, count);
	for (struct job *j = jobs; j < jobs + count; j++)
		sem_destroy(&j->done);
	return queued;
}

void
store_on_wait(struct store *s, void (*begins)(void), void (*ends)(void))
{
	s->wait_begins = begins;
	s->wait_ends = ends;
}

bool
store_do(struct store *s, store_work *work, void *arg, struct err *err)
{
	struct job j = {.work = work, .arg = arg, .err = err};

	if (pthread_equal(pthread_self(), s->thread))
		return err_set(err, DIRCA_E_INTERNAL, "a unit of work tried to start another one");
	if (!writer_run(s, &j, 1))
		return err_set(
		    err, DIRCA_E_DATABASE, "CA database %s: it is being closed", s->path);
	return j.ok;
}
