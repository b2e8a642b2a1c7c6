/*
 * OpenSSL's objects as owned variables (own.h): OWNED(own_pkey) EVP_PKEY *key = NULL. Freed by
 * functions that take NULL.
 */
#ifndef MESSAGES_OWN_OPENSSL_H
#define MESSAGES_OWN_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "own.h"

OWN_POINTER(own_algor, X509_ALGOR, X509_ALGOR_free)
OWN_POINTER(own_bio, BIO, BIO_free_all)
OWN_POINTER(own_general_names, GENERAL_NAMES, GENERAL_NAMES_free)
OWN_POINTER(own_md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)
OWN_POINTER(own_pkey, EVP_PKEY, EVP_PKEY_free)

static inline void
own_extensions(STACK_OF(X509_EXTENSION) * *list)
{
	sk_X509_EXTENSION_pop_free(*list, X509_EXTENSION_free);
}

#endif
