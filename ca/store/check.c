/* Whether the database holds what it should, by all that it says of itself. */
#include <stdlib.h>

#include "store_priv.h"
#include "text.h"

/* Each row of the statement is a finding: one text. */
static bool
find_by(struct store *s, enum sql_id id, const char *what, struct texts *findings, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, id, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, id, err)) == SQL_ROW) {
		OWNED(own_memory) char *text = NULL;

		if (!sql_text(r.conn, id, 0, &text, err))
			return false;
		texts_take(findings, text_printf("%s: %s", what, text));
	}
	return step == SQL_DONE;
}

/* By a connection that could write: SQLite passes over CHECK on one that could not. */
static bool
check_pages(const char *path, struct texts *findings, struct err *err)
{
	OWNED(own_database) sqlite3 *db = NULL;
	OWNED(own_statement) sqlite3_stmt *st = NULL;
	int rc;

	if (!database_open(path, SQLITE_OPEN_READWRITE, NULL, &db, err))
		return false;
	struct conn c = {.path = path, .db = db};

	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(20)", -1, &st, NULL) != SQLITE_OK)
		return sql_error(&c, "cannot be checked", err);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 0);

		if (text != NULL && strcmp(text, "ok") != 0)
			texts_take(findings, text_printf("pages: %s", text));
	}
	return rc == SQLITE_DONE || sql_error(&c, "cannot be checked", err);
}

/* A trail that does not fit is a finding, one that cannot be read a failure; the store has one code
 * for both, but reads it a row at a time: what fails to be read fails in the other checks too. */
static void
check_trail(struct store *s, struct texts *findings)
{
	struct err err;
	int64_t rows;

	if (!store_audit_walk(s, 0, NULL, NULL, &rows, &err))
		texts_take(findings, text_printf("audit trail: %s", err.msg));
}

bool
store_check(struct store *s, struct texts *findings, struct err *err)
{
	static const struct {
		enum sql_id id;
		const char *what;
	} checks[] = {
	    {SQL_CHECK_REFERENCES, "references"},
	    {SQL_CHECK_KEYS, "archived keys"},
	    {SQL_CHECK_COUNTS, "counts"},
	    {SQL_CHECK_KRA_SETS, "counts"},
	};

	if (!check_pages(s->path, findings, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(checks); i++)
		if (!find_by(s, checks[i].id, checks[i].what, findings, err))
			return false;
	check_trail(s, findings);
	return true;
}

bool
store_size(struct store *s, struct store_size *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_SIZE, err);

	*out = (struct store_size){0};
	if (r.conn == NULL || sql_step(r.conn, r.id, err) != SQL_ROW)
		return false;
	int64_t *const columns[] = {&out->version, &out->page_bytes, &out->pages, &out->free_pages,
	    &out->requests, &out->archived_keys, &out->audit_rows, &out->crls, &out->crl_bytes};

	for (size_t i = 0; i < COUNT_OF(columns); i++)
		*columns[i] = sql_int(r.conn, r.id, (int)i);
	return true;
}
