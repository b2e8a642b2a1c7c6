#include "keyblob_priv.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "bytes.h"
#include "mem.h"

#define HEADER   8
#define MAX_SIDE 66

/* bcrypt.h: BCRYPT_ECDH_PRIVATE_Pnnn_MAGIC and BCRYPT_ECDSA_PRIVATE_Pnnn_MAGIC. */
static const struct curve {
	const char *group;
	int bits;
	uint32_t ecdh, ecdsa;
} curves[] = {
    {"prime256v1", 256, 0x324B4345u, 0x32534345u},
    {"secp384r1", 384, 0x344B4345u, 0x34534345u},
    {"secp521r1", 521, 0x364B4345u, 0x36534345u},
};

static const struct curve *
by_magic(uint32_t magic)
{
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (curves[i].ecdh == magic || curves[i].ecdsa == magic)
			return &curves[i];
	return NULL;
}

int
keyblob_ec_bits(uint32_t magic, bool *signature_only_out)
{
	const struct curve *c = by_magic(magic);

	*signature_only_out = c != NULL && c->ecdsa == magic;
	return c != NULL ? c->bits : 0;
}

uint32_t
keyblob_ec_signing(uint32_t ecdh)
{
	const struct curve *c = by_magic(ecdh);

	return c != NULL ? c->ecdsa : 0;
}

/* Point and private number in one byte order. EVP_PKEY_fromdata refuses a point that is not on the
 * curve. */
static bool
build(const struct curve *c, const uint8_t *point, size_t side, const BIGNUM *d, EVP_PKEY **out,
    struct err *err)
{
	OWNED(own_param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, c->group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * side) !=
		1 ||
	    OSSL_PARAM_BLD_push_BN_pad(bld, OSSL_PKEY_PARAM_PRIV_KEY, d, side) != 1)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "private key blob: OpenSSL cannot take the numbers");
	return keyblob_build(
	    "EC", bld, "the point is not on its curve, in either byte order", out, err);
}

static bool
private_in_range(const EVP_PKEY *key, const BIGNUM *d, struct err *err)
{
	BIGNUM *order = NULL;
	bool ok = false;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_ORDER, &order) != 1)
		err_openssl(
		    err, DIRCA_E_CRYPTO, "private key blob: the order of the curve is unknown");
	else if (BN_is_zero(d) || BN_cmp(d, order) >= 0)
		err_set(err, NTE_BAD_DATA,
		    "private key blob: the private number is zero or over the order of the curve");
	else
		ok = true;
	BN_free(order);
	return ok;
}

static void
copy_number(uint8_t *to, struct view from, bool little)
{
	if (little)
		bytes_reverse(to, from.ptr, from.len);
	else
		memcpy(to, from.ptr, from.len);
}

static bool
decode_order(const struct curve *c, struct view x, struct view y, struct view secret, bool little,
    EVP_PKEY **out, struct err *err)
{
	uint8_t point[1 + 2 * MAX_SIDE];
	OWNED(own_bn) BIGNUM *d = BN_secure_new();
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	copy_number(point + 1, x, little);
	copy_number(point + 1 + x.len, y, little);
	if (d == NULL || (little ? BN_lebin2bn(secret.ptr, (int)secret.len, d)
				 : BN_bin2bn(secret.ptr, (int)secret.len, d)) == NULL)
		return err_nomem(err);
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (!build(c, point, x.len, d, &key, err) || !private_in_range(key, d, err))
		return false;
	*out = own_give(&key);
	return true;
}

/* [MS-WCCE] 2.2.2.9.3. Windows writes the numbers big-endian, the specification says little-endian:
 * a point is on the curve in one order only. */
bool
keyblob_decode_ec(struct view blob, EVP_PKEY **out, struct err *err)
{
	struct view rest = blob, x, y, d;
	const struct curve *c = NULL;
	uint32_t magic = 0, side = 0;

	if (!bytes_get_u32le(&rest, &magic) || !bytes_get_u32le(&rest, &side) ||
	    (c = by_magic(magic)) == NULL)
		return err_set(err, NTE_BAD_DATA, "private key blob: it ends in its header");
	if (side != (uint32_t)(c->bits + 7) / 8 || rest.len != 3 * (size_t)side ||
	    !bytes_get(&rest, side, &x) || !bytes_get(&rest, side, &y) ||
	    !bytes_get(&rest, side, &d))
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: numbers of %u bytes in %zu bytes do not fit P-%d",
		    (unsigned)side, blob.len, c->bits);
	return decode_order(c, x, y, d, false, out, err) ||
	       decode_order(c, x, y, d, true, out, err);
}

static const struct curve *
by_key(const EVP_PKEY *key)
{
	char group[64];
	size_t len = 0;

	if (EVP_PKEY_get_utf8_string_param(
		key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &len) == 1)
		for (size_t i = 0; i < COUNT_OF(curves); i++)
			if (strcmp(curves[i].group, group) == 0)
				return &curves[i];
	return NULL;
}

bool
keyblob_ec_layout(const EVP_PKEY *key, uint32_t *magic_out, size_t *side_out)
{
	const struct curve *c = by_key(key);

	if (c == NULL)
		return false;
	*magic_out = c->ecdh;
	*side_out = (size_t)(c->bits + 7) / 8;
	return true;
}

bool
keyblob_encode_ec(const EVP_PKEY *key, struct secret *out, struct err *err)
{
	const struct curve *c = by_key(key);
	OWNED(own_bn) BIGNUM *d = BN_secure_new(), *x = BN_new(), *y = BN_new();
	OWNED(secret_free) struct secret blob = {0};
	int side = 0;

	if (c == NULL)
		return err_set(err, NTE_BAD_ALGID,
		    "private key blob: the curve of the key is not P-256, P-384 or P-521");
	if (!keyblob_get(key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
	    !keyblob_get(key, OSSL_PKEY_PARAM_EC_PUB_Y, y) ||
	    !keyblob_get(key, OSSL_PKEY_PARAM_PRIV_KEY, d))
		return err_openssl(
		    err, NTE_BAD_DATA, "private key blob: the EC key has no private number");
	side = (c->bits + 7) / 8;
	if (!secret_alloc(HEADER + 3 * (size_t)side, &blob, err))
		return false;
	keyblob_put_u32le(blob.ptr, c->ecdh);
	keyblob_put_u32le(blob.ptr + 4, (uint32_t)side);
	if (BN_bn2binpad(x, blob.ptr + HEADER, side) != side ||
	    BN_bn2binpad(y, blob.ptr + HEADER + side, side) != side ||
	    BN_bn2binpad(d, blob.ptr + HEADER + 2 * side, side) != side)
		return err_openssl(err, NTE_BAD_DATA,
		    "private key blob: a number of the EC key is longer than its curve");
	*out = blob;
	blob = (struct secret){0};
	return true;
}
