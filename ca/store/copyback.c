/*
 * The write-ahead log is copied back into the database by a thread with a connection of its own, so
 * that no commit waits for it. Order and syncs are SQLite's, whose locks let one connection copy
 * what was committed while another one commits.
 *
 * The log begins anew only when all of it was copied, which never happens beside commits that do
 * not end. So the writer copies the last pages itself once the log is long and few are left; and
 * whatever is left when it is longer than that, lest it grow without end. A reader's snapshot keeps
 * what was committed since in the log: then it grows as long as that reader reads.
 *
 * SQLite syncs the database when the last page of the log was copied, which is the writer's turn.
 * So the thread syncs what it copied, lest commits wait for that.
 */
#include <stdlib.h>
#include <unistd.h>

#include "store_priv.h"

#include "log.h"

/* Pages of the log: new ones that are worth a copy (the more, the fewer are copied twice); a log
 * that is to begin anew; what the writer may copy then; a log that the writer copies in any case,
 * whatever waits. */
#define COPY_NEW  2000
#define LOG_LONG  4000
#define COPY_REST 80
#define LOG_MOST  16000

/* Of the log's index: how it is mapped, and where in it stands how much was copied, in words. */
#define INDEX_PART   32768
#define INDEX_COPIED (96 / sizeof(uint32_t))

void
copyback_prepare(struct store *s)
{
	s->log_limits = (struct log_limits){
	    .new = COPY_NEW, .is_long = LOG_LONG, .rest = COPY_REST, .most = LOG_MOST};
	pthread_mutex_init(&s->copy_lock, NULL);
	pthread_cond_init(&s->copy_changed, NULL);
}

/* Meanwhile the file grows: told once, and once when it is over. */
static void
note(struct store *s, bool ok, const struct err *reason)
{
	if (ok != s->checkpoint_fails)
		return;
	s->checkpoint_fails = !ok;
	if (ok)
		log_info("works again", LOG_STR("what", "copying the write-ahead log back"));
	else
		log_error("failed", LOG_REASON(reason));
}

/* NULL with *rc_out. */
static sqlite3_file *
file_of(struct conn *c, int *rc_out)
{
	sqlite3_file *f = NULL;

	*rc_out = sqlite3_file_control(c->db, NULL, SQLITE_FCNTL_FILE_POINTER, &f);
	return f;
}

static int
sync_database(struct conn *c)
{
	int rc;
	sqlite3_file *f = file_of(c, &rc);

	return f == NULL ? rc : f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
}

/* What was copied is counted in the log's index (SQLite's "WAL-mode File Format", 2.3: nBackfill),
 * which lives in memory as long as any process has the database open. Of none, all is copied
 * again, and until then read from the log. */
static void
forget_copies(struct conn *c)
{
	int rc;
	sqlite3_file *f = file_of(c, &rc);
	void volatile *index = NULL;

	if (f != NULL && f->pMethods->xShmMap(f, 0, INDEX_PART, 0, &index) == SQLITE_OK &&
	    index != NULL)
		atomic_store((volatile _Atomic uint32_t *)index + INDEX_COPIED, 0);
}

/* The system tells of such a failure once: the next sync would succeed, and the log begin anew
 * without pages that the disk does not have. It still has all of them. */
static _Noreturn void
end_unsynced(const struct store *s, struct conn *c)
{
	struct err reason;

	forget_copies(c);
	err_set(&reason, DIRCA_E_DATABASE,
	    "CA database %s: the disk did not take what was copied from the write-ahead log; all "
	    "of it is in the log and is copied again at the next start",
	    s->path);
	log_error("ends", LOG_REASON(&reason));
	_exit(EXIT_FAILURE);
}

/* What is copied now, by whoever set COPY_RUNS. PASSIVE waits for no reader; a failure leaves the
 * log as it is, and the next group tries again. */
static void
copy(struct store *s, struct conn *c)
{
	int total = 0, copied = 0;
	int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &total, &copied);
	struct err reason;

	/* Where a reader needs the rest there is nothing new to sync. */
	if (rc == SQLITE_OK && c != &s->writer && copied != s->wal_pages_copied)
		rc = sync_database(c);
	if (rc == SQLITE_IOERR_FSYNC)
		end_unsynced(s, c);

	/* Another process copies. */
	if ((rc & 0xff) == SQLITE_BUSY)
		return;
	if (rc == SQLITE_OK) {
		s->wal_pages_looked = total;
		s->wal_pages_copied = copied;
	} else {
		sql_error(c, "the write-ahead log cannot be copied back, and grows", &reason);
	}
	note(s, rc == SQLITE_OK, &reason);
}

/* ---- the thread ---- */

/* False when the store closes. */
static bool
take_turn(struct store *s)
{
	bool closing;

	pthread_mutex_lock(&s->copy_lock);
	while (s->copy_state != COPY_WANTED && !s->copy_closing)
		pthread_cond_wait(&s->copy_changed, &s->copy_lock);
	if (!(closing = s->copy_closing))
		s->copy_state = COPY_RUNS;
	pthread_mutex_unlock(&s->copy_lock);
	return !closing;
}

static void
end_turn(struct store *s)
{
	pthread_mutex_lock(&s->copy_lock);
	s->copy_state = COPY_NONE;
	pthread_mutex_unlock(&s->copy_lock);
	pthread_cond_broadcast(&s->copy_changed);
}

static void *
copier_main(void *arg)
{
	struct store *s = arg;
	struct conn c = {0};
	struct err reason;

	while (take_turn(s)) {
		/* Most stores are closed before there is anything to copy. */
		if (c.db != NULL || conn_open(s->path, SQL_COPIER, false, &c, &reason))
			copy(s, &c);
		else
			note(s, false, &reason);
		end_turn(s);
	}
	conn_close(&c);
	return NULL;
}

int
copyback_start(struct store *s)
{
	int rc = pthread_create(&s->copier, NULL, copier_main, s);

	s->copier_runs = rc == 0;
	return rc;
}

void
copyback_stop(struct store *s)
{
	if (s->copier_runs) {
		pthread_mutex_lock(&s->copy_lock);
		s->copy_closing = true;
		pthread_mutex_unlock(&s->copy_lock);
		pthread_cond_broadcast(&s->copy_changed);
		pthread_join(s->copier, NULL);
		s->copier_runs = false;
	}
	pthread_cond_destroy(&s->copy_changed);
	pthread_mutex_destroy(&s->copy_lock);
}

/* ---- the writer ---- */

void
copyback_committed(struct store *s, int pages)
{
	/* Fewer than there were: the log began anew. */
	if (pages < s->wal_pages_looked)
		s->wal_pages_looked = s->wal_pages_copied = 0;
	if (pages < s->wal_pages_finished)
		s->wal_pages_finished = 0;
	s->wal_pages = pages;
}

static void
ask_copier(struct store *s)
{
	bool asked;

	pthread_mutex_lock(&s->copy_lock);
	if ((asked = s->copy_state == COPY_NONE))
		s->copy_state = COPY_WANTED;
	pthread_mutex_unlock(&s->copy_lock);
	if (asked)
		pthread_cond_broadcast(&s->copy_changed);
}

/* False: the copier is at it, and is not waited for. */
static bool
take_over(struct store *s, bool waits)
{
	bool taken;

	pthread_mutex_lock(&s->copy_lock);
	while (waits && s->copy_state != COPY_NONE)
		pthread_cond_wait(&s->copy_changed, &s->copy_lock);
	if ((taken = s->copy_state == COPY_NONE))
		s->copy_state = COPY_RUNS;
	pthread_mutex_unlock(&s->copy_lock);
	return taken;
}

/* The next unit finds a log of which all is copied, unless a reader needs it: then it is not tried
 * after each. */
static void
finish(struct store *s, bool waits)
{
	if (s->wal_pages - s->wal_pages_finished < s->log_limits.rest / 2 || !take_over(s, waits))
		return;
	s->wal_pages_finished = s->wal_pages;
	copy(s, &s->writer);
	end_turn(s);
}

void
copyback_look(struct store *s)
{
	const struct log_limits *l = &s->log_limits;
	int pages = s->wal_pages, new = pages - s->wal_pages_looked;
	bool is_long = pages >= l->is_long;

	if (pages >= l->most)
		finish(s, true);
	else if (is_long && pages - s->wal_pages_copied <= l->rest)
		finish(s, false);
	else if (new >= (is_long ? l->rest : l->new))
		ask_copier(s);
}
