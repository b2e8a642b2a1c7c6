#include "output.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "interruption.h"
#include "mem.h"
#include "own.h"

bool
output_is_standard(const char *path)
{
	return strcmp(path, "-") == 0;
}

bool
output_check(const char *path, bool force, struct err *err)
{
	struct stat st;

	if (output_is_standard(path))
		return !isatty(STDOUT_FILENO) ||
		       err_set(err, DIRCA_E_USAGE,
			   "standard output is a terminal; name a file or a pipe");
	if (lstat(path, &st) != 0)
		return errno == ENOENT || err_errno(err, DIRCA_E_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, DIRCA_E_IO,
		    "%s: not a regular file, which nothing is put in place of", path);
	return force || err_set(err, ERROR_FILE_EXISTS, "%s exists; --force replaces it", path);
}

FILE *
output_words(const char *path)
{
	return output_is_standard(path) ? stderr : stdout;
}

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* Signals that end the program wait until the files are whole. */
static void
hold_signals(sigset_t *before)
{
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		sigaddset(&held, ends[i]);
	sigprocmask(SIG_BLOCK, &held, before);
}

static void
release_signals(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

static bool
is_told_to_end(void)
{
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if (sigismember(&pending, ends[i]) == 1)
			return true;
	return false;
}

static bool reader_is_gone; /* of standard output */

static bool
write_standard(const struct output *o, struct err *err)
{
	fflush(stdout);
	if (file_write_all(STDOUT_FILENO, o->content))
		return true;
	reader_is_gone = errno == EPIPE;
	return err_errno(err, DIRCA_E_IO, "standard output");
}

static bool
write_file(const struct output *o, bool force, bool *new_out, struct err *err)
{
	struct stat st;

	*new_out = lstat(o->path, &st) != 0;
	return output_check(o->path, force, err) &&
	       (force ? file_replace(o->path, o->content, o->mode, err)
		      : file_create(o->path, o->content, o->mode, err));
}

/* How many of the files were written, in their order; new[i]: nothing was there before. */
static size_t
write_files(const struct output *list, size_t count, bool force, bool *new, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!output_is_standard(list[i].path) && !write_file(&list[i], force, &new[i], err))
			return i;
	return count;
}

static bool
write_all(const struct output *list, size_t count, bool force, struct err *err)
{
	OWNED(own_memory) bool *new = mem_zero(count, sizeof *new);
	size_t done = write_files(list, count, force, new, err);
	bool ok = done == count;

	if (ok && is_told_to_end())
		ok = err_set(err, DIRCA_E_IO, "interrupted");
	for (size_t i = 0; ok && i < count; i++)
		ok = !output_is_standard(list[i].path) || write_standard(&list[i], err);
	for (size_t i = 0; !ok && i < done; i++)
		if (new[i])
			unlink(list[i].path);
	return ok;
}

bool
outputs_write(const struct output *list, size_t count, bool force, struct err *err)
{
	sigset_t before;
	bool ok;

	hold_signals(&before);
	ok = write_all(list, count, force, err);
	release_signals(&before);
	if (!ok && reader_is_gone)
		interruption_of_pipe();
	return ok;
}
