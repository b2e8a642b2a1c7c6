/* What all fuzz targets have: the one function that each of them is, and how it says that something
 * does not hold. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Called by entry.c, for libFuzzer and for replay.c. */
int target(const uint8_t *data, size_t size);

static inline void
require(bool holds)
{
	if (!holds)
		abort();
}

#endif
