/*
 * Archived keys as they were before agents sealed them to others. They stay: whether what came back
 * is the same key only who opens it can tell.
 */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_priv.h"

bool
store_rewrap_key(struct store_tx *tx, const struct store_rewrap *w, const struct store_request *r,
    bool *done_out, struct err *err)
{
	struct conn *c = tx->conn;

	sql_bind_int(c, SQL_KEEP_FORMER_KEY, 1, w->request_id);
	sql_bind_blob(c, SQL_KEEP_FORMER_KEY, 2, w->batch);
	sql_bind_blob(c, SQL_KEEP_FORMER_KEY, 3, w->new_hash);
	sql_bind_int(c, SQL_KEEP_FORMER_KEY, 4, w->now);
	sql_bind_blob(c, SQL_KEEP_FORMER_KEY, 5, w->was);
	if (!sql_run(c, SQL_KEEP_FORMER_KEY, err))
		return false;
	*done_out = sqlite3_changes(c->db) == 1;
	return !*done_out || store_replace_key(tx, w->request_id, r, err);
}

static bool
find_former(struct conn *c, int64_t request_id, struct view batch, struct view is,
    struct store_request *out, bool *found_out, struct err *err)
{
	enum sql_step step;
	bool ok = true;

	sql_bind_int(c, SQL_FORMER_KEY, 1, request_id);
	sql_bind_blob(c, SQL_FORMER_KEY, 2, batch);
	sql_bind_blob(c, SQL_FORMER_KEY, 3, is);
	if ((step = sql_step(c, SQL_FORMER_KEY, err)) == SQL_ROW)
		ok = sql_blob(c, SQL_FORMER_KEY, 0, &out->raw_archived_key, err) &&
		     sql_text(c, SQL_FORMER_KEY, 1, &out->key_recovery_hashes, err);
	sql_end(c, SQL_FORMER_KEY);
	*found_out = step == SQL_ROW;
	return ok && step != SQL_FAILED;
}

bool
store_revert_key(struct store_tx *tx, int64_t request_id, struct view batch, struct view is,
    bool *done_out, char **hashes_out, struct err *err)
{
	OWNED(store_request_free) struct store_request was = {.revoked_reason = -1};
	struct conn *c = tx->conn;

	*hashes_out = NULL;
	if (!find_former(c, request_id, batch, is, &was, done_out, err))
		return false;
	if (!*done_out)
		return true;
	sql_bind_int(c, SQL_DROP_FORMER_KEY, 1, request_id);
	sql_bind_blob(c, SQL_DROP_FORMER_KEY, 2, batch);
	if (!store_replace_key(tx, request_id, &was, err) || !sql_run(c, SQL_DROP_FORMER_KEY, err))
		return false;
	*hashes_out = own_give(&was.key_recovery_hashes);
	return true;
}

void
store_former_keys_free(struct store_former_keys *k)
{
	free(k->list);
	*k = (struct store_former_keys){0};
}

static bool
take_former(const struct reading *r, struct store_former_keys *out, struct err *err)
{
	OWNED(buf_free) struct buf hash = {0};
	struct store_former_key *k;

	if (!sql_blob(r->conn, r->id, 1, &hash, err))
		return false;
	if (hash.len != sizeof k->new_hash)
		return err_set(err, DIRCA_E_DATABASE, "CA database: a hash has 32 octets");
	out->list = mem_grow_long(out->list, out->count, sizeof *out->list);
	k = &out->list[out->count++];
	k->request_id = sql_int(r->conn, r->id, 0);
	memcpy(k->new_hash, hash.ptr, sizeof k->new_hash);
	return true;
}

bool
store_list_former_keys(struct store *s, struct view batch, int64_t after_id, size_t limit,
    struct store_former_keys *out, struct err *err)
{
	OWNED(store_former_keys_free) struct store_former_keys list = {0};
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_FORMER_KEYS, err);
	enum sql_step step;

	*out = (struct store_former_keys){0};
	if (r.conn == NULL)
		return false;
	sql_bind_blob(r.conn, r.id, 1, batch);
	sql_bind_int(r.conn, r.id, 2, after_id);
	sql_bind_int(r.conn, r.id, 3, (int64_t)limit);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW)
		if (!take_former(&r, &list, err))
			return false;
	if (step != SQL_DONE)
		return false;
	*out = list;
	list = (struct store_former_keys){0};
	return true;
}
