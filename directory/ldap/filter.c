#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "own.h"
#include "mem.h"

static void
put(struct buf *b, const void *bytes, size_t len)
{
	struct err ignored;

	if (!buf_append(b, view_of(bytes, len), &ignored))
		mem_exhausted();
}

static void
put_hex(struct buf *b, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	char escaped[3] = {'\\', digits[byte >> 4], digits[byte & 15]};

	put(b, escaped, sizeof escaped);
}

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '*' && c != '(' && c != ')' && c != '\\';
}

/* RFC 4515 3. Beyond what it demands, control characters and bytes of 0x80 and above are escaped
 * too: text that is not UTF-8 then cannot break the filter. */
static void
put_escaped(struct buf *b, struct view v, bool every_byte)
{
	size_t from = 0, i = 0;

	for (; i < v.len; i++) {
		if (!every_byte && is_plain(v.ptr[i]))
			continue;
		put(b, v.ptr + from, i - from);
		put_hex(b, v.ptr[i]);
		from = i + 1;
	}
	if (i > from)
		put(b, v.ptr + from, i - from);
}

char *
dir_filter(const char *fmt, ...)
{
	OWNED(buf_free) struct buf b = {0};
	bool ok = true;
	va_list ap;

	va_start(ap, fmt);
	for (const char *p = fmt; *p != '\0' && ok; p++) {
		if (*p != '%') {
			size_t len = strcspn(p, "%");

			put(&b, p, len);
			p += len - 1;
			continue;
		}
		switch (*++p) {
		case 's':
			put_escaped(&b, view_str(va_arg(ap, const char *)), false);
			break;
		case 'S':
			put_escaped(&b, *va_arg(ap, const struct view *), true);
			break;
		case '%':
			put(&b, "%", 1);
			break;
		default: /* a format that this function does not know must not become a filter */
			ok = false;
			p--;
			break;
		}
	}
	va_end(ap);
	put(&b, "", 1);
	return ok ? (char *)buf_give(&b).ptr : NULL;
}
