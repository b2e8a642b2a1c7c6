#include "bytes.h"

static bool
get_le(struct view *cursor, size_t len, uint64_t *out)
{
	uint64_t v = 0;

	if (cursor->len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)cursor->ptr[i] << (8 * i);
	cursor->ptr += len;
	cursor->len -= len;
	*out = v;
	return true;
}

static bool
put_le(struct buf *b, uint64_t v, size_t len, struct err *err)
{
	uint8_t raw[8];

	for (size_t i = 0; i < len; i++)
		raw[i] = (uint8_t)(v >> (8 * i));
	return buf_append(b, view_of(raw, len), err);
}

bool
bytes_get_u8(struct view *cursor, uint8_t *out)
{
	uint64_t v;

	if (!get_le(cursor, 1, &v))
		return false;
	*out = (uint8_t)v;
	return true;
}

bool
bytes_get_u16le(struct view *cursor, uint16_t *out)
{
	uint64_t v;

	if (!get_le(cursor, 2, &v))
		return false;
	*out = (uint16_t)v;
	return true;
}

bool
bytes_get_u32le(struct view *cursor, uint32_t *out)
{
	uint64_t v;

	if (!get_le(cursor, 4, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool
bytes_get_u64le(struct view *cursor, uint64_t *out)
{
	return get_le(cursor, 8, out);
}

bool
bytes_get(struct view *cursor, size_t len, struct view *out)
{
	if (cursor->len < len)
		return false;
	*out = view_of(cursor->ptr, len);
	cursor->ptr += len;
	cursor->len -= len;
	return true;
}

bool
bytes_put_u8(struct buf *b, uint8_t v, struct err *err)
{
	return put_le(b, v, 1, err);
}

bool
bytes_put_u16le(struct buf *b, uint16_t v, struct err *err)
{
	return put_le(b, v, 2, err);
}

bool
bytes_put_u32le(struct buf *b, uint32_t v, struct err *err)
{
	return put_le(b, v, 4, err);
}

bool
bytes_put_u64le(struct buf *b, uint64_t v, struct err *err)
{
	return put_le(b, v, 8, err);
}

void
bytes_reverse(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[len - 1 - i];
}
