/* dirca: the command line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli.h"
#include "oids.h"
#include "own.h"
#include "paper.h"
#include "screen.h"
#include "work.h"

#define SECRET_HEAP (2048 * 1024) /* private keys by the thousand */

/* The verb's line, whatever spelling the caller's is in. */
static bool
read_line(int argc, char **argv, struct cli *cli, struct paper *paper, enum cli_exit *exit_out)
{
	struct err err;

	if (!paper_is(argc, argv))
		return cli_parse(argc, argv, cli, exit_out);
	cli->paper = paper;
	if (paper_translate(argc, argv, paper, &err) && paper_pass(paper, argv, &err)) {
		if (paper->note != NULL)
			fprintf(stderr, "%s: %s\n", paper->program, paper->note);
		return cli_parse(paper->argc, paper->argv, cli, exit_out);
	}
	*exit_out = cli_fail(cli, &err);
	return false;
}

int
main(int argc, char **argv)
{
	enum cli_exit status;
	struct cli cli = {.verbs = verbs, .verb_count = verb_count};
	OWNED(paper_free) struct paper paper = {0};
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	screen_open();
	if (!read_line(argc, argv, &cli, &paper, &status))
		return (int)status;
	if (cli.opt.utc)
		setenv("TZ", "UTC0", 1);
	tzset();
	if (!secret_heap_init(SECRET_HEAP, false, &err) || !oids_init(&err))
		return (int)cli_fail(&cli, &err);
	status = work_run(&cli);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_errno(&err, DIRCA_E_IO, "standard output");
		return (int)cli_fail(&cli, &err);
	}
	return (int)status;
}
