#include "entry.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"
#include "own.h"
#include "mem.h"

/* Length of an attribute description without its options (RFC 4512 2.5). */
static size_t
base_len(const char *name)
{
	return strcspn(name, ";");
}

static struct dir_attr *
find_attr(const struct dir_entry *e, const char *name)
{
	size_t len = base_len(name);

	for (size_t i = 0; i < e->count; i++)
		if (strlen(e->attrs[i].name) == len &&
		    strncasecmp(e->attrs[i].name, name, len) == 0)
			return &e->attrs[i];
	return NULL;
}

const struct dir_attr *
dir_entry_attr(const struct dir_entry *e, const char *name)
{
	return find_attr(e, name);
}

bool
dir_attr_has(const struct dir_attr *a, struct view value)
{
	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (view_eq(buf_view(&a->values[i]), value))
			return true;
	return false;
}

bool
dir_entry_has_value_nocase(const struct dir_entry *e, const char *name, const char *value)
{
	const struct dir_attr *a = find_attr(e, name);
	size_t len = strlen(value);

	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (a->values[i].len == len &&
		    strncasecmp((const char *)a->values[i].ptr, value, len) == 0)
			return true;
	return false;
}

/* The one value of an attribute. */
static enum dir_get
single(const struct dir_entry *e, const char *name, struct view *out, struct err *err)
{
	const struct dir_attr *a = find_attr(e, name);

	if (a == NULL || a->count == 0)
		return DIR_GET_ABSENT;
	if (a->count > 1) {
		err_set(err, ERROR_INVALID_DATA,
		    "%s: attribute %s has %zu values where one is expected", e->dn, name, a->count);
		return DIR_GET_FAILED;
	}
	*out = buf_view(&a->values[0]);
	return DIR_GET_OK;
}

enum dir_get
dir_entry_text(const struct dir_entry *e, const char *name, char **out, struct err *err)
{
	struct view v;
	enum dir_get got = single(e, name, &v, err);
	char *text;

	if (got != DIR_GET_OK)
		return got;
	if (!text_from_view(v, &text, err)) {
		err_prefix(err, "%s: attribute %s", e->dn, name);
		return DIR_GET_FAILED;
	}
	*out = text;
	return DIR_GET_OK;
}

enum dir_get
dir_entry_int32(const struct dir_entry *e, const char *name, int32_t *out, struct err *err)
{
	OWNED(own_memory) char *text = NULL;
	enum dir_get got = dir_entry_text(e, name, &text, err);
	int64_t n;

	if (got != DIR_GET_OK)
		return got;
	if (!text_to_int(text, INT32_MIN, INT32_MAX, &n)) {
		err_set(err, ERROR_INVALID_DATA,
		    "%s: attribute %s: \"%s\" is not a signed 32-bit number", e->dn, name, text);
		return DIR_GET_FAILED;
	}
	*out = (int32_t)n;
	return DIR_GET_OK;
}

enum dir_get
dir_entry_bytes(const struct dir_entry *e, const char *name, struct view *out, struct err *err)
{
	return single(e, name, out, err);
}

bool
dir_entry_init(struct dir_entry *e, const char *dn, struct err *err)
{
	(void)err;
	*e = (struct dir_entry){.dn = mem_text(dn)};
	return true;
}

static struct dir_attr *
new_attr(struct dir_entry *e, const char *name)
{
	struct dir_attr *a;

	e->attrs = mem_grow(e->attrs, e->count, sizeof *e->attrs);
	a = &e->attrs[e->count++];
	*a = (struct dir_attr){.name = mem_text_n(name, base_len(name))};
	return a;
}

bool
dir_entry_add(struct dir_entry *e, const char *name, struct view value, struct err *err)
{
	struct dir_attr *a = find_attr(e, name);

	if (a == NULL)
		a = new_attr(e, name);
	a->values = mem_grow(a->values, a->count, sizeof *a->values);
	if (!buf_dup(value, &a->values[a->count], err))
		return false;
	a->count++;
	return true;
}

static void
attr_free(struct dir_attr *a)
{
	for (size_t k = 0; k < a->count; k++)
		buf_free(&a->values[k]);
	free(a->values);
	free(a->name);
	*a = (struct dir_attr){0};
}

bool
dir_entry_set(
    struct dir_entry *e, const char *name, const struct view *values, size_t count, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry fresh = {0};
	struct dir_attr *a = find_attr(e, name);

	for (size_t i = 0; i < count; i++)
		if (!dir_entry_add(&fresh, name, values[i], err))
			return false;
	if (a == NULL && count > 0)
		a = new_attr(e, name);
	if (a == NULL)
		return true;
	attr_free(a);
	if (count > 0) {
		*a = fresh.attrs[0];
		fresh.count = 0;
	} else {
		size_t at = (size_t)(a - e->attrs);

		e->count--;
		memmove(a, a + 1, (e->count - at) * sizeof *a);
	}
	return true;
}

bool
dir_entry_copy(const struct dir_entry *from, struct dir_entry *out, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry copy = {.dn = mem_text(from->dn)};

	*out = (struct dir_entry){0};
	for (size_t i = 0; i < from->count; i++)
		for (size_t k = 0; k < from->attrs[i].count; k++)
			if (!dir_entry_add(&copy, from->attrs[i].name,
				buf_view(&from->attrs[i].values[k]), err))
				return false;
	*out = copy;
	copy = (struct dir_entry){0};
	return true;
}

void
dir_entries_take(struct dir_entries *es, struct dir_entry *e)
{
	es->list = mem_grow(es->list, es->count, sizeof *es->list);
	es->list[es->count++] = *e;
	*e = (struct dir_entry){0};
}

void
dir_entry_free(struct dir_entry *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->count; i++)
		attr_free(&e->attrs[i]);
	free(e->attrs);
	free(e->dn);
	*e = (struct dir_entry){0};
}

void
dir_entries_free(struct dir_entries *es)
{
	if (es == NULL)
		return;
	for (size_t i = 0; i < es->count; i++)
		dir_entry_free(&es->list[i]);
	free(es->list);
	*es = (struct dir_entries){0};
}
