/* Inside of routes.c, for its tests. */
#ifndef SERVICE_ROUTES_PRIV_H
#define SERVICE_ROUTES_PRIV_H

#include "routes.h"

/* Whose act it is: which right on the CA it needs. tests/support/role_matrix.py calls every route
 * in every role and holds this to be true. What officers and administrators do needs a sign-in that
 * is bound to the TLS channel (channel_binding of dircad.conf). */
enum route_actor {
	BY_ANYBODY,  /* who signs in; of others' requests nothing is shown */
	BY_ENROLLEE, /* Request Certificates */
	BY_VIEWER,   /* Read by itself, or one of the roles (route_may_view) */
	BY_AUDITOR,  /* Auditor; it and what follows are acts of a role, bound to the TLS channel */
	BY_WATCHER,  /* Auditor or Manage CA (route_may_watch) */
	BY_REVIEWER, /* Auditor or Issue and Manage Certificates */
	BY_OFFICER,  /* Issue and Manage Certificates */
	BY_ADMIN     /* Manage CA */
};

struct route {
	const char *method;
	const char *pattern; /* one '*' matches one path segment */
	bool open;           /* no authentication */
	bool plain;          /* also over plain HTTP */
	enum route_lane lane;
	enum route_actor actor;
	void (*run)(struct route_call *);
};

/* The route of a call, NULL if there is none; the star's text is copied into `part` ("" if the
 * pattern has none). *path_known_out: the path exists, if perhaps not with this method. */
const struct route *route_find(
    const struct http_call *call, char *part, size_t size, bool *path_known_out);
/* The methods that the path of the call takes, "GET, HEAD, POST"; free(). */
char *route_methods(const struct http_call *call);

/* False if the query has a parameter, or the JSON body a member, that the route does not know, a
 * parameter twice, or a member of another type: E_INVALIDARG names it and those that there are. */
bool route_check_query(const struct route *route, const struct http_call *http, struct err *err);
bool route_check_body(const struct route *route, const struct http_call *http, struct err *err);

#endif
