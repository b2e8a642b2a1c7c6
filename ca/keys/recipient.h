/*
 * To whose certificate a new private key may be encrypted (RFC 7030 4.4.1.2): asked by the front,
 * which can tell more, and by the vault, which believes nobody. Pure.
 */
#ifndef KEYS_RECIPIENT_H
#define KEYS_RECIPIENT_H

#include "ca_issuers.h"

/* Signed by one of the keys of the CA, within validity at `now`, and for key encipherment (RSA) or
 * key agreement (EC). CERT_E_ISSUERCHAINING, CERT_E_EXPIRED, CERT_E_WRONG_USAGE. */
bool recipient_check(
    const struct pkix_cert *recipient, const struct ca_issuers *ca, int64_t now, struct err *err);
/* Are both certificates one holder's? By the SID where the new one has it, else by the one UPN that
 * both have. DIRCA_E_KEY_RECIPIENT. */
bool recipient_is_holder(
    const struct pkix_cert *recipient, const struct pkix_cert *issued, struct err *err);

#endif
