/* What writing and reading a PKCS#12 share. */
#ifndef MESSAGES_PFX_PRIV_H
#define MESSAGES_PFX_PRIV_H

#include "pfx.h"

/* The password as OpenSSL wants it, UTF-8 with a NUL. */
bool pfx_password(const struct secret *password, struct secret *out, struct err *err);

/* SHA-256 of a public key as OpenSSL writes it; false: none that it knows. */
#define PFX_KEY_HASH_LEN 32
bool pfx_key_hash(EVP_PKEY *key, uint8_t out[PFX_KEY_HASH_LEN]);
bool pfx_certificate_key_hash(struct view der, uint8_t out[PFX_KEY_HASH_LEN]);

void pfx_entry_free(struct pfx_entry *e);
void pfx_attrs_free(struct pfx_attrs *a);

/* pfx_read that derives keys by so many iterations at most, besides the MAC. */
bool pfx_read_within(struct view der, const struct secret *password, int64_t iterations,
    struct pfx_content *out, struct err *err);

#endif
