/* What a sign-in is bound to: the hash of the server's certificate (RFC 5929 4.1). */
#include "messages_support.h"

static X509 *
certificate(EVP_PKEY *key, const EVP_MD *md)
{
	X509 *x = X509_new();

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 60));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, md) > 0);
	return x;
}

/* `hash` NULL: it has none. */
static void
assert_end_point(EVP_PKEY *key, const EVP_MD *md, const EVP_MD *hash)
{
	X509 *x = certificate(key, md);
	uint8_t *der = NULL, expected[EVP_MAX_MD_SIZE];
	int len = i2d_X509(x, &der);
	struct buf found;
	unsigned size;
	struct err err;

	assert_true(len > 0);
	if (hash == NULL) {
		assert_false(pkix_end_point(view_of(der, (size_t)len), &found, &err));
		assert_int_equal(err.code, DIRCA_E_CHANNEL_BINDING);
	} else {
		assert_int_equal(EVP_Digest(der, (size_t)len, expected, &size, hash, NULL), 1);
		must(pkix_end_point(view_of(der, (size_t)len), &found, &err));
		assert_true(view_eq(buf_view(&found), view_of(expected, size)));
		buf_free(&found);
		assert_false(pkix_end_point(view_of(der, (size_t)len - 1), &found, &err));
	}
	OPENSSL_free(der);
	X509_free(x);
}

static void
the_digest_is_that_of_the_signature_and_sha256_at_least(void **state)
{
	EVP_PKEY *ec = support_ec("P-384"), *rsa = support_rsa(2048),
		 *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	(void)state;
	assert_end_point(rsa, EVP_sha1(), EVP_sha256());
	assert_end_point(rsa, EVP_sha256(), EVP_sha256());
	assert_end_point(ec, EVP_sha384(), EVP_sha384());
	assert_end_point(rsa, EVP_sha512(), EVP_sha512());
	assert_end_point(ed, NULL, NULL);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_digest_is_that_of_the_signature_and_sha256_at_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
