/*
 * The holder of a certificate of this CA, for a CA that has no directory: nobody whom the machine
 * knows, and nobody else than who has this certificate's key, so that what somebody requested for a
 * server does not make that server him. The SID holds the serial number.
 */
#ifndef CORE_CA_HOLDER_H
#define CORE_CA_HOLDER_H

#include "ca.h"

/* The SID of whoever holds the certificate: S-1-22-3 and five numbers. E_INVALIDARG for a serial
 * number of more than 20 octets, the most that RFC 5280 4.1.2.2 allows. */
bool ca_holder_sid(struct view serial, struct sid *out, struct err *err);
bool ca_holder_is(const struct sid *sid);
/* The certificate; CRYPT_E_NOT_FOUND. */
bool ca_holder_certificate(
    struct ca *ca, const struct sid *sid, struct pkix_cert *out, struct err *err);
/* A certificate that is revoked, or on hold, makes its holder an account that is disabled. */
enum dir_find ca_holder_find(
    struct ca *ca, const struct sid *sid, struct principal *out, struct err *err);

#endif
