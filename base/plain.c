#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "own.h"
#include "text.h"
#include "utf8.h"

#define PASSWORD_MAX 1024

enum form { UTF8, UTF16_LE, UTF16_BE };

/* A letter, digit, sign, blank or end of line. */
static bool
is_ascii(uint8_t c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

static bool
begins(struct view v, const char *with, size_t len)
{
	return v.len >= len && memcmp(v.ptr, with, len) == 0;
}

/* Takes the mark away. */
static enum form
form_of(struct view *v)
{
	const uint8_t *p = v->ptr;
	enum form form = UTF8;
	size_t mark = 0;

	if (begins(*v, "\xff\xfe", 2)) {
		form = UTF16_LE;
		mark = 2;
	} else if (begins(*v, "\xfe\xff", 2)) {
		form = UTF16_BE;
		mark = 2;
	} else if (begins(*v, "\xef\xbb\xbf", 3)) {
		mark = 3;
	} else if (v->len >= 4 && v->len % 2 == 0 && is_ascii(p[0]) && p[1] == 0 &&
		   is_ascii(p[2]) && p[3] == 0) {
		form = UTF16_LE;
	} else if (v->len >= 4 && v->len % 2 == 0 && p[0] == 0 && is_ascii(p[1]) && p[2] == 0 &&
		   is_ascii(p[3])) {
		form = UTF16_BE;
	}
	if (mark > 0) /* an empty file may be at no address */
		*v = view_of(v->ptr + mark, v->len - mark);
	return form;
}

bool
plain_is_utf16(struct view file)
{
	return form_of(&file) != UTF8;
}

/* Swaps what is big-endian, in place. */
static void
swap(uint8_t *units, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		uint8_t high = units[i];

		units[i] = units[i + 1];
		units[i + 1] = high;
	}
}

bool
plain_text(struct view file, struct buf *hold, struct view *out, struct err *err)
{
	OWNED(buf_free_wiped) struct buf units = {0};
	enum form form = form_of(&file);
	char *text;

	*hold = (struct buf){0};
	*out = file;
	if (form == UTF8)
		return true;
	if (!buf_dup(file, &units, err))
		return false;
	if (form == UTF16_BE)
		swap(units.ptr, units.len);
	if (!utf16le_decode(buf_view(&units), &text, err))
		return false;
	*hold = (struct buf){(uint8_t *)text, strlen(text), strlen(text) + 1};
	*out = buf_view(hold);
	return true;
}

/* ---- a password ---- */

static bool
read_some(const char *path, struct secret *to, size_t *len_out, struct err *err)
{
	OWNED(own_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot open the password file", path);
	while (len < to->len && (n = read(fd, to->ptr + len, to->len - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return err_errno(
			    err, DIRCA_E_IO, "%s: cannot read the password file", path);
		len += n > 0 ? (size_t)n : 0;
	}
	*len_out = len;
	return true;
}

static size_t
line_length(struct view v)
{
	size_t len = 0;

	while (len < v.len && v.ptr[len] != '\n' && v.ptr[len] != '\r')
		len++;
	return len;
}

/* One unit, or a pair; false: half of a pair, or a NUL. */
static bool
next_character(struct view *units, uint32_t *cp_out)
{
	uint32_t high, low;

	high = (uint32_t)(units->ptr[0] | units->ptr[1] << 8);
	*units = view_of(units->ptr + 2, units->len - 2);
	*cp_out = high;
	if (high < 0xd800 || high > 0xdfff)
		return high != 0;
	if (high > 0xdbff || units->len < 2)
		return false;
	low = (uint32_t)(units->ptr[0] | units->ptr[1] << 8);
	*units = view_of(units->ptr + 2, units->len - 2);
	*cp_out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	return low >= 0xdc00 && low <= 0xdfff;
}

/* The first line of UTF-16, never outside of the secret heap. What was cut off behind it does not
 * matter. */
static bool
first_line(struct view units, struct secret *to, size_t *len_out)
{
	uint32_t cp;
	size_t len = 0;

	while (units.len >= 2 && len <= PASSWORD_MAX) {
		if (!next_character(&units, &cp))
			return false;
		if (cp == '\n' || cp == '\r')
			break;
		len += utf8_put(cp, (char *)to->ptr + len);
	}
	*len_out = len;
	return true;
}

bool
secret_read_file(const char *path, struct secret *out, struct err *err)
{
	OWNED(secret_free) struct secret file = {0}, line = {0};
	struct view text;
	enum form form;
	size_t len;

	*out = (struct secret){0};
	if (!secret_alloc(2 * PASSWORD_MAX + 6, &file, err) ||
	    !secret_alloc(PASSWORD_MAX + 5, &line, err) || !read_some(path, &file, &len, err))
		return false;
	text = view_of(file.ptr, len);
	form = form_of(&text);
	if (form == UTF16_BE)
		swap(file.ptr + (text.ptr - file.ptr), text.len);
	if (form == UTF8)
		len = line_length(text);
	else if (!first_line(text, &line, &len))
		return err_set(err, ERROR_INVALID_DATA, "%s: its UTF-16 is malformed", path);
	if (len > PASSWORD_MAX)
		return err_set(err, DIRCA_E_IO, "%s: the first line is longer than %d bytes", path,
		    PASSWORD_MAX);
	return secret_dup(form == UTF8 ? view_of(text.ptr, len) : view_of(line.ptr, len), out, err);
}
