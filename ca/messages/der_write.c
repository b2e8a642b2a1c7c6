#include "der_write.h"

#include <limits.h>
#include <string.h>

#define LENGTH_MAX 5   /* octets of a length below 2^32 */
#define FIRST_ROOM 512 /* most structures need no more; small steps would copy those that do */

void
der_put(struct der_out *o, struct view encoded)
{
	struct err ignored;

	if (o->failed || encoded.len > INT_MAX - o->buf.len ||
	    (o->buf.cap == 0 && !buf_room(FIRST_ROOM, &o->buf, &ignored)) ||
	    !buf_append(&o->buf, encoded, &ignored))
		o->failed = true;
}

/* X.690 10.1, from behind: the number of octets, which end at `end`. */
static size_t
length_octets(size_t len, uint8_t *end)
{
	size_t count = 0;

	if (len < 0x80) {
		end[-1] = (uint8_t)len;
		return 1;
	}
	for (; len > 0; len >>= 8)
		*--end = (uint8_t)len, count++;
	end[-1] = (uint8_t)(0x80 | count);
	return count + 1;
}

void
der_put_element(struct der_out *o, uint8_t first, struct view content)
{
	uint8_t head[1 + LENGTH_MAX], *end = head + sizeof head;
	size_t count;

	if (o->failed || content.len > INT_MAX) {
		o->failed = true;
		return;
	}
	count = length_octets(content.len, end);
	*(end - count - 1) = first;
	der_put(o, view_of(end - count - 1, count + 1));
	der_put(o, content);
}

size_t
der_open(struct der_out *o, uint8_t first)
{
	const uint8_t head[2] = {first, 0};

	der_put(o, view_of(head, sizeof head));
	return o->buf.len;
}

void
der_close(struct der_out *o, size_t at)
{
	uint8_t octets[LENGTH_MAX], *end = octets + sizeof octets;
	size_t len, count;

	if (o->failed)
		return;
	len = o->buf.len - at;
	count = length_octets(len, end);
	der_put(o, view_of(octets, count - 1)); /* room */
	if (o->failed)
		return;
	memmove(o->buf.ptr + at + count - 1, o->buf.ptr + at, len);
	memcpy(o->buf.ptr + at - 1, end - count, count);
}

void
der_put_unsigned(struct der_out *o, struct view octets)
{
	const uint8_t zero = 0;
	size_t at = der_open(o, DER_INTEGER);

	while (octets.len > 0 && octets.ptr[0] == 0)
		octets = view_of(octets.ptr + 1, octets.len - 1);
	if (octets.len == 0 || (octets.ptr[0] & 0x80) != 0)
		der_put(o, view_of(&zero, 1));
	der_put(o, octets);
	der_close(o, at);
}

void
der_put_number(struct der_out *o, uint64_t number)
{
	uint8_t octets[sizeof number];

	for (size_t i = sizeof octets; i-- > 0; number >>= 8)
		octets[i] = (uint8_t)number;
	der_put_unsigned(o, view_of(octets, sizeof octets));
}

void
der_put_bits(struct der_out *o, struct view octets)
{
	const uint8_t unused = 0;
	size_t at = der_open(o, DER_BIT_STRING);

	der_put(o, view_of(&unused, 1));
	der_put(o, octets);
	der_close(o, at);
}

bool
der_done(struct der_out *o, struct buf *out, struct err *err)
{
	*out = (struct buf){0};
	if (o->failed)
		return err_nomem(err);
	*out = buf_give(&o->buf);
	return true;
}

void
der_out_free(struct der_out *o)
{
	buf_free(&o->buf);
}
