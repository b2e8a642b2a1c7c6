/* What writing and reading a PKCS#12 share. */
#ifndef MESSAGES_PFX_PRIV_H
#define MESSAGES_PFX_PRIV_H

#include "pfx.h"

/* The password as OpenSSL wants it, UTF-8 with a NUL. */
bool pfx_password(const struct secret *password, struct secret *out, struct err *err);

struct pfx_key_id pfx_key_id_of(EVP_PKEY *key);
/* Of the key, or of the certificate alone. */
const struct pfx_key_id *pfx_key_id(struct pfx_entry *e);
bool pfx_same_key(struct pfx_entry *a, struct pfx_entry *b);

void pfx_entry_free(struct pfx_entry *e);
void pfx_attrs_free(struct pfx_attrs *a);

/* pfx_read that derives keys by so many iterations at most, besides the MAC. */
bool pfx_read_within(struct view der, const struct secret *password, int64_t iterations,
    struct pfx_content *out, struct err *err);

#endif
