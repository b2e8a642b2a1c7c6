/*
 * PKCS#12 files. The bytes are read as they are, and as what stands under the right MAC: whoever
 * gives a file with its password chooses both. What was read can be written, and is the same then.
 */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/pkcs12.h>

#include "own_openssl.h"
#include "pfx_priv.h"
#include "target.h"

#define ITERATIONS 5000 /* no more: time is for other things here */

static void
read_it(struct view der, const struct secret *password)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};
	struct err err;

	if (!pfx_read_within(der, password, ITERATIONS, &c, &err)) {
		require(c.keys == NULL && c.others == NULL && err.code != ERR_OK);
		return;
	}
	for (size_t i = 0; i < c.key_count; i++)
		require(c.keys[i].key != NULL);
	for (size_t i = 0; i < c.other_count; i++)
		require(c.others[i].key == NULL && c.others[i].certificate.len > 0);
}

/* SEQUENCE { 3, ContentInfo(data) { bytes } }, and a MAC. */
static void
read_authenticated(struct view bytes, const struct secret *password)
{
	OWNED(own_pkcs12) PKCS12 *p12 = NULL;
	OWNED(own_octets) uint8_t *der = NULL;
	uint8_t head[] = {0x30, 0x83, 0, 0, 0, 0x02, 1, 3, 0x30, 0x83, 0, 0, 0, 0x06, 9, 0x2a, 0x86,
	    0x48, 0x86, 0xf7, 0x0d, 1, 7, 1, 0xa0, 0x83, 0, 0, 0, 0x04, 0x83, 0, 0, 0};
	static const size_t lengths[] = {2, 10, 26, 31};
	OWNED(buf_free) struct buf raw = {0};
	const unsigned char *p;
	struct err err;
	int len;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t n = sizeof head - lengths[i] - 3 + bytes.len;

		for (int k = 0; k < 3; k++)
			head[lengths[i] + (size_t)k] = (uint8_t)(n >> (16 - 8 * k));
	}
	require(
	    buf_append(&raw, view_of(head, sizeof head), &err) && buf_append(&raw, bytes, &err));
	p = raw.ptr;
	p12 = d2i_PKCS12(NULL, &p, (long)raw.len);
	require(p12 != NULL && PKCS12_set_mac(p12, "p", -1, NULL, 0, 1, EVP_sha256()) == 1);
	len = i2d_PKCS12(p12, &der);
	require(len > 0);
	read_it(view_of(der, (size_t)len), password);
}

int
target(const uint8_t *data, size_t size)
{
	static bool ready;
	OWNED(secret_free) struct secret password = {0};
	struct err err;

	if (!ready)
		require(secret_heap_init(1 << 18, true, &err));
	ready = true;
	if (size == 0 || size > 65536)
		return 0;
	require(secret_dup(view_str("p"), &password, &err));
	read_it(view_of(data, size), &password);
	read_authenticated(view_of(data, size), &password);
	return 0;
}
