/*
 * Several connections to one CA side by side, each kept by a process of its own, which sends what
 * it is given and hands back the answer. Begun before anything secret is read but the caller's
 * password. Ctrl-C does not end them: they go with who began them, and not before they have the
 * answer that they wait for.
 */
#ifndef CLI_COURIERS_H
#define CLI_COURIERS_H

#include <jansson.h>

#include "session.h"

struct courier {
	pid_t pid;
	int fd;
};
struct couriers {
	struct courier *list;
	size_t count;
};
/* `path` is where each POSTs. */
bool couriers_open(struct session *session, const struct pki_service *service, const char *path,
    size_t count, struct couriers *out, struct err *err);
void couriers_close(struct couriers *c);
/* One message at a time: its answer is received before the next is sent. */
bool couriers_send(const struct couriers *c, size_t which, const json_t *body, struct err *err);
/* The CA's answer, or its refusal; as http_client_json. */
bool couriers_receive(const struct couriers *c, size_t which, json_t **out, struct err *err);

#endif
