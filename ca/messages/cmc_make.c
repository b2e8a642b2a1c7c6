#include "cmc.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "cmc_control.h"
#include "cms_algs.h"
#include "cms_attr.h"
#include "der.h"
#include "cms_sign_priv.h"
#include "extension.h"
#include "pkix_asn1.h"
#include "text.h"

/* Numbers of the parts; the request is the one that the controls speak of. */
enum {
	PART_REQUEST = 1,
	PART_ATTRIBUTES = 2,
	PART_REG_INFO = 3,
	PART_BINDING = 4,
	PART_TRANSACTION = 5
};

static bool
add_key_hash(CMCW_PKI_DATA *data, const EVP_MD *md, struct view archived_key, struct err *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	OWNED(own_cmcw_add_attributes) CMCW_ADD_ATTRIBUTES *a = NULL;
	size_t len;

	if (archived_key.len == 0)
		return true;
	if (!cms_hash(md, archived_key, hash, &len, err))
		return false;
	if ((a = cmc_add_attributes_new(PART_REQUEST)) == NULL)
		return err_nomem(err);
	return cms_attr_push_octets(
		   a->attributes, oid_dotted(OID_ENCRYPTED_KEY_HASH), view_of(hash, len), err) &&
	       cmc_control_push(data->controls, PART_ATTRIBUTES, OID_CMC_ADD_ATTRIBUTES,
		   ASN1_ITEM_rptr(CMCW_ADD_ATTRIBUTES), a, err);
}

static bool
check_reg_value(const char *what, const char *value, struct err *err)
{
	if (value == NULL || (*value != '\0' && strpbrk(value, "&=") == NULL))
		return true;
	return err_set(err, E_INVALIDARG,
	    "the %s '%s' cannot be sent in a CMC request: it is empty or holds & or =", what,
	    value);
}

static bool
add_reg_info(CMCW_PKI_DATA *data, const struct cmc_make *in, struct err *err)
{
	ASN1_STRING *octets = NULL;
	char *text = NULL;
	bool ok = false;

	if (in->template_cn == NULL && in->requester_name == NULL)
		return true;
	if (!check_reg_value("template name", in->template_cn, err) ||
	    !check_reg_value("name of the subject", in->requester_name, err))
		return false;
	text = text_printf("%s%s%s%s%s", in->template_cn != NULL ? "CertificateTemplate=" : "",
	    in->template_cn != NULL ? in->template_cn : "",
	    in->template_cn != NULL && in->requester_name != NULL ? "&" : "",
	    in->requester_name != NULL ? CMC_REQUESTER_NAME "=" : "",
	    in->requester_name != NULL ? in->requester_name : "");
	if (text == NULL || (octets = der_string_new(V_ASN1_OCTET_STRING, view_str(text))) == NULL)
		err_nomem(err);
	else
		ok = cmc_control_push(data->controls, PART_REG_INFO, OID_CMC_REG_INFO,
		    ASN1_ITEM_rptr(ASN1_OCTET_STRING), octets, err);
	ASN1_STRING_free(octets);
	free(text);
	return ok;
}

static bool
add_binding(CMCW_PKI_DATA *data, const struct cmc_binding *in, struct err *err)
{
	OWNED(own_cmcw_binding) CMCW_BINDING *b = NULL;

	if (in == NULL)
		return true;
	if (!cmc_binding_make(in, &b, err))
		return false;
	return cmc_control_push(data->controls, PART_BINDING, OID_DIRCA_REQUEST_BINDING,
	    ASN1_ITEM_rptr(CMCW_BINDING), b, err);
}

static bool
add_pkcs10(CMCW_PKI_DATA *data, struct view pkcs10, struct err *err)
{
	OWNED(own_cmcw_request) CMCW_REQUEST *r = CMCW_REQUEST_new();

	if (r == NULL || (r->d.pkcs10 = CMCW_CERT_REQUEST_new()) == NULL)
		return err_nomem(err);
	r->type = CMCW_REQUEST_PKCS10;
	r->d.pkcs10->id = PART_REQUEST;
	if (!der_string_set(r->d.pkcs10->pkcs10, pkcs10, err))
		return false;
	if (sk_CMCW_REQUEST_push(data->requests, r) <= 0)
		return err_nomem(err);
	r = NULL;
	return true;
}

static bool
make_pki_data(const struct cmc_make *in, const EVP_MD *md, struct buf *out, struct err *err)
{
	OWNED(own_cmcw_pki_data) CMCW_PKI_DATA *data = CMCW_PKI_DATA_new();

	if (data == NULL)
		return err_nomem(err);
	return add_key_hash(data, md, in->archived_key, err) && add_reg_info(data, in, err) &&
	       add_binding(data, in->binding, err) &&
	       (in->transaction == NULL ||
		   cmc_transaction_push(data->controls, PART_TRANSACTION, in->transaction, err)) &&
	       add_pkcs10(data, in->pkcs10, err) &&
	       der_encode(ASN1_ITEM_rptr(CMCW_PKI_DATA), data, "the PKIData", out, err);
}

/* RFC 5280 4.2.1.2 (1): SHA-1 over the key's bits. It names the key and protects nothing. */
static bool
key_identifier(const EVP_PKEY *key, uint8_t id[EVP_MAX_MD_SIZE], size_t *len_out, struct err *err)
{
	OWNED(buf_free) struct buf spki = {0};

	*len_out = KEY_ID_LEN;
	return pkix_key_spki(key, &spki, err) && ext_key_id(buf_view(&spki), id, err);
}

bool
cmc_request_make(const struct cmc_make *in, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf sig_alg = {0}, data = {0}, attrs = {0}, signature = {0};
	struct cms_attr key_attr = {.value_count = 1};
	struct cms_sign sign_in = {.content_oid = oid_dotted(OID_CT_PKI_DATA)};
	uint8_t key_id[EVP_MAX_MD_SIZE];
	size_t id_len;

	*out = (struct buf){0};
	if (!pkix_sig_alg(in->key, &sig_alg, err) ||
	    !cms_key_digest(buf_view(&sig_alg), &sign_in.digest, err) ||
	    !make_pki_data(in, sign_in.digest, &data, err) ||
	    !key_identifier(in->key, key_id, &id_len, err))
		return false;
	sign_in.content = buf_view(&data);
	sign_in.key_id = view_of(key_id, id_len);
	if (in->archived_key.len > 0) {
		memcpy(key_attr.oid, oid_dotted(OID_ARCHIVED_KEY_ATTR),
		    strlen(oid_dotted(OID_ARCHIVED_KEY_ATTR)) + 1);
		key_attr.values = in->archived_key;
		sign_in.unsigned_attrs = &key_attr;
		sign_in.unsigned_count = 1;
	}
	return cms_sign_attrs(&sign_in, &attrs, err) &&
	       cms_key_sign(in->key, sign_in.digest, buf_view(&attrs), &signature, err) &&
	       cms_sign_finish(
		   &sign_in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), out, err);
}
