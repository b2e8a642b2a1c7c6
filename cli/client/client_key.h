/*
 * The subject's own key on the client's side: made, kept encrypted beside its request until the
 * certificate is there, put into a PKCS#12.
 */
#ifndef CLIENT_CLIENT_KEY_H
#define CLIENT_CLIENT_KEY_H

#include <openssl/evp.h>

#include "buf.h"
#include "tmpl.h"

/* How the file of a key ends that is kept beside its request. */
#define CLIENT_KEY_SUFFIX ".key"

/* "rsa2048", "rsa3072", "rsa4096", "p256", "p384"; NULL chooses what the template names, RSA where
 * it names nothing, with at least the template's bits. */
bool client_key_make(const char *kind, const struct tmpl *t, EVP_PKEY **out, struct err *err);
/* On the curve, or RSA where that is NULL. */
bool client_key_generate(const char *curve, int bits, EVP_PKEY **out, struct err *err);
/* As pkcs8_encode, behind a line that says whose it is; mode 0600; never overwrites. */
bool client_key_save(
    const char *path, EVP_PKEY *key, const struct secret *password, struct err *err);
/* Is it as client_key_save writes it? Another key is somebody's own, and not to be removed. */
bool client_key_was_saved(const char *path, struct err *err);
bool client_key_load(
    const char *path, const struct secret *password, EVP_PKEY **out, struct err *err);
/* True if the certificate is for this key. */
bool client_key_is_of(EVP_PKEY *key, struct view certificate, struct err *err);
/* Where it was not, names the file with the key. Returns false. */
bool client_key_failed(const char *path, struct err *err);

#endif
