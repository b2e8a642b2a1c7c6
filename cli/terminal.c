#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "mem.h"
#include "own.h"

#define LINE_MAX_LEN 1024

/* What may end or stop the program while the terminal does not echo. */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
static volatile sig_atomic_t caught;

static void
note(int number)
{
	caught = number;
}

/* A terminal that does not echo, and what it was before. */
struct quiet {
	int tty;
	struct termios plain;
	sigset_t mask; /* in force before, and while a key is waited for */
	struct sigaction before[COUNT_OF(signals)];
};

/* What is ignored (nohup) stays so. */
static void
catch_signals(struct quiet *q)
{
	struct sigaction action = {.sa_handler = note};
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, &q->mask);
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		sigaction(signals[i], NULL, &q->before[i]);
		if (q->before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

static bool
quiet_begin(struct quiet *q, int tty, struct err *err)
{
	struct termios quiet;

	q->tty = tty;
	if (tcgetattr(tty, &q->plain) != 0)
		return err_errno(err, DIRCA_E_IO, "the terminal");
	caught = 0;
	catch_signals(q);
	quiet = q->plain;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	return true;
}

/* What came meanwhile happens now. */
static void
quiet_end(struct quiet *q)
{
	tcsetattr(q->tty, TCSAFLUSH, &q->plain);
	dprintf(q->tty, "\n");
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		sigaction(signals[i], &q->before[i], NULL);
	if (caught != 0)
		raise(caught);
	sigprocmask(SIG_SETMASK, &q->mask, NULL);
}

/* Signals arrive here and nowhere else. */
static bool
read_line(const struct quiet *q, struct secret *line, size_t *len_out)
{
	struct pollfd tty = {.fd = q->tty, .events = POLLIN};
	size_t len = 0;

	while (len < line->len) {
		if (ppoll(&tty, 1, NULL, &q->mask) < 0) {
			if (errno == EINTR && caught == 0)
				continue;
			return false;
		}
		if (read(q->tty, line->ptr + len, 1) != 1)
			return false;
		if (line->ptr[len] == '\n') {
			*len_out = len;
			return true;
		}
		len++;
	}
	return false;
}

static bool
open_terminal(const char *prompt, int *tty, struct err *err)
{
	size_t len = strcspn(prompt, ":") + 1;

	len = len <= strlen(prompt) ? len : strlen(prompt) + 1;
	*tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	return *tty != -1 || err_set(err, DIRCA_E_USAGE,
				 "no terminal to ask at (%.*s); name a file with the password, "
				 "fd:N or keyring:NAME",
				 (int)(len - (len > 0)), prompt);
}

bool
terminal_ask(const char *prompt, struct secret *out, struct err *err)
{
	OWNED(own_fd) int tty = -1;
	OWNED(secret_free) struct secret line = {0};
	struct quiet q;
	bool whole;
	size_t len = 0;

	if (!open_terminal(prompt, &tty, err) || !secret_alloc(LINE_MAX_LEN, &line, err))
		return false;
	do {
		if (!quiet_begin(&q, tty, err))
			return false;
		dprintf(tty, "%s", prompt);
		whole = read_line(&q, &line, &len);
		quiet_end(&q);
	} while (caught == SIGTSTP);
	if (!whole)
		return err_set(err, DIRCA_E_IO, "no password was given");
	return secret_dup(view_of(line.ptr, len), out, err);
}

bool
terminal_say(const char *line, struct err *err)
{
	OWNED(own_fd) int tty = -1;

	if (!open_terminal(line, &tty, err))
		return false;
	dprintf(tty, "%s\n", line);
	return true;
}
