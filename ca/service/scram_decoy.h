/*
 * SCRAM for who cannot sign in: a client that claims a name is answered with a salt before it
 * proves anything, so a name that nobody has must have one too. It looks like the salts of
 * accounts, and is always the same for one name: an HMAC of the name with a secret of the CA.
 */
#ifndef SERVICE_SCRAM_DECOY_H
#define SERVICE_SCRAM_DECOY_H

#include "buf.h"

/* What dirca's schema is described with (ldif/tree): who chooses another count for the accounts of
 * his directory should choose it for all. */
#define SCRAM_DECOY_ITERATIONS 4096
#define SCRAM_DECOY_SALT_LEN   16

/* The secret in the file, made if there is none. */
bool scram_decoy_secret(const char *path, struct secret *out, struct err *err);
/* A verifier (RFC 5803) that no password fits. With `real`, that of an account that may not sign
 * in, salt and iteration count are its own: they do not change when it is disabled. free(). */
bool scram_decoy(const struct secret *secret, const char *account, const char *real, char **out,
    struct err *err);

#endif
