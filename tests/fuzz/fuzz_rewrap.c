/* Batches of archived keys: the order, each entry, each share, and where one ends. What is read is
 * written again as it was. */
#include <stdint.h>
#include <stdlib.h>

#include "own.h"
#include "rewrap_order.h"
#include "rewrap_share.h"
#include "target.h"

static void
read_entry(struct view der)
{
	OWNED(rewrap_entry_free) struct rewrap_entry e = {0};
	OWNED(buf_free) struct buf again = {0};
	struct err err;

	if (rewrap_entry_decode(der, &e, &err) &&
	    (!rewrap_entry_encode(&e, &again, &err) || !view_eq(buf_view(&again), der)))
		abort();
}

static void
read_share(struct view der)
{
	OWNED(rewrap_share_free) struct rewrap_share s = {0};
	OWNED(buf_free) struct buf again = {0};
	struct err err;

	if (rewrap_share_decode(der, &s, &err) &&
	    (!rewrap_share_encode(&s, &again, &err) || !view_eq(buf_view(&again), der)))
		abort();
}

static void
read_order(struct view der)
{
	OWNED(buf_free) struct buf again = {0};
	struct rewrap_order o;
	struct err err;

	if (rewrap_order_decode(der, &o, &err) &&
	    (!rewrap_order_encode(&o, &again, &err) || !view_eq(buf_view(&again), der)))
		abort();
}

/* What an order says of entries is true of them. */
static void
read_batch(struct view entries)
{
	struct rewrap_order o = {.to_count = 1, .to = {{1}}, .gcm = true, .threshold = 1};
	struct err err;

	if (rewrap_order_count(&o, entries, &err) && !rewrap_order_covers(&o, entries, &err))
		abort();
}

int
target(const uint8_t *data, size_t size)
{
	struct view file = view_of(data, size), rest = file, first;
	struct err err;

	read_batch(file);
	while (rest.len > 0 && rewrap_entry_next(&rest, &first, &err)) {
		if (first.len == 0 || first.len + rest.len > size)
			abort();
		read_entry(first);
		read_share(first);
		read_order(first);
	}
	return 0;
}
