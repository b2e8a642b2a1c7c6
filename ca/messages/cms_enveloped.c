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
	const ASN1_OBJECT *alg;

	X509_ALGOR_get0(&alg, NULL, NULL, wire->key_alg);
	r->is_pkcs1 = OBJ_obj2nid(alg) == NID_rsaEncryption;
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
	if (out->wire->reads_shares && cms_is_share(wire) &&
	    !cms_share_read(wire->d.other, out, &r, &r.wire, err))
		return false;
	if (r.wire->type == CMSW_RECIPIENT_TRANS)
		return read_key_trans(out, &r, r.wire->d.trans, err);
	if (r.wire->type == CMSW_RECIPIENT_AGREE)
		return read_key_agree(out, &r, r.wire->d.agree, err);
	return add(out, &r, err);
}

/* All have shares of one set, of which there are enough, or nobody has one. */
static bool
check_threshold(const struct cms_enveloped *e, struct err *err)
{
	for (size_t i = 0; i < e->count; i++)
		if ((e->recipients[i].number != 0) != (e->threshold > 1))
			return err_set(err, ERROR_INVALID_DATA,
			    "some of the recipients have shares of the content key, and others "
			    "the key");
	return e->threshold <= e->count ||
	       err_set(err, ERROR_INVALID_DATA,
		   "%zu shares open the message, and it has %zu recipients", e->threshold,
		   e->count);
}

static bool
read_recipients(const STACK_OF(ASN1_TYPE) * list, struct cms_enveloped *out, struct err *err)
{
	int count = sk_ASN1_TYPE_num(list);

	if (count <= 0 || count > CMS_RECIPIENTS_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "the message has %d recipients; 1 to %d are read", count, CMS_RECIPIENTS_MAX);
	out->threshold = 1;
	if ((out->recipients = calloc(CMS_RECIPIENTS_MAX, sizeof *out->recipients)) == NULL ||
	    (out->wire->recipients = sk_CMSW_RECIPIENT_new_null()) == NULL ||
	    (out->wire->shares = sk_CMSW_KEY_SHARE_new_null()) == NULL)
		return err_nomem(err);
	for (int i = 0; i < count; i++)
		if (!read_recipient(out, sk_ASN1_TYPE_value(list, i), err))
			return false;
	return check_threshold(out, err);
}

/* RFC 5084 3.2. The tag that is there is as long as the parameters say. */
static bool
read_gcm(const void *param, struct cms_enveloped_wire *w, struct err *err)
{
	int64_t tag_len = 12;

	w->gcm = der_exact(ASN1_ITEM_rptr(CMSW_GCM), der_string(param));
	w->tag = der_string(w->authenticated->data->mac);
	if (w->gcm == NULL ||
	    (w->gcm->tag_len != NULL && ASN1_INTEGER_get_int64(&tag_len, w->gcm->tag_len) != 1) ||
	    tag_len < 12 || tag_len > (int64_t)w->alg->tag_len || w->tag.len != (size_t)tag_len)
		return err_set(err, ERROR_INVALID_DATA,
		    "the %s content has no tag of the 12 to %zu bytes that its parameters name",
		    w->alg->name, w->alg->tag_len);
	w->iv = der_string(w->gcm->nonce);
	return true;
}

static bool
read_alg(const X509_ALGOR *alg, struct cms_enveloped_wire *w, struct err *err)
{
	bool gcm = w->authenticated != NULL;
	const ASN1_OBJECT *oid;
	const void *param;
	char name[80];
	int type;

	X509_ALGOR_get0(&oid, &type, &param, alg);
	w->alg = cms_content_alg_by_nid(OBJ_obj2nid(oid));
	if (w->alg == NULL || cms_is_gcm(w->alg->id) != gcm) {
		OBJ_obj2txt(name, (int)sizeof name, oid, 0);
		return err_set(err, NTE_BAD_ALGID, "the content is encrypted with %s; %s known",
		    name, gcm ? "AES-GCM is" : "AES-CBC and 3DES-CBC are");
	}
	if (gcm && type == V_ASN1_SEQUENCE && !read_gcm(param, w, err))
		return false;
	if (!gcm && type == V_ASN1_OCTET_STRING)
		w->iv = der_string(param);
	return w->iv.len == w->alg->iv_len ||
	       err_set(err, ERROR_INVALID_DATA,
		   "the %s content lacks an initialisation vector of %zu bytes", w->alg->name,
		   w->alg->iv_len);
}

static bool
read_content(const CMSW_ENCRYPTED_CONTENT *wire, struct cms_enveloped *out, struct err *err)
{
	struct cms_enveloped_wire *w = out->wire;

	if (!read_alg(wire->alg, w, err))
		return false;
	out->cipher = w->alg->id;
	out->cipher_name = w->alg->name;
	w->ciphertext = der_string(wire->content);
	if (w->ciphertext.len == 0 || w->ciphertext.len % w->alg->block_len != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the encrypted content has %zu bytes, which is not a number of %s blocks",
		    w->ciphertext.len, w->alg->name);
	return true;
}

/* The message as `item`, the ContentInfo of one type; NULL after an error. */
static void *
read_message(struct view der, const ASN1_ITEM *item, int nid, struct err *err)
{
	void *m = der_decode(item, der, CMS_ENVELOPED_MAX, "the enveloped message", err);
	char oid[80];

	if (m == NULL && err->code == ERROR_INVALID_DATA && der_is_other_content(der, nid, oid))
		err_set(err, CRYPT_E_INVALID_MSG_TYPE, "the message is of type %s, not %s", oid,
		    nid == NID_pkcs7_enveloped ? "EnvelopedData" : "AuthEnvelopedData");
	return m;
}

static bool
is_of_type(const ASN1_OBJECT *type, int nid, struct err *err)
{
	return OBJ_obj2nid(type) == nid ||
	       err_set(err, CRYPT_E_INVALID_MSG_TYPE, "the message does not call itself %s",
		   nid == NID_pkcs7_enveloped ? "EnvelopedData" : "AuthEnvelopedData");
}

static bool
read_enveloped(struct view der, struct cms_enveloped *e, struct err *err)
{
	CMSW_ENVELOPED *m =
	    read_message(der, ASN1_ITEM_rptr(CMSW_ENVELOPED), NID_pkcs7_enveloped, err);
	int version;

	if ((e->wire->message = m) == NULL || !is_of_type(m->type, NID_pkcs7_enveloped, err))
		return false;
	version = m->data->version;
	if (version != 0 && (version < 2 || version > 4))
		return err_set(err, ERROR_INVALID_DATA,
		    "EnvelopedData has version %d; 0, 2, 3 and 4 are known", version);
	return read_recipients(m->data->recipients, e, err) &&
	       read_content(m->data->content, e, err);
}

/* Attributes would be authenticated with the content, and nobody writes any. */
static bool
read_authenticated(struct view der, struct cms_enveloped *e, struct err *err)
{
	const int nid = NID_id_smime_ct_authEnvelopedData;
	CMSW_AUTH_ENVELOPED *m = read_message(der, ASN1_ITEM_rptr(CMSW_AUTH_ENVELOPED), nid, err);
	const CMSW_AUTH_ENVELOPED_DATA *data;

	if ((e->wire->authenticated = m) == NULL || !is_of_type(m->type, nid, err))
		return false;
	data = m->data;
	if (data->version != 0 || data->auth_attrs != NULL ||
	    OBJ_obj2nid(data->content->type) != NID_pkcs7_data)
		return err_set(err, ERROR_INVALID_DATA,
		    "AuthEnvelopedData is read in version 0, of data, without attributes");
	return read_recipients(data->recipients, e, err) && read_content(data->content, e, err);
}

typedef bool read_function(struct view der, struct cms_enveloped *e, struct err *err);

static bool
decode(
    struct view der, read_function *read, bool shares, struct cms_enveloped *out, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};

	*out = e;
	e.wire = mem_zero(1, sizeof *e.wire);
	e.wire->reads_shares = shares;
	if (!read(der, &e, err) || !buf_dup(der, &e.raw, err))
		return false;
	*out = e;
	e = (struct cms_enveloped){0};
	return true;
}

bool
cms_enveloped_decode(struct view der, struct cms_enveloped *out, struct err *err)
{
	return decode(der, read_enveloped, false, out, err);
}

bool
cms_sealed_decode(struct view der, struct cms_enveloped *out, struct err *err)
{
	char oid[80];

	return decode(der,
	    der_is_other_content(der, NID_id_smime_ct_authEnvelopedData, oid) ? read_enveloped
									      : read_authenticated,
	    true, out, err);
}

void
cms_enveloped_free(struct cms_enveloped *e)
{
	if (e->wire != NULL) {
		sk_CMSW_RECIPIENT_pop_free(e->wire->recipients, CMSW_RECIPIENT_free);
		sk_CMSW_KEY_SHARE_pop_free(e->wire->shares, CMSW_KEY_SHARE_free);
		CMSW_ENVELOPED_free(e->wire->message);
		CMSW_AUTH_ENVELOPED_free(e->wire->authenticated);
		CMSW_GCM_free(e->wire->gcm);
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
