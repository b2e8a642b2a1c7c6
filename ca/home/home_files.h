/* What other rooms read of the files of the state folder. */
#ifndef HOME_HOME_FILES_H
#define HOME_HOME_FILES_H

#include "config.h"
#include "pkix.h"

/* The first of a PEM file of the state folder. */
bool home_first_certificate(
    const struct config *config, const char *name, struct pkix_cert *out, struct err *err);
/* The key of a certificate of the CA, for what root itself signs; EVP_PKEY_free. */
bool home_open_ca_key(
    const struct config *config, const struct pkix_cert *ca, EVP_PKEY **out, struct err *err);

#endif
