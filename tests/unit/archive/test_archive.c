#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "archive_pki.h"
#include "mem.h"
#include "oids.h"

#define KRAS 4

static struct test_cert ca, xchg, other_xchg, ec_xchg, kra[KRAS], ec_kra;
static EVP_PKEY *rsa, *rsa_other, *p256, *p256_other, *p384;

static int
setup(void **state)
{
	struct err err;
	char dn[40];

	(void)state;
	assert_true(secret_heap_init(1 << 18, true, &err));
	assert_true(oids_init(&err));
	rsa = test_key("rsa2048");
	rsa_other = test_key("rsa2048");
	p256 = test_key("P-256");
	p256_other = test_key("P-256");
	p384 = test_key("P-384");
	ca = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	xchg = test_end_entity(&ca, "CN=Test CA-Xchg", test_key("rsa2048"), 2);
	other_xchg = test_end_entity(&ca, "CN=Test CA-Xchg", test_key("rsa2048"), 3);
	ec_xchg = test_end_entity(&ca, "CN=Test CA-Xchg", test_key("P-256"), 4);
	for (uint8_t i = 0; i < KRAS; i++) {
		snprintf(dn, sizeof dn, "CN=kra%d,DC=nwtraders,DC=com", i);
		kra[i] = test_kra(&ca, dn, "rsa2048", (uint8_t)(10 + i));
	}
	ec_kra = test_kra(&ca, "CN=kra-ec,DC=nwtraders,DC=com", "P-256", 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(rsa_other);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p256_other);
	EVP_PKEY_free(p384);
	test_cert_free(&ca);
	test_cert_free(&xchg);
	test_cert_free(&other_xchg);
	test_cert_free(&ec_xchg);
	for (size_t i = 0; i < KRAS; i++)
		test_cert_free(&kra[i]);
	test_cert_free(&ec_kra);
	return 0;
}

/* ---- the proof that two keys belong together ---- */

static void
key_matches_itself(void **state)
{
	struct err err = {0};

	(void)state;
	assert_true(archive_key_matches(rsa, rsa, &err));
	assert_true(archive_key_matches(p256, p256, &err));
	assert_true(archive_key_matches(p384, p384, &err));
}

static void
key_of_another_is_a_mismatch(void **state)
{
	EVP_PKEY *const pairs[][2] = {
	    {rsa, rsa_other}, {p256, p256_other}, {p256, p384}, {rsa, p256}, {p256, rsa}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		err = (struct err){0};
		assert_false(archive_key_matches(pairs[i][0], pairs[i][1], &err));
		assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
		assert_true(strlen(err.msg) > 0);
	}
}

/* `rsa` with one number replaced; delta 0 leaves it. */
static EVP_PKEY *
rsa_with(const char *changed, long delta)
{
	static const char *const names[] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
	    OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
	    OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
	    OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *numbers[8] = {NULL};
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(EVP_PKEY_get_bn_param(rsa, names[i], &numbers[i]), 1);
		if (strcmp(names[i], changed) == 0)
			assert_int_equal(delta < 0 ? BN_sub_word(numbers[i], (BN_ULONG)-delta)
						   : BN_add_word(numbers[i], (BN_ULONG)delta),
			    1);
		assert_int_equal(OSSL_PARAM_BLD_push_BN(build, names[i], numbers[i]), 1);
	}
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
	for (size_t i = 0; i < 8; i++)
		BN_free(numbers[i]);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void
rsa_key_with_one_wrong_number_is_a_mismatch(void **state)
{
	static const struct {
		const char *number;
		long delta;
	} wrong[] = {{OSSL_PKEY_PARAM_RSA_N, 2}, {OSSL_PKEY_PARAM_RSA_N, 1},
	    {OSSL_PKEY_PARAM_RSA_E, 2}, {OSSL_PKEY_PARAM_RSA_D, 2},
	    {OSSL_PKEY_PARAM_RSA_FACTOR1, 2}, {OSSL_PKEY_PARAM_RSA_FACTOR1, 1},
	    {OSSL_PKEY_PARAM_RSA_FACTOR2, -2}, {OSSL_PKEY_PARAM_RSA_EXPONENT1, 2},
	    {OSSL_PKEY_PARAM_RSA_EXPONENT2, 2}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 1}};
	struct err err = {0};
	EVP_PKEY *key = rsa_with("", 0);

	(void)state;
	assert_true(archive_key_matches(key, rsa, &err));
	EVP_PKEY_free(key);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		key = rsa_with(wrong[i].number, wrong[i].delta);
		err = (struct err){0};
		assert_false(archive_key_matches(key, rsa, &err));
		assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
		/* Public numbers of the same wrong key do not help. */
		assert_false(archive_key_matches(key, key, &err));
		EVP_PKEY_free(key);
	}
}

/* Of 1024 bits, a product of two. */
static void
composite(BIGNUM *out, BN_CTX *ctx)
{
	BIGNUM *a = BN_new(), *b = BN_new();

	BN_rand(a, 512, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
	BN_rand(b, 512, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
	BN_mul(out, a, b, ctx);
	BN_free(a);
	BN_free(b);
}

/* Consistent arithmetic over numbers of which one or both are no primes: every relation holds, the
 * round trip does not. */
static void
key_of_composites_mismatches(bool p_is_composite, bool q_is_composite)
{
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new(), *e = BN_new(), *d = BN_new(),
	       *dp = BN_new(), *dq = BN_new(), *qi = BN_new(), *order = BN_new(), *p1 = BN_new(),
	       *q1 = BN_new(), *g = BN_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BN_CTX *bn = BN_CTX_new();
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;
	struct err err = {0};

	assert_int_equal(EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_FACTOR1, &p), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_FACTOR2, &q), 1);
	BN_set_word(e, 65537);
	do {
		if (p_is_composite)
			composite(p, bn);
		if (q_is_composite)
			composite(q, bn);
		BN_sub(p1, p, BN_value_one());
		BN_sub(q1, q, BN_value_one());
		BN_gcd(g, p1, q1, bn);
		BN_mul(order, p1, q1, bn);
		BN_div(order, NULL, order, g, bn);
		BN_mod_inverse(dp, e, p1, bn);
		BN_mod_inverse(dq, e, q1, bn);
	} while (BN_mod_inverse(qi, q, p, bn) == NULL || BN_mod_inverse(d, e, order, bn) == NULL);
	BN_mul(n, p, q, bn);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR1, p);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR2, q);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
	assert_false(archive_key_matches(key, key, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	assert_non_null(strstr(err.msg, "random data"));
	EVP_PKEY_free(key);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_CTX_free(bn);
	for (size_t i = 0; i < 12; i++)
		BN_free((BIGNUM *[]){p, q, n, e, d, dp, dq, qi, order, p1, q1, g}[i]);
}

static void
rsa_key_of_composite_factors_is_a_mismatch(void **state)
{
	(void)state;
	key_of_composites_mismatches(true, true);
	key_of_composites_mismatches(true, false);
	key_of_composites_mismatches(false, true);
}

/* ---- rewrap ---- */

struct rewrap {
	struct buf payload, spki;
	struct view sent, xchg_issuer, xchg_serial;
	struct cms_kra to[KRAS + 1];
	struct archive_rewrap in;
};

static bool
rewrap(const struct rewrap *r, struct buf *archived, struct err *err)
{
	struct archive_rewrap in = r->in;
	struct archive_payload payload;
	bool ok;

	if (!archive_payload_read(
		r->sent, r->xchg_issuer, r->xchg_serial, in.xchg_key, &payload, err))
		return false;
	in.payload = &payload;
	ok = archive_rewrap(&in, archived, err);
	archive_payload_free(&payload);
	return ok;
}

static void
rewrap_init(struct rewrap *r, EVP_PKEY *key)
{
	struct err err;

	*r = (struct rewrap){0};
	test_key_payload(key, &xchg, &r->payload);
	assert_true(pkix_key_spki(key, &r->spki, &err));
	for (size_t i = 0; i < KRAS; i++)
		r->to[i] = test_recipient(&kra[i]);
	r->to[KRAS] = test_recipient(&ec_kra);
	r->sent = buf_view(&r->payload);
	r->xchg_issuer = xchg.cert.issuer;
	r->xchg_serial = xchg.cert.serial;
	r->in = (struct archive_rewrap){.xchg_key = xchg.key,
	    .spki = buf_view(&r->spki),
	    .kras = r->to,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
}

static void
rewrap_free(struct rewrap *r)
{
	buf_free(&r->payload);
	buf_free(&r->spki);
}

static void
assert_opens(const struct buf *archived, const struct test_cert *to, EVP_PKEY *wanted)
{
	struct cms_enveloped e;
	struct secret blob;
	EVP_PKEY *key;
	struct err err;
	size_t i = 0;

	assert_true(cms_sealed_decode(buf_view(archived), &e, &err));
	while (i < e.count && !cms_recipient_is(&e.recipients[i], to->cert.issuer, to->cert.serial))
		i++;
	assert_true(i < e.count);
	assert_true(cms_enveloped_open(&e, i, to->key, &blob, &err));
	assert_true(keyblob_decode(secret_view(&blob), &key, &err));
	assert_int_equal(EVP_PKEY_eq(key, wanted), 1);
	assert_true(archive_key_matches(key, wanted, &err));
	EVP_PKEY_free(key);
	secret_free(&blob);
	cms_enveloped_free(&e);
}

static void
rewrapped_key_opens_for_each_kra(void **state)
{
	EVP_PKEY *const keys[] = {rsa, p256, p384};
	struct buf archived;
	struct rewrap r;
	struct err err = {0};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		rewrap_init(&r, keys[k]);
		for (size_t c = 0; c <= CMS_AES_128_GCM; c++) {
			r.in.kra_count = KRAS + 1;
			r.in.cipher = (enum cms_cipher)c;
			for (size_t t = 0; t < KRAS + 1; t++)
				r.to[t].reader = c % 2 == 1 ? CMS_READER_OAEP : CMS_READER_PKCS1;
			assert_true(rewrap(&r, &archived, &err));
			for (size_t i = 0; i < KRAS; i++)
				assert_opens(&archived, &kra[i], keys[k]);
			assert_opens(&archived, &ec_kra, keys[k]);
			buf_free(&archived);
		}
		rewrap_free(&r);
	}
}

static void
assert_refused(const struct rewrap *r, enum err_code code)
{
	struct buf archived = {0};
	struct err err = {0};

	assert_false(rewrap(r, &archived, &err));
	assert_int_equal(err.code, code);
	assert_null(archived.ptr);
	assert_true(strlen(err.msg) > 0);
}

static void
key_of_another_request_is_refused(void **state)
{
	struct buf spki;
	struct rewrap r;
	struct err err;

	(void)state;
	rewrap_init(&r, rsa);
	assert_true(pkix_key_spki(rsa_other, &spki, &err));
	r.in.spki = buf_view(&spki);
	assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
	buf_free(&spki);
	assert_true(pkix_key_spki(p256, &spki, &err));
	r.in.spki = buf_view(&spki);
	assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
	buf_free(&spki);
	rewrap_free(&r);
}

static void
payload_for_another_recipient_is_refused(void **state)
{
	struct rewrap r;

	(void)state;
	rewrap_init(&r, rsa);
	r.xchg_serial = other_xchg.cert.serial;
	assert_refused(&r, DIRCA_E_XCHG_CERT);
	rewrap_free(&r);
}

/* The name fits, the key does not: as wrong as anything else. */
static void
payload_opened_with_another_key_is_not_archived(void **state)
{
	struct rewrap r;

	(void)state;
	rewrap_init(&r, rsa);
	buf_free(&r.payload);
	test_key_payload(rsa, &ec_xchg, &r.payload);
	r.sent = buf_view(&r.payload);
	r.xchg_issuer = ec_xchg.cert.issuer;
	r.xchg_serial = ec_xchg.cert.serial;
	r.in.xchg_key = p256_other;
	assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
	rewrap_free(&r);
}

/* Ways to be wrong. */
enum wrong { PADDING, MAGIC, NUMBERS, LENGTH, ANOTHERS, SIGNATURE_ONLY, NONE };

static void
seal_wrong(struct rewrap *r, EVP_PKEY *key, EVP_PKEY *other, enum wrong wrong)
{
	struct secret blob;
	struct err err;

	assert_true(keyblob_encode(wrong == ANOTHERS ? other : key, &blob, &err));
	if (wrong == MAGIC)
		blob.ptr[1] ^= 0x40;
	if (wrong == NUMBERS) /* of RSA: n is even, of EC: x is of no point */
		blob.ptr[EVP_PKEY_is_a(key, "RSA") ? 20 : 9] ^= 1;
	if (wrong == LENGTH)
		secret_shrink(&blob, blob.len - 1);
	if (wrong == SIGNATURE_ONLY)
		/* CALG_RSA_KEYX 0xA400 -> CALG_RSA_SIGN 0x2400; ECK. -> ECS. */
		blob.ptr[EVP_PKEY_is_a(key, "RSA") ? 5 : 2] =
		    EVP_PKEY_is_a(key, "RSA") ? 0x24 : 'S';
	buf_free(&r->payload);
	test_payload(secret_view(&blob), &xchg, CMS_AES_256_CBC, &r->payload);
	r->sent = buf_view(&r->payload);
	if (wrong == PADDING)
		r->payload.ptr[r->payload.len - 1] ^= 1;
	secret_free(&blob);
}

/* What clients encrypt with: those of EnvelopedData, whatever the template says, and none but
 * those.
 */
static void
payload_of_each_cipher_is_opened_and_damaged_ones_are_not(void **state)
{
	struct secret blob;
	struct buf archived;
	struct rewrap r;
	struct err err = {0};

	(void)state;
	rewrap_init(&r, rsa);
	assert_true(keyblob_encode(rsa, &blob, &err));
	for (size_t c = 0; c <= CMS_AES_128_GCM; c++) {
		buf_free(&r.payload);
		test_payload(secret_view(&blob), &xchg, (enum cms_cipher)c, &r.payload);
		r.sent = buf_view(&r.payload);
		if (cms_is_gcm((enum cms_cipher)c)) {
			assert_refused(&r, CRYPT_E_INVALID_MSG_TYPE);
			continue;
		}
		assert_true(rewrap(&r, &archived, &err));
		assert_opens(&archived, &kra[0], rsa);
		buf_free(&archived);
		r.payload.ptr[r.payload.len - 40] ^= 1;
		assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
	}
	secret_free(&blob);
	rewrap_free(&r);
}

static void
everything_wrong_inside_has_one_answer(void **state)
{
	EVP_PKEY *const keys[][2] = {
	    {rsa, rsa_other}, {p256, p256_other}, {p384, p256}, {rsa, p256}};
	struct buf archived = {0};
	struct rewrap r;
	struct err err;

	(void)state;
	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		rewrap_init(&r, keys[k][0]);
		for (int wrong = PADDING; wrong <= NONE; wrong++) {
			err = (struct err){0};
			seal_wrong(&r, keys[k][0], keys[k][1], (enum wrong)wrong);
			assert_int_equal(rewrap(&r, &archived, &err), wrong == NONE);
			if (wrong == NONE)
				break;
			assert_int_equal(err.code, DIRCA_E_KEY_NOT_ARCHIVED);
			assert_string_equal(err.msg, "the key could not be archived");
			assert_null(archived.ptr);
		}
		buf_free(&archived);
		rewrap_free(&r);
	}
}

static void
seal_pkcs8(struct rewrap *r, EVP_PKEY *key, bool damaged)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	assert_true(len > 40);
	if (damaged)
		der[len / 2] ^= 1;
	buf_free(&r->payload);
	test_payload(view_of(der, (size_t)len), &xchg, CMS_AES_256_CBC, &r->payload);
	r->sent = buf_view(&r->payload);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
}

/* Agents find a blob (assert_opens reads nothing else). What is wrong with it is the one answer,
 * and so is all of it where root does not say yes. */
static void
pkcs8_is_archived_as_a_blob_where_root_says_so(void **state)
{
	EVP_PKEY *const keys[][2] = {{rsa, rsa_other}, {p256, p256_other}, {p384, p256}};
	struct buf archived;
	struct rewrap r;
	struct err err;

	(void)state;
	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		rewrap_init(&r, keys[k][0]);
		seal_pkcs8(&r, keys[k][0], false);
		assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
		r.in.pkcs8 = true;
		assert_true(rewrap(&r, &archived, &err));
		assert_opens(&archived, &kra[0], keys[k][0]);
		buf_free(&archived);
		seal_pkcs8(&r, keys[k][0], true);
		assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
		seal_pkcs8(&r, keys[k][1], false);
		assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
		for (int wrong = PADDING; wrong <= NONE; wrong++) {
			seal_wrong(&r, keys[k][0], keys[k][1], (enum wrong)wrong);
			if (wrong != NONE)
				assert_refused(&r, DIRCA_E_KEY_NOT_ARCHIVED);
		}
		assert_true(rewrap(&r, &archived, &err));
		buf_free(&archived);
		rewrap_free(&r);
	}
}

/* Each bit of the encrypted content, the encrypted key and what is named beside it: none is told
 * apart. */
static void
damage_anywhere_after_the_recipient_has_one_answer(void **state)
{
	const struct test_cert *const to[] = {&xchg, &ec_xchg};
	struct buf archived = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cms_enveloped e;
		struct rewrap r;
		size_t from;

		rewrap_init(&r, p256);
		buf_free(&r.payload);
		test_key_payload(p256, to[i], &r.payload);
		r.in.xchg_key = to[i]->key;
		r.xchg_issuer = to[i]->cert.issuer;
		r.xchg_serial = to[i]->cert.serial;
		assert_true(cms_enveloped_decode(buf_view(&r.payload), &e, &err));
		from = (size_t)((const uint8_t *)memmem(r.payload.ptr, r.payload.len,
				    e.recipients[0].raw.ptr, e.recipients[0].raw.len) -
				r.payload.ptr) +
		       e.recipients[0].raw.len;
		for (size_t at = from - 24; at < r.payload.len; at += at < from ? 1 : 7) {
			r.payload.ptr[at] ^= 1;
			r.sent = buf_view(&r.payload);
			err = (struct err){0};
			/* The type of the content says nothing that would be believed. */
			if (rewrap(&r, &archived, &err))
				buf_free(&archived);
			else if (err.code != ERROR_INVALID_DATA && err.code != NTE_BAD_ALGID)
				assert_int_equal(err.code, DIRCA_E_KEY_NOT_ARCHIVED);
			r.payload.ptr[at] ^= 1;
		}
		r.sent = buf_view(&r.payload);
		assert_true(rewrap(&r, &archived, &err));
		buf_free(&archived);
		cms_enveloped_free(&e);
		rewrap_free(&r);
	}
}

/* A public key that no blob is for is refused before anything is opened. */
static void
public_key_that_cannot_be_archived_is_refused(void **state)
{
	EVP_PKEY *odd_size = test_key("rsa1030");
	struct rewrap r;
	struct buf spki;
	struct err err;

	(void)state;
	rewrap_init(&r, rsa);
	assert_true(pkix_key_spki(odd_size, &spki, &err));
	r.in.spki = buf_view(&spki);
	assert_refused(&r, NTE_BAD_ALGID);
	buf_free(&spki);
	EVP_PKEY_free(odd_size);
	rewrap_free(&r);
}

static void
truncated_payload_is_refused_at_every_length(void **state)
{
	struct buf archived = {0}, longer = {0};
	struct err err;
	struct rewrap r;

	(void)state;
	rewrap_init(&r, p256);
	for (size_t len = 0; len < r.payload.len; len++) {
		r.sent = view_of(r.payload.ptr, len);
		assert_false(rewrap(&r, &archived, &err));
		assert_null(archived.ptr);
	}
	assert_true(buf_dup(buf_view(&r.payload), &longer, &err) &&
		    buf_append(&longer, view_of("", 1), &err));
	r.sent = buf_view(&longer);
	assert_false(rewrap(&r, &archived, &err));
	buf_free(&longer);
	rewrap_free(&r);
}

static void
no_kra_or_the_same_twice_is_refused(void **state)
{
	struct rewrap r;

	(void)state;
	rewrap_init(&r, rsa);
	r.in.kra_count = 0;
	assert_refused(&r, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	r.in.kra_count = 3;
	r.to[2] = r.to[0];
	assert_refused(&r, E_INVALIDARG);
	rewrap_free(&r);
}

/* ---- which certificates are KRAs ---- */

static void
kra_certificate_is_judged_by_usage_time_and_issuer(void **state)
{
	const struct {
		const char *rule;
		const char *usage, *eku, *key;
		int64_t now;
		bool wrong_issuer, valid;
		const char *reason;
	} rows[] = {
	    {"rsa", "critical,keyEncipherment", KRA_EKU, "rsa2048", TEST_NOW, false, true, NULL},
	    {"several usages", "keyEncipherment,digitalSignature", KRA_EKU ",clientAuth", "rsa2048",
		TEST_NOW, false, true, NULL},
	    {"ec", "critical,keyAgreement", KRA_EKU, "P-256", TEST_NOW, false, true, NULL},
	    {"rsa agreement", "critical,keyAgreement", KRA_EKU, "rsa2048", TEST_NOW, false, false,
		"key encipherment"},
	    {"ec encipherment", "critical,keyEncipherment", KRA_EKU, "P-256", TEST_NOW, false,
		false, "key agreement"},
	    {"signature", "critical,digitalSignature", KRA_EKU, "rsa2048", TEST_NOW, false, false,
		"key encipherment"},
	    {"no usage", NULL, KRA_EKU, "rsa2048", TEST_NOW, false, false, "no key usage"},
	    {"no eku", "critical,keyEncipherment", NULL, "rsa2048", TEST_NOW, false, false,
		"1.3.6.1.4.1.311.21.6"},
	    {"exchange eku", "critical,keyEncipherment", "1.3.6.1.4.1.311.21.5", "rsa2048",
		TEST_NOW, false, false, "1.3.6.1.4.1.311.21.6"},
	    {"any eku", "critical,keyEncipherment", "anyExtendedKeyUsage", "rsa2048", TEST_NOW,
		false, false, "1.3.6.1.4.1.311.21.6"},
	    {"expired", "critical,keyEncipherment", KRA_EKU, "rsa2048", TEST_NOW + 11 * TEST_DAY,
		false, false, "expired"},
	    {"early", "critical,keyEncipherment", KRA_EKU, "rsa2048", TEST_NOW - 11 * TEST_DAY,
		false, false, "not valid yet"},
	    {"first second", "critical,keyEncipherment", KRA_EKU, "rsa2048",
		TEST_NOW - 10 * TEST_DAY, false, true, NULL},
	    {"last second", "critical,keyEncipherment", KRA_EKU, "rsa2048",
		TEST_NOW + 10 * TEST_DAY, false, true, NULL},
	    {"stranger", "critical,keyEncipherment", KRA_EKU, "rsa2048", TEST_NOW, true, false,
		"issuers"},
	};
	struct test_cert same_name = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	const struct pkix_cert *const right[] = {&same_name.cert, &ca.cert}, *const wrong[] = {
										 &same_name.cert,
										 &xchg.cert};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct test_cert c =
		    test_issue(&(struct test_issue){.dn = "CN=kra1,DC=nwtraders,DC=com",
			.key = test_key(rows[i].key),
			.issuer = &ca,
			.usage = rows[i].usage,
			.eku = rows[i].eku,
			.serial = 0x61,
			.not_before = TEST_NOW - 10 * TEST_DAY,
			.not_after = TEST_NOW + 10 * TEST_DAY});
		struct err err = {0};

		enum kra_status status =
		    kra_check(&c.cert, rows[i].wrong_issuer ? wrong : right, 2, rows[i].now, &err);

		if ((status == KRA_VALID) != rows[i].valid)
			fail_msg("%s: %s", rows[i].rule, err.msg);
		if (rows[i].now > TEST_NOW + 10 * TEST_DAY)
			assert_int_equal(status, KRA_EXPIRED);
		else if (rows[i].now < TEST_NOW - 10 * TEST_DAY)
			assert_int_equal(status, KRA_NOT_YET_VALID);
		else if (!rows[i].valid)
			assert_int_equal(
			    status, rows[i].wrong_issuer ? KRA_UNTRUSTED : KRA_INVALID);
		if (!rows[i].valid) {
			assert_int_equal(err.code, CERTSRV_E_NO_VALID_KRA);
			assert_non_null(strstr(err.msg, "kra1"));
			assert_non_null(strstr(err.msg, "61"));
			assert_non_null(strstr(err.msg, rows[i].reason));
		}
		test_cert_free(&c);
	}
	test_cert_free(&same_name);
}

static void
kra_certificate_with_a_broken_signature_is_refused(void **state)
{
	const struct pkix_cert *const issuers[] = {&ca.cert};
	struct pkix_cert broken;
	struct buf der;
	struct err err = {0};

	(void)state;
	assert_true(kra_validate(&kra[0].cert, issuers, 1, TEST_NOW, &err));
	assert_true(buf_dup(buf_view(&kra[0].der), &der, &err));
	der.ptr[der.len - 1] ^= 1;
	assert_true(pkix_cert_decode(buf_view(&der), &broken, &err));
	assert_false(kra_validate(&broken, issuers, 1, TEST_NOW, &err));
	assert_int_equal(err.code, CERTSRV_E_NO_VALID_KRA);
	assert_false(kra_validate(&kra[0].cert, issuers, 0, TEST_NOW, &err));
	pkix_cert_free(&broken);
	buf_free(&der);
}

#define UPN(name) "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" name "@nwtraders.com"

static struct test_cert
agent(const char *dn, const char *san, EVP_PKEY *key)
{
	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	return test_issue(&(struct test_issue){.dn = dn,
	    .key = key,
	    .issuer = &ca,
	    .usage = "critical,keyAgreement",
	    .eku = KRA_EKU,
	    .san = san,
	    .serial = 0x62,
	    .not_before = TEST_NOW - TEST_DAY,
	    .not_after = TEST_NOW + TEST_DAY});
}

static void
agents_are_told_apart_by_key_and_holder(void **state)
{
	const struct {
		const char *dn, *san;
		EVP_PKEY *key;
		bool same, same_holder; /* as kra1 with the key p256 */
	} rows[] = {
	    {"CN=kra2,DC=com", UPN("kra2"), p256_other, false, false},
	    {"CN=kra2,DC=com", UPN("kra2"), p256, true, true},
	    {"CN=kra1,DC=com", UPN("kra2"), p256_other, false, true},
	    {"CN=renamed,DC=com", UPN("KRA1"), p256_other, false, true},
	    {"CN=kra2,DC=com", NULL, p256_other, false, false},
	    {"CN=Kra1,DC=COM", UPN("kra2"), p256_other, false, true},
	};
	struct test_cert kra1 = agent("CN=kra1,DC=com", UPN("kra1"), p256);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct test_cert c = agent(rows[i].dn, rows[i].san, rows[i].key);

		assert_int_equal(kra_same_agent(&kra1.cert, &c.cert, false), rows[i].same);
		assert_int_equal(kra_same_agent(&c.cert, &kra1.cert, true), rows[i].same_holder);
		test_cert_free(&c);
	}
	test_cert_free(&kra1);
}

#define RSA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
/* Head and first octets of a number of 1032 bits. */
#define MODULUS "\x02\x81\x82\x00\xc0"

/* One modulus: with and without parameters, with another exponent, and in BER. */
static void
agent_is_one_however_his_key_is_written(void **state)
{
#define KEY(head, modulus, tail, same)                                                             \
	{                                                                                          \
		head, modulus, tail, sizeof(head) - 1, sizeof(modulus) - 1, sizeof(tail) - 1, same \
	}
	static const struct {
		const char *head, *modulus, *tail;
		size_t head_len, modulus_len, tail_len;
		bool same;
	} keys[] = {
	    KEY("\x30\x81\xa0\x30\x0d" RSA "\x05\x00\x03\x81\x8e\x00\x30\x81\x8a", MODULUS,
		"\x02\x03\x01\x00\x01", true),
	    KEY("\x30\x81\x9e\x30\x0b" RSA "\x03\x81\x8e\x00\x30\x81\x8a", MODULUS,
		"\x02\x03\x01\x00\x01", true),
	    KEY("\x30\x81\x9e\x30\x0d" RSA "\x05\x00\x03\x81\x8c\x00\x30\x81\x88", MODULUS,
		"\x02\x01\x03", true),
	    KEY("\x30\x81\xa1\x30\x0d" RSA "\x05\x00\x03\x81\x8f\x00\x30\x82\x00\x8a", MODULUS,
		"\x02\x03\x01\x00\x01", true),
	    KEY("\x30\x81\xa0\x30\x0d" RSA "\x05\x00\x03\x81\x8e\x00\x30\x81\x8a",
		"\x02\x81\x82\x00\xc1", "\x02\x03\x01\x00\x01", false),
	};
	struct pkix_cert certs[COUNT_OF(keys)] = {0};
	struct buf spki[COUNT_OF(keys)] = {0};
	uint8_t rest[0x80];
	struct err err;

	(void)state;
	memset(rest, 0xa5, sizeof rest);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		assert_true(
		    buf_append(&spki[i], view_of(keys[i].head, keys[i].head_len), &err) &&
		    buf_append(&spki[i], view_of(keys[i].modulus, keys[i].modulus_len), &err) &&
		    buf_append(&spki[i], view_of(rest, sizeof rest), &err) &&
		    buf_append(&spki[i], view_of(keys[i].tail, keys[i].tail_len), &err));
		certs[i].spki = buf_view(&spki[i]);
		assert_int_equal(kra_same_agent(&certs[0], &certs[i], false), keys[i].same);
		assert_int_equal(kra_same_agent(&certs[i], &certs[0], false), keys[i].same);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		buf_free(&spki[i]);
}

static void
two_of_four_kras_are_used_in_turn(void **state)
{
	struct kra_ring ring;
	size_t used[4] = {0}, picks[4];
	struct err err;

	(void)state;
	assert_true(kra_ring_init(&ring, &err));
	for (int i = 0; i < 100; i++) {
		kra_ring_pick(&ring, 4, 2, picks);
		assert_int_equal(picks[1], (picks[0] + 1) % 4);
		used[picks[0]]++;
		used[picks[1]]++;
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(used[i], 50);
	kra_ring_pick(&ring, 3, 3, picks);
	assert_int_equal(picks[0] + picks[1] + picks[2], 3);
	kra_ring_pick(&ring, 1, 1, picks);
	assert_int_equal(picks[0], 0);
}

static void
first_kra_is_chosen_at_random(void **state)
{
	bool seen[4] = {false};
	struct kra_ring ring;
	size_t pick;
	struct err err;

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_true(kra_ring_init(&ring, &err));
		kra_ring_pick(&ring, 4, 1, &pick);
		assert_true(pick < 4);
		seen[pick] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_matches_itself),
	    cmocka_unit_test(key_of_another_is_a_mismatch),
	    cmocka_unit_test(rsa_key_with_one_wrong_number_is_a_mismatch),
	    cmocka_unit_test(rsa_key_of_composite_factors_is_a_mismatch),
	    cmocka_unit_test(rewrapped_key_opens_for_each_kra),
	    cmocka_unit_test(key_of_another_request_is_refused),
	    cmocka_unit_test(payload_for_another_recipient_is_refused),
	    cmocka_unit_test(payload_opened_with_another_key_is_not_archived),
	    cmocka_unit_test(payload_of_each_cipher_is_opened_and_damaged_ones_are_not),
	    cmocka_unit_test(everything_wrong_inside_has_one_answer),
	    cmocka_unit_test(pkcs8_is_archived_as_a_blob_where_root_says_so),
	    cmocka_unit_test(damage_anywhere_after_the_recipient_has_one_answer),
	    cmocka_unit_test(public_key_that_cannot_be_archived_is_refused),
	    cmocka_unit_test(truncated_payload_is_refused_at_every_length),
	    cmocka_unit_test(no_kra_or_the_same_twice_is_refused),
	    cmocka_unit_test(kra_certificate_is_judged_by_usage_time_and_issuer),
	    cmocka_unit_test(kra_certificate_with_a_broken_signature_is_refused),
	    cmocka_unit_test(agents_are_told_apart_by_key_and_holder),
	    cmocka_unit_test(agent_is_one_however_his_key_is_written),
	    cmocka_unit_test(two_of_four_kras_are_used_in_turn),
	    cmocka_unit_test(first_kra_is_chosen_at_random),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
