#include "rewrap_share.h"

#include <openssl/asn1t.h>

#include "der.h"

#define VERSION 1
#define WHAT    "a share of a key of a batch"

typedef struct {
	int32_t version;
	ASN1_OCTET_STRING *batch;
	int64_t request_id;
	ASN1_OCTET_STRING *share;
} REWRAP_SHARE;

/* clang-format off */
ASN1_SEQUENCE(REWRAP_SHARE) = {
	ASN1_EMBED(REWRAP_SHARE, version, INT32),
	ASN1_SIMPLE(REWRAP_SHARE, batch, ASN1_OCTET_STRING),
	ASN1_EMBED(REWRAP_SHARE, request_id, INT64),
	ASN1_SIMPLE(REWRAP_SHARE, share, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(REWRAP_SHARE)
/* clang-format on */

static void
own_share(REWRAP_SHARE **s)
{
	ASN1_item_free((ASN1_VALUE *)*s, ASN1_ITEM_rptr(REWRAP_SHARE));
}

/* What reader and writer demand alike. */
static bool
check(const struct rewrap_share *s, struct err *err)
{
	return (s->batch.len == REWRAP_BATCH_ID && s->request_id > 0 && s->share.len > 0) ||
	       err_set(err, ERROR_INVALID_DATA, WHAT ": a member is none");
}

bool
rewrap_share_encode(const struct rewrap_share *s, struct buf *out, struct err *err)
{
	OWNED(own_share)
	REWRAP_SHARE *wire = (REWRAP_SHARE *)ASN1_item_new(ASN1_ITEM_rptr(REWRAP_SHARE));

	*out = (struct buf){0};
	if (!check(s, err))
		return false;
	if (wire == NULL || !der_string_set(wire->batch, s->batch, err) ||
	    !der_string_set(wire->share, s->share, err))
		return err_openssl(err, DIRCA_E_CRYPTO, WHAT);
	wire->version = VERSION;
	wire->request_id = s->request_id;
	if (!der_encode(ASN1_ITEM_rptr(REWRAP_SHARE), wire, WHAT, out, err))
		return false;
	if (out->len <= REWRAP_ENTRY_MAX)
		return true;
	buf_free(out);
	return err_set(err, DIRCA_E_TOO_LARGE, WHAT " has over %d octets", REWRAP_ENTRY_MAX);
}

bool
rewrap_share_decode(struct view der, struct rewrap_share *out, struct err *err)
{
	OWNED(own_share)
	REWRAP_SHARE *wire =
	    der_decode(ASN1_ITEM_rptr(REWRAP_SHARE), der, REWRAP_ENTRY_MAX, WHAT, err);

	*out = (struct rewrap_share){0};
	if (wire == NULL)
		return false;
	if (wire->version != VERSION)
		return err_set(err, ERROR_INVALID_DATA, WHAT ": its version is unknown");
	if (!buf_dup(der, &out->content, err))
		return false;
	out->batch = der_within(&out->content, wire->batch);
	out->request_id = wire->request_id;
	out->share = der_within(&out->content, wire->share);
	if (check(out, err))
		return true;
	rewrap_share_free(out);
	return false;
}

void
rewrap_share_free(struct rewrap_share *s)
{
	buf_free(&s->content);
	*s = (struct rewrap_share){0};
}
