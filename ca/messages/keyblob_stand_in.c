#include "keyblob_priv.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>

#define RSA_HEADER  20
#define RSA_MIN     1024
#define RSA_MAX     8192
#define RSA_E_USUAL 65537
#define EC_HEADER   8

static bool
rsa_can_be_held(const EVP_PKEY *pub)
{
	OWNED(rsa_numbers_free) struct rsa_numbers k = {0};

	return rsa_numbers_of(pub, false, &k) && BN_num_bits(k.n) >= RSA_MIN &&
	       BN_num_bits(k.n) <= RSA_MAX && BN_num_bits(k.n) % 8 == 0 && BN_is_odd(k.n) &&
	       BN_is_odd(k.e) && !BN_is_one(k.e);
}

bool
keyblob_can_hold(const EVP_PKEY *pub, struct err *err)
{
	size_t side;
	uint32_t magic;

	return (EVP_PKEY_is_a(pub, "RSA") ? rsa_can_be_held(pub)
					  : keyblob_ec_layout(pub, &magic, &side)) ||
	       err_set(err, NTE_BAD_ALGID,
		   "no private key of this kind can be archived; RSA of %d to %d bits in steps of "
		   "8 and P-256, P-384, P-521 can",
		   RSA_MIN, RSA_MAX);
}

/* Numbers that keyblob_decode finds sensible: odd primes over the exponents, d below n.
 * Little-endian: the last octet is the highest. */
static void
rsa_fill(uint8_t *at, size_t whole, size_t half)
{
	uint8_t *p = at, *q = p + half;

	for (uint8_t *prime = p; prime <= q; prime += half) {
		prime[0] |= 1;
		prime[half - 1] |= 0xC0;
	}
	for (size_t i = 2; i < 5; i++) /* dp, dq, iq */
		at[(i + 1) * half - 1] = (at[(i + 1) * half - 1] & 0x3F) | 0x20;
	at[5 * half + whole - 1] = (at[5 * half + whole - 1] & 0x3F) | 0x20; /* d */
}

static bool
rsa_stand_in(const EVP_PKEY *pub, struct secret *out, struct err *err)
{
	OWNED(rsa_numbers_free) struct rsa_numbers k = {0};
	OWNED(secret_free) struct secret blob = {0};
	size_t whole, half;

	if (!rsa_numbers_of(pub, false, &k))
		return err_openssl(err, DIRCA_E_CRYPTO, "the public key has no RSA numbers");
	whole = (size_t)BN_num_bytes(k.n);
	half = (whole + 1) / 2;
	if (!secret_alloc(RSA_HEADER + 2 * whole + 5 * half, &blob, err))
		return false;
	keyblob_put_u32le(blob.ptr, KEYBLOB_PRIVATEKEYBLOB);
	keyblob_put_u32le(blob.ptr + 4, KEYBLOB_CALG_RSA_KEYX);
	keyblob_put_u32le(blob.ptr + 8, KEYBLOB_MAGIC_RSA2);
	keyblob_put_u32le(blob.ptr + 12, (uint32_t)whole * 8);
	keyblob_put_u32le(
	    blob.ptr + 16, BN_num_bits(k.e) <= 32 ? (uint32_t)BN_get_word(k.e) : RSA_E_USUAL);
	if (BN_bn2lebinpad(k.n, blob.ptr + RSA_HEADER, (int)whole) != (int)whole ||
	    RAND_priv_bytes(blob.ptr + RSA_HEADER + whole, (int)(whole + 5 * half)) != 1)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "a stand-in for an RSA key could not be made");
	rsa_fill(blob.ptr + RSA_HEADER + whole, whole, half);
	*out = blob;
	blob = (struct secret){0};
	return true;
}

static bool
ec_stand_in(const EVP_PKEY *pub, struct secret *out, struct err *err)
{
	OWNED(own_bn) BIGNUM *x = BN_new(), *y = BN_new();
	OWNED(secret_free) struct secret blob = {0};
	size_t side = 0;
	uint32_t magic;
	uint8_t *d;

	if (!keyblob_ec_layout(pub, &magic, &side) ||
	    !keyblob_get(pub, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
	    !keyblob_get(pub, OSSL_PKEY_PARAM_EC_PUB_Y, y))
		return err_openssl(err, DIRCA_E_CRYPTO, "the public key has no point");
	if (!secret_alloc(EC_HEADER + 3 * side, &blob, err))
		return false;
	keyblob_put_u32le(blob.ptr, magic);
	keyblob_put_u32le(blob.ptr + 4, (uint32_t)side);
	d = blob.ptr + EC_HEADER + 2 * side;
	if (BN_bn2binpad(x, blob.ptr + EC_HEADER, (int)side) != (int)side ||
	    BN_bn2binpad(y, blob.ptr + EC_HEADER + side, (int)side) != (int)side ||
	    RAND_priv_bytes(d, (int)side) != 1)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "a stand-in for an EC key could not be made");
	d[0] = 0;  /* below the order, */
	d[1] |= 1; /* and not zero */
	*out = blob;
	blob = (struct secret){0};
	return true;
}

bool
keyblob_stand_in(const EVP_PKEY *pub, struct secret *out, struct err *err)
{
	*out = (struct secret){0};
	return EVP_PKEY_is_a(pub, "RSA") ? rsa_stand_in(pub, out, err) : ec_stand_in(pub, out, err);
}
