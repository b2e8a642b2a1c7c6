#include "daemon_run.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "daemon_config.h"
#include "installed.h"
#include "mem.h"

extern char **environ;

bool
daemon_run(const struct cli *cli, const char *const *args, int *status_out, struct err *err)
{
	char path[PATH_MAX], dash_c[] = "-c", *argv[DAEMON_ARGS_MAX + 4] = {path, dash_c};
	int fault, status;
	size_t n = 2;
	pid_t child;

	if (!installed_daemon(path, err))
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
