/* Keys on a token: SoftHSM2, with a token folder of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ca_key.h"
#include "key_uri.h"
#include "oids.h"
#include "own.h"
#include "pkcs8.h"
#include "pkix.h"
#include "text.h"
#include "token_lab.h"
#include "token_random.h"

#define PIN        "4711-pin"
#define SECOND_PIN "4712-pin"

static char dir[64];

static int
setup(void **state)
{
	struct err err;

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/dirca-token.XXXXXX");
	if (mkdtemp(dir) == NULL || !secret_heap_init(1 << 18, false, &err) || !oids_init(&err))
		return 1;
	return token_lab_begin(dir, PIN) &&
		       token_sh("softhsm2-util --init-token --free --label second --pin " SECOND_PIN
				" --so-pin 12345678") == 0 &&
		       token_sh(
			   "pkcs11-tool --module $M --token-label second --login --pin " SECOND_PIN
			   " --keypairgen --key-type EC:prime256v1 --label s --id 03") == 0 &&
		       token_sh("pkcs11-tool --module $M --token-label t --login --pin " PIN
				" --keypairgen --key-type rsa:2048 --label r --id 01") == 0 &&
		       token_sh("pkcs11-tool --module $M --token-label t --login --pin " PIN
				" --keypairgen --key-type EC:secp384r1 --label e --id 02") == 0
		   ? 0
		   : 1;
}

static int
teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

static bool
open_key(const char *object, const char *pin, EVP_PKEY **out, struct err *err)
{
	OWNED(own_memory)
	char *uri = text_printf(
	    "pkcs11:token=t;object=%s;type=private?module-path=%s", object, token_module);
	OWNED(secret_free) struct secret p = {0};

	assert_true(secret_dup(view_str(pin), &p, err));
	return key_uri_open(uri, &p, out, err);
}

static void
assert_it_signs(const char *object)
{
	OWNED(buf_free) struct buf spki = {0}, sig_alg = {0}, signature = {0};
	const struct view what = view_str("what is signed");
	EVP_PKEY *key = NULL, *public_key = NULL;
	const unsigned char *p;
	X509_ALGOR *alg;
	struct err err;

	if (!open_key(object, PIN, &key, &err))
		fail_msg("%s", err.msg);
	assert_true(key_is_on_token(key));
	if (!ca_key_sign(key, what, &signature, &err) || !pkix_key_spki(key, &spki, &err) ||
	    !pkix_sig_alg(key, &sig_alg, &err) ||
	    !pkix_public_key(buf_view(&spki), &public_key, &err))
		fail_msg("%s", err.msg);
	assert_false(key_is_on_token(public_key));
	p = sig_alg.ptr;
	alg = d2i_X509_ALGOR(NULL, &p, (long)sig_alg.len);
	assert_true(pkix_verify(public_key, alg, what, buf_view(&signature), false, &err));
	X509_ALGOR_free(alg);
	EVP_PKEY_free(public_key);
	EVP_PKEY_free(key);
}

static void
rsa_and_ec_keys_of_a_token_sign(void **state)
{
	(void)state;
	assert_it_signs("r");
	assert_it_signs("e");
}

static void
a_key_of_a_token_is_not_exported(void **state)
{
	struct secret pem = {0};
	EVP_PKEY *key;
	struct err err;

	(void)state;
	assert_true(open_key("r", PIN, &key, &err));
	assert_false(pkcs8_encode(key, NULL, &pem, &err));
	assert_int_equal(err.code, NTE_BAD_FLAGS);
	assert_null(pem.ptr);
	EVP_PKEY_free(key);
}

static void
what_no_token_gives_is_said_to_be_missing(void **state)
{
	EVP_PKEY *key;
	struct err err;

	(void)state;
	assert_false(open_key("nobody", PIN, &key, &err));
	assert_int_equal(err.code, SCARD_E_NO_SMARTCARD);
	assert_null(key);
	assert_false(key_uri_open("/etc/dirca/ca.key", NULL, &key, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_false(
	    key_uri_open("pkcs11:token=t;object=r?module-path=/nonexistent.so", NULL, &key, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
}

static bool
open_by_source(const char *source, EVP_PKEY **out, struct err *err)
{
	OWNED(own_memory)
	char *uri =
	    text_printf("pkcs11:token=second;object=s;type=private?pin-source=%s&module-path=%s",
		source, token_module);
	OWNED(secret_free) struct secret p = {0};

	assert_true(secret_dup(view_str(PIN), &p, err));
	return key_uri_open(uri, &p, out, err);
}

/* Two tokens with two PINs. */
static void
a_uri_may_name_the_file_of_its_pin(void **state)
{
	OWNED(own_memory) char *path = text_printf("%s/second-pin", dir);
	OWNED(own_memory) char *file = text_printf("file:%s", path);
	EVP_PKEY *key;
	struct err err;

	(void)state;
	assert_true(token_lab_write("second-pin", "0815-wrong\n"));
	assert_false(open_by_source(path, &key, &err));
	assert_int_equal(err.code, SCARD_E_NO_SMARTCARD);
	assert_true(token_lab_write("second-pin", SECOND_PIN "\n"));
	if (!open_by_source(path, &key, &err))
		fail_msg("%s", err.msg);
	EVP_PKEY_free(key);
	assert_true(open_by_source(file, &key, &err));
	EVP_PKEY_free(key);
	assert_false(open_by_source("/nonexistent", &key, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	assert_false(open_by_source("second-pin", &key, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_it_signs("r");
}

/* As the vault reads it. */
static void
a_key_file_may_name_a_key_of_a_token(void **state)
{
	OWNED(own_memory)
	char *uri =
	    text_printf("pkcs11:token=t;object=e;type=private?module-path=%s", token_module);
	OWNED(secret_free) struct secret pin = {0};
	OWNED(own_memory) char *held = NULL, *none = NULL;
	char folder[96];
	EVP_PKEY *key;
	struct err err;

	(void)state;
	snprintf(folder, sizeof folder, "%s/vault", dir);
	assert_true(secret_dup(view_str(PIN), &pin, &err));
	assert_true(ca_key_refer(folder, 0, uri, &pin, &err));
	assert_true(ca_key_open(folder, 0, &pin, &key, &err));
	assert_true(key_is_on_token(key));
	EVP_PKEY_free(key);
	assert_true(ca_key_uri(folder, 0, &held, &err));
	assert_string_equal(held, uri);
	assert_true(ca_key_create(folder, 2, CA_KEY_EC_P256, NULL, &err));
	assert_true(ca_key_uri(folder, 2, &none, &err));
	assert_null(none);
	assert_false(ca_key_refer(folder, 0, uri, &pin, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	uri[strlen("pkcs11:token=")] = 'u';
	assert_false(ca_key_refer(folder, 1, uri, &pin, &err));
	assert_false(ca_key_open(folder, 1, &pin, &key, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
}

/* ---- random numbers ---- */

/* free() */
static char *
shim_uri(const char *token)
{
	return text_printf("pkcs11:token=%s;object=r;type=private?module-path=%s", token, P11_SHIM);
}

static struct token_random *
open_random(void)
{
	OWNED(own_memory) char *uri = shim_uri("t");
	struct token_random *r;
	struct err err;

	assert_true(token_lab_write("mode", ""));
	if (!token_random_open(uri, &r, &err))
		fail_msg("%s", err.msg);
	return r;
}

static void
assert_gives(struct token_random *r)
{
	OWNED(secret_free) struct secret given = {0};
	struct err err;

	if (!token_random_give(r, &given, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(given.len, TOKEN_RANDOM_LEN);
}

static void
assert_gives_none(struct token_random *r, const char *mode)
{
	struct secret given;
	struct err err;

	assert_true(token_lab_write("mode", mode));
	assert_false(token_random_give(r, &given, &err));
	assert_int_equal(err.code, NTE_PROVIDER_DLL_FAIL);
	assert_null(given.ptr);
}

static void
a_token_gives_random_numbers(void **state)
{
	struct token_random *r = open_random();
	OWNED(secret_free) struct secret a = {0}, b = {0};
	long asked = token_asked();
	struct err err;

	(void)state;
	assert_true(token_random_give(r, &a, &err));
	assert_true(token_random_give(r, &b, &err));
	assert_int_equal(token_asked(), asked + 2);
	assert_memory_not_equal(a.ptr, b.ptr, TOKEN_RANDOM_LEN);
	token_random_close(r);
}

/* Where the URI names no module it is the engine's. */
static void
the_module_is_that_of_the_engine(void **state)
{
	struct token_random *r;
	long asked = token_asked();
	struct err err;

	(void)state;
	assert_true(token_lab_write("mode", ""));
	assert_int_equal(setenv("PKCS11_MODULE_PATH", P11_SHIM, 1), 0);
	assert_true(token_random_open("pkcs11:token=t;object=r", &r, &err));
	assert_gives(r);
	assert_int_equal(token_asked(), asked + 1);
	token_random_close(r);
	unsetenv("PKCS11_MODULE_PATH");
	if (!token_random_open("pkcs11:token=t;object=r", &r, &err))
		fail_msg("%s", err.msg);
	assert_gives(r);
	assert_int_equal(token_asked(), asked + 1);
	token_random_close(r);
}

static void
one_that_refuses_or_does_nothing_gives_none(void **state)
{
	struct token_random *r = open_random();

	(void)state;
	assert_gives_none(r, "refuse");
	assert_gives_none(r, "nothing");
	assert_true(token_lab_write("mode", "known"));
	assert_gives(r);
	assert_gives_none(r, "known"); /* the same again */
	assert_true(token_lab_write("mode", "lost"));
	assert_gives(r);
	token_random_close(r);
}

static void
assert_no_random(const char *uri, enum err_code code)
{
	struct token_random *r;
	struct err err;

	assert_false(token_random_open(uri, &r, &err));
	assert_null(r);
	assert_int_equal(err.code, code);
}

static void
only_the_token_of_that_name_is_asked(void **state)
{
	OWNED(own_memory) char *right = shim_uri("t");
	OWNED(own_memory) char *other = shim_uri("u");
	OWNED(own_memory) char *any = text_printf("pkcs11:object=r?module-path=%s", P11_SHIM);

	(void)state;
	assert_true(token_lab_write("mode", ""));
	assert_no_random(other, SCARD_E_NO_SMARTCARD);
	assert_no_random("pkcs11:token=t?module-path=/nonexistent.so", DIRCA_E_CONFIG);
	assert_no_random("pkcs11:token=%n", E_INVALIDARG);
	assert_true(token_lab_write("mode", "without"));
	assert_no_random(right, NTE_PROVIDER_DLL_FAIL);
	assert_true(token_lab_write("mode", ""));
	assert_no_random(any, DIRCA_E_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rsa_and_ec_keys_of_a_token_sign),
	    cmocka_unit_test(a_key_of_a_token_is_not_exported),
	    cmocka_unit_test(what_no_token_gives_is_said_to_be_missing),
	    cmocka_unit_test(a_uri_may_name_the_file_of_its_pin),
	    cmocka_unit_test(a_key_file_may_name_a_key_of_a_token),
	    cmocka_unit_test(a_token_gives_random_numbers),
	    cmocka_unit_test(the_module_is_that_of_the_engine),
	    cmocka_unit_test(one_that_refuses_or_does_nothing_gives_none),
	    cmocka_unit_test(only_the_token_of_that_name_is_asked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
