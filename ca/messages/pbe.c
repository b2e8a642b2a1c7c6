#include "pbe.h"

#include <openssl/err.h>

#include "der.h"
#include "own_openssl.h"

static int64_t cost_of(const X509_ALGOR *alg, int depth);

int64_t
pbe_count(const ASN1_INTEGER *count)
{
	int64_t n = 1;

	if (count != NULL && (!der_int64(&n, count) || n < 1))
		n = INT64_MAX;
	ERR_clear_error();
	return n;
}

static void *
parameter_of(const X509_ALGOR *alg, const ASN1_ITEM *item)
{
	return alg->parameter != NULL ? ASN1_TYPE_unpack_sequence(item, alg->parameter) : NULL;
}

static int64_t
cost_of_pbe(const X509_ALGOR *alg)
{
	PBEPARAM *p = parameter_of(alg, ASN1_ITEM_rptr(PBEPARAM));
	int64_t n = p != NULL ? pbe_count(p->iter) : INT64_MAX;

	PBEPARAM_free(p);
	return n;
}

static int64_t
cost_of_pbkdf2(const X509_ALGOR *alg)
{
	PBKDF2PARAM *p = parameter_of(alg, ASN1_ITEM_rptr(PBKDF2PARAM));
	int64_t n = p != NULL ? pbe_count(p->iter) : INT64_MAX;

	PBKDF2PARAM_free(p);
	return n;
}

/* Of N = 16384, r = 8, p = 1 about as long as 131,072 iterations take. */
static int64_t
cost_of_scrypt(const X509_ALGOR *alg)
{
	SCRYPT_PARAMS *p = parameter_of(alg, ASN1_ITEM_rptr(SCRYPT_PARAMS));
	int64_t n = INT64_MAX, each = 0;

	if (p != NULL &&
	    !__builtin_mul_overflow(pbe_count(p->costParameter), pbe_count(p->blockSize), &each))
		if (__builtin_mul_overflow(each, pbe_count(p->parallelizationParameter), &n))
			n = INT64_MAX;
	SCRYPT_PARAMS_free(p);
	return n;
}

/* PBMAC1 has parameters of the same shape (RFC 8018 A.4, A.5). */
static int64_t
cost_of_pbes2(const X509_ALGOR *alg, int depth)
{
	PBE2PARAM *p = parameter_of(alg, ASN1_ITEM_rptr(PBE2PARAM));
	int64_t n = p != NULL && depth == 0 ? cost_of(p->keyfunc, depth + 1) : INT64_MAX;

	PBE2PARAM_free(p);
	return n;
}

static int64_t
cost_of(const X509_ALGOR *alg, int depth)
{
	switch (OBJ_obj2nid(alg->algorithm)) {
	case NID_pbes2:
	case NID_pbmac1:
		return cost_of_pbes2(alg, depth);
	case NID_id_pbkdf2:
		return cost_of_pbkdf2(alg);
	case NID_id_scrypt:
		return cost_of_scrypt(alg);
	case NID_pbe_WithSHA1And128BitRC4:
	case NID_pbe_WithSHA1And40BitRC4:
	case NID_pbe_WithSHA1And3_Key_TripleDES_CBC:
	case NID_pbe_WithSHA1And2_Key_TripleDES_CBC:
	case NID_pbe_WithSHA1And128BitRC2_CBC:
	case NID_pbe_WithSHA1And40BitRC2_CBC:
	case NID_pbeWithMD2AndDES_CBC:
	case NID_pbeWithMD5AndDES_CBC:
	case NID_pbeWithMD2AndRC2_CBC:
	case NID_pbeWithMD5AndRC2_CBC:
	case NID_pbeWithSHA1AndDES_CBC:
	case NID_pbeWithSHA1AndRC2_CBC:
		return cost_of_pbe(alg);
	default:
		return 0;
	}
}

int64_t
pbe_cost(const X509_ALGOR *alg)
{
	int64_t cost = cost_of(alg, 0);

	ERR_clear_error();
	return cost;
}

/* ---- algorithms of old programs ---- */

bool
pbe_open(struct pbe_context *c, struct err *err)
{
	*c = (struct pbe_context){.context = OSSL_LIB_CTX_new()};
	if (c->context == NULL || (c->usual = OSSL_PROVIDER_load(c->context, "default")) == NULL) {
		pbe_close(c);
		return err_openssl(err, DIRCA_E_CRYPTO, "no provider to read a private key with");
	}
	c->legacy = OSSL_PROVIDER_load(c->context, "legacy");
	ERR_clear_error();
	return true;
}

void
pbe_close(struct pbe_context *c)
{
	if (c->legacy != NULL)
		OSSL_PROVIDER_unload(c->legacy);
	if (c->usual != NULL)
		OSSL_PROVIDER_unload(c->usual);
	OSSL_LIB_CTX_free(c->context);
	*c = (struct pbe_context){0};
}

const char *
pbe_missing(const struct pbe_context *c)
{
	return c->legacy == NULL ? ", perhaps for want of OpenSSL's legacy provider" : "";
}
