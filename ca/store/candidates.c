/*
 * Recovery candidates: rows that have an archived key, by the names that people and certificates
 * have. (paper, "Finding Recovery Candidates"; [MS-CSRA] 3.1.4.2.9)
 */
#include <stdlib.h>

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

bool
store_find_candidates(struct store *s, enum store_key by, const char *value,
    struct store_requests *out, struct err *err)
{
	static const enum sql_id ids[] = {
	    [STORE_BY_UPN] = SQL_CANDIDATES_UPN,
	    [STORE_BY_COMMON_NAME] = SQL_CANDIDATES_COMMON_NAME,
	    [STORE_BY_REQUESTER] = SQL_CANDIDATES_REQUESTER,
	    [STORE_BY_REQUESTER_SID] = SQL_CANDIDATES_REQUESTER_SID,
	    [STORE_BY_SERIAL] = SQL_CANDIDATES_SERIAL,
	    [STORE_BY_CERTIFICATE_HASH] = SQL_CANDIDATES_HASH,
	};
	enum sql_id id = ids[by];
	struct conn *c = reader_take(s, err);
	struct buf hash = {0};
	char *serial = NULL;
	bool ok = false;

	*out = (struct store_requests){0};
	if (c == NULL)
		return false;
	if (by == STORE_BY_SERIAL)
		ok = bind_serial(c, id, value, &serial, err);
	else if (by == STORE_BY_CERTIFICATE_HASH)
		ok = bind_hash(c, id, value, &hash, err);
	else {
		sql_bind_text(c, id, 1, value);
		ok = true;
	}
	sql_bind_int(c, id, 2, CANDIDATES_MOST + 1);
	ok = ok && row_collect(c, id, CANDIDATES_MOST, out, err);
	sql_end(c, id);
	reader_give(s, c);
	buf_free(&hash);
	free(serial);
	return ok;
}
