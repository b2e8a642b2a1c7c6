/*
 * CRLs, and the rows that go into the next one.
 */
#include <stdlib.h>

#include "store_priv.h"

#define CRL_MAX ((size_t)128 * 1024 * 1024)

/* RFC 5280 5.2.3: numbers only grow. Asked first: an INSERT that selects from its own table would
 * hold several copies of the CRL in memory. */
static bool
check_number(struct conn *c, int64_t number, struct err *err)
{
	bool read = sql_step(c, SQL_LAST_CRL_NUMBER, err) == SQL_ROW;
	int64_t last = read ? sql_int(c, SQL_LAST_CRL_NUMBER, 0) : 0;

	sql_end(c, SQL_LAST_CRL_NUMBER);
	return read && (number > last ||
			   err_set(err, ERROR_FILE_EXISTS,
			       "CRL %lld cannot be stored: there is one with this number or a "
			       "greater one; CRL numbers only grow",
			       (long long)number));
}

bool
store_add_crl(struct store_tx *tx, const struct store_new_crl *crl, struct err *err)
{
	struct conn *c = tx->conn;

	if (crl->der.len == 0 || crl->der.len > CRL_MAX)
		return err_set(err, crl->der.len == 0 ? E_INVALIDARG : DIRCA_E_TOO_LARGE,
		    "CRL %lld cannot be stored: it has %zu bytes", (long long)crl->number,
		    crl->der.len);
	if (!check_number(c, crl->number, err))
		return false;
	sql_bind_int(c, SQL_ADD_CRL, 1, crl->name_id);
	sql_bind_int(c, SQL_ADD_CRL, 2, crl->number);
	sql_bind_int(c, SQL_ADD_CRL, 3, crl->this_update);
	sql_bind_int(c, SQL_ADD_CRL, 4, crl->next_update);
	sql_bind_blob(c, SQL_ADD_CRL, 5, crl->der);
	return sql_run(c, SQL_ADD_CRL, err);
}

void
store_crl_free(struct store_crl *c)
{
	buf_free(&c->der);
}

static bool
newest_crl(
    struct store *s, enum sql_id id, uint32_t key_index, struct store_crl *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, id, err);
	enum sql_step step;

	*out = (struct store_crl){0};
	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, key_index);
	if ((step = sql_step(r.conn, r.id, err)) == SQL_FAILED)
		return false;
	if (step == SQL_DONE)
		return true;
	out->name_id = (uint32_t)sql_int(r.conn, r.id, 0);
	out->number = sql_int(r.conn, r.id, 1);
	out->this_update = sql_int(r.conn, r.id, 2);
	out->next_update = sql_int(r.conn, r.id, 3);
	out->size = (size_t)sql_int(r.conn, r.id, 4);
	return id == SQL_NEWEST_CRL_DATES || sql_blob(r.conn, r.id, 5, &out->der, err);
}

bool
store_newest_crl_dates(struct store *s, uint32_t key_index, struct store_crl *out, struct err *err)
{
	return newest_crl(s, SQL_NEWEST_CRL_DATES, key_index, out, err);
}

bool
store_newest_crl(struct store *s, uint32_t key_index, struct store_crl *out, struct err *err)
{
	return newest_crl(s, SQL_NEWEST_CRL, key_index, out, err);
}

bool
store_last_crl_number(struct store *s, int64_t *number_out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_LAST_CRL_NUMBER, err);

	*number_out = 0;
	if (r.conn == NULL || sql_step(r.conn, r.id, err) != SQL_ROW)
		return false;
	*number_out = sql_int(r.conn, r.id, 0);
	return true;
}

bool
store_walk_crls(struct store *s, store_crl_each *each, void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_ALL_CRLS, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW) {
		OWNED(buf_free) struct buf crl = {0};

		if (!sql_blob(r.conn, r.id, 2, &crl, err) ||
		    !each(sql_int(r.conn, r.id, 0), sql_int(r.conn, r.id, 1), buf_view(&crl), arg,
			err))
			return false;
	}
	return step == SQL_DONE;
}

static bool
give_revoked(struct reading *r, store_revoked_each *each, void *arg, struct err *err)
{
	OWNED(own_memory) char *serial = NULL;

	if (!sql_text(r->conn, r->id, 0, &serial, err))
		return false;
	const struct store_revoked row = {.serial = serial,
	    .when = sql_int(r->conn, r->id, 1),
	    .reason = (int)sql_int(r->conn, r->id, 2)};

	return each(&row, arg, err);
}

bool
store_walk_revoked(struct store *s, uint32_t issuer, int64_t now, store_revoked_each *each,
    void *arg, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_REVOKED, err);
	enum sql_step step;

	if (r.conn == NULL)
		return false;
	sql_bind_int(r.conn, r.id, 1, now);
	sql_bind_int(r.conn, r.id, 2, issuer);
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW)
		if (!give_revoked(&r, each, arg, err))
			return false;
	return step == SQL_DONE;
}
