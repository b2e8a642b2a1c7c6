/*
 * What encrypts private keys under a password: what it costs to open, and the algorithms of old
 * programs (RC2 and RC4 with 40 bits, DES), which lie in OpenSSL's legacy provider. That is loaded
 * to read a file, in a context of its own, and nowhere else.
 */
#ifndef MESSAGES_PBE_H
#define MESSAGES_PBE_H

#include <openssl/provider.h>
#include <openssl/x509.h>

#include "err.h"

/* Iterations, at once and for all that is in a file: one that asks for more only burns time. */
#define PBE_MAX_ONCE 10000000
#define PBE_MAX_ALL  256000000

/* What deriving a key with this algorithm costs, in iterations of PBKDF2; INT64_MAX for what is
 * malformed. Of an algorithm that is not known 0: it cannot be opened. */
int64_t pbe_cost(const X509_ALGOR *alg);
/* 1 if it is absent. */
int64_t pbe_count(const ASN1_INTEGER *count);

struct pbe_context {
	OSSL_LIB_CTX *context;
	OSSL_PROVIDER *usual, *legacy; /* the latter is not on every machine */
};
bool pbe_open(struct pbe_context *c, struct err *err);
void pbe_close(struct pbe_context *c);
/* Words behind "cannot be opened". */
const char *pbe_missing(const struct pbe_context *c);

#endif
