#include "screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "interruption.h"
#include "mem.h"
#include "own.h"
#include "printable.h"
#include "text.h"

#define CHARACTER_MAX 4 /* bytes of UTF-8 */

struct screen {
	int fd;
	/* The beginning of a character whose end is in the next write. */
	uint8_t begun[CHARACTER_MAX];
	size_t begun_len;
};

/* True for the first bytes of a character that more bytes could complete. */
static bool
is_begun(struct view v)
{
	size_t wanted = v.ptr[0] >= 0xf0 ? 4 : v.ptr[0] >= 0xe0 ? 3 : v.ptr[0] >= 0xc0 ? 2 : 1;

	if (v.len >= wanted)
		return false;
	for (size_t i = 1; i < v.len; i++)
		if ((v.ptr[i] & 0xc0) != 0x80)
			return false;
	return true;
}

static bool
escape(struct screen *s, struct view v, struct buf *out)
{
	struct err ignored;

	while (v.len > 0) {
		char shown[PRINTABLE_MAX];
		size_t n = 1;

		if (is_begun(v)) {
			memcpy(s->begun, v.ptr, v.len);
			s->begun_len = v.len;
			return true;
		}
		if (v.ptr[0] == '\n' || v.ptr[0] == '\t')
			memcpy(shown, (char[]){(char)v.ptr[0], '\0'}, 2);
		else
			n = printable_next(v, shown);
		if (!buf_append(out, view_str(shown), &ignored))
			return false;
		v = view_of(v.ptr + n, v.len - n);
	}
	return true;
}

static ssize_t
screen_write(void *cookie, const char *bytes, size_t len)
{
	struct screen *s = cookie;
	OWNED(buf_free) struct buf in = {0}, out = {0};
	struct err ignored;
	bool ok = buf_append(&in, view_of(s->begun, s->begun_len), &ignored) &&
		  buf_append(&in, view_of(bytes, len), &ignored);

	s->begun_len = 0;
	ok = ok && escape(s, buf_view(&in), &out) && file_write_all(s->fd, buf_view(&out));
	if (!ok && errno == EPIPE && s->fd == STDOUT_FILENO)
		interruption_of_pipe();
	return ok ? (ssize_t)len : 0;
}

/* What was begun and not completed is shown too. The descriptor stays open: it is the process's. */
static int
screen_close(void *cookie)
{
	OWNED(own_memory) struct screen *s = cookie;
	bool ok = true;

	for (size_t i = 0; i < s->begun_len; i++) {
		char shown[PRINTABLE_MAX];

		printable_next(view_of(s->begun + i, 1), shown);
		ok = file_write_all(s->fd, view_str(shown)) && ok;
	}
	return ok ? 0 : EOF;
}

static FILE *
open_on(struct screen *s, int fd)
{
	FILE *stream = fopencookie(
	    s, "w", (cookie_io_functions_t){.write = screen_write, .close = screen_close});

	if (stream == NULL)
		mem_exhausted();
	s->fd = fd;
	return stream;
}

FILE *
screen_stream(int fd)
{
	return open_on(mem_zero(1, sizeof(struct screen)), fd);
}

void
screen_open(void)
{
	/* Never closed. LeakSanitizer does not look for them in the library's streams. */
	static struct screen *standard[2];
	FILE *out, *diagnostics;

	for (size_t i = 0; i < COUNT_OF(standard); i++)
		standard[i] = mem_zero(1, sizeof *standard[i]);
	out = open_on(standard[0], STDOUT_FILENO);
	diagnostics = open_on(standard[1], STDERR_FILENO);
	setvbuf(out, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
	setvbuf(diagnostics, NULL, _IONBF, 0);
	/* In the GNU C library both are variables that may be set. */
	stdout = out;
	stderr = diagnostics;
}
