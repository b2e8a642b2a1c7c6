/*
 * Recovery candidates: rows that have an archived key, by the names that people and certificates
 * have. (paper, "Finding Recovery Candidates"; [MS-CSRA] 3.1.4.2.9)
 */
#include <stdlib.h>

#include "match.h"
#include "store_priv.h"
#include "text.h"

#define CANDIDATES_MOST 1000

static bool
bind_hash(struct conn *c, enum sql_id id, const char *value, struct buf *hash, struct err *err)
{
	if (!hex_decode(value, hash, err))
		return err_prefix(err, "certificate hash");
	if (hash->len != 20)
		return err_set(err, ERROR_INVALID_DATA,
		    "certificate hash: %zu bytes, but SHA-1 has 20", hash->len);
	sql_bind_blob(c, id, 1, buf_view(hash));
	return true;
}

static bool
bind_serial(struct conn *c, enum sql_id id, const char *value, char **serial, struct err *err)
{
	if (!serial_canonical(value, serial, err))
		return false;
	sql_bind_text(c, id, 1, *serial);
	return true;
}

static bool
is_name(enum store_key by)
{
	return by == STORE_BY_UPN || by == STORE_BY_COMMON_NAME || by == STORE_BY_REQUESTER ||
	       by == STORE_BY_REQUESTER_DN;
}

/* One more than a page, to know whether there is another. */
static bool
collect(struct store *s, enum store_key by, const char *value, int64_t after,
    struct store_requests *out, struct err *err)
{
	static const enum sql_id ids[] = {
	    [STORE_BY_UPN] = SQL_CANDIDATES_UPN,
	    [STORE_BY_COMMON_NAME] = SQL_CANDIDATES_COMMON_NAME,
	    [STORE_BY_REQUESTER] = SQL_CANDIDATES_REQUESTER,
	    [STORE_BY_REQUESTER_SID] = SQL_CANDIDATES_REQUESTER_SID,
	    [STORE_BY_REQUESTER_DN] = SQL_CANDIDATES_REQUESTER_DN,
	    [STORE_BY_SERIAL] = SQL_CANDIDATES_SERIAL,
	    [STORE_BY_CERTIFICATE_HASH] = SQL_CANDIDATES_HASH,
	};
	/* What is bound outlives the reading. */
	OWNED(buf_free) struct buf hash = {0};
	OWNED(own_memory) char *serial = NULL;
	OWNED(own_memory) char *name = is_name(by) ? match_key(value) : NULL;
	OWNED(reading_end) struct reading r = reading_begin(s, ids[by], err);

	*out = (struct store_requests){0};
	if (r.conn == NULL)
		return false;
	if (by == STORE_BY_SERIAL && !bind_serial(r.conn, r.id, value, &serial, err))
		return false;
	if (by == STORE_BY_CERTIFICATE_HASH && !bind_hash(r.conn, r.id, value, &hash, err))
		return false;
	if (serial == NULL && hash.len == 0)
		sql_bind_text(r.conn, r.id, 1, name != NULL ? name : value);
	sql_bind_int(r.conn, r.id, 2, after);
	sql_bind_int(r.conn, r.id, 3, CANDIDATES_MOST + 1);
	return row_collect(r.conn, r.id, CANDIDATES_MOST + 1, out, err);
}

bool
store_page_candidates(struct store *s, enum store_key by, const char *value, int64_t after,
    struct store_requests *out, struct err *err)
{
	if (!collect(s, by, value, after, out, err))
		return false;
	if (out->count > CANDIDATES_MOST) {
		store_request_free(&out->list[--out->count]);
		out->next = out->list[out->count - 1].request_id;
	}
	return true;
}

bool
store_find_candidates(struct store *s, enum store_key by, const char *value,
    struct store_requests *out, struct err *err)
{
	if (!store_page_candidates(s, by, value, 0, out, err))
		return false;
	if (out->next == 0)
		return true;
	store_requests_free(out);
	return err_set(err, DIRCA_E_TOO_LARGE,
	    "CA database: more than %d rows match; search by a serial number or a longer name",
	    CANDIDATES_MOST);
}
