#include "cmc.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "cmc_control.h"
#include "der.h"
#include "mem.h"
#include "pkix_priv.h"
#include "own.h"
#include "text.h"

#define CONTENT_MAX    (1024 * 1024)
#define EXTENSIONS_MAX 64
#define PAIRS_MAX      64

struct cmc_request_wire {
	CMCW_PKI_DATA *data;
	CMCW_ADD_ATTRIBUTES *attributes;
	CMCW_ADD_EXTENSIONS *extensions;
	CMCW_BINDING *binding;
};

static bool
misplaced_key(const char *where, struct err *err)
{
	return err_set(err, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL,
	    "the encrypted private key (311.21.13) is %s; it belongs into one unsigned attribute "
	    "of the outermost signature",
	    where);
}

static bool
check_pkcs10_attributes(const struct pkix_request *r, struct err *err)
{
	const STACK_OF(X509_ATTRIBUTE) *list = r->wire->info->attributes;

	for (int i = 0; i < sk_X509_ATTRIBUTE_num(list); i++)
		if (OBJ_obj2nid(X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(list, i))) ==
		    oid_nid(OID_ARCHIVED_KEY_ATTR))
			return misplaced_key("in the PKCS#10 request", err);
	return true;
}

static bool
read_pkcs10(struct cmc_request *out, struct err *err)
{
	const CMCW_PKI_DATA *data = out->wire->data;
	const CMCW_REQUEST *r;

	if (sk_CMCW_REQUEST_num(data->requests) != 1 || sk_ASN1_TYPE_num(data->messages) != 0 ||
	    sk_ASN1_TYPE_num(data->others) != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the CMC request holds %d requests, %d nested and %d other messages; one "
		    "request and nothing else is read",
		    sk_CMCW_REQUEST_num(data->requests), sk_ASN1_TYPE_num(data->messages),
		    sk_ASN1_TYPE_num(data->others));
	r = sk_CMCW_REQUEST_value(data->requests, 0);
	if (r->type != CMCW_REQUEST_PKCS10)
		return err_set(err, ERROR_INVALID_DATA,
		    "the CMC request holds another request than a PKCS#10");
	out->body_part_id = r->d.pkcs10->id;
	if (!pkix_request_decode(der_string(r->d.pkcs10->pkcs10), &out->request, err))
		return err_prefix(err, "the PKCS#10 inside the CMC request");
	return check_pkcs10_attributes(&out->request, err);
}

static bool
read_extension(X509_EXTENSION *wire, struct cmc_request *out, struct err *err)
{
	struct pkix_extension *e = &out->extensions[out->extension_count];
	const ASN1_OBJECT *oid = X509_EXTENSION_get_object(wire);

	if (!oid_text(oid, e->oid, sizeof e->oid))
		return err_set(err, ERROR_INVALID_DATA,
		    "control AddExtensions has an over-long object identifier");
	e->nid = OBJ_obj2nid(oid);
	e->critical = X509_EXTENSION_get_critical(wire) != 0;
	e->value = der_string(X509_EXTENSION_get_data(wire));
	if (e->nid == oid_nid(OID_ARCHIVED_KEY_ATTR))
		return misplaced_key("in the control AddExtensions", err);
	for (size_t i = 0; i < out->extension_count; i++)
		if (strcmp(out->extensions[i].oid, e->oid) == 0)
			return err_set(err, ERROR_INVALID_DATA,
			    "control AddExtensions has extension %s twice", e->oid);
	out->extension_count++;
	return true;
}

static bool
read_extensions(struct cmc_request *out, struct err *err)
{
	const STACK_OF(X509_EXTENSION) * list;
	struct view value;
	int count;

	if (!cmc_control_value(out->wire->data->controls, OID_CMC_ADD_EXTENSIONS, &value, err))
		return false;
	if (value.len == 0)
		return true;
	if ((out->wire->extensions = der_decode(ASN1_ITEM_rptr(CMCW_ADD_EXTENSIONS), value,
		 CONTENT_MAX, "the control AddExtensions", err)) == NULL)
		return false;
	if (!cmc_references(out->wire->extensions->data_reference,
		out->wire->extensions->references, out->body_part_id, "AddExtensions", err))
		return false;
	list = out->wire->extensions->extensions;
	count = sk_X509_EXTENSION_num(list);
	if (count > EXTENSIONS_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "control AddExtensions has %d extensions, more than %d", count, EXTENSIONS_MAX);
	if (count > 0 && (out->extensions = calloc((size_t)count, sizeof *out->extensions)) == NULL)
		return err_nomem(err);
	for (int i = 0; i < count; i++)
		if (!read_extension(sk_X509_EXTENSION_value(list, i), out, err))
			return false;
	return true;
}

static bool
read_key_hash(struct cmc_request *out, struct err *err)
{
	struct cmc_request_wire *w = out->wire;

	if (!cmc_add_attributes(w->data->controls, &w->attributes, err))
		return false;
	if (w->attributes == NULL)
		return true;
	return cmc_references(w->attributes->data_reference, w->attributes->references,
		   out->body_part_id, "AddAttributes", err) &&
	       cmc_added_octets(w->attributes, OID_ENCRYPTED_KEY_HASH, &out->key_hash, err);
}

static bool
read_pair(struct cmc_request *out, struct view pair, struct err *err)
{
	const uint8_t *eq = memchr(pair.ptr, '=', pair.len);
	size_t name_len = eq != NULL ? (size_t)(eq - pair.ptr) : 0;
	OWNED(own_memory) char *name = NULL, *value = NULL;

	if (name_len == 0)
		return err_set(
		    err, ERROR_INVALID_DATA, "control RegInfo: a part of it is not name=value");
	if (out->pairs.count == PAIRS_MAX)
		return err_set(
		    err, ERROR_INVALID_DATA, "control RegInfo has more than %d pairs", PAIRS_MAX);
	if (!text_from_view(view_of(pair.ptr, name_len), &name, err) ||
	    !text_from_view(view_of(eq + 1, pair.len - name_len - 1), &value, err))
		return false;
	pairs_take(&out->pairs, own_give(&name), own_give(&value));
	return true;
}

/* [MS-WCCE] 2.2.2.6.3: pairs of name and value joined by '&', of which one may stand at the end. */
static bool
read_reg_info(struct cmc_request *out, struct err *err)
{
	struct cms_attr attr = {.oid = "RegInfo", .value_count = 1};
	struct view text;

	if (!cmc_control_value(out->wire->data->controls, OID_CMC_REG_INFO, &attr.values, err))
		return false;
	if (attr.values.len == 0)
		return true;
	if (!der_attr_octets(&attr, &text, err))
		return false;
	while (text.len > 0) {
		const uint8_t *amp = memchr(text.ptr, '&', text.len);
		size_t len = amp != NULL ? (size_t)(amp - text.ptr) : text.len,
		       step = amp != NULL ? len + 1 : len;

		if (!read_pair(out, view_of(text.ptr, len), err))
			return false;
		text = view_of(text.ptr + step, text.len - step);
	}
	return true;
}

static bool
find_archived_key(struct cmc_request *out, struct err *err)
{
	int nid = oid_nid(OID_ARCHIVED_KEY_ATTR);

	for (size_t i = 0; i < out->message.signer_count; i++) {
		const struct cms_signer *s = &out->message.signers[i];
		const struct cms_attr *a = cms_signer_attr(s, nid, false);

		if (cms_signer_attr(s, nid, true) != NULL)
			return misplaced_key("in a signed attribute", err);
		if (a == NULL)
			continue;
		if (out->archived_key.len > 0)
			return misplaced_key("there twice", err);
		if (!cms_attr_single(a, &out->archived_key, err))
			return false;
	}
	return true;
}

static bool
find_requester(struct cmc_request *out, struct err *err)
{
	size_t found = 0;

	if (out->message.signer_count == 0)
		return err_set(err, CRYPT_E_NO_SIGNER, "the CMC request is not signed");
	if (out->message.signer_count == 1)
		return true;
	for (size_t i = 0; i < out->message.signer_count; i++)
		if (out->message.signers[i].key_id.len > 0) {
			out->signer = i;
			found++;
		}
	if (found != 1)
		return err_set(err, ERROR_INVALID_DATA,
		    "of the %zu signers %zu are named by a key identifier; the requester must be, "
		    "and alone",
		    out->message.signer_count, found);
	return true;
}

static bool
read_all(struct cmc_request *out, struct err *err)
{

	if (strcmp(out->message.content_oid, oid_dotted(OID_CT_PKI_DATA)) != 0)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "the signed content is of type %s, not a CMC request",
		    out->message.content_oid);
	if (!find_requester(out, err))
		return false;
	out->wire = mem_zero(1, sizeof *out->wire);
	out->wire->data = der_decode(ASN1_ITEM_rptr(CMCW_PKI_DATA), out->message.content,
	    CONTENT_MAX, "the PKIData of the CMC request", err);
	if (out->wire->data == NULL || !cmc_controls_check(out->wire->data->controls, err))
		return false;
	cmc_unknown_control(out->wire->data->controls, out);
	return read_pkcs10(out, err) && read_extensions(out, err) && read_key_hash(out, err) &&
	       read_reg_info(out, err) &&
	       cmc_binding_read(out->wire->data->controls, &out->wire->binding, out, err) &&
	       cmc_transaction_read(out->wire->data->controls, &out->transaction, err) &&
	       find_archived_key(out, err);
}

bool
cmc_request_decode(struct view der, struct cmc_request *out, struct err *err)
{
	*out = (struct cmc_request){0};
	if (cms_signed_decode(der, &out->message, err) && read_all(out, err))
		return true;
	cmc_request_free(out);
	return false;
}

void
cmc_request_free(struct cmc_request *r)
{
	if (r->wire != NULL) {
		CMCW_PKI_DATA_free(r->wire->data);
		CMCW_ADD_ATTRIBUTES_free(r->wire->attributes);
		CMCW_ADD_EXTENSIONS_free(r->wire->extensions);
		CMCW_BINDING_free(r->wire->binding);
		free(r->wire);
	}
	pairs_free(&r->pairs);
	free(r->extensions);
	pkix_request_free(&r->request);
	cms_signed_free(&r->message);
	*r = (struct cmc_request){0};
}

bool
cmc_names_archived_key(struct view bytes)
{
	static const uint8_t oid[] = {
	    0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x15, 0x0d};

	return bytes.len > 0 && memmem(bytes.ptr, bytes.len, oid, sizeof oid) != NULL;
}
