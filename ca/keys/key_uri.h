/*
 * Private keys that a token keeps (PKCS#11): named by an RFC 7512 URI and used there, through
 * OpenSSL's pkcs11 engine (libp11; Debian: libengine-pkcs11-openssl). Such a key signs, decrypts
 * and derives as any other; it is not copied and not exported.
 */
#ifndef KEYS_KEY_URI_H
#define KEYS_KEY_URI_H

#include <openssl/evp.h>

#include "buf.h"

/* "pkcs11:..." */
bool key_uri_is(const char *text);
/* The one that a file holds in the place of a key: its first line. free(); NULL: it holds none. */
char *key_uri_in(const struct secret *file);
/* The module is that of the URI's module-path attribute (RFC 7512 2.4), written plainly, else the
 * engine's default, p11-kit; a process uses one. The PIN is the first line of the file that the
 * URI's pin-source names, else `pin`; NULL: none. Nothing else of the query counts. EVP_PKEY_free.
 * DIRCA_E_CONFIG: no engine or module; SCARD_E_NO_SMARTCARD: the token does not give the key,
 * because it is not there, or not without another PIN. */
bool key_uri_open(const char *uri, const struct secret *pin, EVP_PKEY **out, struct err *err);
/* A card was put in: the next one looks for tokens anew, if no key of one is open. */
void key_uri_look_anew(void);
/* What the URI's module-path says, "" where it says none. free(). */
char *key_uri_module(const char *uri);
/* Does a token keep it? */
bool key_is_on_token(const EVP_PKEY *key);

#endif
