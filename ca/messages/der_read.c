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

/* Two digits. */
static bool
take_two(struct view *text, int least, int most, int *out)
{
	*out = 0;
	for (int i = 0; i < 2; i++) {
		if (text->len == 0 || text->ptr[0] < '0' || text->ptr[0] > '9')
			return false;
		*out = *out * 10 + text->ptr[0] - '0';
		*text = view_of(text->ptr + 1, text->len - 1);
	}
	return *out >= least && *out <= most;
}

static bool
take_year(struct view *text, bool is_short, int *out)
{
	int century = 0, year;

	if ((!is_short && !take_two(text, 0, 99, &century)) || !take_two(text, 0, 99, &year))
		return false;
	if (is_short)
		century = year < 50 ? 20 : 19;
	*out = century * 100 + year;
	return true;
}

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* From 1970-01-01 on; the months before this one of this year, and the day in it. */
static int64_t
days_until(int year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t last = year - 1;

	return last * 365 + last / 4 - last / 100 + last / 400 - 719162 + before[month - 1] +
	       (month > 2 && is_leap(year)) + day - 1;
}

static int
last_day(int year, int month)
{
	if (month == 2)
		return is_leap(year) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

#define FIRST_LONG_YEAR 2050

/* [YY]YYMMDDhhmmssZ. */
static bool
read_when(struct view t, bool is_short, int first_year, int64_t *when_out)
{
	int year, month, day, hour, minute, second;

	*when_out = 0;
	if (!take_year(&t, is_short, &year) || year < first_year || !take_two(&t, 1, 12, &month) ||
	    !take_two(&t, 1, last_day(year, month), &day) || !take_two(&t, 0, 23, &hour) ||
	    !take_two(&t, 0, 59, &minute) || !take_two(&t, 0, 59, &second) || t.len != 1 ||
	    t.ptr[0] != 'Z')
		return false;
	*when_out = ((days_until(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
	return true;
}

bool
der_time(struct view whole, int64_t *when_out)
{
	struct view t;

	*when_out = 0;
	if (der_take(&whole, DER_UTC_TIME, &t))
		return whole.len == 0 && read_when(t, true, 1, when_out);
	return der_take(&whole, DER_GENERALIZED_TIME, &t) && whole.len == 0 &&
	       read_when(t, false, FIRST_LONG_YEAR, when_out);
}

bool
der_long_time(struct view content, int64_t *when_out)
{
	return read_when(content, false, 1, when_out);
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
