/*
 * What a verb has dircad do on the CA's machine, because it is about the database or the vault's
 * files, which this program does not know.
 */
#ifndef CLI_DAEMON_RUN_H
#define CLI_DAEMON_RUN_H

#include <jansson.h>

#include "cli.h"

#define DAEMON_ARGS_MAX (CLI_LIST_MAX + 8)

/* Runs "dircad -c CONFIG args..." (NULL-terminated) from this program's own folder or ../sbin, and
 * waits. Its output is this program's. DIRCA_E_CONFIG if it is not installed, DIRCA_E_IO if it
 * cannot be run or did not end by itself. */
bool daemon_run(const struct cli *cli, const char *const *args, int *status_out, struct err *err);
/* The same, and takes the JSON that it prints; where it printed none, *out is NULL, and it has said
 * why. */
bool daemon_json(
    const struct cli *cli, const char *const *args, json_t **out, int *status_out, struct err *err);

#endif
