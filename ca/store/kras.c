/*
 * Certificates of key recovery agents that archived keys are sealed to, for as long as the keys are
 * here: the KRA store and the directory say whom keys are sealed to next, not who can open these.
 */
#include <stdlib.h>

#include "store_priv.h"
#include "text.h"

bool
store_keep_kra(struct store_tx *tx, struct view sha1, struct view certificate, struct err *err)
{
	sql_bind_blob(tx->conn, SQL_KEEP_KRA, 1, sha1);
	sql_bind_blob(tx->conn, SQL_KEEP_KRA, 2, certificate);
	return sql_run(tx->conn, SQL_KEEP_KRA, err);
}

enum store_find
store_get_kra(struct store *s, struct view sha1, struct buf *certificate_out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_KRA, err);
	enum sql_step step;

	*certificate_out = (struct buf){0};
	if (r.conn == NULL)
		return STORE_FAILED;
	sql_bind_blob(r.conn, r.id, 1, sha1);
	if ((step = sql_step(r.conn, r.id, err)) == SQL_DONE)
		return STORE_NOT_FOUND;
	return step == SQL_ROW && sql_blob(r.conn, r.id, 0, certificate_out, err) ? STORE_FOUND
										  : STORE_FAILED;
}

bool
store_walk_archived(struct store *s, store_archived_each *each, void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_ARCHIVED_KEYS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		OWNED(buf_free) struct buf archived = {0};

		if (!sql_blob(r.conn, r.id, 1, &archived, err))
			return false;
		each(sql_int(r.conn, r.id, 0), buf_view(&archived), arg);
	}
	return step == SQL_DONE;
}

bool
store_count_kra_keys(struct store *s, struct view sha1, struct store_kra_use *out, struct err *err)
{
	OWNED(own_memory)
	char *hash = hex_encode(sha1, ' '); /* as it stands in KeyRecoveryHashes */
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_COUNT_KRA_KEYS, err);
	enum sql_step step;

	*out = (struct store_kra_use){0};
	if (r.conn == NULL)
		return false;
	sql_bind_text(r.conn, r.id, 1, hash);
	if ((step = sql_step(r.conn, r.id, err)) != SQL_ROW)
		return step == SQL_DONE;
	out->keys = sql_int(r.conn, r.id, 0);
	out->alone = sql_int(r.conn, r.id, 1);
	return true;
}
