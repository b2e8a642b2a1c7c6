/*
 * Shamir's sharing of a secret: each octet is the value at 0 of a polynomial of its own over
 * GF(2^8) with x^8 + x^4 + x^3 + x + 1 (the field of AES, FIPS 197 4), and who has the number x
 * gets its value at x. Any k of the shares of polynomials of degree k - 1 give the secret, and
 * fewer say nothing of it. No branch and no address depends on a secret.
 */
#ifndef MESSAGES_SHAMIR_H
#define MESSAGES_SHAMIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The share of `x`, 1 to 255. `rows`: `threshold` rows of `len` octets, the coefficients from the
 * constant one, which is the secret, upwards; the others are random. */
void shamir_share(const uint8_t *rows, size_t threshold, size_t len, uint8_t x, uint8_t *out);
/* The secret of `count` shares, all that its threshold asks for. False: a number is 0 or comes
 * twice. That the shares are right is for who made them to prove. */
bool shamir_combine(
    const uint8_t *xs, const uint8_t *const *shares, size_t count, size_t len, uint8_t *out);

#endif
