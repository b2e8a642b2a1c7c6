/* support/known_rsa.c: the keys that tests are given are keys, and each is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define PAIRS    120
#define OF_CHILD 2 /* that test's */

static void
each_is_a_key_and_another(void **state)
{
	EVP_PKEY *keys[PAIRS - OF_CHILD + 1]; /* the last is made by OpenSSL */

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		assert_non_null(keys[i] = EVP_RSA_gen(2048));
		assert_int_equal(EVP_PKEY_get_bits(keys[i]), 2048);
		for (size_t j = 0; j < i; j++)
			assert_int_equal(EVP_PKEY_eq(keys[i], keys[j]), 0);
		/* Whole only for a few: it looks for more primes than making one does. */
		if (i % 40 == 0) {
			EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(keys[i], NULL);

			assert_int_equal(EVP_PKEY_check(ctx), 1);
			EVP_PKEY_CTX_free(ctx);
		}
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		EVP_PKEY_free(keys[i]);
}

/* A child's keys are none of its parent's. */
static void
a_child_counts_where_its_parent_does(void **state)
{
	EVP_PKEY *mine;
	uint8_t der[2][1200], *p = der[0], *q = der[1];
	int pipes[2], status, len;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_true((child = fork()) >= 0);
	if (child == 0) {
		EVP_PKEY *its = EVP_RSA_gen(2048);

		len = i2d_PUBKEY(its, &p);
		_exit(len > 0 && write(pipes[1], der[0], (size_t)len) == len ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_non_null(mine = EVP_RSA_gen(2048));
	len = i2d_PUBKEY(mine, &q);
	assert_int_equal(read(pipes[0], der[0], sizeof der[0]), len);
	assert_memory_not_equal(der[0], der[1], (size_t)len);
	EVP_PKEY_free(mine);
	close(pipes[0]);
	close(pipes[1]);
}

/* What is not known is made. */
static void
others_are_made(void **state)
{
	EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-256"),
		 *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	(void)state;
	assert_int_equal(EVP_PKEY_get_bits(small), 1024);
	assert_int_equal(EVP_PKEY_get_bits(curve), 256);
	assert_true(EVP_PKEY_is_a(ed, "ED25519"));
	EVP_PKEY_free(small);
	EVP_PKEY_free(curve);
	EVP_PKEY_free(ed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_child_counts_where_its_parent_does),
	    cmocka_unit_test(each_is_a_key_and_another),
	    cmocka_unit_test(others_are_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
