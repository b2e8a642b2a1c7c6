/* Checkpoints of the audit trail, by the row that they are of. */
#include "store_priv.h"

bool
store_add_checkpoint(struct store_tx *tx, int64_t row, struct view message, struct err *err)
{
	sql_bind_int(tx->conn, SQL_ADD_CHECKPOINT, 1, row);
	sql_bind_blob(tx->conn, SQL_ADD_CHECKPOINT, 2, message);
	return sql_run(tx->conn, SQL_ADD_CHECKPOINT, err);
}

void
store_audit_end_free(struct store_audit_end *e)
{
	buf_free(&e->message);
}

bool
store_audit_end(struct store *s, struct store_audit_end *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_AUDIT_END, err);

	*out = (struct store_audit_end){0};
	if (r.conn == NULL || !audit_read_head(r.conn, r.id, &out->head, err))
		return false;
	out->signed_row = sql_int(r.conn, r.id, 2);
	return sql_blob(r.conn, r.id, 3, &out->message, err);
}

bool
store_walk_checkpoints(struct store *s, int64_t after_row, int64_t up_to,
    store_checkpoint_each *each, void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_CHECKPOINTS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, after_row);
	sql_bind_int(r.conn, r.id, 2, up_to);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		OWNED(buf_free) struct buf message = {0};

		if (!sql_blob(r.conn, r.id, 1, &message, err))
			return false;
		each(sql_int(r.conn, r.id, 0), buf_view(&message), arg);
	}
	return step == SQL_DONE;
}
