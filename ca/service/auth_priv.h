/* Inside of auth.c, for its tests. */
#ifndef SERVICE_AUTH_PRIV_H
#define SERVICE_AUTH_PRIV_H

#include "auth.h"

/* The value of one auth-param (RFC 9110 11.2: token or quoted string) as a copy, free(); NULL if
 * absent or without its closing quote. Names are compared without case. */
char *auth_param(const char *params, const char *name);
/* A Kerberos principal with the domain that `kerberos_realm` names for its realm, else as it is.
 * free(). */
char *auth_map_realm(const struct config *config, const char *name);

#endif
