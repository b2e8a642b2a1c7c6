#include "width.h"

#include <string.h>
#include <utf8proc.h>

#include "mem.h"
#include "text.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* How many bytes the first character has, and how wide it is. */
static size_t
next(const char *text, size_t *width_out)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);

	*width_out = n > 0 ? (size_t)utf8proc_charwidth(c) : 1;
	return n > 0 ? (size_t)n : 1;
}

size_t
width_of(const char *text)
{
	size_t sum = 0, width;

	while (*text != '\0') {
		text += next(text, &width);
		sum += width;
	}
	return sum;
}

char *
width_cut(const char *text, size_t most)
{
	size_t used = 0, at = 0, width;

	if (width_of(text) <= most)
		return mem_text(text);
	while (text[at] != '\0') {
		size_t n = next(text + at, &width);

		if (used + width > (most > 0 ? most - 1 : 0))
			break;
		used += width;
		at += n;
	}
	return text_printf("%.*s" ELLIPSIS, (int)at, text);
}
