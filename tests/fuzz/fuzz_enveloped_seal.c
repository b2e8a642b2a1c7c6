/* Content of an EnvelopedData or AuthEnvelopedData: each run seals its input to an RSA and to a
 * P-256 key, opens it again and opens it with one byte changed, chosen by the input. With real
 * keys, which makes it slow: what anybody may send is fuzz_enveloped.c's. */
#include "enveloped_keys.h"
#include "target.h"

#define CONTENT_MAX 4096

static void
round_trip(struct view content)
{
	static const uint8_t issuer[] = {0x30, 0x00}, serial[] = {0x01};
	struct cms_enveloped e;
	struct secret plain;
	struct buf der;
	struct err err;
	size_t at;

	for (size_t k = 0; k < 2; k++) {
		struct cms_kra to = {.issuer = view_of(issuer, 2),
		    .serial = view_of(serial, 1),
		    .key = keys[k],
		    .reader = (content.ptr[0] & 8) != 0 ? CMS_READER_OAEP : CMS_READER_PKCS1};

		if (!cms_enveloped_seal(
			content, &to, 1, (enum cms_cipher)((content.ptr[0] & 7) % 7), &der, &err) ||
		    !cms_sealed_decode(buf_view(&der), &e, &err) ||
		    !cms_enveloped_open(&e, 0, keys[k], &plain, &err) ||
		    !view_eq(secret_view(&plain), content))
			abort();
		secret_free(&plain);
		cms_enveloped_free(&e);
		at = (size_t)content.ptr[0] * 256 + content.ptr[content.len - 1];
		der.ptr[at % der.len] ^= content.ptr[content.len / 2];
		open_with_all(buf_view(&der));
		buf_free(&der);
	}
}

int
target(const uint8_t *data, size_t size)
{
	set_up();
	if (size > 0 && size <= CONTENT_MAX)
		round_trip(view_of(data, size));
	return 0;
}
