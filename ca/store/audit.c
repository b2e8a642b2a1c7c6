/*
 * The audit trail. Row n holds SHA-256(hash of row n - 1 || n and every column, each with its
 * length); row 0's hash is zeros. The one row of AuditHead, moved in the same transaction, says how
 * many rows there are and which hash the last one has: changed, missing and cut-off rows are found.
 * Who can rewrite rows, hashes and head alike is found only by comparing the head with a copy kept
 * elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "store_priv.h"

#define HASH_LEN   32
#define ACTOR_MAX  2048
#define OBJECT_MAX 8192
#define DETAIL_MAX 32768

struct head {
	int64_t count;
	uint8_t hash[HASH_LEN];
};

/* A record in the form that is hashed and bound: nothing between the two. */
struct audit_row {
	struct audit_record record;
	struct buf hash;
};

const char *
audit_event_text(enum audit_event e)
{
	switch (e) {
	case AUDIT_SIGN_IN_FAILED:
		return "a sign-in failed";
	case AUDIT_DENIED_PENDING:
		return "a certificate manager denied a pending request";
	case AUDIT_REVOKED:
		return "a certificate was revoked";
	case AUDIT_CRL_PUBLISHED:
		return "a CRL was published";
	case AUDIT_STARTED:
		return "the CA started";
	case AUDIT_STOPPED:
		return "the CA stopped";
	case AUDIT_SECURITY:
		return "the rights on the CA were changed";
	case AUDIT_KEY_RETRIEVED:
		return "an archived key was retrieved";
	case AUDIT_REQUEST_RECEIVED:
		return "a certificate request was received";
	case AUDIT_ISSUED:
		return "a certificate was issued";
	case AUDIT_REQUEST_DENIED:
		return "a certificate request was denied";
	case AUDIT_PENDING:
		return "a certificate request was set to pending";
	case AUDIT_OFFICERS:
		return "the restrictions of certificate managers were changed";
	case AUDIT_CONFIGURATION:
		return "a setting was changed";
	case AUDIT_KEY_ARCHIVED:
		return "a key was archived";
	case AUDIT_CA_PUBLISHED:
		return "the CA certificate was published in the directory";
	case AUDIT_KEYS_SEARCHED:
		return "archived keys were searched for";
	case AUDIT_FILES_CHANGED:
		return "the CA's files were changed on its machine";
	}
	return "?";
}

static bool
put_text(struct buf *b, const char *text, struct err *err)
{
	/* NULL and "" are one: no reader can tell them apart. */
	struct view v = text == NULL ? view_of(NULL, 0) : view_str(text);

	return bytes_put_u32le(b, (uint32_t)v.len, err) && buf_append(b, v, err);
}

static bool
hash_row(struct store *s, const uint8_t before[HASH_LEN], const struct audit_record *a,
    uint8_t out[HASH_LEN], struct err *err)
{
	OWNED(buf_free) struct buf b = {0};

	if (!buf_append(&b, view_of(before, HASH_LEN), err) ||
	    !bytes_put_u64le(&b, (uint64_t)a->row_id, err) ||
	    !bytes_put_u64le(&b, (uint64_t)a->when, err) ||
	    !bytes_put_u32le(&b, (uint32_t)a->event, err) || !bytes_put_u8(&b, a->success, err) ||
	    !bytes_put_u32le(&b, (uint32_t)a->status, err) || !put_text(&b, a->actor, err) ||
	    !bytes_put_u64le(&b, (uint64_t)a->request_id, err) || !put_text(&b, a->object, err) ||
	    !put_text(&b, a->detail, err))
		return false;
	return EVP_Digest(b.ptr, b.len, out, NULL, s->sha256, NULL) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "hash of audit row %lld", (long long)a->row_id);
}

/* A hash column that must be there with its 32 bytes. */
static bool
read_hash(struct conn *c, enum sql_id id, int at, uint8_t out[HASH_LEN], struct err *err)
{
	OWNED(buf_free) struct buf b = {0};

	if (!sql_blob(c, id, at, &b, err))
		return false;
	if (b.len != HASH_LEN)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: an audit hash has %zu bytes and not %d", c->path, b.len,
		    HASH_LEN);
	memcpy(out, b.ptr, HASH_LEN);
	return true;
}

static bool
read_head(struct conn *c, struct head *out, struct err *err)
{
	bool ok = false;

	switch (sql_step(c, SQL_AUDIT_HEAD, err)) {
	case SQL_ROW:
		out->count = sql_int(c, SQL_AUDIT_HEAD, 0);
		ok = read_hash(c, SQL_AUDIT_HEAD, 1, out->hash, err);
		break;
	case SQL_DONE:
		err_set(err, DIRCA_E_DATABASE, "CA database %s: the audit trail has lost its head",
		    c->path);
		break;
	case SQL_FAILED:
		break;
	}
	sql_end(c, SQL_AUDIT_HEAD);
	return ok;
}

static bool
write_row(
    struct conn *c, const struct audit_record *a, const uint8_t hash[HASH_LEN], struct err *err)
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
	sql_bind_blob(c, SQL_ADD_AUDIT, 10, view_of(hash, HASH_LEN));
	if (!sql_run(c, SQL_ADD_AUDIT, err))
		return false;
	sql_bind_int(c, SQL_MOVE_AUDIT_HEAD, 1, a->row_id);
	sql_bind_blob(c, SQL_MOVE_AUDIT_HEAD, 2, view_of(hash, HASH_LEN));
	return sql_run(c, SQL_MOVE_AUDIT_HEAD, err);
}

bool
store_audit(struct store_tx *tx, struct audit_record *a, struct err *err)
{
	uint8_t hash[HASH_LEN];
	struct head head;

	if (a->actor == NULL || *a->actor == '\0')
		return err_set(err, E_INVALIDARG, "an audit record needs its actor");
	if (!text_check(a->actor, ACTOR_MAX, "Actor", err) ||
	    !text_check(a->object, OBJECT_MAX, "Object", err) ||
	    !text_check(a->detail, DETAIL_MAX, "Detail", err))
		return false;
	if (!read_head(tx->conn, &head, err))
		return false;
	a->row_id = head.count + 1;
	return hash_row(tx->store, head.hash, a, hash, err) && write_row(tx->conn, a, hash, err);
}

/* What one snapshot gave, at most AUDIT_BATCH rows. */
struct batch {
	struct audit_row *rows;
	size_t count;
};

static void
batch_empty(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free(b->rows[i].record.actor);
		free(b->rows[i].record.object);
		free(b->rows[i].record.detail);
		buf_free(&b->rows[i].hash);
		b->rows[i] = (struct audit_row){0};
	}
	b->count = 0;
}

static void
batch_free(struct batch *b)
{
	batch_empty(b);
	free(b->rows);
}

static bool
read_row(struct conn *c, struct audit_row *out, struct err *err)
{
	enum sql_id id = SQL_AUDIT_ROWS;

	/* What is hashed has 32 bits: more must not hide behind them. */
	if ((int32_t)sql_int(c, id, 2) != sql_int(c, id, 2) ||
	    (int32_t)sql_int(c, id, 4) != sql_int(c, id, 4))
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: audit row %lld was changed: a number is too large", c->path,
		    (long long)sql_int(c, id, 0));
	out->record = (struct audit_record){
	    .row_id = sql_int(c, id, 0),
	    .when = sql_int(c, id, 1),
	    .event = (enum audit_event)sql_int(c, id, 2),
	    .success = sql_int(c, id, 3) != 0,
	    .status = (int32_t)sql_int(c, id, 4),
	    .request_id = sql_int(c, id, 6),
	};
	return sql_text(c, id, 5, &out->record.actor, err) &&
	       sql_text(c, id, 7, &out->record.object, err) &&
	       sql_text(c, id, 8, &out->record.detail, err) && sql_blob(c, id, 9, &out->hash, err);
}

/* Rows and head as of one snapshot. */
static bool
read_batch(struct conn *c, int64_t after, struct batch *b, struct head *head, struct err *err)
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
	ok = step == SQL_DONE && read_head(c, head, err);
	sql_run(c, SQL_ROLLBACK, &ignored);
	return ok;
}

static bool
verify_row(struct store *s, struct head *at, const struct audit_row *row, struct err *err)
{
	uint8_t should[HASH_LEN];

	if (row->record.row_id != at->count + 1)
		return err_set(err, DIRCA_E_DATABASE, "CA database %s: audit row %lld is missing",
		    s->path, (long long)at->count + 1);
	if (!hash_row(s, at->hash, &row->record, should, err))
		return false;
	if (!view_eq(buf_view(&row->hash), view_of(should, HASH_LEN)))
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: audit row %lld does not fit the one before it: it or that one "
		    "was changed",
		    s->path, (long long)row->record.row_id);
	at->count++;
	memcpy(at->hash, should, HASH_LEN);
	return true;
}

static bool
verify_end(struct store *s, const struct head *at, const struct head *head, struct err *err)
{
	if (at->count < head->count)
		return err_set(err, DIRCA_E_DATABASE, "CA database %s: audit row %lld is missing",
		    s->path, (long long)at->count + 1);
	if (at->count > head->count || memcmp(at->hash, head->hash, HASH_LEN) != 0)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: audit row %lld does not fit the head of the trail", s->path,
		    (long long)at->count);
	return true;
}

/* Where the walk begins: the hash of row `after`, which is taken as it stands. */
static bool
start_at(struct store *s, struct conn *c, int64_t after, struct head *at, struct err *err)
{
	bool ok = false;

	*at = (struct head){.count = after};
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
walk_batch(struct store *s, struct head *at, const struct batch *b, store_audit_each *each,
    void *arg, bool *stop_out, struct err *err)
{
	for (size_t i = 0; i < b->count && !*stop_out; i++) {
		if (!verify_row(s, at, &b->rows[i], err))
			return false;
		*stop_out = each != NULL && !each(&b->rows[i].record, arg);
	}
	return true;
}

bool
store_audit_walk(struct store *s, int64_t after_row, store_audit_each *each, void *arg,
    int64_t *count_out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_AUDIT_ROWS, err);
	OWNED(batch_free) struct batch b = {0};
	struct head at, head;
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
	return stop || verify_end(s, &at, &head, err);
}
