/*
 * A connection: opened, its pragmas set and checked, its statements prepared.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store_priv.h"

/* Over the biggest column that the store accepts (a CRL), under what a hostile file could make us
 * allocate. */
#define VALUE_MAX (160 * 1024 * 1024)

/* The WAL is copied back beside the commits and not inside of one (copyback.c), of which the file
 * keeps 8,000 pages. temp_store: savepoints keep their journal in memory. */
static const char writer_pragmas[] = "PRAGMA synchronous = FULL;"
				     "PRAGMA foreign_keys = ON;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cell_size_check = ON;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA wal_autocheckpoint = 0;"
				     "PRAGMA journal_size_limit = 33554432;"
				     "PRAGMA cache_size = -8192;";
static const char reader_pragmas[] = "PRAGMA query_only = ON;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cell_size_check = ON;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA cache_size = -4096;";
/* What is copied is on disk before the log is written over. The log is opened by what is read
 * first. */
static const char copier_pragmas[] = "PRAGMA synchronous = FULL;"
				     "PRAGMA wal_autocheckpoint = 0;"
				     "PRAGMA user_version;";

/* The file is made by us, so that nobody but the CA's user may read it: SQLite gives -wal and -shm
 * the same mode. */
bool
create_private(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1)
		return errno == EEXIST ||
		       err_errno(err, DIRCA_E_DATABASE, "CA database %s: cannot be created", path);
	close(fd);
	return true;
}

bool
database_open(const char *path, int flags, const char *vfs, sqlite3 **out, struct err *err)
{
	struct conn c = {.path = path};

	if (sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, vfs) ==
	    SQLITE_OK)
		return true;
	if (*out == NULL)
		return err_nomem(err);
	c.db = *out;
	return sql_error(&c, "cannot be opened", err);
}

static bool
set_wal(struct conn *c, struct err *err)
{
	OWNED(own_statement) sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		return sql_error(c, "cannot be switched to WAL", err);
	return strcmp((const char *)sqlite3_column_text(st, 0), "wal") == 0 ||
	       err_set(err, DIRCA_E_DATABASE,
		   "CA database %s: its file system cannot hold a write-ahead log; use a local one",
		   c->path);
}

static bool
conn_set_up(struct conn *c, enum sql_user user, bool create, struct err *err)
{
	bool writer = user == SQL_WRITER, copier = user == SQL_COPIER;
	const char *pragmas = writer ? writer_pragmas : copier ? copier_pragmas : reader_pragmas;

	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	if (sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS) != SQLITE_OK ||
	    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
		return sql_error(c, "cannot be set up", err);
	if (writer && !set_wal(c, err))
		return false;
	if (sqlite3_exec(c->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return sql_error(c, "cannot be set up", err);
	return copier || ((writer ? migrate(c, create, err) : names_function(c, err)) &&
			     sql_prepare_all(c, user, err));
}

bool
conn_open(const char *path, enum sql_user user, bool create, struct conn *c, struct err *err)
{
	bool writer = user == SQL_WRITER;
	int flags = user == SQL_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;

	*c = (struct conn){.path = path};
	if (create && !create_private(path, err))
		return false;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: there is none. `dirca ca init` makes it for a new CA; one "
		    "that was lost comes back from a backup (dirca-restore(1))",
		    path);
	if (database_open(path, flags, writer ? WAL_FILE_VFS : NULL, &c->db, err) &&
	    conn_set_up(c, user, create, err))
		return true;
	conn_close(c);
	return false;
}

void
conn_close(struct conn *c)
{
	sql_finalize_all(c);
	sqlite3_close(c->db);
	c->db = NULL;
}
