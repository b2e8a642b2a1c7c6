/*
 * For LD_PRELOAD: OpenSSL's default provider makes no keys, as where its configuration forbids it.
 */
#include <openssl/evp.h>

EVP_PKEY *
EVP_PKEY_Q_keygen(OSSL_LIB_CTX *ctx, const char *properties, const char *type, ...)
{
	(void)ctx;
	(void)properties;
	(void)type;
	return NULL;
}
