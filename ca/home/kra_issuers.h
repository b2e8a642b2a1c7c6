/*
 * The file trust/kra-issuers.pem (trust.h) as `dirca kra issuers` writes it: the CAs beside this
 * one whose KRA certificates count. Between reading and writing the caller holds kra_policy_lock.
 */
#ifndef HOME_KRA_ISSUERS_H
#define HOME_KRA_ISSUERS_H

#include "config.h"
#include "pkix.h"

/* As many as a PEM file holds here. */
#define KRA_ISSUERS_MAX 32

/* DIRCA_E_TOO_LARGE over KRA_ISSUERS_MAX. */
bool kra_issuers_add(const struct config *config, const struct pkix_cert *issuer, struct err *err);
/* One that is not there is fine. */
bool kra_issuers_remove(const struct config *config, const uint8_t sha256[32], struct err *err);

#endif
