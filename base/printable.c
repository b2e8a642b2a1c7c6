#include "printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "utf8.h"

/* Cc, Cf, Zl, Zp and U+FDD0..U+FDEF of Unicode 15.0, ascending. Between tag characters and
 * invisible operators a few that are not assigned are taken along: they are to be ignored when
 * shown, too. */
static const struct {
	uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001f},
    {0x007f, 0x009f},
    {0x00ad, 0x00ad},
    {0x0600, 0x0605},
    {0x061c, 0x061c},
    {0x06dd, 0x06dd},
    {0x070f, 0x070f},
    {0x0890, 0x0891},
    {0x08e2, 0x08e2},
    {0x180e, 0x180e},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x206f},
    {0xfdd0, 0xfdef},
    {0xfeff, 0xfeff},
    {0xfff9, 0xfffb},
    {0x110bd, 0x110bd},
    {0x110cd, 0x110cd},
    {0x13430, 0x1343f},
    {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a},
    {0xe0000, 0xe007f},
};

bool
printable_character(uint32_t code_point)
{
	size_t low = 0, high = sizeof hidden / sizeof hidden[0];

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (code_point > hidden[middle].last)
			low = middle + 1;
		else if (code_point < hidden[middle].first)
			high = middle;
		else
			return false;
	}
	return (code_point & 0xfffe) != 0xfffe; /* the last two of every plane */
}

/* How many octets at the beginning are ASCII that is shown as it is: of most texts, all. */
static size_t
plain_run(struct view text)
{
	size_t n = 0;

	while (n < text.len && text.ptr[n] >= 0x20 && text.ptr[n] < 0x7f)
		n++;
	return n;
}

bool
printable_text(struct view text, uint32_t *bad_out)
{
	*bad_out = UINT32_MAX;
	while (text.len > 0) {
		uint32_t code_point;
		size_t n = plain_run(text);

		if (n == 0 && (n = utf8_next(text, &code_point)) > 0 &&
		    !printable_character(code_point)) {
			*bad_out = code_point;
			return false;
		}
		if (n == 0)
			return false;
		text = view_of(text.ptr + n, text.len - n);
	}
	return true;
}

size_t
printable_next(struct view text, char shown_out[PRINTABLE_MAX])
{
	uint32_t code_point = 0;
	size_t n = utf8_next(text, &code_point);

	if (n == 0) {
		snprintf(shown_out, PRINTABLE_MAX, "\\x%02x", text.ptr[0]);
		return 1;
	}
	if (printable_character(code_point)) {
		memcpy(shown_out, text.ptr, n);
		shown_out[n] = '\0';
	} else if (code_point < 0x10000) {
		snprintf(shown_out, PRINTABLE_MAX, "\\u%04x", (unsigned)code_point);
	} else {
		unsigned above = (unsigned)code_point - 0x10000;

		snprintf(shown_out, PRINTABLE_MAX, "\\u%04x\\u%04x", 0xd800 + (above >> 10 & 0x3ff),
		    0xdc00 + (above & 0x3ff));
	}
	return n;
}

void
printable_copy(struct view text, char *to, size_t size)
{
	size_t used = 0;

	while (text.len > 0) {
		char shown[PRINTABLE_MAX];
		const void *from = text.ptr;
		size_t n = plain_run(text), len = n;

		if (n == 0) {
			n = printable_next(text, shown);
			from = shown;
			len = strlen(shown);
		} else if (n > size - 1 - used) {
			n = len = size - 1 - used;
		}
		if (len == 0 || len > size - 1 - used)
			break;
		memcpy(to + used, from, len);
		used += len;
		text = view_of(text.ptr + n, text.len - n);
	}
	to[used] = '\0';
}

char *
printable_escape(const char *text)
{
	struct view v = view_str(text);
	size_t size = v.len * 6 + 1; /* the most that a byte becomes */
	char *shown = malloc(size);

	if (shown != NULL)
		printable_copy(v, shown, size);
	return shown;
}
