/*
 * The CRL of a CA, as a client needs it: fetched from the CA once and kept in the user's cache
 * folder ($XDG_CACHE_HOME/dirca, else ~/.cache/dirca), for a CRL may have 50 MB. Each use asks the
 * CA whether it is still the newest, which costs a round trip; a CA that cannot say so is no reason
 * not to use it until its nextUpdate. What is kept is believed as little as what comes over the
 * network: issuer, signature and times are checked at each use, and what does not pass counts as
 * not there.
 */
#ifndef CLIENT_CLIENT_CRL_H
#define CLIENT_CLIENT_CRL_H

#include "http_client.h"
#include "pkix.h"

/* Does the current CRL of the CA list this serial number (content octets)? `ca_key` is that of the
 * CA's certificate `ca`. Codes of pkix_crl_lists and of http_client.h. */
bool client_crl_lists(struct http_client *http, const char *ca_name, const struct pkix_cert *ca,
    EVP_PKEY *ca_key, struct view serial, int64_t now, bool *listed_out, struct err *err);

#endif
