/*
 * Request rows: what a unit of work writes, and how single rows and lists are read.
 */
#include <stdlib.h>

#include "match.h"
#include "store_priv.h"
#include "text.h"

#define LIST_DEFAULT 1000
#define LIST_MOST    100000
/* Valid CA exchange certificates at one time: a few, unless something is badly wrong. */
#define EXCHANGE_MOST 1000

#define REASON_REMOVE_FROM_CRL 8

const char *
disposition_name(enum disposition d)
{
	switch (d) {
	case DISP_ACTIVE:
		return "active";
	case DISP_PENDING:
		return "pending";
	case DISP_FOREIGN:
		return "foreign";
	case DISP_ISSUED:
		return "issued";
	case DISP_REVOKED:
		return "revoked";
	case DISP_ERROR:
		return "error";
	case DISP_DENIED:
		return "denied";
	}
	return "?";
}

/* The serial number as it is kept: NULL for a row that has none. */
static bool
own_serial(const struct store_request *r, char **out, struct err *err)
{
	*out = NULL;
	return r->serial_number == NULL || *r->serial_number == '\0' ||
	       serial_canonical(r->serial_number, out, err);
}

static bool
add_blobs(struct store_tx *tx, int64_t request_id, const struct store_request *r, struct err *err)
{
	struct conn *c = tx->conn;

	if (r->raw_request.len == 0 && r->raw_archived_key.len == 0 && r->requester_sids.len == 0 &&
	    r->key_recipient.len == 0)
		return true;
	sql_bind_int(c, SQL_ADD_BLOBS, 1, request_id);
	row_bind_big(c, SQL_ADD_BLOBS, 2, r);
	return sql_run(c, SQL_ADD_BLOBS, err);
}

static bool
check_new(const struct store_request *r, struct err *err)
{
	bool hashes = r->key_recovery_hashes != NULL && *r->key_recovery_hashes != '\0';

	/* A key without the hashes of those who can open it is lost; hashes without a key are a
	 * lie. */
	if ((r->raw_archived_key.len > 0) != hashes)
		return err_set(err, E_INVALIDARG,
		    "CA database: an archived key and the hashes of its key recovery agents go "
		    "together");
	return row_check(r, err);
}

/* Under the id of the row, if it has one. */
static bool
add_request(
    struct store_tx *tx, const struct store_request *r, int64_t *request_id_out, struct err *err)
{
	struct conn *c = tx->conn;
	OWNED(own_memory) char *serial = NULL;
	struct store_request row = *r;
	int at = 3;

	*request_id_out = 0;
	if (!check_new(r, err) || !own_serial(r, &serial, err))
		return false;
	row.serial_number = serial;
	if (row.request_id != 0)
		sql_bind_int(c, SQL_ADD_REQUEST, 1, row.request_id);
	sql_bind_int(c, SQL_ADD_REQUEST, 2, row.raw_archived_key.len > 0);
	at = row_bind_request(c, SQL_ADD_REQUEST, at, &row);
	at = row_bind_revocation(c, SQL_ADD_REQUEST, at, &row);
	row_bind_certificate(c, SQL_ADD_REQUEST, at, &row);
	if (!sql_run(c, SQL_ADD_REQUEST, err))
		return false;
	*request_id_out = sqlite3_last_insert_rowid(c->db);
	return names_keep(c, *request_id_out, r, err) && add_blobs(tx, *request_id_out, r, err);
}

bool
store_add_request(
    struct store_tx *tx, const struct store_request *r, int64_t *request_id_out, struct err *err)
{
	*request_id_out = 0;
	return r->request_id == 0 ? add_request(tx, r, request_id_out, err)
				  : err_set(err, E_INVALIDARG,
					"CA database: a new request has an id already (%lld)",
					(long long)r->request_id);
}

bool
store_import_request(
    struct store_tx *tx, const struct store_request *r, int64_t *request_id_out, struct err *err)
{
	struct store_request row = *r;
	enum sql_step step;

	*request_id_out = 0;
	sql_bind_int(tx->conn, SQL_DISPOSITION, 1, r->request_id);
	step = sql_step(tx->conn, SQL_DISPOSITION, err);
	sql_end(tx->conn, SQL_DISPOSITION);
	if (step == SQL_ROW)
		row.request_id = 0;
	return step != SQL_FAILED && add_request(tx, &row, request_id_out, err);
}

/* After an UPDATE that found no row in the state it wants: says why. */
static bool
wrong_state(struct conn *c, int64_t request_id, const char *tried, struct err *err)
{
	enum sql_step step;
	int d = 0;

	sql_bind_int(c, SQL_DISPOSITION, 1, request_id);
	if ((step = sql_step(c, SQL_DISPOSITION, err)) == SQL_ROW)
		d = (int)sql_int(c, SQL_DISPOSITION, 0);
	sql_end(c, SQL_DISPOSITION);
	if (step == SQL_FAILED)
		return false;
	if (step == SQL_DONE)
		return err_set(err, CERTSRV_E_NO_REQUEST,
		    "request %lld cannot be %s: there is no such request", (long long)request_id,
		    tried);
	return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS, "request %lld cannot be %s: it is %s",
	    (long long)request_id, tried, disposition_name((enum disposition)d));
}

bool
change_request(
    struct conn *c, enum sql_id id, int64_t request_id, const char *tried, struct err *err)
{
	if (!sql_run(c, id, err))
		return false;
	return sqlite3_changes(c->db) == 1 || wrong_state(c, request_id, tried, err);
}

/* Of who was found again at the approval. A request that waits has its row of blobs. */
static bool
set_requester_sids(struct conn *c, const struct store_request *r, struct err *err)
{
	if (r->requester_sids.len == 0)
		return true;
	sql_bind_blob(c, SQL_SET_REQUESTER_SIDS, 1, buf_view(&r->requester_sids));
	sql_bind_int(c, SQL_SET_REQUESTER_SIDS, 2, r->request_id);
	return sql_run(c, SQL_SET_REQUESTER_SIDS, err);
}

bool
store_issue_pending(struct store_tx *tx, const struct store_request *r, struct err *err)
{
	struct conn *c = tx->conn;
	OWNED(own_memory) char *serial = NULL;
	struct store_request row = *r;
	int at;

	if (!row_check(r, err) || !own_serial(r, &serial, err))
		return false;
	row.serial_number = serial;
	sql_bind_text(c, SQL_ISSUE_PENDING, 1, r->disposition_message);
	if (r->status_code != 0)
		sql_bind_int(c, SQL_ISSUE_PENDING, 2, r->status_code);
	sql_bind_int(c, SQL_ISSUE_PENDING, 3, r->resolved_when);
	at = row_bind_certificate(c, SQL_ISSUE_PENDING, 4, &row);
	sql_bind_int(c, SQL_ISSUE_PENDING, at, r->request_id);
	return change_request(c, SQL_ISSUE_PENDING, r->request_id, "issued", err) &&
	       names_keep(c, r->request_id, r, err) && set_requester_sids(c, r, err);
}

bool
store_archive_pending(struct store_tx *tx, const struct store_request *r, struct err *err)
{
	struct conn *c = tx->conn;

	if (r->raw_archived_key.len == 0 || r->key_recovery_hashes == NULL)
		return err_set(err, E_INVALIDARG, "CA database: no key to archive");
	if (!row_check(r, err))
		return false;
	sql_bind_text(c, SQL_ARCHIVE_PENDING, 1, r->key_recovery_hashes);
	sql_bind_int(c, SQL_ARCHIVE_PENDING, 2, r->request_id);
	if (!change_request(c, SQL_ARCHIVE_PENDING, r->request_id, "given a key", err))
		return false;
	sql_bind_blob(c, SQL_SET_MADE_KEY, 1, buf_view(&r->raw_archived_key));
	sql_bind_blob(c, SQL_SET_MADE_KEY, 2, buf_view(&r->raw_delivered_key));
	sql_bind_int(c, SQL_SET_MADE_KEY, 3, r->request_id);
	return sql_run(c, SQL_SET_MADE_KEY, err);
}

static bool
put_key(struct conn *c, enum sql_id id, int64_t request_id, const struct store_request *r,
    struct err *err)
{
	if (r->raw_archived_key.len == 0 || r->key_recovery_hashes == NULL)
		return err_set(err, E_INVALIDARG, "CA database: no key to archive");
	if (!row_check(r, err))
		return false;
	sql_bind_text(c, id, 1, r->key_recovery_hashes);
	sql_bind_int(c, id, 2, request_id);
	if (!change_request(c, id, request_id, "given a key", err))
		return false;
	sql_bind_int(c, SQL_ADD_KEY_BLOB, 1, request_id);
	sql_bind_blob(c, SQL_ADD_KEY_BLOB, 2, buf_view(&r->raw_archived_key));
	return sql_run(c, SQL_ADD_KEY_BLOB, err);
}

bool
store_import_key(
    struct store_tx *tx, int64_t request_id, const struct store_request *r, struct err *err)
{
	return put_key(tx->conn, SQL_ADD_KEY, request_id, r, err);
}

bool
store_replace_key(
    struct store_tx *tx, int64_t request_id, const struct store_request *r, struct err *err)
{
	return put_key(tx->conn, SQL_REPLACE_KEY, request_id, r, err);
}

enum store_find
store_certificate_there(
    struct store_tx *tx, struct view sha1, int64_t *request_id_out, struct err *err)
{
	struct conn *c = tx->conn;
	enum sql_step step;

	*request_id_out = 0;
	sql_bind_blob(c, SQL_ID_BY_HASH, 1, sha1);
	if ((step = sql_step(c, SQL_ID_BY_HASH, err)) == SQL_ROW)
		*request_id_out = sql_int(c, SQL_ID_BY_HASH, 0);
	sql_end(c, SQL_ID_BY_HASH);
	return step == SQL_ROW ? STORE_FOUND : step == SQL_DONE ? STORE_NOT_FOUND : STORE_FAILED;
}

bool
store_deny_pending(struct store_tx *tx, int64_t request_id, const char *message, int32_t status,
    int64_t now, struct err *err)
{
	struct conn *c = tx->conn;

	if (!text_check(message, MOST_DispositionMessage, "DispositionMessage", err))
		return false;
	sql_bind_text(c, SQL_DENY_PENDING, 1, message);
	sql_bind_int(c, SQL_DENY_PENDING, 2, status);
	sql_bind_int(c, SQL_DENY_PENDING, 3, now);
	sql_bind_int(c, SQL_DENY_PENDING, 4, request_id);
	if (!change_request(c, SQL_DENY_PENDING, request_id, "denied", err))
		return false;
	sql_bind_int(c, SQL_DROP_ARCHIVED_KEY, 1, request_id);
	return sql_run(c, SQL_DROP_ARCHIVED_KEY, err);
}

bool
store_resubmit(
    struct store_tx *tx, int64_t request_id, struct view public_key_hash, struct err *err)
{
	sql_bind_blob(tx->conn, SQL_RESUBMIT, 1, public_key_hash);
	sql_bind_int(tx->conn, SQL_RESUBMIT, 2, request_id);
	return change_request(tx->conn, SQL_RESUBMIT, request_id, "resubmitted", err);
}

bool
store_revoke(struct store_tx *tx, int64_t request_id, int reason, int64_t now, int64_t effective,
    struct err *err)
{
	struct conn *c = tx->conn;

	if (reason == REASON_REMOVE_FROM_CRL) {
		sql_bind_int(c, SQL_RELEASE_HOLD, 1, request_id);
		return change_request(c, SQL_RELEASE_HOLD, request_id, "released from hold", err);
	}
	if (reason < 0 || reason > 10 || reason == 7)
		return err_set(err, E_INVALIDARG,
		    "request %lld cannot be revoked: %d is no CRL reason (RFC 5280 5.3.1)",
		    (long long)request_id, reason);
	sql_bind_int(c, SQL_REVOKE, 1, reason);
	sql_bind_int(c, SQL_REVOKE, 2, now);
	sql_bind_int(c, SQL_REVOKE, 3, effective);
	sql_bind_int(c, SQL_REVOKE, 4, request_id);
	return change_request(c, SQL_REVOKE, request_id, "revoked", err);
}

/* Runs a statement whose parameters are bound and that gives at most one whole row. */
static enum store_find
find_one(struct reading *r, struct store_request *out, struct err *err)
{
	enum sql_step step = sql_step(r->conn, r->id, err);

	if (step == SQL_DONE)
		return STORE_NOT_FOUND;
	if (step == SQL_FAILED || !row_read(r->conn, r->id, true, out, err))
		return STORE_FAILED;
	if (out->disposition != DISP_FOREIGN || sql_step(r->conn, r->id, err) == SQL_DONE)
		return STORE_FOUND;
	store_request_free(out);
	err_set(err, TYPE_E_AMBIGUOUSNAME, "several imported certificates have this serial number");
	return STORE_FAILED;
}

enum store_find
store_get_request(struct store *s, int64_t request_id, struct store_request *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_REQUEST, err);

	*out = (struct store_request){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_int(r.conn, r.id, 1, request_id);
	return find_one(&r, out, err);
}

static enum store_find
get_by_serial(struct store *s, const char *canonical, struct store_request *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_BY_SERIAL, err);

	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_text(r.conn, r.id, 1, canonical);
	return find_one(&r, out, err);
}

enum store_find
store_get_by_serial(struct store *s, const char *serial, struct store_request *out, struct err *err)
{
	OWNED(own_memory) char *canonical = NULL;

	*out = (struct store_request){0};
	if (!serial_canonical(serial, &canonical, err))
		return STORE_FAILED;
	return get_by_serial(s, canonical, out, err);
}

enum store_find
store_get_by_hash(struct store *s, struct view sha1, struct store_request *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_BY_HASH, err);

	*out = (struct store_request){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_blob(r.conn, r.id, 1, sha1);
	return find_one(&r, out, err);
}

enum store_find
store_get_by_serial_or_hash(
    struct store *s, const char *text, struct store_request *out, struct err *err)
{
	OWNED(buf_free) struct buf bytes = {0};
	enum store_find found = STORE_NOT_FOUND;
	struct err ignored;

	*out = (struct store_request){0};
	if (hex_decode(text, &bytes, &ignored) && bytes.len == 20)
		found = store_get_by_hash(s, buf_view(&bytes), out, err);
	return found == STORE_NOT_FOUND ? store_get_by_serial(s, text, out, err) : found;
}

enum store_find
store_status_by_serial(
    struct store *s, const char *serial, struct store_status *out, struct err *err)
{
	OWNED(own_memory) char *canonical = NULL;
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_STATUS_BY_SERIAL, err);
	enum sql_step step;

	*out = (struct store_status){0};
	if (r.conn == NULL || !serial_canonical(serial, &canonical, err))
		return STORE_FAILED;
	sql_bind_text(r.conn, r.id, 1, canonical);
	if ((step = sql_step(r.conn, r.id, err)) != SQL_ROW)
		return step == SQL_DONE ? STORE_NOT_FOUND : STORE_FAILED;
	out->revoked = sql_int(r.conn, r.id, 0) == DISP_REVOKED;
	out->revoked_when = sql_int(r.conn, r.id, 1);
	out->reason = (int)sql_int(r.conn, r.id, 2);
	out->issuer_name_id = (uint32_t)sql_int(r.conn, r.id, 3);
	return STORE_FOUND;
}

static enum sql_id
filter_statement(const struct store_filter *f)
{
	static const enum sql_id ids[2][2][2] = {
	    {{SQL_LIST_ALL, SQL_LIST_ALL_DOWN}, {SQL_LIST_DISPOSITION, SQL_LIST_DISPOSITION_DOWN}},
	    {{SQL_LIST_REQUESTER, SQL_LIST_REQUESTER_DOWN},
		{SQL_LIST_REQUESTER_DISPOSITION, SQL_LIST_REQUESTER_DISPOSITION_DOWN}}};

	return ids[f->requester_name != NULL][f->disposition != 0][f->newest_first];
}

static int
list_limit(int limit)
{
	return limit <= 0 ? LIST_DEFAULT : limit < LIST_MOST ? limit : LIST_MOST;
}

bool
store_list_requests(
    struct store *s, const struct store_filter *f, struct store_requests *out, struct err *err)
{
	/* What is bound outlives the reading. */
	OWNED(own_memory)
	char *requester = f->requester_name != NULL ? match_key(f->requester_name) : NULL;
	OWNED(reading_end) struct reading r = {0};
	int at = 1;

	*out = (struct store_requests){0};
	if (f->sort != STORE_SORT_ID)
		return sorted_list(s, f, list_limit(f->limit), out, err);
	r = reading_begin(s, filter_statement(f), err);
	if (r.conn == NULL)
		return false;
	if (requester != NULL)
		sql_bind_text(r.conn, r.id, at++, requester);
	if (f->disposition != 0)
		sql_bind_int(r.conn, r.id, at++, f->disposition);
	sql_bind_int(
	    r.conn, r.id, at++, f->newest_first && f->after_id == 0 ? INT64_MAX : f->after_id);
	sql_bind_int(r.conn, r.id, at, list_limit(f->limit));
	return row_collect(r.conn, r.id, LIST_MOST, out, err);
}

/* Of a row that EXPIRING gave, in the same snapshot. */
static bool
is_renewed(struct conn *c, const struct store_request *row, bool *out, struct err *err)
{
	enum sql_step step;

	sql_bind_text(c, SQL_IS_RENEWED, 1, row->requester_name);
	sql_bind_text(c, SQL_IS_RENEWED, 2, row->template_name);
	sql_bind_int(c, SQL_IS_RENEWED, 3, row->not_after);
	step = sql_step(c, SQL_IS_RENEWED, err);
	*out = step == SQL_ROW && sql_int(c, SQL_IS_RENEWED, 0) != 0;
	sql_end(c, SQL_IS_RENEWED);
	return step == SQL_ROW;
}

static bool
collect_expiring(struct reading *r, struct store_requests *out, int64_t *last_out, size_t *seen_out,
    struct err *err)
{
	enum sql_step step;

	while ((step = sql_step(r->conn, r->id, err)) == SQL_ROW) {
		OWNED(store_request_free) struct store_request row = {0};
		bool renewed;

		if (!row_read(r->conn, r->id, false, &row, err) ||
		    !is_renewed(r->conn, &row, &renewed, err))
			return false;
		*last_out = row.request_id;
		++*seen_out;
		if (renewed || (row.request_flags & CR_FLG_CAXCHGCERT) != 0)
			continue;
		out->list = mem_grow_long(out->list, out->count, sizeof *out->list);
		out->list[out->count++] = row;
		row = (struct store_request){0};
	}
	return step == SQL_DONE;
}

bool
store_list_expiring(struct store *s, const struct store_expiring *f, struct store_requests *out,
    int64_t *next_out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_EXPIRING, err);
	OWNED(store_requests_free) struct store_requests found = {0};
	int limit = list_limit(f->limit);
	size_t seen = 0;
	int64_t last = 0;

	*out = found;
	*next_out = 0;
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, f->from);
	sql_bind_int(r.conn, r.id, 2, f->until);
	sql_bind_int(r.conn, r.id, 3, f->after_id);
	sql_bind_int(r.conn, r.id, 4, limit);
	if (!collect_expiring(&r, &found, &last, &seen, err))
		return false;
	*next_out = seen < (size_t)limit ? 0 : last;
	*out = found;
	found = (struct store_requests){0};
	return true;
}

enum store_find
store_find_valid_key(struct store *s, const struct store_valid_key_query *q,
    struct store_valid_key *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_VALID_KEY, err);
	enum sql_step step;

	*out = (struct store_valid_key){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_text(r.conn, r.id, 1, q->holder.name);
	sql_bind_text(r.conn, r.id, 2, q->template_name);
	sql_bind_int(r.conn, r.id, 3, q->now);
	sql_bind_blob(r.conn, r.id, 4, q->other_than);
	sql_bind_text(r.conn, r.id, 5, q->holder.sid);
	if ((step = sql_step(r.conn, r.id, err)) != SQL_ROW)
		return step == SQL_DONE ? STORE_NOT_FOUND : STORE_FAILED;
	out->request_id = sql_int(r.conn, r.id, 0);
	out->not_after = sql_int(r.conn, r.id, 1);
	return STORE_FOUND;
}

bool
store_list_key_identifier(
    struct store *s, const char *hex, struct store_requests *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_LIST_KEY_IDENTIFIER, err);

	*out = (struct store_requests){0};
	if (r.conn == NULL)
		return false;
	sql_bind_text(r.conn, r.id, 1, hex);
	sql_bind_int(r.conn, r.id, 2, STORE_SAME_KEY_MAX);
	return row_collect(r.conn, r.id, STORE_SAME_KEY_MAX, out, err);
}

bool
store_exchange_certificates(
    struct store *s, int64_t now, struct store_requests *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_EXCHANGE_CERTIFICATES, err);

	*out = (struct store_requests){0};
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, now);
	sql_bind_int(r.conn, r.id, 2, EXCHANGE_MOST);
	return row_collect(r.conn, r.id, EXCHANGE_MOST, out, err);
}

static void
count_row(struct store_counts *counts, enum disposition d, int64_t n)
{
	switch (d) {
	case DISP_PENDING:
		counts->pending += n;
		break;
	case DISP_ISSUED:
		counts->issued += n;
		break;
	case DISP_REVOKED:
		counts->revoked += n;
		break;
	case DISP_ERROR:
		counts->error += n;
		break;
	case DISP_DENIED:
		counts->denied += n;
		break;
	case DISP_ACTIVE:
	case DISP_FOREIGN:
		break;
	}
}

static bool
count_requests(struct store *s, struct store_counts *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_COUNT_REQUESTS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		count_row(
		    out, (enum disposition)sql_int(r.conn, r.id, 0), sql_int(r.conn, r.id, 1));
		out->archived_keys += sql_int(r.conn, r.id, 2);
	}
	return step == SQL_DONE;
}

static bool
count_publications(struct store *s, struct store_counts *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_COUNT_PUBLICATIONS, err);

	if (r.conn == NULL || sql_step(r.conn, r.id, err) != SQL_ROW)
		return false;
	out->unpublished = sql_int(r.conn, r.id, 0);
	return true;
}

bool
store_count(struct store *s, struct store_counts *out, struct err *err)
{
	*out = (struct store_counts){0};
	return count_requests(s, out, err) && count_publications(s, out, err);
}
