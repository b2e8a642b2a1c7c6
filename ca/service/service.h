/*
 * dircad: the supervisor, and the front that serves HTTPS and the Unix socket (libevent), SASL,
 * routes, a pool of workers. docs/openapi.yaml describes the routes. The event loop never blocks:
 * every request is handed to a worker, and answered from the loop when the worker is done.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "config.h"

/* Sockets that the supervisor binds, before privileges are dropped, and the front listens on when
 * it can answer: until then, and while it is started again, clients are refused and go elsewhere.
 */
struct service_sockets {
	int https[CONFIG_LIST_MAX], http[CONFIG_LIST_MAX];
	size_t https_count, http_count;
	int local, metrics; /* -1: none */
};
/* Fails on the first address that cannot be bound, naming it. The Unix socket gets mode 0666: peers
 * are told apart by their credentials. */
bool service_sockets_open(
    const struct config *config, struct service_sockets *out, struct err *err);
void service_sockets_close(struct service_sockets *s);
/* Raises this process's limit of open files, which its children inherit, to its hard limit. Refuses
 * a configuration that needs more than that. */
bool service_open_files(const struct config *config, struct err *err);

/* Workers that answer OCSP and nothing else: nobody waits behind enrollments for it. */
#define SERVICE_OCSP_WORKERS 2
/* Threads a worker, of which as many work as there are workers; the others wait for the disk. */
#define SERVICE_WORKER_THREADS 2

/* The front process: opens database and directory, serves until SIGTERM; SIGHUP reads directory,
 * settings and KRA store again. The first of `vault_fds` is for housekeeping, each other one makes
 * a thread, the last one that of metrics_listen if there is that, and before it those of OCSP.
 * `beat_fd` is told FRONT_READY, and FRONT_LIVES once a second. Returns the exit status.
 */
#define FRONT_READY 'R'
#define FRONT_LIVES '.'
int service_run(const struct config *config, const struct service_sockets *sockets, int beat_fd,
    const int *vault_fds, size_t vault_count);

/* The supervisor: starts vault and front (this program again, see dircad.c), gives the vault the
 * KRA store, restarts both when one dies or does not answer, passes SIGHUP and SIGTERM on. Ends
 * when they could not be started SUPERVISOR_STARTS times in a row. Returns the exit status. */
#define SUPERVISOR_STARTS 6
int supervisor_run(const struct config *config, const char *config_path);

/* This process is that user's from now on, with its groups; NULL, or not root: nothing is done. */
bool service_become(const char *name, struct err *err);

/* The descriptors of a child process: "--role=front --fds=3,4,5" and so on. */
#define CHILD_FDS_MAX 128
struct child_fds {
	int list[CHILD_FDS_MAX];
	size_t count;
};
bool child_fds_parse(const char *text, struct child_fds *out);
int child_front(const struct config *config, const struct child_fds *fds);
int child_vault(const struct config *config, const struct child_fds *fds);

#endif
