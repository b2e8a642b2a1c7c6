/*
 * CRLs, and the rows that go into the next ones.
 */
#include <stdlib.h>

#include "store_priv.h"

#define CRL_MAX ((size_t)128 * 1024 * 1024)

static void
bind_list(struct conn *c, enum sql_id id, const struct store_crl_id *list)
{
	sql_bind_int(c, id, 1, list->key_index);
	sql_bind_int(c, id, 2, list->partition);
	sql_bind_int(c, id, 3, list->delta);
}

static bool
read_number(struct conn *c, enum sql_id id, int64_t *out, struct err *err)
{
	bool read = sql_step(c, id, err) == SQL_ROW;

	*out = read ? sql_int(c, id, 0) : 0;
	sql_end(c, id);
	return read;
}

struct store_crl_id
store_new_crl_id(const struct store_new_crl *crl)
{
	return (struct store_crl_id){.key_index = crl->name_id >> 16,
	    .partition = crl->partition,
	    .delta = crl->base_number > 0};
}

/* RFC 5280 5.2.3: numbers only grow. Asked first: an INSERT that selects from its own table would
 * hold several copies of the CRL in memory. */
static bool
check_number(struct conn *c, const struct store_new_crl *crl, struct err *err)
{
	const struct store_crl_id id = store_new_crl_id(crl);
	int64_t of_list, of_others, of_all;

	bind_list(c, SQL_LAST_NUMBER_OF_LIST, &id);
	if (!read_number(c, SQL_LAST_NUMBER_OF_LIST, &of_list, err))
		return false;
	sql_bind_int(c, SQL_LAST_NUMBER_OF_OTHERS, 1, id.key_index);
	return read_number(c, SQL_LAST_NUMBER_OF_OTHERS, &of_others, err) &&
	       read_number(c, SQL_LAST_CRL_NUMBER, &of_all, err) &&
	       ((crl->number > of_list && crl->number > of_others && crl->number >= of_all) ||
		   err_set(err, ERROR_FILE_EXISTS,
		       "CRL %lld cannot be stored: there is one with this number or a "
		       "greater one; CRL numbers only grow",
		       (long long)crl->number));
}

bool
store_add_crl(struct store_tx *tx, const struct store_new_crl *crl, struct err *err)
{
	struct conn *c = tx->conn;
	struct view der = crl->der;

	if (der.len == 0 || der.len > CRL_MAX)
		return err_set(err, der.len == 0 ? E_INVALIDARG : DIRCA_E_TOO_LARGE,
		    "CRL %lld cannot be stored: it has %zu bytes", (long long)crl->number, der.len);
	if (!check_number(c, crl, err))
		return false;
	sql_bind_int(c, SQL_ADD_CRL, 1, crl->name_id);
	sql_bind_int(c, SQL_ADD_CRL, 2, crl->partition);
	sql_bind_int(c, SQL_ADD_CRL, 3, crl->number);
	sql_bind_int(c, SQL_ADD_CRL, 4, crl->base_number);
	sql_bind_int(c, SQL_ADD_CRL, 5, crl->this_update);
	sql_bind_int(c, SQL_ADD_CRL, 6, crl->next_update);
	sql_bind_int(c, SQL_ADD_CRL, 7, crl->next_publish);
	sql_bind_int(c, SQL_ADD_CRL, 8, crl->changes);
	sql_bind_blob(c, SQL_ADD_CRL, 9, der);
	return sql_run(c, SQL_ADD_CRL, err);
}

bool
store_forget_changes(struct store_tx *tx, int64_t now, struct err *err)
{
	sql_bind_int(tx->conn, SQL_FORGET_CHANGES, 1, now);
	return sql_run(tx->conn, SQL_FORGET_CHANGES, err);
}

void
store_crl_free(struct store_crl *c)
{
	buf_free(&c->der);
}

static bool
read_crl(struct reading *r, struct store_crl *out, struct err *err)
{
	enum sql_step step;

	*out = (struct store_crl){0};
	if ((step = sql_step(r->conn, r->id, err)) == SQL_FAILED)
		return false;
	if (step == SQL_DONE)
		return true;
	out->name_id = (uint32_t)sql_int(r->conn, r->id, 0);
	out->number = sql_int(r->conn, r->id, 1);
	out->this_update = sql_int(r->conn, r->id, 2);
	out->next_update = sql_int(r->conn, r->id, 3);
	out->next_publish = sql_int(r->conn, r->id, 4);
	out->base_number = sql_int(r->conn, r->id, 5);
	out->changes = sql_int(r->conn, r->id, 6);
	out->size = (size_t)sql_int(r->conn, r->id, 7);
	return r->id != SQL_NEWEST_CRL || sql_blob(r->conn, r->id, 8, &out->der, err);
}

static bool
newest_crl(struct store *s, enum sql_id statement, const struct store_crl_id *id,
    struct store_crl *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, statement, err);

	if (r.conn == NULL)
		return false;
	bind_list(r.conn, r.id, id);
	return read_crl(&r, out, err);
}

bool
store_newest_crl_dates(
    struct store *s, const struct store_crl_id *id, struct store_crl *out, struct err *err)
{
	return newest_crl(s, SQL_NEWEST_CRL_DATES, id, out, err);
}

bool
store_newest_crl(
    struct store *s, const struct store_crl_id *id, struct store_crl *out, struct err *err)
{
	return newest_crl(s, SQL_NEWEST_CRL, id, out, err);
}

bool
store_delta_base(struct store *s, const struct store_crl_id *id, int64_t now, struct store_crl *out,
    struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_DELTA_BASE, err);
	struct store_crl_id base = *id;

	if (r.conn == NULL)
		return false;
	base.delta = false;
	bind_list(r.conn, r.id, &base);
	sql_bind_int(r.conn, r.id, 4, now);
	return read_crl(&r, out, err);
}

bool
store_last_crl_number(struct store *s, int64_t *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_LAST_CRL_NUMBER, err);

	return r.conn != NULL && read_number(r.conn, r.id, out, err);
}

bool
store_most_partitions(struct store *s, uint32_t key_index, int64_t *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_MOST_PARTITIONS, err);

	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, key_index);
	return read_number(r.conn, r.id, out, err);
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

/* ---- what goes into lists that are made together ---- */

struct store_snapshot {
	struct reading reading;
	int64_t changes;
};

int64_t
store_snapshot_changes(const struct store_snapshot *s)
{
	return s->changes;
}

void
store_snapshot_end(struct store_snapshot **sp)
{
	struct store_snapshot *s = *sp;
	struct err ignored;

	*sp = NULL;
	if (s == NULL)
		return;
	if (s->reading.conn != NULL && sqlite3_get_autocommit(s->reading.conn->db) == 0)
		sql_run(s->reading.conn, SQL_COMMIT, &ignored);
	reading_end(&s->reading);
	free(s);
}

/* The first statement that reads is where the picture is taken. */
bool
store_snapshot_begin(struct store *s, struct store_snapshot **out, struct err *err)
{
	OWNED(store_snapshot_end) struct store_snapshot *snapshot = mem_zero(1, sizeof *snapshot);

	*out = NULL;
	snapshot->reading = reading_begin(s, SQL_LAST_CHANGE, err);
	if (snapshot->reading.conn == NULL ||
	    !sql_run(snapshot->reading.conn, SQL_BEGIN_READ, err) ||
	    !read_number(snapshot->reading.conn, SQL_LAST_CHANGE, &snapshot->changes, err))
		return false;
	*out = own_give(&snapshot);
	return true;
}

static bool
give_revoked(struct conn *c, enum sql_id id, store_revoked_each *each, void *arg, struct err *err)
{
	const char *serial;

	if (!sql_text_here(c, id, 0, &serial, err))
		return false;
	const struct store_revoked row = {
	    .serial = serial, .when = sql_int(c, id, 1), .reason = (int)sql_int(c, id, 2)};

	return each(&row, arg, err);
}

static enum sql_id
statement_for(const struct store_crl_query *q)
{
	if (q->delta)
		return SQL_CHANGED;
	return q->partition > 0 ? SQL_REVOKED_PARTITION : SQL_REVOKED;
}

bool
store_walk_revoked(const struct store_snapshot *s, const struct store_crl_query *q,
    store_revoked_each *each, void *arg, struct err *err)
{
	struct conn *c = s->reading.conn;
	enum sql_id id = statement_for(q);
	enum sql_step step;

	sql_bind_int(c, id, 1, q->now);
	sql_bind_int(c, id, 2, q->issuer);
	sql_bind_int(c, id, 3, q->partition);
	if (q->delta)
		sql_bind_int(c, id, 4, q->since);
	while ((step = sql_step(c, id, err)) == SQL_ROW)
		if (!give_revoked(c, id, each, arg, err))
			break;
	sql_end(c, id);
	return step == SQL_DONE;
}
