/* dirca: the command line. */
#include <signal.h>
#include <stdio.h>

#include "cli.h"
#include "oids.h"
#include "screen.h"
#include "work.h"

#define SECRET_HEAP (512 * 1024)

int
main(int argc, char **argv)
{
	enum cli_exit status;
	struct cli cli = {.verbs = verbs, .verb_count = verb_count};
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	if (!screen_open(&err))
		return CLI_FAILED;
	if (!cli_parse(argc, argv, &cli, &status))
		return (int)status;
	if (!secret_heap_init(SECRET_HEAP, false, &err) || !oids_init(&err))
		return (int)cli_fail(&cli, &err);
	status = work_run(&cli);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_errno(&err, DIRCA_E_IO, "standard output");
		return (int)cli_fail(&cli, &err);
	}
	return (int)status;
}
