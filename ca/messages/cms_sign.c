#include "cms.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/objects.h>
#include <openssl/rand.h>

#include "cms_algs.h"
#include "cms_asn1.h"
#include "cms_attr.h"
#include "cms_sign_priv.h"
#include "der.h"
#include "der_write.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "pkix_priv.h"

#define DER_KEY_ID   0x80       /* [0] IMPLICIT SubjectKeyIdentifier */
#define SECRET_MIN   32         /* octets that nothing else in a message is equal to */
#define UTC_TIME_END 2524608000 /* 2050-01-01, from when on RFC 5652 11.3 wants GeneralizedTime */

static bool
push_content_type(STACK_OF(CMSW_ATTRIBUTE) * list, const char *content_oid, struct err *err)
{
	OWNED(own_asn1_object) ASN1_OBJECT *type = NULL;

	return cms_object_set(&type, content_oid, err) &&
	       cms_attr_push_item(
		   list, "1.2.840.113549.1.9.3", ASN1_ITEM_rptr(ASN1_OBJECT), type, err);
}

static bool
push_message_digest(
    STACK_OF(CMSW_ATTRIBUTE) * list, const EVP_MD *md, struct view content, struct err *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t len;

	return cms_hash(md, content, hash, &len, err) &&
	       cms_attr_push_octets(list, "1.2.840.113549.1.9.4", view_of(hash, len), err);
}

static bool
push_signing_time(STACK_OF(CMSW_ATTRIBUTE) * list, int64_t when, struct err *err)
{
	OWNED(own_asn1_time) ASN1_TIME *t = NULL;

	if (when == 0)
		return true;
	t = when < UTC_TIME_END ? ASN1_UTCTIME_set(NULL, (time_t)when)
				: ASN1_GENERALIZEDTIME_set(NULL, (time_t)when);

	return cms_attr_push_item(list, "1.2.840.113549.1.9.5", ASN1_ITEM_rptr(ASN1_TIME), t, err);
}

static bool
push_all(
    STACK_OF(CMSW_ATTRIBUTE) * list, const struct cms_attr *attrs, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!cms_attr_push(list, attrs[i].oid, attrs[i].values, err))
			return false;
	return true;
}

/* Our own digests are fetched; a caller may name EVP_sha256(), which would be fetched anew by each
 * use. */
static const EVP_MD *
own_digest(const EVP_MD *md)
{
	return md != NULL ? cms_digest(EVP_MD_get_type(md)) : NULL;
}

bool
cms_sign_attrs(const struct cms_sign *in, struct buf *attrs_out, struct err *err)
{
	OWNED(own_cmsw_attributes) STACK_OF(CMSW_ATTRIBUTE) *list = sk_CMSW_ATTRIBUTE_new_null();

	*attrs_out = (struct buf){0};
	if (list == NULL)
		return err_nomem(err);
	return push_content_type(list, in->content_oid, err) &&
	       push_message_digest(list, own_digest(in->digest), in->content, err) &&
	       push_signing_time(list, in->signing_time, err) &&
	       push_all(list, in->extra_attrs, in->extra_count, err) &&
	       der_encode(ASN1_ITEM_rptr(CMSW_ATTRIBUTES_SORTED), list,
		   "the set of signed attributes", attrs_out, err);
}

/* Named by its key, or by issuer and serial number. */
static bool
check_signer_id(const struct cms_sign *in, struct err *err)
{
	return in->key_id.len > 0 || (in->issuer.len > 0 && der_is_serial(in->serial)) ||
	       err_set(err, E_INVALIDARG,
		   "the signer of a message is named neither by key identifier nor by issuer and "
		   "serial number");
}

static bool
set_signer_id(const struct cms_sign *in, CMSW_SIGNER_INFO *si, struct err *err)
{
	if (in->key_id.len > 0) {
		si->version = 3;
		si->sid->type = CMSW_ID_KEY;
		if ((si->sid->d.key_id = der_string_new(V_ASN1_OCTET_STRING, in->key_id)) == NULL)
			return err_nomem(err);
		return true;
	}
	if (!check_signer_id(in, err))
		return false;
	si->version = 1;
	si->sid->type = CMSW_ID_ISSUER_SERIAL;
	if ((si->sid->d.issuer_serial = CMSW_ISSUER_SERIAL_new()) == NULL)
		return err_nomem(err);
	return der_string_set(si->sid->d.issuer_serial->issuer, in->issuer, err) &&
	       der_string_set(si->sid->d.issuer_serial->serial, in->serial, err);
}

static bool
check_digest(const EVP_MD *md, struct err *err)
{
	return md != NULL ||
	       err_set(err, NTE_BAD_ALGID,
		   "messages are signed with SHA-1, SHA-256, SHA-384 or SHA-512 only");
}

/* RFC 5754 2: no parameters. */
static bool
set_digest_alg(X509_ALGOR *alg, const EVP_MD *md, struct err *err)
{
	if (!check_digest(md, err))
		return false;
	if (X509_ALGOR_set0(alg, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_UNDEF, NULL) != 1)
		return err_nomem(err);
	return true;
}

static bool
set_unsigned(const struct cms_sign *in, CMSW_SIGNER_INFO *si, struct err *err)
{
	if (in->unsigned_count == 0)
		return true;
	if ((si->unsigned_attrs = sk_CMSW_ATTRIBUTE_new_null()) == NULL)
		return err_nomem(err);
	return push_all(si->unsigned_attrs, in->unsigned_attrs, in->unsigned_count, err);
}

static bool
fill_signer(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, CMSW_SIGNER_INFO *si, struct err *err)
{
	OWNED(buf_free) struct buf tagged = {0};
	OWNED(own_x509_algor) X509_ALGOR *alg = NULL;

	if (attrs.len == 0 || attrs.ptr[0] != (V_ASN1_SET | V_ASN1_CONSTRUCTED))
		return err_set(err, E_INVALIDARG, "the signed attributes are not a SET");
	if (!set_signer_id(in, si, err) ||
	    !set_digest_alg(si->digest_alg, own_digest(in->digest), err) ||
	    (alg = der_decode(ASN1_ITEM_rptr(X509_ALGOR), sig_alg, 4096, "the signature algorithm",
		 err)) == NULL ||
	    !buf_dup(attrs, &tagged, err))
		return false;
	X509_ALGOR_free(si->sig_alg);
	si->sig_alg = own_give(&alg);
	tagged.ptr[0] = V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED;
	if ((si->signed_attrs = der_string_new(V_ASN1_SET, buf_view(&tagged))) == NULL)
		return err_nomem(err);
	return der_string_set(si->signature, signature, err) && set_unsigned(in, si, err);
}

bool
cms_signed_add_signer(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, CMSW_SIGNED_DATA *data, struct err *err)
{
	OWNED(own_cmsw_signer_info) CMSW_SIGNER_INFO *si = CMSW_SIGNER_INFO_new();
	OWNED(own_x509_algor) X509_ALGOR *digest = X509_ALGOR_new();

	if (si == NULL || digest == NULL)
		return err_nomem(err);
	if (!fill_signer(in, attrs, sig_alg, signature, si, err) ||
	    !set_digest_alg(digest, own_digest(in->digest), err))
		return false;
	/* RFC 5652 5.1; never lowered by a further signer. */
	if (si->version == 3 || strcmp(in->content_oid, CMS_ID_DATA) != 0)
		data->version = 3;
	if (sk_X509_ALGOR_push(data->digest_algs, digest) <= 0)
		return err_nomem(err);
	digest = NULL;
	if (sk_CMSW_SIGNER_INFO_push(data->signers, si) <= 0)
		return err_nomem(err);
	si = NULL;
	return true;
}

/* DER wants the encodings of a SET OF in ascending order; a shorter one that another begins with
 * comes first. */
static int
by_encoding(const ASN1_TYPE *const *a, const ASN1_TYPE *const *b)
{
	struct view x = der_string((*a)->value.sequence), y = der_string((*b)->value.sequence);
	int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);

	return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

bool
cms_signed_add_certificate(struct view der, CMSW_SIGNED_DATA *data, struct err *err)
{
	ASN1_TYPE *t = NULL;
	ASN1_STRING *value = NULL;

	if (data->certificates == NULL && (data->certificates = sk_ASN1_TYPE_new_null()) == NULL)
		return err_nomem(err);
	for (int i = 0; i < sk_ASN1_TYPE_num(data->certificates); i++)
		if (view_eq(
			der_string(sk_ASN1_TYPE_value(data->certificates, i)->value.sequence), der))
			return true;
	t = ASN1_TYPE_new();
	value = der_string_new(V_ASN1_SEQUENCE, der);
	if (t == NULL || value == NULL || der.len == 0) {
		ASN1_STRING_free(value);
		ASN1_TYPE_free(t);
		return err_nomem(err);
	}
	ASN1_TYPE_set(t, V_ASN1_SEQUENCE, value);
	if (sk_ASN1_TYPE_push(data->certificates, t) <= 0) {
		ASN1_TYPE_free(t);
		return err_nomem(err);
	}
	sk_ASN1_TYPE_set_cmp_func(data->certificates, by_encoding);
	sk_ASN1_TYPE_sort(data->certificates);
	return true;
}

/* ---- the whole message, octet by octet ---- */

static void
put_object(struct der_out *o, const ASN1_OBJECT *object)
{
	der_put_element(o, DER_OBJECT, oid_object_octets(object));
}

static void
put_digest_alg(struct der_out *o, const EVP_MD *md)
{
	size_t alg = der_open(o, DER_SEQUENCE);

	put_object(o, OBJ_nid2obj(EVP_MD_get_type(md)));
	der_close(o, alg);
}

/* A shorter one that another begins with comes first. */
static int
by_octets(const void *a, const void *b)
{
	const struct view *x = a, *y = b;
	int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* DER wants the encodings of a SET OF in ascending order; none is there twice. */
static void
put_certificates(struct der_out *o, const struct view *list, size_t count)
{
	OWNED(own_memory) struct view *sorted = mem_zero(count + 1, sizeof *sorted);
	size_t set;

	if (count == 0)
		return;
	set = der_open(o, DER_CONTEXT_0);
	memcpy(sorted, list, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, by_octets);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !view_eq(sorted[i], sorted[i - 1]))
			der_put(o, sorted[i]);
	der_close(o, set);
}

static void
put_signer_id(struct der_out *o, const struct cms_sign *in)
{
	size_t id;

	if (in->key_id.len > 0) {
		der_put_element(o, DER_KEY_ID, in->key_id);
		return;
	}
	id = der_open(o, DER_SEQUENCE);
	der_put(o, in->issuer);
	der_put_element(o, DER_INTEGER, in->serial);
	der_close(o, id);
}

static void
put_version(struct der_out *o, uint8_t version)
{
	der_put_element(o, DER_INTEGER, view_of(&version, 1));
}

/* What a signer says and how: `attrs` and `unsigned_attrs` are encoded SETs, the second may be
 * empty. */
struct signed_parts {
	struct view content, attrs, sig_alg, signature, unsigned_attrs;
};

static void
put_tagged_set(struct der_out *o, uint8_t first, struct view set)
{
	if (set.len == 0)
		return;
	der_put(o, view_of(&first, 1));
	der_put(o, view_of(set.ptr + 1, set.len - 1));
}

static void
put_signer(struct der_out *o, const struct cms_sign *in, const struct signed_parts *p)
{
	size_t info = der_open(o, DER_SEQUENCE);

	put_version(o, in->key_id.len > 0 ? 3 : 1);
	put_signer_id(o, in);
	put_digest_alg(o, own_digest(in->digest));
	put_tagged_set(o, DER_CONTEXT_0, p->attrs);
	der_put(o, p->sig_alg);
	der_put_element(o, DER_OCTET_STRING, p->signature);
	put_tagged_set(o, DER_CONTEXT_1, p->unsigned_attrs);
	der_close(o, info);
}

static void
put_encapsulated(struct der_out *o, const ASN1_OBJECT *type, const struct signed_parts *p)
{
	size_t encap = der_open(o, DER_SEQUENCE), tagged;

	put_object(o, type);
	if (p != NULL) {
		tagged = der_open(o, DER_CONTEXT_0);
		der_put_element(o, DER_OCTET_STRING, p->content);
		der_close(o, tagged);
	}
	der_close(o, encap);
}

/* SignedData; `p` NULL: certificates only. */
static void
put_signed_data(struct der_out *o, const struct cms_sign *in, const ASN1_OBJECT *type,
    const struct signed_parts *p)
{
	bool is_data = strcmp(in->content_oid, CMS_ID_DATA) == 0;
	size_t data = der_open(o, DER_SEQUENCE), set;

	/* RFC 5652 5.1 */
	put_version(o, p != NULL && (in->key_id.len > 0 || !is_data) ? 3 : 1);
	set = der_open(o, DER_SET);
	if (p != NULL)
		put_digest_alg(o, own_digest(in->digest));
	der_close(o, set);
	put_encapsulated(o, type, p);
	put_certificates(o, in->certificates, in->certificate_count);
	set = der_open(o, DER_SET);
	if (p != NULL)
		put_signer(o, in, p);
	der_close(o, set);
	der_close(o, data);
}

/* `whole`: as a ContentInfo. */
static bool
encode(const struct cms_sign *in, const struct signed_parts *p, bool whole, struct buf *out,
    struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	OWNED(own_asn1_object) ASN1_OBJECT *type = NULL;
	size_t info = 0, tagged = 0;

	for (size_t i = 0; i < in->certificate_count; i++)
		if (in->certificates[i].len == 0)
			return err_set(err, E_INVALIDARG, "a certificate of a message is empty");
	if (!cms_object_set(&type, in->content_oid, err))
		return false;
	if (whole) {
		info = der_open(&o, DER_SEQUENCE);
		put_object(&o, OBJ_nid2obj(NID_pkcs7_signed));
		tagged = der_open(&o, DER_CONTEXT_0);
	}
	put_signed_data(&o, in, type, p);
	if (whole) {
		der_close(&o, tagged);
		der_close(&o, info);
	}
	return der_done(&o, out, err);
}

static bool
encode_unsigned(const struct cms_sign *in, struct buf *out, struct err *err)
{
	OWNED(own_cmsw_attributes) STACK_OF(CMSW_ATTRIBUTE) *list = NULL;

	if (in->unsigned_count == 0)
		return true;
	if ((list = sk_CMSW_ATTRIBUTE_new_null()) == NULL)
		return err_nomem(err);
	return push_all(list, in->unsigned_attrs, in->unsigned_count, err) &&
	       der_encode(ASN1_ITEM_rptr(CMSW_ATTRIBUTES), list, "the set of unsigned attributes",
		   out, err);
}

static bool
check_parts(const struct cms_sign *in, const struct signed_parts *p, struct err *err)
{
	if (p->attrs.len < 2 || p->attrs.ptr[0] != DER_SET)
		return err_set(err, E_INVALIDARG, "the signed attributes are not a SET");
	return check_signer_id(in, err) && check_digest(own_digest(in->digest), err) &&
	       (pkix_is_algorithm(p->sig_alg) ||
		   err_set(err, ERROR_INVALID_DATA,
		       "the signature algorithm is not an AlgorithmIdentifier"));
}

static bool
finish(const struct cms_sign *in, const struct signed_parts *parts, bool whole, struct buf *out,
    struct err *err)
{
	OWNED(buf_free) struct buf unsigned_attrs = {0};
	struct signed_parts p = *parts;

	*out = (struct buf){0};
	if (!check_parts(in, &p, err) || !encode_unsigned(in, &unsigned_attrs, err))
		return false;
	p.unsigned_attrs = buf_view(&unsigned_attrs);
	return encode(in, &p, whole, out, err);
}

bool
cms_sign_finish(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, struct buf *out, struct err *err)
{
	const struct signed_parts p = {
	    .content = in->content, .attrs = attrs, .sig_alg = sig_alg, .signature = signature};

	return finish(in, &p, true, out, err);
}

/* Memory that grows leaves copies behind: random octets are encoded, in whose place the content is
 * put afterwards. */
bool
cms_sign_finish_secret(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, struct secret *out, struct err *err)
{
	OWNED(buf_free) struct buf filler = {0}, message = {0};
	const uint8_t *at;

	*out = (struct secret){0};
	if (in->content.len < SECRET_MIN || !buf_alloc(in->content.len, &filler, err) ||
	    RAND_bytes(filler.ptr, (int)filler.len) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "a secret could not be put into a message");
	const struct signed_parts p = {.content = buf_view(&filler),
	    .attrs = attrs,
	    .sig_alg = sig_alg,
	    .signature = signature};

	if (!finish(in, &p, false, &message, err))
		return false;
	if ((at = memmem(message.ptr, message.len, filler.ptr, filler.len)) == NULL)
		return err_set(err, DIRCA_E_INTERNAL, "a signed message without its content");
	if (!secret_dup(buf_view(&message), out, err))
		return false;
	memcpy(out->ptr + (at - message.ptr), in->content.ptr, in->content.len);
	return true;
}

bool
cms_certs_only(const struct view *certificates, size_t count, struct buf *out, struct err *err)
{
	const struct cms_sign in = {
	    .content_oid = CMS_ID_DATA, .certificates = certificates, .certificate_count = count};

	*out = (struct buf){0};
	return encode(&in, NULL, true, out, err);
}
