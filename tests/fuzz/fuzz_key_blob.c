/* Private key blobs. What decodes and can be written is the same key when it is read again. */
#include <stdint.h>
#include <stdlib.h>

#include "keyblob.h"

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
	enum keyblob_format format;
	EVP_PKEY *key = NULL, *again = NULL;
	struct secret blob = {0};
	bool signature_only = false;
	struct err err;

	if (!ready)
		require(secret_heap_init(1 << 18, true, &err));
	ready = true;
	if (!keyblob_decode(view_of(data, size), &key, &err)) {
		require(key == NULL && err.code != ERR_OK);
		return 0;
	}
	require(keyblob_format(view_of(data, size), &format, &signature_only, &err));
	if (keyblob_encode(key, &blob, &err)) {
		require(keyblob_decode(secret_view(&blob), &again, &err));
		require(EVP_PKEY_eq(key, again) == 1);
		/* a CAPI key exchange blob has one spelling */
		require(format != KEYBLOB_CAPI_RSA || signature_only ||
			view_eq(secret_view(&blob), view_of(data, size)));
	}
	secret_free(&blob);
	EVP_PKEY_free(again);
	EVP_PKEY_free(key);
	return 0;
}
