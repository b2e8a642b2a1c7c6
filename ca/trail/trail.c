#include "trail.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "own.h"

#define ROW_ROOM 512 /* most rows need no more */

void
audit_record_free(struct audit_record *a)
{
	free(a->actor);
	free(a->object);
	free(a->detail);
	*a = (struct audit_record){0};
}

static bool
put_text(struct buf *b, const char *text, struct err *err)
{
	/* NULL and "" are one: no reader can tell them apart. */
	struct view v = text == NULL ? view_of(NULL, 0) : view_str(text);

	return bytes_put_u32le(b, (uint32_t)v.len, err) && buf_append(b, v, err);
}

bool
trail_hash(const EVP_MD *sha256, const uint8_t before[TRAIL_HASH_LEN], const struct audit_record *a,
    uint8_t out[TRAIL_HASH_LEN], struct err *err)
{
	OWNED(buf_free) struct buf b = {0};

	if (!buf_room(ROW_ROOM, &b, err) || !buf_append(&b, view_of(before, TRAIL_HASH_LEN), err) ||
	    !bytes_put_u64le(&b, (uint64_t)a->row_id, err) ||
	    !bytes_put_u64le(&b, (uint64_t)a->when, err) ||
	    !bytes_put_u32le(&b, (uint32_t)a->event, err) || !bytes_put_u8(&b, a->success, err) ||
	    !bytes_put_u32le(&b, (uint32_t)a->status, err) || !put_text(&b, a->actor, err) ||
	    !bytes_put_u64le(&b, (uint64_t)a->request_id, err) || !put_text(&b, a->object, err) ||
	    !put_text(&b, a->detail, err))
		return false;
	return EVP_Digest(b.ptr, b.len, out, NULL, sha256, NULL) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "hash of audit row %lld", (long long)a->row_id);
}

bool
trail_next(
    const EVP_MD *sha256, struct trail_head *at, const struct audit_record *a, struct err *err)
{
	uint8_t should[TRAIL_HASH_LEN];

	if (a->row_id != at->count + 1)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "audit row %lld is missing: row %lld stands in its place",
		    (long long)at->count + 1, (long long)a->row_id);
	if (!trail_hash(sha256, at->hash, a, should, err))
		return false;
	if (memcmp(a->hash, should, TRAIL_HASH_LEN) != 0)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "audit row %lld does not fit the one before it: it or that one was changed",
		    (long long)a->row_id);
	at->count++;
	memcpy(at->hash, should, TRAIL_HASH_LEN);
	return true;
}

bool
trail_end(const struct trail_head *at, const struct trail_head *head, struct err *err)
{
	if (at->count < head->count)
		return err_set(
		    err, CRYPT_E_HASH_VALUE, "audit row %lld is missing", (long long)at->count + 1);
	if (at->count > head->count || memcmp(at->hash, head->hash, TRAIL_HASH_LEN) != 0)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "audit row %lld does not fit the head of the trail", (long long)at->count);
	return true;
}
