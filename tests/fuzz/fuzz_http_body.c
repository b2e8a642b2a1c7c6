/* A body as it arrives over HTTP: DER or base64 of a request, or JSON. Whatever it is, it is read
 * or refused; base64 of what was read as DER is read as the same. */
#include <stdlib.h>
#include <string.h>

#include "cmc.h"
#include "json.h"
#include "oids.h"
#include "target.h"
#include "text.h"

static bool
read_cmc(struct view der)
{
	struct cmc_request r;
	EVP_PKEY *key = NULL;
	struct err err;

	if (!cmc_request_decode(der, &r, &err))
		return false;
	if (pkix_public_key(r.request.spki, &key, &err))
		(void)cmc_request_verify(&r, key, true, &err);
	EVP_PKEY_free(key);
	cmc_request_free(&r);
	return true;
}

static void
read_pkcs10(struct view der)
{
	struct pkix_request r;
	struct err err;

	if (pkix_request_decode(der, &r, &err))
		pkix_request_free(&r);
}

static void
check_base64(struct view der)
{
	char *text = base64_encode(der);
	struct buf again = {0};
	struct err err;

	if (text == NULL || !base64_decode(view_str(text), &again, &err) ||
	    !view_eq(buf_view(&again), der))
		abort();
	free(text);
	buf_free(&again);
}

static void
read_json(struct view body)
{
	static const char *const members[] = {"value", "serial", "reason"};
	struct http_call call = {0};
	struct err err;

	if (!buf_dup(body, &call.body, &err))
		abort();
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		char *text = json_body_string(&call, members[i]);

		if (text != NULL && !text_is_utf8(view_str(text)))
			abort();
		free(text);
	}
	buf_free(&call.body);
}

int
target(const uint8_t *data, size_t size)
{
	struct view body = view_of(data, size);
	struct buf der = {0};
	struct err err;

	if (!oids_init(&err))
		abort();
	read_json(body);
	if (size > 0 && data[0] != 0x30) {
		if (!base64_decode(body, &der, &err))
			return 0;
		body = buf_view(&der);
	}
	if (read_cmc(body))
		check_base64(body);
	read_pkcs10(body);
	buf_free(&der);
	return 0;
}
