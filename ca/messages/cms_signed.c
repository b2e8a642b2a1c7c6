#include "cms.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "cms_asn1.h"
#include "der.h"
#include "mem.h"
#include "oids.h"

#define MESSAGE_MAX      (1024 * 1024)
#define CERTIFICATES_MAX 64
#define SIGNERS_MAX      16
#define ATTRIBUTES_MAX   64
/* Microsoft's attributes of certificate services: none of them may come twice, wherever it is. */
#define MICROSOFT_ARC "1.3.6.1.4.1.311.21."

static bool
check_twice(const struct cms_attr *list, size_t count, bool is_signed, struct err *err)
{
	const struct cms_attr *last = &list[count - 1];

	if (!is_signed && strncmp(last->oid, MICROSOFT_ARC, strlen(MICROSOFT_ARC)) != 0)
		return true;
	for (size_t i = 0; i + 1 < count; i++)
		if (strcmp(list[i].oid, last->oid) == 0)
			return err_set(
			    err, ERROR_INVALID_DATA, "attribute %s comes twice", last->oid);
	return true;
}

static bool
read_attrs(const STACK_OF(CMSW_ATTRIBUTE) * wire, bool is_signed, struct cms_attr **out,
    size_t *count_out, struct err *err)
{
	int count = wire != NULL ? sk_CMSW_ATTRIBUTE_num(wire) : 0;

	if (count == 0)
		return true;
	if (count > ATTRIBUTES_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "a signer has %d %s attributes, more than %d", count,
		    is_signed ? "signed" : "unsigned", ATTRIBUTES_MAX);
	if ((*out = calloc((size_t)count, sizeof **out)) == NULL)
		return err_nomem(err);
	for (int i = 0; i < count; i++) {
		const CMSW_ATTRIBUTE *a = sk_CMSW_ATTRIBUTE_value(wire, i);

		if (!der_attr(a->type, a->values, &(*out)[i], err))
			return false;
		*count_out = (size_t)i + 1;
		if (!check_twice(*out, *count_out, is_signed, err))
			return false;
	}
	return true;
}

static bool
read_signer_id(const CMSW_SIGNER_INFO *wire, struct cms_signer *out, struct err *err)
{
	bool by_key = wire->sid->type == CMSW_ID_KEY;

	/* RFC 5652 5.3: the version follows from the way the signer is named. */
	if (wire->version != (by_key ? 3 : 1))
		return err_set(err, ERROR_INVALID_DATA, "a SignerInfo with %s has version %d",
		    by_key ? "a key identifier" : "issuer and serial number", (int)wire->version);
	if (by_key) {
		out->key_id = der_string(wire->sid->d.key_id);
		if (out->key_id.len == 0)
			return err_set(
			    err, ERROR_INVALID_DATA, "a signer has an empty key identifier");
		return true;
	}
	out->issuer = der_string(wire->sid->d.issuer_serial->issuer);
	out->serial = der_string(wire->sid->d.issuer_serial->serial);
	if (!der_is_serial(out->serial))
		return err_set(err, ERROR_INVALID_DATA,
		    "the serial number that names a signer is not a proper INTEGER");
	return true;
}

/* The signature covers the attributes as a SET OF, in the bytes that came, but for the tag (RFC
 * 5652 5.4). */
static bool
read_signed_attrs(const CMSW_SIGNER_INFO *wire, struct cms_signer *out, struct err *err)
{
	if (wire->signed_attrs == NULL)
		return true;
	if (!buf_dup(der_string(wire->signed_attrs), &out->signed_attrs_set, err))
		return false;
	out->signed_attrs_set.ptr[0] = V_ASN1_SET | V_ASN1_CONSTRUCTED;
	out->signed_attrs = buf_view(&out->signed_attrs_set);
	out->signed_wire = der_decode(ASN1_ITEM_rptr(CMSW_ATTRIBUTES), out->signed_attrs,
	    MESSAGE_MAX, "the set of signed attributes", err);
	if (out->signed_wire == NULL ||
	    !read_attrs(out->signed_wire, true, &out->attrs, &out->attr_count, err))
		return false;
	if (out->attr_count == 0)
		return err_set(err, ERROR_INVALID_DATA, "the set of signed attributes is empty");
	return true;
}

static bool
read_signer(const CMSW_SIGNER_INFO *wire, struct cms_signer *out, struct err *err)
{
	const ASN1_OBJECT *digest;

	X509_ALGOR_get0(&digest, NULL, NULL, wire->digest_alg);
	out->digest = cms_digest(OBJ_obj2nid(digest));
	out->sig_alg = wire->sig_alg;
	out->signature = der_string(wire->signature);
	return read_signer_id(wire, out, err) && read_signed_attrs(wire, out, err) &&
	       read_attrs(
		   wire->unsigned_attrs, false, &out->unsigned_attrs, &out->unsigned_count, err);
}

static bool
read_signers(const STACK_OF(CMSW_SIGNER_INFO) * wire, struct cms_signed *out, struct err *err)
{
	int count = sk_CMSW_SIGNER_INFO_num(wire);

	if (count > SIGNERS_MAX)
		return err_set(err, ERROR_INVALID_DATA, "the message has %d signers, more than %d",
		    count, SIGNERS_MAX);
	if (count > 0)
		out->signers = mem_zero((size_t)count, sizeof *out->signers);
	for (int i = 0; i < count; i++) {
		out->signer_count = (size_t)i + 1;
		if (!read_signer(sk_CMSW_SIGNER_INFO_value(wire, i), &out->signers[i], err))
			return false;
	}
	return true;
}

static bool
read_certificates(const STACK_OF(ASN1_TYPE) * wire, struct cms_signed *out, struct err *err)
{
	int count = wire != NULL ? sk_ASN1_TYPE_num(wire) : 0;

	if (count > CERTIFICATES_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "the message has %d certificates, more than %d", count, CERTIFICATES_MAX);
	if (count > 0)
		out->certificates = mem_zero((size_t)count, sizeof *out->certificates);
	for (int i = 0; i < count; i++) {
		const ASN1_TYPE *t = sk_ASN1_TYPE_value(wire, i);

		/* The other CertificateChoices are tagged: attribute certificates and the like, of
		 * no use here. */
		if (t->type == V_ASN1_SEQUENCE)
			out->certificates[out->certificate_count++] = der_string(t->value.sequence);
	}
	return true;
}

static bool
read_wire(struct view der, struct cms_signed *out, struct err *err)
{
	char oid[80];

	out->wire =
	    der_decode(ASN1_ITEM_rptr(CMSW_SIGNED), der, MESSAGE_MAX, "the signed message", err);
	if (out->wire == NULL && err->code == ERROR_INVALID_DATA &&
	    der_is_other_content(der, NID_pkcs7_signed, oid))
		err_set(err, CRYPT_E_INVALID_MSG_TYPE, "the message is of type %s, not SignedData",
		    oid);
	if (out->wire == NULL)
		return false;
	return OBJ_obj2nid(out->wire->type) == NID_pkcs7_signed ||
	       err_set(
		   err, CRYPT_E_INVALID_MSG_TYPE, "the message does not call itself SignedData");
}

bool
cms_signed_decode(struct view der, struct cms_signed *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed s = {0};
	const CMSW_SIGNED_DATA *data;

	*out = s;
	if (!read_wire(der, &s, err))
		return false;
	data = s.wire->data;
	if (data->version != 1 && (data->version < 3 || data->version > 5))
		return err_set(err, ERROR_INVALID_DATA,
		    "SignedData has version %d; 1, 3, 4 and 5 are known", (int)data->version);
	if (!oid_text(data->encap->type, s.content_oid, sizeof s.content_oid))
		return err_set(
		    err, ERROR_INVALID_DATA, "the content type of SignedData is over-long");
	s.content = der_string(data->encap->content);
	if (!buf_dup(der, &s.raw, err) || !read_certificates(data->certificates, &s, err) ||
	    !read_signers(data->signers, &s, err))
		return false;
	*out = s;
	s = (struct cms_signed){0};
	return true;
}

void
cms_signed_free(struct cms_signed *s)
{
	for (size_t i = 0; i < s->signer_count; i++) {
		struct cms_signer *signer = &s->signers[i];

		free(signer->attrs);
		free(signer->unsigned_attrs);
		buf_free(&signer->signed_attrs_set);
		sk_CMSW_ATTRIBUTE_pop_free(signer->signed_wire, CMSW_ATTRIBUTE_free);
	}
	free(s->signers);
	free(s->certificates);
	buf_free(&s->raw);
	CMSW_SIGNED_free(s->wire);
	*s = (struct cms_signed){0};
}

const struct cms_attr *
cms_signer_attr(const struct cms_signer *s, int nid, bool is_signed)
{
	const struct cms_attr *list = is_signed ? s->attrs : s->unsigned_attrs;
	size_t count = is_signed ? s->attr_count : s->unsigned_count;

	for (size_t i = 0; i < count; i++)
		if (nid != NID_undef && list[i].nid == nid)
			return &list[i];
	return NULL;
}
