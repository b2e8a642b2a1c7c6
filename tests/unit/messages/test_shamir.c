/* Sharing of a secret: against numbers of a second implementation, and of every size up to five. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "shamir.h"
#include "text.h"

#define LEN 32
#define MAX 5

/* Coefficients: 00 01 .. 1f, SHA-256("1"), SHA-256("2"). As in docs/PROTOCOL.md; computed in Python
 * by tables of logarithms. */
static const char *const coefficients[] = {
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
    "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35",
};

static void
decode(const char *hex, uint8_t out[LEN])
{
	struct buf octets;
	struct err err;

	assert_true(hex_decode(hex, &octets, &err));
	assert_int_equal(octets.len, LEN);
	memcpy(out, octets.ptr, LEN);
	buf_free(&octets);
}

static void
shares_are_those_of_a_second_implementation(void **state)
{
	static const struct {
		size_t threshold;
		uint8_t x;
		const char *share;
	} vectors[] = {
	    {2, 1, "6b87b070fb31fae695628a45f357315857bcb6f9b63a0b5ed80748c6ab9a4554"},
	    {2, 2, "d6167de5e16de5de29df1197e9b970a19e5041dc4b4b2c858325beba6908a889"},
	    {2, 255, "ce50391d176f0ff093c76f391f87c7126431744746b5e8eec2fd293f09b36b03"},
	    {3, 1, "bff4ee4add6fec08755dd33478cc6c5b5620b12100ff14ce023d2ea84789ee61"},
	    {3, 3, "1434f244a0645744f977b77787227df9dc27fea3b198522adce909aaafd0c223"},
	    {3, 255, "46b44cde2b1a4ebb2a5b63fbf1428727778d0d1b12052286b83eb93764add321"},
	};
	uint8_t rows[3][LEN], want[LEN], got[LEN];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		decode(coefficients[i], rows[i]);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		decode(vectors[i].share, want);
		shamir_share((const uint8_t *)rows, vectors[i].threshold, LEN, vectors[i].x, got);
		assert_memory_equal(got, want, LEN);
	}
}

/* FIPS 197 4.2: {57} x {83} = {c1}, {57} x {13} = {fe}. */
static void
the_field_is_that_of_aes(void **state)
{
	static const uint8_t rows[2] = {0, 0x57};
	uint8_t y;

	(void)state;
	shamir_share(rows, 2, 1, 0x83, &y);
	assert_int_equal(y, 0xc1);
	shamir_share(rows, 2, 1, 0x13, &y);
	assert_int_equal(y, 0xfe);
}

/* The shares of the numbers whose bits are set. */
static size_t
choose(unsigned subset, uint8_t shares[MAX][LEN], uint8_t *xs, const uint8_t **values)
{
	size_t count = 0;

	for (uint8_t i = 0; i < MAX; i++)
		if ((subset >> i & 1u) != 0) {
			xs[count] = (uint8_t)(i + 1);
			values[count++] = shares[i];
		}
	return count;
}

static void
enough_shares_give_the_secret_and_fewer_do_not(void **state)
{
	uint8_t rows[MAX][LEN], shares[MAX][LEN], xs[MAX], got[LEN];
	const uint8_t *values[MAX];

	(void)state;
	for (size_t i = 0; i < MAX; i++)
		for (size_t at = 0; at < LEN; at++)
			rows[i][at] = (uint8_t)(i * 59 + at * 83 + 7);
	for (size_t k = 1; k <= MAX; k++) {
		for (uint8_t i = 0; i < MAX; i++)
			shamir_share((const uint8_t *)rows, k, LEN, (uint8_t)(i + 1), shares[i]);
		for (unsigned subset = 1; subset < 1u << MAX; subset++) {
			size_t count = choose(subset, shares, xs, values);

			assert_true(shamir_combine(xs, values, count, LEN, got));
			assert_int_equal(memcmp(got, rows[0], LEN) == 0, count >= k);
		}
	}
}

/* Of a polynomial's k - 1 values every secret is as good as another: for each of the 256 there is
 * one share that would give it. */
static void
one_share_too_few_says_nothing(void **state)
{
	uint8_t rows[MAX] = {0x2a, 0x11, 0xf0, 0x07, 0x99}, shares[MAX], xs[MAX];
	const uint8_t *values[MAX];

	(void)state;
	for (size_t k = 2; k <= MAX; k++) {
		bool seen[256] = {false};

		for (uint8_t i = 0; i < k; i++) {
			xs[i] = (uint8_t)(i + 1);
			shamir_share(rows, k, 1, xs[i], &shares[i]);
			values[i] = &shares[i];
		}
		for (unsigned guess = 0; guess < 256; guess++) {
			uint8_t secret;

			shares[k - 1] = (uint8_t)guess;
			assert_true(shamir_combine(xs, values, k, 1, &secret));
			assert_false(seen[secret]);
			seen[secret] = true;
		}
	}
}

static void
a_number_is_not_zero_and_comes_once(void **state)
{
	static const uint8_t a = 1, b = 2;
	const uint8_t *values[] = {&a, &b};
	uint8_t got;

	(void)state;
	assert_true(shamir_combine((const uint8_t[]){1, 255}, values, 2, 1, &got));
	assert_false(shamir_combine((const uint8_t[]){1, 1}, values, 2, 1, &got));
	assert_false(shamir_combine((const uint8_t[]){0, 1}, values, 2, 1, &got));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_field_is_that_of_aes),
	    cmocka_unit_test(shares_are_those_of_a_second_implementation),
	    cmocka_unit_test(enough_shares_give_the_secret_and_fewer_do_not),
	    cmocka_unit_test(one_share_too_few_says_nothing),
	    cmocka_unit_test(a_number_is_not_zero_and_comes_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
