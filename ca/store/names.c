/*
 * Names that are found by more spellings than SQLite's NOCASE knows: those with other letters than
 * ASCII's, blanks beside blanks, characters that do not show. Beside the columns, a table holds
 * their one spelling (base/match.h); all others are found by the columns, whose collation comes to
 * the same. A search asks both by the one spelling of what was typed.
 */
#include <stdlib.h>

#include "match.h"
#include "store_priv.h"

static bool
keep(struct conn *c, int64_t request_id, enum name_kind kind, const char *text, struct err *err)
{
	OWNED(own_memory) char *key = text != NULL ? match_key_beyond_ascii(text) : NULL;

	if (key == NULL)
		return true;
	sql_bind_int(c, SQL_ADD_MATCH_NAME, 1, kind);
	sql_bind_text(c, SQL_ADD_MATCH_NAME, 2, key);
	sql_bind_int(c, SQL_ADD_MATCH_NAME, 3, request_id);
	return sql_run(c, SQL_ADD_MATCH_NAME, err);
}

bool
names_keep(struct conn *c, int64_t request_id, const struct store_request *r, struct err *err)
{
	return keep(c, request_id, NAME_UPN, r->upn, err) &&
	       keep(c, request_id, NAME_COMMON, r->common_name, err) &&
	       keep(c, request_id, NAME_REQUESTER, r->requester_name, err) &&
	       keep(c, request_id, NAME_REQUESTER_DN, r->requester_dn, err);
}

/* match_name(text): its key, NULL where the columns suffice. */
static void
match_name(sqlite3_context *ctx, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	OWNED(own_memory) char *key = text != NULL ? match_key_beyond_ascii(text) : NULL;

	(void)count;
	if (key != NULL)
		sqlite3_result_text(ctx, key, -1, SQLITE_TRANSIENT);
}

bool
names_function(struct conn *c, struct err *err)
{
	return sqlite3_create_function_v2(c->db, "match_name", 1,
		   SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, match_name, NULL,
		   NULL, NULL) == SQLITE_OK ||
	       sql_error(c, "a function cannot be made", err);
}
