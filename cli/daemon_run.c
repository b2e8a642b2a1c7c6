#include "daemon_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>

#include "daemon_config.h"
#include "installed.h"
#include "mem.h"
#include "own.h"

extern char **environ;

static bool
start(const struct cli *cli, const char *const *args, const posix_spawn_file_actions_t *actions,
    pid_t *child_out, struct err *err)
{
	char path[PATH_MAX], dash_c[] = "-c", *argv[DAEMON_ARGS_MAX + 4] = {path, dash_c};
	size_t n = 2;
	int fault;

	if (!installed_daemon(path, err))
		return false;
	argv[n++] = (char *)(uintptr_t)daemon_config_path(cli);
	for (size_t i = 0; args[i] != NULL && i < DAEMON_ARGS_MAX; i++)
		argv[n++] = (char *)(uintptr_t)args[i];
	errno = fault = posix_spawn(child_out, path, actions, NULL, argv, environ);
	return fault == 0 || err_errno(err, DIRCA_E_IO, "%s", path);
}

static bool
wait_for(pid_t child, int *status_out, struct err *err)
{
	int status;

	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return err_set(err, DIRCA_E_IO, "dircad did not end by itself");
	*status_out = WEXITSTATUS(status);
	return true;
}

bool
daemon_run(const struct cli *cli, const char *const *args, int *status_out, struct err *err)
{
	pid_t child;

	return start(cli, args, NULL, &child, err) && wait_for(child, status_out, err);
}

bool
daemon_json(
    const struct cli *cli, const char *const *args, json_t **out, int *status_out, struct err *err)
{
	OWNED(own_file) FILE *from = NULL;
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t child;
	bool ok;

	*out = NULL;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, DIRCA_E_IO, "a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	ok = start(cli, args, &actions, &child, err);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if ((from = fdopen(ends[0], "r")) == NULL)
		mem_exhausted();
	if (!ok)
		return false;
	*out = json_loadf(from, 0, NULL);
	fclose(own_give(&from)); /* what it still wanted to say it does not wait with */
	return wait_for(child, status_out, err);
}
