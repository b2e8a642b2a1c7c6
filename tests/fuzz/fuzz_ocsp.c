/* An OCSP request from anybody, and a ResponseData from a broken front: what is taken of the first
 * is within it and its bounds, what is signed of the second answers and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "ocsp.h"
#include "target.h"

#define NOW 1790000000

static void
answer(const struct ocsp_request *r)
{
	struct ocsp_single said[OCSP_QUESTIONS_MAX];
	struct ocsp_data data = {.produced_at = NOW,
	    .next_update = NOW + 3600,
	    .list = said,
	    .count = r->count,
	    .nonce = r->nonce};
	struct buf der;
	struct err err;

	for (size_t i = 0; i < r->count; i++)
		said[i] = (struct ocsp_single){r->list[i].cert_id, OCSP_GOOD, 0, -1};
	if (!ocsp_data_encode(&data, &der, &err))
		return;
	if (!ocsp_data_check(buf_view(&der), data.key_hash, NOW, 300, NOW + 7200, &err))
		abort();
	buf_free(&der);
}

int
target(const uint8_t *data, size_t size)
{
	static const uint8_t key_hash[20], name[] = {0x30, 0x00};
	struct view der = view_of(data, size);
	struct ocsp_request r;
	struct err err;

	(void)ocsp_data_check(der, key_hash, NOW, 300, NOW + 7200, &err);
	if (!ocsp_request_decode(der, &r, &err))
		return 0;
	if (r.count == 0 || r.count > OCSP_QUESTIONS_MAX || r.nonce.len > OCSP_NONCE_MAX)
		abort();
	for (size_t i = 0; i < r.count; i++) {
		if (r.list[i].serial.len > 20)
			abort();
		(void)ocsp_question_is_of(&r.list[i], view_of(name, sizeof name), der);
	}
	answer(&r);
	ocsp_request_free(&r);
	return 0;
}
