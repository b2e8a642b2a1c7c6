#include "helper_run.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

/* `said`: where its words go, or -1. */
static bool
start(const struct helper *h, const struct given *g, int said, pid_t *child, struct err *err)
{
	posix_spawn_file_actions_t actions;
	char *argv[HELPER_ARGS_MAX + 1] = {NULL};
	int fault;

	for (size_t i = 0; i < HELPER_ARGS_MAX && h->args[i] != NULL; i++)
		argv[i] = (char *)(uintptr_t)h->args[i];
	posix_spawn_file_actions_init(&actions);
	/* Its words are no result of ours. */
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (said != -1) {
		posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
		posix_spawn_file_actions_adddup2(&actions, said, STDOUT_FILENO);
	}
	for (size_t i = 0; i < g->count; i++)
		posix_spawn_file_actions_adddup2(&actions, g->fds[i], HELPER_FD + (int)i);
	fault = posix_spawnp(child, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (fault == ENOENT)
		return err_set(
		    err, DIRCA_E_CONFIG, "%s is not installed (Debian: %s)", argv[0], h->package);
	errno = fault;
	return fault == 0 || err_errno(err, DIRCA_E_IO, "%s", argv[0]);
}

static bool
is_noise(const struct helper *h, const char *line)
{
	for (size_t i = 0; i < HELPER_NOISE_MAX && h->noise[i] != NULL; i++)
		if (strncmp(line, h->noise[i], strlen(h->noise[i])) == 0)
			return true;
	return false;
}

/* Passes its words on until it has no more; whether the sign was among them. */
static bool
listen_to(const struct helper *h, FILE *words)
{
	OWNED(own_memory) char *line = NULL;
	size_t room = 0;
	bool signalled = false;

	while (getline(&line, &room, words) != -1) {
		signalled |= strstr(line, h->sign) != NULL;
		if (!is_noise(h, line))
			fputs(line, stderr);
	}
	return signalled;
}

/* Starts it and waits for its end. */
static bool
run(const struct helper *h, const struct given *g, int *status_out, bool *signalled_out,
    struct err *err)
{
	OWNED(own_file) FILE *words = NULL;
	int ends[2] = {-1, -1};
	pid_t child;
	bool ok;

	if (h->sign != NULL && pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, DIRCA_E_IO, "a pipe");
	ok = start(h, g, ends[1], &child, err);
	if (h->sign != NULL) {
		close(ends[1]);
		words = fdopen(ends[0], "r");
	}
	if (!ok)
		return false;
	*signalled_out = words != NULL && listen_to(h, words);
	return waitpid(child, status_out, 0) == child || err_errno(err, DIRCA_E_IO, "waiting");
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
	bool signalled = false;
	int status;

	if (!give_files(h, &g, err) || !run(h, &g, &status, &signalled, err))
		return false;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, signalled ? h->meaning : DIRCA_E_IO,
		    "%s failed, and has said why", h->args[0]);
	return out == NULL || read_back(g.fds[g.count - 1], out_max, out, err);
}
