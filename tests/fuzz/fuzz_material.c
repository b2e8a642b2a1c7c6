/* Files with keys and certificates of every kind but PKCS#12, which fuzz_pfx reads. */
#include <stdint.h>
#include <stdlib.h>

#include "material.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct view v = view_of(data, size);
	struct secret password = {0};
	struct pfx_content c;
	struct err err;

	if (!ready)
		require(secret_heap_init(1 << 18, true, &err));
	ready = true;
	if (size > 65536 || material_of(v) == MATERIAL_PFX)
		return 0;
	require(secret_dup(view_str("right"), &password, &err));
	if (material_read(v, &password, 1, &c, &err))
		pfx_content_free(&c);
	else
		require(c.keys == NULL && c.others == NULL && err.code != ERR_OK);
	secret_free(&password);
	return 0;
}
