/* Drills and their keys. */
#include "store_drills.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_priv.h"

static bool
add_key(
    struct conn *c, const struct store_drill *d, const struct store_drill_key *k, struct err *err)
{
	sql_bind_blob(c, SQL_ADD_DRILL_KEY, 1, view_of(d->id, sizeof d->id));
	sql_bind_blob(c, SQL_ADD_DRILL_KEY, 2, view_of(k->sealed, sizeof k->sealed));
	sql_bind_int(c, SQL_ADD_DRILL_KEY, 3, k->request_id);
	return sql_run(c, SQL_ADD_DRILL_KEY, err);
}

bool
store_add_drill(struct store_tx *tx, const struct store_drill *d,
    const struct store_drill_key *keys, struct err *err)
{
	struct conn *c = tx->conn;

	sql_bind_blob(c, SQL_ADD_DRILL, 1, view_of(d->id, sizeof d->id));
	sql_bind_blob(c, SQL_ADD_DRILL, 2, view_of(d->kra, sizeof d->kra));
	sql_bind_int(c, SQL_ADD_DRILL, 3, d->opened_when);
	sql_bind_int(c, SQL_ADD_DRILL, 4, d->keys);
	sql_bind_text(c, SQL_ADD_DRILL, 5, d->with);
	if (!sql_run(c, SQL_ADD_DRILL, err))
		return false;
	for (int64_t i = 0; i < d->keys; i++)
		if (!add_key(c, d, &keys[i], err))
			return false;
	return true;
}

bool
store_prove_drill_key(struct store_tx *tx, struct view drill, struct view sealed, int64_t now,
    bool *done_out, struct err *err)
{
	struct conn *c = tx->conn;

	sql_bind_blob(c, SQL_PROVE_DRILL_KEY, 1, drill);
	sql_bind_blob(c, SQL_PROVE_DRILL_KEY, 2, sealed);
	sql_bind_int(c, SQL_PROVE_DRILL_KEY, 3, now);
	if (!sql_run(c, SQL_PROVE_DRILL_KEY, err))
		return false;
	*done_out = sqlite3_changes(c->db) == 1;
	return true;
}

bool
store_note_report(struct store_tx *tx, struct view drill, int64_t now, struct err *err)
{
	sql_bind_blob(tx->conn, SQL_NOTE_REPORT, 1, drill);
	sql_bind_int(tx->conn, SQL_NOTE_REPORT, 2, now);
	return sql_run(tx->conn, SQL_NOTE_REPORT, err);
}

static bool
read_drill(const struct reading *r, struct store_drill *out, struct err *err)
{
	if (!sql_octets(r->conn, r->id, 0, out->id, sizeof out->id, err) ||
	    !sql_octets(r->conn, r->id, 1, out->kra, sizeof out->kra, err))
		return false;
	out->opened_when = sql_int(r->conn, r->id, 2);
	out->reported_when = sql_int(r->conn, r->id, 3);
	out->keys = sql_int(r->conn, r->id, 4);
	out->proved = sql_int(r->conn, r->id, 5);
	return true;
}

enum store_find
store_get_drill(struct store *s, struct view id, struct store_drill *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_DRILL, err);
	enum sql_step step;

	*out = (struct store_drill){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_blob(r.conn, r.id, 1, id);
	if ((step = sql_step(r.conn, r.id, err)) == SQL_DONE)
		return STORE_NOT_FOUND;
	return step == SQL_ROW && read_drill(&r, out, err) ? STORE_FOUND : STORE_FAILED;
}

bool
store_walk_drills(struct store *s, store_drill_each *each, void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_DRILLS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		struct store_drill d;

		if (!read_drill(&r, &d, err))
			return false;
		each(&d, arg);
	}
	return step == SQL_DONE;
}

void
store_drill_keys_free(struct store_drill_keys *k)
{
	free(k->list);
	*k = (struct store_drill_keys){0};
}

bool
store_list_drill_keys(
    struct store *s, struct view id, struct store_drill_keys *out, struct err *err)
{
	OWNED(store_drill_keys_free) struct store_drill_keys list = {0};
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_DRILL_KEYS, err);
	enum sql_step step;

	*out = (struct store_drill_keys){0};
	if (r.conn == NULL)
		return false;
	sql_bind_blob(r.conn, r.id, 1, id);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		struct store_drill_key *k;

		list.list = mem_grow_long(list.list, list.count, sizeof *list.list);
		k = &list.list[list.count++];
		if (!sql_octets(r.conn, r.id, 0, k->sealed, sizeof k->sealed, err))
			return false;
		k->request_id = sql_int(r.conn, r.id, 1);
		k->proved = !sql_null(r.conn, r.id, 2);
	}
	if (step != SQL_DONE)
		return false;
	*out = list;
	list = (struct store_drill_keys){0};
	return true;
}

/* ---- keys that an agent sealed to others ---- */

bool
store_settle_key(struct store_tx *tx, int64_t request_id, struct view batch, struct view is,
    bool *done_out, struct err *err)
{
	struct conn *c = tx->conn;

	sql_bind_int(c, SQL_SETTLE_KEY, 1, request_id);
	sql_bind_blob(c, SQL_SETTLE_KEY, 2, batch);
	sql_bind_blob(c, SQL_SETTLE_KEY, 3, is);
	if (!sql_run(c, SQL_SETTLE_KEY, err))
		return false;
	*done_out = sqlite3_changes(c->db) == 1;
	return true;
}

void
store_sealers_free(struct store_sealers *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].could);
	free(s->list);
	*s = (struct store_sealers){0};
}

/* Of a reading about one sealed key of a request. */
static void
bind_sealed(const struct reading *r, int64_t request_id, struct view sealed)
{
	sql_bind_int(r->conn, r->id, 1, request_id);
	sql_bind_blob(r->conn, r->id, 2, sealed);
}

static bool
read_sealer(const struct reading *r, struct store_sealer *out, struct err *err)
{
	out->known = !sql_null(r->conn, r->id, 0);
	return (!out->known || sql_octets(r->conn, r->id, 0, out->kra, sizeof out->kra, err)) &&
	       sql_text(r->conn, r->id, 1, &out->could, err);
}

bool
store_list_sealers(struct store *s, int64_t request_id, struct view sealed,
    struct store_sealers *out, struct err *err)
{
	OWNED(store_sealers_free) struct store_sealers list = {0};
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_REWRAPPED_BY, err);
	enum sql_step step;

	*out = (struct store_sealers){0};
	if (r.conn == NULL)
		return false;
	bind_sealed(&r, request_id, sealed);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		list.list = mem_grow_long(list.list, list.count, sizeof *list.list);
		list.list[list.count] = (struct store_sealer){0};
		if (!read_sealer(&r, &list.list[list.count++], err))
			return false;
	}
	if (step != SQL_DONE)
		return false;
	*out = list;
	list = (struct store_sealers){0};
	return true;
}

void
store_provers_free(struct store_provers *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].with);
	free(p->list);
	*p = (struct store_provers){0};
}

bool
store_list_provers(struct store *s, int64_t request_id, struct view sealed,
    struct store_provers *out, struct err *err)
{
	OWNED(store_provers_free) struct store_provers list = {0};
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_PROVED_BY, err);
	enum sql_step step;

	*out = (struct store_provers){0};
	if (r.conn == NULL)
		return false;
	bind_sealed(&r, request_id, sealed);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		struct store_prover *p;

		list.list = mem_grow_long(list.list, list.count, sizeof *list.list);
		p = &list.list[list.count++];
		*p = (struct store_prover){0};
		if (!sql_octets(r.conn, r.id, 0, p->drill, sizeof p->drill, err) ||
		    !sql_octets(r.conn, r.id, 1, p->kra, sizeof p->kra, err) ||
		    !sql_text(r.conn, r.id, 2, &p->with, err))
			return false;
	}
	if (step != SQL_DONE)
		return false;
	*out = list;
	list = (struct store_provers){0};
	return true;
}
