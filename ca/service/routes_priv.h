/* Inside of routes.c, for its tests. */
#ifndef SERVICE_ROUTES_PRIV_H
#define SERVICE_ROUTES_PRIV_H

#include "routes.h"

/* Whose act it is. What officers and administrators do needs a sign-in that is bound to the TLS
 * channel (channel_binding of dircad.conf). */
enum route_actor { BY_ANYBODY, BY_OFFICER, BY_ADMIN };

struct route {
	const char *method;
	const char *pattern; /* one '*' matches one path segment */
	bool open;           /* no authentication */
	bool plain;          /* also over plain HTTP */
	enum route_actor actor;
	void (*run)(struct route_call *);
};

/* The route of a call, NULL if there is none; the star's text is copied into `part` ("" if the
 * pattern has none). *path_known_out: the path exists, if perhaps not with this method. */
const struct route *route_find(
    const struct http_call *call, char *part, size_t size, bool *path_known_out);

#endif
