/*
 * The control by which a client says who sends a request, to which CA, and when (docs/PROTOCOL.md).
 */
#include "cmc.h"

#include <string.h>

#include "cmc_control.h"
#include "der.h"

#define BINDING_MAX 2048

static bool
read_time(const ASN1_GENERALIZEDTIME *from, int64_t *out, struct err *err)
{
	return der_instant(from, out) ||
	       err_set(err, ERROR_INVALID_DATA,
		   "control RequestBinding: its time is not of the form YYYYMMDDHHMMSSZ");
}

static bool
check_hash(struct view hash, const char *of, struct err *err)
{
	return hash.len == CMC_BINDING_HASH_LEN ||
	       err_set(err, ERROR_INVALID_DATA,
		   "control RequestBinding: the hash of the %s certificate has %zu bytes", of,
		   hash.len);
}

bool
cmc_binding_read(const STACK_OF(CMCW_CONTROL) * controls, CMCW_BINDING **wire_out,
    struct cmc_request *out, struct err *err)
{
	struct cmc_binding *b = &out->binding;
	struct view value;

	if (!cmc_control_value(controls, OID_DIRCA_REQUEST_BINDING, &value, err))
		return false;
	if (value.len == 0)
		return true;
	if ((*wire_out = der_decode(ASN1_ITEM_rptr(CMCW_BINDING), value, BINDING_MAX,
		 "the control RequestBinding", err)) == NULL)
		return false;
	b->ca = der_string((*wire_out)->ca);
	if (!read_time((*wire_out)->time, &b->time, err) || !check_hash(b->ca, "CA", err))
		return false;
	if ((*wire_out)->exchange != NULL) {
		b->exchange = der_string((*wire_out)->exchange);
		if (!check_hash(b->exchange, "exchange", err))
			return false;
	}
	if ((*wire_out)->sender != NULL)
		b->sender = der_string((*wire_out)->sender);
	out->has_binding = true;
	return true;
}

static bool
fill(const struct cmc_binding *in, CMCW_BINDING *b, struct err *err)
{
	if (ASN1_GENERALIZEDTIME_set(b->time, (time_t)in->time) == NULL)
		return err_nomem(err);
	if (in->exchange.len > 0 &&
	    (b->exchange = der_string_new(V_ASN1_OCTET_STRING, in->exchange)) == NULL)
		return err_nomem(err);
	if (in->sender.len > 0 &&
	    (b->sender = der_string_new(V_ASN1_UTF8STRING, in->sender)) == NULL)
		return err_nomem(err);
	return der_string_set(b->ca, in->ca, err);
}

bool
cmc_binding_make(const struct cmc_binding *in, CMCW_BINDING **out, struct err *err)
{
	CMCW_BINDING *b = CMCW_BINDING_new();

	*out = NULL;
	if (b == NULL)
		return err_nomem(err);
	if (!fill(in, b, err)) {
		CMCW_BINDING_free(b);
		return false;
	}
	*out = b;
	return true;
}
