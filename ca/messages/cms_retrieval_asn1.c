#include "retrieval.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/asn1t.h>
#include <openssl/safestack.h>

#include "der.h"
#include "printable.h"

#define VERSION     1
#define SID_MAX     190
#define ENCODED_MAX 4096
#define WHAT        "the retrieval that the CA signed"

DEFINE_STACK_OF(ASN1_OCTET_STRING)

typedef struct {
	int32_t version;
	int64_t request_id, audit_row;
	ASN1_GENERALIZEDTIME *when;
	ASN1_UTF8STRING *officer, *officer_sid;
	ASN1_OCTET_STRING *certificate;
	STACK_OF(ASN1_OCTET_STRING) * chain, *kras;
	int64_t case_id;
	ASN1_UTF8STRING *ticket;
} KEY_RETRIEVAL;

/* clang-format off */
ASN1_SEQUENCE(KEY_RETRIEVAL) = {
	ASN1_EMBED(KEY_RETRIEVAL, version, INT32),
	ASN1_EMBED(KEY_RETRIEVAL, request_id, INT64),
	ASN1_EMBED(KEY_RETRIEVAL, audit_row, INT64),
	ASN1_SIMPLE(KEY_RETRIEVAL, when, ASN1_GENERALIZEDTIME),
	ASN1_SIMPLE(KEY_RETRIEVAL, officer, ASN1_UTF8STRING),
	ASN1_IMP_OPT(KEY_RETRIEVAL, officer_sid, ASN1_UTF8STRING, 0),
	ASN1_SIMPLE(KEY_RETRIEVAL, certificate, ASN1_OCTET_STRING),
	ASN1_SEQUENCE_OF(KEY_RETRIEVAL, chain, ASN1_OCTET_STRING),
	ASN1_SEQUENCE_OF(KEY_RETRIEVAL, kras, ASN1_OCTET_STRING),
	ASN1_IMP_OPT_EMBED(KEY_RETRIEVAL, case_id, ZINT64, 1),
	ASN1_IMP_OPT(KEY_RETRIEVAL, ticket, ASN1_UTF8STRING, 2),
} static_ASN1_SEQUENCE_END(KEY_RETRIEVAL)
/* clang-format on */

static bool
bad(struct err *err, const char *why)
{
	return err_set(err, ERROR_INVALID_DATA, WHAT ": %s", why);
}

static bool
check_text(const char *text, size_t max)
{
	uint32_t ignored;

	return *text != '\0' && strlen(text) <= max && printable_text(view_str(text), &ignored);
}

/* What reader and writer demand alike. */
static bool
check(const struct retrieval *r, struct err *err)
{
	if (r->request_id < 1 || r->audit_row < 0)
		return bad(err, "the request is a number from 1, the audit row one from 0");
	if (r->officer == NULL || !check_text(r->officer, RETRIEVAL_OFFICER_MAX))
		return bad(err, "the officer's name is absent, over-long or no text");
	if (r->officer_sid != NULL && !check_text(r->officer_sid, SID_MAX))
		return bad(err, "the officer's SID is over-long or no text");
	if (r->case_id < 0 || (r->ticket != NULL && r->case_id == 0) ||
	    (r->ticket != NULL && !check_text(r->ticket, RETRIEVAL_TICKET_MAX)))
		return bad(
		    err, "the recovery case is no number, or its ticket over-long or no text");
	if (r->chain_count == 0 || r->chain_count > RETRIEVAL_CERTS_MAX ||
	    r->kra_count > RETRIEVAL_CERTS_MAX - r->chain_count)
		return bad(err, "too few or too many certificates are named");
	return true;
}

/* ---- writing ---- */

static ASN1_OCTET_STRING *
hash_string(const struct retrieval_hash *h)
{
	return der_string_new(V_ASN1_OCTET_STRING, view_of(h->sha256, sizeof h->sha256));
}

static bool
push_hashes(STACK_OF(ASN1_OCTET_STRING) * to, const struct retrieval_hash *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ASN1_OCTET_STRING *s = hash_string(&list[i]);

		if (s == NULL || sk_ASN1_OCTET_STRING_push(to, s) <= 0) {
			ASN1_OCTET_STRING_free(s);
			return false;
		}
	}
	return true;
}

static bool
fill(const struct retrieval *r, KEY_RETRIEVAL *wire, struct err *err)
{
	wire->version = VERSION;
	wire->request_id = r->request_id;
	wire->audit_row = r->audit_row;
	wire->case_id = r->case_id;
	if (ASN1_GENERALIZEDTIME_set(wire->when, (time_t)r->when) == NULL ||
	    !der_string_set(wire->officer, view_str(r->officer), err) ||
	    (r->officer_sid != NULL && (wire->officer_sid = der_string_new(V_ASN1_UTF8STRING,
					    view_str(r->officer_sid))) == NULL) ||
	    (r->ticket != NULL &&
		(wire->ticket = der_string_new(V_ASN1_UTF8STRING, view_str(r->ticket))) == NULL) ||
	    !der_string_set(wire->certificate,
		view_of(r->certificate.sha256, sizeof r->certificate.sha256), err) ||
	    !push_hashes(wire->chain, r->chain, r->chain_count) ||
	    !push_hashes(wire->kras, r->kras, r->kra_count))
		return err_nomem(err);
	return true;
}

bool
retrieval_encode(const struct retrieval *r, struct buf *der_out, struct err *err)
{
	KEY_RETRIEVAL *wire = NULL;
	bool ok = false;

	*der_out = (struct buf){0};
	if (!check(r, err)) {
		err->code = E_INVALIDARG;
		return false;
	}
	wire = (KEY_RETRIEVAL *)ASN1_item_new(ASN1_ITEM_rptr(KEY_RETRIEVAL));
	if (wire == NULL)
		return err_nomem(err);
	ok = fill(r, wire, err) &&
	     der_encode(ASN1_ITEM_rptr(KEY_RETRIEVAL), wire, WHAT, der_out, err);
	ASN1_item_free((ASN1_VALUE *)wire, ASN1_ITEM_rptr(KEY_RETRIEVAL));
	return ok;
}

/* ---- reading ---- */

static bool
read_hash(const ASN1_OCTET_STRING *from, struct retrieval_hash *to, struct err *err)
{
	struct view v = der_string(from);

	if (v.len != sizeof to->sha256)
		return bad(err, "a certificate is not named by its SHA-256");
	memcpy(to->sha256, v.ptr, v.len);
	return true;
}

static bool
read_hashes(const STACK_OF(ASN1_OCTET_STRING) * from, struct retrieval_hash **list,
    size_t *count_out, struct err *err)
{
	int count = sk_ASN1_OCTET_STRING_num(from);

	if ((*list = calloc((size_t)count + 1, sizeof **list)) == NULL)
		return err_nomem(err);
	*count_out = (size_t)count;
	for (int i = 0; i < count; i++)
		if (!read_hash(sk_ASN1_OCTET_STRING_value(from, i), &(*list)[i], err))
			return false;
	return true;
}

/* A NUL would hide the rest: then the copy is shorter than what came. */
static bool
read_text(const ASN1_UTF8STRING *from, char **out, struct err *err)
{
	struct view v = der_string(from);

	if ((*out = strndup(v.len > 0 ? (const char *)v.ptr : "", v.len)) == NULL)
		return err_nomem(err);
	return strlen(*out) == v.len || bad(err, "a text holds a NUL");
}

static bool
same_hash(const struct retrieval_hash *a, const uint8_t sha256[RETRIEVAL_HASH_LEN])
{
	return memcmp(a->sha256, sha256, RETRIEVAL_HASH_LEN) == 0;
}

static size_t
count_hash(
    const struct retrieval_hash *list, size_t count, const uint8_t sha256[RETRIEVAL_HASH_LEN])
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += same_hash(&list[i], sha256);
	return found;
}

static size_t
count_everywhere(const struct retrieval *r, const uint8_t sha256[RETRIEVAL_HASH_LEN])
{
	return same_hash(&r->certificate, sha256) + count_hash(r->chain, r->chain_count, sha256) +
	       count_hash(r->kras, r->kra_count, sha256);
}

static bool
check_once(const struct retrieval *r, struct err *err)
{
	bool once = count_everywhere(r, r->certificate.sha256) == 1;

	for (size_t i = 0; once && i < r->chain_count; i++)
		once = count_everywhere(r, r->chain[i].sha256) == 1;
	for (size_t i = 0; once && i < r->kra_count; i++)
		once = count_everywhere(r, r->kras[i].sha256) == 1;
	return once || bad(err, "a certificate is named twice");
}

bool
retrieval_decode(struct view der, struct retrieval *out, struct err *err)
{
	KEY_RETRIEVAL *wire;
	bool ok = false;

	*out = (struct retrieval){0};
	if ((wire = der_decode(ASN1_ITEM_rptr(KEY_RETRIEVAL), der, ENCODED_MAX, WHAT, err)) == NULL)
		return false;
	out->request_id = wire->request_id;
	out->audit_row = wire->audit_row;
	out->case_id = wire->case_id;
	if (wire->version != VERSION)
		bad(err, "its version is unknown");
	else
		ok = (der_instant(wire->when, &out->when) || bad(err, "the time is none")) &&
		     read_text(wire->officer, &out->officer, err) &&
		     (wire->officer_sid == NULL ||
			 read_text(wire->officer_sid, &out->officer_sid, err)) &&
		     (wire->ticket == NULL || read_text(wire->ticket, &out->ticket, err)) &&
		     read_hash(wire->certificate, &out->certificate, err) &&
		     read_hashes(wire->chain, &out->chain, &out->chain_count, err) &&
		     read_hashes(wire->kras, &out->kras, &out->kra_count, err) && check(out, err) &&
		     check_once(out, err);
	ASN1_item_free((ASN1_VALUE *)wire, ASN1_ITEM_rptr(KEY_RETRIEVAL));
	if (!ok)
		retrieval_free(out);
	return ok;
}

void
retrieval_free(struct retrieval *r)
{
	free(r->officer);
	free(r->officer_sid);
	free(r->ticket);
	free(r->chain);
	free(r->kras);
	*r = (struct retrieval){0};
}

bool
retrieval_has(const struct retrieval *r, const uint8_t sha256[RETRIEVAL_HASH_LEN])
{
	return count_everywhere(r, sha256) > 0;
}
