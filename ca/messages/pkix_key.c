#include "pkix_priv.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "der.h"
#include "der_write.h"
#include "mem.h"
#include "oids.h"

#define RSA_MIN_BITS 1024
#define RSA_MAX_BITS 8192
#define RSA_MAX_E    64 /* bits; a longer exponent only makes the CA work */

static const struct curve {
	int nid;
	int bits;
	const char *group;
} curves[] = {
    {NID_X9_62_prime256v1, 256, "prime256v1"},
    {NID_secp384r1, 384, "secp384r1"},
    {NID_secp521r1, 521, "secp521r1"},
};

/* The numbers of a public key, as views into its bytes, or into `ber`. */
struct numbers {
	PKIX_RSA_KEY *ber;         /* as OpenSSL reads it, if it is not in DER */
	const struct curve *curve; /* NULL: RSA */
	struct view n, e, point;
	int bits;
};

static void
numbers_free(struct numbers *k)
{
	PKIX_RSA_KEY_free(k->ber);
}

static bool
is_object(struct view octets, int nid)
{
	return view_eq(octets, oid_nid_octets(nid));
}

static int
bit_length(struct view number)
{
	int bits = (int)(number.len * 8);

	if (number.len == 0)
		return 0;
	for (unsigned mask = 0x80; mask != 0 && (number.ptr[0] & mask) == 0; mask >>= 1)
		bits--;
	return bits;
}

/* RSAPublicKey, as everybody writes it; false: BER, zero, a negative number, or another thing. */
static bool
read_rsa_der(struct numbers *k, struct view der)
{
	struct view list;

	return der_take(&der, DER_SEQUENCE, &list) && der.len == 0 &&
	       der_take_number(&list, &k->n) && der_take_number(&list, &k->e) && list.len == 0;
}

static bool
read_rsa_ber(struct numbers *k, struct view der, struct err *err)
{
	const unsigned char *p = der.ptr;

	if ((k->ber = d2i_PKIX_RSA_KEY(NULL, &p, (long)der.len)) == NULL || p != der.ptr + der.len)
		return err_openssl(err, ERROR_INVALID_DATA, "public key: not an RSAPublicKey");
	if (ASN1_STRING_type(k->ber->n) != V_ASN1_INTEGER ||
	    ASN1_STRING_type(k->ber->e) != V_ASN1_INTEGER)
		return err_set(err, ERROR_INVALID_DATA, "public key: negative RSA number");
	k->n = pkix_string_view(k->ber->n);
	k->e = pkix_string_view(k->ber->e);
	return true;
}

static bool
read_rsa(struct numbers *k, struct view parameters, struct view der, struct err *err)
{
	int e_bits = 0;

	if (parameters.len > 0 && parameters.ptr[0] != DER_NULL)
		return err_set(err, NTE_BAD_ALGID, "public key: rsaEncryption takes no parameters");
	if (!read_rsa_der(k, der) && !read_rsa_ber(k, der, err))
		return false;
	k->bits = bit_length(k->n);
	e_bits = bit_length(k->e);
	if (k->bits < RSA_MIN_BITS || k->bits > RSA_MAX_BITS)
		return err_set(err, NTE_BAD_ALGID, "public key: RSA of %d bits; %d to %d are taken",
		    k->bits, RSA_MIN_BITS, RSA_MAX_BITS);
	if ((k->n.ptr[k->n.len - 1] & 1) == 0 || e_bits < 2 || e_bits > RSA_MAX_E ||
	    (k->e.ptr[k->e.len - 1] & 1) == 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "public key: the RSA modulus is even or the exponent is not an odd number of 2 "
		    "to %d bits",
		    RSA_MAX_E);
	return true;
}

/* RFC 5480: named curve, uncompressed point. */
static bool
read_ec(struct numbers *k, struct view parameters, struct view point, struct err *err)
{
	struct view curve;

	if (der_take(&parameters, DER_OBJECT, &curve))
		for (size_t i = 0; i < COUNT_OF(curves); i++)
			if (is_object(curve, curves[i].nid))
				k->curve = &curves[i];
	if (k->curve == NULL)
		return err_set(
		    err, NTE_BAD_ALGID, "public key: the curve is not P-256, P-384 or P-521");
	k->bits = k->curve->bits;
	k->point = point;
	if (point.len != 1 + 2 * (size_t)((k->bits + 7) / 8) ||
	    point.ptr[0] != POINT_CONVERSION_UNCOMPRESSED)
		return err_set(err, ERROR_INVALID_DATA,
		    "public key: not an uncompressed point of P-%d", k->bits);
	return true;
}

bool
pkix_key_cut(struct view spki, struct view *algorithm, struct view *key)
{
	struct view info, type, bits;

	if (!pkix_der_is_strict(spki) || !der_take(&spki, DER_SEQUENCE, &info) ||
	    !der_take_algorithm(&info, algorithm, &type) ||
	    !der_take(&info, DER_BIT_STRING, &bits) || info.len > 0 || bits.len < 2 ||
	    bits.ptr[0] != 0)
		return false;
	*key = view_of(bits.ptr + 1, bits.len - 1);
	return true;
}

static bool
read_numbers(struct view der, struct numbers *k, struct err *err)
{
	struct view algorithm, parameters, type, key;

	*k = (struct numbers){0};
	if (!pkix_key_cut(der, &algorithm, &key) ||
	    !der_take(&algorithm, DER_SEQUENCE, &parameters) ||
	    !der_take(&parameters, DER_OBJECT, &type))
		return err_openssl(
		    err, ERROR_INVALID_DATA, "public key: not a SubjectPublicKeyInfo");
	if (is_object(type, NID_rsaEncryption))
		return read_rsa(k, parameters, key, err);
	if (is_object(type, NID_X9_62_id_ecPublicKey))
		return read_ec(k, parameters, key, err);
	return err_set(err, NTE_BAD_ALGID, "public key: neither RSA nor EC");
}

static bool
push_numbers(const struct numbers *k, OSSL_PARAM_BLD *bld, BIGNUM **n, BIGNUM **e)
{
	if (k->curve != NULL)
		return OSSL_PARAM_BLD_push_utf8_string(
			   bld, OSSL_PKEY_PARAM_GROUP_NAME, k->curve->group, 0) == 1 &&
		       OSSL_PARAM_BLD_push_octet_string(
			   bld, OSSL_PKEY_PARAM_PUB_KEY, k->point.ptr, k->point.len) == 1;
	return (*n = BN_bin2bn(k->n.ptr, (int)k->n.len, NULL)) != NULL &&
	       (*e = BN_bin2bn(k->e.ptr, (int)k->e.len, NULL)) != NULL &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, *n) == 1 &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, *e) == 1;
}

bool
pkix_public_key(struct view spki, EVP_PKEY **out, struct err *err)
{
	OWNED(own_param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OWNED(own_param) OSSL_PARAM *params = NULL;
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = NULL;
	OWNED(own_bn) BIGNUM *n = NULL, *e = NULL;
	OWNED(numbers_free) struct numbers k = {0};

	*out = NULL;
	if (!read_numbers(spki, &k, err))
		return false;
	if (bld == NULL || !push_numbers(&k, bld, &n, &e) ||
	    (params = OSSL_PARAM_BLD_to_param(bld)) == NULL ||
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, k.curve != NULL ? "EC" : "RSA", NULL)) ==
		NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "public key: OpenSSL cannot take its numbers");
	/* For EC this proves that the point is on the curve, which is the whole group for these
	 * three. */
	if (EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return err_openssl(err, ERROR_INVALID_DATA, "public key: %s",
		    k.curve != NULL ? "the point is not on its curve"
				    : "OpenSSL refuses the numbers");
	return true;
}

bool
pkix_same_key(const EVP_PKEY *a, const EVP_PKEY *b)
{
	bool same = EVP_PKEY_eq(a, b) == 1;

	if (!same)
		ERR_clear_error();
	return same;
}

bool
pkix_key_info(struct view spki, const char **algorithm_out, int *bits_out, struct err *err)
{
	OWNED(numbers_free) struct numbers k = {0};

	*algorithm_out = NULL;
	*bits_out = 0;
	if (!read_numbers(spki, &k, err))
		return false;
	*algorithm_out = k.curve != NULL ? "EC" : "RSA";
	*bits_out = k.bits;
	return true;
}

/* What may be written in two ways is written in one: parameters NULL (RFC 3279 2.3.1), RSAPublicKey
 * in DER. */
static bool
write_rsa(const struct numbers *k, struct buf *out, struct err *err)
{
	static const uint8_t unused = 0;
	OWNED(der_out_free) struct der_out o = {0};
	size_t info = der_open(&o, DER_SEQUENCE), at = der_open(&o, DER_SEQUENCE), key;

	der_put_element(&o, DER_OBJECT, oid_nid_octets(NID_rsaEncryption));
	der_put_element(&o, DER_NULL, (struct view){0});
	der_close(&o, at);
	key = der_open(&o, DER_BIT_STRING);
	der_put(&o, view_of(&unused, 1));
	at = der_open(&o, DER_SEQUENCE);
	der_put_unsigned(&o, k->n);
	der_put_unsigned(&o, k->e);
	der_close(&o, at);
	der_close(&o, key);
	der_close(&o, info);
	return der_done(&o, out, err);
}

bool
pkix_key_hash(struct view spki, uint8_t out[PKIX_KEY_HASH_LEN], struct err *err)
{
	OWNED(numbers_free) struct numbers k = {0};
	OWNED(buf_free) struct buf der = {0};

	if (!read_numbers(spki, &k, err))
		return false;
	/* An EC key that was read has one encoding only. */
	if (k.curve != NULL)
		return cms_digest_of(NID_sha256, spki, out, err);
	return write_rsa(&k, &der, err) && cms_digest_of(NID_sha256, buf_view(&der), out, err);
}

bool
pkix_same_holder_key(struct view a, struct view b)
{
	OWNED(numbers_free) struct numbers x = {0};
	OWNED(numbers_free) struct numbers y = {0};
	struct err ignored;

	if (view_eq(a, b))
		return true;
	/* What is read of an EC key has one encoding. */
	return read_numbers(a, &x, &ignored) && read_numbers(b, &y, &ignored) && x.curve == NULL &&
	       y.curve == NULL && view_eq(x.n, y.n);
}

static const struct curve *
curve_of(const EVP_PKEY *key)
{
	char group[64];
	size_t len = 0;

	if (EVP_PKEY_get_utf8_string_param(
		key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &len) != 1)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (strcmp(curves[i].group, group) == 0)
			return &curves[i];
	return NULL;
}

/* RSAPublicKey in DER, OPENSSL_malloc'ed. */
static int
encode_rsa(const EVP_PKEY *key, uint8_t **der)
{
	PKIX_RSA_KEY *rsa = PKIX_RSA_KEY_new();
	BIGNUM *n = NULL, *e = NULL;
	int len = -1;

	if (rsa != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
	    BN_to_ASN1_INTEGER(n, rsa->n) != NULL && BN_to_ASN1_INTEGER(e, rsa->e) != NULL)
		len = i2d_PKIX_RSA_KEY(rsa, der);
	BN_free(n);
	BN_free(e);
	PKIX_RSA_KEY_free(rsa);
	return len;
}

/* Uncompressed point, OPENSSL_malloc'ed, whatever form the key prefers. */
static int
encode_point(const EVP_PKEY *key, const struct curve *curve, uint8_t **point)
{
	int side = (curve->bits + 7) / 8, len = -1;
	BIGNUM *x = NULL, *y = NULL;
	uint8_t *p = OPENSSL_malloc(1 + 2 * (size_t)side);

	if (p != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
	    BN_bn2binpad(x, p + 1, side) == side && BN_bn2binpad(y, p + 1 + side, side) == side) {
		p[0] = POINT_CONVERSION_UNCOMPRESSED;
		*point = p;
		p = NULL;
		len = 1 + 2 * side;
	}
	OPENSSL_free(p);
	BN_free(x);
	BN_free(y);
	return len;
}

/* Of a key that a token keeps (ca/keys/key_uri.h), not all numbers are there as parameters. */
static bool
spki_of_token(const EVP_PKEY *key, struct buf *out, struct err *err)
{
	OWNED(own_octets) uint8_t *der = NULL;
	OWNED(own_pkey) EVP_PKEY *public_key = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, "public key: the token does not tell it");
	return pkix_public_key(view_of(der, (size_t)len), &public_key, err) &&
	       pkix_key_spki(public_key, out, err);
}

bool
pkix_key_spki(const EVP_PKEY *key, struct buf *out, struct err *err)
{
	OWNED(own_pkix_spki) PKIX_SPKI *spki = PKIX_SPKI_new();
	const struct curve *curve = NULL;
	OWNED(own_octets) uint8_t *inner = NULL;
	uint8_t *der = NULL;
	int inner_len = -1, len = 0;

	*out = (struct buf){0};
	if (spki == NULL)
		return err_nomem(err);
	if (EVP_PKEY_get0_provider(key) == NULL)
		return spki_of_token(key, out, err);
	if (EVP_PKEY_is_a(key, "RSA")) {
		inner_len = encode_rsa(key, &inner);
		X509_ALGOR_set0(spki->algorithm, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL);
	} else if (EVP_PKEY_is_a(key, "EC") && (curve = curve_of(key)) != NULL) {
		inner_len = encode_point(key, curve, &inner);
		X509_ALGOR_set0(spki->algorithm, OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
		    V_ASN1_OBJECT, OBJ_nid2obj(curve->nid));
	} else {
		return err_set(
		    err, NTE_BAD_ALGID, "public key: neither RSA nor P-256, P-384 or P-521");
	}
	if (inner_len < 0 || !pkix_bits_set(spki->key, view_of(inner, (size_t)inner_len)))
		return err_openssl(err, DIRCA_E_CRYPTO, "public key: its numbers cannot be read");
	len = i2d_PKIX_SPKI(spki, &der);
	return buf_take_openssl(der, len, out, err);
}

/* Signature algorithm for a key; P-384 and P-521 take the digest of their strength. */
static int
sig_nid(const EVP_PKEY *key)
{
	const struct curve *curve = NULL;

	if (EVP_PKEY_is_a(key, "RSA"))
		return NID_sha256WithRSAEncryption;
	if (!EVP_PKEY_is_a(key, "EC") || (curve = curve_of(key)) == NULL)
		return NID_undef;
	switch (curve->bits) {
	case 256:
		return NID_ecdsa_with_SHA256;
	case 384:
		return NID_ecdsa_with_SHA384;
	default:
		return NID_ecdsa_with_SHA512;
	}
}

bool
pkix_sig_alg(const EVP_PKEY *key, struct buf *out, struct err *err)
{
	OWNED(own_x509_algor) X509_ALGOR *alg = X509_ALGOR_new();
	int nid = sig_nid(key);
	uint8_t *der = NULL;
	int len = 0;

	*out = (struct buf){0};
	if (alg == NULL)
		return err_nomem(err);
	if (nid == NID_undef)
		return err_set(err, NTE_BAD_ALGID,
		    "a key that is neither RSA nor P-256, P-384 or P-521 cannot sign");
	/* RFC 4055 5 wants NULL for RSA, RFC 5758 3.2 nothing for ECDSA. */
	X509_ALGOR_set0(alg, OBJ_nid2obj(nid),
	    nid == NID_sha256WithRSAEncryption ? V_ASN1_NULL : V_ASN1_UNDEF, NULL);
	len = i2d_X509_ALGOR(alg, &der);
	return buf_take_openssl(der, len, out, err);
}

int
pkix_sig_digest(struct view sig_alg)
{
	const unsigned char *p = sig_alg.ptr;
	OWNED(own_x509_algor) X509_ALGOR *alg = d2i_X509_ALGOR(NULL, &p, (long)sig_alg.len);
	const ASN1_OBJECT *oid;
	int digest, kind;

	if (alg == NULL)
		return NID_undef;
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	return OBJ_find_sigid_algs(OBJ_obj2nid(oid), &digest, &kind) == 1 ? digest : NID_undef;
}
