/*
 * The audit trail: rows, each with its hash (trail.h). The one row of AuditHead, moved in the same
 * transaction, says how many rows there are and which hash the last one has: changed, missing and
 * cut-off rows are found. Who can rewrite rows, hashes and head alike is found only by comparing
 * the head with a copy kept elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "store_priv.h"

#define ACTOR_MAX  2048
#define OBJECT_MAX 8192
#define DETAIL_MAX 32768

/* A hash column that must be there with its 32 bytes. */
static bool
read_hash(struct conn *c, enum sql_id id, int at, uint8_t out[TRAIL_HASH_LEN], struct err *err)
{
	OWNED(buf_free) struct buf b = {0};

	if (!sql_blob(c, id, at, &b, err))
		return false;
	if (b.len != TRAIL_HASH_LEN)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: an audit hash has %zu bytes and not %d", c->path, b.len,
		    TRAIL_HASH_LEN);
	memcpy(out, b.ptr, TRAIL_HASH_LEN);
	return true;
}

bool
audit_read_head(struct conn *c, enum sql_id id, struct trail_head *out, struct err *err)
{
	switch (sql_step(c, id, err)) {
	case SQL_ROW:
		out->count = sql_int(c, id, 0);
		return read_hash(c, id, 1, out->hash, err);
	case SQL_DONE:
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: the audit trail has lost its head", c->path);
	case SQL_FAILED:
		break;
	}
	return false;
}

static bool
take_head(struct conn *c, struct trail_head *out, struct err *err)
{
	bool ok = audit_read_head(c, SQL_AUDIT_HEAD, out, err);

	sql_end(c, SQL_AUDIT_HEAD);
	return ok;
}

/* Read once in a transaction. */
static bool
know_head(struct store *s, struct err *err)
{
	if (!s->audit.is_known)
		s->audit.is_known = take_head(&s->writer, &s->audit.head, err);
	return s->audit.is_known;
}

static bool
write_row(struct conn *c, const struct audit_record *a, const uint8_t hash[TRAIL_HASH_LEN],
    struct err *err)
{
	sql_bind_int(c, SQL_ADD_AUDIT, 1, a->row_id);
	sql_bind_int(c, SQL_ADD_AUDIT, 2, a->when);
	sql_bind_int(c, SQL_ADD_AUDIT, 3, a->event);
	sql_bind_int(c, SQL_ADD_AUDIT, 4, a->success);
	sql_bind_int(c, SQL_ADD_AUDIT, 5, a->status);
	sql_bind_text(c, SQL_ADD_AUDIT, 6, a->actor);
	if (a->request_id != 0)
		sql_bind_int(c, SQL_ADD_AUDIT, 7, a->request_id);
	sql_bind_text(c, SQL_ADD_AUDIT, 8, a->object);
	sql_bind_text(c, SQL_ADD_AUDIT, 9, a->detail);
	sql_bind_blob(c, SQL_ADD_AUDIT, 10, view_of(hash, TRAIL_HASH_LEN));
	return sql_run(c, SQL_ADD_AUDIT, err);
}

bool
audit_move_head(struct store *s, struct err *err)
{
	struct conn *c = &s->writer;

	if (!s->audit.is_behind)
		return true;
	sql_bind_int(c, SQL_MOVE_AUDIT_HEAD, 1, s->audit.head.count);
	sql_bind_blob(c, SQL_MOVE_AUDIT_HEAD, 2, view_of(s->audit.head.hash, TRAIL_HASH_LEN));
	return sql_run(c, SQL_MOVE_AUDIT_HEAD, err);
}

void
store_set_audit_filter(struct store *s, int64_t filter)
{
	s->audit_filter = filter;
}

bool
store_audit(struct store_tx *tx, struct audit_record *a, struct err *err)
{
	struct store *s = tx->store;
	struct trail_head next;

	if (a->actor == NULL || *a->actor == '\0')
		return err_set(err, E_INVALIDARG, "an audit record needs its actor");
	if (!text_check(a->actor, ACTOR_MAX, "Actor", err) ||
	    !text_check(a->object, OBJECT_MAX, "Object", err) ||
	    !text_check(a->detail, DETAIL_MAX, "Detail", err))
		return false;
	a->row_id = 0;
	if (!audit_event_passes(a->event, s->audit_filter))
		return true;
	if (!know_head(s, err))
		return false;
	a->row_id = next.count = s->audit.head.count + 1;
	if (!trail_hash(s->sha256, s->audit.head.hash, a, next.hash, err) ||
	    !write_row(tx->conn, a, next.hash, err))
		return false;
	s->audit.head = next;
	s->audit.is_behind = true;
	return true;
}

/* What one snapshot gave, at most AUDIT_BATCH rows. */
struct batch {
	struct audit_record *rows;
	size_t count;
};

static void
batch_empty(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		audit_record_free(&b->rows[i]);
	b->count = 0;
}

static void
batch_free(struct batch *b)
{
	batch_empty(b);
	free(b->rows);
}

static bool
read_row(struct conn *c, struct audit_record *out, struct err *err)
{
	enum sql_id id = SQL_AUDIT_ROWS;

	/* What is hashed has 32 bits: more must not hide behind them. */
	if ((int32_t)sql_int(c, id, 2) != sql_int(c, id, 2) ||
	    (int32_t)sql_int(c, id, 4) != sql_int(c, id, 4))
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: audit row %lld was changed: a number is too large", c->path,
		    (long long)sql_int(c, id, 0));
	*out = (struct audit_record){
	    .row_id = sql_int(c, id, 0),
	    .when = sql_int(c, id, 1),
	    .event = (enum audit_event)sql_int(c, id, 2),
	    .success = sql_int(c, id, 3) != 0,
	    .status = (int32_t)sql_int(c, id, 4),
	    .request_id = sql_int(c, id, 6),
	};
	return (sql_text(c, id, 5, &out->actor, err) && sql_text(c, id, 7, &out->object, err) &&
		   sql_text(c, id, 8, &out->detail, err) && read_hash(c, id, 9, out->hash, err)) ||
	       err_prefix(err, "audit row %lld", (long long)out->row_id);
}

/* Rows and head as of one snapshot. */
static bool
read_batch(struct conn *c, int64_t after, struct batch *b, struct trail_head *head, struct err *err)
{
	enum sql_step step = SQL_FAILED;
	struct err ignored;
	bool ok = false;

	batch_empty(b);
	if (!sql_run(c, SQL_BEGIN_READ, err))
		return false;
	sql_bind_int(c, SQL_AUDIT_ROWS, 1, after);
	sql_bind_int(c, SQL_AUDIT_ROWS, 2, AUDIT_BATCH);
	while ((step = sql_step(c, SQL_AUDIT_ROWS, err)) == SQL_ROW)
		if (!read_row(c, &b->rows[b->count++], err))
			break;
	sql_end(c, SQL_AUDIT_ROWS);
	ok = step == SQL_DONE && take_head(c, head, err);
	sql_run(c, SQL_ROLLBACK, &ignored);
	return ok;
}

static bool
is_broken(const struct store *s, struct err *err)
{
	if (err->code == CRYPT_E_HASH_VALUE)
		err->code = DIRCA_E_DATABASE;
	return err_prefix(err, "CA database %s", s->path);
}

/* Where the walk begins: the hash of row `after`, which is taken as it stands. */
static bool
start_at(struct store *s, struct conn *c, int64_t after, struct trail_head *at, struct err *err)
{
	bool ok = false;

	*at = (struct trail_head){.count = after};
	if (after <= 0) {
		at->count = 0;
		return true;
	}
	sql_bind_int(c, SQL_AUDIT_HASH, 1, after);
	switch (sql_step(c, SQL_AUDIT_HASH, err)) {
	case SQL_ROW:
		ok = read_hash(c, SQL_AUDIT_HASH, 0, at->hash, err);
		break;
	case SQL_DONE:
		err_set(err, DIRCA_E_DATABASE, "CA database %s: audit row %lld is missing", s->path,
		    (long long)after);
		break;
	case SQL_FAILED:
		break;
	}
	sql_end(c, SQL_AUDIT_HASH);
	return ok;
}

/* *stop_out: `each` has seen enough. */
static bool
walk_batch(struct store *s, struct trail_head *at, const struct batch *b, store_audit_each *each,
    void *arg, bool *stop_out, struct err *err)
{
	for (size_t i = 0; i < b->count && !*stop_out; i++) {
		if (!trail_next(s->sha256, at, &b->rows[i], err))
			return is_broken(s, err);
		*stop_out = each != NULL && !each(&b->rows[i], arg);
	}
	return true;
}

bool
store_audit_walk(struct store *s, int64_t after_row, store_audit_each *each, void *arg,
    int64_t *count_out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_AUDIT_ROWS, err);
	OWNED(batch_free) struct batch b = {0};
	struct trail_head at, head;
	bool stop = false;

	*count_out = 0;
	if (r.conn == NULL || !start_at(s, r.conn, after_row, &at, err))
		return false;
	b.rows = mem_zero(AUDIT_BATCH, sizeof *b.rows);
	do {
		if (!read_batch(r.conn, at.count, &b, &head, err) ||
		    !walk_batch(s, &at, &b, each, arg, &stop, err))
			return false;
	} while (b.count == AUDIT_BATCH && !stop);
	*count_out = at.count - (after_row > 0 ? after_row : 0);
	return stop || trail_end(&at, &head, err) || is_broken(s, err);
}

/* *left: how many may still be given. */
static bool
give_batch(const struct batch *b, size_t *left, store_audit_each *each, void *arg,
    struct audit_reading *out)
{
	for (size_t i = 0; i < b->count; i++) {
		if ((*left)-- == 0)
			return false;
		out->last = b->rows[i].row_id;
		if (!each(&b->rows[i], arg))
			return false;
	}
	return true;
}

bool
store_audit_read(struct store *s, int64_t after_row, size_t most, store_audit_each *each, void *arg,
    struct audit_reading *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_AUDIT_ROWS, err);
	OWNED(batch_free) struct batch b = {0};
	size_t left = most;

	*out = (struct audit_reading){.last = after_row};
	if (r.conn == NULL)
		return false;
	b.rows = mem_zero(AUDIT_BATCH, sizeof *b.rows);
	do {
		if (!read_batch(r.conn, out->last, &b, &out->head, err))
			return false;
		if (!give_batch(&b, &left, each, arg, out))
			return true;
		out->ended = b.count < AUDIT_BATCH;
	} while (!out->ended);
	return true;
}
