/*
 * Events: a table that is bounded from behind. Row numbers only grow, since the newest row is never
 * deleted. Beside it what owners have to be told still, until they are.
 */
#include <stdlib.h>
#include <string.h>

#include "store_priv.h"

#define VALUE_MOST 4096

/* Cut between characters. */
static char *
cut(const char *value)
{
	size_t len = value != NULL ? strlen(value) : 0;

	if (len > VALUE_MOST)
		for (len = VALUE_MOST; len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80;)
			len--;
	return value != NULL ? mem_text_n(value, len) : NULL;
}

static bool
write_event(struct conn *c, enum sql_id id, const struct event_record *e, struct err *err)
{
	char *values[EVENT_VALUES_MAX];
	bool ok;

	sql_bind_int(c, id, 1, e->when);
	sql_bind_int(c, id, 2, e->number);
	if (e->request_id != 0)
		sql_bind_int(c, id, 3, e->request_id);
	for (int i = 0; i < EVENT_VALUES_MAX; i++) {
		values[i] = cut(e->values[i]);
		sql_bind_text(c, id, 4 + i, values[i]);
	}
	ok = sql_run(c, id, err);
	for (int i = 0; i < EVENT_VALUES_MAX; i++)
		free(values[i]);
	return ok;
}

bool
store_add_event(struct store_tx *tx, const struct event_record *e, int64_t keep, struct err *err)
{
	if (!write_event(tx->conn, SQL_ADD_EVENT, e, err))
		return false;
	sql_bind_int(tx->conn, SQL_FORGET_EVENTS, 1, keep);
	return sql_run(tx->conn, SQL_FORGET_EVENTS, err);
}

static bool
read_event(struct conn *c, enum sql_id id, struct event_record *out, struct err *err)
{
	*out = (struct event_record){.row_id = sql_int(c, id, 0),
	    .when = sql_int(c, id, 1),
	    .number = sql_int(c, id, 2),
	    .request_id = sql_int(c, id, 3)};
	for (int i = 0; i < EVENT_VALUES_MAX; i++)
		if (!sql_text(c, id, 4 + i, &out->values[i], err))
			return err_prefix(err, "event row %lld", (long long)out->row_id);
	return true;
}

bool
store_read_events(struct store *s, int64_t after_row, size_t most, store_event_each *each,
    void *arg, struct event_reading *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_EVENT_ROWS, err);
	enum sql_step step;
	size_t count = 0;

	*out = (struct event_reading){.last = after_row};
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, after_row);
	sql_bind_int(r.conn, r.id, 2, (int64_t)most);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		OWNED(event_record_free) struct event_record e = {0};

		if (!read_event(r.conn, r.id, &e, err))
			return false;
		out->last = e.row_id;
		count++;
		if (!each(&e, arg))
			return true;
	}
	out->ended = count < most;
	return step == SQL_DONE;
}

/* ---- owners ---- */

bool
store_add_owner_notice(struct store_tx *tx, const struct event_record *e, struct err *err)
{
	return write_event(tx->conn, SQL_ADD_OWNER_NOTICE, e, err);
}

static bool
change_notice(struct store_tx *tx, enum sql_id id, int64_t notice_id, struct err *err)
{
	sql_bind_int(tx->conn, id, 1, notice_id);
	return sql_run(tx->conn, id, err);
}

bool
store_fail_owner_notice(struct store_tx *tx, int64_t notice_id, struct err *err)
{
	return change_notice(tx, SQL_FAIL_OWNER_NOTICE, notice_id, err);
}

bool
store_end_owner_notice(struct store_tx *tx, int64_t notice_id, struct err *err)
{
	return change_notice(tx, SQL_END_OWNER_NOTICE, notice_id, err);
}

enum store_find
store_next_owner_notice(
    struct store *s, int64_t after, struct store_owner_notice *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_NEXT_OWNER_NOTICE, err);
	enum sql_step step;

	*out = (struct store_owner_notice){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_int(r.conn, r.id, 1, after);
	step = sql_step(r.conn, r.id, err);
	if (step != SQL_ROW)
		return step == SQL_DONE ? STORE_NOT_FOUND : STORE_FAILED;
	out->failed = sql_int(r.conn, r.id, 8) != 0;
	return read_event(r.conn, r.id, &out->event, err) ? STORE_FOUND : STORE_FAILED;
}

void
store_owner_notice_free(struct store_owner_notice *n)
{
	event_record_free(&n->event);
}
