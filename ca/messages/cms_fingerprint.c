/*
 * One number for what a content key follows from. Everything that a sender can write differently
 * without another content key coming out (the form of a point, its sign, the padding and
 * derivation that are named beside it, other recipients) is left out of it or refused.
 */
#include "cms_enveloped.h"

#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/objects.h>

#include "der.h"
#include "rsa_numbers.h"

#define NUMBER_MAX 1024 /* RSA of 8192 bits */

enum { POINT_EVEN = 2, POINT_ODD = 3, POINT_WHOLE = 4 }; /* SEC 1 2.3.3 */

/* RFC 8017 7.2.2 takes a ciphertext of exactly the modulus' size and below it: no other number
 * modulo n stands for the same key. */
static bool
transported_number(
    const CMSW_KEY_TRANS *wire, const EVP_PKEY *key, struct view *number_out, struct err *err)
{
	struct view c = der_string(wire->encrypted_key);
	OWNED(own_bn) BIGNUM *number = NULL;
	OWNED(rsa_numbers_free) struct rsa_numbers k = {0};

	*number_out = c;
	if (!rsa_numbers_of(key, false, &k))
		return err_set(err, NTE_BAD_ALGID, "the content key is transported to an RSA key");
	if (c.len != (size_t)BN_num_bytes(k.n) || c.len > NUMBER_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "the encrypted content key has %zu bytes, its recipient's modulus %d", c.len,
		    BN_num_bytes(k.n));
	if ((number = BN_bin2bn(c.ptr, (int)c.len, NULL)) == NULL)
		return err_nomem(err);
	return BN_ucmp(number, k.n) < 0 ||
	       err_set(err, ERROR_INVALID_DATA,
		   "the encrypted content key is not below its recipient's modulus");
}

/* The x coordinate: a point and its negative agree on the same secret. */
static bool
agreed_number(
    const CMSW_KEY_AGREE *wire, const EVP_PKEY *key, struct view *number_out, struct err *err)
{
	size_t side = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
	struct view point;

	if (!EVP_PKEY_is_a(key, "EC") || wire->originator->type != CMSW_ORIGINATOR_IS_KEY)
		return err_set(err, NTE_BAD_ALGID,
		    "the content key is agreed upon with an ephemeral elliptic-curve key only");
	point = der_string(wire->originator->d.key->key);
	if (point.len == 0 || !((point.ptr[0] == POINT_WHOLE && point.len == 1 + 2 * side) ||
				  ((point.ptr[0] == POINT_EVEN || point.ptr[0] == POINT_ODD) &&
				      point.len == 1 + side)))
		return err_set(err, ERROR_INVALID_DATA,
		    "the ephemeral key is no point of the recipient's curve");
	*number_out = view_of(point.ptr + 1, side);
	return true;
}

bool
cms_recipient_fingerprint(const struct cms_enveloped *e, size_t index, const EVP_PKEY *key,
    uint8_t sha256_out[32], struct err *err)
{
	const struct cmsw_recipient *wire = index < e->count ? e->recipients[index].wire : NULL;
	uint8_t kind_and_number[1 + NUMBER_MAX];
	struct view number = {0};

	if (wire == NULL || wire->type > CMSW_RECIPIENT_AGREE)
		return err_set(err, NTE_BAD_ALGID,
		    "recipient %zu is named neither by key transport nor by key agreement", index);
	if (!(wire->type == CMSW_RECIPIENT_TRANS
		    ? transported_number(wire->d.trans, key, &number, err)
		    : agreed_number(wire->d.agree, key, &number, err)))
		return false;
	kind_and_number[0] = (uint8_t)wire->type;
	memcpy(kind_and_number + 1, number.ptr, number.len);
	if (EVP_Digest(kind_and_number, 1 + number.len, sha256_out, NULL, cms_digest(NID_sha256),
		NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing an encrypted content key");
	return true;
}
