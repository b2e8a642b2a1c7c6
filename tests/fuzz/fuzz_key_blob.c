/* Private key blobs. What decodes and can be written is the same key when it is read again. */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/ec.h>

#include "keyblob.h"
#include "target.h"

/* What becomes a blob of a PKCS#8 has the form of one, for whichever key it was sent. */
static void
try_pkcs8(struct view data, EVP_PKEY *const *pubs, size_t count)
{
	enum keyblob_format format;
	bool signature_only;
	struct err err;

	for (size_t i = 0; i < count; i++) {
		EVP_PKEY *key = NULL;
		struct secret blob;

		if (!keyblob_from_pkcs8(data, pubs[i], &blob, &err)) {
			require(blob.ptr == NULL && err.code != ERR_OK);
			continue;
		}
		require(keyblob_format(secret_view(&blob), &format, &signature_only, &err));
		require(!keyblob_is_pkcs8(secret_view(&blob)));
		require(keyblob_decode(secret_view(&blob), &key, &err) == (key != NULL));
		EVP_PKEY_free(key);
		secret_free(&blob);
	}
}

int
target(const uint8_t *data, size_t size)
{
	static EVP_PKEY *pubs[3];
	static bool ready;
	enum keyblob_format format;
	EVP_PKEY *key = NULL, *again = NULL;
	struct secret blob = {0};
	bool signature_only = false;
	struct err err;

	if (!ready) {
		require(secret_heap_init(1 << 18, true, &err));
		pubs[0] = EVP_EC_gen("P-256");
		pubs[1] = EVP_EC_gen("P-384");
		pubs[2] = EVP_EC_gen("P-521");
	}
	ready = true;
	if (keyblob_is_pkcs8(view_of(data, size)))
		try_pkcs8(view_of(data, size), pubs, 3);
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
