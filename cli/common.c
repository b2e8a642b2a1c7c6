/* What every verb needs: failing in one voice, periods, questions, pages. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>

#include "mem.h"
#include "own.h"
#include "paper.h"
#include "text.h"

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
cli_say_more(const char *after)
{
	if (after != NULL)
		fprintf(stderr, "There may be more: --after %s goes on, --all prints everything.\n",
		    after);
}
