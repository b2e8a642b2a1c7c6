/* A private key of somebody's own, in a file that he names. */
#ifndef CLI_OWN_KEY_H
#define CLI_OWN_KEY_H

#include "pfx.h"

/* Everything of a file with keys, of whatever kind (material.h). Where it needs a password, that is
 * the first line of `password_file`, or asked for. pfx_content_free. */
bool own_key_content(const char *path, const char *password_file, const char *prompt,
    struct pfx_content *out, struct err *err);
/* Of these the first key that has its certificate there, else the first alone. pfx_free. */
bool own_key_read(const char *path, const char *password_file, const char *prompt, struct pfx *out,
    struct err *err);
/* With its certificate: ERROR_INVALID_DATA where that is not there. */
bool own_pair_read(const char *path, const char *password_file, const char *prompt, struct pfx *out,
    struct err *err);

#endif
