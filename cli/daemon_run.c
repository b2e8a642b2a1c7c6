#include "daemon_run.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon_config.h"
#include "mem.h"

extern char **environ;

/* Beside this program, as it is built, or in sbin, as it is installed. */
static bool
find_daemon(char path[PATH_MAX], struct err *err)
{
	static const char *const places[] = {"dircad", "../sbin/dircad"};
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);

	if (n <= 0)
		return err_errno(err, DIRCA_E_IO, "/proc/self/exe");
	own[n] = '\0';
	char *folder = dirname(own);

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		int len = snprintf(path, PATH_MAX, "%s/%s", folder, places[i]);

		if (len > 0 && len < PATH_MAX && access(path, X_OK) == 0)
			return true;
	}
	return err_set(
	    err, DIRCA_E_CONFIG, "dircad is not installed here: this is done on the CA's machine");
}

bool
daemon_run(const struct cli *cli, const char *const *args, int *status_out, struct err *err)
{
	char path[PATH_MAX], dash_c[] = "-c", *argv[DAEMON_ARGS_MAX + 4] = {path, dash_c};
	int fault, status;
	size_t n = 2;
	pid_t child;

	if (!find_daemon(path, err))
		return false;
	argv[n++] = (char *)(uintptr_t)daemon_config_path(cli);
	for (size_t i = 0; args[i] != NULL && i < DAEMON_ARGS_MAX; i++)
		argv[n++] = (char *)(uintptr_t)args[i];
	if ((fault = posix_spawn(&child, path, NULL, NULL, argv, environ)) != 0) {
		errno = fault;
		return err_errno(err, DIRCA_E_IO, "%s", path);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return err_set(err, DIRCA_E_IO, "%s did not end by itself", path);
	*status_out = WEXITSTATUS(status);
	return true;
}
