#include "dir_change.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "mem.h"
#include "own.h"

static struct ldif_record *
new_record(struct ldif *plan, enum ldif_kind kind, const char *dn)
{
	plan->list = mem_grow(plan->list, plan->count, sizeof *plan->list);
	plan->list[plan->count] = (struct ldif_record){.kind = kind, .entry = {.dn = mem_text(dn)}};
	return &plan->list[plan->count++];
}

bool
plan_add(struct ldif *plan, const struct dir_entry *e, struct err *err)
{
	struct ldif_record *r = new_record(plan, LDIF_ADD, NULL);

	return dir_entry_copy(e, &r->entry, err);
}

/* One more modification, with copies of the values. */
static bool
add_mod(struct ldif_record *r, enum ldif_op op, const char *name, const struct buf *values,
    size_t count, struct err *err)
{
	struct ldif_mod *m;

	r->mods = mem_grow(r->mods, r->mod_count, sizeof *r->mods);
	m = &r->mods[r->mod_count++];
	*m = (struct ldif_mod){.op = op, .attr.name = mem_text(name)};
	if (count > 0)
		m->attr.values = mem_zero(count, sizeof *m->attr.values);
	for (; m->attr.count < count; m->attr.count++)
		if (!buf_dup(buf_view(&values[m->attr.count]), &m->attr.values[m->attr.count], err))
			return false;
	return true;
}

bool
plan_modify(struct ldif *plan, const char *dn, enum ldif_op op, const char *attr, struct view value,
    struct err *err)
{
	struct ldif_record *r = new_record(plan, LDIF_MODIFY, dn);
	OWNED(buf_free) struct buf copy = {0};

	return buf_dup(value, &copy, err) && add_mod(r, op, attr, &copy, 1, err);
}

static bool
has_value(const struct dir_attr *a, const struct buf *value)
{
	for (size_t i = 0; i < a->count; i++)
		if (view_eq(buf_view(&a->values[i]), buf_view(value)))
			return true;
	return false;
}

static bool
same_values(const struct dir_attr *a, const struct dir_attr *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!has_value(b, &a->values[i]))
			return false;
	return true;
}

static bool
is_one_of(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (text_eq_nocase(*names, name))
			return true;
	return false;
}

static bool
change_attr(struct ldif_record *r, const struct dir_attr *before, const struct dir_attr *after,
    bool guarded, struct err *err)
{
	if (before != NULL && after != NULL && same_values(before, after))
		return true;
	if (after == NULL)
		return add_mod(r, LDIF_OP_DELETE, before->name, before->values,
		    guarded ? before->count : 0, err);
	if (before == NULL)
		return add_mod(r, LDIF_OP_ADD, after->name, after->values, after->count, err);
	if (!guarded)
		return add_mod(r, LDIF_OP_REPLACE, after->name, after->values, after->count, err);
	return add_mod(r, LDIF_OP_DELETE, before->name, before->values, before->count, err) &&
	       add_mod(r, LDIF_OP_ADD, after->name, after->values, after->count, err);
}

static bool
differences(struct ldif_record *r, const struct dir_entry *before, const struct dir_entry *after,
    const char *const *guards, struct err *err)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct dir_attr *a = &after->attrs[i];

		if (!change_attr(
			r, dir_entry_attr(before, a->name), a, is_one_of(guards, a->name), err))
			return false;
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct dir_attr *a = &before->attrs[i];

		if (dir_entry_attr(after, a->name) == NULL &&
		    !change_attr(r, a, NULL, is_one_of(guards, a->name), err))
			return false;
	}
	return true;
}

bool
plan_difference(struct ldif *plan, const struct dir_entry *before, const struct dir_entry *after,
    const char *const *guards, struct err *err)
{
	struct ldif_record *r = new_record(plan, LDIF_MODIFY, before->dn);

	if (!differences(r, before, after, guards, err))
		return false;
	if (r->mod_count == 0) {
		dir_entry_free(&r->entry);
		plan->count--;
	}
	return true;
}

bool
plan_print(const struct ldif *plan, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!ldif_append_change(out, &plan->list[i], err))
			return false;
	return true;
}

bool
plan_run(struct dir_conn *c, const struct ldif *plan, struct err *err)
{
	size_t sent = 0;
	struct err ignored;

	while (sent < plan->count && plan_send(c, &plan->list[sent], err))
		sent++;
	if (sent == plan->count)
		return true;
	while (sent-- > 0)
		if (plan->list[sent].kind == LDIF_ADD)
			dir_delete(c, plan->list[sent].entry.dn, &ignored);
	return false;
}
