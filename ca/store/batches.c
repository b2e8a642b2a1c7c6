/* Batches of archived keys that were given out. */
#include "store_batches.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_priv.h"

void
store_batch_free(struct store_batch *b)
{
	free(b->to);
	free(b->given_by);
	free(b->with);
	free(b->approved_by);
	*b = (struct store_batch){0};
}

void
store_batches_free(struct store_batches *bs)
{
	for (size_t i = 0; i < bs->count; i++)
		store_batch_free(&bs->list[i]);
	free(bs->list);
	*bs = (struct store_batches){0};
}

static bool
add_keys(struct conn *c, const struct store_batch *b, struct err *err)
{
	for (int64_t i = 0; b->requests != NULL && i < b->keys; i++) {
		sql_bind_blob(c, SQL_ADD_BATCH_KEY, 1, view_of(b->id, sizeof b->id));
		sql_bind_int(c, SQL_ADD_BATCH_KEY, 2, b->requests[i]);
		if (!sql_run(c, SQL_ADD_BATCH_KEY, err))
			return false;
	}
	return true;
}

bool
store_add_batch(struct store_tx *tx, const struct store_batch *b, struct err *err)
{
	struct conn *c = tx->conn;

	sql_bind_blob(c, SQL_ADD_BATCH, 1, view_of(b->id, sizeof b->id));
	sql_bind_blob(c, SQL_ADD_BATCH, 2, view_of(b->from, sizeof b->from));
	sql_bind_int(c, SQL_ADD_BATCH, 3, b->given_when);
	sql_bind_int(c, SQL_ADD_BATCH, 4, b->keys);
	sql_bind_text(c, SQL_ADD_BATCH, 5, b->to);
	sql_bind_text(c, SQL_ADD_BATCH, 6, b->given_by);
	sql_bind_text(c, SQL_ADD_BATCH, 7, b->with);
	return sql_run(c, SQL_ADD_BATCH, err) && add_keys(c, b, err);
}

bool
store_approve_batch(struct store_tx *tx, struct view id, const char *by, int64_t now,
    bool *done_out, struct err *err)
{
	struct conn *c = tx->conn;

	sql_bind_blob(c, SQL_APPROVE_BATCH, 1, id);
	sql_bind_text(c, SQL_APPROVE_BATCH, 2, by);
	sql_bind_int(c, SQL_APPROVE_BATCH, 3, now);
	if (!sql_run(c, SQL_APPROVE_BATCH, err))
		return false;
	*done_out = sqlite3_changes(c->db) == 1;
	return true;
}

static bool
read_batch(const struct reading *r, struct store_batch *out, struct err *err)
{
	if (!sql_octets(r->conn, r->id, 0, out->id, sizeof out->id, err) ||
	    !sql_octets(r->conn, r->id, 1, out->from, sizeof out->from, err) ||
	    !sql_text(r->conn, r->id, 4, &out->to, err) ||
	    !sql_text(r->conn, r->id, 5, &out->given_by, err) ||
	    !sql_text(r->conn, r->id, 6, &out->approved_by, err) ||
	    !sql_text(r->conn, r->id, 8, &out->with, err))
		return false;
	out->given_when = sql_int(r->conn, r->id, 2);
	out->keys = sql_int(r->conn, r->id, 3);
	out->approved_when = sql_int(r->conn, r->id, 7);
	return true;
}

enum store_find
store_get_batch(struct store *s, struct view id, struct store_batch *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_BATCH, err);
	enum sql_step step;

	*out = (struct store_batch){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_blob(r.conn, r.id, 1, id);
	if ((step = sql_step(r.conn, r.id, err)) == SQL_DONE)
		return STORE_NOT_FOUND;
	if (step == SQL_ROW && read_batch(&r, out, err))
		return STORE_FOUND;
	store_batch_free(out);
	return STORE_FAILED;
}

bool
store_list_batches(struct store *s, const struct store_batch *after, int limit,
    struct store_batches *out, struct err *err)
{
	OWNED(store_batches_free) struct store_batches list = {0};
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_BATCHES, err);
	enum sql_step step;

	*out = (struct store_batches){0};
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, after != NULL ? after->given_when : INT64_MAX);
	sql_bind_blob(r.conn, r.id, 2,
	    after != NULL ? view_of(after->id, sizeof after->id) : (struct view){0});
	sql_bind_int(r.conn, r.id, 3, limit);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		list.list = mem_grow_long(list.list, list.count, sizeof *list.list);
		list.list[list.count] = (struct store_batch){0};
		if (!read_batch(&r, &list.list[list.count++], err))
			return false;
	}
	if (step != SQL_DONE)
		return false;
	*out = list;
	list = (struct store_batches){0};
	return true;
}
