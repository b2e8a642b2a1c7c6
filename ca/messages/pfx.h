/*
 * PKCS#12 as the recovery hands it out: one private key, its certificate, the chain.
 */
#ifndef MESSAGES_PFX_H
#define MESSAGES_PFX_H

#include <openssl/evp.h>

#include "buf.h"

#define PFX_FILE_MAX (1024 * 1024) /* octets of a file that is read */

/* AES-256-CBC with PBKDF2-HMAC-SHA256 and a SHA-256 MAC, 300,000 iterations each. `friendly_name`
 * may be NULL. E_INVALIDARG if the password is empty. */
bool pfx_encode(EVP_PKEY *key, struct view certificate, const struct view *chain,
    size_t chain_count, const char *friendly_name, const struct secret *password, struct buf *out,
    struct err *err);
struct pfx {
	EVP_PKEY *key;
	struct buf certificate;
	struct buf *others; /* further certificates: the chain, and whatever is there */
	size_t other_count;
};
/* The first key that has its certificate there. NTE_BAD_DATA with a clear sentence on a wrong
 * password. */
bool pfx_decode(struct view der, const struct secret *password, struct pfx *out, struct err *err);
void pfx_free(struct pfx *p);
/* Every private key and every certificate of a file, in its order; codes as above. */
struct pfx_bags {
	EVP_PKEY **keys;
	size_t key_count;
	struct buf *certificates;
	size_t certificate_count;
};
bool pfx_open(
    struct view der, const struct secret *password, struct pfx_bags *out, struct err *err);
void pfx_bags_free(struct pfx_bags *b);

#endif
