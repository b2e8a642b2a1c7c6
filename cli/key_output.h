/* Keys and certificates, written in the form that the next program reads. */
#ifndef CLI_KEY_OUTPUT_H
#define CLI_KEY_OUTPUT_H

#include "cli.h"
#include "pfx.h"

enum key_format {
	KEY_PFX,
	KEY_PEM,   /* each key with its certificate, then the other certificates */
	KEY_PKCS8, /* one private key, PEM */
	KEY_P7B,   /* the certificates alone */
	KEY_DER    /* one certificate */
};
/* --format; DIRCA_E_USAGE names them all. */
bool key_format_read(const char *word, enum key_format *out, struct err *err);
const char *key_format_word(enum key_format f);
bool key_format_is_secret(enum key_format f);
/* Do --plain and --legacy go with it? DIRCA_E_USAGE. */
bool key_format_check(const struct cli_options *o, enum key_format f, struct err *err);

/* Could it be written to `path`, and would anything be lost? Without --force: ERROR_FILE_EXISTS,
 * and DIRCA_E_KEY_MISMATCH for a key that has no certificate. Before anybody types a password. */
bool key_output_check(const struct cli_options *o, enum key_format format,
    const struct pfx_content *c, const char *path, struct err *err);
/* Has each key its certificate? Else DIRCA_E_KEY_MISMATCH, with what else can be done. */
bool key_pairs_check(const struct pfx_content *c, const char *cure, struct err *err);
/* KEY_PEM, or KEY_PKCS8: under `password`; NULL: in plain. */
bool key_output_pem(const struct pfx_content *c, enum key_format format,
    const struct secret *password, struct secret *out, struct err *err);
/* The octets of a file with keys, under `password` unless --plain. */
bool key_output_make(const struct cli_options *o, enum key_format format,
    const struct pfx_content *c, const struct secret *password, struct secret *out,
    struct err *err);
/* Makes the file, with the password of --out-password-file or one that is asked for, and writes it
 * (output.h). */
bool key_output_write(const struct cli_options *o, enum key_format format,
    const struct pfx_content *c, const char *path, struct err *err);
/* "2 private keys, 3 further certificates" and a line for each key, where words go. */
void key_output_print(const struct pfx_content *c, const char *path);

#endif
