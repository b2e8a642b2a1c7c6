/*
 * Whose a public key is, and what became of a request that comes again. Each question is asked
 * twice: by a reader before anything is done, and by the writer in the unit of work that adds the
 * row.
 */
#include "store_priv.h"

_Static_assert((int32_t)DIRCA_E_DENIED == -1596194799, "SQL_STANDS");

/* Runs a statement whose parameters are bound and that gives at most one number. */
static enum store_find
find_id(struct conn *c, enum sql_id id, int64_t *request_id_out, struct err *err)
{
	enum sql_step step = sql_step(c, id, err);

	if (step == SQL_ROW)
		*request_id_out = sql_int(c, id, 0);
	sql_end(c, id);
	return step == SQL_ROW ? STORE_FOUND : step == SQL_DONE ? STORE_NOT_FOUND : STORE_FAILED;
}

static enum store_find
other_holder(
    struct conn *c, const struct store_key_claim *claim, int64_t *request_id_out, struct err *err)
{
	*request_id_out = 0;
	sql_bind_blob(c, SQL_OTHER_HOLDER, 1, claim->public_key_hash);
	sql_bind_int(c, SQL_OTHER_HOLDER, 2, claim->archived_only ? 1 : 0);
	sql_bind_text(c, SQL_OTHER_HOLDER, 3, claim->holder.sid);
	sql_bind_text(c, SQL_OTHER_HOLDER, 4, claim->holder.name);
	return find_id(c, SQL_OTHER_HOLDER, request_id_out, err);
}

static bool
precedent(
    struct conn *c, const struct store_newcomer *n, struct store_precedent *out, struct err *err)
{
	bool ok;

	sql_bind_blob(c, SQL_PRECEDENT, 1, n->public_key_hash);
	sql_bind_int(c, SQL_PRECEDENT, 2, 0);
	sql_bind_text(c, SQL_PRECEDENT, 3, n->caller.sid);
	sql_bind_text(c, SQL_PRECEDENT, 4, n->caller.name);
	sql_bind_blob(c, SQL_PRECEDENT, 5, n->request_hash);
	sql_bind_int(c, SQL_PRECEDENT, 6, n->now);
	sql_bind_int(c, SQL_PRECEDENT, 7, n->renews);
	if ((ok = sql_step(c, SQL_PRECEDENT, err) == SQL_ROW)) {
		out->repeat_of = sql_int(c, SQL_PRECEDENT, 0);
		out->key_is_held = sql_int(c, SQL_PRECEDENT, 1) != 0;
	}
	sql_end(c, SQL_PRECEDENT);
	return ok;
}

enum store_find
store_find_other_holder(
    struct store *s, const struct store_key_claim *c, int64_t *request_id_out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_OTHER_HOLDER, err);

	return r.conn != NULL ? other_holder(r.conn, c, request_id_out, err) : STORE_FAILED;
}

bool
store_find_precedent(
    struct store *s, const struct store_newcomer *n, struct store_precedent *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_PRECEDENT, err);

	*out = (struct store_precedent){0};
	return r.conn != NULL && precedent(r.conn, n, out, err);
}

enum store_find
store_other_holder(
    struct store_tx *tx, const struct store_key_claim *c, int64_t *request_id_out, struct err *err)
{
	return other_holder(tx->conn, c, request_id_out, err);
}

bool
store_precedent(struct store_tx *tx, const struct store_newcomer *n, struct store_precedent *out,
    struct err *err)
{
	*out = (struct store_precedent){0};
	return precedent(tx->conn, n, out, err);
}

bool
store_list_unhashed(
    struct store *s, int64_t after_id, size_t limit, struct store_requests *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_UNHASHED, err);

	*out = (struct store_requests){0};
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, after_id);
	sql_bind_int(r.conn, r.id, 2, (int64_t)limit);
	return row_collect(r.conn, r.id, limit, out, err);
}

bool
store_set_public_key_hash(
    struct store_tx *tx, int64_t request_id, struct view hash, struct err *err)
{
	sql_bind_blob(tx->conn, SQL_SET_PUBLIC_KEY_HASH, 1, hash);
	sql_bind_int(tx->conn, SQL_SET_PUBLIC_KEY_HASH, 2, request_id);
	return sql_run(tx->conn, SQL_SET_PUBLIC_KEY_HASH, err);
}
