#include "keyblob_priv.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "bytes.h"
#include "mem.h"

#define MIN_BITS    1024
#define MAX_BITS    8192
#define MAX_E_LEN   8
#define CAPI_HEADER 20

static bool
bits_make_sense(uint32_t bits, struct err *err)
{
	if (bits < MIN_BITS || bits > MAX_BITS || bits % 8 != 0)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: RSA of %u bits; %d to %d in steps of 8 are taken",
		    (unsigned)bits, MIN_BITS, MAX_BITS);
	return true;
}

/* What is cheap to see. That the numbers belong together is proved where the key is matched with
 * the request. */
static bool
numbers_make_sense(const struct rsa_numbers *k, uint32_t bits, struct err *err)
{
	const BIGNUM *secret[] = {k->d, k->dp, k->dq, k->qi};
	bool zero = false;

	for (size_t i = 0; i < COUNT_OF(secret); i++)
		zero = zero || BN_is_zero(secret[i]);
	if (BN_num_bits(k->n) != (int)bits || !BN_is_odd(k->n))
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: the modulus is even or not of %u bits", (unsigned)bits);
	if (!BN_is_odd(k->e) || BN_is_one(k->e))
		return err_set(
		    err, NTE_BAD_DATA, "private key blob: the public exponent is even or 1");
	if (!BN_is_odd(k->p) || !BN_is_odd(k->q) || BN_is_one(k->p) || BN_is_one(k->q) ||
	    BN_cmp(k->p, k->q) == 0)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: the primes are zero, one, even or the same");
	if (zero || BN_cmp(k->d, k->n) >= 0 || BN_cmp(k->dp, k->p) >= 0 ||
	    BN_cmp(k->dq, k->q) >= 0 || BN_cmp(k->qi, k->p) >= 0)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: a private number is zero or over its modulus");
	return true;
}

bool
keyblob_build_rsa(const struct rsa_numbers *k, EVP_PKEY **out, struct err *err)
{
	OWNED(own_param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	/* Numbers of the secure heap stay on it in the built parameters. */
	if (bld == NULL || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, k->n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, k->e) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, k->d) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->qi) != 1)
		return err_nomem(err);
	return keyblob_build("RSA", bld, "OpenSSL refuses the RSA numbers", out, err);
}

static bool
get_le(struct view *cursor, size_t len, BIGNUM *to)
{
	struct view number;

	return bytes_get(cursor, len, &number) &&
	       BN_lebin2bn(number.ptr, (int)number.len, to) != NULL;
}

static bool
get_be(struct view *cursor, size_t len, BIGNUM *to)
{
	struct view number;

	return bytes_get(cursor, len, &number) &&
	       BN_bin2bn(number.ptr, (int)number.len, to) != NULL;
}

/* [MS-WCCE] 2.2.2.9.1; the first 12 bytes were seen by keyblob_format. */
bool
keyblob_read_capi(struct view blob, struct rsa_numbers *out, struct err *err)
{
	struct view rest = blob, header;
	OWNED(rsa_numbers_free) struct rsa_numbers k = {0};
	uint32_t bits = 0, e = 0;
	size_t whole = 0, half = 0;

	if (!bytes_get(&rest, 12, &header) || !bytes_get_u32le(&rest, &bits) ||
	    !bytes_get_u32le(&rest, &e))
		return err_set(err, NTE_BAD_DATA, "private key blob: it ends in its header");
	if (!bits_make_sense(bits, err))
		return false;
	if (!rsa_numbers_new(true, &k))
		return err_nomem(err);
	whole = bits / 8;
	half = (bits + 15) / 16;
	if (rest.len != 2 * whole + 5 * half)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: %zu bytes where RSA of %u bits has %zu", blob.len,
		    (unsigned)bits, CAPI_HEADER + 2 * whole + 5 * half);
	if (BN_set_word(k.e, e) != 1 || !get_le(&rest, whole, k.n) || !get_le(&rest, half, k.p) ||
	    !get_le(&rest, half, k.q) || !get_le(&rest, half, k.dp) || !get_le(&rest, half, k.dq) ||
	    !get_le(&rest, half, k.qi) || !get_le(&rest, whole, k.d))
		return err_nomem(err);
	if (!numbers_make_sense(&k, bits, err))
		return false;
	*out = k;
	k = (struct rsa_numbers){0};
	return true;
}

/* d, dp, dq and qi from e, p and q (RFC 8017 3.2). */
static bool
complete(struct rsa_numbers *k, struct err *err)
{
	OWNED(own_bn_ctx) BN_CTX *ctx = BN_CTX_secure_new();
	OWNED(own_bn) BIGNUM *phi = BN_secure_new(), *q1 = BN_secure_new(), *p1 = BN_secure_new();

	if (ctx == NULL || p1 == NULL || q1 == NULL || phi == NULL)
		return err_nomem(err);
	BN_set_flags(phi, BN_FLG_CONSTTIME);
	if (BN_sub(p1, k->p, BN_value_one()) != 1 || BN_sub(q1, k->q, BN_value_one()) != 1 ||
	    BN_mul(phi, p1, q1, ctx) != 1 || BN_mod_inverse(k->d, k->e, phi, ctx) == NULL ||
	    BN_mod(k->dp, k->d, p1, ctx) != 1 || BN_mod(k->dq, k->d, q1, ctx) != 1 ||
	    BN_mod_inverse(k->qi, k->q, k->p, ctx) == NULL)
		return err_openssl(err, NTE_BAD_DATA,
		    "private key blob: its primes and exponent have no private exponent");
	return true;
}

/* Before any arithmetic: an inverse modulo zero or one means nothing. */
static bool
primes_make_sense(const struct rsa_numbers *k, struct err *err)
{
	if (!BN_is_odd(k->p) || !BN_is_odd(k->q) || BN_is_one(k->p) || BN_is_one(k->q) ||
	    !BN_is_odd(k->e))
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: a prime or the exponent is zero, one or even");
	return true;
}

static uint32_t
turned(uint32_t v)
{
	return v >> 24 | (v >> 8 & 0xff00u) | (v << 8 & 0xff0000u) | v << 24;
}

uint32_t
keyblob_rsa_magic(uint32_t first, bool *big_endian_out)
{
	static const uint32_t magics[] = {
	    KEYBLOB_MAGIC_RSA1, KEYBLOB_MAGIC_RSA2, KEYBLOB_MAGIC_RSA3};

	for (size_t i = 0; i < COUNT_OF(magics); i++)
		if (first == magics[i] || first == turned(magics[i])) {
			*big_endian_out = first != magics[i];
			return magics[i];
		}
	return 0;
}

/* BCRYPT_RSAKEY_BLOB: what stands before the numbers. */
struct bcrypt_header {
	uint32_t magic, bits, e_len, n_len, p_len, q_len;
};

static bool
get_header(struct view *cursor, struct bcrypt_header *h)
{
	uint32_t *const fields[] = {
	    &h->magic, &h->bits, &h->e_len, &h->n_len, &h->p_len, &h->q_len};
	bool big_endian = false;

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (!bytes_get_u32le(cursor, fields[i]))
			return false;
		if (i == 0)
			*fields[i] = keyblob_rsa_magic(*fields[i], &big_endian);
		else if (big_endian)
			*fields[i] = turned(*fields[i]);
	}
	return true;
}

/* Octets of the numbers behind the header. */
static size_t
numbers_len(const struct bcrypt_header *h)
{
	size_t few = (size_t)h->e_len + h->n_len + h->p_len + h->q_len;

	return h->magic == KEYBLOB_MAGIC_RSA3 ? few + 2 * (size_t)h->p_len + h->q_len + h->n_len
					      : few;
}

static bool
header_makes_sense(const struct bcrypt_header *h, struct view blob, size_t rest, struct err *err)
{
	if (!bits_make_sense(h->bits, err))
		return false;
	if (h->e_len < 1 || h->e_len > MAX_E_LEN || h->n_len != h->bits / 8 || h->p_len < 1 ||
	    h->p_len >= h->n_len || h->q_len < 1 || h->q_len >= h->n_len || rest != numbers_len(h))
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: its lengths %u, %u, %u, %u do not fit %zu bytes of RSA-%u",
		    (unsigned)h->e_len, (unsigned)h->n_len, (unsigned)h->p_len, (unsigned)h->q_len,
		    blob.len, (unsigned)h->bits);
	return true;
}

/* What a full private blob says beside e, n, p and q: dp, dq, qi and d must be what follows from
 * those; of d any that does, for it has two usual values (RFC 8017 3.2). */
static bool
check_full(struct view rest, const struct bcrypt_header *h, struct rsa_numbers *k, struct err *err)
{
	OWNED(rsa_numbers_free) struct rsa_numbers given = {0};

	if (!rsa_numbers_new(true, &given))
		return err_nomem(err);
	if (!get_be(&rest, h->p_len, given.dp) || !get_be(&rest, h->q_len, given.dq) ||
	    !get_be(&rest, h->p_len, given.qi) || !get_be(&rest, h->n_len, given.d))
		return err_nomem(err);
	if (BN_cmp(given.dp, k->dp) != 0 || BN_cmp(given.dq, k->dq) != 0 ||
	    BN_cmp(given.qi, k->qi) != 0)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: its private numbers do not follow from its primes");
	return BN_copy(k->d, given.d) != NULL || err_nomem(err);
}

/* [MS-WCCE] 2.2.2.9.2, in the layout of bcrypt.h: numbers big-endian. */
bool
keyblob_read_bcrypt_rsa(struct view blob, struct rsa_numbers *out, struct err *err)
{
	struct view rest = blob;
	OWNED(rsa_numbers_free) struct rsa_numbers k = {0};
	struct bcrypt_header h = {0};

	if (!get_header(&rest, &h))
		return err_set(err, NTE_BAD_DATA, "private key blob: it ends in its header");
	if (!header_makes_sense(&h, blob, rest.len, err))
		return false;
	if (!rsa_numbers_new(true, &k))
		return err_nomem(err);
	if (!get_be(&rest, h.e_len, k.e) || !get_be(&rest, h.n_len, k.n) ||
	    !get_be(&rest, h.p_len, k.p) || !get_be(&rest, h.q_len, k.q))
		return err_nomem(err);
	if (!primes_make_sense(&k, err) || !complete(&k, err) ||
	    (h.magic == KEYBLOB_MAGIC_RSA3 && !check_full(rest, &h, &k, err)) ||
	    !numbers_make_sense(&k, h.bits, err))
		return false;
	*out = k;
	k = (struct rsa_numbers){0};
	return true;
}

static bool
get_numbers(const EVP_PKEY *key, struct rsa_numbers *k, struct err *err)
{
	BIGNUM *third = NULL;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1) {
		BN_clear_free(third);
		return err_set(err, NTE_BAD_ALGID,
		    "private key blob: an RSA key of more than two primes has no such blob");
	}
	ERR_clear_error();
	if (!rsa_numbers_of(key, true, k))
		return err_openssl(err, NTE_BAD_DATA,
		    "private key blob: the RSA key has no private numbers or primes");
	return true;
}

static bool
put_le(uint8_t **to, size_t len, const BIGNUM *number)
{
	bool ok = BN_bn2lebinpad(number, *to, (int)len) == (int)len;

	*to += len;
	return ok;
}

bool
keyblob_encode_rsa(const EVP_PKEY *key, struct secret *out, struct err *err)
{
	OWNED(secret_free) struct secret blob = {0};
	OWNED(rsa_numbers_free) struct rsa_numbers k = {0};
	uint32_t bits = 0;
	uint8_t *at = NULL;
	size_t whole = 0, half = 0;

	if (!get_numbers(key, &k, err))
		return false;
	bits = (uint32_t)BN_num_bits(k.n);
	whole = bits / 8;
	half = (bits + 15) / 16;
	if (!bits_make_sense(bits, err) || !numbers_make_sense(&k, bits, err))
		return false;
	if (BN_num_bits(k.e) > 32)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: the public exponent has more than 32 bits");
	if (!secret_alloc(CAPI_HEADER + 2 * whole + 5 * half, &blob, err))
		return false;
	keyblob_put_u32le(blob.ptr, KEYBLOB_PRIVATEKEYBLOB);
	keyblob_put_u32le(blob.ptr + 4, KEYBLOB_CALG_RSA_KEYX);
	keyblob_put_u32le(blob.ptr + 8, KEYBLOB_MAGIC_RSA2);
	keyblob_put_u32le(blob.ptr + 12, bits);
	keyblob_put_u32le(blob.ptr + 16, (uint32_t)BN_get_word(k.e));
	at = blob.ptr + CAPI_HEADER;
	if (!put_le(&at, whole, k.n) || !put_le(&at, half, k.p) || !put_le(&at, half, k.q) ||
	    !put_le(&at, half, k.dp) || !put_le(&at, half, k.dq) || !put_le(&at, half, k.qi) ||
	    !put_le(&at, whole, k.d))
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: the primes of the RSA key are not of one size");
	*out = blob;
	blob = (struct secret){0};
	return true;
}
