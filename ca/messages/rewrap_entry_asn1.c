#include "rewrap_entry.h"

#include <string.h>
#include <openssl/asn1t.h>

#include "der.h"

#define VERSION 1
#define WHAT    "an entry of a batch of archived keys"

typedef struct {
	int32_t version;
	ASN1_OCTET_STRING *batch;
	int64_t request_id;
	ASN1_OCTET_STRING *former;
	ASN1_BOOLEAN gcm;
	ASN1_OCTET_STRING *to, *certificate, *key;
} REWRAP_ENTRY;

/* clang-format off */
ASN1_SEQUENCE(REWRAP_ENTRY) = {
	ASN1_EMBED(REWRAP_ENTRY, version, INT32),
	ASN1_SIMPLE(REWRAP_ENTRY, batch, ASN1_OCTET_STRING),
	ASN1_EMBED(REWRAP_ENTRY, request_id, INT64),
	ASN1_SIMPLE(REWRAP_ENTRY, former, ASN1_OCTET_STRING),
	ASN1_SIMPLE(REWRAP_ENTRY, gcm, ASN1_BOOLEAN),
	ASN1_SIMPLE(REWRAP_ENTRY, to, ASN1_OCTET_STRING),
	ASN1_SIMPLE(REWRAP_ENTRY, certificate, ASN1_OCTET_STRING),
	ASN1_SIMPLE(REWRAP_ENTRY, key, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(REWRAP_ENTRY)
/* clang-format on */

static void
own_entry(REWRAP_ENTRY **e)
{
	ASN1_item_free((ASN1_VALUE *)*e, ASN1_ITEM_rptr(REWRAP_ENTRY));
}

static bool
bad(struct err *err, const char *why)
{
	return err_set(err, ERROR_INVALID_DATA, WHAT ": %s", why);
}

/* What reader and writer demand alike. */
static bool
check(const struct rewrap_entry *e, struct err *err)
{
	if (e->batch.len != REWRAP_BATCH_ID)
		return bad(err, "the name of the batch has 16 octets");
	if (e->request_id < 1)
		return bad(err, "its number is none of a request");
	if (e->former.len != REWRAP_HASH || e->to.len % REWRAP_HASH != 0)
		return bad(err, "a hash has 32 octets");
	return (e->certificate.len > 0 && e->key.len > 0) ||
	       bad(err, "certificate or key is not there");
}

bool
rewrap_entry_encode(const struct rewrap_entry *e, struct buf *out, struct err *err)
{
	OWNED(own_entry)
	REWRAP_ENTRY *wire = (REWRAP_ENTRY *)ASN1_item_new(ASN1_ITEM_rptr(REWRAP_ENTRY));

	*out = (struct buf){0};
	if (!check(e, err))
		return false;
	if (wire == NULL || !der_string_set(wire->batch, e->batch, err) ||
	    !der_string_set(wire->former, e->former, err) ||
	    !der_string_set(wire->to, e->to, err) ||
	    !der_string_set(wire->certificate, e->certificate, err) ||
	    !der_string_set(wire->key, e->key, err))
		return err_openssl(err, DIRCA_E_CRYPTO, WHAT);
	wire->version = VERSION;
	wire->request_id = e->request_id;
	wire->gcm = e->gcm ? 0xff : 0;
	if (!der_encode(ASN1_ITEM_rptr(REWRAP_ENTRY), wire, WHAT, out, err))
		return false;
	if (out->len <= REWRAP_ENTRY_MAX)
		return true;
	buf_free(out);
	return err_set(err, DIRCA_E_TOO_LARGE, WHAT " has over %d octets", REWRAP_ENTRY_MAX);
}

static bool
take(const REWRAP_ENTRY *wire, struct rewrap_entry *out, struct err *err)
{
	if (wire->version != VERSION)
		return bad(err, "its version is unknown");
	/* X.690 11.1, which OpenSSL does not hold to */
	if (wire->gcm != 0 && wire->gcm != 0xff)
		return bad(err, "a truth is written otherwise");
	out->batch = der_within(&out->content, wire->batch);
	out->request_id = wire->request_id;
	out->former = der_within(&out->content, wire->former);
	out->gcm = wire->gcm != 0;
	out->to = der_within(&out->content, wire->to);
	out->certificate = der_within(&out->content, wire->certificate);
	out->key = der_within(&out->content, wire->key);
	return check(out, err);
}

bool
rewrap_entry_decode(struct view der, struct rewrap_entry *out, struct err *err)
{
	OWNED(own_entry)
	REWRAP_ENTRY *wire =
	    der_decode(ASN1_ITEM_rptr(REWRAP_ENTRY), der, REWRAP_ENTRY_MAX, WHAT, err);

	*out = (struct rewrap_entry){0};
	if (wire == NULL || !buf_dup(der, &out->content, err))
		return false;
	if (take(wire, out, err))
		return true;
	rewrap_entry_free(out);
	return false;
}

void
rewrap_entry_free(struct rewrap_entry *e)
{
	buf_free(&e->content);
	*e = (struct rewrap_entry){0};
}

bool
rewrap_entry_next(struct view *batch, struct view *der_out, struct err *err)
{
	const unsigned char *p = batch->ptr;
	size_t max = batch->len < REWRAP_ENTRY_MAX ? batch->len : REWRAP_ENTRY_MAX;
	int tag, class;
	size_t whole;
	long len;

	/* 0x80: an error, or more than there is; 0x20: constructed. */
	if ((der_head(&p, &len, &tag, &class, max) & 0xa0) != 0x20 || tag != V_ASN1_SEQUENCE)
		return bad(err, "it is none, or cut off");
	whole = (size_t)(p - batch->ptr) + (size_t)len;
	*der_out = view_of(batch->ptr, whole);
	*batch = view_of(batch->ptr + whole, batch->len - whole);
	return true;
}
