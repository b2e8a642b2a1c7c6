#include "setup_run.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "file.h"
#include "mem.h"
#include "own.h"

extern char **environ;

void
setup_say(struct setup_words *w, const char *word)
{
	if (w->count < SETUP_WORDS_MAX)
		w->list[w->count++] = word;
}

void
setup_say_option(struct setup_words *w, const char *option, const char *value)
{
	if (value != NULL) {
		setup_say(w, option);
		setup_say(w, value);
	}
}

void
setup_say_list(struct setup_words *w, const char *option, const struct cli_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		setup_say_option(w, option, list->list[i]);
}

void
setup_say_session(struct setup_words *w, const struct cli_options *o)
{
	w->by_session = true;
	setup_say_option(w, "--client-config", o->client_config);
	setup_say_option(w, "--uri", o->uri);
	setup_say_option(w, "--mech", o->mech);
	setup_say_option(w, "--user", o->user);
	setup_say_option(w, "--bind-dn", o->bind_dn);
	setup_say_option(w, "--password-file", o->password_file);
	setup_say_option(w, "--tls-ca", o->tls_ca);
	if (o->starttls)
		setup_say(w, "--starttls");
	if (o->ask_password)
		setup_say(w, "--ask-password");
}

/* As a shell takes it; the dash of an option needs no quotes. */
void
setup_show(const struct setup_words *w)
{
	fputs("  #", stdout);
	for (size_t i = 0; i < w->count; i++) {
		OWNED(own_memory)
		char *word = strncmp(w->list[i], "--", 2) == 0 ? mem_text(w->list[i])
							       : command_word(w->list[i]);

		printf(" %s", word);
	}
	putchar('\n');
	fflush(stdout);
}

/* ---- The password of the session, in memory that the command inherits ---- */

static bool
lend_password(const struct secret *password, int *fd_out, struct err *err)
{
	*fd_out = memfd_create("password", MFD_CLOEXEC);
	return (*fd_out != -1 && fchmod(*fd_out, 0600) == 0 &&
		   file_write_all(*fd_out, view_of(password->ptr, password->len))) ||
	       err_errno(err, DIRCA_E_IO, "lending the password to a command");
}

/* The same words with the password from `path` in place of where it came from. */
static void
with_password(const struct setup_words *w, const char *path, struct setup_words *out)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->list[i], "--password-file") == 0)
			i++;
		else if (strcmp(w->list[i], "--ask-password") != 0)
			setup_say(out, w->list[i]);
	setup_say_option(out, "--password-file", path);
}

static int
spawn(const char *program, const struct setup_words *w, int password, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	int fault;

	posix_spawn_file_actions_init(&actions);
	if (password != -1) /* to itself: it stays open */
		posix_spawn_file_actions_adddup2(&actions, password, password);
	fault = posix_spawnp(
	    child, program, &actions, NULL, (char *const *)(uintptr_t)w->list, environ);
	posix_spawn_file_actions_destroy(&actions);
	return fault;
}

bool
setup_run(const struct work *w, const struct setup_words *words, struct err *err)
{
	const char *program =
	    strcmp(words->list[0], "dirca") == 0 ? "/proc/self/exe" : words->list[0];
	struct setup_words changed = {0};
	OWNED(own_fd) int password = -1;
	char path[32];
	int fault, status;
	pid_t child;

	setup_show(words);
	if (w->cli->opt.dry_run)
		return true;
	if (words->by_session && w->session.password.len > 0) {
		if (!lend_password(&w->session.password, &password, err))
			return false;
		snprintf(path, sizeof path, "/proc/self/fd/%d", password);
		with_password(words, path, &changed);
		words = &changed;
	}
	fault = spawn(program, words, password, &child);
	if (fault != 0) {
		errno = fault;
		return err_errno(err, DIRCA_E_CONFIG, "%s", words->list[0]);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, DIRCA_E_CONFIG,
		    "that failed; mend what it says and run `dirca setup` again, which goes on "
		    "here");
	return true;
}
