#include "cmc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmc_control.h"
#include "cms_attr.h"
#include "der.h"

enum { PART_STATUS = 1, PART_ATTRIBUTES = 2, PART_TRANSACTION = 3 };

/* The token is the request id in decimal text: what the client asks for again. */
static bool
set_pending(CMCW_OTHER_INFO *other, const struct cmc_response_body *in, struct err *err)
{
	char token[24];
	int len = snprintf(token, sizeof token, "%" PRId64, in->pending_id);

	other->type = CMCW_OTHER_PEND;
	if ((other->d.pend = CMCW_PEND_INFO_new()) == NULL)
		return err_nomem(err);
	if (ASN1_GENERALIZEDTIME_set(other->d.pend->time, (time_t)in->pending_time) == NULL)
		return err_openssl(
		    err, E_INVALIDARG, "the time of a pending request is out of range");
	return der_string_set(other->d.pend->token, view_of(token, (size_t)len), err);
}

static bool
set_other(CMCW_STATUS_INFO *info, const struct cmc_response_body *in, struct err *err)
{
	if (in->status == CMC_STATUS_SUCCESS ||
	    (in->status == CMC_STATUS_FAILED && in->fail_info < 0))
		return true;
	if ((info->other = CMCW_OTHER_INFO_new()) == NULL)
		return err_nomem(err);
	if (in->status == CMC_STATUS_PENDING)
		return set_pending(info->other, in, err);
	info->other->type = CMCW_OTHER_FAIL;
	if ((info->other->d.fail = ASN1_INTEGER_new()) == NULL ||
	    ASN1_INTEGER_set(info->other->d.fail, in->fail_info) != 1)
		return err_nomem(err);
	return true;
}

static bool
add_status(CMCW_RESPONSE *body, const struct cmc_response_body *in, struct err *err)
{
	OWNED(own_cmcw_status_info) CMCW_STATUS_INFO *info = CMCW_STATUS_INFO_new();

	if (info == NULL || !cmc_integer_push(info->body_list, in->body_part_id))
		return err_nomem(err);
	info->status = (int32_t)in->status;
	if (in->text != NULL &&
	    (info->text = der_string_new(V_ASN1_UTF8STRING, view_str(in->text))) == NULL)
		return err_nomem(err);
	return set_other(info, in, err) &&
	       cmc_control_push(body->controls, PART_STATUS, OID_CMC_STATUS_INFO,
		   ASN1_ITEM_rptr(CMCW_STATUS_INFO), info, err);
}

static bool
add_hashes(CMCW_RESPONSE *body, const struct cmc_response_body *in, struct err *err)
{
	CMCW_ADD_ATTRIBUTES *a;
	bool ok;

	if (in->issued_sha1.len == 0 && in->key_hash.len == 0)
		return true;
	if ((a = cmc_add_attributes_new(in->body_part_id)) == NULL)
		return err_nomem(err);
	/* In this order they are also in DER order. */
	ok =
	    (in->issued_sha1.len == 0 ||
		cms_attr_push_octets(
		    a->attributes, oid_dotted(OID_ISSUED_CERT_HASH), in->issued_sha1, err)) &&
	    (in->key_hash.len == 0 || cms_attr_push_octets(a->attributes,
					  oid_dotted(OID_ENCRYPTED_KEY_HASH), in->key_hash, err)) &&
	    cmc_control_push(body->controls, PART_ATTRIBUTES, OID_CMC_ADD_ATTRIBUTES,
		ASN1_ITEM_rptr(CMCW_ADD_ATTRIBUTES), a, err);
	CMCW_ADD_ATTRIBUTES_free(a);
	return ok;
}

bool
cmc_response_body_encode(const struct cmc_response_body *in, struct buf *out, struct err *err)
{
	CMCW_RESPONSE *body = CMCW_RESPONSE_new();
	bool ok;

	*out = (struct buf){0};
	if (body == NULL)
		return err_nomem(err);
	ok =
	    add_status(body, in, err) && add_hashes(body, in, err) &&
	    cmc_transaction_push(body->controls, PART_TRANSACTION, &in->transaction, err) &&
	    der_encode(ASN1_ITEM_rptr(CMCW_RESPONSE), body, "the body of a CMC response", out, err);
	CMCW_RESPONSE_free(body);
	return ok;
}
