/* Recovery cases and their keys. */
#include "store_cases.h"

#include <stdlib.h>

#include "match.h"
#include "store_priv.h"

#define TICKET_MOST  64
#define NOTE_MOST    1024
#define NAME_MOST    2048
#define LIST_DEFAULT 100
#define LIST_MOST    1000

void
store_case_free(struct store_case *c)
{
	char *texts[] = {c->ticket, c->note, c->owner_name, c->owner_sid, c->opened_by,
	    c->opened_by_sid, c->approved_by, c->approved_by_sid, c->ended_by, c->ended_why};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < c->key_count; i++) {
		free(c->keys[i].serial);
		free(c->keys[i].foreign_hash);
	}
	free(c->keys);
	*c = (struct store_case){0};
}

void
store_cases_free(struct store_cases *cs)
{
	for (size_t i = 0; i < cs->count; i++)
		store_case_free(&cs->list[i]);
	free(cs->list);
	*cs = (struct store_cases){0};
}

/* ---- writing ---- */

static bool
check_case(const struct store_case *c, struct err *err)
{
	if (c->key_count < 1 || c->key_count > CASE_KEYS_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "a recovery case is about 1 to %d keys, and not about %zu", CASE_KEYS_MAX,
		    c->key_count);
	return text_check(c->ticket, TICKET_MOST, "the ticket", err) &&
	       text_check(c->note, NOTE_MOST, "the note", err) &&
	       text_check(c->owner_name, NAME_MOST, "OwnerName", err) &&
	       text_check(c->opened_by, NAME_MOST, "OpenedBy", err);
}

static void
bind_when(struct conn *c, enum sql_id id, int at, int64_t when)
{
	if (when != 0)
		sql_bind_int(c, id, at, when);
}

static bool
add_keys(struct conn *conn, int64_t case_id, const struct store_case *c, struct err *err)
{
	for (size_t i = 0; i < c->key_count; i++) {
		sql_bind_int(conn, SQL_ADD_CASE_KEY, 1, case_id);
		sql_bind_int(conn, SQL_ADD_CASE_KEY, 2, c->keys[i].request_id);
		sql_bind_int(conn, SQL_ADD_CASE_KEY, 3, c->keys[i].fetches);
		bind_when(conn, SQL_ADD_CASE_KEY, 4, c->keys[i].fetched_when);
		if (!sql_run(conn, SQL_ADD_CASE_KEY, err))
			return false;
	}
	return true;
}

/* What changes of a case, from parameter `at`. */
static void
bind_course(struct conn *conn, enum sql_id id, int at, const struct store_case *c)
{
	sql_bind_text(conn, id, at, c->approved_by);
	sql_bind_text(conn, id, at + 1, c->approved_by_sid);
	bind_when(conn, id, at + 2, c->approved_when);
	sql_bind_text(conn, id, at + 3, c->ended_by);
	bind_when(conn, id, at + 4, c->ended_when);
	sql_bind_text(conn, id, at + 5, c->ended_why);
	sql_bind_int(conn, id, at + 6, c->usable_until);
	sql_bind_int(conn, id, at + 7, c->seen_when);
}

bool
store_add_case(
    struct store_tx *tx, const struct store_case *c, int64_t *case_id_out, struct err *err)
{
	struct conn *conn = tx->conn;

	*case_id_out = 0;
	if (!check_case(c, err))
		return false;
	sql_bind_int(conn, SQL_ADD_CASE, 1, c->state);
	sql_bind_int(conn, SQL_ADD_CASE, 2, c->reason);
	sql_bind_text(conn, SQL_ADD_CASE, 3, c->ticket);
	sql_bind_text(conn, SQL_ADD_CASE, 4, c->note);
	sql_bind_text(conn, SQL_ADD_CASE, 5, c->owner_name);
	sql_bind_text(conn, SQL_ADD_CASE, 6, c->owner_sid);
	sql_bind_text(conn, SQL_ADD_CASE, 7, c->opened_by);
	sql_bind_text(conn, SQL_ADD_CASE, 8, c->opened_by_sid);
	sql_bind_int(conn, SQL_ADD_CASE, 9, c->opened_when);
	sql_bind_int(conn, SQL_ADD_CASE, 10, c->needs_approver);
	bind_course(conn, SQL_ADD_CASE, 11, c);
	if (!sql_run(conn, SQL_ADD_CASE, err))
		return false;
	*case_id_out = sqlite3_last_insert_rowid(conn->db);
	return add_keys(conn, *case_id_out, c, err);
}

bool
store_move_case(
    struct store_tx *tx, const struct store_case *c, enum case_state from, struct err *err)
{
	struct conn *conn = tx->conn;

	if (!text_check(c->ended_why, NOTE_MOST, "the reason", err))
		return false;
	sql_bind_int(conn, SQL_MOVE_CASE, 1, c->case_id);
	sql_bind_int(conn, SQL_MOVE_CASE, 2, from);
	sql_bind_int(conn, SQL_MOVE_CASE, 3, c->state);
	bind_course(conn, SQL_MOVE_CASE, 4, c);
	return sql_run(conn, SQL_MOVE_CASE, err) &&
	       (sqlite3_changes(conn->db) == 1 ||
		   err_set(err, DIRCA_E_CHANGED,
		       "recovery case %lld was changed just now; look, and decide again",
		       (long long)c->case_id));
}

/* Runs a statement about one key of a case that takes (when, case, request). */
static bool
note_key(struct conn *conn, enum sql_id id, int64_t case_id, int64_t request_id, int64_t now,
    struct err *err)
{
	sql_bind_int(conn, id, 1, now);
	sql_bind_int(conn, id, 2, case_id);
	sql_bind_int(conn, id, 3, request_id);
	return sql_run(conn, id, err) &&
	       (sqlite3_changes(conn->db) == 1 ||
		   err_set(err, DIRCA_E_CHANGED,
		       "recovery case %lld is not about the key of request %lld, or has it already",
		       (long long)case_id, (long long)request_id));
}

bool
store_note_fetch(
    struct store_tx *tx, int64_t case_id, int64_t request_id, int64_t now, struct err *err)
{
	return note_key(tx->conn, SQL_FETCH_CASE_KEY, case_id, request_id, now, err);
}

bool
store_note_receipt(
    struct store_tx *tx, int64_t case_id, int64_t request_id, int64_t now, struct err *err)
{
	return note_key(tx->conn, SQL_RECEIVE_CASE_KEY, case_id, request_id, now, err);
}

bool
store_see_cases(struct store_tx *tx, int64_t now, struct err *err)
{
	sql_bind_int(tx->conn, SQL_SEE_CASES, 1, now);
	return sql_run(tx->conn, SQL_SEE_CASES, err);
}

/* ---- reading ---- */

static bool
read_case(struct conn *conn, enum sql_id id, struct store_case *out, struct err *err)
{
	struct {
		int at;
		char **to;
	} texts[] = {{3, &out->ticket}, {4, &out->note}, {5, &out->owner_name},
	    {6, &out->owner_sid}, {7, &out->opened_by}, {8, &out->opened_by_sid},
	    {11, &out->approved_by}, {12, &out->approved_by_sid}, {14, &out->ended_by},
	    {16, &out->ended_why}};

	out->case_id = sql_int(conn, id, 0);
	out->state = (enum case_state)sql_int(conn, id, 1);
	out->reason = (enum case_reason)sql_int(conn, id, 2);
	out->opened_when = sql_int(conn, id, 9);
	out->needs_approver = sql_int(conn, id, 10) != 0;
	out->approved_when = sql_int(conn, id, 13);
	out->ended_when = sql_int(conn, id, 15);
	out->usable_until = sql_int(conn, id, 17);
	out->seen_when = sql_int(conn, id, 18);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!sql_text(conn, id, texts[i].at, texts[i].to, err))
			return false;
	return true;
}

static bool
read_key(struct conn *conn, struct store_case_key *out, struct err *err)
{
	enum sql_id id = SQL_CASE_KEYS;

	*out = (struct store_case_key){.request_id = sql_int(conn, id, 0),
	    .fetches = sql_int(conn, id, 2),
	    .fetched_when = sql_int(conn, id, 3),
	    .received_when = sql_int(conn, id, 4)};
	return sql_text(conn, id, 1, &out->serial, err) &&
	       sql_text(conn, id, 5, &out->foreign_hash, err);
}

static bool
read_keys(struct conn *conn, struct store_case *c, struct err *err)
{
	enum sql_step step;

	sql_bind_int(conn, SQL_CASE_KEYS, 1, c->case_id);
	while ((step = sql_step(conn, SQL_CASE_KEYS, err)) == SQL_ROW) {
		c->keys = mem_grow(c->keys, c->key_count, sizeof *c->keys);
		if (!read_key(conn, &c->keys[c->key_count++], err)) {
			step = SQL_FAILED;
			break;
		}
	}
	sql_end(conn, SQL_CASE_KEYS);
	return step == SQL_DONE;
}

/* The one row of a statement whose parameters are bound, and its keys. */
static enum store_find
find_case(struct conn *conn, enum sql_id id, struct store_case *out, struct err *err)
{
	OWNED(store_case_free) struct store_case found = {0};
	enum sql_step step = sql_step(conn, id, err);
	bool ok = step != SQL_ROW || read_case(conn, id, &found, err);

	sql_end(conn, id);
	if (step == SQL_DONE)
		return STORE_NOT_FOUND;
	if (step == SQL_FAILED || !ok || !read_keys(conn, &found, err))
		return STORE_FAILED;
	*out = found;
	found = (struct store_case){0};
	return STORE_FOUND;
}

enum store_find
store_case_now(struct store_tx *tx, int64_t case_id, struct store_case *out, struct err *err)
{
	*out = (struct store_case){0};
	sql_bind_int(tx->conn, SQL_GET_CASE, 1, case_id);
	return find_case(tx->conn, SQL_GET_CASE, out, err);
}

enum store_find
store_get_case(struct store *s, int64_t case_id, struct store_case *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_CASE, err);

	*out = (struct store_case){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_int(r.conn, r.id, 1, case_id);
	return find_case(r.conn, r.id, out, err);
}

enum store_find
store_find_case(
    struct store *s, const struct store_case_query *q, struct store_case *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_FIND_CASE, err);

	*out = (struct store_case){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_int(r.conn, r.id, 1, q->request_id);
	sql_bind_text(r.conn, r.id, 2, q->opener.sid);
	sql_bind_text(r.conn, r.id, 3, q->opener.name);
	sql_bind_int(r.conn, r.id, 4, q->now);
	sql_bind_int(r.conn, r.id, 5, q->most_fetches);
	return find_case(r.conn, r.id, out, err);
}

bool
store_key_was_fetched(struct store *s, int64_t request_id, bool *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_FETCHED_KEY, err);
	enum sql_step step;

	*out = true;
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, request_id);
	step = sql_step(r.conn, r.id, err);
	*out = step != SQL_DONE;
	return step != SQL_FAILED;
}

static bool
collect(struct conn *conn, enum sql_id id, struct store_cases *out, struct err *err)
{
	enum sql_step step;

	while ((step = sql_step(conn, id, err)) == SQL_ROW) {
		out->list = mem_grow(out->list, out->count, sizeof *out->list);
		out->list[out->count] = (struct store_case){0};
		if (!read_case(conn, id, &out->list[out->count++], err))
			return false;
	}
	for (size_t i = 0; step == SQL_DONE && i < out->count; i++)
		if (!read_keys(conn, &out->list[i], err))
			return false;
	return step == SQL_DONE;
}

bool
store_list_cases(
    struct store *s, const struct store_case_filter *f, struct store_cases *out, struct err *err)
{
	bool all = f->ended_too || f->state > CASE_OPEN;
	OWNED(reading_end)
	struct reading r = reading_begin(s, all ? SQL_ALL_CASES : SQL_LIVE_CASES, err);
	OWNED(own_memory) char *owner = f->owner != NULL ? match_key(f->owner) : NULL;
	OWNED(own_memory) char *officer = f->officer != NULL ? match_key(f->officer) : NULL;
	int limit = f->limit == 0 ? LIST_DEFAULT : f->limit;

	*out = (struct store_cases){0};
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, f->after_id);
	sql_bind_int(r.conn, r.id, 2, f->state);
	sql_bind_text(r.conn, r.id, 3, owner);
	sql_bind_text(r.conn, r.id, 4, officer);
	sql_bind_int(r.conn, r.id, 5, f->request_id);
	sql_bind_int(r.conn, r.id, 6, f->due_at);
	sql_bind_int(r.conn, r.id, 7, limit < LIST_MOST ? limit : LIST_MOST);
	if (collect(r.conn, r.id, out, err))
		return true;
	store_cases_free(out);
	return false;
}

bool
store_count_cases(struct store *s, struct store_case_counts *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_COUNT_CASES, err);

	*out = (struct store_case_counts){0};
	if (r.conn == NULL || sql_step(r.conn, r.id, err) != SQL_ROW)
		return false;
	out->waiting = sql_int(r.conn, r.id, 0);
	out->open = sql_int(r.conn, r.id, 1);
	return true;
}
