/*
 * Key files of the CA: the CA key, and what reads, writes and uses any of them. PKCS#8 PEM, mode
 * 0600, encrypted if there is a passphrase; or the URI of a key that a token keeps. While the CA
 * runs, only the vault uses them; `dirca ca init` makes the first one.
 */
#ifndef KEYS_CA_KEY_H
#define KEYS_CA_KEY_H

#include <openssl/evp.h>

#include "buf.h"

#define KEY_PATH_MAX 4096

enum ca_key_kind {
	CA_KEY_RSA_2048,
	CA_KEY_RSA_3072,
	CA_KEY_RSA_4096,
	CA_KEY_EC_P256,
	CA_KEY_EC_P384
};
bool ca_key_kind_by_name(const char *name, enum ca_key_kind *out); /* "rsa3072", "p256" ... */
bool ca_key_is_of_kind(const EVP_PKEY *key, enum ca_key_kind kind);
/* Makes the folder and in it the CA key with that index: ca.key for 0, else ca-<index>.key.
 * ERROR_FILE_EXISTS rather than overwrite. passphrase NULL: not encrypted. */
bool ca_key_create(const char *folder, uint32_t index, enum ca_key_kind kind,
    const struct secret *passphrase, struct err *err);
/* The same of a key that is there already. */
bool ca_key_import(const char *folder, uint32_t index, EVP_PKEY *key,
    const struct secret *passphrase, struct err *err);
/* The file holds the URI of a key that a token keeps, which is there already (key_uri.h); `pin` is
 * what the passphrase is otherwise. */
bool ca_key_refer(
    const char *folder, uint32_t index, const char *uri, const struct secret *pin, struct err *err);
/* EVP_PKEY_free. */
bool ca_key_open(const char *folder, uint32_t index, const struct secret *passphrase,
    EVP_PKEY **out, struct err *err);
/* The URI that the file holds; NULL: it holds a key. free(). */
bool ca_key_uri(const char *folder, uint32_t index, char **out, struct err *err);
/* Name of its file in the folder. */
#define CA_KEY_NAME_MAX 24
void ca_key_name(uint32_t index, char out[CA_KEY_NAME_MAX]);
/* One raw signature, as key_signer_sign makes it. */
bool ca_key_sign(EVP_PKEY *key, struct view tbs, struct buf *signature_out, struct err *err);

/* A file that must not exist yet. */
bool key_file_write(
    const char *path, EVP_PKEY *key, const struct secret *passphrase, struct err *err);
/* Of a file with a URI, the key that the token keeps; the passphrase is its PIN. DIRCA_E_CONFIG if
 * others than its owner may use it. */
bool key_file_read(
    const char *path, const struct secret *passphrase, EVP_PKEY **out, struct err *err);

/* A key with its contexts, for signing without a fetch per signature. One thread at a time. */
struct key_signer {
	EVP_PKEY *key;
	EVP_MD *digest;
	EVP_MD_CTX *hash;
	EVP_PKEY_CTX *sign;
};
/* Takes a reference. */
bool key_signer_open(EVP_PKEY *key, struct key_signer *out, struct err *err);
bool key_signer_sign(struct key_signer *s, struct view tbs, struct buf *signature, struct err *err);
void key_signer_close(struct key_signer *s);

#endif
