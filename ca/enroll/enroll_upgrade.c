/*
 * Rows from before the database knew whose a public key is.
 */
#include "enroll_priv.h"

#include <string.h>

#include "log.h"
#include "mem.h"
#include "own.h"

#define BATCH 500

/* The rows of one transaction, and the hashes of those whose key can be read. */
struct batch {
	struct store_requests rows;
	uint8_t hashes[BATCH][PKIX_KEY_HASH_LEN];
	bool known[BATCH];
};

static bool
hash_request(const struct store_request *row, uint8_t *out, struct err *err)
{
	OWNED(enroll_request_free) struct enroll_request request = {0};

	if (!enroll_request_decode(row->request_type == CR_IN_PKCS10 ? ENROLL_PKCS10 : ENROLL_CMC,
		buf_view(&row->raw_request), row->raw_request.len, &request, err))
		return false;
	memcpy(out, request.key_info_hash, PKIX_KEY_HASH_LEN);
	return true;
}

/* False: the database failed. A key that cannot be read can be in no new request either. */
static bool
hash_row(
    struct ca *ca, const struct store_request *row, uint8_t *out, bool *known_out, struct err *err)
{
	OWNED(store_request_free) struct store_request whole = {0};
	struct err ignored;

	*known_out = row->raw_public_key.len > 0 &&
		     pkix_key_hash(buf_view(&row->raw_public_key), out, &ignored);
	if (*known_out || row->disposition != DISP_PENDING)
		return true;
	if (!ca_get_row(ca, row->request_id, &whole, err))
		return false;
	*known_out = hash_request(&whole, out, &ignored);
	return true;
}

static bool
write_batch(struct store_tx *tx, void *arg, struct err *err)
{
	const struct batch *b = arg;

	for (size_t i = 0; i < b->rows.count; i++)
		if (b->known[i] && !store_set_public_key_hash(tx, b->rows.list[i].request_id,
				       view_of(b->hashes[i], sizeof b->hashes[i]), err))
			return false;
	return true;
}

/* From `*after` on; sets it to the last row seen, and counts. */
static bool
complete_batch(struct ca *ca, struct batch *b, int64_t *after, int64_t *done, int64_t *unknown,
    struct err *err)
{
	for (size_t i = 0; i < b->rows.count; i++) {
		if (!hash_row(ca, &b->rows.list[i], b->hashes[i], &b->known[i], err))
			return false;
		*(b->known[i] ? done : unknown) += 1;
		*after = b->rows.list[i].request_id;
	}
	return store_do(ca->store, write_batch, b, err);
}

bool
enroll_complete_rows(struct ca *ca, struct err *err)
{
	OWNED(own_memory) struct batch *b = mem_zero(1, sizeof *b);
	int64_t after = 0, done = 0, unknown = 0;
	bool ok = true, more = true;

	while (more) {
		ok = store_list_unhashed(ca->store, after, BATCH, &b->rows, err) &&
		     complete_batch(ca, b, &after, &done, &unknown, err);
		more = ok && b->rows.count > 0;
		store_requests_free(&b->rows);
	}
	if (done > 0)
		log_info("older requests completed", LOG_INT("requests", done));
	if (unknown > 0)
		log_warn("requests whose public key cannot be read, and is not compared",
		    LOG_INT("requests", unknown));
	return ok || err_prefix(err, "reading the public keys of older requests");
}
