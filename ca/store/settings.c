/*
 * Settings by their AD CS registry names, without regard to case as in the registry.
 */
#include <stdlib.h>

#include "store_priv.h"

#define NAME_MAX_LEN  256
#define VALUE_MAX_LEN 65536

bool
store_set_setting(struct store_tx *tx, const char *name, const char *value, struct err *err)
{
	struct conn *c = tx->conn;

	if (*name == '\0')
		return err_set(err, E_INVALIDARG, "a setting without a name cannot be stored");
	if (!text_check(name, NAME_MAX_LEN, "the name of a setting", err) ||
	    !text_check(value, VALUE_MAX_LEN, name, err))
		return false;
	if (value == NULL) {
		sql_bind_text(c, SQL_DELETE_SETTING, 1, name);
		return sql_run(c, SQL_DELETE_SETTING, err);
	}
	sql_bind_text(c, SQL_SET_SETTING, 1, name);
	sql_bind_text(c, SQL_SET_SETTING, 2, value);
	return sql_run(c, SQL_SET_SETTING, err);
}

bool
store_get_setting(struct store *s, const char *name, char **out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_GET_SETTING, err);
	enum sql_step step;

	*out = NULL;
	if (r.conn == NULL)
		return false;
	sql_bind_text(r.conn, r.id, 1, name);
	if ((step = sql_step(r.conn, r.id, err)) == SQL_ROW)
		return sql_text(r.conn, r.id, 0, out, err);
	return step == SQL_DONE;
}

static bool
read_pair(struct conn *c, struct store_settings *out, struct err *err)
{
	OWNED(own_memory) char *name = NULL;
	OWNED(own_memory) char *value = NULL;

	if (!sql_text(c, SQL_LIST_SETTINGS, 0, &name, err) ||
	    !sql_text(c, SQL_LIST_SETTINGS, 1, &value, err))
		return false;
	out->names = mem_grow_long(out->names, out->count, sizeof *out->names);
	out->values = mem_grow_long(out->values, out->count, sizeof *out->values);
	out->names[out->count] = own_give(&name);
	out->values[out->count++] = own_give(&value);
	return true;
}

bool
store_list_settings(struct store *s, struct store_settings *out, struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_LIST_SETTINGS, err);
	OWNED(store_settings_free) struct store_settings all = {0};
	enum sql_step step;

	*out = all;
	if (r.conn == NULL)
		return false;
	while ((step = sql_step(r.conn, r.id, err)) == SQL_ROW)
		if (!read_pair(r.conn, &all, err))
			return false;
	if (step != SQL_DONE)
		return false;
	*out = all;
	all = (struct store_settings){0};
	return true;
}

void
store_settings_free(struct store_settings *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->names[i]);
		free(s->values[i]);
	}
	free(s->names);
	free(s->values);
	*s = (struct store_settings){0};
}
