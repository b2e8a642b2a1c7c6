#include "shamir.h"

#include <string.h>

#define REDUCED 0x1bu /* x^8 in the field */

static uint8_t
multiply(uint8_t a, uint8_t b)
{
	unsigned product = 0, left = a;

	for (unsigned bit = 0; bit < 8; bit++) {
		product ^= left & (0 - ((unsigned)b >> bit & 1u));
		left = (left << 1 & 0xffu) ^ (REDUCED & (0 - (left >> 7)));
	}
	return (uint8_t)product;
}

/* The group has 255 elements: a^254 is 1/a. */
static uint8_t
inverse(uint8_t a)
{
	uint8_t power = a, result = 1;

	for (unsigned bit = 1; bit < 8; bit++) {
		power = multiply(power, power);
		result = multiply(result, power);
	}
	return result;
}

void
shamir_share(const uint8_t *rows, size_t threshold, size_t len, uint8_t x, uint8_t *out)
{
	memset(out, 0, len);
	for (size_t row = threshold; row-- > 0;)
		for (size_t i = 0; i < len; i++)
			out[i] = (uint8_t)(multiply(out[i], x) ^ rows[row * len + i]);
}

/* What the share of xs[at] counts for: Lagrange's polynomial of it at 0. */
static uint8_t
weight(const uint8_t *xs, size_t count, size_t at)
{
	uint8_t above = 1, below = 1;

	for (size_t i = 0; i < count; i++)
		if (i != at) {
			above = multiply(above, xs[i]);
			below = multiply(below, (uint8_t)(xs[i] ^ xs[at]));
		}
	return multiply(above, inverse(below));
}

bool
shamir_combine(
    const uint8_t *xs, const uint8_t *const *shares, size_t count, size_t len, uint8_t *out)
{
	for (size_t i = 0; i < count; i++) {
		if (xs[i] == 0)
			return false;
		for (size_t k = 0; k < i; k++)
			if (xs[k] == xs[i])
				return false;
	}
	memset(out, 0, len);
	for (size_t i = 0; i < count; i++) {
		uint8_t w = weight(xs, count, i);

		for (size_t at = 0; at < len; at++)
			out[at] ^= multiply(w, shares[i][at]);
	}
	return true;
}
