/*
 * Inside of the store: the struct, its connections, and what the files of this room share.
 */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <openssl/evp.h>

#include "mem.h"
#include "own.h"
#include "sql.h"
#include "store.h"

#define READERS_MAX 16
/* Another program may be writing ("dirca init", a backup). Without a timeout on every connection
 * SQLite fails at once. */
#define BUSY_TIMEOUT_MS 10000
/* Units of work in one commit: more than some 32 to 128 made it no faster where it was measured. */
#define GROUP_MAX 128
/* Audit trail rows read in one snapshot: a walk of the whole trail must not keep the WAL from being
 * reused. */
#define AUDIT_BATCH 512

/* Certificates of agents that need not be written again: a CA has few. */
#define KEPT_KRAS 16

/* Of the audit trail in the transaction that is open: its last row, and whether the head is behind
 * it, which moves before the commit (audit_move_head). */
struct audit_end {
	struct trail_head head;
	bool is_known, is_behind;
};

/* A unit of work that waits; on its caller's stack, and gone once that is told by `done`. */
struct job {
	store_work *work;
	void *arg;
	struct err *err;
	struct job *next;
	sem_t done;
	bool ran, ok;
};

/* Who set COPY_RUNS copies, and nobody else; COPY_WANTED is the copier's. */
enum copy_state { COPY_NONE, COPY_WANTED, COPY_RUNS };

/* In pages of the log (copyback.c); tests have smaller ones. */
struct log_limits {
	atomic_int new, is_long, rest, most;
};

struct store {
	char *path;
	EVP_MD *sha256;
	_Atomic int64_t audit_filter;

	/* writer.c; the connection belongs to the writer thread while it runs */
	struct conn writer;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* the queue, closing, commits */
	pthread_cond_t queued;
	struct job *first, **last;
	bool closing;
	void (*wait_begins)(void), (*wait_ends)(void); /* or NULL */
	uint64_t commits;                              /* groups committed; for tests */
	struct audit_end audit;
	uint8_t kept_kras[KEPT_KRAS][20]; /* in the database already (kras.c) */
	size_t kept_kra_count;

	/* copyback.c */
	struct log_limits log_limits;
	atomic_int wal_pages; /* the writer's, as the next: in the log, and when it copied last */
	int wal_pages_finished;
	/* In the log when it was copied last, and how many of them were; tests make a copy due. */
	atomic_int wal_pages_looked, wal_pages_copied;
	atomic_bool checkpoint_fails;
	pthread_t copier;
	bool copier_runs;
	pthread_mutex_t copy_lock; /* the next two */
	pthread_cond_t copy_changed;
	enum copy_state copy_state;
	bool copy_closing;

	/* readers.c */
	pthread_mutex_t readers_lock;
	pthread_cond_t reader_idle;
	struct conn *idle[READERS_MAX];
	size_t idle_count, reader_count;
};

struct store_tx {
	struct store *store;
	struct conn *conn;
};

/* conn.c */
bool conn_open(const char *path, enum sql_user user, bool create, struct conn *c, struct err *err);
void conn_close(struct conn *c);
/* An empty file of mode 0600, unless there is one. */
bool create_private(const char *path, struct err *err);
/* `flags` are SQLITE_OPEN_*, `vfs` a name or NULL; *out is to be closed on failure too. No link is
 * followed. */
bool database_open(const char *path, int flags, const char *vfs, sqlite3 **out, struct err *err);

/* wal_file.c: SQLite's files, with fewer calls for what is written to the log. Once, before a
 * connection has it. */
#define WAL_FILE_VFS "dirca"
void wal_file_set_up(void);

/* migrate.c: brings the schema to this program's version; refuses a newer or a changed one, and,
 * but for `create`, none. */
bool migrate(struct conn *c, bool create, struct err *err);

/* names.c: the kinds of names that MatchName holds; what a row has of them; the function that
 * migration 23 fills it by. */
enum name_kind { NAME_UPN = 1, NAME_COMMON, NAME_REQUESTER, NAME_REQUESTER_DN };
bool names_keep(struct conn *c, int64_t request_id, const struct store_request *r, struct err *err);
bool names_function(struct conn *c, struct err *err);

/* readers.c: one statement in one reading function. Without a connection (NULL, with err) there is
 * nothing to read; reading_end ends the statement and gives the connection back:
 *
 *	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_SETTING, err);
 */
struct reading {
	struct store *store;
	struct conn *conn;
	enum sql_id id;
};
struct reading reading_begin(struct store *s, enum sql_id id, struct err *err);
void reading_end(struct reading *r);
void readers_close(struct store *s);

/* writer.c */
bool writer_start(struct store *s, struct err *err);
void writer_stop(struct store *s);
/* Queues them together, so that they are of one commit where they fit into one, and waits for all.
 * False: the store is being closed, and nothing was done. */
bool writer_run(struct store *s, struct job *jobs, size_t count);

/* copyback.c: before the writer starts; 0 or an errno; once it has stopped, and after
 * copyback_prepare alone too. */
void copyback_prepare(struct store *s);
int copyback_start(struct store *s);
void copyback_stop(struct store *s);
/* The writer's, when so many pages are in the log, and between its groups. */
void copyback_committed(struct store *s, int pages);
void copyback_look(struct store *s);

/* row.c: request rows */
bool row_check(const struct store_request *r, struct err *err);
/* Bind the columns of one list, from parameter `at`; return the next free parameter. */
int row_bind_request(struct conn *c, enum sql_id id, int at, const struct store_request *r);
int row_bind_revocation(struct conn *c, enum sql_id id, int at, const struct store_request *r);
int row_bind_certificate(struct conn *c, enum sql_id id, int at, const struct store_request *r);
int row_bind_big(struct conn *c, enum sql_id id, int at, const struct store_request *r);
/* Reads the current row; `whole` with the two blobs. `out` is empty on failure. */
bool row_read(
    struct conn *c, enum sql_id id, bool whole, struct store_request *out, struct err *err);
/* Steps to the end and collects rows; more than `most` is DIRCA_E_TOO_LARGE. */
bool row_collect(
    struct conn *c, enum sql_id id, size_t most, struct store_requests *out, struct err *err);
/* Serial numbers are kept as lower-case hex of whole bytes without leading zero bytes. free(). */
bool serial_canonical(const char *text, char **out, struct err *err);

/* requests.c: runs a statement that changes one request in the state that it wants; else
 * CERTSRV_E_BAD_REQUESTSTATUS or _NO_REQUEST says that it cannot be `tried`. */
bool change_request(
    struct conn *c, enum sql_id id, int64_t request_id, const char *tried, struct err *err);

/* sorted.c: store_list_requests in the order of a column. */
bool sorted_list(struct store *s, const struct store_filter *f, int limit,
    struct store_requests *out, struct err *err);

/* audit.c: steps to the head, which are the first two columns. */
bool audit_read_head(struct conn *c, enum sql_id id, struct trail_head *out, struct err *err);

/* Of what was written in the transaction. */
bool audit_move_head(struct store *s, struct err *err);

/* Text within `most` bytes and UTF-8; NULL passes. `what` names it in the sentence. */
bool text_check(const char *text, size_t most, const char *what, struct err *err);

#endif
