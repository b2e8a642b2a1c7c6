/*
 * Proof that an archived private key belongs to the public key of the request (paper: "Key
 * Verification"). The numbers come from a stranger: sizes and relations are checked before any of
 * them reaches an exponentiation, so that no key can crash or stall the vault.
 */
#include "archive.h"

#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#define RSA_BITS_MIN   1024
#define RSA_BITS_MAX   8192
#define RSA_BYTES_MAX  (RSA_BITS_MAX / 8)
#define RSA_E_BITS_MAX 64
#define ECDH_MAX       66 /* bytes of a P-521 coordinate */
#define POINT_MAX      (1 + 2 * ECDH_MAX)

static bool
mismatch(struct err *err, const char *reason)
{
	return err_set(err, DIRCA_E_KEY_MISMATCH,
	    "the archived private key does not belong to the public key of the request: %s",
	    reason);
}

struct rsa_numbers {
	BIGNUM *n, *e;
	BIGNUM *d, *p, *q, *dp, *dq, *qi;
};

static void
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
}

static bool
rsa_public_numbers(const EVP_PKEY *key, struct rsa_numbers *out)
{
	return EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &out->n) == 1 &&
	       EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &out->e) == 1;
}

static bool
rsa_private_numbers(const EVP_PKEY *key, struct rsa_numbers *out)
{
	const struct {
		const char *name;
		BIGNUM **to;
	} wanted[] = {
	    {OSSL_PKEY_PARAM_RSA_D, &out->d},
	    {OSSL_PKEY_PARAM_RSA_FACTOR1, &out->p},
	    {OSSL_PKEY_PARAM_RSA_FACTOR2, &out->q},
	    {OSSL_PKEY_PARAM_RSA_EXPONENT1, &out->dp},
	    {OSSL_PKEY_PARAM_RSA_EXPONENT2, &out->dq},
	    {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &out->qi},
	};

	if (!rsa_public_numbers(key, out))
		return false;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		if (EVP_PKEY_get_bn_param(key, wanted[i].name, wanted[i].to) != 1)
			return false;
		BN_set_flags(*wanted[i].to, BN_FLG_CONSTTIME);
	}
	return true;
}

/* Only comparisons: nothing here costs time that grows with a hostile number. */
static bool
rsa_sizes_sane(const struct rsa_numbers *k)
{
	int bits = BN_num_bits(k->n);

	return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && BN_is_odd(k->n) && BN_is_odd(k->e) &&
	       !BN_is_one(k->e) && BN_num_bits(k->e) <= RSA_E_BITS_MAX && BN_is_odd(k->p) &&
	       BN_is_odd(k->q) && BN_num_bits(k->p) >= bits / 4 && BN_num_bits(k->q) >= bits / 4 &&
	       BN_num_bits(k->p) < bits && BN_num_bits(k->q) < bits && BN_cmp(k->p, k->q) != 0 &&
	       BN_ucmp(k->d, k->n) < 0 && BN_ucmp(k->dp, k->p) < 0 && BN_ucmp(k->dq, k->q) < 0 &&
	       BN_ucmp(k->qi, k->p) < 0 && !BN_is_zero(k->d) && !BN_is_zero(k->dp) &&
	       !BN_is_zero(k->dq) && !BN_is_zero(k->qi);
}

/* e*x == 1 modulo prime - 1, for x = d and x = the CRT exponent. */
static bool
rsa_exponents_fit(const BIGNUM *e, const BIGNUM *d, const BIGNUM *crt, const BIGNUM *prime,
    BN_CTX *ctx, bool *fit_out)
{
	bool ok = false;
	BIGNUM *order, *t;

	*fit_out = false;
	BN_CTX_start(ctx);
	order = BN_CTX_get(ctx);
	t = BN_CTX_get(ctx);
	if (t == NULL || !BN_sub(order, prime, BN_value_one()))
		goto out;
	BN_set_flags(order, BN_FLG_CONSTTIME);
	if (!BN_mod_mul(t, e, d, order, ctx))
		goto out;
	*fit_out = BN_is_one(t);
	if (!BN_mod_mul(t, e, crt, order, ctx))
		goto out;
	*fit_out = *fit_out && BN_is_one(t);
	ok = true;
out:
	BN_CTX_end(ctx);
	return ok;
}

/* n = p*q; e, d, dp, dq, qInv fit each other. Says nothing about whether p and q are prime: the
 * round trip does. */
static bool
rsa_relations_hold(const struct rsa_numbers *k, BN_CTX *ctx, bool *hold_out)
{
	bool ok = false, p_fits = false, q_fits = false;
	BIGNUM *t, *u;

	*hold_out = false;
	BN_CTX_start(ctx);
	t = BN_CTX_get(ctx);
	u = BN_CTX_get(ctx);
	if (u == NULL || !BN_mul(t, k->p, k->q, ctx) || !BN_mod_mul(u, k->q, k->qi, k->p, ctx) ||
	    !rsa_exponents_fit(k->e, k->d, k->dp, k->p, ctx, &p_fits) ||
	    !rsa_exponents_fit(k->e, k->d, k->dq, k->q, ctx, &q_fits))
		goto out;
	*hold_out = p_fits && q_fits && BN_cmp(t, k->n) == 0 && BN_is_one(u);
	ok = true;
out:
	BN_CTX_end(ctx);
	return ok;
}

/*
 * Random m, encrypted under the public key and decrypted with the private numbers (RFC
 * 8017 5.1.1, 5.1.2). EVP_PKEY_decrypt would blind first, which for a key that is used once costs
 * as much again as the decryption. Blinding guards a key that answers many chosen ciphertexts; here
 * the one ciphertext is ours and m goes nowhere. The exponentiations are constant-time.
 */
static bool
rsa_round_trip(const struct rsa_numbers *k, BN_CTX *ctx, bool *same_out)
{
	uint8_t before[RSA_BYTES_MAX], after[RSA_BYTES_MAX];
	BIGNUM *m, *c, *cp, *cq, *mp, *mq, *h;
	bool ok = false;
	int len = BN_num_bytes(k->n);

	*same_out = false;
	BN_CTX_start(ctx);
	m = BN_CTX_get(ctx);
	c = BN_CTX_get(ctx);
	cp = BN_CTX_get(ctx);
	cq = BN_CTX_get(ctx);
	mp = BN_CTX_get(ctx);
	mq = BN_CTX_get(ctx);
	h = BN_CTX_get(ctx);
	if (h == NULL || !BN_priv_rand_range(m, k->n) ||
	    !BN_mod_exp_mont(c, m, k->e, k->n, ctx, NULL) || !BN_mod(cp, c, k->p, ctx) ||
	    !BN_mod(cq, c, k->q, ctx) ||
	    !BN_mod_exp_mont_consttime_x2(
		mp, cp, k->dp, k->p, NULL, mq, cq, k->dq, k->q, NULL, ctx) ||
	    !BN_mod_sub(h, mp, mq, k->p, ctx) || !BN_mod_mul(h, h, k->qi, k->p, ctx) ||
	    !BN_mul(c, h, k->q, ctx) || !BN_add(c, c, mq))
		goto out;
	*same_out = BN_bn2binpad(m, before, len) == len && BN_bn2binpad(c, after, len) == len &&
		    CRYPTO_memcmp(before, after, (size_t)len) == 0;
	ok = true;
out:
	OPENSSL_cleanse(before, sizeof before);
	OPENSSL_cleanse(after, sizeof after);
	BN_CTX_end(ctx);
	return ok;
}

static bool
rsa_matches(const EVP_PKEY *priv, const EVP_PKEY *pub, struct err *err)
{
	struct rsa_numbers k = {0}, wanted = {0};
	BN_CTX *ctx = BN_CTX_new();
	bool ok = false, agree;

	if (ctx == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!rsa_private_numbers(priv, &k) || !rsa_public_numbers(pub, &wanted)) {
		err_openssl(
		    err, DIRCA_E_KEY_MISMATCH, "the archived RSA key lacks some of its numbers");
		goto out;
	}
	if (BN_cmp(k.n, wanted.n) != 0 || BN_cmp(k.e, wanted.e) != 0) {
		mismatch(err, "modulus or public exponent differ");
		goto out;
	}
	if (!rsa_sizes_sane(&k)) {
		mismatch(err, "its RSA numbers are out of range");
		goto out;
	}
	if (!rsa_relations_hold(&k, ctx, &agree)) {
		err_openssl(err, DIRCA_E_CRYPTO, "the archived RSA key could not be tested");
		goto out;
	}
	if (!agree) {
		mismatch(err, "its RSA numbers contradict each other");
		goto out;
	}
	if (!rsa_round_trip(&k, ctx, &agree)) {
		err_openssl(err, DIRCA_E_CRYPTO, "the archived RSA key could not be tested");
		goto out;
	}
	ok = agree ||
	     mismatch(err, "random data encrypted under the one is not what the other decrypts");
out:
	BN_CTX_free(ctx);
	rsa_numbers_free(&k);
	rsa_numbers_free(&wanted);
	return ok;
}

/* The NID of the curve that both keys are on, NID_undef if they differ or the curve is none of the
 * three. */
static int
common_curve(const EVP_PKEY *priv, const EVP_PKEY *pub)
{
	static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
	char a[64], b[64];

	if (EVP_PKEY_get_group_name(priv, a, sizeof a, NULL) != 1 ||
	    EVP_PKEY_get_group_name(pub, b, sizeof b, NULL) != 1 || strcmp(a, b) != 0)
		return NID_undef;
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (OBJ_txt2nid(a) == curves[i])
			return curves[i];
	return NID_undef;
}

/* d in [1, order) and d*G == Q. */
static bool
ec_point_fits(const EVP_PKEY *priv, const EVP_PKEY *pub, int curve, struct err *err)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curve);
	EC_POINT *made = NULL, *wanted = NULL;
	uint8_t encoded[POINT_MAX];
	size_t len = 0;
	BIGNUM *d = NULL;
	BN_CTX *ctx = BN_CTX_new();
	bool ok = false;

	if (group == NULL || ctx == NULL || (made = EC_POINT_new(group)) == NULL ||
	    (wanted = EC_POINT_new(group)) == NULL) {
		err_nomem(err);
		goto out;
	}
	if (EVP_PKEY_get_bn_param(priv, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1 ||
	    EVP_PKEY_get_octet_string_param(
		pub, OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded, &len) != 1 ||
	    EC_POINT_oct2point(group, wanted, encoded, len, ctx) != 1) {
		err_openssl(
		    err, DIRCA_E_KEY_MISMATCH, "the archived EC key lacks some of its numbers");
		goto out;
	}
	if (BN_is_zero(d) || BN_is_negative(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0) {
		mismatch(err, "its number is out of range");
		goto out;
	}
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (EC_POINT_mul(group, made, d, NULL, NULL, ctx) != 1) {
		err_openssl(err, DIRCA_E_CRYPTO, "the archived EC key could not be tested");
		goto out;
	}
	ok = EC_POINT_cmp(group, made, wanted, ctx) == 0 ||
	     mismatch(err, "its number gives another point");
out:
	BN_clear_free(d);
	EC_POINT_free(made);
	EC_POINT_free(wanted);
	EC_GROUP_free(group);
	BN_CTX_free(ctx);
	return ok;
}

static bool
ecdh(EVP_PKEY *own, EVP_PKEY *peer, uint8_t z[ECDH_MAX], size_t *len_out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	bool ok;

	*len_out = ECDH_MAX;
	ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	     EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
	     EVP_PKEY_derive(ctx, z, len_out) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* An ephemeral key agrees with the public key as it does with the private one. */
static bool
ec_agreement_fits(EVP_PKEY *priv, EVP_PKEY *pub, int curve, struct err *err)
{
	EVP_PKEY *ephemeral = EVP_EC_gen(OBJ_nid2sn(curve));
	uint8_t a[ECDH_MAX] = {0}, b[ECDH_MAX] = {0};
	size_t a_len = 0, b_len = 0;
	bool ok = false;

	if (ephemeral == NULL || !ecdh(ephemeral, pub, a, &a_len) ||
	    !ecdh(priv, ephemeral, b, &b_len)) {
		err_openssl(err, DIRCA_E_CRYPTO, "the archived EC key could not be tested");
		goto out;
	}
	ok = (a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0) ||
	     mismatch(err, "a key agreement gives two results");
out:
	OPENSSL_cleanse(a, sizeof a);
	OPENSSL_cleanse(b, sizeof b);
	EVP_PKEY_free(ephemeral);
	return ok;
}

static bool
ec_matches(EVP_PKEY *priv, EVP_PKEY *pub, struct err *err)
{
	int curve = common_curve(priv, pub);

	if (curve == NID_undef)
		return mismatch(err, "they are not on the same curve of P-256, P-384, P-521");
	if (EVP_PKEY_eq(priv, pub) != 1)
		return mismatch(err, "the points differ");
	return ec_point_fits(priv, pub, curve, err) && ec_agreement_fits(priv, pub, curve, err);
}

bool
archive_key_matches(EVP_PKEY *priv, EVP_PKEY *pub, struct err *err)
{
	if (EVP_PKEY_is_a(priv, "RSA") && EVP_PKEY_is_a(pub, "RSA"))
		return rsa_matches(priv, pub, err);
	if (EVP_PKEY_is_a(priv, "EC") && EVP_PKEY_is_a(pub, "EC"))
		return ec_matches(priv, pub, err);
	return mismatch(err, "they are of different kinds");
}
