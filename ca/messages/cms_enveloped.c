#include "cms_enveloped.h"

#include <stdlib.h>
#include <openssl/objects.h>

#include "der.h"
#include "mem.h"
#include "oids.h"

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
read_recipient(struct cms_enveloped *out, struct view whole, struct err *err)
{
	struct cms_recipient r = {.raw = whole};
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

/* `set` has `count` of them, which are values of some kind. */
static bool
read_recipients(struct view set, size_t count, struct cms_enveloped *out, struct err *err)
{
	struct view whole;

	if (count == 0 || count > CMS_RECIPIENTS_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "the message has %zu recipients; 1 to %d are read", count, CMS_RECIPIENTS_MAX);
	out->threshold = 1;
	if ((out->recipients = calloc(CMS_RECIPIENTS_MAX, sizeof *out->recipients)) == NULL ||
	    (out->wire->recipients = sk_CMSW_RECIPIENT_new_null()) == NULL ||
	    (out->wire->shares = sk_CMSW_KEY_SHARE_new_null()) == NULL)
		return err_nomem(err);
	while (der_take_value(&set, &whole))
		if (!read_recipient(out, whole, err))
			return false;
	return check_threshold(out, err);
}

/* RFC 5084 3.2. The tag that is there is as long as the parameters say. */
static bool
read_gcm(const void *param, struct cms_enveloped_wire *w, struct err *err)
{
	int64_t tag_len = 12;

	w->gcm = der_exact(ASN1_ITEM_rptr(CMSW_GCM), der_string(param));
	if (w->gcm == NULL || (w->gcm->tag_len != NULL && !der_int64(&tag_len, w->gcm->tag_len)) ||
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
	bool gcm = w->is_authenticated;
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

/* EnvelopedData or AuthEnvelopedData, by its elements. */
struct parts {
	int32_t version;
	struct view type, recipients, content_type, algorithm, ciphertext, mac;
	size_t recipient_count;
	bool has_attributes; /* that are authenticated */
};

static bool
read_content(const struct parts *p, struct cms_enveloped *out, struct err *err)
{
	struct cms_enveloped_wire *w = out->wire;
	const uint8_t *at = p->algorithm.ptr;

	if ((w->content_alg = d2i_X509_ALGOR(NULL, &at, (long)p->algorithm.len)) == NULL)
		return err_nomem(err);
	w->tag = p->mac;
	if (!read_alg(w->content_alg, w, err))
		return false;
	out->cipher = w->alg->id;
	out->cipher_name = w->alg->name;
	w->ciphertext = p->ciphertext;
	if (w->ciphertext.len == 0 || w->ciphertext.len % w->alg->block_len != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the encrypted content has %zu bytes, which is not a number of %s blocks",
		    w->ciphertext.len, w->alg->name);
	return true;
}

/* Absent, or there as it may be. */
static bool
skip_raw(struct view *cursor, uint8_t first)
{
	struct view ignored;

	return cursor->len == 0 || cursor->ptr[0] != first || der_take_raw(cursor, first, &ignored);
}

static bool
split_content(struct view *data, struct parts *p)
{
	struct view content, oid;

	return der_take(data, DER_SEQUENCE, &content) && der_take_oid(&content, &p->content_type) &&
	       der_take_algorithm(&content, &p->algorithm, &oid) &&
	       (content.len == 0 || der_take(&content, DER_CONTEXT_0_PRIMITIVE, &p->ciphertext)) &&
	       content.len == 0;
}

static bool
split_recipients(struct view *data, struct parts *p)
{
	struct view cursor, whole;

	if (!der_take(data, DER_SET, &p->recipients))
		return false;
	for (cursor = p->recipients; cursor.len > 0; p->recipient_count++)
		if (!der_take_value(&cursor, &whole))
			return false;
	return true;
}

/* What follows the content of an AuthEnvelopedData (RFC 5083 2.1). */
static bool
split_mac(struct view *data, struct parts *p)
{
	p->has_attributes = data->len > 0 && data->ptr[0] == DER_CONTEXT_1;
	return skip_raw(data, DER_CONTEXT_1) && der_take(data, DER_OCTET_STRING, &p->mac) &&
	       skip_raw(data, DER_CONTEXT_2);
}

/* The type of a ContentInfo, and what it holds. */
static bool
split_info(struct view der, struct view *type, struct view *content)
{
	struct view info;

	return der_take(&der, DER_SEQUENCE, &info) && der.len == 0 && der_take_oid(&info, type) &&
	       der_take(&info, DER_CONTEXT_0, content) && info.len == 0;
}

static bool
split(struct view der, bool authenticated, struct parts *p)
{
	struct view tagged, data;

	*p = (struct parts){0};
	return split_info(der, &p->type, &tagged) && der_take(&tagged, DER_SEQUENCE, &data) &&
	       tagged.len == 0 && der_take_int32(&data, &p->version) &&
	       skip_raw(&data, DER_CONTEXT_0) && split_recipients(&data, p) &&
	       split_content(&data, p) &&
	       (authenticated ? split_mac(&data, p) : skip_raw(&data, DER_CONTEXT_1)) &&
	       data.len == 0;
}

/* The message as the ContentInfo of one type. */
static bool
read_message(struct view der, int nid, struct parts *p, struct err *err)
{
	char oid[80];

	if (der.len > CMS_ENVELOPED_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the enveloped message has %zu bytes, more than the %d that are read", der.len,
		    CMS_ENVELOPED_MAX);
	if (split(der, nid == NID_id_smime_ct_authEnvelopedData, p))
		return oid_octets_nid(p->type) == nid ||
		       err_set(err, CRYPT_E_INVALID_MSG_TYPE, "the message does not call itself %s",
			   nid == NID_pkcs7_enveloped ? "EnvelopedData" : "AuthEnvelopedData");
	if (der_is_other_content(der, nid, oid))
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE, "the message is of type %s, not %s",
		    oid, nid == NID_pkcs7_enveloped ? "EnvelopedData" : "AuthEnvelopedData");
	return err_set(err, ERROR_INVALID_DATA,
	    "the enveloped message is malformed, cut off, another thing or not in the "
	    "distinguished encoding (DER)");
}

static bool
read_enveloped(struct view der, struct cms_enveloped *e, struct err *err)
{
	struct parts p;

	if (!read_message(der, NID_pkcs7_enveloped, &p, err))
		return false;
	e->wire->version = p.version;
	if (p.version != 0 && (p.version < 2 || p.version > 4))
		return err_set(err, ERROR_INVALID_DATA,
		    "EnvelopedData has version %d; 0, 2, 3 and 4 are known", (int)p.version);
	return read_recipients(p.recipients, p.recipient_count, e, err) && read_content(&p, e, err);
}

/* Attributes would be authenticated with the content, and nobody writes any. */
static bool
read_authenticated(struct view der, struct cms_enveloped *e, struct err *err)
{
	struct parts p;

	if (!read_message(der, NID_id_smime_ct_authEnvelopedData, &p, err))
		return false;
	e->wire->is_authenticated = true;
	if (p.version != 0 || p.has_attributes || oid_octets_nid(p.content_type) != NID_pkcs7_data)
		return err_set(err, ERROR_INVALID_DATA,
		    "AuthEnvelopedData is read in version 0, of data, without attributes");
	return read_recipients(p.recipients, p.recipient_count, e, err) && read_content(&p, e, err);
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
	if (!buf_dup(der, &e.raw, err) || !read(buf_view(&e.raw), &e, err))
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
	const int nid = NID_id_smime_ct_authEnvelopedData;
	struct view type, content;
	char oid[80];
	bool other = split_info(der, &type, &content) ? oid_octets_nid(type) != nid
						      : der_is_other_content(der, nid, oid);

	return decode(der, other ? read_enveloped : read_authenticated, true, out, err);
}

void
cms_enveloped_free(struct cms_enveloped *e)
{
	if (e->wire != NULL) {
		sk_CMSW_RECIPIENT_pop_free(e->wire->recipients, CMSW_RECIPIENT_free);
		sk_CMSW_KEY_SHARE_pop_free(e->wire->shares, CMSW_KEY_SHARE_free);
		X509_ALGOR_free(e->wire->content_alg);
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
