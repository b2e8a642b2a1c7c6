/*
 * Certificates that wait for the directory.
 */
#include <stdlib.h>

#include "store_priv.h"

static bool
change_publication(struct store_tx *tx, enum sql_id id, int64_t request_id, enum store_place place,
    struct err *err)
{
	sql_bind_int(tx->conn, id, 1, request_id);
	sql_bind_int(tx->conn, id, 2, place);
	return sql_run(tx->conn, id, err);
}

bool
store_add_publication(
    struct store_tx *tx, int64_t request_id, enum store_place place, struct err *err)
{
	return change_publication(tx, SQL_ADD_PUBLICATION, request_id, place, err);
}

bool
store_end_publication(
    struct store_tx *tx, int64_t request_id, enum store_place place, struct err *err)
{
	return change_publication(tx, SQL_END_PUBLICATION, request_id, place, err);
}

static bool
read_row(struct conn *c, struct store_publication *out, struct err *err)
{
	*out = (struct store_publication){.request_id = sql_int(c, SQL_PUBLICATIONS, 0),
	    .place = (enum store_place)sql_int(c, SQL_PUBLICATIONS, 1)};
	return sql_text(c, SQL_PUBLICATIONS, 2, &out->requester_dn, err) &&
	       sql_text(c, SQL_PUBLICATIONS, 3, &out->requester_sid, err) &&
	       sql_blob(c, SQL_PUBLICATIONS, 4, &out->certificate, err);
}

bool
store_list_publications(struct store *s, const struct store_publication *after, size_t limit,
    struct store_publications *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_PUBLICATIONS, err);
	OWNED(store_publications_free) struct store_publications ps = {0};
	enum sql_step step;

	*out = ps;
	if (r.conn == NULL)
		return false;
	ps.list = mem_zero(limit, sizeof *ps.list);
	sql_bind_int(r.conn, r.id, 1, after != NULL ? after->request_id : 0);
	sql_bind_int(r.conn, r.id, 2, after != NULL ? (int64_t)after->place : 0);
	sql_bind_int(r.conn, r.id, 3, (int64_t)limit);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW)
		if (!read_row(r.conn, &ps.list[ps.count++], err))
			return false;
	if (step != SQL_DONE)
		return false;
	*out = ps;
	ps = (struct store_publications){0};
	return true;
}

void
store_publications_free(struct store_publications *ps)
{
	for (size_t i = 0; i < ps->count; i++) {
		free(ps->list[i].requester_dn);
		free(ps->list[i].requester_sid);
		buf_free(&ps->list[i].certificate);
	}
	free(ps->list);
	*ps = (struct store_publications){0};
}
