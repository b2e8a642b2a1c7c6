/* A private key of somebody's own, in a file that he names. */
#ifndef CLI_OWN_KEY_H
#define CLI_OWN_KEY_H

#include "pfx.h"

/* PEM, which holds the key alone, or PKCS#12 with its certificate. PEM that is not encrypted needs
 * no password; else it is the first line of `password_file`, or asked for. pfx_free. */
bool own_key_read(const char *path, const char *password_file, const char *prompt, struct pfx *out,
    struct err *err);

#endif
