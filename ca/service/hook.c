#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "own.h"

#define LOOK_MS 20

/* Who may change it may run what he likes as the CA's front. */
static bool
check_program(const char *program, struct err *err)
{
	struct stat st;

	if (stat(program, &st) != 0)
		return err_errno(err, DIRCA_E_IO, "event_hook %s", program);
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, E_ACCESSDENIED,
		    "event_hook %s: others than root may change it; `chown root` and `chmod go-w` "
		    "it",
		    program);
	return true;
}

/* In memory, whole: nobody waits for the other to read. */
static bool
input_open(struct view input, int *out, struct err *err)
{
	OWNED(own_fd) int fd = memfd_create("event", MFD_CLOEXEC);

	if (fd < 0 || write(fd, input.ptr, input.len) != (ssize_t)input.len ||
	    lseek(fd, 0, SEEK_SET) != 0)
		return err_errno(err, DIRCA_E_IO, "event_hook: its input");
	*out = fd;
	fd = -1;
	return true;
}

/* In a group of its own, with the signals of a new program. */
static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	return posix_spawnattr_setflags(
	    attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int
set_files(posix_spawn_file_actions_t *files, int input)
{
	int bad = posix_spawn_file_actions_adddup2(files, input, 0);

	for (int fd = 1; bad == 0 && fd <= 2; fd++)
		bad = posix_spawn_file_actions_addopen(files, fd, "/dev/null", O_WRONLY, 0);
	if (bad == 0)
		bad = posix_spawn_file_actions_addclosefrom_np(files, 3);
	return bad != 0 ? bad : posix_spawn_file_actions_addchdir_np(files, "/");
}

static int
start(const char *program, int input, pid_t *pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LC_ALL=C.UTF-8";
	char *const environment[] = {path, lang, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char name[4096];
	char *const arguments[] = {name, NULL};
	int bad;

	if (strlen(program) >= sizeof name)
		return ENAMETOOLONG;
	memcpy(name, program, strlen(program) + 1);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	bad = set_files(&files, input);
	if (bad == 0)
		bad = set_attributes(&attr);
	if (bad == 0)
		bad = posix_spawn(pid, program, &files, &attr, arguments, environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return bad;
}

static bool
has_ended(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, WNOHANG);
	while (got < 0 && errno == EINTR);
	return got != 0;
}

static bool
await(const char *program, pid_t pid, int64_t limit_ms, hook_is_over *is_over, void *arg,
    struct err *err)
{
	static const struct timespec look = {0, LOOK_MS * 1000000};
	int64_t until = clock_mono_ms() + limit_ms;
	int status = 0;

	while (!has_ended(pid, &status)) {
		if (clock_mono_ms() >= until || is_over(arg)) {
			kill(-pid, SIGKILL);
			while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
				;
			return err_set(err, DIRCA_E_IO,
			    "event_hook %s did not end within %lld ms and was killed", program,
			    (long long)limit_ms);
		}
		nanosleep(&look, NULL);
	}
	/* What it left behind. */
	kill(-pid, SIGKILL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return err_set(err, DIRCA_E_IO, "event_hook %s ended with %s %d", program,
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

bool
hook_run(const char *program, struct view input, int64_t limit_ms, hook_is_over *is_over, void *arg,
    struct err *err)
{
	OWNED(own_fd) int fd = -1;
	pid_t pid;

	if (!check_program(program, err) || !input_open(input, &fd, err))
		return false;
	if ((errno = start(program, fd, &pid)) != 0)
		return err_errno(err, DIRCA_E_IO, "event_hook %s", program);
	return await(program, pid, limit_ms, is_over, arg, err);
}
