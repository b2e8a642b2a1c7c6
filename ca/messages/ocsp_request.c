/* OCSP requests: libcrypto decodes them, here is what is taken of them. */
#include "ocsp.h"

#include <openssl/x509v3.h>

#include "der.h"
#include "own_openssl.h"
#include "pkix.h"

#define NONCE_OCTETS 2 /* of tag and length */

static bool
take_cert_id(struct ocsp_request *r, OCSP_ONEREQ *one, struct err *err)
{
	struct ocsp_question *q = &r->list[r->count];
	OCSP_CERTID *id = OCSP_onereq_get0_id(one);
	ASN1_OCTET_STRING *name_hash, *key_hash;
	ASN1_OBJECT *algorithm;
	ASN1_INTEGER *serial;
	uint8_t *der = NULL;
	int len = i2d_OCSP_CERTID(id, &der);

	if (!buf_take_openssl(der, len, &r->ids[r->count], err))
		return false;
	if (OCSP_id_get0_info(&name_hash, &algorithm, &key_hash, &serial, id) != 1)
		return err_openssl(err, ERROR_INVALID_DATA, "a CertID without its parts");
	q->cert_id = buf_view(&r->ids[r->count]);
	q->digest = cms_digest(OBJ_obj2nid(algorithm));
	q->name_hash = der_string(name_hash);
	q->key_hash = der_string(key_hash);
	q->serial = der_string(serial);
	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || q->serial.len > 20)
		q->serial = (struct view){0};
	r->count++;
	return true;
}

/* DER of an OCTET STRING inside the extension's OCTET STRING (RFC 8954 2.1). */
static bool
take_nonce(struct ocsp_request *r, X509_EXTENSION *x, struct err *err)
{
	struct view value = der_string(X509_EXTENSION_get_data(x));

	if (value.len < NONCE_OCTETS + 1 || value.len > NONCE_OCTETS + OCSP_NONCE_MAX ||
	    value.ptr[0] != V_ASN1_OCTET_STRING || value.ptr[1] != value.len - NONCE_OCTETS)
		return err_set(
		    err, ERROR_INVALID_DATA, "a nonce has 1 to %d octets", OCSP_NONCE_MAX);
	r->nonce = view_of(value.ptr + NONCE_OCTETS, value.len - NONCE_OCTETS);
	return true;
}

static bool
take_extensions(struct ocsp_request *r, struct err *err)
{
	for (int i = 0; i < OCSP_REQUEST_get_ext_count(r->der); i++) {
		X509_EXTENSION *x = OCSP_REQUEST_get_ext(r->der, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(x));

		if (nid == NID_id_pkix_OCSP_Nonce) {
			if (r->nonce.ptr != NULL)
				return err_set(err, ERROR_INVALID_DATA, "two nonces");
			if (!take_nonce(r, x, err))
				return false;
		} else if (X509_EXTENSION_get_critical(x)) {
			return err_set(err, ERROR_INVALID_DATA,
			    "an extension of the request is critical and not known");
		}
	}
	return true;
}

static bool
take_all(struct ocsp_request *r, struct err *err)
{
	int count = OCSP_request_onereq_count(r->der);

	if (count < 1 || count > OCSP_QUESTIONS_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "%d questions; 1 to %d can be asked at once", count, OCSP_QUESTIONS_MAX);
	for (int i = 0; i < count; i++) {
		OCSP_ONEREQ *one = OCSP_request_onereq_get0(r->der, i);

		for (int k = 0; k < OCSP_ONEREQ_get_ext_count(one); k++)
			if (X509_EXTENSION_get_critical(OCSP_ONEREQ_get_ext(one, k)))
				return err_set(err, ERROR_INVALID_DATA,
				    "an extension of a question is critical and not known");
		if (!take_cert_id(r, one, err))
			return false;
	}
	return take_extensions(r, err);
}

bool
ocsp_request_decode(struct view der, struct ocsp_request *out, struct err *err)
{
	*out = (struct ocsp_request){0};
	out->der =
	    der_decode(ASN1_ITEM_rptr(OCSP_REQUEST), der, OCSP_REQUEST_MAX, "OCSP request", err);
	if (out->der != NULL && take_all(out, err))
		return true;
	ocsp_request_free(out);
	return false;
}

void
ocsp_request_free(struct ocsp_request *r)
{
	OCSP_REQUEST_free(r->der);
	for (size_t i = 0; i < OCSP_QUESTIONS_MAX; i++)
		buf_free(&r->ids[i]);
	*r = (struct ocsp_request){0};
}

static bool
digest_is(const EVP_MD *digest, struct view what, struct view wanted)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return EVP_Digest(what.ptr, what.len, hash, &len, digest, NULL) == 1 &&
	       view_eq(view_of(hash, len), wanted);
}

/* RFC 6960 4.1.1: of what is in subjectPublicKey. */
bool
ocsp_question_is_of(const struct ocsp_question *q, struct view issuer, struct view issuer_spki)
{
	struct view algorithm, key;

	return q->digest != NULL && pkix_key_cut(issuer_spki, &algorithm, &key) &&
	       digest_is(q->digest, issuer, q->name_hash) && digest_is(q->digest, key, q->key_hash);
}
