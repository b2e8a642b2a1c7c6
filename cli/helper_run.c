#include "helper_run.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "own.h"

/* Above what the program has them as: none is taken for another while they are put in place. */
#define ABOVE (HELPER_FD + HELPER_FILES_MAX)

extern char **environ;

struct given {
	int fds[HELPER_FILES_MAX];
	size_t count;
};

static void
given_close(struct given *g)
{
	for (size_t i = 0; i < g->count; i++)
		close(g->fds[i]);
}

static bool
give_files(const struct helper *h, struct given *g, struct err *err)
{
	for (size_t i = 0; i < h->file_count; i++) {
		OWNED(own_fd) int low = memfd_create("dirca", MFD_CLOEXEC);
		int fd = low != -1 ? fcntl(low, F_DUPFD_CLOEXEC, ABOVE) : -1;

		if (fd == -1)
			return err_errno(err, DIRCA_E_IO, "a file in memory");
		g->fds[g->count++] = fd;
		if (!file_write_all(fd, h->files[i]) || lseek(fd, 0, SEEK_SET) != 0)
			return err_errno(err, DIRCA_E_IO, "a file in memory");
	}
	return true;
}

static bool
start(const struct helper *h, const struct given *g, pid_t *child, struct err *err)
{
	posix_spawn_file_actions_t actions;
	char *argv[HELPER_ARGS_MAX + 1] = {NULL};
	int fault;

	for (size_t i = 0; i < HELPER_ARGS_MAX && h->args[i] != NULL; i++)
		argv[i] = (char *)(uintptr_t)h->args[i];
	posix_spawn_file_actions_init(&actions);
	for (size_t i = 0; i < g->count; i++)
		posix_spawn_file_actions_adddup2(&actions, g->fds[i], HELPER_FD + (int)i);
	/* Its words are no result of ours. */
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	fault = posix_spawnp(child, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (fault == ENOENT)
		return err_set(
		    err, DIRCA_E_CONFIG, "%s is not installed (Debian: %s)", argv[0], h->package);
	errno = fault;
	return fault == 0 || err_errno(err, DIRCA_E_IO, "%s", argv[0]);
}

static bool
read_back(int fd, size_t max, struct buf *out, struct err *err)
{
	off_t len = lseek(fd, 0, SEEK_END);

	if (len < 0 || (size_t)len > max)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "what it wrote is larger than %zu bytes", max);
	if (!buf_alloc((size_t)len, out, err))
		return false;
	return pread(fd, out->ptr, out->len, 0) == (ssize_t)out->len ||
	       err_errno(err, DIRCA_E_IO, "a file in memory");
}

bool
helper_run(const struct helper *h, size_t out_max, struct buf *out, struct err *err)
{
	OWNED(given_close) struct given g = {0};
	pid_t child;
	int status;

	if (!give_files(h, &g, err) || !start(h, &g, &child, err))
		return false;
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, DIRCA_E_IO, "%s failed, and has said why", h->args[0]);
	return out == NULL || read_back(g.fds[g.count - 1], out_max, out, err);
}
