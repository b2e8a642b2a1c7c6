/*
 * The CA exchange certificate as a client must check it before it encrypts a private key to it
 * (paper, "CA Exchange Certificate Retrieval").
 */
#ifndef CLIENT_CLIENT_XCHG_H
#define CLIENT_CLIENT_XCHG_H

#include "http_client.h"
#include "pkix.h"

/* The certificate that keys are encrypted to which are imported, checked in the same way. */
bool client_import_fetch(struct http_client *http, const char *ca_name, struct view ca_certificate,
    int64_t now, struct pkix_cert *out, struct err *err);
/* Fetches it; checks that the key of `ca_certificate` (from the directory) signed it, its usage and
 * validity, and that the CA's current CRL does not name it. Free with pkix_cert_free. */
bool client_xchg_fetch(struct http_client *http, const char *ca_name, struct view ca_certificate,
    int64_t now, struct pkix_cert *out, struct err *err);

#endif
