#include "cms.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "der.h"
#include "der_write.h"
#include "mem.h"
#include "oids.h"

#define MESSAGE_MAX      (1024 * 1024)
#define CERTIFICATES_MAX 64
#define SIGNERS_MAX      16
#define ATTRIBUTES_MAX   64
/* Microsoft's attributes of certificate services: none of them may come twice, wherever it is. */
#define MICROSOFT_ARC "1.3.6.1.4.1.311.21."

static bool
malformed(const char *what, struct err *err)
{
	return err_set(err, ERROR_INVALID_DATA,
	    "%s is malformed, cut off, another thing or not in the distinguished encoding (DER)",
	    what);
}

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

/* One of the SET whose content `cursor` is. */
static bool
read_attr(struct view *cursor, struct cms_attr *out, struct err *err)
{
	struct view attr, type, set;

	if (!der_take(cursor, DER_SEQUENCE, &attr) || !der_take_oid(&attr, &type) ||
	    !der_take_raw(&attr, DER_SET, &set) || attr.len > 0)
		return malformed("an attribute of a signer", err);
	return der_attr(type, set, out, err);
}

/* Elements of the content of a SET; those that are cut off are none. */
static size_t
count_elements(struct view content)
{
	struct view whole;
	size_t count = 0;

	while (der_take_any(&content, &whole))
		count++;
	return count;
}

static bool
read_attrs(
    struct view set, bool is_signed, struct cms_attr **out, size_t *count_out, struct err *err)
{
	size_t count = count_elements(set);

	if (count > ATTRIBUTES_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "a signer has %zu %s attributes, more than %d", count,
		    is_signed ? "signed" : "unsigned", ATTRIBUTES_MAX);
	*out = mem_zero(count, sizeof **out);
	for (*count_out = 0; *count_out < count; (*count_out)++)
		if (!read_attr(&set, &(*out)[*count_out], err) ||
		    !check_twice(*out, *count_out + 1, is_signed, err))
			return false;
	return set.len == 0 || malformed("a set of attributes", err);
}

static bool
check_version(int32_t version, bool by_key, struct err *err)
{
	/* RFC 5652 5.3: the version follows from the way the signer is named. */
	return version == (by_key ? 3 : 1) ||
	       err_set(err, ERROR_INVALID_DATA, "a SignerInfo with %s has version %d",
		   by_key ? "a key identifier" : "issuer and serial number", (int)version);
}

static bool
read_signer_id(struct view *cursor, int32_t version, struct cms_signer *out, struct err *err)
{
	struct view name;

	if (der_take(cursor, DER_CONTEXT_0_PRIMITIVE, &out->key_id))
		return check_version(version, true, err) &&
		       (out->key_id.len > 0 || err_set(err, ERROR_INVALID_DATA,
						   "a signer has an empty key identifier"));
	if (!der_take(cursor, DER_SEQUENCE, &name) ||
	    !der_take_raw(&name, DER_SEQUENCE, &out->issuer) ||
	    !der_take(&name, DER_INTEGER, &out->serial) || name.len > 0)
		return malformed("the name of a signer", err);
	return check_version(version, false, err) &&
	       (der_is_serial(out->serial) ||
		   err_set(err, ERROR_INVALID_DATA,
		       "the serial number that names a signer is not a proper INTEGER"));
}

/* The signature covers the attributes as a SET OF, in the bytes that came, but for the tag (RFC
 * 5652 5.4). */
static bool
read_signed_attrs(struct view *cursor, struct cms_signer *out, struct err *err)
{
	struct view whole, set;

	if (cursor->len == 0 || cursor->ptr[0] != DER_CONTEXT_0)
		return true;
	if (!der_take_any(cursor, &whole))
		return malformed("the set of signed attributes", err);
	if (!buf_dup(whole, &out->signed_attrs_set, err))
		return false;
	out->signed_attrs_set.ptr[0] = DER_SET;
	out->signed_attrs = whole = buf_view(&out->signed_attrs_set);
	if (!der_take(&whole, DER_SET, &set) ||
	    !read_attrs(set, true, &out->attrs, &out->attr_count, err))
		return false;
	return out->attr_count > 0 ||
	       err_set(err, ERROR_INVALID_DATA, "the set of signed attributes is empty");
}

static bool
read_unsigned_attrs(struct view *cursor, struct cms_signer *out, struct err *err)
{
	struct view set;

	return !der_take(cursor, DER_CONTEXT_1, &set) ||
	       read_attrs(set, false, &out->unsigned_attrs, &out->unsigned_count, err);
}

static bool
read_signature(struct view *cursor, struct cms_signer *out, struct err *err)
{
	struct view alg, ignored;

	if (!der_take_algorithm(cursor, &alg, &ignored) ||
	    !der_take(cursor, DER_OCTET_STRING, &out->signature))
		return malformed("the signature of a signer", err);
	out->sig_alg = d2i_X509_ALGOR(NULL, &alg.ptr, (long)alg.len);
	return out->sig_alg != NULL || err_nomem(err);
}

/* The next of the SET whose content `cursor` is. */
static bool
read_signer(struct view *cursor, struct cms_signer *out, struct err *err)
{
	struct view info, alg, digest;
	int32_t version;

	if (!der_take(cursor, DER_SEQUENCE, &info))
		return malformed("a SignerInfo", err);
	out->kept = info;
	if (!der_take_int32(&info, &version))
		return malformed("the version of a SignerInfo", err);
	if (!read_signer_id(&info, version, out, err))
		return false;
	if (!der_take_algorithm(&info, &alg, &digest))
		return malformed("the digest algorithm of a signer", err);
	out->digest = cms_digest(oid_octets_nid(digest));
	if (!read_signed_attrs(&info, out, err) || !read_signature(&info, out, err))
		return false;
	out->kept.len -= info.len;
	if (!read_unsigned_attrs(&info, out, err))
		return false;
	return info.len == 0 || malformed("a SignerInfo", err);
}

static bool
read_signers(struct view set, struct cms_signed *out, struct err *err)
{
	size_t count = count_elements(set);

	if (count > SIGNERS_MAX)
		return err_set(err, ERROR_INVALID_DATA, "the message has %zu signers, more than %d",
		    count, SIGNERS_MAX);
	out->signers = mem_zero(count, sizeof *out->signers);
	while (out->signer_count < count)
		if (!read_signer(&set, &out->signers[out->signer_count++], err))
			return false;
	return set.len == 0 || malformed("the set of signers", err);
}

static bool
read_certificates(struct view set, struct cms_signed *out, struct err *err)
{
	struct view list[CERTIFICATES_MAX], whole;
	size_t count = 0;

	for (size_t all = 0; set.len > 0; all++) {
		if (all == CERTIFICATES_MAX)
			return err_set(err, ERROR_INVALID_DATA,
			    "the message has more than %d certificates", CERTIFICATES_MAX);
		if (!der_take_value(&set, &whole))
			return malformed("a certificate of the message", err);
		/* The other CertificateChoices are tagged: attribute certificates and the like, of
		 * no use here. */
		if (whole.ptr[0] == DER_SEQUENCE)
			list[count++] = whole;
	}
	if (count > 0) {
		out->certificates = mem_zero(count, sizeof *out->certificates);
		memcpy(out->certificates, list, count * sizeof *list);
		out->certificate_count = count;
	}
	return true;
}

static bool
read_algorithms(struct view *cursor, struct err *err)
{
	struct view set, alg, oid;

	if (!der_take(cursor, DER_SET, &set))
		return malformed("the signed message", err);
	while (set.len > 0)
		if (!der_take_algorithm(&set, &alg, &oid))
			return malformed("a digest algorithm of the message", err);
	return true;
}

static bool
read_content(struct view *cursor, struct cms_signed *out, struct err *err)
{
	struct view encap, type, inner;

	if (!der_take(cursor, DER_SEQUENCE, &encap) || !der_take_oid(&encap, &type) ||
	    (encap.len > 0 &&
		(!der_take(&encap, DER_CONTEXT_0, &inner) ||
		    !der_take(&inner, DER_OCTET_STRING, &out->content) || inner.len > 0)) ||
	    encap.len > 0)
		return malformed("the content of the message", err);
	return oid_octets_text(type, out->content_oid, sizeof out->content_oid) ||
	       err_set(err, ERROR_INVALID_DATA, "the content type of SignedData is over-long");
}

/* Certificates and CRLs, where there are any. */
static bool
read_sets(struct view *cursor, struct cms_signed *out, struct err *err)
{
	struct view set, whole;

	if (der_take(cursor, DER_CONTEXT_0, &set) && !read_certificates(set, out, err))
		return false;
	if (!der_take(cursor, DER_CONTEXT_1, &set))
		return true;
	while (set.len > 0)
		if (!der_take_value(&set, &whole))
			return malformed("a CRL of the message", err);
	return true;
}

static bool
read_data(struct view data, struct cms_signed *out, struct err *err)
{
	struct view signers;
	int32_t version;

	out->before_signers = data;
	if (!der_take_int32(&data, &version))
		return malformed("the version of SignedData", err);
	if (version != 1 && (version < 3 || version > 5))
		return err_set(err, ERROR_INVALID_DATA,
		    "SignedData has version %d; 1, 3, 4 and 5 are known", (int)version);
	if (!read_algorithms(&data, err) || !read_content(&data, out, err) ||
	    !read_sets(&data, out, err))
		return false;
	out->before_signers.len -= data.len;
	if (!der_take(&data, DER_SET, &signers) || data.len > 0)
		return malformed("the signed message", err);
	return read_signers(signers, out, err);
}

static bool
read_message(struct view der, struct cms_signed *out, struct err *err)
{
	struct view info, type, tagged, data;

	if (!der_take(&der, DER_SEQUENCE, &info) || der.len > 0 || !der_take_oid(&info, &type) ||
	    !der_take(&info, DER_CONTEXT_0, &tagged) || info.len > 0 ||
	    !der_take(&tagged, DER_SEQUENCE, &data) || tagged.len > 0)
		return malformed("the signed message", err);
	return read_data(data, out, err) &&
	       (oid_octets_nid(type) == NID_pkcs7_signed ||
		   err_set(err, ERROR_INVALID_DATA, "the message does not call itself SignedData"));
}

bool
cms_signed_decode(struct view der, struct cms_signed *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed s = {0};
	char oid[80];

	*out = s;
	if (der.len > MESSAGE_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the signed message has %zu bytes, more than the %d that are read", der.len,
		    MESSAGE_MAX);
	if (!buf_dup(der, &s.raw, err))
		return false;
	if (!read_message(buf_view(&s.raw), &s, err)) {
		if (err->code == ERROR_INVALID_DATA &&
		    der_is_other_content(der, NID_pkcs7_signed, oid))
			err_set(err, CRYPT_E_INVALID_MSG_TYPE,
			    "the message is of type %s, not SignedData", oid);
		return false;
	}
	*out = s;
	s = (struct cms_signed){0};
	return true;
}

/* What was read, by its bytes: nothing but the unsigned attributes is missing. */
bool
cms_signed_strip(const struct cms_signed *s, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	size_t message = der_open(&o, DER_SEQUENCE), tagged, data, signers;

	der_put_element(&o, DER_OBJECT, oid_nid_octets(NID_pkcs7_signed));
	tagged = der_open(&o, DER_CONTEXT_0);
	data = der_open(&o, DER_SEQUENCE);
	der_put(&o, s->before_signers);
	signers = der_open(&o, DER_SET);
	for (size_t i = 0; i < s->signer_count; i++)
		der_put_element(&o, DER_SEQUENCE, s->signers[i].kept);
	der_close(&o, signers);
	der_close(&o, data);
	der_close(&o, tagged);
	der_close(&o, message);
	return der_done(&o, out, err);
}

void
cms_signed_free(struct cms_signed *s)
{
	for (size_t i = 0; i < s->signer_count; i++) {
		struct cms_signer *signer = &s->signers[i];

		free(signer->attrs);
		free(signer->unsigned_attrs);
		buf_free(&signer->signed_attrs_set);
		X509_ALGOR_free(signer->sig_alg);
	}
	free(s->signers);
	free(s->certificates);
	buf_free(&s->raw);
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
