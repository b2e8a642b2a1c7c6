/*
 * Where the keys of a person or a machine are kept for programs to use: a folder of PEM files, the
 * database of NSS, a token. `dirca importpfx` puts keys there, `dirca exportpfx` takes them out.
 */
#ifndef CLI_KEY_STORE_H
#define CLI_KEY_STORE_H

#include "cli.h"
#include "pfx.h"

/* Each key with its certificate and, where the store has a place for it, the chain. What is there
 * already stays as it is; --force writes a file anew. A line for each key goes to stdout. */
bool key_store_import(const struct cli_options *o, struct pfx_content *c, struct err *err);
/* The one key that `wanted` names, with its chain: SHA-1 of the certificate or its first eight
 * digits, serial number, or a part of subject or name; in NSS the nickname. CRYPT_E_NOT_FOUND,
 * TYPE_E_AMBIGUOUSNAME; NTE_BAD_FLAGS: a token gives none out. */
bool key_store_export(
    const struct cli_options *o, const char *wanted, struct pfx_content *out, struct err *err);

/* The kinds. */
bool key_folder_import(const struct cli_options *o, struct pfx_content *c, struct err *err);
bool key_folder_export(
    const struct cli_options *o, const char *wanted, struct pfx_content *out, struct err *err);
bool key_nss_import(const struct cli_options *o, struct pfx_content *c, struct err *err);
bool key_nss_export(
    const struct cli_options *o, const char *wanted, struct pfx_content *out, struct err *err);
bool key_token_import(const struct cli_options *o, struct pfx_content *c, struct err *err);

#endif
