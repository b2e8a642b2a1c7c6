/* What every verb needs: failing in one voice, passwords, help. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <fcntl.h>
#include <openssl/crypto.h>

#include "mem.h"
#include "own.h"
#include "paper.h"
#include "text.h"

#define PASSWORD_MAX 1024

enum cli_exit
cli_fail(const struct cli *cli, const struct err *err)
{
	OWNED(own_memory)
	char *who =
	    cli->verb != NULL ? text_printf("dirca %s", cli->verb->name) : mem_text("dirca");

	if (cli->paper != NULL)
		paper_print_failed(cli->paper, err);
	else
		err_print(who, err);
	if (err->code == DIRCA_E_USAGE)
		return CLI_USAGE;
	return err_category(err->code) == ERR_CATEGORY_NOT_FOUND ? CLI_NOT_FOUND : CLI_FAILED;
}

bool
cli_period(const char *text, int64_t *seconds_out, struct err *err)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	size_t digits = strspn(text, "0123456789");
	OWNED(own_memory) char *number = text_printf("%.*s", (int)(digits < 8 ? digits : 8), text);
	int64_t n;

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (text[digits] == units[i].letter && text[digits + 1] == '\0' && digits < 8 &&
		    text_to_int(number, 1, 36600 * 86400LL / units[i].seconds, &n)) {
			*seconds_out = n * units[i].seconds;
			return true;
		}
	return err_set(err, DIRCA_E_USAGE,
	    "'%s' is no period: a number and h, d or w, of a hundred years at most", text);
}

static bool
read_line(int tty, struct secret *line, size_t *len_out)
{
	size_t len = 0;
	ssize_t n = 0;

	while (
	    len < line->len && (n = read(tty, line->ptr + len, 1)) == 1 && line->ptr[len] != '\n')
		len++;
	*len_out = len;
	return n == 1 && len < line->len;
}

/* One line from the terminal without echo. */
static bool
ask_line(int tty, const char *prompt, struct secret *out, struct err *err)
{
	struct termios plain, quiet;
	OWNED(secret_free) struct secret line = {0};
	size_t len;
	bool whole;

	if (!secret_alloc(PASSWORD_MAX, &line, err))
		return false;
	if (dprintf(tty, "%s", prompt) < 0 || tcgetattr(tty, &plain) != 0)
		return err_errno(err, DIRCA_E_IO, "the terminal");
	quiet = plain;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	whole = read_line(tty, &line, &len);
	tcsetattr(tty, TCSAFLUSH, &plain);
	dprintf(tty, "\n");
	if (!whole)
		return err_set(err, DIRCA_E_IO, "no password was given");
	return secret_dup(view_of(line.ptr, len), out, err);
}

/* An empty password opens to everybody, and an LDAP server takes it for no login at all (RFC 4513
 * 5.1.2). */
static bool
check_not_empty(const struct secret *password, const char *where, struct err *err)
{
	return password->len > 0 || err_set(err, E_INVALIDARG, "%s: the password is empty", where);
}

static bool
ask_at_terminal(const char *prompt, bool confirm, struct secret *out, struct err *err)
{
	OWNED(own_fd) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	OWNED(secret_free) struct secret again = {0};

	if (tty == -1)
		return err_set(
		    err, DIRCA_E_USAGE, "%s no terminal to ask at; name a password file", prompt);
	if (!ask_line(tty, prompt, out, err) || !check_not_empty(out, "terminal", err))
		return false;
	if (!confirm)
		return true;
	if (!ask_line(tty, "Again: ", &again, err))
		return false;
	return (again.len == out->len && CRYPTO_memcmp(again.ptr, out->ptr, out->len) == 0) ||
	       err_set(err, E_INVALIDARG, "the two passwords differ");
}

bool
cli_password(
    const char *file, const char *prompt, bool confirm, struct secret *out, struct err *err)
{
	*out = (struct secret){0};
	if (file != NULL ? secret_read_file(file, out, err) && check_not_empty(out, file, err)
			 : ask_at_terminal(prompt, confirm, out, err))
		return true;
	secret_free(out);
	return false;
}

bool
cli_confirm(const char *question, struct err *err)
{
	OWNED(own_fd) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char answer[16];
	ssize_t n;

	if (tty == -1)
		return err_set(
		    err, DIRCA_E_USAGE, "%s no terminal to ask at; --yes answers", question);
	dprintf(tty, "%s [y/N] ", question);
	n = read(tty, answer, sizeof answer);
	return (n > 0 && (answer[0] == 'y' || answer[0] == 'Y')) ||
	       err_set(err, DIRCA_E_USAGE, "nothing was changed");
}

int64_t
cli_limit(const struct cli_options *opt)
{
	if (opt->all)
		return INT64_MAX;
	return opt->limit > 0 ? opt->limit : CLI_PAGE;
}

void
cli_say_more(long long after)
{
	if (after > 0)
		fprintf(stderr,
		    "There may be more: --after %lld goes on, --all prints everything.\n", after);
}
