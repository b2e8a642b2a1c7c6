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
#include "file.h"
#include "key_uri.h"
#include "oids.h"
#include "own.h"
#include "pkcs8.h"
#include "pkix.h"
#include "text.h"

#define PIN "4711-pin"

static char dir[64], module[256];

static int
sh(const char *command)
{
	char line[1024];

	snprintf(
	    line, sizeof line, "D='%s'; M='%s'; { %s; } >'%s/out' 2>&1", dir, module, command, dir);
	return system(line);
}

static int
setup(void **state)
{
	OWNED(buf_free) struct buf found = {0};
	char path[96], text[128];
	struct err err;

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/dirca-token.XXXXXX");
	if (mkdtemp(dir) == NULL || !secret_heap_init(1 << 18, false, &err) || !oids_init(&err) ||
	    sh("find /usr/lib -name libsofthsm2.so -print -quit") != 0)
		return 1;
	snprintf(path, sizeof path, "%s/out", dir);
	if (!file_read(path, sizeof module - 1, &found, &err) || found.len < 2)
		return 1;
	memcpy(module, found.ptr, found.len - 1);
	snprintf(path, sizeof path, "%s/softhsm2.conf", dir);
	snprintf(text, sizeof text, "directories.tokendir = %s/tokens\n", dir);
	return file_create(path, view_str(text), 0600, &err) &&
		       setenv("SOFTHSM2_CONF", path, 1) == 0 &&
		       sh("mkdir $D/tokens && softhsm2-util --init-token --free --label t "
			  "--pin " PIN " --so-pin 12345678") == 0 &&
		       sh("pkcs11-tool --module $M --token-label t --login --pin " PIN
			  " --keypairgen --key-type rsa:2048 --label r --id 01") == 0 &&
		       sh("pkcs11-tool --module $M --token-label t --login --pin " PIN
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
	char *uri =
	    text_printf("pkcs11:token=t;object=%s;type=private?module-path=%s", object, module);
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

/* As the vault reads it. */
static void
a_key_file_may_name_a_key_of_a_token(void **state)
{
	OWNED(own_memory)
	char *uri = text_printf("pkcs11:token=t;object=e;type=private?module-path=%s", module);
	OWNED(secret_free) struct secret pin = {0};
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
	assert_false(ca_key_refer(folder, 0, uri, &pin, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	uri[strlen("pkcs11:token=")] = 'u';
	assert_false(ca_key_refer(folder, 1, uri, &pin, &err));
	assert_false(ca_key_open(folder, 1, &pin, &key, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rsa_and_ec_keys_of_a_token_sign),
	    cmocka_unit_test(a_key_of_a_token_is_not_exported),
	    cmocka_unit_test(what_no_token_gives_is_said_to_be_missing),
	    cmocka_unit_test(a_key_file_may_name_a_key_of_a_token),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
