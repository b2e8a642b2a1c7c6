/*
 * What certificate managers set for requests that wait: attributes and extensions of the
 * certificate ([MS-CSRA] 3.1.1.2, 3.1.1.3), apart from what the request itself says.
 */
#include <stdlib.h>
#include <string.h>

#include "store_priv.h"

#define VALUES_MOST 32
#define VALUE_MOST  2048
#define NAME_MOST   128
#define SET_BY_MOST 2048

static bool
check_value(const struct store_value *v, struct err *err)
{
	return text_check(v->name, NAME_MOST, "the name", err) &&
	       text_check(v->set_by, SET_BY_MOST, "SetBy", err) &&
	       (v->value.len <= VALUE_MOST ||
		   err_set(err, DIRCA_E_TOO_LARGE, "%s has %zu bytes and may have %d", v->name,
		       v->value.len, VALUE_MOST));
}

static void
bind_name(struct conn *c, enum sql_id id, int64_t request_id, const struct store_value *v)
{
	sql_bind_int(c, id, 1, request_id);
	sql_bind_int(c, id, 2, v->kind);
	sql_bind_text(c, id, 3, v->name);
}

/* For one more, unless it takes the place of another. */
static bool
check_room(struct conn *c, int64_t request_id, const struct store_value *v, struct err *err)
{
	bool ok;

	bind_name(c, SQL_COUNT_OTHER_VALUES, request_id, v);
	ok = sql_step(c, SQL_COUNT_OTHER_VALUES, err) == SQL_ROW;
	if (ok && sql_int(c, SQL_COUNT_OTHER_VALUES, 0) >= VALUES_MOST)
		ok = err_set(err, DIRCA_E_TOO_LARGE,
		    "request %lld has %d attributes and extensions of certificate managers "
		    "already; take one away",
		    (long long)request_id, VALUES_MOST);
	sql_end(c, SQL_COUNT_OTHER_VALUES);
	return ok;
}

bool
store_set_value(
    struct store_tx *tx, int64_t request_id, const struct store_value *v, struct err *err)
{
	struct conn *c = tx->conn;

	if (!check_value(v, err) || !check_room(c, request_id, v, err))
		return false;
	bind_name(c, SQL_SET_VALUE, request_id, v);
	sql_bind_int(c, SQL_SET_VALUE, 4, v->critical);
	sql_bind_blob(c, SQL_SET_VALUE, 5, buf_view(&v->value));
	sql_bind_text(c, SQL_SET_VALUE, 6, v->set_by);
	sql_bind_int(c, SQL_SET_VALUE, 7, v->set_when);
	return change_request(c, SQL_SET_VALUE, request_id, "given a value", err);
}

bool
store_drop_value(struct store_tx *tx, int64_t request_id, const struct store_value *v,
    bool *was_there_out, struct err *err)
{
	bind_name(tx->conn, SQL_DROP_VALUE, request_id, v);
	if (!sql_run(tx->conn, SQL_DROP_VALUE, err))
		return false;
	*was_there_out = sqlite3_changes(tx->conn->db) == 1;
	return true;
}

static bool
read_value(struct conn *c, enum sql_id id, struct store_value *out, struct err *err)
{
	out->kind = (enum store_value_kind)sql_int(c, id, 0);
	out->critical = sql_int(c, id, 2) != 0;
	out->set_when = sql_int(c, id, 5);
	return sql_text(c, id, 1, &out->name, err) && sql_blob(c, id, 3, &out->value, err) &&
	       sql_text(c, id, 4, &out->set_by, err);
}

static bool
read_values(
    struct conn *c, enum sql_id id, int64_t request_id, struct store_values *out, struct err *err)
{
	OWNED(store_values_free) struct store_values found = {0};
	enum sql_step step;

	sql_bind_int(c, id, 1, request_id);
	while ((step = sql_step(c, id, err)) == SQL_ROW) {
		found.list = mem_grow(found.list, found.count, sizeof *found.list);
		found.list[found.count] = (struct store_value){0};
		if (!read_value(c, id, &found.list[found.count++], err))
			return false;
	}
	if (step != SQL_DONE)
		return false;
	*out = found;
	found = (struct store_values){0};
	return true;
}

bool
store_list_values(struct store *s, int64_t request_id, struct store_values *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_VALUES, err);

	*out = (struct store_values){0};
	return r.conn != NULL && read_values(r.conn, r.id, request_id, out, err);
}

static bool
are_equal(const struct store_values *a, const struct store_values *b)
{
	bool equal = a->count == b->count;

	for (size_t i = 0; equal && i < a->count; i++)
		equal = a->list[i].kind == b->list[i].kind &&
			strcmp(a->list[i].name, b->list[i].name) == 0 &&
			a->list[i].critical == b->list[i].critical &&
			view_eq(buf_view(&a->list[i].value), buf_view(&b->list[i].value));
	return equal;
}

bool
store_values_stand(
    struct store_tx *tx, int64_t request_id, const struct store_values *values, struct err *err)
{
	OWNED(store_values_free) struct store_values now = {0};
	bool ok = read_values(tx->conn, SQL_VALUES, request_id, &now, err);

	sql_end(tx->conn, SQL_VALUES);
	return ok && (are_equal(&now, values) ||
			 err_set(err, DIRCA_E_CHANGED,
			     "what certificate managers set for request %lld was changed just now; "
			     "look, and decide again",
			     (long long)request_id));
}

void
store_values_free(struct store_values *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->list[i].name);
		free(v->list[i].set_by);
		buf_free(&v->list[i].value);
	}
	free(v->list);
	*v = (struct store_values){0};
}
