/*
 * The worker pool: calls queue, each worker has a vault connection of its own. What needs no vault
 * has workers and a queue of its own, so that CRL, CA certificate and status are served whatever
 * the others wait for; metrics too. A queue is bounded: over it a call is answered 503 at once, so
 * that a slow directory or disk cannot pile up memory.
 */
#ifndef SERVICE_WORKERS_H
#define SERVICE_WORKERS_H

#include "ca.h"
#include "http.h"

struct workers;
/* A worker for each of the sockets to the vault; with `watched` the last one's is that of
 * metrics_listen; the SERVICE_OCSP_WORKERS before it are those of OCSP. */
bool workers_start(struct ca *ca, const int *vault_fds, size_t count, bool watched,
    struct workers **out, struct err *err);
/* http_dispatch; `arg` is the struct workers. */
void workers_dispatch(struct http_call *call, void *arg);
/* Finishes what is queued, joins. */
void workers_stop(struct workers **w);

#endif
