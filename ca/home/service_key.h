/*
 * The TLS service's key and certificate. Clients know the key by its hash in the directory
 * (dircaServiceKeyHash) beside chain and name: a certificate is renewed with the key that it has.
 */
#ifndef HOME_SERVICE_KEY_H
#define HOME_SERVICE_KEY_H

#include "config.h"
#include "pkix.h"

#define SERVICE_KEY_HASH_LEN 32
#define SERVICE_VALIDITY_S   (INT64_C(2) * 365 * 86400)

/* SHA-256 of the SubjectPublicKeyInfo of the first certificate in <state>/tls.crt. */
bool service_key_hash(
    const struct config *config, uint8_t out[SERVICE_KEY_HASH_LEN], struct err *err);

/* The first certificate in <state>/tls.crt. */
bool service_certificate_read(const struct config *config, struct pkix_cert *out, struct err *err);
/* TBSCertificate for config->host and loopback names, two years, not longer than the CA's. */
bool service_certificate_tbs(const struct config *config, struct view spki,
    const struct pkix_cert *ca, struct view sig_alg, int64_t now,
    uint8_t serial_out[PKIX_SERIAL_LEN], struct buf *tbs_out, struct err *err);
/* Replaces <state>/tls.crt, the CA's certificate behind it. */
bool service_certificate_write(const struct config *config, struct view certificate,
    const struct pkix_cert *ca, struct err *err);

#endif
