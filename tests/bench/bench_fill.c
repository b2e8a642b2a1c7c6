/*
 * Rows for the database of a CA that is stopped, for tests/bench/goals:
 *
 *	bench_fill FILE ROWS archived|revoked
 *
 * The database keeps what it has. `archived`: ten rows of each requester; `revoked`: for a CRL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_rows.h"

int
main(int argc, char **argv)
{
	long rows = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	bool revoked = argc == 4 && strcmp(argv[3], "revoked") == 0;

	if (rows <= 0 || (!revoked && strcmp(argv[3], "archived") != 0)) {
		fputs("usage: bench_fill FILE ROWS archived|revoked\n", stderr);
		return 2;
	}
	bench_rows_add(argv[1], rows, revoked ? bench_rows_revoked : bench_rows_archived);
	return 0;
}
