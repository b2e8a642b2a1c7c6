/*
 * What lies in an archived key, told by its content and not by its name: a private key blob of
 * CryptoAPI or CNG ([MS-WCCE] 2.2.2.9), or what other makers put there, PKCS#8 or PKCS#12 (paper,
 * "Recovery BLOB Structure").
 */
#ifndef ARCHIVE_CONTENT_H
#define ARCHIVE_CONTENT_H

#include <openssl/evp.h>

#include "buf.h"

/* The private key in it that belongs to `pub`, which is proved (archive_key_matches); of a PKCS#12
 * the one of its keys that does. `password` is that of a PKCS#12, NULL for one without.
 * EVP_PKEY_free. NTE_BAD_DATA, DIRCA_E_KEY_MISMATCH. */
bool content_key(struct view content, const struct secret *password, EVP_PKEY *pub, EVP_PKEY **out,
    struct err *err);

#endif
