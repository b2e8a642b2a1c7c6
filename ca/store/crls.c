/*
 * CRLs, and the rows that go into the next one.
 */
#include <stdlib.h>

#include "store_priv.h"

#define CRL_MAX       ((size_t)128 * 1024 * 1024)
#define ROOM_AT_FIRST 64

bool
store_add_crl(struct store_tx *tx, int64_t number, int64_t this_update, int64_t next_update,
    struct view crl, struct err *err)
{
	struct conn *c = tx->conn;

	if (crl.len == 0 || crl.len > CRL_MAX)
		return err_set(err, crl.len == 0 ? E_INVALIDARG : DIRCA_E_TOO_LARGE,
		    "CRL %lld cannot be stored: it has %zu bytes", (long long)number, crl.len);
	sql_bind_int(c, SQL_ADD_CRL, 1, number);
	sql_bind_int(c, SQL_ADD_CRL, 2, this_update);
	sql_bind_int(c, SQL_ADD_CRL, 3, next_update);
	sql_bind_blob(c, SQL_ADD_CRL, 4, crl);
	if (!sql_run(c, SQL_ADD_CRL, err))
		return false;
	/* RFC 5280 5.2.3: numbers only grow. */
	return sqlite3_changes(c->db) == 1 ||
	       err_set(err, ERROR_FILE_EXISTS,
		   "CRL %lld cannot be stored: there is one with this number or a greater one; CRL "
		   "numbers only grow",
		   (long long)number);
}

bool
store_newest_crl(struct store *s, int64_t *number_out, int64_t *next_update_out,
    struct buf *crl_out, struct err *err)
{
	struct conn *c = reader_take(s, err);
	bool ok = false;

	*number_out = *next_update_out = 0;
	*crl_out = (struct buf){0};
	if (c == NULL)
		return false;
	switch (sql_step(c, SQL_NEWEST_CRL, err)) {
	case SQL_ROW:
		*number_out = sql_int(c, SQL_NEWEST_CRL, 0);
		*next_update_out = sql_int(c, SQL_NEWEST_CRL, 1);
		ok = sql_blob(c, SQL_NEWEST_CRL, 2, crl_out, err);
		break;
	case SQL_DONE:
		ok = true;
		break;
	case SQL_FAILED:
		break;
	}
	sql_end(c, SQL_NEWEST_CRL);
	reader_give(s, c);
	return ok;
}

bool
store_walk_crls(struct store *s, store_crl_each *each, void *arg, struct err *err)
{
	struct conn *c = reader_take(s, err);
	enum sql_step step = SQL_FAILED;
	bool ok = true;

	if (c == NULL)
		return false;
	while (ok && (step = sql_step(c, SQL_ALL_CRLS, err)) == SQL_ROW) {
		struct buf crl = {0};

		ok = sql_blob(c, SQL_ALL_CRLS, 2, &crl, err) &&
		     each(sql_int(c, SQL_ALL_CRLS, 0), sql_int(c, SQL_ALL_CRLS, 1), buf_view(&crl),
			 arg, err);
		buf_free(&crl);
	}
	sql_end(c, SQL_ALL_CRLS);
	reader_give(s, c);
	return ok && step == SQL_DONE;
}

static bool
add_revoked(
    struct conn *c, struct store_revoked **list, size_t *count, size_t *room, struct err *err)
{
	if (*count == *room) {
		size_t more = *room == 0 ? ROOM_AT_FIRST : *room * 2;
		struct store_revoked *p = reallocarray(*list, more, sizeof *p);

		if (p == NULL)
			return err_nomem(err);
		*list = p;
		*room = more;
	}
	if (!sql_text(c, SQL_REVOKED, 0, &(*list)[*count].serial, err))
		return false;
	(*list)[*count].when = sql_int(c, SQL_REVOKED, 1);
	(*list)[*count].reason = (int)sql_int(c, SQL_REVOKED, 2);
	(*count)++;
	return true;
}

bool
store_revoked(
    struct store *s, int64_t now, struct store_revoked **out, size_t *count_out, struct err *err)
{
	struct store_revoked *list = NULL;
	struct conn *c = reader_take(s, err);
	size_t count = 0, room = 0;
	enum sql_step step;
	bool ok = false;

	*out = NULL;
	*count_out = 0;
	if (c == NULL)
		return false;
	sql_bind_int(c, SQL_REVOKED, 1, now);
	while ((step = sql_step(c, SQL_REVOKED, err)) == SQL_ROW)
		if (!add_revoked(c, &list, &count, &room, err))
			goto out;
	ok = step == SQL_DONE;
out:
	sql_end(c, SQL_REVOKED);
	reader_give(s, c);
	if (!ok) {
		for (size_t i = 0; i < count; i++)
			free(list[i].serial);
		free(list);
		return false;
	}
	*out = list;
	*count_out = count;
	return true;
}
