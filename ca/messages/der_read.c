#include "der_read.h"

#define LENGTH_MAX 4 /* octets of a length */

bool
der_extent(struct view from, struct der_extent *out)
{
	size_t octets, len = 0;

	if (from.len < 2 || (from.ptr[0] & 0x1f) == 0x1f)
		return false;
	if (from.ptr[1] < 0x80) {
		*out = (struct der_extent){2, from.ptr[1]};
		return out->content <= from.len - 2;
	}
	octets = from.ptr[1] & 0x7f;
	if (octets == 0 || octets > LENGTH_MAX || octets > from.len - 2 || from.ptr[2] == 0)
		return false;
	for (size_t i = 0; i < octets; i++)
		len = len << 8 | from.ptr[2 + i];
	*out = (struct der_extent){2 + octets, len};
	return len >= 0x80 && len <= from.len - out->header;
}

bool
der_take(struct view *cursor, uint8_t first, struct view *content_out)
{
	struct der_extent h;

	*content_out = (struct view){0};
	if (cursor->len == 0 || cursor->ptr[0] != first || !der_extent(*cursor, &h))
		return false;
	*content_out = view_of(cursor->ptr + h.header, h.content);
	*cursor = view_of(content_out->ptr + h.content, cursor->len - h.header - h.content);
	return true;
}

bool
der_take_number(struct view *cursor, struct view *octets_out)
{
	struct view rest = *cursor, number;

	*octets_out = (struct view){0};
	if (!der_take(&rest, DER_INTEGER, &number) || number.len == 0 || number.ptr[0] >= 0x80)
		return false;
	if (number.ptr[0] == 0) {
		number = view_of(number.ptr + 1, number.len - 1);
		if (number.len == 0 || number.ptr[0] < 0x80)
			return false;
	}
	*octets_out = number;
	*cursor = rest;
	return true;
}

bool
der_take_any(struct view *cursor, struct view *whole)
{
	struct der_extent h;

	if (!der_extent(*cursor, &h))
		return false;
	*whole = view_of(cursor->ptr, h.header + h.content);
	*cursor = view_of(cursor->ptr + whole->len, cursor->len - whole->len);
	return true;
}

bool
der_take_whole(struct view *cursor, uint8_t first, struct view *whole)
{
	*whole = (struct view){0};
	return cursor->len > 0 && cursor->ptr[0] == first && der_take_any(cursor, whole);
}

bool
der_take_time(struct view *cursor, struct view *whole)
{
	return der_take_whole(cursor, DER_UTC_TIME, whole) ||
	       der_take_whole(cursor, DER_GENERALIZED_TIME, whole);
}

bool
der_is_oid(struct view content)
{
	bool begins = true;

	for (size_t i = 0; i < content.len; i++) {
		if (begins && content.ptr[i] == 0x80)
			return false;
		begins = content.ptr[i] < 0x80;
	}
	return content.len > 0 && begins;
}
