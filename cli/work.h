/* What a verb works with, and the one runner of verbs. */
#ifndef CLI_WORK_H
#define CLI_WORK_H

#include "config.h"
#include "session.h"

struct work {
	struct cli *cli;
	struct config *config;  /* NEEDS_CONFIG: dircad's */
	struct session session; /* NEEDS_SESSION and what follows it: who calls, the directory */
	struct http_client *ca; /* NEEDS_CA */
	enum cli_exit status; /* of a verb that has more to say than that it was done, or failed */
};

/* Opens what a verb needs: the runner, or a verb of NEEDS_NOTHING that first looks at what it was
 * given. The session is opened once. */
bool work_open(struct work *w, enum cli_needs needs, struct err *err);

/* Runs cli->verb: opens what it needs, says why it failed, closes. */
enum cli_exit work_run(struct cli *cli);

#endif
