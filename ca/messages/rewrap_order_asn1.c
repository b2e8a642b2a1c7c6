#include "rewrap_order.h"

#include <string.h>
#include <openssl/asn1t.h>
#include <openssl/sha.h>

#include "ca_signed.h"
#include "der.h"
#include "oids.h"
#include "own.h"

#define VERSION     1
#define TOGETHER    2 /* version, with a combiner */
#define ENCODED_MAX (320 + KRA_COUNT_MAX * REWRAP_HASH)
#define WHAT        "an order about a batch of archived keys"

typedef struct {
	int32_t version;
	ASN1_OCTET_STRING *batch;
	ASN1_GENERALIZEDTIME *when;
	int64_t keys;
	ASN1_OCTET_STRING *entries;
	int32_t threshold;
	ASN1_BOOLEAN gcm;
	ASN1_OCTET_STRING *to;
	ASN1_OCTET_STRING *combiner; /* [0]; NULL: each of the agents opens the keys alone */
} REWRAP_ORDER;

/* clang-format off */
ASN1_SEQUENCE(REWRAP_ORDER) = {
	ASN1_EMBED(REWRAP_ORDER, version, INT32),
	ASN1_SIMPLE(REWRAP_ORDER, batch, ASN1_OCTET_STRING),
	ASN1_SIMPLE(REWRAP_ORDER, when, ASN1_GENERALIZEDTIME),
	ASN1_EMBED(REWRAP_ORDER, keys, INT64),
	ASN1_SIMPLE(REWRAP_ORDER, entries, ASN1_OCTET_STRING),
	ASN1_EMBED(REWRAP_ORDER, threshold, INT32),
	ASN1_SIMPLE(REWRAP_ORDER, gcm, ASN1_BOOLEAN),
	ASN1_SIMPLE(REWRAP_ORDER, to, ASN1_OCTET_STRING),
	ASN1_IMP_OPT(REWRAP_ORDER, combiner, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(REWRAP_ORDER)
/* clang-format on */

static void
own_order(REWRAP_ORDER **o)
{
	ASN1_item_free((ASN1_VALUE *)*o, ASN1_ITEM_rptr(REWRAP_ORDER));
}

/* Nobody to come, who could read more or open together. */
static bool
is_drill(const struct rewrap_order *o)
{
	return o->to_count == 0 && o->together && o->threshold == 1 && !o->gcm;
}

/* What reader and writer demand alike. */
static bool
check(const struct rewrap_order *o, struct err *err)
{
	if (o->keys < 1 || o->to_count > KRA_COUNT_MAX ||
	    (!is_drill(o) && (o->threshold < 1 || o->threshold > o->to_count)))
		return err_set(
		    err, ERROR_INVALID_DATA, WHAT ": its numbers are none of keys and agents");
	for (size_t i = 0; i < o->to_count; i++)
		for (size_t k = 0; k < i; k++)
			if (memcmp(o->to[i], o->to[k], REWRAP_HASH) == 0)
				return err_set(
				    err, ERROR_INVALID_DATA, WHAT ": an agent is named twice");
	return true;
}

bool
rewrap_order_encode(const struct rewrap_order *o, struct buf *der_out, struct err *err)
{
	OWNED(own_order)
	REWRAP_ORDER *w = (REWRAP_ORDER *)ASN1_item_new(ASN1_ITEM_rptr(REWRAP_ORDER));

	*der_out = (struct buf){0};
	if (!check(o, err))
		return false;
	if (w == NULL || ASN1_GENERALIZEDTIME_set(w->when, (time_t)o->when) == NULL ||
	    !der_string_set(w->batch, view_of(o->batch, sizeof o->batch), err) ||
	    !der_string_set(w->entries, view_of(o->entries, sizeof o->entries), err) ||
	    !der_string_set(w->to, view_of(o->to[0], o->to_count * REWRAP_HASH), err))
		return err_nomem(err);
	if (o->together && (w->combiner = der_string_new(V_ASN1_OCTET_STRING,
				view_of(o->combiner, sizeof o->combiner))) == NULL)
		return err_nomem(err);
	w->version = o->together ? TOGETHER : VERSION;
	w->keys = o->keys;
	w->threshold = (int32_t)o->threshold;
	w->gcm = o->gcm ? 0xff : 0;
	return der_encode(ASN1_ITEM_rptr(REWRAP_ORDER), w, WHAT, der_out, err);
}

/* Of `each` octets, some of them. */
static bool
take(uint8_t *out, const ASN1_OCTET_STRING *from, size_t each, size_t least, size_t most)
{
	struct view octets = der_string(from);

	if (octets.len < least || octets.len > most || octets.len % each != 0)
		return false;
	if (octets.len > 0)
		memcpy(out, octets.ptr, octets.len);
	return true;
}

static bool
take_one(uint8_t *out, const ASN1_OCTET_STRING *from, size_t len)
{
	return take(out, from, len, len, len);
}

static bool
take_combiner(const REWRAP_ORDER *w, struct rewrap_order *out)
{
	out->together = w->version == TOGETHER;
	return out->together == (w->combiner != NULL) &&
	       (!out->together || take_one(out->combiner, w->combiner, sizeof out->combiner));
}

bool
rewrap_order_decode(struct view der, struct rewrap_order *out, struct err *err)
{
	OWNED(own_order)
	REWRAP_ORDER *w = der_decode(ASN1_ITEM_rptr(REWRAP_ORDER), der, ENCODED_MAX, WHAT, err);

	*out = (struct rewrap_order){0};
	if (w == NULL)
		return false;
	/* TRUE is 0xff in DER (X.690 11.1), which OpenSSL does not hold to. */
	if ((w->version != VERSION && w->version != TOGETHER) || w->threshold < 1 ||
	    (w->gcm != 0 && w->gcm != 0xff) || !der_instant(w->when, &out->when) ||
	    !take_one(out->batch, w->batch, sizeof out->batch) ||
	    !take_one(out->entries, w->entries, sizeof out->entries) ||
	    !take(out->to[0], w->to, REWRAP_HASH, 0, sizeof out->to) || !take_combiner(w, out))
		return err_set(err, ERROR_INVALID_DATA, WHAT ": a member is none");
	out->keys = w->keys;
	out->threshold = (size_t)w->threshold;
	out->gcm = w->gcm != 0;
	out->to_count = der_string(w->to).len / REWRAP_HASH;
	return check(out, err);
}

bool
rewrap_order_verify(struct view message, const struct pkix_cert *const *cas, size_t count,
    struct rewrap_order *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed s = {0};
	const struct ca_signed in = {OID_CT_REWRAP_ORDER, WHAT, cas, count};

	return ca_signed_verify(&in, message, &s, err) && rewrap_order_decode(s.content, out, err);
}

/* ---- and the entries ---- */

bool
rewrap_file_split(
    struct view file, struct view *message_out, struct view *entries_out, struct err *err)
{
	*entries_out = file;
	return rewrap_entry_next(entries_out, message_out, err);
}

bool
rewrap_order_has(const struct rewrap_order *o, const struct rewrap_entry *e)
{
	return view_eq(e->batch, view_of(o->batch, sizeof o->batch)) && e->gcm == o->gcm &&
	       view_eq(e->to, view_of(o->to[0], o->to_count * REWRAP_HASH));
}

bool
rewrap_order_covers(const struct rewrap_order *o, struct view entries, struct err *err)
{
	uint8_t hash[REWRAP_HASH];

	SHA256(entries.ptr, entries.len, hash);
	return memcmp(hash, o->entries, sizeof hash) == 0 ||
	       err_set(err, CRYPT_E_HASH_VALUE,
		   "the batch is not the one that the CA signed: it is not whole, or was changed");
}

static bool
count_entry(struct rewrap_order *o, struct view der, struct err *err)
{
	OWNED(rewrap_entry_free) struct rewrap_entry e = {0};

	if (!rewrap_entry_decode(der, &e, err))
		return false;
	if (o->keys == 0)
		memcpy(o->batch, e.batch.ptr, sizeof o->batch);
	o->keys++;
	return rewrap_order_has(o, &e) ||
	       err_set(err, ERROR_INVALID_DATA,
		   "the batch has an entry of another one, or for other agents");
}

bool
rewrap_order_count(struct rewrap_order *o, struct view entries, struct err *err)
{
	struct view der;

	o->keys = 0;
	SHA256(entries.ptr, entries.len, o->entries);
	while (entries.len > 0)
		if (!rewrap_entry_next(&entries, &der, err) || !count_entry(o, der, err))
			return false;
	return true;
}
