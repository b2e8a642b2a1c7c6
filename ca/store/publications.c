/*
 * Certificates that wait for the directory.
 */
#include <stdlib.h>

#include "store_priv.h"

static bool
change(struct store_tx *tx, enum sql_id id, int64_t request_id, enum store_place place,
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
	return change(tx, SQL_ADD_PUBLICATION, request_id, place, err);
}

bool
store_end_publication(
    struct store_tx *tx, int64_t request_id, enum store_place place, struct err *err)
{
	return change(tx, SQL_END_PUBLICATION, request_id, place, err);
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
	struct conn *c = NULL;
	enum sql_step step = SQL_FAILED;

	*out = (struct store_publications){.list = calloc(limit + 1, sizeof *out->list)};
	if (out->list == NULL)
		return err_nomem(err);
	if ((c = reader_take(s, err)) == NULL)
		goto out;
	sql_bind_int(c, SQL_PUBLICATIONS, 1, after != NULL ? after->request_id : 0);
	sql_bind_int(c, SQL_PUBLICATIONS, 2, after != NULL ? (int64_t)after->place : 0);
	sql_bind_int(c, SQL_PUBLICATIONS, 3, (int64_t)limit);
	while ((step = sql_step(c, SQL_PUBLICATIONS, err)) == SQL_ROW)
		if (!read_row(c, &out->list[out->count++], err)) {
			step = SQL_FAILED;
			break;
		}
	sql_end(c, SQL_PUBLICATIONS);
	reader_give(s, c);
out:
	if (step != SQL_DONE)
		store_publications_free(out);
	return step == SQL_DONE;
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
