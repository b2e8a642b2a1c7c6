/*
 * dircad's front: HTTPS and the Unix socket (libevent), SASL, routes, a pool of workers. docs/openapi.yaml describes the routes.
 * The event loop never blocks: every request is handed to a worker and answered from the loop.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "config.h"

/* The front process: opens database, directory and listening sockets (passed in, opened by the supervisor before privileges were dropped), serves
 * until SIGTERM; SIGHUP reloads. `vault_fds` one a worker. Returns the exit status. */
struct service_sockets {
	int https[CONFIG_LIST_MAX], http[CONFIG_LIST_MAX], local; /* local -1: none */
	size_t https_count, http_count;
};
int service_run(const struct config *config, const struct service_sockets *sockets, const int *vault_fds, size_t vault_count);

/* The supervisor: everything of `dircad` after its command line. */
int supervisor_run(const struct config *config, bool foreground);

#endif
