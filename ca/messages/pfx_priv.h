/* What writing and reading a PKCS#12 share. */
#ifndef MESSAGES_PFX_PRIV_H
#define MESSAGES_PFX_PRIV_H

#include "buf.h"

/* The password as OpenSSL wants it, UTF-8 with a NUL. */
bool pfx_password(const struct secret *password, struct secret *out, struct err *err);

#endif
