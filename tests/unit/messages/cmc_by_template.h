/* The body of a CMC response by OpenSSL's templates, to which the octets that are written are held.
 */
#ifndef TESTS_CMC_BY_TEMPLATE_H
#define TESTS_CMC_BY_TEMPLATE_H

#include <inttypes.h>
#include <time.h>

#include "cmc_control.h"
#include "cms_attr.h"
#include "cms_support.h"
#include "der.h"

static inline CMCW_OTHER_INFO *
other_by_template(const struct cmc_response_body *in)
{
	CMCW_OTHER_INFO *other = CMCW_OTHER_INFO_new();
	struct err err;
	char token[24];
	int len = snprintf(token, sizeof token, "%" PRId64, in->pending_id);

	if (in->status == CMC_STATUS_PENDING) {
		other->type = CMCW_OTHER_PEND;
		other->d.pend = CMCW_PEND_INFO_new();
		assert_non_null(
		    ASN1_GENERALIZEDTIME_set(other->d.pend->time, (time_t)in->pending_time));
		must(der_string_set(other->d.pend->token, view_of(token, (size_t)len), &err), &err);
	} else {
		other->type = CMCW_OTHER_FAIL;
		other->d.fail = ASN1_INTEGER_new();
		assert_int_equal(ASN1_INTEGER_set(other->d.fail, in->fail_info), 1);
	}
	return other;
}

static inline void
status_by_template(CMCW_RESPONSE *body, const struct cmc_response_body *in)
{
	CMCW_STATUS_INFO *info = CMCW_STATUS_INFO_new();
	struct err err;

	assert_true(cmc_integer_push(info->body_list, in->body_part_id));
	info->status = (int32_t)in->status;
	if (in->text != NULL)
		info->text = der_string_new(V_ASN1_UTF8STRING, view_str(in->text));
	if (in->status == CMC_STATUS_PENDING ||
	    (in->status == CMC_STATUS_FAILED && in->fail_info >= 0))
		info->other = other_by_template(in);
	must(cmc_control_push(body->controls, 1, OID_CMC_STATUS_INFO,
		 ASN1_ITEM_rptr(CMCW_STATUS_INFO), info, &err),
	    &err);
	CMCW_STATUS_INFO_free(info);
}

static inline void
hashes_by_template(CMCW_RESPONSE *body, const struct cmc_response_body *in)
{
	CMCW_ADD_ATTRIBUTES *a;
	struct err err;

	if (in->issued_sha1.len == 0 && in->key_hash.len == 0)
		return;
	a = cmc_add_attributes_new(in->body_part_id);
	if (in->issued_sha1.len > 0)
		must(cms_attr_push_octets(
			 a->attributes, oid_dotted(OID_ISSUED_CERT_HASH), in->issued_sha1, &err),
		    &err);
	if (in->key_hash.len > 0)
		must(cms_attr_push_octets(
			 a->attributes, oid_dotted(OID_ENCRYPTED_KEY_HASH), in->key_hash, &err),
		    &err);
	must(cmc_control_push(body->controls, 2, OID_CMC_ADD_ATTRIBUTES,
		 ASN1_ITEM_rptr(CMCW_ADD_ATTRIBUTES), a, &err),
	    &err);
	CMCW_ADD_ATTRIBUTES_free(a);
}

static inline void
response_body_by_template(const struct cmc_response_body *in, struct buf *out)
{
	CMCW_RESPONSE *body = CMCW_RESPONSE_new();
	struct err err;

	status_by_template(body, in);
	hashes_by_template(body, in);
	must(cmc_transaction_push(body->controls, 3, &in->transaction, &err), &err);
	must(der_encode(ASN1_ITEM_rptr(CMCW_RESPONSE), body, "body", out, &err), &err);
	CMCW_RESPONSE_free(body);
}

#endif
