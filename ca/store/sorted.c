/*
 * Lists in the order of a column. The index of the column gives the ids of a page, behind the place
 * where the page before ended: the value that its last row had then, and its id. Rows that come or
 * change meanwhile move no others.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "store_priv.h"

struct sorted_column {
	const char *name;
	enum column_kind kind;
	size_t offset;
	enum sql_id first;
};

static const struct sorted_column columns[STORE_SORTS] = {
#define SORTED_COLUMN(NAME, kind, column, member, json) \
	[STORE_SORT_##NAME] = {                         \
	    json, kind, offsetof(struct store_request, member), SQL_SORT_##NAME##_SAME_UP},
    SORTED_COLUMNS(SORTED_COLUMN)
#undef SORTED_COLUMN
};

/* How SQL_SORTED_BY lays its statements out. */
enum { BEHIND = 1, DOWN = 2, OF_REQUESTER = 4 };
#define SORTED_LAYOUT(NAME, kind, column, member, json)                                          \
	_Static_assert(                                                                          \
	    SQL_SORT_##NAME##_UP == SQL_SORT_##NAME##_SAME_UP + BEHIND &&                        \
		SQL_SORT_##NAME##_SAME_DOWN == SQL_SORT_##NAME##_SAME_UP + DOWN &&               \
		SQL_REQUESTER_SORT_##NAME##_SAME_UP == SQL_SORT_##NAME##_SAME_UP + OF_REQUESTER, \
	    "statements of " json);
SORTED_COLUMNS(SORTED_LAYOUT)

bool
store_sort_find(const char *name, enum store_sort *out)
{
	for (int i = STORE_SORT_ID; i < STORE_SORTS; i++)
		if (strcmp(store_sort_name((enum store_sort)i), name) == 0) {
			*out = (enum store_sort)i;
			return true;
		}
	return false;
}

const char *
store_sort_name(enum store_sort sort)
{
	return sort == STORE_SORT_ID ? "request_id" : columns[sort].name;
}

enum column_kind
store_sort_kind(enum store_sort sort)
{
	return columns[sort].kind;
}

struct store_sort_value
store_sort_value(const struct store_request *row, enum store_sort sort)
{
	const void *member = (const char *)row + columns[sort].offset;

	switch (columns[sort].kind) {
	case COL_TEXT:
		return (struct store_sort_value){.text = *(char *const *)member};
	case COL_DISPOSITION:
		return (struct store_sort_value){.number = *(const enum disposition *)member};
	default:
		return (struct store_sort_value){.number = *(const int64_t *)member};
	}
}

struct ids {
	int64_t *list;
	size_t count;
};

static void
ids_free(struct ids *ids)
{
	free(ids->list);
	*ids = (struct ids){0};
}

/* What a list finds next: rows of one value behind an id, or of values behind that. */
struct part {
	bool behind;
	struct store_sort_value value;
	bool from_first; /* instead of the value, or of the id */
	int64_t id;
};

static void
bind_value(struct conn *c, enum sql_id id, const struct store_filter *f, const struct part *p)
{
	bool text = columns[f->sort].kind == COL_TEXT;

	if (p->behind && p->from_first) {
		if (!text)
			sql_bind_int(c, id, 1, f->newest_first ? INT64_MAX : INT64_MIN);
		else if (f->newest_first)
			sql_bind_blob(c, id, 1, view_str("x")); /* greater than any text */
		else
			sql_bind_text(c, id, 1, "");
	} else if (text) {
		sql_bind_text(c, id, 1, p->value.text);
	} else if (p->value.number != 0) {
		sql_bind_int(c, id, 1, p->value.number);
	}
}

/* Until there are `limit` ids. */
static bool
find_part(struct conn *c, const struct store_filter *f, const struct part *p, int limit,
    struct ids *out, struct err *err)
{
	enum sql_id id = (enum sql_id)((int)columns[f->sort].first + (p->behind ? BEHIND : 0) +
				       (f->newest_first ? DOWN : 0) +
				       (f->requester_name != NULL ? OF_REQUESTER : 0));
	OWNED(own_memory)
	char *requester = f->requester_name != NULL ? match_key(f->requester_name) : NULL;
	enum sql_step step;

	if (out->count >= (size_t)limit)
		return true;
	if (!sql_prepare_seldom(c, id, err))
		return false;
	bind_value(c, id, f, p);
	if (!p->behind)
		sql_bind_int(c, id, 2, p->from_first && f->newest_first ? INT64_MAX : p->id);
	sql_bind_int(c, id, 3, f->disposition);
	sql_bind_int(c, id, 4, limit - (int64_t)out->count);
	if (requester != NULL)
		sql_bind_text(c, id, 5, requester);
	while ((step = sql_step(c, id, err)) == SQL_ROW) {
		out->list = mem_grow_long(out->list, out->count, sizeof *out->list);
		out->list[out->count++] = sql_int(c, id, 0);
	}
	sql_end(c, id);
	return step == SQL_DONE;
}

/* What of the value is left, what comes behind it, and what has none. */
static bool
find_page(struct conn *c, const struct store_filter *f, int limit, struct ids *out, struct err *err)
{
	bool begins = f->after_id == 0;
	bool absent = !begins && f->after_value.text == NULL && f->after_value.number == 0;
	const struct part same = {.value = f->after_value, .id = f->after_id},
			  behind = {.behind = true, .value = f->after_value, .from_first = begins},
			  without = {.from_first = true};

	return (begins || find_part(c, f, &same, limit, out, err)) &&
	       (absent || (find_part(c, f, &behind, limit, out, err) &&
			      find_part(c, f, &without, limit, out, err)));
}

static bool
read_rows(struct conn *c, const struct ids *ids, struct store_requests *out, struct err *err)
{
	out->list = mem_zero(ids->count, sizeof *out->list);
	for (size_t i = 0; i < ids->count; i++) {
		bool ok;

		sql_bind_int(c, SQL_LIST_ONE, 1, ids->list[i]);
		ok = sql_step(c, SQL_LIST_ONE, err) == SQL_ROW &&
		     row_read(c, SQL_LIST_ONE, false, &out->list[out->count], err);
		sql_end(c, SQL_LIST_ONE);
		if (!ok)
			return false;
		out->count++;
	}
	return true;
}

bool
sorted_list(struct store *s, const struct store_filter *f, int limit, struct store_requests *out,
    struct err *err)
{
	OWNED(reading_end) struct reading r = reading_begin(s, SQL_LIST_ONE, err);
	OWNED(store_requests_free) struct store_requests rows = {0};
	OWNED(ids_free) struct ids ids = {0};

	/* One picture: what gets a value between two statements must be in one of them. */
	if (r.conn == NULL || !sql_run(r.conn, SQL_BEGIN_READ, err) ||
	    !find_page(r.conn, f, limit, &ids, err) || !read_rows(r.conn, &ids, &rows, err) ||
	    !sql_run(r.conn, SQL_COMMIT, err))
		return false;
	*out = rows;
	rows = (struct store_requests){0};
	return true;
}
