/*
 * A content key that several recipients have together (docs/PROTOCOL.md, KeyShare). A share is
 * encrypted as a content key is; a commitment beside it tells a right one from a wrong one before
 * it is combined, and to whose key it belongs.
 */
#include "cms_enveloped.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rand.h>

#include "der.h"
#include "oids.h"
#include "shamir.h"

#define HASH_LEN   32 /* SHA-256 */
#define SET_ID_LEN 32
#define LABEL      "dirca key share 1"
#define LABEL_LEN  (sizeof LABEL - 1)

struct committed {
	uint8_t octets[LABEL_LEN + SET_ID_LEN + 2 + CMS_BOUND_LEN + CMS_KEY_MAX];
};

static void
committed_wipe(struct committed *c)
{
	OPENSSL_cleanse(c, sizeof *c);
}

/* SHA-256 of label, set, threshold and number (an octet each), what it is for, and the share. */
static bool
commit(struct view set_id, size_t threshold, size_t number, const uint8_t bound_to[CMS_BOUND_LEN],
    struct view share, uint8_t out[HASH_LEN])
{
	OWNED(committed_wipe) struct committed c;
	uint8_t *p = c.octets;

	memcpy(p, LABEL, LABEL_LEN);
	p += LABEL_LEN;
	memcpy(p, set_id.ptr, SET_ID_LEN);
	p += SET_ID_LEN;
	*p++ = (uint8_t)threshold;
	*p++ = (uint8_t)number;
	memcpy(p, bound_to, CMS_BOUND_LEN);
	p += CMS_BOUND_LEN;
	memcpy(p, share.ptr, share.len);
	p += share.len;
	return EVP_Digest(
		   c.octets, (size_t)(p - c.octets), out, NULL, cms_digest(NID_sha256), NULL) == 1;
}

/* ---- making ---- */

struct rows {
	uint8_t octets[CMS_RECIPIENTS_MAX][CMS_KEY_MAX]; /* coefficients */
};

static void
rows_wipe(struct rows *r)
{
	OPENSSL_cleanse(r, sizeof *r);
}

/* As the content key, the coefficients follow from both sources: who knows one of them, and a
 * share, does not know the key. */
static bool
stir(uint8_t row[CMS_KEY_MAX], size_t number, struct view seed)
{
	struct committed in;
	uint8_t hash[HASH_LEN];
	bool ok;

	if (seed.len == 0)
		return true;
	memcpy(in.octets, LABEL, LABEL_LEN);
	in.octets[LABEL_LEN] = (uint8_t)number;
	memcpy(in.octets + LABEL_LEN + 1, seed.ptr, seed.len);
	ok = EVP_Digest(in.octets, LABEL_LEN + 1 + seed.len, hash, NULL, cms_digest(NID_sha256),
		 NULL) == 1;
	for (size_t i = 0; ok && i < sizeof hash; i++)
		row[i] ^= hash[i];
	committed_wipe(&in);
	OPENSSL_cleanse(hash, sizeof hash);
	return ok;
}

static bool
make_rows(struct rows *rows, size_t threshold, struct view cek, struct view seed)
{
	memcpy(rows->octets, cek.ptr, cek.len);
	for (size_t i = 1; i < threshold; i++) {
		uint8_t row[CMS_KEY_MAX];
		bool ok = RAND_priv_bytes(row, (int)sizeof row) == 1 && stir(row, i, seed);

		memcpy((uint8_t *)rows->octets + i * cek.len, row, cek.len);
		OPENSSL_cleanse(row, sizeof row);
		if (!ok)
			return false;
	}
	return true;
}

bool
cms_shares_make(struct cms_shares *s, const struct cms_split *split, size_t count, struct view cek,
    struct view seed, struct err *err)
{
	OWNED(rows_wipe) struct rows rows = {0};

	s->split = split;
	if (RAND_bytes(s->set_id, (int)sizeof s->set_id) != 1 ||
	    !make_rows(&rows, split->threshold, cek, seed))
		return err_openssl(err, DIRCA_E_CRYPTO, "the content key could not be split");
	for (size_t i = 0; i < count; i++)
		shamir_share((const uint8_t *)rows.octets, split->threshold, cek.len,
		    (uint8_t)(i + 1), s->rows[i]);
	return true;
}

void
cms_shares_wipe(struct cms_shares *s)
{
	OPENSSL_cleanse(s, sizeof *s);
}

static bool
fill_share(CMSW_KEY_SHARE *wire, const struct cms_shares *s, size_t at, size_t len, struct err *err)
{
	struct view set_id = view_of(s->set_id, sizeof s->set_id);
	uint8_t hash[HASH_LEN];

	wire->version = 1;
	wire->threshold = (int32_t)s->split->threshold;
	wire->number = (int32_t)at + 1;
	if (!commit(set_id, s->split->threshold, at + 1, s->split->bound_to,
		view_of(s->rows[at], len), hash))
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing a share");
	return der_string_set(wire->set_id, set_id, err) &&
	       der_string_set(wire->commitment, view_of(hash, sizeof hash), err);
}

bool
cms_share_wrap(const struct cms_shares *s, size_t at, size_t len, CMSW_RECIPIENT **inner,
    CMSW_RECIPIENT **out, struct err *err)
{
	OWNED(own_cmsw_key_share) CMSW_KEY_SHARE *share = CMSW_KEY_SHARE_new();
	OWNED(own_cmsw_recipient) CMSW_RECIPIENT *r = CMSW_RECIPIENT_new();
	ASN1_STRING *der;

	if (share == NULL || r == NULL || (r->d.other = CMSW_OTHER_RECIPIENT_new()) == NULL)
		return err_nomem(err);
	r->type = CMSW_RECIPIENT_OTHER;
	CMSW_RECIPIENT_free(share->recipient);
	share->recipient = own_give(inner);
	if (!fill_share(share, s, at, len, err))
		return false;
	if ((der = der_pack(ASN1_ITEM_rptr(CMSW_KEY_SHARE), share)) == NULL)
		return err_nomem(err);
	ASN1_OBJECT_free(r->d.other->type);
	r->d.other->type = OBJ_nid2obj(oid_nid(OID_KEY_SHARE));
	ASN1_TYPE_set(r->d.other->value, V_ASN1_SEQUENCE, der);
	*out = own_give(&r);
	return true;
}

/* ---- reading ---- */

bool
cms_is_share(const CMSW_RECIPIENT *wire)
{
	return wire->type == CMSW_RECIPIENT_OTHER &&
	       OBJ_obj2nid(wire->d.other->type) == oid_nid(OID_KEY_SHARE);
}

static bool
is_for_one(const CMSW_RECIPIENT *r)
{
	return r->type == CMSW_RECIPIENT_TRANS ||
	       (r->type == CMSW_RECIPIENT_AGREE && sk_CMSW_AGREED_KEY_num(r->d.agree->keys) == 1);
}

static bool
is_well_formed(const CMSW_KEY_SHARE *w)
{
	return w->version == 1 && w->threshold >= 2 && w->threshold <= CMS_RECIPIENTS_MAX &&
	       w->number >= 1 && w->number <= UINT8_MAX &&
	       der_string(w->set_id).len == SET_ID_LEN &&
	       der_string(w->commitment).len == HASH_LEN && is_for_one(w->recipient);
}

/* Of one set, and of nobody else's number. */
static bool
goes_with(const struct cms_enveloped *e, const CMSW_KEY_SHARE *w)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].number == w->number)
			return false;
	return e->set_id.len == 0 ||
	       (view_eq(e->set_id, der_string(w->set_id)) && e->threshold == (size_t)w->threshold);
}

bool
cms_share_read(const CMSW_OTHER_RECIPIENT *wire, struct cms_enveloped *e, struct cms_recipient *r,
    CMSW_RECIPIENT **inner_out, struct err *err)
{
	struct view der = wire->value->type == V_ASN1_SEQUENCE
			      ? der_string(wire->value->value.sequence)
			      : (struct view){0};
	CMSW_KEY_SHARE *share =
	    der_decode(ASN1_ITEM_rptr(CMSW_KEY_SHARE), der, CMS_ENVELOPED_MAX, "a KeyShare", err);

	if (share == NULL)
		return false;
	if (sk_CMSW_KEY_SHARE_push(e->wire->shares, share) <= 0) {
		CMSW_KEY_SHARE_free(share);
		return err_nomem(err);
	}
	if (!is_well_formed(share) || !goes_with(e, share))
		return err_set(err, ERROR_INVALID_DATA,
		    "the share of a recipient is not one of a set, with a number of its own");
	e->set_id = der_string(share->set_id);
	e->threshold = (size_t)share->threshold;
	r->number = (uint8_t)share->number;
	r->commitment = der_string(share->commitment);
	*inner_out = share->recipient;
	return true;
}

/* ---- opening ---- */

static bool
has_share(const struct cms_enveloped *e, size_t index, struct err *err)
{
	return (index < e->count && e->recipients[index].number != 0) ||
	       err_set(err, DIRCA_E_KEY_SHARE,
		   "the message has no share of recipient %zu: who is a recipient opens it alone",
		   index);
}

bool
cms_share_is_of(const struct cms_enveloped *e, size_t index, const uint8_t bound_to[CMS_BOUND_LEN],
    struct view share)
{
	const struct cms_recipient *r = &e->recipients[index];
	uint8_t hash[HASH_LEN];

	return share.len == e->wire->alg->key_len &&
	       commit(e->set_id, e->threshold, r->number, bound_to, share, hash) &&
	       CRYPTO_memcmp(hash, r->commitment.ptr, sizeof hash) == 0;
}

bool
cms_share_open(const struct cms_enveloped *e, size_t index, EVP_PKEY *key,
    const uint8_t bound_to[CMS_BOUND_LEN], struct secret *share_out, struct err *err)
{
	uint8_t share[CMS_KEY_MAX] = {0};
	struct view value = view_of(share, e->wire->alg->key_len);
	bool right = false, ok;

	*share_out = (struct secret){0};
	ok = has_share(e, index, err) && cms_recipient_key(e, index, key, share, &right, err);
	/* A random one is no share either. */
	if (ok && (!cms_share_is_of(e, index, bound_to, value) || !right))
		ok = cms_bad_data(err);
	ok = ok && secret_dup(value, share_out, err);
	OPENSSL_cleanse(share, sizeof share);
	return ok;
}

static bool
check_shares(const struct cms_enveloped *e, const uint8_t bound_to[CMS_BOUND_LEN],
    const struct cms_share *shares, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!has_share(e, shares[i].recipient, err))
			return false;
		if (!cms_share_is_of(e, shares[i].recipient, bound_to, shares[i].value))
			return err_set(err, DIRCA_E_KEY_SHARE,
			    "share %u is not the one that the message is committed to",
			    (unsigned)e->recipients[shares[i].recipient].number);
		for (size_t k = 0; k < i; k++)
			if (shares[k].recipient == shares[i].recipient)
				return err_set(err, DIRCA_E_KEY_SHARE, "share %u is there twice",
				    (unsigned)e->recipients[shares[i].recipient].number);
	}
	return count >= e->threshold || err_set(err, DIRCA_E_KEY_SHARE,
					    "%zu of %zu shares open the message, and %zu are there",
					    e->threshold, e->count, count);
}

bool
cms_shares_open(const struct cms_enveloped *e, const uint8_t bound_to[CMS_BOUND_LEN],
    const struct cms_share *shares, size_t count, struct secret *content_out, struct err *err)
{
	uint8_t numbers[CMS_RECIPIENTS_MAX], cek[CMS_KEY_MAX];
	const uint8_t *values[CMS_RECIPIENTS_MAX];
	bool ok;

	*content_out = (struct secret){0};
	if (!check_shares(e, bound_to, shares, count, err))
		return false;
	for (size_t i = 0; i < e->threshold; i++) {
		numbers[i] = e->recipients[shares[i].recipient].number;
		values[i] = shares[i].value.ptr;
	}
	ok = shamir_combine(numbers, values, e->threshold, e->wire->alg->key_len, cek) ||
	     err_set(err, DIRCA_E_INTERNAL, "shares with one number");
	ok = ok && cms_content_open(e, cek, true, content_out, err);
	OPENSSL_cleanse(cek, sizeof cek);
	return ok;
}
