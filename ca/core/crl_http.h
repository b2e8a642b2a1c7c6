/*
 * CRLs of other CAs by HTTP, from where a certificate says. Whoever issued it, whom root trusts,
 * chooses the URL: so it is asked for with little time, few octets, no redirection and no
 * credentials, not on this machine unless root says so, and what comes is believed by the issuer's
 * signature alone. Used by who builds the view, one at a time.
 */
#ifndef CORE_CRL_HTTP_H
#define CORE_CRL_HTTP_H

#include <sys/socket.h>

#include "config.h"
#include "crl_check.h"

#define CRL_HTTP_MAX ((size_t)4 << 20) /* octets */

struct crl_http;
struct crl_http *crl_http_new(enum crl_http_from from);
void crl_http_free(struct crl_http **h);
/* Is the certificate on a current CRL of its issuer? What was fetched counts until its nextUpdate,
 * and is asked for anew after an hour. CRYPT_E_REVOCATION_OFFLINE: none is to be had. */
bool crl_http_lists(
    struct crl_http *h, const struct crl_check *in, bool *listed_out, struct err *err);
/* This machine, its links (where clouds answer with credentials), or more than one. */
bool crl_http_is_near(const struct sockaddr *sa);

#endif
