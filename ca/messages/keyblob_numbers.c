/* Numbers of a private key, into OpenSSL and out of it. */
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "keyblob_priv.h"

bool
keyblob_build(
    const char *type, OSSL_PARAM_BLD *bld, const char *what, EVP_PKEY **out, struct err *err)
{
	OWNED(own_param) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "private key blob: OpenSSL cannot take the numbers");
	if (EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEYPAIR, params) != 1)
		return err_openssl(err, NTE_BAD_DATA, "private key blob: %s", what);
	return true;
}

bool
keyblob_get(const EVP_PKEY *key, const char *param, BIGNUM *bn)
{
	BIGNUM *into = bn;

	return bn != NULL && EVP_PKEY_get_bn_param(key, param, &into) == 1;
}
