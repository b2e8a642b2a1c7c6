/* dircad's configuration, for the verbs that work on the CA's machine. */
#ifndef CLI_DAEMON_CONFIG_H
#define CLI_DAEMON_CONFIG_H

#include "cli.h"
#include "config.h"

const char *daemon_config_path(const struct cli *cli);
/* The file of --config, or the installed one. */
bool load_daemon_config(const struct cli *cli, struct config **out, struct err *err);
/* From now on a file has the mode that it is made with, whatever the caller's umask: what others of
 * the service could not read would keep it from starting. load_daemon_config does it. */
void daemon_files_for_service(void);

#endif
