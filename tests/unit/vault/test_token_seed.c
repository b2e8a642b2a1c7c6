/* A vault whose CA key a token keeps: keys are archived with random numbers of that token, and not
 * without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cms_enveloped.h"
#include "own_openssl.h"
#include "token_lab.h"
#include "vault_lab.h"

static pid_t test_pid;

int __real_EVP_CIPHER_CTX_rand_key(EVP_CIPHER_CTX *ctx, unsigned char *key);
int __wrap_EVP_CIPHER_CTX_rand_key(EVP_CIPHER_CTX *ctx, unsigned char *key);

/* In the vault OpenSSL's part of a key is zeros: the token's is what is left. */
int
__wrap_EVP_CIPHER_CTX_rand_key(EVP_CIPHER_CTX *ctx, unsigned char *key)
{
	int rc = __real_EVP_CIPHER_CTX_rand_key(ctx, key);

	if (rc > 0 && getpid() != test_pid)
		memset(key, 0, (size_t)EVP_CIPHER_CTX_get_key_length(ctx));
	return rc;
}

/* The CA's key moves to a token whose PIN is the passphrase. */
static int
setup_token(void **state)
{
	OWNED(own_memory) char *uri = NULL, *command = NULL;

	test_pid = getpid();
	if (setup(state) != 0 || !token_lab_begin(sealed_dir, PASSPHRASE))
		return 1;
	command = text_printf(
	    "openssl pkcs8 -topk8 -nocrypt -in '%s/ca.key' -out $D/p8 && "
	    "softhsm2-util --import $D/p8 --token t --label ca --id 01 --pin '" PASSPHRASE
	    "' && rm $D/ca.key $D/p8",
	    vault_dir);
	uri = text_printf("pkcs11:token=t;object=ca;type=private?module-path=%s\n", P11_SHIM);
	return token_sh(command) == 0 && token_lab_write("ca.key", uri) ? 0 : 1;
}

static int
start_in_mode(void **state, const char *mode)
{
	return token_lab_write("mode", mode) ? start_sealed_child(state) : 1;
}

static int
start_normal(void **state)
{
	return start_in_mode(state, "");
}

static int
start_refusing(void **state)
{
	return start_in_mode(state, "refuse");
}

static int
start_without(void **state)
{
	return start_in_mode(state, "without");
}

static void
rewrapped(const struct vault_rewrap *in, struct buf *archived)
{
	struct err err;

	ASSERT_DONE(vault_rewrap(&child.front[0], in, archived, &err));
	assert_opens(archived, &kra1);
}

/* Why the vault says that no key is archived. */
static enum err_code
no_seed(void)
{
	struct vault_xchg_provider p;
	struct err err;

	ASSERT_DONE(vault_xchg_provider(&child.front[0], &p, &err));
	assert_true((p.no_seed.code == ERR_OK) == (p.no_seed.msg[0] == '\0'));
	return p.no_seed.code;
}

/* Does that content key open what was archived, a key blob? `expected`: this one; NULL: any. */
static bool
opens_with(const struct buf *archived, const uint8_t key[32], EVP_PKEY *expected)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	OWNED(own_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	OWNED(secret_free) struct secret plain = {0};
	OWNED(own_pkey) EVP_PKEY *found = NULL;
	struct view sealed;
	struct err err;
	int len = 0, rest = 0;

	assert_true(cms_sealed_decode(buf_view(archived), &e, &err));
	assert_int_equal(e.cipher, CMS_AES_256_CBC);
	sealed = e.wire->ciphertext;
	assert_true(secret_alloc(sealed.len, &plain, &err));
	assert_int_equal(EVP_DecryptInit_ex2(ctx, EVP_aes_256_cbc(), key, e.wire->iv.ptr, NULL), 1);
	if (EVP_DecryptUpdate(ctx, plain.ptr, &len, sealed.ptr, (int)sealed.len) != 1 ||
	    EVP_DecryptFinal_ex(ctx, plain.ptr + len, &rest) != 1)
		return false;
	secret_shrink(&plain, (size_t)(len + rest));
	return keyblob_decode(secret_view(&plain), &found, &err) &&
	       (expected == NULL || EVP_PKEY_eq(found, expected) == 1);
}

static void
each_archived_key_takes_random_numbers_of_the_token(void **state)
{
	struct xchg x = make_xchg(256);
	struct rewrap r;
	OWNED(buf_free) struct buf archived = {0};
	uint8_t known[32];
	long asked = token_asked();

	(void)state;
	assert_int_equal(no_seed(), ERR_OK);
	rewrap_init(&r, &x);
	assert_true(token_lab_write("mode", "known"));
	rewrapped(&r.in, &archived);
	assert_int_equal(token_asked(), asked + 1);
	memset(known, 0x5a, sizeof known);
	assert_true(opens_with(&archived, known, user_key));
	buf_free(&archived);
	assert_true(token_lab_write("mode", ""));
	rewrapped(&r.in, &archived);
	assert_int_equal(token_asked(), asked + 2);
	assert_false(opens_with(&archived, known, user_key));
	memset(known, 0, sizeof known);
	assert_false(opens_with(&archived, known, user_key));
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

/* A key of elsewhere, which is not opened while the token refuses. */
static void
a_key_that_is_imported_takes_them_too(void **state)
{
	const struct vault_xchg_wish wish = {.bits = 2048, .life_s = 7 * TEST_DAY};
	struct xchg x = {0};
	struct test_cert user;
	OWNED(buf_free) struct buf payload = {0}, archived = {0};
	uint8_t binding[ARCHIVE_BINDING], known[32], kras[2][32];
	struct vault_import in = {.requester = view_str("officer"),
	    .kra_sha256 = (const uint8_t(*)[32])kras,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
	struct cms_kra to;
	struct err err;

	(void)state;
	assert_int_equal(EVP_PKEY_up_ref(user_key), 1);
	user = test_issue(&(struct test_issue){.dn = "CN=user1",
	    .key = user_key,
	    .issuer = &ca,
	    .usage = "critical,keyEncipherment",
	    .serial = 78,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 400 * TEST_DAY});
	ASSERT_DONE(vault_import_create(&child.front[0], &wish, &x.cert.der, &err));
	ASSERT_DONE(pkix_cert_decode(buf_view(&x.cert.der), &x.cert.cert, &err));
	ASSERT_DONE(pkix_public_key(x.cert.cert.spki, &x.cert.key, &err));
	to = test_recipient(&x.cert);
	ASSERT_DONE(archive_import_binding(buf_view(&user.der), in.user, binding, &err));
	ASSERT_DONE(archive_import_seal(user_key, binding, &to, &payload, &err));
	memcpy(kras[0], kra1.cert.sha256, 32);
	memcpy(kras[1], kra2.cert.sha256, 32);
	in.payload = buf_view(&payload);
	in.certificate = buf_view(&user.der);
	memset(known, 0x5a, sizeof known);
	assert_true(token_lab_write("mode", "refuse"));
	assert_false(vault_import(&child.front[0], &in, &archived, &err));
	assert_int_equal(err.code, NTE_PROVIDER_DLL_FAIL);
	assert_true(token_lab_write("mode", "known"));
	ASSERT_DONE(vault_import(&child.front[0], &in, &archived, &err));
	assert_true(opens_with(&archived, known, user_key));
	test_cert_free(&x.cert);
	test_cert_free(&user);
}

/* A key pair that the vault makes: for whom is no matter here. */
static void
a_key_that_the_vault_makes_takes_them_too(void **state)
{
	const struct test_issue proposed = {.dn = "CN=user1",
	    .key = user_key,
	    .issuer = &ca,
	    .usage = "critical,keyEncipherment",
	    .eku = "1.3.6.1.5.5.7.3.4",
	    .sid = "S-1-5-21-1-2-3-1105",
	    .serial = 77,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 400 * TEST_DAY};
	struct test_cert recipient;
	OWNED(vault_generated_free) struct vault_generated out = {0};
	OWNED(buf_free) struct buf tbs = {0}, sig_alg = {0};
	uint8_t known[32], kras[2][32];
	struct vault_generate in = {.transport = {CMS_AES_256_CBC, true},
	    .kra_sha256 = (const uint8_t(*)[32])kras,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
	struct err err;

	(void)state;
	assert_int_equal(EVP_PKEY_up_ref(user_key), 1);
	recipient = test_issue(&proposed);
	test_tbs(&proposed, ca.cert.subject, ca.key, &tbs, &sig_alg);
	memcpy(kras[0], kra1.cert.sha256, 32);
	memcpy(kras[1], kra2.cert.sha256, 32);
	in.tbs = buf_view(&tbs);
	in.recipient = buf_view(&recipient.der);
	memset(known, 0x5a, sizeof known);
	assert_true(token_lab_write("mode", "refuse"));
	assert_false(vault_generate(&child.front[0], &in, &out, &err));
	assert_int_equal(err.code, NTE_PROVIDER_DLL_FAIL);
	assert_true(token_lab_write("mode", "known"));
	ASSERT_DONE(vault_generate(&child.front[0], &in, &out, &err));
	assert_true(opens_with(&out.archived, known, NULL));
	test_cert_free(&recipient);
}

/* The key is not opened: it can be sent again. */
static void
none_is_archived_while_the_token_refuses(void **state)
{
	struct xchg x = make_xchg(256);
	struct rewrap r;
	OWNED(buf_free) struct buf archived = {0};

	(void)state;
	rewrap_init(&r, &x);
	assert_true(token_lab_write("mode", "refuse"));
	assert_not_rewrapped(&r.in, NTE_PROVIDER_DLL_FAIL);
	assert_int_equal(no_seed(), NTE_PROVIDER_DLL_FAIL);
	assert_true(token_lab_write("mode", "nothing"));
	assert_not_rewrapped(&r.in, NTE_PROVIDER_DLL_FAIL);
	assert_true(token_lab_write("mode", "lost"));
	rewrapped(&r.in, &archived);
	assert_int_equal(no_seed(), ERR_OK);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

/* It signs all the same. */
static void
a_token_that_refuses_from_the_start_may_come_round(void **state)
{
	struct xchg x = make_xchg(256);
	struct rewrap r;
	OWNED(buf_free) struct buf archived = {0};

	(void)state;
	rewrap_init(&r, &x);
	assert_int_equal(no_seed(), NTE_PROVIDER_DLL_FAIL);
	assert_not_rewrapped(&r.in, NTE_PROVIDER_DLL_FAIL);
	assert_true(token_lab_write("mode", ""));
	rewrapped(&r.in, &archived);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

static void
a_token_without_generator_archives_nothing(void **state)
{
	struct xchg x = make_xchg(256);
	struct rewrap r;

	(void)state;
	rewrap_init(&r, &x);
	assert_true(token_lab_write("mode", ""));
	assert_not_rewrapped(&r.in, NTE_PROVIDER_DLL_FAIL);
	assert_int_equal(no_seed(), NTE_PROVIDER_DLL_FAIL);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

int
main(void)
{
#define STARTED(test, by) cmocka_unit_test_setup_teardown(test, by, stop_child)
	const struct CMUnitTest tests[] = {
	    STARTED(each_archived_key_takes_random_numbers_of_the_token, start_normal),
	    STARTED(a_key_that_the_vault_makes_takes_them_too, start_normal),
	    STARTED(a_key_that_is_imported_takes_them_too, start_normal),
	    STARTED(none_is_archived_while_the_token_refuses, start_normal),
	    STARTED(a_token_that_refuses_from_the_start_may_come_round, start_refusing),
	    STARTED(a_token_without_generator_archives_nothing, start_without),
	};

	return cmocka_run_group_tests(tests, setup_token, teardown);
}
