/*
 * Round-trip proofs: d2i and i2d of a whole CMC message through the templates. What comes out is
 * what went in, or the templates lack something. Header only.
 */
#ifndef SUPPORT_CMC_REENCODE_H
#define SUPPORT_CMC_REENCODE_H

#include <openssl/objects.h>

#include "cmc_asn1.h"
#include "der.h"
#include "oids.h"

#define CMC_REENCODE_MAX (1024 * 1024)

/* The content, if it is one of CMC's, is taken apart and written anew too. */
static inline bool
cmc_reencode_content(CMSW_ENCAP *encap, struct err *err)
{
	struct view content = der_string(encap->content);
	int nid = OBJ_obj2nid(encap->type);
	const ASN1_ITEM *item;
	struct buf again = {0};
	void *wire = NULL;
	bool ok;

	if (nid == oid_nid(OID_CT_PKI_DATA))
		item = ASN1_ITEM_rptr(CMCW_PKI_DATA);
	else if (nid == oid_nid(OID_CT_PKI_RESPONSE))
		item = ASN1_ITEM_rptr(CMCW_RESPONSE);
	else
		return true;
	wire = der_decode(item, content, CMC_REENCODE_MAX, "the CMC content", err);
	ok = wire != NULL && der_encode(item, wire, "the CMC content", &again, err) &&
	     der_string_set(encap->content, buf_view(&again), err);
	ASN1_item_free(wire, item);
	buf_free(&again);
	return ok;
}

static inline bool
cmc_reencode(struct view der, struct buf *out, struct err *err)
{
	OWNED(own_cmsw_signed) CMSW_SIGNED *m = NULL;

	*out = (struct buf){0};
	m = der_decode(ASN1_ITEM_rptr(CMSW_SIGNED), der, CMC_REENCODE_MAX, "the CMC message", err);
	return m != NULL && cmc_reencode_content(m->data->encap, err) &&
	       der_encode(ASN1_ITEM_rptr(CMSW_SIGNED), m, "the CMC message", out, err);
}

#endif
