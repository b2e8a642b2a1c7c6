/* The certificate and key by which somebody signs in at a CA over TLS. */
#ifndef CLI_OWN_CERTIFICATE_H
#define CLI_OWN_CERTIFICATE_H

#include <openssl/evp.h>

#include "buf.h"

struct own_certificate {
	EVP_PKEY *key;          /* NULL: none is used */
	struct buf certificate; /* DER */
	char *upn;              /* whose it says that it is; NULL: it names nobody, or several */
};

/* `certificate` is a PKCS#12; with `key` (a file, or the pkcs11: URI of a key on a token) a
 * certificate (PEM or DER). Neither: none. `password_file`: of the key, or the token's PIN; NULL:
 * it is asked for. DIRCA_E_USAGE, DIRCA_E_KEY_MISMATCH. */
bool own_certificate_read(const char *certificate, const char *key, const char *password_file,
    struct own_certificate *out, struct err *err);
void own_certificate_free(struct own_certificate *c);

#endif
