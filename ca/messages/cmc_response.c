#include "cmc.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "cmc_control.h"
#include "cms_algs.h"
#include "der.h"
#include "mem.h"
#include "text.h"

#define CONTENT_MAX (1024 * 1024)

struct cmc_response_wire {
	CMCW_RESPONSE *body;
	CMCW_ADD_ATTRIBUTES *attributes;
};

static bool
read_pending(const CMCW_STATUS_INFO *info, struct cmc_response *out, struct err *err)
{
	char *token = NULL;
	bool ok = false;

	if (info->other == NULL || info->other->type != CMCW_OTHER_PEND)
		return err_set(err, ERROR_INVALID_DATA,
		    "the CMC response says pending but does not name the request");
	if (!text_from_view(der_string(info->other->d.pend->token), &token, err))
		return err_prefix(err, "the pending request's identifier");
	if (text_to_int(token, 0, INT64_MAX, &out->pending_id))
		ok = true;
	else
		err_set(err, ERROR_INVALID_DATA,
		    "the pending request's identifier '%s' is not a number", token);
	free(token);
	return ok;
}

static bool
read_fail_info(const CMCW_STATUS_INFO *info, struct cmc_response *out, struct err *err)
{
	int64_t number;

	if (info->other == NULL)
		return true;
	if (info->other->type != CMCW_OTHER_FAIL || !der_int64(&number, info->other->d.fail) ||
	    number < 0 || number > INT16_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "the CMC response fails without a proper failure code");
	out->fail_info = (int)number;
	return true;
}

static bool
read_status_info(const CMCW_STATUS_INFO *info, struct cmc_response *out, struct err *err)
{
	if (info->text != NULL && !text_from_view(der_string(info->text), &out->text, err))
		return err_prefix(err, "the status text of the CMC response");
	switch (info->status) {
	case CMC_STATUS_SUCCESS:
		out->status = CMC_STATUS_SUCCESS;
		if (info->other != NULL)
			return err_set(err, ERROR_INVALID_DATA,
			    "the CMC response says success and gives a reason against it");
		return true;
	case CMC_STATUS_FAILED:
		out->status = CMC_STATUS_FAILED;
		return read_fail_info(info, out, err);
	case CMC_STATUS_PENDING:
		out->status = CMC_STATUS_PENDING;
		return read_pending(info, out, err);
	default:
		return err_set(err, ERROR_INVALID_DATA,
		    "the CMC response has the unknown status %d", (int)info->status);
	}
}

static bool
read_status(struct cmc_response *out, struct err *err)
{
	struct view value;
	OWNED(own_cmcw_status_info) CMCW_STATUS_INFO *info = NULL;

	if (!cmc_control_value(out->wire->body->controls, OID_CMC_STATUS_INFO, &value, err))
		return false;
	if (value.len == 0)
		return err_set(err, ERROR_INVALID_DATA, "the CMC response has no status");
	info = der_decode(ASN1_ITEM_rptr(CMCW_STATUS_INFO), value, CONTENT_MAX,
	    "the status of the CMC response", err);
	return info != NULL && read_status_info(info, out, err);
}

static bool
read_all(struct cmc_response *out, struct err *err)
{
	struct cmc_response_wire *w;

	out->fail_info = -1;
	if (strcmp(out->message.content_oid, oid_dotted(OID_CT_PKI_RESPONSE)) != 0)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "the signed content is of type %s, not a CMC response",
		    out->message.content_oid);
	if (out->message.signer_count == 0)
		return err_set(err, CRYPT_E_NO_SIGNER, "the CMC response is not signed");
	w = out->wire = mem_zero(1, sizeof *out->wire);
	w->body = der_decode(ASN1_ITEM_rptr(CMCW_RESPONSE), out->message.content, CONTENT_MAX,
	    "the body of the CMC response", err);
	return w->body != NULL && cmc_controls_check(w->body->controls, err) &&
	       read_status(out, err) &&
	       cmc_transaction_read(w->body->controls, &out->transaction, err) &&
	       cmc_add_attributes(w->body->controls, &w->attributes, err) &&
	       cmc_added_octets(w->attributes, OID_ISSUED_CERT_HASH, &out->issued_sha1, err) &&
	       cmc_added_octets(w->attributes, OID_ENCRYPTED_KEY_HASH, &out->key_hash, err);
}

bool
cmc_response_decode(struct view der, struct cmc_response *out, struct err *err)
{
	*out = (struct cmc_response){0};
	if (cms_signed_decode(der, &out->message, err) && read_all(out, err))
		return true;
	cmc_response_free(out);
	return false;
}

void
cmc_response_free(struct cmc_response *r)
{
	if (r->wire != NULL) {
		CMCW_RESPONSE_free(r->wire->body);
		CMCW_ADD_ATTRIBUTES_free(r->wire->attributes);
		free(r->wire);
	}
	free(r->text);
	cms_signed_free(&r->message);
	*r = (struct cmc_response){0};
}

struct view
cmc_response_certificate(const struct cmc_response *r)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	struct err err;
	size_t len;

	for (size_t i = 0; i < r->message.certificate_count; i++)
		if (cms_hash(cms_digest(NID_sha1), r->message.certificates[i], hash, &len, &err) &&
		    view_eq(r->issued_sha1, view_of(hash, len)))
			return r->message.certificates[i];
	return (struct view){0};
}
