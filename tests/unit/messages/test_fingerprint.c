/* The fingerprint of an encrypted content key: all ways to write one key are one, and two keys are
 * two. */
#include "cms_support.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "cms_asn1.h"

static struct identity rsa, p256, p521;

static struct cms_enveloped
sealed_to(const struct identity *to)
{
	struct cms_kra r = as_recipient(to);
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	must(cms_enveloped_seal(view_str("content"), &r, 1, CMS_AES_256_CBC, &der, &err), &err);
	must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
	buf_free(&der);
	return e;
}

static void
fingerprint(const struct cms_enveloped *e, const struct identity *of, uint8_t out[32])
{
	struct err err;

	must(cms_recipient_fingerprint(e, 0, of->key, out, &err), &err);
}

static void
assert_opens(const struct cms_enveloped *e, const struct identity *with, bool opens)
{
	struct secret plain;
	struct err err;

	assert_int_equal(cms_enveloped_open(e, 0, with->key, &plain, &err), opens);
	secret_free(&plain);
}

static void
assert_refused(const struct cms_enveloped *e, const struct identity *of, enum err_code code)
{
	uint8_t out[32];
	struct err err;

	must_fail(cms_recipient_fingerprint(e, 0, of->key, out, &err), &err, code);
}

static void
each_message_has_its_own(void **state)
{
	const struct identity *const to[] = {&rsa, &p256, &p521};
	uint8_t a[32], b[32];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct cms_enveloped one = sealed_to(to[i]), two = sealed_to(to[i]);

		fingerprint(&one, to[i], a);
		fingerprint(&two, to[i], b);
		assert_memory_not_equal(a, b, 32);
		fingerprint(&one, to[i], b);
		assert_memory_equal(a, b, 32);
		cms_enveloped_free(&one);
		cms_enveloped_free(&two);
	}
}

static void
rsa_ciphertext_in_another_form_is_refused(void **state)
{
	struct cms_enveloped e = sealed_to(&rsa);
	ASN1_OCTET_STRING *c = e.recipients[0].wire->d.trans->encrypted_key;
	BIGNUM *n = NULL, *number = BN_bin2bn(c->data, c->length, NULL);
	uint8_t longer[257] = {0}, out[32];
	struct buf der;
	struct err err;

	(void)state;
	fingerprint(&e, &rsa, out);
	memcpy(longer + 1, c->data, 256);
	assert_int_equal(ASN1_STRING_set(c, longer, 257), 1); /* a leading zero */
	assert_refused(&e, &rsa, ERROR_INVALID_DATA);
	assert_int_equal(ASN1_STRING_set(c, longer + 1, 255), 1);
	assert_refused(&e, &rsa, ERROR_INVALID_DATA);
	assert_int_equal(EVP_PKEY_get_bn_param(rsa.key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_int_equal(BN_add(number, number, n), 1); /* c + n */
	must(buf_alloc((size_t)BN_num_bytes(number), &der, &err), &err);
	BN_bn2bin(number, der.ptr);
	assert_int_equal(ASN1_STRING_set(c, der.ptr, (int)der.len), 1);
	assert_refused(&e, &rsa, ERROR_INVALID_DATA);
	BN_bn2bin(n, der.ptr);
	assert_int_equal(ASN1_STRING_set(c, der.ptr, 256), 1); /* n itself */
	assert_refused(&e, &rsa, ERROR_INVALID_DATA);
	BN_free(n);
	BN_free(number);
	buf_free(&der);
	cms_enveloped_free(&e);
}

static void
padding_that_is_named_beside_a_ciphertext_does_not_count(void **state)
{
	struct cms_enveloped e = sealed_to(&rsa);
	uint8_t before[32], after[32];

	(void)state;
	fingerprint(&e, &rsa, before);
	assert_int_equal(X509_ALGOR_set0(e.recipients[0].wire->d.trans->key_alg,
			     OBJ_nid2obj(NID_rsaesOaep), V_ASN1_UNDEF, NULL),
	    1);
	fingerprint(&e, &rsa, after);
	assert_memory_equal(before, after, 32);
	cms_enveloped_free(&e);
}

/* The ephemeral point in another form, or its negative: it opens as before, and is the same. */
static void
point_in_another_form_is_the_same(void **state)
{
	static const point_conversion_form_t forms[] = {
	    POINT_CONVERSION_COMPRESSED, POINT_CONVERSION_UNCOMPRESSED};
	const struct identity *const to[] = {&p256, &p521};
	const int curves[] = {NID_X9_62_prime256v1, NID_secp521r1};

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct cms_enveloped e = sealed_to(to[i % 2]);
		ASN1_BIT_STRING *bits = e.recipients[0].wire->d.agree->originator->d.key->key;
		EC_GROUP *group = EC_GROUP_new_by_curve_name(curves[i % 2]);
		EC_POINT *point = EC_POINT_new(group);
		uint8_t before[32], after[32], octets[200];
		size_t len;

		fingerprint(&e, to[i % 2], before);
		assert_int_equal(
		    EC_POINT_oct2point(group, point, bits->data, (size_t)bits->length, NULL), 1);
		if (i / 4 == 1)
			assert_int_equal(EC_POINT_invert(group, point, NULL), 1);
		len =
		    EC_POINT_point2oct(group, point, forms[i / 2 % 2], octets, sizeof octets, NULL);
		assert_int_equal(ASN1_STRING_set(bits, octets, (int)len), 1);
		assert_opens(&e, to[i % 2], true);
		fingerprint(&e, to[i % 2], after);
		assert_memory_equal(before, after, 32);
		EC_POINT_free(point);
		EC_GROUP_free(group);
		cms_enveloped_free(&e);
	}
}

static void
point_in_a_form_of_no_standard_is_refused(void **state)
{
	struct cms_enveloped e = sealed_to(&p256);
	ASN1_BIT_STRING *bits = e.recipients[0].wire->d.agree->originator->d.key->key;
	uint8_t odd = bits->data[bits->length - 1] & 1;

	(void)state;
	bits->data[0] = (uint8_t)(6 | odd); /* hybrid: OpenSSL would take it */
	assert_refused(&e, &p256, ERROR_INVALID_DATA);
	bits->data[0] = 2; /* compressed, and too long */
	assert_refused(&e, &p256, ERROR_INVALID_DATA);
	assert_int_equal(ASN1_STRING_set(bits, "", 0), 1);
	assert_refused(&e, &p256, ERROR_INVALID_DATA);
	cms_enveloped_free(&e);
}

static void
another_wrapped_key_under_the_same_point_is_the_same(void **state)
{
	struct cms_enveloped e = sealed_to(&p256);
	uint8_t before[32], after[32];

	(void)state;
	fingerprint(&e, &p256, before);
	sk_CMSW_AGREED_KEY_value(e.recipients[0].wire->d.agree->keys, 0)->encrypted_key->data[0] ^=
	    1;
	fingerprint(&e, &p256, after);
	assert_memory_equal(before, after, 32);
	assert_opens(&e, &p256, false);
	cms_enveloped_free(&e);
}

static void
key_of_another_kind_is_refused(void **state)
{
	struct cms_enveloped to_rsa = sealed_to(&rsa), to_ec = sealed_to(&p256);
	uint8_t out[32];
	struct err err;

	(void)state;
	assert_refused(&to_rsa, &p256, NTE_BAD_ALGID);
	assert_refused(&to_ec, &rsa, NTE_BAD_ALGID);
	assert_refused(&to_ec, &p521, ERROR_INVALID_DATA);
	must_fail(cms_recipient_fingerprint(&to_rsa, 1, rsa.key, out, &err), &err, NTE_BAD_ALGID);
	cms_enveloped_free(&to_rsa);
	cms_enveloped_free(&to_ec);
}

static int
setup(void **state)
{
	if (messages_setup(state) != 0)
		return -1;
	identity_new("RSA", 1, &rsa);
	identity_new("P-256", 2, &p256);
	identity_new("P-521", 3, &p521);
	return 0;
}

static int
teardown(void **state)
{
	identity_free(&rsa);
	identity_free(&p256);
	identity_free(&p521);
	return messages_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_message_has_its_own),
	    cmocka_unit_test(rsa_ciphertext_in_another_form_is_refused),
	    cmocka_unit_test(padding_that_is_named_beside_a_ciphertext_does_not_count),
	    cmocka_unit_test(point_in_another_form_is_the_same),
	    cmocka_unit_test(point_in_a_form_of_no_standard_is_refused),
	    cmocka_unit_test(another_wrapped_key_under_the_same_point_is_the_same),
	    cmocka_unit_test(key_of_another_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
