#include "cmc_control.h"

#include <openssl/objects.h>

#include "cms_attr.h"
#include "der.h"

#define CONTROL_VALUE_MAX (1024 * 1024)

bool
cmc_controls_check(const STACK_OF(CMCW_CONTROL) * controls, struct err *err)
{
	int count = sk_CMCW_CONTROL_num(controls);

	if (count > CMC_CONTROLS_MAX)
		return err_set(err, ERROR_INVALID_DATA, "the message has %d controls, more than %d",
		    count, CMC_CONTROLS_MAX);
	for (int i = 0; i < count; i++) {
		int nid = OBJ_obj2nid(sk_CMCW_CONTROL_value(controls, i)->type);

		if (nid == oid_nid(OID_ARCHIVED_KEY_ATTR) || nid == oid_nid(OID_ENCRYPTED_KEY_HASH))
			return err_set(err, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL,
			    "an archived key or its hash comes as a CMC control");
	}
	return true;
}

bool
cmc_control_value(
    const STACK_OF(CMCW_CONTROL) * controls, enum oid_id id, struct view *out, struct err *err)
{
	struct cms_attr attr;

	*out = (struct view){0};
	for (int i = 0; i < sk_CMCW_CONTROL_num(controls); i++) {
		const CMCW_CONTROL *c = sk_CMCW_CONTROL_value(controls, i);

		if (OBJ_obj2nid(c->type) != oid_nid(id))
			continue;
		if (out->len > 0)
			return err_set(
			    err, ERROR_INVALID_DATA, "control %s comes twice", oid_dotted(id));
		if (!der_attr(oid_object_octets(c->type), der_string(c->values), &attr, err) ||
		    !cms_attr_single(&attr, out, err))
			return err_prefix(err, "CMC control");
	}
	return true;
}

bool
cmc_references(uint32_t data_reference, const STACK_OF(ASN1_INTEGER) * list, int64_t body_part,
    const char *control, struct err *err)
{
	int64_t number;

	if (data_reference != 0 || sk_ASN1_INTEGER_num(list) != 1 ||
	    !der_int64(&number, sk_ASN1_INTEGER_value(list, 0)) || number != body_part)
		return err_set(err, ERROR_INVALID_DATA,
		    "control %s is not about body part %lld and that alone", control,
		    (long long)body_part);
	return true;
}

static bool
check_attributes(const STACK_OF(CMSW_ATTRIBUTE) * list, struct err *err)
{
	int count = sk_CMSW_ATTRIBUTE_num(list);

	if (count > CMC_CONTROLS_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "control AddAttributes has %d attributes, more than %d", count,
		    CMC_CONTROLS_MAX);
	for (int i = 0; i < count; i++)
		if (OBJ_obj2nid(sk_CMSW_ATTRIBUTE_value(list, i)->type) ==
		    oid_nid(OID_ARCHIVED_KEY_ATTR))
			return err_set(err, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL,
			    "the archived key is in the control AddAttributes");
	return true;
}

bool
cmc_add_attributes(
    const STACK_OF(CMCW_CONTROL) * controls, CMCW_ADD_ATTRIBUTES **out, struct err *err)
{
	struct view value;

	*out = NULL;
	if (!cmc_control_value(controls, OID_CMC_ADD_ATTRIBUTES, &value, err))
		return false;
	if (value.len == 0)
		return true;
	*out = der_decode(ASN1_ITEM_rptr(CMCW_ADD_ATTRIBUTES), value, CONTROL_VALUE_MAX,
	    "the control AddAttributes", err);
	return *out != NULL && check_attributes((*out)->attributes, err);
}

bool
cmc_added_octets(const CMCW_ADD_ATTRIBUTES *from, enum oid_id id, struct view *out, struct err *err)
{
	struct cms_attr attr;

	*out = (struct view){0};
	if (from == NULL)
		return true;
	for (int i = 0; i < sk_CMSW_ATTRIBUTE_num(from->attributes); i++) {
		const CMSW_ATTRIBUTE *a = sk_CMSW_ATTRIBUTE_value(from->attributes, i);

		if (OBJ_obj2nid(a->type) != oid_nid(id))
			continue;
		if (out->ptr != NULL)
			return err_set(
			    err, ERROR_INVALID_DATA, "attribute %s comes twice", oid_dotted(id));
		if (!der_attr(oid_object_octets(a->type), der_string(a->values), &attr, err) ||
		    !der_attr_octets(&attr, out, err))
			return err_prefix(err, "control AddAttributes");
		if (out->len == 0 || out->len > EVP_MAX_MD_SIZE)
			return err_set(err, ERROR_INVALID_DATA,
			    "attribute %s has %zu bytes, which is no hash", oid_dotted(id),
			    out->len);
	}
	return true;
}

bool
cmc_control_push_der(STACK_OF(CMCW_CONTROL) * controls, uint32_t body_part, enum oid_id id,
    struct view value, struct err *err)
{
	OWNED(own_cmcw_control) CMCW_CONTROL *c = CMCW_CONTROL_new();

	if (c == NULL)
		return err_nomem(err);
	c->id = body_part;
	ASN1_STRING_free(c->values);
	c->values = NULL;
	if (!cms_object_set(&c->type, oid_dotted(id), err) || !der_set_wrap(value, &c->values, err))
		return false;
	if (sk_CMCW_CONTROL_push(controls, c) <= 0)
		return err_nomem(err);
	c = NULL;
	return true;
}

bool
cmc_control_push(STACK_OF(CMCW_CONTROL) * controls, uint32_t body_part, enum oid_id id,
    const ASN1_ITEM *item, const void *value, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	return der_encode(item, value, "a CMC control", &der, err) &&
	       cmc_control_push_der(controls, body_part, id, buf_view(&der), err);
}

struct cmc_open_control
cmc_control_open(struct der_out *o, uint32_t body_part, enum oid_id id)
{
	struct cmc_open_control c = {.control = der_open(o, DER_SEQUENCE)};

	der_put_number(o, body_part);
	der_put_element(o, DER_OBJECT, oid_octets(id));
	c.values = der_open(o, DER_SET);
	return c;
}

void
cmc_control_close(struct der_out *o, struct cmc_open_control c)
{
	der_close(o, c.values);
	der_close(o, c.control);
}

bool
cmc_integer_push(STACK_OF(ASN1_INTEGER) * list, int64_t number)
{
	OWNED(own_asn1_integer) ASN1_INTEGER *i = ASN1_INTEGER_new();

	if (i == NULL || ASN1_INTEGER_set_int64(i, number) != 1 ||
	    sk_ASN1_INTEGER_push(list, i) <= 0)
		return false;
	i = NULL;
	return true;
}

CMCW_ADD_ATTRIBUTES *
cmc_add_attributes_new(int64_t body_part)
{
	CMCW_ADD_ATTRIBUTES *a = CMCW_ADD_ATTRIBUTES_new();

	if (a != NULL && cmc_integer_push(a->references, body_part))
		return a;
	CMCW_ADD_ATTRIBUTES_free(a);
	return NULL;
}
