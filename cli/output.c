#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "interruption.h"
#include "mem.h"
#include "own.h"
#include "text.h"

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

/* Each file beside its place. */
static bool
write_parts(
    const struct output *list, size_t count, bool force, struct file_part *parts, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!output_is_standard(list[i].path) &&
		    (!output_check(list[i].path, force, err) ||
			!file_part_write(
			    list[i].path, list[i].content, list[i].mode, &parts[i], err)))
			return false;
	return true;
}

static bool
place_parts(struct file_part *parts, size_t count, bool force, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].state != FILE_PART_NONE && !file_part_place(&parts[i], force, err))
			return false;
	return true;
}

/* Says by name what cannot be. */
static void
take_back(struct file_part *parts, size_t count, struct err *err)
{
	OWNED(own_memory) char *stand = mem_text("");

	for (size_t i = count; i > 0; i--) {
		struct file_part *p = &parts[i - 1];

		if (p->state == FILE_PART_NONE || file_part_take_back(p))
			continue;
		text_list_add(&stand, ", ", p->path);
		if (p->state == FILE_PART_KEPT)
			text_list_add(&stand, ", which was what is now ", p->name);
	}
	if (*stand != '\0')
		err_prefix(err, "new, and not as it was before: %s;", stand);
}

static bool
write_all(
    const struct output *list, size_t count, bool force, struct file_part *parts, struct err *err)
{
	if (!write_parts(list, count, force, parts, err) || !place_parts(parts, count, force, err))
		return false;
	if (is_told_to_end())
		return err_set(err, DIRCA_E_IO, "interrupted");
	for (size_t i = 0; i < count; i++)
		if (output_is_standard(list[i].path) && !write_standard(&list[i], err))
			return false;
	return true;
}

bool
outputs_write(const struct output *list, size_t count, bool force, struct err *err)
{
	struct file_part *parts = mem_zero(count, sizeof *parts);
	sigset_t before;
	bool ok;

	hold_signals(&before);
	ok = write_all(list, count, force, parts, err);
	if (!ok)
		take_back(parts, count, err);
	for (size_t i = 0; i < count; i++)
		file_part_free(&parts[i]);
	free(parts);
	release_signals(&before);
	if (!ok && reader_is_gone)
		interruption_of_pipe();
	return ok;
}
