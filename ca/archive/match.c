/*
 * Proof that an archived private key belongs to the public key of the request (paper, "Key
 * Verification"). The numbers come from a stranger: their sizes are checked before any of them
 * reaches an exponentiation, so that no key can crash or stall the vault.
 *
 * The whole test is made whatever is found on the way, with numbers that belong to nothing where
 * the key has none that can be used: the vault's answers take the same time for every wrong key.
 */
#include "archive_priv.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkix.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#define RSA_BITS_MIN   1024
#define RSA_BITS_MAX   8192
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

/* Only comparisons: nothing here and below costs time that grows with a hostile number. */
static bool
rsa_public_sane(const struct rsa_numbers *k)
{
	int bits = BN_num_bits(k->n);

	return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && BN_is_odd(k->n) && BN_is_odd(k->e) &&
	       !BN_is_one(k->e) && BN_num_bits(k->e) <= RSA_E_BITS_MAX;
}

static bool
rsa_sizes_sane(const struct rsa_numbers *k)
{
	int bits = BN_num_bits(k->n);

	return rsa_public_sane(k) && BN_is_odd(k->p) && BN_is_odd(k->q) &&
	       BN_num_bits(k->p) >= bits / 4 && BN_num_bits(k->q) >= bits / 4 &&
	       BN_num_bits(k->p) < bits && BN_num_bits(k->q) < bits && BN_cmp(k->p, k->q) != 0 &&
	       BN_ucmp(k->d, k->n) < 0 && BN_ucmp(k->dp, k->p) < 0 && BN_ucmp(k->dq, k->q) < 0 &&
	       BN_ucmp(k->qi, k->p) < 0 && !BN_is_zero(k->d) && !BN_is_zero(k->dp) &&
	       !BN_is_zero(k->dq) && !BN_is_zero(k->qi);
}

/* What BN_CTX_get gave since BN_CTX_start goes back when the block ends. */
static void
bn_frame_end(BN_CTX **ctx)
{
	BN_CTX_end(*ctx);
}

/* e*x == 1 modulo prime - 1, for x = d and x = the CRT exponent. */
static bool
rsa_exponents_fit(const BIGNUM *e, const BIGNUM *d, const BIGNUM *crt, const BIGNUM *prime,
    BN_CTX *ctx, bool *fit_out)
{
	OWNED(bn_frame_end) BN_CTX *frame = ctx;
	BIGNUM *order, *t;

	*fit_out = false;
	BN_CTX_start(frame);
	order = BN_CTX_get(ctx);
	t = BN_CTX_get(ctx);
	if (t == NULL || !BN_sub(order, prime, BN_value_one()))
		return false;
	BN_set_flags(order, BN_FLG_CONSTTIME);
	if (!BN_mod_mul(t, e, d, order, ctx))
		return false;
	*fit_out = BN_is_one(t);
	if (!BN_mod_mul(t, e, crt, order, ctx))
		return false;
	*fit_out = *fit_out && BN_is_one(t);
	return true;
}

/* n = p*q; e, d, dp, dq, qInv fit each other. Says nothing about whether p and q are prime: the
 * round trip does. */
static bool
rsa_relations_hold(const struct rsa_numbers *k, BN_CTX *ctx, bool *hold_out)
{
	OWNED(bn_frame_end) BN_CTX *frame = ctx;
	bool p_fits = false, q_fits = false;
	BIGNUM *t, *u;

	*hold_out = false;
	BN_CTX_start(frame);
	t = BN_CTX_get(ctx);
	u = BN_CTX_get(ctx);
	if (u == NULL || !BN_mul(t, k->p, k->q, ctx) || !BN_mod_mul(u, k->q, k->qi, k->p, ctx) ||
	    !rsa_exponents_fit(k->e, k->d, k->dp, k->p, ctx, &p_fits) ||
	    !rsa_exponents_fit(k->e, k->d, k->dq, k->q, ctx, &q_fits))
		return false;
	*hold_out = p_fits && q_fits && BN_cmp(t, k->n) == 0 && BN_is_one(u);
	return true;
}

OWN_POINTER(own_mont, BN_MONT_CTX, BN_MONT_CTX_free)

/* m^e; e is public, and nothing else decides what is done. */
static bool
rsa_encrypt(BIGNUM *c, const BIGNUM *m, const BIGNUM *e, BN_MONT_CTX *mont, BN_CTX *ctx)
{
	OWNED(bn_frame_end) BN_CTX *frame = ctx;
	BIGNUM *base;

	BN_CTX_start(frame);
	base = BN_CTX_get(ctx);
	if (base == NULL || !BN_to_montgomery(base, m, mont, ctx) || BN_copy(c, base) == NULL)
		return false;
	for (int bit = BN_num_bits(e) - 2; bit >= 0; bit--)
		if (!BN_mod_mul_montgomery(c, c, c, mont, ctx) ||
		    (BN_is_bit_set(e, bit) && !BN_mod_mul_montgomery(c, c, base, mont, ctx)))
			return false;
	return BN_from_montgomery(c, c, mont, ctx) == 1;
}

/*
 * Random m, encrypted under the public key and decrypted with the private numbers (RFC 8017 5.1.1,
 * 5.1.2), modulo p and modulo q: n is p*q and q has an inverse modulo p (rsa_relations_hold), so
 * that a random number modulo n is a pair of such numbers, which comes back modulo n where, and
 * only where, both come back. EVP_PKEY_decrypt would blind first, which for a key that is used once
 * costs as much again as the decryption. Blinding guards a key that answers many chosen
 * ciphertexts; here the one ciphertext is ours and m goes nowhere. What is raised to a private
 * exponent is so in constant time.
 */
static bool
rsa_round_trip(const struct rsa_numbers *k, BN_CTX *ctx, bool *same_out)
{
	OWNED(bn_frame_end) BN_CTX *frame = ctx;
	OWNED(own_mont) BN_MONT_CTX *mont_p = BN_MONT_CTX_new(), *mont_q = BN_MONT_CTX_new();
	BIGNUM *mp, *mq, *cp, *cq, *p_back, *q_back;

	*same_out = false;
	BN_CTX_start(frame);
	mp = BN_CTX_get(ctx);
	mq = BN_CTX_get(ctx);
	cp = BN_CTX_get(ctx);
	cq = BN_CTX_get(ctx);
	p_back = BN_CTX_get(ctx);
	q_back = BN_CTX_get(ctx);
	if (mont_p == NULL || mont_q == NULL || q_back == NULL ||
	    !BN_MONT_CTX_set(mont_p, k->p, ctx) || !BN_MONT_CTX_set(mont_q, k->q, ctx) ||
	    !BN_priv_rand_range(mp, k->p) || !BN_priv_rand_range(mq, k->q) ||
	    !rsa_encrypt(cp, mp, k->e, mont_p, ctx) || !rsa_encrypt(cq, mq, k->e, mont_q, ctx) ||
	    !BN_mod_exp_mont_consttime_x2(
		p_back, cp, k->dp, k->p, mont_p, q_back, cq, k->dq, k->q, mont_q, ctx))
		return false;
	*same_out = BN_ucmp(mp, p_back) == 0 && BN_ucmp(mq, q_back) == 0;
	return true;
}

/* Numbers as large as those of a private key for `wanted`, of which none fits another. */
static bool
rsa_stand_in(const struct rsa_numbers *wanted, struct rsa_numbers *out)
{
	BIGNUM **primes[] = {&out->p, &out->q};
	const struct {
		BIGNUM **to, *const *below;
	} numbers[] = {
	    {&out->d, &out->n}, {&out->dp, &out->p}, {&out->dq, &out->q}, {&out->qi, &out->p}};

	rsa_numbers_free(out);
	out->n = BN_dup(wanted->n);
	out->e = BN_dup(wanted->e);
	if (out->n == NULL || out->e == NULL)
		return false;
	for (size_t i = 0; i < COUNT_OF(primes); i++) {
		if ((*primes[i] = BN_secure_new()) == NULL ||
		    BN_priv_rand(*primes[i], BN_num_bits(out->n) / 2, BN_RAND_TOP_TWO,
			BN_RAND_BOTTOM_ODD) != 1)
			return false;
		BN_set_flags(*primes[i], BN_FLG_CONSTTIME);
	}
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		if ((*numbers[i].to = BN_secure_new()) == NULL ||
		    BN_priv_rand_range(*numbers[i].to, *numbers[i].below) != 1)
			return false;
		BN_set_flags(*numbers[i].to, BN_FLG_CONSTTIME);
	}
	return true;
}

/* Why the numbers of `priv` cannot be those of `wanted`, as far as looking at them says; NULL: they
 * can be tested. */
static const char *
rsa_look(const struct keyblob_key *priv, const struct rsa_numbers *wanted)
{
	const struct rsa_numbers *k = &priv->rsa;

	if (priv->ec != NULL)
		return "they are of different kinds";
	if (k->n == NULL)
		return "it lacks some of its numbers";
	if (BN_cmp(k->n, wanted->n) != 0 || BN_cmp(k->e, wanted->e) != 0)
		return "modulus or public exponent differ";
	return rsa_sizes_sane(k) ? NULL : "its RSA numbers are out of range";
}

static bool
rsa_test(
    const struct keyblob_key *priv, const struct rsa_numbers *wanted, BN_CTX *ctx, struct err *err)
{
	OWNED(rsa_numbers_free) struct rsa_numbers other = {0};
	const char *wrong = rsa_look(priv, wanted);
	const struct rsa_numbers *k = wrong == NULL ? &priv->rsa : &other;
	bool hold = false, same = false;

	if ((wrong != NULL && !rsa_stand_in(wanted, &other)) ||
	    !rsa_relations_hold(k, ctx, &hold) || !rsa_round_trip(k, ctx, &same))
		return err_openssl(err, DIRCA_E_CRYPTO, "the archived RSA key could not be tested");
	if (wrong == NULL && !hold)
		wrong = "its RSA numbers contradict each other";
	if (wrong == NULL && !same)
		wrong = "random data encrypted under the one is not what the other decrypts";
	return wrong == NULL || mismatch(err, wrong);
}

static bool
rsa_matches(const struct keyblob_key *priv, const EVP_PKEY *pub, struct err *err)
{
	OWNED(rsa_numbers_free) struct rsa_numbers wanted = {0};
	OWNED(own_bn_ctx) BN_CTX *ctx = BN_CTX_new();

	if (ctx == NULL)
		return err_nomem(err);
	if (!rsa_numbers_of(pub, false, &wanted) || !rsa_public_sane(&wanted))
		return mismatch(err, "the public RSA numbers are out of range");
	return rsa_test(priv, &wanted, ctx, err);
}

/* The NID of a key's curve, NID_undef if it is none of the three. */
static int
curve_of(const EVP_PKEY *key)
{
	static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
	char name[64];

	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1)
		for (size_t i = 0; i < COUNT_OF(curves); i++)
			if (OBJ_txt2nid(name) == curves[i])
				return curves[i];
	return NID_undef;
}

/* d in [1, order) and d*G == Q. False only if it could not be found out. */
static bool
ec_point_fits(const EVP_PKEY *priv, const EVP_PKEY *pub, int curve, bool *fits_out)
{
	OWNED(own_ec_group) EC_GROUP *group = EC_GROUP_new_by_curve_name(curve);
	OWNED(own_ec_point)
	EC_POINT *made = group != NULL ? EC_POINT_new(group) : NULL,
		 *wanted = group != NULL ? EC_POINT_new(group) : NULL;
	uint8_t encoded[POINT_MAX];
	size_t len = 0;
	OWNED(own_bn) BIGNUM *d = NULL;
	OWNED(own_bn_ctx) BN_CTX *ctx = BN_CTX_new();

	*fits_out = false;
	if (made == NULL || wanted == NULL || ctx == NULL ||
	    EVP_PKEY_get_bn_param(priv, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1 ||
	    EVP_PKEY_get_octet_string_param(
		pub, OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded, &len) != 1 ||
	    EC_POINT_oct2point(group, wanted, encoded, len, ctx) != 1)
		return false;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (EC_POINT_mul(group, made, d, NULL, NULL, ctx) != 1)
		return false;
	*fits_out = !BN_is_zero(d) && !BN_is_negative(d) &&
		    BN_cmp(d, EC_GROUP_get0_order(group)) < 0 &&
		    EC_POINT_cmp(group, made, wanted, ctx) == 0;
	return true;
}

static bool
ecdh(EVP_PKEY *own, EVP_PKEY *peer, uint8_t z[ECDH_MAX], size_t *len_out)
{
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);

	*len_out = ECDH_MAX;

	return ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	       EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
	       EVP_PKEY_derive(ctx, z, len_out) == 1;
}

/* An ephemeral key agrees with the public key as it does with the private one. */
static bool
ec_agreement_fits(EVP_PKEY *priv, EVP_PKEY *pub, EVP_PKEY *ephemeral, bool *fits_out)
{
	uint8_t a[ECDH_MAX] = {0}, b[ECDH_MAX] = {0};
	size_t a_len = 0, b_len = 0;
	bool ok = ecdh(ephemeral, pub, a, &a_len) && ecdh(priv, ephemeral, b, &b_len);

	*fits_out = ok && a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
	OPENSSL_cleanse(a, sizeof a);
	OPENSSL_cleanse(b, sizeof b);
	return ok;
}

static bool
ec_test(EVP_PKEY *priv, EVP_PKEY *pub, int curve, EVP_PKEY *ephemeral, struct err *err)
{
	bool same_curve = priv != NULL && curve_of(priv) == curve, same_point, number = false,
	     agreement = false;
	EVP_PKEY *own = same_curve ? priv : ephemeral;

	same_point = pkix_same_key(own, pub);
	if (!ec_point_fits(own, pub, curve, &number) ||
	    !ec_agreement_fits(own, pub, ephemeral, &agreement))
		return err_openssl(err, DIRCA_E_CRYPTO, "the archived EC key could not be tested");
	if (!same_curve)
		return mismatch(err, "they are not on the same curve of P-256, P-384, P-521");
	if (!same_point)
		return mismatch(err, "the points differ");
	if (!number)
		return mismatch(err, "its number gives another point");
	return agreement || mismatch(err, "a key agreement gives two results");
}

static bool
ec_matches(EVP_PKEY *priv, EVP_PKEY *pub, struct err *err)
{
	int curve = curve_of(pub);
	OWNED(own_pkey) EVP_PKEY *ephemeral = NULL;

	if (curve == NID_undef)
		return mismatch(err, "the public key is not on P-256, P-384 or P-521");
	if ((ephemeral = EVP_EC_gen(OBJ_nid2sn(curve))) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "the archived EC key could not be tested");
	return ec_test(priv, pub, curve, ephemeral, err);
}

bool
archive_blob_matches(const struct keyblob_key *priv, EVP_PKEY *pub, struct err *err)
{
	if (EVP_PKEY_is_a(pub, "RSA"))
		return rsa_matches(priv, pub, err);
	if (EVP_PKEY_is_a(pub, "EC"))
		return ec_matches(priv->ec, pub, err);
	return mismatch(err, "the public key is neither RSA nor EC");
}

bool
archive_key_matches(EVP_PKEY *priv, EVP_PKEY *pub, struct err *err)
{
	OWNED(rsa_numbers_free) struct rsa_numbers numbers = {0};
	bool is_rsa = EVP_PKEY_is_a(priv, "RSA");

	/* What it lacks is told there. */
	if (is_rsa)
		(void)rsa_numbers_of(priv, true, &numbers);
	return archive_blob_matches(
	    &(struct keyblob_key){.rsa = numbers, .ec = is_rsa ? NULL : priv}, pub, err);
}
