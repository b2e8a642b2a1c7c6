/* An EnvelopedData from anybody, opened with keys that were made at the start: RSA and P-256. In
 * the preset "fuzz" no_pubkey.c stands for RSA and ECDH, so that whatever is decrypted gives a key
 * and the whole way is walked; elsewhere seeds are to other keys and end in NTE_BAD_DATA. */
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAP (1 << 20)

static EVP_PKEY *keys[2];

static void
set_up(void)
{
	struct err err;

	if (keys[0] != NULL)
		return;
	keys[0] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	keys[1] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (keys[0] == NULL || keys[1] == NULL || !secret_heap_init(HEAP, true, &err))
		abort();
}

static void
open_with_all(struct view der)
{
	struct cms_enveloped e;
	struct secret plain;
	struct err err;

	if (!cms_enveloped_decode(der, &e, &err))
		return;
	for (size_t i = 0; i < e.count; i++)
		for (size_t k = 0; k < 2; k++) {
			(void)cms_enveloped_open(&e, i, keys[k], &plain, &err);
			secret_free(&plain);
		}
	cms_enveloped_free(&e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_up();
	open_with_all(view_of(data, size));
	return 0;
}
