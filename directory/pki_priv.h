/*
 * Names of objects under CN=Public Key Services. Inside of this folder only. All strings are
 * malloc'ed; NULL on no memory or on a name that is not UTF-8.
 */
#ifndef DIRECTORY_PKI_PRIV_H
#define DIRECTORY_PKI_PRIV_H

#include "pki.h"

/* CN=Public Key Services,CN=Services,<config_nc> */
char *pki_services_dn(const struct dir_conn *c);
/* CN=<cn>,<parent>, the value escaped. */
char *pki_child_dn(const char *cn, const char *parent);
/* The sanitized name at full length, [MS-WCCE] 3.1.1.4.1.1.2. */
char *pki_sanitize_long(const char *ca_name);
/* The host as the CDP container names it: up to the first dot, as Windows does. */
char *pki_short_host(const char *host);

#endif
