#include "rsa_numbers.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "mem.h"
#include "own.h"

bool
rsa_numbers_new(bool is_private, struct rsa_numbers *out)
{
	BIGNUM **secret[] = {&out->d, &out->p, &out->q, &out->dp, &out->dq, &out->qi};
	bool ok;

	*out = (struct rsa_numbers){.n = BN_new(), .e = BN_new()};
	ok = out->n != NULL && out->e != NULL;
	for (size_t i = 0; is_private && i < COUNT_OF(secret); i++) {
		*secret[i] = BN_secure_new();
		if (*secret[i] != NULL)
			BN_set_flags(*secret[i], BN_FLG_CONSTTIME);
		ok = ok && *secret[i] != NULL;
	}
	return ok;
}

void
rsa_numbers_free(struct rsa_numbers *k)
{
	BN_free(k->n);
	BN_free(k->e);
	BN_clear_free(k->d);
	BN_clear_free(k->p);
	BN_clear_free(k->q);
	BN_clear_free(k->dp);
	BN_clear_free(k->dq);
	BN_clear_free(k->qi);
	*k = (struct rsa_numbers){0};
}

/* What OpenSSL gave away of a key, which may be private. */
static void
params_free(OSSL_PARAM **params)
{
	for (OSSL_PARAM *p = *params; p != NULL && p->key != NULL; p++)
		OPENSSL_cleanse(p->data, p->data_size);
	OSSL_PARAM_free(*params);
}

bool
rsa_numbers_of(const EVP_PKEY *key, bool is_private, struct rsa_numbers *out)
{
	OWNED(rsa_numbers_free) struct rsa_numbers k = {0};
	OWNED(params_free) OSSL_PARAM *params = NULL;
	const struct {
		const char *name;
		BIGNUM **to;
	} numbers[] = {
	    {OSSL_PKEY_PARAM_RSA_N, &k.n},
	    {OSSL_PKEY_PARAM_RSA_E, &k.e},
	    {OSSL_PKEY_PARAM_RSA_D, &k.d},
	    {OSSL_PKEY_PARAM_RSA_FACTOR1, &k.p},
	    {OSSL_PKEY_PARAM_RSA_FACTOR2, &k.q},
	    {OSSL_PKEY_PARAM_RSA_EXPONENT1, &k.dp},
	    {OSSL_PKEY_PARAM_RSA_EXPONENT2, &k.dq},
	    {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &k.qi},
	};

	*out = (struct rsa_numbers){0};
	if (!rsa_numbers_new(is_private, &k) ||
	    EVP_PKEY_todata(key, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return false;
	for (size_t i = 0; i < COUNT_OF(numbers) && *numbers[i].to != NULL; i++) {
		const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, numbers[i].name);

		if (p == NULL || OSSL_PARAM_get_BN(p, numbers[i].to) != 1)
			return false;
	}
	*out = k;
	k = (struct rsa_numbers){0};
	return true;
}
