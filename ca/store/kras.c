/*
 * Certificates of key recovery agents that archived keys are sealed to, for as long as the keys are
 * here: the KRA store and the directory say whom keys are sealed to next, not who can open these.
 */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_priv.h"

static bool
is_kept(const struct store *s, struct view sha1)
{
	for (size_t i = 0; i < s->kept_kra_count; i++)
		if (view_eq(sha1, view_of(s->kept_kras[i], sizeof s->kept_kras[i])))
			return true;
	return false;
}

/* Each enrollment brings the same ones. What is taken back is forgotten (writer.c). */
static void
note_kept(struct store *s, struct view sha1)
{
	if (sha1.len != sizeof s->kept_kras[0])
		return;
	if (s->kept_kra_count == KEPT_KRAS)
		s->kept_kra_count = 0;
	memcpy(s->kept_kras[s->kept_kra_count++], sha1.ptr, sha1.len);
}

bool
store_keep_kra(struct store_tx *tx, struct view sha1, struct view certificate, struct err *err)
{
	if (is_kept(tx->store, sha1))
		return true;
	sql_bind_blob(tx->conn, SQL_KEEP_KRA, 1, sha1);
	sql_bind_blob(tx->conn, SQL_KEEP_KRA, 2, certificate);
	if (!sql_run(tx->conn, SQL_KEEP_KRA, err))
		return false;
	note_kept(tx->store, sha1);
	return true;
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
store_page_archived(struct store *s, int64_t after, int64_t limit, store_archived_each *each,
    void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_ARCHIVED_KEYS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, after);
	sql_bind_int(r.conn, r.id, 2, limit);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		OWNED(buf_free) struct buf archived = {0};

		if (!sql_blob(r.conn, r.id, 1, &archived, err))
			return false;
		each(sql_int(r.conn, r.id, 0), buf_view(&archived), arg);
	}
	return step == SQL_DONE;
}

bool
store_walk_archived(struct store *s, store_archived_each *each, void *arg, struct err *err)
{
	return store_page_archived(s, 0, -1, each, arg, err);
}

bool
store_walk_kra_sets(struct store *s, store_kra_set_each *each, void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_KRA_SETS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		OWNED(own_memory) char *hashes = NULL;

		if (!sql_text(r.conn, r.id, 0, &hashes, err) ||
		    !each(hashes, sql_int(r.conn, r.id, 1), arg, err))
			return false;
	}
	return step == SQL_DONE;
}

bool
store_sealed_to(struct store *s, const char *hashes, int64_t after_id, size_t limit,
    struct store_ids *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_SEALED_TO, err);
	enum sql_step step;

	*out = (struct store_ids){0};
	if (r.conn == NULL)
		return false;
	sql_bind_text(r.conn, r.id, 1, hashes);
	sql_bind_int(r.conn, r.id, 2, after_id);
	sql_bind_int(r.conn, r.id, 3, (int64_t)limit);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW)
		store_ids_add(out, sql_int(r.conn, r.id, 0));
	if (step != SQL_DONE)
		store_ids_free(out);
	return step == SQL_DONE;
}

void
store_ids_add(struct store_ids *ids, int64_t id)
{
	ids->list = mem_grow_long(ids->list, ids->count, sizeof *ids->list);
	ids->list[ids->count++] = id;
}

void
store_ids_free(struct store_ids *ids)
{
	free(ids->list);
	*ids = (struct store_ids){0};
}
