/*
 * Private keys in files: PKCS#8 as PEM (RFC 5208, RFC 7468 10 and 11). The one writer of them for
 * the CA's keys, its exchange keys, the key of its TLS certificate and those that clients keep.
 */
#ifndef MESSAGES_PKCS8_H
#define MESSAGES_PKCS8_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "buf.h"

/* PBKDF2 with HMAC-SHA-256: what a password costs who guesses it. */
#define PKCS8_ITERATIONS 600000

/* EncryptedPrivateKeyInfo: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC; `password` NULL: not
 * encrypted. E_INVALIDARG if the password is empty: a key is encrypted or not, never seemingly. */
bool pkcs8_encode(
    EVP_PKEY *key, const struct secret *password, struct secret *pem_out, struct err *err);
/* NTE_BAD_DATA if it is none or the password is another; NULL reads what is not encrypted. */
bool pkcs8_decode(
    const struct secret *pem, const struct secret *password, EVP_PKEY **out, struct err *err);

/* PrivateKeyInfo as it is, all of it. NTE_BAD_DATA. */
bool pkcs8_decode_der(struct view der, EVP_PKEY **out, struct err *err);
/* The key of one that was decoded, whoever made it: none whose reading takes longer than that of
 * keys that are in use. NTE_BAD_DATA. */
bool pkcs8_key(const PKCS8_PRIV_KEY_INFO *plain, EVP_PKEY **out, struct err *err);

#endif
