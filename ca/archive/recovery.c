#include "recovery.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "oids.h"
#include "own_openssl.h"

#define CERTIFICATES_MAX  (1 + RETRIEVAL_CERTS_MAX)
#define ID_ENVELOPED_DATA "1.2.840.113549.1.7.3"
#define SHA1_LEN          20

/* ---- making, around the vault's signature ---- */

struct making {
	struct pkix_cert signer;
	uint8_t hash_value[2 + SHA1_LEN]; /* OCTET STRING */
	struct buf retrieval;
	struct cms_attr attrs[2];
	struct view certificates[CERTIFICATES_MAX];
	struct retrieval_hash hashes[CERTIFICATES_MAX]; /* of certificates */
	struct cms_sign sign;
};

static void
making_free(struct making *m)
{
	pkix_cert_free(&m->signer);
	buf_free(&m->retrieval);
	*m = (struct making){0};
}

/* Appends the certificates of a list that are not there yet. */
static bool
collect(const struct view *list, size_t count, struct making *m, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t *used = &m->sign.certificate_count, seen = 0;

		while (seen < *used && !view_eq(m->certificates[seen], list[i]))
			seen++;
		if (seen < *used)
			continue;
		if (*used == CERTIFICATES_MAX)
			return err_set(err, DIRCA_E_TOO_LARGE,
			    "the recovery blob would hold more than %d certificates",
			    CERTIFICATES_MAX);
		if (SHA256(list[i].ptr, list[i].len, m->hashes[*used].sha256) == NULL)
			return err_openssl(err, DIRCA_E_CRYPTO, "hash of a certificate");
		m->certificates[(*used)++] = list[i];
	}
	return true;
}

static void
add_attr(struct making *m, enum oid_id id, struct view value)
{
	struct cms_attr *a = &m->attrs[m->sign.extra_count++];

	snprintf(a->oid, sizeof a->oid, "%s", oid_dotted(id));
	a->nid = oid_nid(id);
	a->values = value;
	a->value_count = 1;
}

/* Attribute 311.21.16: SHA-1 of the certificate whose key this is (paper, "Recovery BLOB
 * Structure"). */
static bool
name_certificate(const struct recovery_make *in, struct making *m, struct err *err)
{
	struct pkix_cert certificate;

	if (!pkix_cert_decode(in->certificate, &certificate, err))
		return err_prefix(err, "recovery blob: the certificate whose key it holds");
	m->hash_value[0] = V_ASN1_OCTET_STRING;
	m->hash_value[1] = SHA1_LEN;
	memcpy(m->hash_value + 2, certificate.sha1, SHA1_LEN);
	pkix_cert_free(&certificate);
	add_attr(m, OID_ARCHIVED_KEY_CERT_HASH, view_of(m->hash_value, sizeof m->hash_value));
	return true;
}

/* Each certificate once, in the order certificate, chain, KRAs, and the attribute that names them
 * so. */
static bool
bind_retrieval(const struct recovery_make *in, struct making *m, struct err *err)
{
	struct retrieval r = in->retrieval;
	size_t chain_end;

	if (!collect(&in->certificate, 1, m, err) || !collect(in->chain, in->chain_count, m, err))
		return false;
	chain_end = m->sign.certificate_count;
	if (!collect(in->kras, in->kra_count, m, err))
		return false;
	r.certificate = m->hashes[0];
	r.chain = m->hashes + 1;
	r.chain_count = chain_end - 1;
	r.kras = m->hashes + chain_end;
	r.kra_count = m->sign.certificate_count - chain_end;
	if (!retrieval_encode(&r, &m->retrieval, err))
		return err_prefix(err, "recovery blob");
	add_attr(m, OID_KEY_RETRIEVAL, buf_view(&m->retrieval));
	return true;
}

/* `m` points into itself and must not be moved. */
static bool
prepare(const struct recovery_make *in, struct making *m, struct err *err)
{
	if (in->chain_count == 0)
		return err_set(err, E_INVALIDARG,
		    "a recovery blob needs the certificate of the CA that signs it");
	if (!pkix_cert_decode(in->chain[0], &m->signer, err))
		return err_prefix(err, "recovery blob: the certificate of the CA that signs it");
	m->sign.content_oid = CMS_ID_DATA;
	m->sign.content = in->archived;
	m->sign.digest = in->digest;
	m->sign.issuer = m->signer.issuer;
	m->sign.serial = m->signer.serial;
	m->sign.certificates = m->certificates;
	m->sign.extra_attrs = m->attrs;
	return name_certificate(in, m, err) && bind_retrieval(in, m, err);
}

bool
recovery_attrs(const struct recovery_make *in, struct buf *attrs_out, struct err *err)
{
	OWNED(making_free) struct making m = {0};

	*attrs_out = (struct buf){0};

	return prepare(in, &m, err) && cms_sign_attrs(&m.sign, attrs_out, err);
}

bool
recovery_finish(const struct recovery_make *in, struct view attrs, struct view sig_alg,
    struct view signature, struct buf *out, struct err *err)
{
	OWNED(making_free) struct making m = {0};

	*out = (struct buf){0};

	return prepare(in, &m, err) &&
	       cms_sign_finish(&m.sign, attrs, sig_alg, signature, out, err);
}

/* ---- reading ---- */

static bool
decode_certificates(struct recovery_blob *out, struct err *err)
{
	size_t count = out->message.certificate_count;

	if (count > CERTIFICATES_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the recovery blob holds more than %d certificates", CERTIFICATES_MAX);
	if ((out->others = calloc(count + 1, sizeof *out->others)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		if (!pkix_cert_decode(out->message.certificates[i], &out->others[i], err))
			return err_prefix(err, "recovery blob: certificate %zu", i + 1);
		out->other_count++;
	}
	return true;
}

/* By subject key identifier, which a certificate may carry or imply. */
static bool
has_key_id(const struct pkix_cert *c, struct view key_id)
{
	struct err ignored = {0};
	struct buf ski = {0};
	bool same;

	same =
	    key_id.len > 0 && pkix_cert_ski(c, &ski, &ignored) && view_eq(buf_view(&ski), key_id);
	buf_free(&ski);
	return same;
}

static bool
named_by(const struct pkix_cert *c, struct view issuer, struct view serial, struct view key_id)
{
	if (issuer.len > 0)
		return view_eq(c->issuer, issuer) && view_eq(c->serial, serial);
	return has_key_id(c, key_id);
}

/* The first SignerInfo counts ([MS-CSRA] 3.1.4.2.9). SHA-1 is allowed here: what old CAs made can
 * be shown; recovery_verify decides. */
static bool
check_signature(struct recovery_blob *out, struct err *err)
{
	const struct cms_signer *signer;
	const struct pkix_cert *found = NULL;
	EVP_PKEY *key = NULL;
	bool ok;

	if (out->message.signer_count == 0)
		return err_set(err, CRYPT_E_NO_SIGNER, "the recovery blob is not signed");
	signer = &out->message.signers[0];
	for (size_t i = 0; i < out->other_count && found == NULL; i++)
		if (named_by(&out->others[i], signer->issuer, signer->serial, signer->key_id))
			found = &out->others[i];
	if (found == NULL)
		return err_set(err, CRYPT_E_NO_SIGNER,
		    "the recovery blob lacks the certificate of the CA that signed it");
	ok = pkix_public_key(found->spki, &key, err) &&
	     cms_signer_verify(&out->message, signer, key, true, err) &&
	     pkix_cert_decode(buf_view(&found->raw), &out->signer, err);
	EVP_PKEY_free(key);
	return ok || err_prefix(err, "recovery blob: the CA's signature");
}

static bool
find_certificate(struct recovery_blob *out, struct err *err)
{
	const struct cms_attr *attr =
	    cms_signer_attr(&out->message.signers[0], oid_nid(OID_ARCHIVED_KEY_CERT_HASH), true);
	struct view value;

	if (attr == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the recovery blob does not say whose key it holds (attribute "
		    "1.3.6.1.4.1.311.21.16)");
	if (!cms_attr_single(attr, &value, err))
		return false;
	if (value.len != 2 + SHA1_LEN || value.ptr[0] != V_ASN1_OCTET_STRING ||
	    value.ptr[1] != SHA1_LEN)
		return err_set(err, ERROR_INVALID_DATA,
		    "the recovery blob's attribute 1.3.6.1.4.1.311.21.16 is no SHA-1 hash");
	for (size_t i = 0; i < out->other_count; i++)
		if (memcmp(out->others[i].sha1, value.ptr + 2, SHA1_LEN) == 0)
			return pkix_cert_decode(
			    buf_view(&out->others[i].raw), &out->certificate, err);
	return err_set(
	    err, CRYPT_E_NOT_FOUND, "the recovery blob lacks the certificate whose key it holds");
}

static bool
read_retrieval(struct recovery_blob *out, struct err *err)
{
	const struct cms_attr *attr =
	    cms_signer_attr(&out->message.signers[0], oid_nid(OID_KEY_RETRIEVAL), true);
	struct view value;

	if (attr == NULL)
		return true;
	out->has_retrieval =
	    cms_attr_single(attr, &value, err) && retrieval_decode(value, &out->retrieval, err);
	return out->has_retrieval || err_prefix(err, "recovery blob");
}

/* ContentInfo { envelopedData, [0] EXPLICIT inner } for a content that is the bare EnvelopedData.
 */
static bool
wrap_enveloped(struct view inner, struct buf *out, struct err *err)
{
	OWNED(own_asn1_object) ASN1_OBJECT *oid = OBJ_txt2obj(ID_ENVELOPED_DATA, 1);
	int oid_len = oid != NULL ? i2d_ASN1_OBJECT(oid, NULL) : -1, tagged, whole;
	uint8_t *p;

	*out = (struct buf){0};
	if (oid_len < 0 || inner.len > INT_MAX / 2)
		return err_nomem(err);
	tagged = ASN1_object_size(1, (int)inner.len, 0);
	whole = ASN1_object_size(1, oid_len + tagged, V_ASN1_SEQUENCE);
	if (!buf_alloc((size_t)whole, out, err))
		return false;
	p = out->ptr;
	ASN1_put_object(&p, 1, oid_len + tagged, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	i2d_ASN1_OBJECT(oid, &p);
	ASN1_put_object(&p, 1, (int)inner.len, 0, V_ASN1_CONTEXT_SPECIFIC);
	memcpy(p, inner.ptr, inner.len);
	return true;
}

/* What eContent holds is stated by no source: the ContentInfo as it is stored, or under
 * id-envelopedData the bare EnvelopedData too. */
static bool
decode_archived(struct recovery_blob *out, struct err *err)
{
	OWNED(buf_free) struct buf wrapped = {0};
	struct err first = {0};

	if (strcmp(out->message.content_oid, CMS_ID_DATA) == 0)
		return cms_sealed_decode(out->message.content, &out->archived, err);
	if (strcmp(out->message.content_oid, ID_ENVELOPED_DATA) != 0)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "a recovery blob holds enveloped data; this message holds content of type %s",
		    out->message.content_oid);
	if (cms_sealed_decode(out->message.content, &out->archived, &first))
		return true;
	return wrap_enveloped(out->message.content, &wrapped, err) &&
	       cms_enveloped_decode(buf_view(&wrapped), &out->archived, err);
}

bool
recovery_is(struct view file)
{
	static const uint8_t signed_data[] = {
	    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
	OWNED(cms_signed_free) struct cms_signed message = {0};
	struct err ignored;

	return file.len > 32 && file.ptr[0] == 0x30 &&
	       memmem(file.ptr, 16, signed_data, sizeof signed_data) != NULL &&
	       cms_signed_decode(file, &message, &ignored) && message.signer_count > 0 &&
	       cms_signer_attr(&message.signers[0], oid_nid(OID_ARCHIVED_KEY_CERT_HASH), true) !=
		   NULL;
}

bool
recovery_decode(struct view der, struct recovery_blob *out, struct err *err)
{
	*out = (struct recovery_blob){0};
	if (cms_signed_decode(der, &out->message, err) && decode_certificates(out, err) &&
	    check_signature(out, err) && find_certificate(out, err) && read_retrieval(out, err) &&
	    decode_archived(out, err))
		return true;
	recovery_free(out);
	return false;
}

void
recovery_free(struct recovery_blob *b)
{
	for (size_t i = 0; i < b->other_count; i++)
		pkix_cert_free(&b->others[i]);
	free(b->others);
	pkix_cert_free(&b->certificate);
	pkix_cert_free(&b->signer);
	cms_enveloped_free(&b->archived);
	cms_signed_free(&b->message);
	retrieval_free(&b->retrieval);
	*b = (struct recovery_blob){0};
}

bool
recovery_recipient_is(const struct cms_recipient *r, const struct pkix_cert *c)
{
	return named_by(c, r->issuer, r->serial, r->key_id);
}

const struct pkix_cert *
recovery_recipient(const struct recovery_blob *b, size_t i)
{
	if (i >= b->archived.count)
		return NULL;
	for (size_t j = 0; j < b->other_count; j++)
		if (recovery_recipient_is(&b->archived.recipients[i], &b->others[j]))
			return &b->others[j];
	return NULL;
}
