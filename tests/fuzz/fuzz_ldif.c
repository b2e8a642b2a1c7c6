/* LDIF files: whatever is read as entries is written and read again as the same entries. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dir_ldif.h"
#include "target.h"

static bool
attrs_equal(const struct dir_attr *a, const struct dir_attr *b)
{
	bool same = strcmp(a->name, b->name) == 0 && a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = view_eq(buf_view(&a->values[i]), buf_view(&b->values[i]));
	return same;
}

static void
check_entry(const struct dir_entry *e)
{
	struct buf text = {0};
	struct ldif again;
	const struct dir_entry *got;
	struct err err;

	require(ldif_append_entry(&text, e, &err));
	require(ldif_parse(buf_view(&text), &again, &err));
	require(again.count == 1 && again.list[0].kind == LDIF_ADD);
	got = &again.list[0].entry;
	require(strcmp(got->dn, e->dn) == 0 && got->count == e->count);
	for (size_t i = 0; i < e->count; i++)
		require(attrs_equal(&got->attrs[i], &e->attrs[i]));
	ldif_free(&again);
	buf_free(&text);
}

int
target(const uint8_t *data, size_t size)
{
	struct ldif ldif;
	struct err err;

	if (!ldif_parse(view_of(data, size), &ldif, &err))
		return 0;
	for (size_t i = 0; i < ldif.count; i++)
		if (ldif.list[i].kind == LDIF_ADD)
			check_entry(&ldif.list[i].entry);
	ldif_free(&ldif);
	return 0;
}
