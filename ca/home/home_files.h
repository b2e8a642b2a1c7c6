/* What other rooms read of the files of the state folder. */
#ifndef HOME_HOME_FILES_H
#define HOME_HOME_FILES_H

#include "config.h"
#include "pkix.h"

/* The first of a PEM file of the state folder. */
bool home_first_certificate(
    const struct config *config, const char *name, struct pkix_cert *out, struct err *err);

#endif
