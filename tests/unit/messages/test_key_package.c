/* How a new private key travels to its holder: what is chosen of what he can read, and the package.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/objects.h>

#include "key_package.h"
#include "own_openssl.h"

static struct buf
capabilities(const int *nids)
{
	X509_ALGORS *list = sk_X509_ALGOR_new_null();
	unsigned char *der = NULL;
	struct buf out;
	struct err err;
	int len;

	for (; *nids != NID_undef; nids++) {
		X509_ALGOR *alg = X509_ALGOR_new();

		assert_int_equal(X509_ALGOR_set0(alg, OBJ_nid2obj(*nids), V_ASN1_UNDEF, NULL), 1);
		assert_true(sk_X509_ALGOR_push(list, alg) > 0);
	}
	assert_true((len = i2d_X509_ALGORS(list, &der)) > 0);
	assert_true(buf_take_openssl(der, len, &out, &err));
	sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
	return out;
}

static void
best_of_what_is_named_is_chosen(void **state)
{
	static const struct {
		int nids[4];
		enum cms_cipher cipher;
		bool oaep;
	} rows[] = {
	    {{0}, CMS_AES_256_CBC, true},
	    {{NID_aes_128_cbc, NID_aes_256_cbc}, CMS_AES_256_CBC, true},
	    {{NID_aes_128_cbc, NID_aes_192_cbc, NID_des_ede3_cbc}, CMS_AES_192_CBC, true},
	    {{NID_rc2_cbc, NID_aes_128_cbc}, CMS_AES_128_CBC, true},
	    {{NID_id_aes256_wrap, NID_sha256}, CMS_AES_256_CBC, true},
	    {{NID_rsaEncryption}, CMS_AES_256_CBC, false},
	    {{NID_rsaEncryption, NID_rsaesOaep, NID_aes_128_cbc}, CMS_AES_128_CBC, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf der = capabilities(rows[i].nids);
		struct key_transport how;
		struct err err;

		assert_true(key_transport_choose(buf_view(&der), &how, &err));
		assert_int_equal(how.cipher, rows[i].cipher);
		assert_int_equal(how.oaep, rows[i].oaep);
		buf_free(&der);
	}
}

static void
silence_is_the_best(void **state)
{
	struct key_transport how;
	struct err err;

	(void)state;
	assert_true(key_transport_choose((struct view){0}, &how, &err));
	assert_int_equal(how.cipher, CMS_AES_256_CBC);
	assert_true(how.oaep);
}

static void
other_ciphers_alone_are_refused(void **state)
{
	static const int nids[][2] = {
	    {NID_des_ede3_cbc}, {NID_rc2_cbc}, {NID_aes_256_gcm}, {NID_aes_128_gcm}};

	(void)state;
	for (size_t i = 0; i < sizeof nids / sizeof nids[0]; i++) {
		struct buf der = capabilities(nids[i]);
		struct key_transport how;
		struct err err;

		assert_false(key_transport_choose(buf_view(&der), &how, &err));
		assert_int_equal(err.code, NTE_BAD_ALGID);
		buf_free(&der);
	}
}

static void
damaged_capabilities_are_refused_at_every_length(void **state)
{
	static const int nids[] = {NID_aes_128_cbc, NID_rsaesOaep, NID_undef};
	struct buf der = capabilities(nids);
	struct key_transport how;
	struct err err;

	(void)state;
	for (size_t len = 1; len < der.len; len++) {
		assert_false(key_transport_choose(view_of(der.ptr, len), &how, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
	assert_true(buf_append(&der, view_str("x"), &err));
	assert_false(key_transport_choose(buf_view(&der), &how, &err));
	buf_free(&der);
}

/* RFC 5958 2: a SEQUENCE of one key. */
static void
package_holds_the_key(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-384"), *read;
	PKCS8_PRIV_KEY_INFO *info;
	struct secret package;
	const unsigned char *p;
	struct err err;

	(void)state;
	assert_true(key_package_encode(key, &package, &err));
	assert_int_equal(package.ptr[0], 0x30);
	p = package.ptr + (package.ptr[1] < 0x80 ? 2 : 2 + (package.ptr[1] & 0x7f));
	assert_non_null(
	    info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)(package.ptr + package.len - p)));
	assert_ptr_equal(p, package.ptr + package.len);
	assert_non_null(read = EVP_PKCS82PKEY(info));
	assert_int_equal(EVP_PKEY_eq(read, key), 1);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(read);
	EVP_PKEY_free(key);
	secret_free(&package);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return secret_heap_init(1 << 16, true, &err) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(best_of_what_is_named_is_chosen),
	    cmocka_unit_test(silence_is_the_best),
	    cmocka_unit_test(other_ciphers_alone_are_refused),
	    cmocka_unit_test(damaged_capabilities_are_refused_at_every_length),
	    cmocka_unit_test(package_holds_the_key),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
