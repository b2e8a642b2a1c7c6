/*
 * The key of the TLS service, by whose hash in the directory (dircaServiceKeyHash) clients know it
 * beside chain and name.
 */
#ifndef HOME_SERVICE_KEY_H
#define HOME_SERVICE_KEY_H

#include "config.h"

#define SERVICE_KEY_HASH_LEN 32

/* SHA-256 of the SubjectPublicKeyInfo of the first certificate in <state>/tls.crt. */
bool service_key_hash(
    const struct config *config, uint8_t out[SERVICE_KEY_HASH_LEN], struct err *err);

#endif
