/* Private key blobs: the layouts of [MS-WCCE] 2.2.2.9, round trips, and everything that is wrong
 * with one.
 */
#include "messages_support.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include "bytes.h"
#include "keyblob.h"

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return secret_heap_init(1 << 18, true, &err) ? 0 : -1;
}

static struct secret
encode(const EVP_PKEY *key)
{
	struct secret blob = {0};
	struct err err;

	must(keyblob_encode(key, &blob, &err));
	return blob;
}

static BIGNUM *
number(const EVP_PKEY *key, const char *param)
{
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, param, &n), 1);
	return n;
}

/* The key works: what it signs verifies under the public half of the other. */
static void
assert_signs_for(EVP_PKEY *key, EVP_PKEY *public)
{
	struct view content = view_str("content");
	struct buf signature = support_sign(key, EVP_sha256(), content);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public), 1);
	assert_int_equal(
	    EVP_DigestVerify(ctx, signature.ptr, signature.len, content.ptr, content.len), 1);
	EVP_MD_CTX_free(ctx);
	buf_free(&signature);
}

static void
check_round_trip(EVP_PKEY *key, size_t want_len)
{
	static const char *const rsa_params[] = {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
	    OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
	    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, NULL};
	static const char *const ec_params[] = {OSSL_PKEY_PARAM_PRIV_KEY, NULL};
	struct secret blob = encode(key), again;
	EVP_PKEY *back = NULL;
	struct err err;

	assert_int_equal(blob.len, want_len);
	must(keyblob_decode(secret_view(&blob), &back, &err));
	assert_int_equal(EVP_PKEY_eq(back, key), 1);
	for (const char *const *p = EVP_PKEY_is_a(key, "RSA") ? rsa_params : ec_params; *p != NULL;
	     p++) {
		BIGNUM *a = number(key, *p), *b = number(back, *p);

		assert_int_equal(BN_cmp(a, b), 0);
		BN_clear_free(a);
		BN_clear_free(b);
	}
	assert_signs_for(back, key);
	again = encode(back);
	assert_true(view_eq(secret_view(&again), secret_view(&blob)));
	secret_free(&again);
	secret_free(&blob);
	EVP_PKEY_free(back);
	EVP_PKEY_free(key);
}

static void
rsa_key_comes_back_from_its_blob(void **state)
{
	(void)state;
	check_round_trip(support_rsa(1024), 20 + 128 * 2 + 64 * 5);
	check_round_trip(support_rsa(1032), 20 + 129 * 2 + 65 * 5);
	check_round_trip(support_rsa(2048), 1172);
	check_round_trip(support_rsa(3072), 20 + 384 * 2 + 192 * 5);
	check_round_trip(support_rsa(4096), 20 + 512 * 2 + 256 * 5);
}

static void
ec_key_comes_back_from_its_blob(void **state)
{
	(void)state;
	check_round_trip(support_ec("P-256"), 8 + 3 * 32);
	check_round_trip(support_ec("P-384"), 8 + 3 * 48);
	check_round_trip(support_ec("P-521"), 8 + 3 * 66);
}

static void
assert_le_at(
    const struct secret *blob, size_t offset, size_t len, const EVP_PKEY *key, const char *param)
{
	BIGNUM *want = number(key, param), *got = BN_lebin2bn(blob->ptr + offset, (int)len, NULL);

	assert_int_equal(BN_cmp(want, got), 0);
	BN_clear_free(want);
	BN_clear_free(got);
}

static void
capi_blob_of_2048_bits_has_the_published_offsets(void **state)
{
	static const uint8_t header[] = {0x07, 0x02, 0x00, 0x00, 0x00, 0xa4, 0x00, 0x00, 'R', 'S',
	    'A', '2', 0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00};
	EVP_PKEY *key = support_rsa(2048);
	struct secret blob = encode(key);

	(void)state;
	assert_int_equal(blob.len, 1172);
	assert_memory_equal(blob.ptr, header, sizeof header);
	assert_le_at(&blob, 20, 256, key, OSSL_PKEY_PARAM_RSA_N);
	assert_le_at(&blob, 276, 128, key, OSSL_PKEY_PARAM_RSA_FACTOR1);
	assert_le_at(&blob, 404, 128, key, OSSL_PKEY_PARAM_RSA_FACTOR2);
	assert_le_at(&blob, 532, 128, key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
	assert_le_at(&blob, 660, 128, key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
	assert_le_at(&blob, 788, 128, key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
	assert_le_at(&blob, 916, 256, key, OSSL_PKEY_PARAM_RSA_D);
	secret_free(&blob);
	EVP_PKEY_free(key);
}

static void
ecdh_blob_has_the_windows_layout(void **state)
{
	EVP_PKEY *key = support_ec("P-256");
	struct secret blob = encode(key);
	BIGNUM *x = number(key, OSSL_PKEY_PARAM_EC_PUB_X), *got = BN_bin2bn(blob.ptr + 8, 32, NULL);

	(void)state;
	assert_memory_equal(blob.ptr, "ECK2\x20\x00\x00\x00", 8);
	assert_int_equal(BN_cmp(x, got), 0);
	BN_free(x);
	BN_free(got);
	secret_free(&blob);
	EVP_PKEY_free(key);
}

/* One format, one verdict, without reading past the header. */
static void
check_format(const char *bytes, size_t len, enum keyblob_format want, bool want_signature)
{
	enum keyblob_format format;
	bool signature_only = !want_signature;
	struct err err;

	must(keyblob_format(view_of(bytes, len), &format, &signature_only, &err));
	assert_int_equal(format, want);
	assert_int_equal(signature_only, want_signature);
}

static void
format_and_signature_use_are_told_by_the_magic(void **state)
{
	(void)state;
	check_format("\x07\x02\0\0\0\xa4\0\0RSA2", 12, KEYBLOB_CAPI_RSA, false);
	check_format("\x07\x02\0\0\0\x24\0\0RSA2", 12, KEYBLOB_CAPI_RSA, true);
	check_format("RSA2", 4, KEYBLOB_BCRYPT_RSA, false);
	check_format("RSA3", 4, KEYBLOB_BCRYPT_RSA, false);
	check_format("2ASR", 4, KEYBLOB_BCRYPT_RSA, false);
	check_format("ECK2", 4, KEYBLOB_BCRYPT_ECDH, false);
	check_format("ECK4", 4, KEYBLOB_BCRYPT_ECDH, false);
	check_format("ECK6", 4, KEYBLOB_BCRYPT_ECDH, false);
	check_format("ECS2", 4, KEYBLOB_BCRYPT_ECDSA, true);
	check_format("ECS4", 4, KEYBLOB_BCRYPT_ECDSA, true);
	check_format("ECS6", 4, KEYBLOB_BCRYPT_ECDSA, true);
}

static void
other_magics_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
	    {"", 0},
	    {"RSA", 3},
	    {"RSA1", 4},
	    {"1ASR", 4},
	    {"RSA4", 4},
	    {"ECK1", 4},
	    {"ECK3", 4},
	    {"ECS1", 4},
	    {"\x30\x82\x04\xa4", 4},
	    {"\x06\x02\0\0\0\xa4\0\0RSA1", 12},
	    {"\x07\x02\0\0\0\xa4\0\0RSA1", 12},
	    {"\x07\x02\0\0\0\x34\0\0RSA2", 12},
	    {"\x07\x03\0\0\0\xa4\0\0RSA2", 12},
	    {"\x07\x02\x01\0\0\xa4\0\0RSA2", 12},
	    {"\x07\x02\0\0\0\xa4\0\0RSA", 11},
	};
	enum keyblob_format format;
	EVP_PKEY *key = NULL;
	bool signature_only;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct view blob = view_of(rows[i].bytes, rows[i].len);

		must_fail(keyblob_format(blob, &format, &signature_only, &err), NTE_BAD_DATA);
		must_fail(keyblob_decode(blob, &key, &err), NTE_BAD_DATA);
		assert_null(key);
	}
}

static void
check_cut_and_longer(const struct secret *blob)
{
	struct secret longer = {0};
	EVP_PKEY *key = NULL;
	struct err err;

	for (size_t len = 0; len < blob->len; len++) {
		must_fail(keyblob_decode(view_of(blob->ptr, len), &key, &err), NTE_BAD_DATA);
		assert_null(key);
	}
	must(secret_alloc(blob->len + 1, &longer, &err));
	memcpy(longer.ptr, blob->ptr, blob->len);
	longer.ptr[blob->len] = 0;
	must_fail(keyblob_decode(secret_view(&longer), &key, &err), NTE_BAD_DATA);
	secret_free(&longer);
}

/* BCRYPT_RSAKEY_BLOB of a key, as bcrypt.h lays it out. */
static struct buf
bcrypt_rsa(const EVP_PKEY *key)
{
	static const char *const params[] = {OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_N,
	    OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2};
	struct buf blob = {0};
	BIGNUM *n[4];
	struct err err;

	for (size_t i = 0; i < 4; i++)
		n[i] = number(key, params[i]);
	must(bytes_put_u32le(&blob, 0x32415352, &err) &&
	     bytes_put_u32le(&blob, (uint32_t)EVP_PKEY_get_bits(key), &err));
	for (size_t i = 0; i < 4; i++)
		must(bytes_put_u32le(&blob, (uint32_t)BN_num_bytes(n[i]), &err));
	for (size_t i = 0; i < 4; i++) {
		uint8_t bytes[1024];

		must(buf_append(&blob, view_of(bytes, (size_t)BN_bn2bin(n[i], bytes)), &err));
		BN_clear_free(n[i]);
	}
	return blob;
}

/* BCRYPT_RSAFULLPRIVATE_BLOB: the same with another magic, and every number behind it. */
static struct buf
bcrypt_rsa_full(const EVP_PKEY *key)
{
	static const char *const params[] = {OSSL_PKEY_PARAM_RSA_EXPONENT1,
	    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_D};
	struct buf blob = bcrypt_rsa(key);
	int half = EVP_PKEY_get_bits(key) / 16;
	struct err err;

	blob.ptr[3] = '3';
	for (size_t i = 0; i < 4; i++) {
		BIGNUM *n = number(key, params[i]);
		uint8_t bytes[1024];
		int len = i < 3 ? half : 2 * half;

		assert_int_equal(BN_bn2binpad(n, bytes, len), len);
		must(buf_append(&blob, view_of(bytes, (size_t)len), &err));
		BN_clear_free(n);
	}
	return blob;
}

/* As [MS-WCCE] 2.2.2.9.2 has it: the six numbers of the header the other way round. */
static void
turn_header(struct buf *blob)
{
	for (size_t i = 0; i < 24; i += 4) {
		uint8_t *p = blob->ptr + i, a = p[0], b = p[1];

		p[0] = p[3];
		p[1] = p[2];
		p[2] = b;
		p[3] = a;
	}
}

static void
assert_decodes(const struct buf *blob, EVP_PKEY *key)
{
	EVP_PKEY *back = NULL;
	struct err err;

	must(keyblob_decode(buf_view(blob), &back, &err));
	assert_int_equal(EVP_PKEY_eq(back, key), 1);
	assert_signs_for(back, key);
	EVP_PKEY_free(back);
}

static void
full_private_blob_and_either_header_are_read(void **state)
{
	EVP_PKEY *key = support_rsa(2048);
	struct buf blobs[] = {bcrypt_rsa(key), bcrypt_rsa_full(key)};
	struct secret copy = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_decodes(&blobs[i], key);
		turn_header(&blobs[i]);
		assert_decodes(&blobs[i], key);
		must(secret_dup(buf_view(&blobs[i]), &copy, &err));
		check_cut_and_longer(&copy);
		secret_free(&copy);
		buf_free(&blobs[i]);
	}
	EVP_PKEY_free(key);
}

/* One bit of each number that stands in a full blob beside those that it needs; d is held against
 * the public key where the key is proved (archive_key_matches). */
static void
full_private_blob_that_contradicts_itself_is_refused(void **state)
{
	EVP_PKEY *key = support_rsa(2048), *back = NULL;
	struct buf blob = bcrypt_rsa_full(key);
	size_t numbers = blob.len - 3 * 128 - 256;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		blob.ptr[numbers + i * 128 + 127] ^= 1;
		assert_false(keyblob_decode(buf_view(&blob), &back, &err));
		assert_int_equal(err.code, NTE_BAD_DATA);
		blob.ptr[numbers + i * 128 + 127] ^= 1;
	}
	assert_decodes(&blob, key);
	buf_free(&blob);
	EVP_PKEY_free(key);
}

static void
blob_of_a_public_key_is_refused_by_name(void **state)
{
	EVP_PKEY *key = support_rsa(2048), *back = NULL;
	struct buf blob = bcrypt_rsa(key);
	struct err err;

	(void)state;
	blob.ptr[3] = '1';
	assert_false(keyblob_decode(buf_view(&blob), &back, &err));
	assert_int_equal(err.code, NTE_BAD_DATA);
	assert_non_null(strstr(err.msg, "public"));
	buf_free(&blob);
	EVP_PKEY_free(key);
}

static void
bcrypt_rsa_blob_gets_its_missing_numbers_computed(void **state)
{
	static const char *const params[] = {OSSL_PKEY_PARAM_RSA_EXPONENT1,
	    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
	EVP_PKEY *key = support_rsa(2048), *back = NULL;
	struct buf blob = bcrypt_rsa(key);
	struct secret copy = {0};
	struct err err;

	(void)state;
	must(keyblob_decode(buf_view(&blob), &back, &err));
	assert_int_equal(EVP_PKEY_eq(back, key), 1);
	for (size_t i = 0; i < 3; i++) {
		BIGNUM *a = number(key, params[i]), *b = number(back, params[i]);

		assert_int_equal(BN_cmp(a, b), 0);
		BN_clear_free(a);
		BN_clear_free(b);
	}
	assert_signs_for(back, key);
	must(secret_dup(buf_view(&blob), &copy, &err));
	check_cut_and_longer(&copy);
	secret_free(&copy);
	EVP_PKEY_free(back);
	EVP_PKEY_free(key);
	buf_free(&blob);
}

static void
blob_cut_at_any_length_or_longer_is_refused(void **state)
{
	EVP_PKEY *keys[] = {support_rsa(1024), support_ec("P-256"), support_ec("P-521")};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct secret blob = encode(keys[i]);

		check_cut_and_longer(&blob);
		secret_free(&blob);
		EVP_PKEY_free(keys[i]);
	}
}

static void
ec_numbers_in_little_endian_are_read_too(void **state)
{
	static const char *const names[] = {"P-256", "P-384", "P-521"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		EVP_PKEY *key = support_ec(names[i]), *back = NULL;
		struct secret blob = encode(key), little = {0};
		size_t side = (blob.len - 8) / 3;

		must(secret_dup(secret_view(&blob), &little, &err));
		for (size_t j = 0; j < 3; j++)
			bytes_reverse(little.ptr + 8 + j * side, blob.ptr + 8 + j * side, side);
		must(keyblob_decode(secret_view(&little), &back, &err));
		assert_int_equal(EVP_PKEY_eq(back, key), 1);
		assert_signs_for(back, key);
		secret_free(&blob);
		secret_free(&little);
		EVP_PKEY_free(back);
		EVP_PKEY_free(key);
	}
}

/* Decodes after writing bytes at an offset, then puts the old ones back. */
static void
check_changed(struct secret *blob, size_t offset, const void *bytes, size_t len)
{
	uint8_t old[1024];
	EVP_PKEY *key = NULL;
	struct err err;

	memcpy(old, blob->ptr + offset, len);
	memcpy(blob->ptr + offset, bytes, len);
	must_fail(keyblob_decode(secret_view(blob), &key, &err), NTE_BAD_DATA);
	assert_null(key);
	memcpy(blob->ptr + offset, old, len);
}

static void
rsa_numbers_that_make_no_sense_are_refused(void **state)
{
	static const uint8_t zero[128] = {0}, one[128] = {1}, two[128] = {2};
	EVP_PKEY *key = support_rsa(1024), *back = NULL;
	struct secret blob = encode(key);
	uint8_t ones[128], even[1];
	struct err err;

	(void)state;
	memset(ones, 0xff, sizeof ones);
	check_changed(&blob, 12, "\x01\x04\0\0", 4); /* 1025 bits */
	check_changed(&blob, 12, "\xf8\x03\0\0", 4); /* 1016 bits */
	check_changed(&blob, 12, "\x08\x20\0\0", 4); /* 8200 bits */
	check_changed(&blob, 12, "\xff\xff\xff\xff", 4);
	check_changed(&blob, 12, "\0\0\0\0", 4);
	check_changed(&blob, 16, "\0\0\0\0", 4); /* exponent 0, 1, even */
	check_changed(&blob, 16, "\1\0\0\0", 4);
	check_changed(&blob, 16, "\0\0\1\0", 4);
	even[0] = blob.ptr[20] & 0xfe;
	check_changed(&blob, 20, even, 1);         /* n even */
	check_changed(&blob, 20 + 127, "\x7f", 1); /* n of fewer bits */
	for (size_t i = 0; i < 2; i++) {           /* p, q */
		size_t at = 148 + i * 64;

		check_changed(&blob, at, zero, 64);
		check_changed(&blob, at, one, 64);
		check_changed(&blob, at, two, 64);
		even[0] = blob.ptr[at] & 0xfe;
		check_changed(&blob, at, even, 1);
	}
	check_changed(&blob, 148, blob.ptr + 212, 64); /* p = q */
	for (size_t i = 2; i < 5; i++) {               /* dp, dq, iq */
		check_changed(&blob, 148 + i * 64, zero, 64);
		check_changed(&blob, 148 + i * 64, ones, 64);
	}
	check_changed(&blob, 468, zero, 128); /* d */
	check_changed(&blob, 468, ones, 128);
	must(keyblob_decode(secret_view(&blob), &back, &err));
	EVP_PKEY_free(back);
	secret_free(&blob);
	EVP_PKEY_free(key);
}

static void
bcrypt_rsa_lengths_that_do_not_fit_are_refused(void **state)
{
	EVP_PKEY *key = support_rsa(1024);
	struct buf blob = bcrypt_rsa(key);
	struct secret s = {0};
	struct err err;
	uint8_t zero[64] = {0};

	(void)state;
	must(secret_dup(buf_view(&blob), &s, &err));
	check_changed(
	    &s, 4, "\x00\x00\x04\x00", 4);   /* header as the specification's text would have it */
	check_changed(&s, 8, "\0\0\0\0", 4); /* cbPublicExp */
	check_changed(&s, 8, "\x04\0\0\0\x7f", 5); /* bytes moved from n to e */
	check_changed(&s, 8, "\xff\xff\xff\xff", 4);
	check_changed(&s, 12, "\xff\xff\xff\xff", 4); /* cbModulus */
	check_changed(&s, 16, "\xff\xff\xff\xff\x41\0\0\0", 8);
	check_changed(&s, 16, "\0\0\0\0\x80\0\0\0", 8);
	check_changed(&s, 16, "\x80\0\0\0\0\0\0\0", 8);
	check_changed(&s, s.len - 64, zero, 64);
	check_changed(&s, s.len - 128, zero, 64);
	check_changed(&s, s.len - 64, s.ptr + s.len - 128, 64); /* p = q */
	check_changed(&s, 24, "\x01\x00\x00", 3);               /* exponent even */
	check_changed(&s, 24, "\x00\x00\x01", 3);               /* exponent 1 */
	secret_free(&s);
	buf_free(&blob);
	EVP_PKEY_free(key);
}

static void
ec_numbers_that_are_no_key_are_refused(void **state)
{
	EVP_PKEY *key = support_ec("P-256");
	struct secret blob = encode(key);
	uint8_t zero[64] = {0}, ones[64], changed[1];

	(void)state;
	memset(ones, 0xff, sizeof ones);
	changed[0] = blob.ptr[8 + 63] ^ 1;
	check_changed(&blob, 8 + 63, changed, 1); /* Y: off the curve */
	check_changed(&blob, 8, zero, 64);        /* X and Y zero */
	check_changed(&blob, 8, ones, 64);        /* not reduced */
	check_changed(&blob, 72, zero, 32);       /* d zero */
	check_changed(&blob, 72, ones, 32);       /* d over the order */
	check_changed(&blob, 4, "\x21\0\0\0", 4); /* cbKey */
	check_changed(&blob, 4, "\xff\xff\xff\xff", 4);
	check_changed(&blob, 0, "ECK4", 4);
	secret_free(&blob);
	EVP_PKEY_free(key);
}

static void
keys_without_a_blob_format_are_refused(void **state)
{
	EVP_PKEY *keys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), support_ec("secp256k1")};
	EVP_PKEY *rsa = support_rsa(1024), *public = NULL;
	struct secret blob = {0};
	struct buf spki = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		must_fail(keyblob_encode(keys[i], &blob, &err), NTE_BAD_ALGID);
		EVP_PKEY_free(keys[i]);
	}
	must(pkix_key_spki(rsa, &spki, &err) && pkix_public_key(buf_view(&spki), &public, &err));
	must_fail(keyblob_encode(public, &blob, &err), NTE_BAD_DATA);
	assert_null(blob.ptr);
	buf_free(&spki);
	EVP_PKEY_free(public);
	EVP_PKEY_free(rsa);
}

/* A stand-in for a key that could not be read: as large, of the same public numbers, decodable, and
 * nobody's. */
static void
stand_in_has_the_shape_of_the_key(void **state)
{
	static const char *const kinds[] = {
	    "rsa1024", "rsa2048", "rsa3072", "rsa1032", "P-256", "P-384", "P-521"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		EVP_PKEY *key = strncmp(kinds[i], "rsa", 3) == 0
				    ? EVP_RSA_gen((unsigned)atoi(kinds[i] + 3))
				    : EVP_EC_gen(kinds[i]);
		struct secret real = encode(key), one, two;
		EVP_PKEY *decoded;

		must(keyblob_can_hold(key, &err));
		must(keyblob_stand_in(key, &one, &err));
		must(keyblob_stand_in(key, &two, &err));
		assert_int_equal(one.len, real.len);
		assert_memory_equal(one.ptr, real.ptr, real.len / 5);
		assert_memory_not_equal(one.ptr, real.ptr, real.len);
		assert_memory_not_equal(one.ptr, two.ptr, real.len);
		must(keyblob_decode(secret_view(&one), &decoded, &err));
		assert_int_equal(EVP_PKEY_eq(decoded, key), 1);
		EVP_PKEY_free(decoded);
		secret_free(&one);
		secret_free(&two);
		secret_free(&real);
		EVP_PKEY_free(key);
	}
}

static void
key_that_no_blob_holds_is_told(void **state)
{
	EVP_PKEY *odd_size = EVP_RSA_gen(1030), *curve = EVP_EC_gen("P-224"),
		 *other = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct err err;

	(void)state;
	assert_false(keyblob_can_hold(odd_size, &err));
	assert_int_equal(err.code, NTE_BAD_ALGID);
	assert_false(keyblob_can_hold(curve, &err));
	assert_false(keyblob_can_hold(other, &err));
	EVP_PKEY_free(odd_size);
	EVP_PKEY_free(curve);
	EVP_PKEY_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stand_in_has_the_shape_of_the_key),
	    cmocka_unit_test(key_that_no_blob_holds_is_told),
	    cmocka_unit_test(rsa_key_comes_back_from_its_blob),
	    cmocka_unit_test(ec_key_comes_back_from_its_blob),
	    cmocka_unit_test(capi_blob_of_2048_bits_has_the_published_offsets),
	    cmocka_unit_test(ecdh_blob_has_the_windows_layout),
	    cmocka_unit_test(format_and_signature_use_are_told_by_the_magic),
	    cmocka_unit_test(other_magics_are_refused),
	    cmocka_unit_test(bcrypt_rsa_blob_gets_its_missing_numbers_computed),
	    cmocka_unit_test(full_private_blob_and_either_header_are_read),
	    cmocka_unit_test(full_private_blob_that_contradicts_itself_is_refused),
	    cmocka_unit_test(blob_of_a_public_key_is_refused_by_name),
	    cmocka_unit_test(blob_cut_at_any_length_or_longer_is_refused),
	    cmocka_unit_test(ec_numbers_in_little_endian_are_read_too),
	    cmocka_unit_test(rsa_numbers_that_make_no_sense_are_refused),
	    cmocka_unit_test(bcrypt_rsa_lengths_that_do_not_fit_are_refused),
	    cmocka_unit_test(ec_numbers_that_are_no_key_are_refused),
	    cmocka_unit_test(keys_without_a_blob_format_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
