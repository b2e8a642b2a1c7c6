#include "cms_enveloped.h"

#include <stdlib.h>
#include <openssl/objects.h>

#include "der.h"
#include "mem.h"

static struct view
whole_of(const ASN1_TYPE *t)
{
	if (t->type != V_ASN1_SEQUENCE && t->type != V_ASN1_OTHER)
		return (struct view){0};
	return der_string(t->value.asn1_string);
}

static bool
read_issuer_serial(const CMSW_ISSUER_SERIAL *wire, struct cms_recipient *out, struct err *err)
{
	out->issuer = der_string(wire->issuer);
	out->serial = der_string(wire->serial);
	if (!der_is_serial(out->serial))
		return err_set(err, ERROR_INVALID_DATA,
		    "the serial number that names a recipient is not a proper INTEGER");
	return true;
}

static bool
add(struct cms_enveloped *out, const struct cms_recipient *r, struct err *err)
{
	if (out->count == CMS_RECIPIENTS_MAX)
		return err_set(err, ERROR_INVALID_DATA, "the message has more than %d recipients",
		    CMS_RECIPIENTS_MAX);
	out->recipients[out->count++] = *r;
	return true;
}

static bool
read_key_trans(
    struct cms_enveloped *out, struct cms_recipient *r, const CMSW_KEY_TRANS *wire, struct err *err)
{
	bool by_key = wire->rid->type == CMSW_ID_KEY;

	/* RFC 5652 6.2.1 */
	if (wire->version != (by_key ? 2 : 0))
		return err_set(err, ERROR_INVALID_DATA,
		    "a KeyTransRecipientInfo with %s has version %d",
		    by_key ? "a key identifier" : "issuer and serial number", (int)wire->version);
	if (by_key)
		r->key_id = der_string(wire->rid->d.key_id);
	else if (!read_issuer_serial(wire->rid->d.issuer_serial, r, err))
		return false;
	return add(out, r, err);
}

static bool
read_key_agree(
    struct cms_enveloped *out, struct cms_recipient *r, const CMSW_KEY_AGREE *wire, struct err *err)
{
	int count = sk_CMSW_AGREED_KEY_num(wire->keys);

	if (wire->version != 3) /* RFC 5652 6.2.2 */
		return err_set(err, ERROR_INVALID_DATA, "a KeyAgreeRecipientInfo has version %d",
		    (int)wire->version);
	r->is_key_agreement = true;
	for (int i = 0; i < count; i++) {
		const CMSW_AGREE_ID *rid = sk_CMSW_AGREED_KEY_value(wire->keys, i)->rid;
		struct cms_recipient one = *r;

		one.member = (size_t)i;
		if (rid->type == CMSW_ID_KEY)
			one.key_id = der_string(rid->d.key->key_id);
		else if (!read_issuer_serial(rid->d.issuer_serial, &one, err))
			return false;
		if (!add(out, &one, err))
			return false;
	}
	return true;
}

static bool
read_recipient(struct cms_enveloped *out, const ASN1_TYPE *t, struct err *err)
{
	struct cms_recipient r = {.raw = whole_of(t)};
	CMSW_RECIPIENT *wire = der_decode(
	    ASN1_ITEM_rptr(CMSW_RECIPIENT), r.raw, CMS_ENVELOPED_MAX, "a RecipientInfo", err);

	if (wire == NULL)
		return false;
	r.wire = wire;
	if (sk_CMSW_RECIPIENT_push(out->wire->recipients, wire) <= 0) {
		CMSW_RECIPIENT_free(wire);
		return err_nomem(err);
	}
	if (r.wire->type == CMSW_RECIPIENT_TRANS)
		return read_key_trans(out, &r, r.wire->d.trans, err);
	if (r.wire->type == CMSW_RECIPIENT_AGREE)
		return read_key_agree(out, &r, r.wire->d.agree, err);
	return add(out, &r, err);
}

static bool
read_recipients(const STACK_OF(ASN1_TYPE) * list, struct cms_enveloped *out, struct err *err)
{
	int count = sk_ASN1_TYPE_num(list);

	if (count <= 0 || count > CMS_RECIPIENTS_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "the message has %d recipients; 1 to %d are read", count, CMS_RECIPIENTS_MAX);
	if ((out->recipients = calloc(CMS_RECIPIENTS_MAX, sizeof *out->recipients)) == NULL ||
	    (out->wire->recipients = sk_CMSW_RECIPIENT_new_null()) == NULL)
		return err_nomem(err);
	for (int i = 0; i < count; i++)
		if (!read_recipient(out, sk_ASN1_TYPE_value(list, i), err))
			return false;
	return true;
}

static bool
read_content(const CMSW_ENCRYPTED_CONTENT *wire, struct cms_enveloped *out, struct err *err)
{
	struct cms_enveloped_wire *w = out->wire;
	const ASN1_OBJECT *oid;
	const void *param;
	int param_type;
	char name[80];

	X509_ALGOR_get0(&oid, &param_type, &param, wire->alg);
	if ((w->alg = cms_content_alg_by_nid(OBJ_obj2nid(oid))) == NULL) {
		OBJ_obj2txt(name, (int)sizeof name, oid, 0);
		return err_set(err, NTE_BAD_ALGID,
		    "the content is encrypted with %s; AES-CBC and 3DES-CBC are known", name);
	}
	out->cipher = w->alg->name;
	if (param_type == V_ASN1_OCTET_STRING)
		w->iv = der_string(param);
	if (w->iv.len != w->alg->block_len)
		return err_set(err, ERROR_INVALID_DATA,
		    "the %s content lacks an initialisation vector of %zu bytes", w->alg->name,
		    w->alg->block_len);
	w->ciphertext = der_string(wire->content);
	if (w->ciphertext.len == 0 || w->ciphertext.len % w->alg->block_len != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the encrypted content has %zu bytes, which is not a number of %s blocks",
		    w->ciphertext.len, w->alg->name);
	return true;
}

static CMSW_ENVELOPED *
read_message(struct view der, struct err *err)
{
	CMSW_ENVELOPED *m = der_decode(
	    ASN1_ITEM_rptr(CMSW_ENVELOPED), der, CMS_ENVELOPED_MAX, "the enveloped message", err);
	char oid[80];

	if (m == NULL && err->code == ERROR_INVALID_DATA &&
	    der_is_other_content(der, NID_pkcs7_enveloped, oid))
		err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "the message is of type %s, not EnvelopedData", oid);
	return m;
}

bool
cms_enveloped_decode(struct view der, struct cms_enveloped *out, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	const CMSW_ENVELOPED_DATA *data;

	*out = e;
	e.wire = mem_zero(1, sizeof *e.wire);
	if ((e.wire->message = read_message(der, err)) == NULL)
		return false;
	if (OBJ_obj2nid(e.wire->message->type) != NID_pkcs7_enveloped)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "the message does not call itself EnvelopedData");
	data = e.wire->message->data;
	if (data->version != 0 && (data->version < 2 || data->version > 4))
		return err_set(err, ERROR_INVALID_DATA,
		    "EnvelopedData has version %d; 0, 2, 3 and 4 are known", (int)data->version);
	if (!buf_dup(der, &e.raw, err) || !read_recipients(data->recipients, &e, err) ||
	    !read_content(data->content, &e, err))
		return false;
	*out = e;
	e = (struct cms_enveloped){0};
	return true;
}

void
cms_enveloped_free(struct cms_enveloped *e)
{
	if (e->wire != NULL) {
		sk_CMSW_RECIPIENT_pop_free(e->wire->recipients, CMSW_RECIPIENT_free);
		CMSW_ENVELOPED_free(e->wire->message);
		free(e->wire);
	}
	free(e->recipients);
	buf_free(&e->raw);
	*e = (struct cms_enveloped){0};
}

bool
cms_recipient_is(const struct cms_recipient *r, struct view issuer, struct view serial)
{
	return r->issuer.len > 0 && view_eq(r->issuer, issuer) && view_eq(r->serial, serial);
}
