/*
 * Settings by their AD CS registry names, without regard to case as in the registry.
 */
#include <stdlib.h>

#include "store_priv.h"

#define NAME_MAX_LEN  256
#define VALUE_MAX_LEN 65536
#define ROOM_AT_FIRST 32

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
	struct conn *c = reader_take(s, err);
	bool ok = false;

	*out = NULL;
	if (c == NULL)
		return false;
	sql_bind_text(c, SQL_GET_SETTING, 1, name);
	switch (sql_step(c, SQL_GET_SETTING, err)) {
	case SQL_ROW:
		ok = sql_text(c, SQL_GET_SETTING, 0, out, err);
		break;
	case SQL_DONE:
		ok = true;
		break;
	case SQL_FAILED:
		break;
	}
	sql_end(c, SQL_GET_SETTING);
	reader_give(s, c);
	return ok;
}

static bool
grow(struct store_settings *s, size_t *room, struct err *err)
{
	char **p;

	if (s->count < *room)
		return true;
	*room = *room == 0 ? ROOM_AT_FIRST : *room * 2;
	if ((p = reallocarray(s->names, *room, sizeof *p)) == NULL)
		return err_nomem(err);
	s->names = p;
	if ((p = reallocarray(s->values, *room, sizeof *p)) == NULL)
		return err_nomem(err);
	s->values = p;
	return true;
}

static bool
read_pair(struct conn *c, struct store_settings *out, struct err *err)
{
	size_t i = out->count;

	if (!sql_text(c, SQL_LIST_SETTINGS, 0, &out->names[i], err))
		return false;
	if (!sql_text(c, SQL_LIST_SETTINGS, 1, &out->values[i], err)) {
		free(out->names[i]);
		return false;
	}
	out->count++;
	return true;
}

bool
store_list_settings(struct store *s, struct store_settings *out, struct err *err)
{
	struct conn *c = reader_take(s, err);
	enum sql_step step;
	size_t room = 0;
	bool ok = false;

	*out = (struct store_settings){0};
	if (c == NULL)
		return false;
	while ((step = sql_step(c, SQL_LIST_SETTINGS, err)) == SQL_ROW)
		if (!grow(out, &room, err) || !read_pair(c, out, err))
			goto out;
	ok = step == SQL_DONE;
out:
	sql_end(c, SQL_LIST_SETTINGS);
	reader_give(s, c);
	if (!ok)
		store_settings_free(out);
	return ok;
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
