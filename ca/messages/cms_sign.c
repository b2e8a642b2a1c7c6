#include "cms.h"

#include <string.h>
#include <time.h>
#include <openssl/objects.h>
#include <openssl/rand.h>

#include "cms_algs.h"
#include "cms_asn1.h"
#include "cms_attr.h"
#include "der.h"
#include "cms_sign_priv.h"

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
	if (in->issuer.len == 0 || !der_is_serial(in->serial))
		return err_set(err, E_INVALIDARG,
		    "the signer of a message is named neither by key identifier nor by issuer and "
		    "serial number");
	si->version = 1;
	si->sid->type = CMSW_ID_ISSUER_SERIAL;
	if ((si->sid->d.issuer_serial = CMSW_ISSUER_SERIAL_new()) == NULL)
		return err_nomem(err);
	return der_string_set(si->sid->d.issuer_serial->issuer, in->issuer, err) &&
	       der_string_set(si->sid->d.issuer_serial->serial, in->serial, err);
}

/* RFC 5754 2: no parameters. */
static bool
set_digest_alg(X509_ALGOR *alg, const EVP_MD *md, struct err *err)
{
	if (md == NULL)
		return err_set(err, NTE_BAD_ALGID,
		    "messages are signed with SHA-1, SHA-256, SHA-384 or SHA-512 only");
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

static bool
set_certificates(const struct view *list, size_t count, CMSW_SIGNED_DATA *data, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!cms_signed_add_certificate(list[i], data, err))
			return false;
	return true;
}

static CMSW_SIGNED *
new_message(const char *content_oid, struct err *err)
{
	CMSW_SIGNED *m = CMSW_SIGNED_new();

	if (m == NULL) {
		err_nomem(err);
		return NULL;
	}
	m->type = OBJ_nid2obj(NID_pkcs7_signed);
	m->data->version = 1;
	if (!cms_object_set(&m->data->encap->type, content_oid, err)) {
		CMSW_SIGNED_free(m);
		return NULL;
	}
	return m;
}

static bool
fill_message(const struct cms_sign *in, struct view content, struct view attrs, struct view sig_alg,
    struct view signature, CMSW_SIGNED_DATA *data, struct err *err)
{
	if ((data->encap->content = der_string_new(V_ASN1_OCTET_STRING, content)) == NULL)
		return err_nomem(err);
	return set_certificates(in->certificates, in->certificate_count, data, err) &&
	       cms_signed_add_signer(in, attrs, sig_alg, signature, data, err);
}

bool
cms_sign_finish(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, struct buf *out, struct err *err)
{
	OWNED(own_cmsw_signed) CMSW_SIGNED *m = NULL;

	*out = (struct buf){0};
	return (m = new_message(in->content_oid, err)) != NULL &&
	       fill_message(in, in->content, attrs, sig_alg, signature, m->data, err) &&
	       der_encode(ASN1_ITEM_rptr(CMSW_SIGNED), m, "the signed message", out, err);
}

/* OpenSSL's ASN.1 leaves its copies in freed memory: it is given random octets to encode, in whose
 * place the content is put afterwards. */
bool
cms_sign_finish_secret(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, struct secret *out, struct err *err)
{
	OWNED(own_cmsw_signed) CMSW_SIGNED *m = NULL;
	OWNED(buf_free) struct buf filler = {0}, message = {0};
	const uint8_t *at;

	*out = (struct secret){0};
	if (in->content.len < SECRET_MIN || !buf_alloc(in->content.len, &filler, err) ||
	    RAND_bytes(filler.ptr, (int)filler.len) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "a secret could not be put into a message");
	if ((m = new_message(in->content_oid, err)) == NULL ||
	    !fill_message(in, buf_view(&filler), attrs, sig_alg, signature, m->data, err) ||
	    !der_encode(
		ASN1_ITEM_rptr(CMSW_SIGNED_DATA), m->data, "the signed message", &message, err))
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
	OWNED(own_cmsw_signed) CMSW_SIGNED *m = NULL;

	*out = (struct buf){0};
	if ((m = new_message(CMS_ID_DATA, err)) == NULL)
		return false;
	return set_certificates(certificates, count, m->data, err) &&
	       der_encode(
		   ASN1_ITEM_rptr(CMSW_SIGNED), m, "the certificates-only message", out, err);
}
