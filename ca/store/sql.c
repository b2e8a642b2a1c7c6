#include "sql.h"

#include <string.h>

#include "mem.h"

static const struct {
	const char *name;
	enum sql_user user;
	const char *text;
} statements[SQL_COUNT] = {
#define SQL_TEXT(name, user, text) {#name, user, text},
    SQL_STATEMENTS(SQL_TEXT)
#undef SQL_TEXT
};

bool
sql_error(struct conn *c, const char *what, struct err *err)
{
	int rc = sqlite3_extended_errcode(c->db), primary = rc & 0xff;
	const char *os = NULL;

	/* SQLite's own text is "disk I/O error". For a full disk it keeps no errno: what stands
	 * there is of an earlier failure. */
	if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN)
		os = strerrordesc_np(sqlite3_system_errno(c->db));
	return err_set(err, DIRCA_E_DATABASE, "CA database %s: %s: %s%s%s (SQLite code %d)",
	    c->path, what, sqlite3_errmsg(c->db), os != NULL ? ": " : "", os != NULL ? os : "", rc);
}

static bool
prepare(struct conn *c, int i, struct err *err)
{
	return sqlite3_prepare_v3(c->db, statements[i].text, -1, SQLITE_PREPARE_PERSISTENT,
		   &c->statements[i], NULL) == SQLITE_OK ||
	       sql_error(c, statements[i].name, err);
}

bool
sql_prepare_all(struct conn *c, enum sql_user user, struct err *err)
{
	for (int i = 0; i < SQL_COUNT; i++)
		if ((statements[i].user & user) != 0 && !prepare(c, i, err))
			return false;
	return true;
}

bool
sql_prepare_seldom(struct conn *c, enum sql_id id, struct err *err)
{
	return c->statements[id] != NULL || prepare(c, (int)id, err);
}

void
sql_finalize_all(struct conn *c)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(c->statements[i]);
		c->statements[i] = NULL;
	}
}

static void
note_bound(struct conn *c, int rc)
{
	if (c->bind_rc == SQLITE_OK)
		c->bind_rc = rc;
}

void
sql_bind_int(struct conn *c, enum sql_id id, int at, int64_t v)
{
	note_bound(c, sqlite3_bind_int64(c->statements[id], at, v));
}

void
sql_bind_text(struct conn *c, enum sql_id id, int at, const char *text)
{
	sqlite3_stmt *st = c->statements[id];

	if (text == NULL)
		note_bound(c, sqlite3_bind_null(st, at));
	else
		note_bound(
		    c, sqlite3_bind_text64(st, at, text, strlen(text), SQLITE_STATIC, SQLITE_UTF8));
}

void
sql_bind_blob(struct conn *c, enum sql_id id, int at, struct view bytes)
{
	sqlite3_stmt *st = c->statements[id];

	if (bytes.len == 0)
		note_bound(c, sqlite3_bind_null(st, at));
	else
		note_bound(c, sqlite3_bind_blob64(st, at, bytes.ptr, bytes.len, SQLITE_STATIC));
}

enum sql_step
sql_step(struct conn *c, enum sql_id id, struct err *err)
{
	/* A value that could not be bound would be NULL: such a statement must not run. */
	if (c->bind_rc != SQLITE_OK) {
		err_set(err, DIRCA_E_DATABASE, "CA database %s: %s: a value cannot be bound: %s",
		    c->path, statements[id].name, sqlite3_errstr(c->bind_rc));
		return SQL_FAILED;
	}
	switch (sqlite3_step(c->statements[id])) {
	case SQLITE_ROW:
		return SQL_ROW;
	case SQLITE_DONE:
		return SQL_DONE;
	default:
		sql_error(c, statements[id].name, err);
		return SQL_FAILED;
	}
}

void
sql_end(struct conn *c, enum sql_id id)
{
	sqlite3_reset(c->statements[id]);
	sqlite3_clear_bindings(c->statements[id]);
	c->bind_rc = SQLITE_OK;
}

bool
sql_run(struct conn *c, enum sql_id id, struct err *err)
{
	enum sql_step step = sql_step(c, id, err);

	sql_end(c, id);
	if (step == SQL_ROW)
		return err_set(err, DIRCA_E_INTERNAL,
		    "CA database %s: %s gave a row and should not", c->path, statements[id].name);
	return step == SQL_DONE;
}

int64_t
sql_int(struct conn *c, enum sql_id id, int at)
{
	return sqlite3_column_int64(c->statements[id], at);
}

bool
sql_null(struct conn *c, enum sql_id id, int at)
{
	return sqlite3_column_type(c->statements[id], at) == SQLITE_NULL;
}

bool
sql_text_here(struct conn *c, enum sql_id id, int at, const char **out, struct err *err)
{
	sqlite3_stmt *st = c->statements[id];
	const unsigned char *text;
	size_t len;

	*out = NULL;
	if (sqlite3_column_type(st, at) == SQLITE_NULL)
		return true;
	if ((text = sqlite3_column_text(st, at)) == NULL)
		return err_nomem(err);
	len = (size_t)sqlite3_column_bytes(st, at);
	if (memchr(text, '\0', len) != NULL)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: %s: column %s holds a NUL character; the database was changed "
		    "by another program",
		    c->path, statements[id].name, sqlite3_column_name(st, at));
	*out = (const char *)text;
	return true;
}

bool
sql_text(struct conn *c, enum sql_id id, int at, char **out, struct err *err)
{
	const char *here;

	*out = NULL;
	if (!sql_text_here(c, id, at, &here, err))
		return false;
	*out = mem_text(here);
	return true;
}

bool
sql_blob(struct conn *c, enum sql_id id, int at, struct buf *out, struct err *err)
{
	sqlite3_stmt *st = c->statements[id];
	const void *bytes;

	*out = (struct buf){0};
	if (sqlite3_column_type(st, at) == SQLITE_NULL)
		return true;
	bytes = sqlite3_column_blob(st, at);
	if (bytes == NULL && sqlite3_errcode(c->db) == SQLITE_NOMEM)
		return err_nomem(err);
	return buf_dup(view_of(bytes, (size_t)sqlite3_column_bytes(st, at)), out, err);
}

bool
sql_octets(struct conn *c, enum sql_id id, int at, uint8_t *out, size_t len, struct err *err)
{
	OWNED(buf_free) struct buf octets = {0};

	if (!sql_blob(c, id, at, &octets, err))
		return false;
	if (octets.len != len)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database: a column has %zu octets instead of %zu", octets.len, len);
	memcpy(out, octets.ptr, len);
	return true;
}
