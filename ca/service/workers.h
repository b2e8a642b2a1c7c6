/*
 * The worker pool: threads, each with a vault connection of its own, that take calls from lanes.
 * What needs no vault has threads and a lane of its own, so that CRL, CA certificate and status are
 * served whatever the others wait for; metrics too. Over what a lane holds a call is answered 503.
 * Of the threads that enroll and recover, as many are at work as config->workers says: one that
 * waits for the disk is not.
 */
#ifndef SERVICE_WORKERS_H
#define SERVICE_WORKERS_H

#include "ca.h"
#include "http.h"

struct workers;
/* A thread for each of the sockets to the vault; with `watched` the last one's is that of
 * metrics_listen; the SERVICE_OCSP_WORKERS before it are those of OCSP. */
bool workers_start(struct ca *ca, const int *vault_fds, size_t count, bool watched,
    struct workers **out, struct err *err);
/* http_dispatch; `arg` is the struct workers. */
void workers_dispatch(struct http_call *call, void *arg);
/* Finishes what is queued, joins. */
void workers_stop(struct workers **w);

#endif
