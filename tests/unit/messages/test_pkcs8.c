/* Private keys in files: what guards them, and what is refused. */
#include "messages_support.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "pkcs8.h"

static struct secret
word(const char *text)
{
	struct secret s;
	struct err err;

	must(secret_dup(view_str(text), &s, &err));
	return s;
}

static void
a_key_comes_back_with_its_password_only(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *back;
	struct secret right = word("pfx-Passw0rd"), wrong = word("pfx-Passw0re"), pem;
	struct err err;

	(void)state;
	must(pkcs8_encode(key, &right, &pem, &err));
	must(pkcs8_decode(&pem, &right, &back, &err));
	assert_int_equal(EVP_PKEY_eq(key, back), 1);
	EVP_PKEY_free(back);
	must_fail(pkcs8_decode(&pem, &wrong, &back, &err), NTE_BAD_DATA);
	must_fail(pkcs8_decode(&pem, NULL, &back, &err), NTE_BAD_DATA);
	for (size_t len = 0; len < pem.len - 1; len += 7) {
		struct secret cut = {pem.ptr, len};

		must_fail(pkcs8_decode(&cut, &right, &back, &err), NTE_BAD_DATA);
	}
	secret_free(&pem);
	secret_free(&right);
	secret_free(&wrong);
	EVP_PKEY_free(key);
}

static void
a_key_without_a_password_is_plain(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *back;
	struct secret pem;
	struct err err;

	(void)state;
	must(pkcs8_encode(key, NULL, &pem, &err));
	assert_int_equal(strncmp((char *)pem.ptr, "-----BEGIN PRIVATE KEY-----", 27), 0);
	must(pkcs8_decode(&pem, NULL, &back, &err));
	assert_int_equal(EVP_PKEY_eq(key, back), 1);
	EVP_PKEY_free(back);
	secret_free(&pem);
	EVP_PKEY_free(key);
}

static void
an_empty_password_guards_nothing(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct secret empty = {0}, pem;
	struct err err;

	(void)state;
	must_fail(pkcs8_encode(key, &empty, &pem, &err), E_INVALIDARG);
	assert_null(pem.ptr);
	EVP_PKEY_free(key);
}

static void
guessing_costs_600000_rounds_of_hmac_sha256(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct secret right = word("pfx-Passw0rd"), pem;
	const X509_ALGOR *alg;
	const ASN1_OBJECT *oid;
	const ASN1_OCTET_STRING *sealed;
	const void *parameters;
	PBE2PARAM *pbe2;
	PBKDF2PARAM *kdf;
	X509_SIG *sig;
	BIO *bio;
	struct err err;
	int type;

	(void)state;
	must(pkcs8_encode(key, &right, &pem, &err));
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	assert_non_null(sig = PEM_read_bio_PKCS8(bio, NULL, NULL, NULL));
	X509_SIG_get0(sig, &alg, &sealed);
	X509_ALGOR_get0(&oid, &type, &parameters, alg);
	assert_int_equal(OBJ_obj2nid(oid), NID_pbes2);
	assert_non_null(
	    pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), alg->parameter));
	assert_int_equal(OBJ_obj2nid(pbe2->encryption->algorithm), NID_aes_256_cbc);
	assert_int_equal(OBJ_obj2nid(pbe2->keyfunc->algorithm), NID_id_pbkdf2);
	assert_non_null(
	    kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe2->keyfunc->parameter));
	assert_true(ASN1_INTEGER_get(kdf->iter) >= 600000);
	assert_int_equal(OBJ_obj2nid(kdf->prf->algorithm), NID_hmacWithSHA256);
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(pbe2);
	X509_SIG_free(sig);
	BIO_free(bio);
	secret_free(&pem);
	secret_free(&right);
	EVP_PKEY_free(key);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	assert_true(secret_heap_init(1 << 18, true, &err));
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_comes_back_with_its_password_only),
	    cmocka_unit_test(a_key_without_a_password_is_plain),
	    cmocka_unit_test(an_empty_password_guards_nothing),
	    cmocka_unit_test(guessing_costs_600000_rounds_of_hmac_sha256),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
