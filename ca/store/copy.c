/* A copy of the database while it is in use, and the file made small again while it is not. */
#include "store_priv.h"

/* Of a database, between two looks at who waits. */
#define PAGES_AT_ONCE 4096

/* One snapshot: who writes meanwhile writes into the log, which a reader does not see. Without it
 * each commit of another process would begin the copy anew. */
static bool
begin_snapshot(struct conn *from, struct err *err)
{
	return sqlite3_exec(from->db, "BEGIN; SELECT count(*) FROM sqlite_schema;", NULL, NULL,
		   NULL) == SQLITE_OK ||
	       sql_error(from, "cannot be read", err);
}

static bool
copy_pages(struct conn *from, struct conn *to, store_copied *copied, void *arg, struct err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
	int rc = SQLITE_OK;

	if (backup == NULL)
		return sql_error(to, "cannot be written", err);
	while (rc == SQLITE_OK) {
		rc = sqlite3_backup_step(backup, PAGES_AT_ONCE);
		copied(arg, sqlite3_backup_pagecount(backup) - sqlite3_backup_remaining(backup),
		    sqlite3_backup_pagecount(backup));
	}
	sqlite3_backup_finish(backup);
	return rc == SQLITE_DONE || sql_error(to, "cannot be written", err);
}

bool
store_copy(const char *path, const char *copy, store_copied *copied, void *arg, struct err *err)
{
	OWNED(own_database) sqlite3 *source = NULL;
	OWNED(own_database) sqlite3 *target = NULL;

	if (!create_private(copy, err) ||
	    !database_open(path, SQLITE_OPEN_READONLY, NULL, &source, err) ||
	    !database_open(copy, SQLITE_OPEN_READWRITE, NULL, &target, err))
		return false;
	struct conn from = {.path = path, .db = source}, to = {.path = copy, .db = target};

	return begin_snapshot(&from, err) && copy_pages(&from, &to, copied, arg, err);
}

bool
store_vacuum(const char *path, struct err *err)
{
	OWNED(own_database) sqlite3 *db = NULL;

	if (!database_open(path, SQLITE_OPEN_READWRITE, NULL, &db, err))
		return false;
	struct conn c = {.path = path, .db = db};

	return sqlite3_exec(db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);", NULL, NULL, NULL) ==
		   SQLITE_OK ||
	       sql_error(&c, "cannot be made small", err);
}
