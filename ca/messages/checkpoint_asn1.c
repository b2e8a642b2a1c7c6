#include "checkpoint.h"

#include <string.h>
#include <openssl/asn1t.h>

#include "ca_signed.h"
#include "der.h"
#include "own.h"

#define VERSION     1
#define ENCODED_MAX 256
#define WHAT        "a checkpoint of the audit trail"

typedef struct {
	int32_t version;
	int64_t row;
	ASN1_OCTET_STRING *hash;
	ASN1_GENERALIZEDTIME *when;
	int64_t previous_row;
	ASN1_OCTET_STRING *previous_hash;
} AUDIT_CHECKPOINT;

/* clang-format off */
ASN1_SEQUENCE(AUDIT_CHECKPOINT) = {
	ASN1_EMBED(AUDIT_CHECKPOINT, version, INT32),
	ASN1_EMBED(AUDIT_CHECKPOINT, row, INT64),
	ASN1_SIMPLE(AUDIT_CHECKPOINT, hash, ASN1_OCTET_STRING),
	ASN1_SIMPLE(AUDIT_CHECKPOINT, when, ASN1_GENERALIZEDTIME),
	ASN1_EMBED(AUDIT_CHECKPOINT, previous_row, INT64),
	ASN1_IMP_OPT(AUDIT_CHECKPOINT, previous_hash, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(AUDIT_CHECKPOINT)
/* clang-format on */

static void
wire_free(AUDIT_CHECKPOINT **w)
{
	ASN1_item_free((ASN1_VALUE *)*w, ASN1_ITEM_rptr(AUDIT_CHECKPOINT));
}

bool
checkpoint_encode(const struct checkpoint *c, struct buf *der_out, struct err *err)
{
	OWNED(wire_free)
	AUDIT_CHECKPOINT *w = (AUDIT_CHECKPOINT *)ASN1_item_new(ASN1_ITEM_rptr(AUDIT_CHECKPOINT));

	*der_out = (struct buf){0};
	if (c->row < 1 || c->previous_row < 0 || c->previous_row >= c->row)
		return err_set(err, E_INVALIDARG, WHAT " is of a row behind the one before it");
	if (w == NULL || ASN1_GENERALIZEDTIME_set(w->when, (time_t)c->when) == NULL ||
	    !der_string_set(w->hash, view_of(c->hash, sizeof c->hash), err) ||
	    (c->has_previous_hash &&
		(w->previous_hash = der_string_new(V_ASN1_OCTET_STRING,
		     view_of(c->previous_hash, sizeof c->previous_hash))) == NULL))
		return err_nomem(err);
	w->previous_row = c->previous_row;
	w->version = VERSION;
	w->row = c->row;
	return der_encode(ASN1_ITEM_rptr(AUDIT_CHECKPOINT), w, WHAT, der_out, err);
}

static bool
read_hash(const ASN1_OCTET_STRING *from, uint8_t out[CHECKPOINT_HASH_LEN])
{
	struct view hash = der_string(from);

	if (hash.len != CHECKPOINT_HASH_LEN)
		return false;
	memcpy(out, hash.ptr, CHECKPOINT_HASH_LEN);
	return true;
}

bool
checkpoint_decode(struct view der, struct checkpoint *out, struct err *err)
{
	OWNED(wire_free)
	AUDIT_CHECKPOINT *w =
	    der_decode(ASN1_ITEM_rptr(AUDIT_CHECKPOINT), der, ENCODED_MAX, WHAT, err);

	*out = (struct checkpoint){0};
	if (w == NULL)
		return false;
	if (w->version != VERSION || w->row < 1 || w->previous_row < 0 ||
	    w->previous_row >= w->row || !der_instant(w->when, &out->when) ||
	    !read_hash(w->hash, out->hash) ||
	    (w->previous_hash != NULL && !read_hash(w->previous_hash, out->previous_hash)))
		return err_set(err, ERROR_INVALID_DATA, WHAT ": a member is none");
	out->row = w->row;
	out->previous_row = w->previous_row;
	out->has_previous_hash = w->previous_hash != NULL;
	return true;
}

bool
checkpoint_verify(struct view message, const struct pkix_cert *const *cas, size_t count,
    struct checkpoint *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed s = {0};
	const struct ca_signed in = {OID_CT_AUDIT_CHECKPOINT, WHAT, cas, count};

	return ca_signed_verify(&in, message, &s, err) && checkpoint_decode(s.content, out, err);
}
