/* An RSA key as its numbers, for whoever computes with them himself. */
#ifndef MESSAGES_RSA_NUMBERS_H
#define MESSAGES_RSA_NUMBERS_H

#include <stdbool.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

struct rsa_numbers {
	BIGNUM *n, *e;
	BIGNUM *d, *p, *q, *dp, *dq, *qi; /* on the secure heap, and worked with in constant time */
};

/* Zeros, to be filled: all of them, or those of a public key. False: no memory. */
bool rsa_numbers_new(bool is_private, struct rsa_numbers *out);
void rsa_numbers_free(struct rsa_numbers *k);

/* Those of a key, all at once: OpenSSL goes through all numbers of a key for each that is asked for
 * alone. False if it is none of RSA, or lacks some. */
bool rsa_numbers_of(const EVP_PKEY *key, bool is_private, struct rsa_numbers *out);

#endif
