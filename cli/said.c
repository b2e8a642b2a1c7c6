#include "said.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "file.h"
#include "own.h"
#include "print.h"
#include "text.h"

#define SAID_MAX (256u * 1024 * 1024)

bool
said_begin(struct said *s, struct err *err)
{
	*s = (struct said){-1, -1};
	fflush(stdout);
	if ((s->kept = memfd_create("said", MFD_CLOEXEC)) == -1 ||
	    (s->before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) == -1 ||
	    dup2(s->kept, STDOUT_FILENO) == -1)
		return err_errno(err, DIRCA_E_IO, "standard output");
	return true;
}

static bool
read_kept(int fd, struct buf *out, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("/proc/self/fd/%d", fd);

	return file_read(path, SAID_MAX, out, err);
}

static json_t *
lines(const char *text, size_t len)
{
	json_t *list = json_array();

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;

		json_array_append_new(list, json_stringn(text, n));
		n += end != NULL;
		text += n;
		len -= n;
	}
	return list;
}

static bool
print_said(struct view v, const struct verb *verb, enum cli_exit status, struct err *err)
{
	if (!text_is_utf8(v))
		return err_set(err, ERROR_INVALID_DATA,
		    "what goes to standard output is no text, and --json has no place for it: name "
		    "a file");
	print_json(json_pack("{s:s, s:i, s:o}", "verb", verb->name, "status", (int)status, "said",
	    lines((const char *)v.ptr, v.len)));
	return true;
}

bool
said_end(
    struct said *s, const struct verb *verb, enum cli_exit status, bool failed, struct err *err)
{
	OWNED(own_fd) int before = s->before, kept = s->kept;
	OWNED(buf_free) struct buf all = {0};

	*s = (struct said){-1, -1};
	fflush(stdout);
	if (dup2(before, STDOUT_FILENO) == -1)
		return err_errno(err, DIRCA_E_IO, "standard output");
	if (!read_kept(kept, &all, err))
		return false;
	if (!failed)
		return print_said(buf_view(&all), verb, status, err);
	fwrite(all.ptr, 1, all.len, stderr);
	return true;
}
