/*
 * Random numbers of a token (C_GenerateRandom of PKCS#11), for which OpenSSL's pkcs11 engine has no
 * function: asked for in a session of our own, by the module that the engine uses. It needs no PIN.
 */
#ifndef KEYS_TOKEN_RANDOM_H
#define KEYS_TOKEN_RANDOM_H

#include "buf.h"

#define TOKEN_RANDOM_LEN 32

struct token_random;
/* Of the token that `uri` (of a key, key_uri.h) names: exactly one must have what it says of a
 * token. The module is the URI's, else that of PKCS11_MODULE_PATH, else p11-kit. DIRCA_E_CONFIG: no
 * module, or several tokens; SCARD_E_NO_SMARTCARD: no such token; NTE_PROVIDER_DLL_FAIL: it says
 * that it has no generator. Each names what mends it. */
bool token_random_open(const char *uri, struct token_random **out, struct err *err);
void token_random_close(struct token_random *r); /* NULL passes */
/* TOKEN_RANDOM_LEN octets. Any thread may ask. A session that was lost is opened again once.
 * NTE_PROVIDER_DLL_FAIL: the token gives none, nothing but zeros, or what it gave before. */
bool token_random_give(struct token_random *r, struct secret *out, struct err *err);

#endif
