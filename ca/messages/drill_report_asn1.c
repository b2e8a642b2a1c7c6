#include "drill_report.h"

#include <openssl/asn1t.h>
#include <openssl/safestack.h>

#include "der.h"

#define VERSION 1
#define WHAT    "the report of a drill"

typedef struct {
	ASN1_OCTET_STRING *sealed, *signature;
} DRILL_PROOF;
DEFINE_STACK_OF(DRILL_PROOF)

typedef struct drill_report_wire {
	int32_t version;
	ASN1_OCTET_STRING *drill;
	STACK_OF(DRILL_PROOF) * proofs;
} DRILL_REPORT;

/* clang-format off */
ASN1_SEQUENCE(DRILL_PROOF) = {
	ASN1_SIMPLE(DRILL_PROOF, sealed, ASN1_OCTET_STRING),
	ASN1_SIMPLE(DRILL_PROOF, signature, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(DRILL_PROOF)

ASN1_SEQUENCE(DRILL_REPORT) = {
	ASN1_EMBED(DRILL_REPORT, version, INT32),
	ASN1_SIMPLE(DRILL_REPORT, drill, ASN1_OCTET_STRING),
	ASN1_SEQUENCE_OF(DRILL_REPORT, proofs, DRILL_PROOF),
} static_ASN1_SEQUENCE_END(DRILL_REPORT)
/* clang-format on */

static void
own_report(DRILL_REPORT **r)
{
	ASN1_item_free((ASN1_VALUE *)*r, ASN1_ITEM_rptr(DRILL_REPORT));
}

static void
own_proof(DRILL_PROOF **p)
{
	ASN1_item_free((ASN1_VALUE *)*p, ASN1_ITEM_rptr(DRILL_PROOF));
}

static bool
bad(struct err *err, const char *why)
{
	return err_set(err, ERROR_INVALID_DATA, WHAT ": %s", why);
}

/* What reader and writer demand alike. */
static bool
check(const struct drill_report *r, struct err *err)
{
	if (r->drill.len != DRILL_ID)
		return bad(err, "the name of the drill has 16 octets");
	if (r->count == 0 || r->count > DRILL_PROOFS_MAX)
		return bad(err, "it has 1 to 100 proofs");
	for (size_t i = 0; i < r->count; i++)
		if (r->proofs[i].sealed.len != DRILL_HASH || r->proofs[i].signature.len == 0)
			return bad(err, "a proof is a hash of 32 octets and a signature");
	return true;
}

static bool
push_proof(DRILL_REPORT *wire, const struct drill_proof *proof, struct err *err)
{
	OWNED(own_proof)
	DRILL_PROOF *p = (DRILL_PROOF *)ASN1_item_new(ASN1_ITEM_rptr(DRILL_PROOF));

	if (p == NULL || !der_string_set(p->sealed, proof->sealed, err) ||
	    !der_string_set(p->signature, proof->signature, err) ||
	    sk_DRILL_PROOF_push(wire->proofs, p) <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, WHAT);
	p = NULL;
	return true;
}

bool
drill_report_encode(const struct drill_report *r, struct buf *out, struct err *err)
{
	OWNED(own_report)
	DRILL_REPORT *wire = (DRILL_REPORT *)ASN1_item_new(ASN1_ITEM_rptr(DRILL_REPORT));

	*out = (struct buf){0};
	if (!check(r, err))
		return false;
	if (wire == NULL || !der_string_set(wire->drill, r->drill, err))
		return err_openssl(err, DIRCA_E_CRYPTO, WHAT);
	wire->version = VERSION;
	for (size_t i = 0; i < r->count; i++)
		if (!push_proof(wire, &r->proofs[i], err))
			return false;
	if (!der_encode(ASN1_ITEM_rptr(DRILL_REPORT), wire, WHAT, out, err))
		return false;
	if (out->len <= DRILL_REPORT_MAX)
		return true;
	buf_free(out);
	return err_set(err, DIRCA_E_TOO_LARGE, WHAT " has over %d octets", DRILL_REPORT_MAX);
}

static bool
take(const DRILL_REPORT *wire, struct drill_report *out, struct err *err)
{
	int count = sk_DRILL_PROOF_num(wire->proofs);

	if (wire->version != VERSION)
		return bad(err, "its version is unknown");
	out->drill = der_string(wire->drill);
	out->count = count > 0 ? (size_t)count : 0;
	for (int i = 0; i < count && i < DRILL_PROOFS_MAX; i++) {
		const DRILL_PROOF *p = sk_DRILL_PROOF_value(wire->proofs, i);

		out->proofs[i] =
		    (struct drill_proof){der_string(p->sealed), der_string(p->signature)};
	}
	return check(out, err);
}

bool
drill_report_decode(struct view der, struct drill_report *out, struct err *err)
{
	*out = (struct drill_report){0};
	out->wire = der_decode(ASN1_ITEM_rptr(DRILL_REPORT), der, DRILL_REPORT_MAX, WHAT, err);
	if (out->wire == NULL)
		return false;
	if (take(out->wire, out, err))
		return true;
	drill_report_free(out);
	return false;
}

void
drill_report_free(struct drill_report *r)
{
	own_report(&r->wire);
	*r = (struct drill_report){0};
}
