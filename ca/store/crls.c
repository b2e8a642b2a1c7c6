/*
 * CRLs, and the rows that go into the next one.
 */
#include <stdlib.h>

#include "store_priv.h"

#define CRL_MAX ((size_t)128 * 1024 * 1024)

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

void
store_crl_free(struct store_crl *c)
{
	buf_free(&c->der);
}

bool
store_newest_crl(struct store *s, struct store_crl *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_NEWEST_CRL, err);
	enum sql_step step;

	*out = (struct store_crl){0};
	if (r.conn == NULL || (step = sql_step(r.conn, r.id, err)) == SQL_FAILED)
		return false;
	if (step == SQL_DONE)
		return true;
	out->number = sql_int(r.conn, r.id, 0);
	out->this_update = sql_int(r.conn, r.id, 1);
	out->next_update = sql_int(r.conn, r.id, 2);
	return sql_blob(r.conn, r.id, 3, &out->der, err);
}

bool
store_walk_crls(struct store *s, store_crl_each *each, void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_ALL_CRLS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		OWNED(buf_free) struct buf crl = {0};

		if (!sql_blob(r.conn, r.id, 2, &crl, err) ||
		    !each(sql_int(r.conn, r.id, 0), sql_int(r.conn, r.id, 1), buf_view(&crl), arg,
			err))
			return false;
	}
	return step == SQL_DONE;
}

struct revoked {
	struct store_revoked *list;
	size_t count;
};

static void
revoked_free(struct revoked *rs)
{
	for (size_t i = 0; i < rs->count; i++)
		free(rs->list[i].serial);
	free(rs->list);
}

static bool
add_revoked(struct conn *c, struct revoked *rs, struct err *err)
{
	struct store_revoked *row;

	rs->list = mem_grow_long(rs->list, rs->count, sizeof *rs->list);
	row = &rs->list[rs->count];
	if (!sql_text(c, SQL_REVOKED, 0, &row->serial, err))
		return false;
	row->when = sql_int(c, SQL_REVOKED, 1);
	row->reason = (int)sql_int(c, SQL_REVOKED, 2);
	rs->count++;
	return true;
}

bool
store_revoked(
    struct store *s, int64_t now, struct store_revoked **out, size_t *count_out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_REVOKED, err);
	OWNED(revoked_free) struct revoked rs = {0};
	enum sql_step step;

	*out = NULL;
	*count_out = 0;
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, now);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW)
		if (!add_revoked(r.conn, &rs, err))
			return false;
	if (step != SQL_DONE)
		return false;
	*count_out = rs.count;
	*out = rs.list;
	rs = (struct revoked){0};
	return true;
}
