/*
 * How a commit reaches the write-ahead log. SQLite writes each page of it by two calls, some
 * seventy for an enrollment, and then waits for the disk. Here, writes that follow upon one another
 * are gathered, and written by one call before anything could tell the difference: before the log
 * is synced, read, measured or cut, before something is written to another place of it, and before
 * the lock of those who write is given up. For connections with synchronous = FULL, which sync a
 * commit before readers see it.
 *
 * Of a write that fails when it is due, SQLite believes that it succeeded. So nothing succeeds any
 * more that lies behind its place, and no sync, until the transaction is over: it cannot be
 * committed.
 *
 * A layer over SQLite's own files, whose methods do all the rest; what it keeps of each lies behind
 * SQLite's part.
 */
#include <string.h>

#include "store_priv.h"

/* SQLite's writing on Unix takes 17 bits of a length, and no more. */
#define GATHER_MOST 0x1ffff
/* The first of the locks in the log's shared memory (SQLite's WAL_WRITE_LOCK). */
#define WRITE_LOCK 0

struct layer {
	sqlite3_io_methods methods; /* those below, but for ours */
	const sqlite3_io_methods *below;
	sqlite3_file *other; /* of the database its log, and the other way round */
	char *bytes;
	sqlite3_int64 at; /* their place, or that of those that were lost */
	int len;
	int failed; /* SQLITE_OK, or why they were lost */
};

static sqlite3_vfs vfs;
static sqlite3_vfs *system_vfs;

static struct layer *
layer_of(sqlite3_file *f)
{
	return (struct layer *)(void *)((char *)f + (vfs.szOsFile - (int)sizeof(struct layer)));
}

static int
put(sqlite3_file *f)
{
	struct layer *l = layer_of(f);
	int len = l->len;

	l->len = 0;
	if (len > 0 && l->failed == SQLITE_OK)
		l->failed = l->below->xWrite(f, l->bytes, len, l->at);
	return l->failed;
}

static int
log_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
	struct layer *l = layer_of(f);
	bool follows = l->len > 0 && at == l->at + l->len && len <= GATHER_MOST - l->len;

	if (!follows && put(f) != SQLITE_OK)
		return l->failed;
	if (len > GATHER_MOST)
		return l->below->xWrite(f, bytes, len, at);
	if (!follows)
		l->at = at;
	memcpy(l->bytes + l->len, bytes, (size_t)len);
	l->len += len;
	return SQLITE_OK;
}

static int
log_read(sqlite3_file *f, void *bytes, int len, sqlite3_int64 at)
{
	struct layer *l = layer_of(f);

	/* What was committed lies before, and a rollback reads it. */
	return put(f) != SQLITE_OK && at + len > l->at ? l->failed
						       : l->below->xRead(f, bytes, len, at);
}

static int
log_sync(sqlite3_file *f, int flags)
{
	int rc = put(f);

	return rc == SQLITE_OK ? layer_of(f)->below->xSync(f, flags) : rc;
}

static int
log_truncate(sqlite3_file *f, sqlite3_int64 len)
{
	int rc = put(f);

	return rc == SQLITE_OK ? layer_of(f)->below->xTruncate(f, len) : rc;
}

static int
log_size(sqlite3_file *f, sqlite3_int64 *out)
{
	int rc = put(f);

	return rc == SQLITE_OK ? layer_of(f)->below->xFileSize(f, out) : rc;
}

static int
log_close(sqlite3_file *f)
{
	struct layer *l = layer_of(f);
	int rc = put(f), closed = l->below->xClose(f);

	layer_of(l->other)->other = NULL;
	sqlite3_free(l->bytes);
	return rc == SQLITE_OK ? closed : rc;
}

/* Whatever the transaction wrote and did not sync was rolled back. Another process may write there
 * next. */
static int
database_lock(sqlite3_file *f, int first, int count, int flags)
{
	struct layer *l = layer_of(f);

	if (l->other != NULL && first == WRITE_LOCK && (flags & SQLITE_SHM_UNLOCK) != 0) {
		put(l->other);
		layer_of(l->other)->failed = SQLITE_OK;
	}
	return l->below->xShmLock(f, first, count, flags);
}

static int
lay_over_log(const char *name, sqlite3_file *f)
{
	struct layer *l = layer_of(f);

	if ((l->bytes = sqlite3_malloc(GATHER_MOST)) == NULL) {
		l->below->xClose(f);
		f->pMethods = NULL;
		return SQLITE_NOMEM;
	}
	l->methods.xWrite = log_write;
	l->methods.xRead = log_read;
	l->methods.xSync = log_sync;
	l->methods.xTruncate = log_truncate;
	l->methods.xFileSize = log_size;
	l->methods.xClose = log_close;
	l->other = sqlite3_database_file_object(name);
	layer_of(l->other)->other = f;
	f->pMethods = &l->methods;
	return SQLITE_OK;
}

static int
open_file(sqlite3_vfs *unused, const char *name, sqlite3_file *f, int flags, int *flags_out)
{
	struct layer *l = layer_of(f);
	int rc = system_vfs->xOpen(system_vfs, name, f, flags, flags_out);

	(void)unused;
	if (rc != SQLITE_OK || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
		return rc;
	*l = (struct layer){.methods = *f->pMethods, .below = f->pMethods};
	if ((flags & SQLITE_OPEN_WAL) != 0)
		return lay_over_log(name, f);
	l->methods.xShmLock = database_lock;
	f->pMethods = &l->methods;
	return SQLITE_OK;
}

void
wal_file_set_up(void)
{
	system_vfs = sqlite3_vfs_find(NULL);
	if (system_vfs == NULL)
		return;
	vfs = *system_vfs;
	vfs.zName = WAL_FILE_VFS;
	vfs.szOsFile = (system_vfs->szOsFile + 15) / 16 * 16 + (int)sizeof(struct layer);
	vfs.xOpen = open_file;
	/* Without it, a connection by that name is refused. */
	sqlite3_vfs_register(&vfs, 0);
}
