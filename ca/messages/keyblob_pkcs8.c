/*
 * PKCS#8 (RFC 5208) with RSAPrivateKey (RFC 8017 A.1.2) or ECPrivateKey (RFC 5915), put into the
 * order of a private key blob number by number: OpenSSL's decoders take as long as all the rest of
 * an archival, and leave private numbers on the ordinary heap.
 */
#include "keyblob_priv.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "bytes.h"
#include "der.h"
#include "mem.h"

#define RSA_HEADER    20
#define RSA_OCTETS    1024
#define EC_HEADER     8
#define UNCOMPRESSED  0x04
#define USAGE_ENCRYPT 0x38 /* keyEncipherment, dataEncipherment, keyAgreement */

static const uint8_t oid_rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x2B, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_p521[] = {0x2B, 0x81, 0x04, 0x00, 0x23};
static const uint8_t oid_key_usage[] = {0x55, 0x1D, 0x0F};

#define OID(bytes) view_of(bytes, sizeof(bytes))

/* Octets of a number -> object identifier of its curve. */
static struct view
curve_of(size_t side)
{
	return side == 32 ? OID(oid_p256) : side == 48 ? OID(oid_p384) : OID(oid_p521);
}

static bool
is_next(struct view cursor, uint8_t first)
{
	return cursor.len > 0 && cursor.ptr[0] == first;
}

static bool
take_version(struct view *cursor, uint8_t version)
{
	struct view v;

	return der_take(cursor, DER_INTEGER, &v) && v.len == 1 && v.ptr[0] == version;
}

struct parts {
	struct view algorithm, parameters; /* the latter with its header */
	struct view key;
	bool signature_only;
};

/* Windows tells keys that only sign by the attribute keyUsage. */
static bool
read_attributes(struct view set, struct parts *out)
{
	struct view attribute, type, values, bits;

	while (set.len > 0) {
		if (!der_take(&set, DER_SEQUENCE, &attribute) ||
		    !der_take(&attribute, DER_OBJECT, &type) ||
		    !der_take(&attribute, DER_SET, &values) || attribute.len > 0)
			return false;
		if (!view_eq(type, OID(oid_key_usage)))
			continue;
		if (!der_take(&values, DER_BIT_STRING, &bits) || bits.len < 2 || values.len > 0)
			return false;
		out->signature_only = (bits.ptr[1] & USAGE_ENCRYPT) == 0;
	}
	return true;
}

static bool
read_parts(struct view der, struct parts *out)
{
	struct view info, attributes;

	*out = (struct parts){0};
	return der_take(&der, DER_SEQUENCE, &info) && der.len == 0 && take_version(&info, 0) &&
	       der_take(&info, DER_SEQUENCE, &out->parameters) &&
	       der_take(&out->parameters, DER_OBJECT, &out->algorithm) &&
	       der_take(&info, DER_OCTET_STRING, &out->key) &&
	       (info.len == 0 || (der_take(&info, DER_CONTEXT_0, &attributes) && info.len == 0 &&
				     read_attributes(attributes, out)));
}

/* ---- RSA ---- */

enum { N, E, D, P, Q, DP, DQ, IQ, RSA_NUMBERS };

static bool
read_rsa(const struct parts *in, struct view numbers[RSA_NUMBERS])
{
	struct view key = in->key, list, parameters = in->parameters, nothing;

	if ((parameters.len > 0 && (!der_take(&parameters, DER_NULL, &nothing) || nothing.len > 0 ||
				       parameters.len > 0)) ||
	    !der_take(&key, DER_SEQUENCE, &list) || key.len > 0 || !take_version(&list, 0))
		return false;
	for (size_t i = 0; i < RSA_NUMBERS; i++)
		if (!der_take_number(&list, &numbers[i]))
			return false;
	return list.len == 0;
}

static bool
put_le(uint8_t **to, size_t len, struct view number)
{
	if (number.len > len)
		return false;
	bytes_reverse(*to, number.ptr, number.len);
	memset(*to + number.len, 0, len - number.len);
	*to += len;
	return true;
}

static bool
rsa_blob(const struct parts *in, struct secret *out, struct err *err)
{
	static const size_t order[] = {P, Q, DP, DQ, IQ};
	OWNED(secret_free) struct secret blob = {0};
	struct view numbers[RSA_NUMBERS];
	size_t whole;
	uint8_t *at;
	bool ok;

	if (!read_rsa(in, numbers) || numbers[N].len > RSA_OCTETS)
		return err_set(err, NTE_BAD_DATA, "PKCS#8: its RSA key is damaged or too large");
	whole = numbers[N].len;
	if (!secret_alloc(RSA_HEADER + 2 * whole + 5 * ((whole + 1) / 2), &blob, err))
		return false;
	keyblob_put_u32le(blob.ptr, KEYBLOB_PRIVATEKEYBLOB);
	keyblob_put_u32le(
	    blob.ptr + 4, in->signature_only ? KEYBLOB_CALG_RSA_SIGN : KEYBLOB_CALG_RSA_KEYX);
	keyblob_put_u32le(blob.ptr + 8, KEYBLOB_MAGIC_RSA2);
	keyblob_put_u32le(blob.ptr + 12, (uint32_t)whole * 8);
	at = blob.ptr + 16;
	ok = put_le(&at, 4, numbers[E]) && put_le(&at, whole, numbers[N]);
	for (size_t i = 0; ok && i < COUNT_OF(order); i++)
		ok = put_le(&at, (whole + 1) / 2, numbers[order[i]]);
	if (!ok || !put_le(&at, whole, numbers[D]))
		return err_set(err, NTE_BAD_DATA,
		    "PKCS#8: the RSA key has numbers that a private key blob has no room for");
	*out = blob;
	blob = (struct secret){0};
	return true;
}

/* ---- elliptic curves ---- */

/* [0] the curve once more, [1] the public point; either may be missing. */
static bool
read_ec(const struct parts *in, size_t side, struct view *d, struct view *point)
{
	struct view key = in->key, list, whole, named = in->parameters, curve, again;

	*point = (struct view){0};
	if (!der_take(&named, DER_OBJECT, &curve) || named.len > 0 ||
	    !view_eq(curve, curve_of(side)) || !der_take(&key, DER_SEQUENCE, &list) ||
	    key.len > 0 || !take_version(&list, 1) || !der_take(&list, DER_OCTET_STRING, d) ||
	    d->len == 0 || d->len > side)
		return false;
	if (is_next(list, DER_CONTEXT_0) &&
	    (!der_take(&list, DER_CONTEXT_0, &whole) || !der_take(&whole, DER_OBJECT, &again) ||
		whole.len > 0 || !view_eq(again, curve)))
		return false;
	return list.len == 0 || (der_take(&list, DER_CONTEXT_1, &whole) && list.len == 0 &&
				    der_take(&whole, DER_BIT_STRING, point) && whole.len == 0);
}

/* The point is that of `pub`; where the key names one, it must be the same. */
static bool
put_point(const EVP_PKEY *pub, struct view named, size_t side, uint8_t *at, struct err *err)
{
	OWNED(own_bn) BIGNUM *x = BN_new(), *y = BN_new();

	if (!keyblob_get(pub, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
	    !keyblob_get(pub, OSSL_PKEY_PARAM_EC_PUB_Y, y) ||
	    BN_bn2binpad(x, at, (int)side) != (int)side ||
	    BN_bn2binpad(y, at + side, (int)side) != (int)side)
		return err_openssl(err, DIRCA_E_CRYPTO, "the public key has no point");
	return named.len == 0 ||
	       (named.len == 2 + 2 * side && named.ptr[0] == 0 && named.ptr[1] == UNCOMPRESSED &&
		   memcmp(named.ptr + 2, at, 2 * side) == 0) ||
	       err_set(err, NTE_BAD_DATA, "PKCS#8: its public point is that of another key");
}

static bool
ec_blob(const struct parts *in, const EVP_PKEY *pub, struct secret *out, struct err *err)
{
	OWNED(secret_free) struct secret blob = {0};
	struct view d, point;
	uint32_t magic = 0;
	size_t side = 0;
	uint8_t *at;

	if (!keyblob_ec_layout(pub, &magic, &side) || !read_ec(in, side, &d, &point))
		return err_set(
		    err, NTE_BAD_DATA, "PKCS#8: its EC key is damaged or on another curve");
	if (!secret_alloc(EC_HEADER + 3 * side, &blob, err))
		return false;
	keyblob_put_u32le(blob.ptr, in->signature_only ? keyblob_ec_signing(magic) : magic);
	keyblob_put_u32le(blob.ptr + 4, (uint32_t)side);
	if (!put_point(pub, point, side, blob.ptr + EC_HEADER, err))
		return false;
	at = blob.ptr + EC_HEADER + 2 * side;
	memset(at, 0, side - d.len);
	memcpy(at + side - d.len, d.ptr, d.len);
	*out = blob;
	blob = (struct secret){0};
	return true;
}

bool
keyblob_is_pkcs8(struct view content)
{
	return is_next(content, DER_SEQUENCE);
}

bool
keyblob_from_pkcs8(struct view der, const EVP_PKEY *pub, struct secret *out, struct err *err)
{
	struct parts parts;
	bool ok = false;

	*out = (struct secret){0};
	if (!read_parts(der, &parts))
		err_set(err, NTE_BAD_DATA, "not a private key in PKCS#8");
	else if (view_eq(parts.algorithm, OID(oid_rsa)))
		ok = rsa_blob(&parts, out, err);
	else if (view_eq(parts.algorithm, OID(oid_ec)))
		ok = ec_blob(&parts, pub, out, err);
	else
		err_set(err, NTE_BAD_ALGID,
		    "PKCS#8: neither an RSA key nor one on an elliptic curve that can be archived");
	ERR_clear_error();
	return ok;
}
