/* PKCS#8 into private key blobs: the same octets that keyblob_encode writes, and what is no key. */
#include "messages_support.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include "keyblob.h"

static const char *const kinds[] = {
    "rsa1024", "rsa1032", "rsa2048", "rsa3072", "P-256", "P-384", "P-521"};
#define KINDS (sizeof kinds / sizeof kinds[0])
static EVP_PKEY *keys[KINDS];

static EVP_PKEY *
make(const char *kind)
{
	return strncmp(kind, "rsa", 3) == 0 ? EVP_RSA_gen((unsigned)atoi(kind + 3))
					    : EVP_EC_gen(kind);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		if ((keys[i] = make(kinds[i])) == NULL)
			return -1;
	return secret_heap_init(1 << 18, true, &err) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		EVP_PKEY_free(keys[i]);
	return 0;
}

/* With the attribute keyUsage as Windows writes it, if `usage` is not 0. */
static struct buf
pkcs8_of(EVP_PKEY *key, uint8_t usage)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	struct buf der = {0};
	struct err err;
	unsigned char *p = NULL;
	int len;

	if (usage != 0) {
		ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
		X509_ATTRIBUTE *attribute;

		assert_int_equal(ASN1_BIT_STRING_set(bits, &usage, 1), 1);
		attribute = X509_ATTRIBUTE_create(NID_key_usage, V_ASN1_BIT_STRING, bits);
		assert_int_equal(PKCS8_pkey_add1_attr(info, attribute), 1);
		X509_ATTRIBUTE_free(attribute);
	}
	len = i2d_PKCS8_PRIV_KEY_INFO(info, &p);
	assert_true(len > 0 && buf_append(&der, view_of(p, (size_t)len), &err));
	OPENSSL_free(p);
	PKCS8_PRIV_KEY_INFO_free(info);
	return der;
}

static void
assert_becomes_the_blob(const struct buf *der, EVP_PKEY *key)
{
	struct secret blob, wanted;
	struct err err;

	assert_true(keyblob_is_pkcs8(buf_view(der)));
	must(keyblob_from_pkcs8(buf_view(der), key, &blob, &err));
	must(keyblob_encode(key, &wanted, &err));
	assert_true(view_eq(secret_view(&blob), secret_view(&wanted)));
	assert_false(keyblob_is_pkcs8(secret_view(&blob)));
	secret_free(&blob);
	secret_free(&wanted);
}

static void
assert_is_none(struct view der, EVP_PKEY *pub, enum err_code code)
{
	struct secret blob;
	struct err err;

	must_fail(keyblob_from_pkcs8(der, pub, &blob, &err), code);
	assert_null(blob.ptr);
}

static void
key_becomes_the_blob_that_is_written_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct buf der = pkcs8_of(keys[i], 0);

		assert_becomes_the_blob(&der, keys[i]);
		buf_free(&der);
	}
}

static void
key_on_a_curve_need_not_name_its_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		EVP_PKEY *without = EVP_PKEY_dup(keys[i]);
		struct buf der;

		if (EVP_PKEY_is_a(keys[i], "EC"))
			assert_int_equal(
			    EVP_PKEY_set_int_param(without, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 0),
			    1);
		der = pkcs8_of(without, 0);
		assert_becomes_the_blob(&der, keys[i]);
		buf_free(&der);
		EVP_PKEY_free(without);
	}
}

static void
point_or_curve_of_another_key_is_refused(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	struct buf der = pkcs8_of(other, 0);

	(void)state;
	assert_becomes_the_blob(&der, other);
	assert_is_none(buf_view(&der), keys[4], NTE_BAD_DATA); /* another point */
	assert_is_none(buf_view(&der), keys[5], NTE_BAD_DATA); /* another curve */
	assert_is_none(buf_view(&der), keys[0], NTE_BAD_DATA); /* RSA */
	buf_free(&der);
	EVP_PKEY_free(other);
}

/* 0x80: digitalSignature, 0x10: dataEncipherment. */
static void
key_that_only_signs_becomes_the_blob_of_one(void **state)
{
	static const struct {
		uint8_t usage;
		bool signs;
	} rows[] = {
	    {0x80, true}, {0xC0, true}, {0x10, false}, {0x20, false}, {0x08, false}, {0xA0, false}};
	enum keyblob_format format;
	bool signature_only;
	struct secret blob;
	struct err err;

	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
			struct buf der = pkcs8_of(keys[i], rows[k].usage);

			must(keyblob_from_pkcs8(buf_view(&der), keys[i], &blob, &err));
			must(keyblob_format(secret_view(&blob), &format, &signature_only, &err));
			assert_int_equal(signature_only, rows[k].signs);
			secret_free(&blob);
			buf_free(&der);
		}
}

static void
key_cut_at_any_length_or_longer_is_refused(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct buf der = pkcs8_of(keys[i], 0x10);

		for (size_t len = 0; len < der.len; len++)
			assert_is_none(view_of(der.ptr, len), keys[i], NTE_BAD_DATA);
		assert_true(buf_append(&der, view_of("", 1), &err));
		assert_is_none(buf_view(&der), keys[i], NTE_BAD_DATA);
		buf_free(&der);
	}
}

/* Each octet changed: refused, or a blob that differs or belongs to the same numbers; never read
 * past its end (the sanitizers watch). */
static void
changed_octet_is_survived(void **state)
{
	struct secret blob;
	struct err err;

	(void)state;
	for (size_t i = 0; i < KINDS; i += 4) {
		struct buf der = pkcs8_of(keys[i], 0x10);

		for (size_t at = 0; at < der.len; at++)
			for (int bit = 0; bit < 8; bit++) {
				der.ptr[at] ^= (uint8_t)(1 << bit);
				if (keyblob_from_pkcs8(buf_view(&der), keys[i], &blob, &err))
					secret_free(&blob);
				der.ptr[at] ^= (uint8_t)(1 << bit);
			}
		buf_free(&der);
	}
}

static void
other_algorithms_and_versions_are_refused(void **state)
{
	static const char *const others[] = {"ED25519", "X25519", "RSA-PSS"};
	struct buf der;

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, others[i], NULL);
		EVP_PKEY *key = NULL;

		assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
		assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
		EVP_PKEY_CTX_free(ctx);
		der = pkcs8_of(key, 0);
		assert_is_none(buf_view(&der), keys[2], NTE_BAD_ALGID);
		buf_free(&der);
		EVP_PKEY_free(key);
	}
	der = pkcs8_of(keys[2], 0);
	assert_int_equal(der.ptr[4], 0x02); /* 30 82 .. .. 02 01 00 */
	der.ptr[6] = 1;
	assert_is_none(buf_view(&der), keys[2], NTE_BAD_DATA);
	buf_free(&der);
	der = pkcs8_of(keys[0], 0);
	assert_is_none(view_of(der.ptr + 26, der.len - 26), keys[0], NTE_BAD_DATA); /* PKCS#1 */
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_becomes_the_blob_that_is_written_of_it),
	    cmocka_unit_test(key_on_a_curve_need_not_name_its_point),
	    cmocka_unit_test(point_or_curve_of_another_key_is_refused),
	    cmocka_unit_test(key_that_only_signs_becomes_the_blob_of_one),
	    cmocka_unit_test(key_cut_at_any_length_or_longer_is_refused),
	    cmocka_unit_test(changed_octet_is_survived),
	    cmocka_unit_test(other_algorithms_and_versions_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
