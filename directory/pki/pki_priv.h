/*
 * Names of objects under CN=Public Key Services, and what their making needs. Inside of this folder
 * only. All strings are malloc'ed; NULL of a name that is not UTF-8.
 */
#ifndef PKI_PKI_PRIV_H
#define PKI_PKI_PRIV_H

#include "pki.h"
#include "sid.h"

/* CN=Public Key Services,CN=Services,<config_nc> */
char *pki_services_dn(const struct dir_conn *c);
/* CN=<cn>,<parent>, the value escaped. */
char *pki_child_dn(const char *cn, const char *parent);
/* CN=<cn>,CN=<parent>,CN=Public Key Services,...; without `parent` right below that. */
char *pki_place_dn(const struct dir_conn *c, const char *cn, const char *parent);
/* The sanitized name at full length, [MS-WCCE] 3.1.1.4.1.1.2. */
char *pki_sanitize_long(const char *ca_name);
/* The host as the CDP container names it: up to the first dot, as Windows does. */
char *pki_short_host(const char *host);
/* Of a CRL's object, which holds the CRL. */
const char *pki_crl_attribute(const struct pki_crl_place *place);

/* A base of one's own below Microsoft's arc for enterprises, as a forest draws it by chance
 * ([MS-CRTD] 2.21): five arcs of 24 bits and one of 8. */
char *pki_new_oid_base(struct err *err);
/* objectSid of the domain of this server; *found_out false: it has none, or shows none. */
bool pki_domain_sid(struct dir_conn *c, bool *found_out, struct sid *out, struct err *err);

/* The class of the objects of CAs that are a dirca, where its CA answers, and where older versions
 * wrote that: the values of that attribute are those of the enrollment web services of Windows CAs,
 * in another form ([MS-WCCE] 2.2.2.11.2). */
#define PKI_AUTHORITY_CLASS "dircaAuthority"
#define PKI_SERVICE_URL     "dircaServiceURL"
#define PKI_OLD_SERVICE_URL "msPKI-Enrollment-Servers"
/* https://host or https://host:port, perhaps with a slash, and nothing behind. */
bool pki_is_service_url(struct view v);
/* What an object has of one attribute; no entry if there is no such object. */
bool pki_read_values(
    struct dir_conn *c, const char *dn, const char *attr, struct dir_entries *out, struct err *err);

#endif
