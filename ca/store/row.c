/*
 * Between struct store_request and the columns of columns.h.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "store_priv.h"
#include "text.h"

struct column {
	const char *name;
	enum column_kind kind;
	size_t offset;
	size_t most;
};

#define COLUMN_ROW(kind, column, member, most, json) \
	{#column, kind, offsetof(struct store_request, member), most},
static const struct column request_columns[] = {REQUEST_COLUMNS(COLUMN_ROW)};
static const struct column revocation_columns[] = {REVOCATION_COLUMNS(COLUMN_ROW)};
static const struct column certificate_columns[] = {CERTIFICATE_COLUMNS(COLUMN_ROW)};
static const struct column big_columns[] = {BIG_COLUMNS(COLUMN_ROW)};

/* The kinds are read and written as these types. */
_Static_assert(sizeof(enum disposition) == sizeof(uint32_t), "Disposition is bound as 32 bits");
_Static_assert(sizeof(int) == sizeof(int32_t), "int members are bound as I32");

static bool
check_size(size_t len, size_t most, const char *what, struct err *err)
{
	return len <= most ||
	       err_set(err, DIRCA_E_TOO_LARGE, "CA database: %s has %zu bytes and may have %zu",
		   what, len, most);
}

bool
text_check(const char *text, size_t most, const char *what, struct err *err)
{
	if (text == NULL)
		return true;
	if (!check_size(strlen(text), most, what, err))
		return false;
	return text_is_utf8(view_str(text)) ||
	       err_set(err, ERROR_INVALID_DATA, "CA database: %s is not UTF-8", what);
}

static bool
check_columns(
    const struct column *list, size_t count, const struct store_request *r, struct err *err)
{
	for (const struct column *c = list; c < list + count; c++) {
		const void *member = (const char *)r + c->offset;

		if (c->kind == COL_TEXT &&
		    !text_check(*(char *const *)member, c->most, c->name, err))
			return false;
		if (c->kind == COL_BLOB &&
		    !check_size(((const struct buf *)member)->len, c->most, c->name, err))
			return false;
	}
	return true;
}

bool
row_check(const struct store_request *r, struct err *err)
{
	return check_columns(request_columns, COUNT_OF(request_columns), r, err) &&
	       check_columns(certificate_columns, COUNT_OF(certificate_columns), r, err) &&
	       check_columns(big_columns, COUNT_OF(big_columns), r, err);
}

static void
bind_int_or_null(struct conn *c, enum sql_id id, int at, int64_t v)
{
	if (v != 0)
		sql_bind_int(c, id, at, v);
}

static void
bind_text_or_null(struct conn *c, enum sql_id id, int at, const char *text)
{
	if (text != NULL && *text != '\0')
		sql_bind_text(c, id, at, text);
}

static void
bind_column(
    struct conn *c, enum sql_id id, int at, const struct column *col, const struct store_request *r)
{
	const void *member = (const char *)r + col->offset;

	switch (col->kind) {
	case COL_U32:
	case COL_DISPOSITION:
		bind_int_or_null(c, id, at, *(const uint32_t *)member);
		break;
	case COL_VERSION:
		sql_bind_int(c, id, at, *(const uint32_t *)member);
		break;
	case COL_I32:
	case COL_STATUS:
		bind_int_or_null(c, id, at, *(const int32_t *)member);
		break;
	case COL_WHEN:
		bind_int_or_null(c, id, at, *(const int64_t *)member);
		break;
	case COL_REASON:
		sql_bind_int(c, id, at, *(const int32_t *)member);
		break;
	case COL_TEXT:
		bind_text_or_null(c, id, at, *(char *const *)member);
		break;
	case COL_BLOB:
		sql_bind_blob(c, id, at, buf_view(member));
		break;
	}
}

static int
bind_columns(struct conn *c, enum sql_id id, int at, const struct column *list, size_t count,
    const struct store_request *r)
{
	for (size_t i = 0; i < count; i++)
		bind_column(c, id, at++, &list[i], r);
	return at;
}

int
row_bind_request(struct conn *c, enum sql_id id, int at, const struct store_request *r)
{
	return bind_columns(c, id, at, request_columns, COUNT_OF(request_columns), r);
}

int
row_bind_revocation(struct conn *c, enum sql_id id, int at, const struct store_request *r)
{
	/* A row that is not revoked has revoked_reason 0 when its caller wrote {0}, which would be
	 * a reason. */
	if (r->disposition != DISP_REVOKED)
		return at + (int)COUNT_OF(revocation_columns);
	return bind_columns(c, id, at, revocation_columns, COUNT_OF(revocation_columns), r);
}

int
row_bind_big(struct conn *c, enum sql_id id, int at, const struct store_request *r)
{
	return bind_columns(c, id, at, big_columns, COUNT_OF(big_columns), r);
}

int
row_bind_certificate(struct conn *c, enum sql_id id, int at, const struct store_request *r)
{
	return bind_columns(c, id, at, certificate_columns, COUNT_OF(certificate_columns), r);
}

static bool
read_column(struct conn *c, enum sql_id id, int at, const struct column *col,
    struct store_request *r, struct err *err)
{
	void *member = (char *)r + col->offset;

	switch (col->kind) {
	case COL_U32:
	case COL_VERSION:
	case COL_DISPOSITION:
		*(uint32_t *)member = (uint32_t)sql_int(c, id, at);
		return true;
	case COL_I32:
	case COL_STATUS:
		*(int32_t *)member = (int32_t)sql_int(c, id, at);
		return true;
	case COL_WHEN:
		*(int64_t *)member = sql_int(c, id, at);
		return true;
	case COL_REASON:
		*(int32_t *)member = sql_null(c, id, at) ? -1 : (int32_t)sql_int(c, id, at);
		return true;
	case COL_TEXT:
		return sql_text(c, id, at, member, err);
	case COL_BLOB:
		return sql_blob(c, id, at, member, err);
	}
	return false;
}

static bool
read_columns(struct conn *c, enum sql_id id, int *at, const struct column *list, size_t count,
    struct store_request *r, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!read_column(c, id, (*at)++, &list[i], r, err))
			return false;
	return true;
}

/* The order is that of SQL_LIST_COLUMNS and SQL_WHOLE. */
bool
row_read(struct conn *c, enum sql_id id, bool whole, struct store_request *out, struct err *err)
{
	int at = 2;

	*out = (struct store_request){
	    .request_id = sql_int(c, id, 0), .has_archived_key = sql_int(c, id, 1) != 0};
	if (read_columns(c, id, &at, request_columns, COUNT_OF(request_columns), out, err) &&
	    read_columns(c, id, &at, revocation_columns, COUNT_OF(revocation_columns), out, err) &&
	    read_columns(
		c, id, &at, certificate_columns, COUNT_OF(certificate_columns), out, err) &&
	    (!whole || read_columns(c, id, &at, big_columns, COUNT_OF(big_columns), out, err)))
		return true;
	store_request_free(out);
	return false;
}

bool
row_collect(
    struct conn *c, enum sql_id id, size_t most, struct store_requests *out, struct err *err)
{
	OWNED(store_requests_free) struct store_requests rs = {0};
	enum sql_step step;

	*out = rs;
	while ((step = sql_step(c, id, err)) == SQL_ROW) {
		if (rs.count == most)
			return err_set(err, DIRCA_E_TOO_LARGE,
			    "CA database: more than %zu rows match; search by a serial number or a "
			    "longer name",
			    most);
		rs.list = mem_grow_long(rs.list, rs.count, sizeof *rs.list);
		if (!row_read(c, id, false, &rs.list[rs.count], err))
			return false;
		rs.count++;
	}
	if (step != SQL_DONE)
		return false;
	*out = rs;
	rs = (struct store_requests){0};
	return true;
}

static void
free_columns(const struct column *list, size_t count, struct store_request *r)
{
	for (const struct column *c = list; c < list + count; c++) {
		void *member = (char *)r + c->offset;

		if (c->kind == COL_TEXT)
			free(*(char **)member);
		else if (c->kind == COL_BLOB)
			buf_free(member);
	}
}

void
store_request_free(struct store_request *r)
{
	free_columns(request_columns, COUNT_OF(request_columns), r);
	free_columns(certificate_columns, COUNT_OF(certificate_columns), r);
	free_columns(big_columns, COUNT_OF(big_columns), r);
	*r = (struct store_request){0};
}

void
store_requests_free(struct store_requests *rs)
{
	for (size_t i = 0; i < rs->count; i++)
		store_request_free(&rs->list[i]);
	free(rs->list);
	*rs = (struct store_requests){0};
}

bool
serial_canonical(const char *text, char **out, struct err *err)
{
	OWNED(buf_free) struct buf bytes = {0};
	size_t zeros = 0;

	*out = NULL;
	if (!hex_decode(text, &bytes, err))
		return err_prefix(err, "serial number");
	while (zeros + 1 < bytes.len && bytes.ptr[zeros] == 0)
		zeros++;
	*out = hex_encode(view_of(bytes.ptr + zeros, bytes.len - zeros), '\0');
	return true;
}
