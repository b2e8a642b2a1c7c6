/* OCSP answers: ResponseData, and what is around it when it is signed. */
#include "ocsp.h"

#include <string.h>
#include <openssl/x509v3.h>

#include "der.h"
#include "ocsp_asn1.h"
#include "pkix_priv.h"

#define OID_NONCE           "1.3.6.1.5.5.7.48.1.2"
#define OID_EXTENDED_REVOKE "1.3.6.1.5.5.7.48.1.9"
#define CERTIFICATE_MAX     16384

static bool
put_when(ASN1_GENERALIZEDTIME *field, int64_t when, struct err *err)
{
	return ASN1_GENERALIZEDTIME_set(field, (time_t)when) != NULL ||
	       err_openssl(err, E_INVALIDARG, "OCSP: %lld is no time", (long long)when);
}

static bool
put_revoked(OCSP_WIRE_STATUS *status, const struct ocsp_single *s, struct err *err)
{
	OCSP_WIRE_REVOKED *r = OPENSSL_zalloc(sizeof *r);

	if (r == NULL)
		return err_nomem(err);
	status->type = OCSP_WIRE_REVOKED_AT;
	status->value.revoked = r;
	if ((r->when = ASN1_GENERALIZEDTIME_new()) == NULL)
		return err_nomem(err);
	if (!put_when(r->when, s->revoked_when, err))
		return false;
	return s->reason < 0 || s->reason == CRL_REASON_UNSPECIFIED ||
	       ((r->reason = ASN1_ENUMERATED_new()) != NULL &&
		   ASN1_ENUMERATED_set(r->reason, s->reason) == 1) ||
	       err_nomem(err);
}

static bool
put_status(OCSP_WIRE_STATUS *status, const struct ocsp_single *s, struct err *err)
{
	if (s->status == OCSP_REVOKED)
		return put_revoked(status, s, err);
	status->type = s->status == OCSP_GOOD ? OCSP_WIRE_GOOD : OCSP_WIRE_UNKNOWN;
	status->value.good = ASN1_NULL_new();
	return status->value.good != NULL || err_nomem(err);
}

static bool
add_single(
    OCSP_WIRE_DATA *to, const struct ocsp_data *data, const struct ocsp_single *s, struct err *err)
{
	OCSP_WIRE_SINGLE *single = OCSP_WIRE_SINGLE_new();

	if (single == NULL || !sk_OCSP_WIRE_SINGLE_push(to->singles, single)) {
		OCSP_WIRE_SINGLE_free(single);
		return err_nomem(err);
	}
	return der_string_set(single->cert_id, s->cert_id, err) &&
	       put_status(single->status, s, err) &&
	       put_when(single->this_update, data->produced_at, err) &&
	       put_when(single->next_update, data->next_update, err);
}

static bool
add_extensions(OCSP_WIRE_DATA *to, const struct ocsp_data *data, struct err *err)
{
	static const uint8_t null_der[] = {V_ASN1_NULL, 0};
	uint8_t nonce[2 + OCSP_NONCE_MAX] = {V_ASN1_OCTET_STRING};

	if (data->nonce.len == 0 && !data->extended_revoke)
		return true;
	if ((to->extensions = sk_X509_EXTENSION_new_null()) == NULL)
		return err_nomem(err);
	if (data->nonce.len > OCSP_NONCE_MAX)
		return err_set(err, E_INVALIDARG, "OCSP: a nonce of %zu octets", data->nonce.len);
	nonce[1] = (uint8_t)data->nonce.len;
	if (data->nonce.len > 0) {
		memcpy(nonce + 2, data->nonce.ptr, data->nonce.len);
		if (!pkix_ext_push(
			to->extensions, OID_NONCE, false, view_of(nonce, 2 + data->nonce.len), err))
			return false;
	}
	return !data->extended_revoke || pkix_ext_push(to->extensions, OID_EXTENDED_REVOKE, false,
					     view_of(null_der, sizeof null_der), err);
}

bool
ocsp_data_encode(const struct ocsp_data *data, struct buf *out, struct err *err)
{
	OWNED(own_ocsp_data) OCSP_WIRE_DATA *wire = OCSP_WIRE_DATA_new();

	*out = (struct buf){0};
	if (wire == NULL)
		return err_nomem(err);
	if (!der_string_set(wire->key_hash, view_of(data->key_hash, sizeof data->key_hash), err) ||
	    !put_when(wire->produced_at, data->produced_at, err))
		return false;
	for (size_t i = 0; i < data->count; i++)
		if (!add_single(wire, data, &data->list[i], err))
			return false;
	return add_extensions(wire, data, err) &&
	       der_encode(ASN1_ITEM_rptr(OCSP_WIRE_DATA), wire, "OCSP answer", out, err);
}

/* SEQUENCE of what is DER already. */
static bool
sequence(struct view first, struct view second, struct view third, uint8_t tag, struct buf *out,
    struct err *err)
{
	uint8_t header[8], *p = header;
	int len = (int)(first.len + second.len + third.len);

	*out = (struct buf){0};
	ASN1_put_object(&p, tag != V_ASN1_OCTET_STRING, len, tag == 0xa0 ? 0 : tag,
	    tag == 0xa0 ? V_ASN1_CONTEXT_SPECIFIC : V_ASN1_UNIVERSAL);
	return buf_append(out, view_of(header, (size_t)(p - header)), err) &&
	       buf_append(out, first, err) && buf_append(out, second, err) &&
	       buf_append(out, third, err);
}

static bool
encode_basic(struct view data, struct view sig_alg, struct view signature, struct view certificate,
    struct buf *out, struct err *err)
{
	OWNED(own_ocsp_basic) OCSP_WIRE_BASIC *basic = OCSP_WIRE_BASIC_new();
	OWNED(buf_free) struct buf certificates = {0};
	X509_ALGOR *alg = pkix_algor(sig_alg, err);

	if (basic == NULL || alg == NULL) {
		X509_ALGOR_free(alg);
		return basic != NULL ? false : err_nomem(err);
	}
	X509_ALGOR_free(basic->sig_alg);
	basic->sig_alg = alg;
	basic->signature->flags = (basic->signature->flags & ~0x07L) | ASN1_STRING_FLAG_BITS_LEFT;
	return sequence(certificate, (struct view){0}, (struct view){0}, V_ASN1_SEQUENCE,
		   &certificates, err) &&
	       der_string_set(basic->data, data, err) &&
	       der_string_set(basic->signature, signature, err) &&
	       der_string_set(basic->certificates, buf_view(&certificates), err) &&
	       der_encode(ASN1_ITEM_rptr(OCSP_WIRE_BASIC), basic, "OCSP answer", out, err);
}

bool
ocsp_response_wrap(struct view data, struct view sig_alg, struct view signature,
    struct view certificate, struct buf *out, struct err *err)
{
	static const uint8_t successful[] = {0x0a, 0x01, 0x00};
	/* id-pkix-ocsp-basic */
	static const uint8_t basic_oid[] = {
	    0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
	OWNED(buf_free) struct buf basic = {0};
	OWNED(buf_free) struct buf octets = {0};
	OWNED(buf_free) struct buf bytes = {0};
	OWNED(buf_free) struct buf tagged = {0};
	const struct view none = {0};

	*out = (struct buf){0};
	if (certificate.len > CERTIFICATE_MAX)
		return err_set(
		    err, E_INVALIDARG, "OCSP: a certificate of %zu octets", certificate.len);
	return encode_basic(data, sig_alg, signature, certificate, &basic, err) &&
	       sequence(buf_view(&basic), none, none, V_ASN1_OCTET_STRING, &octets, err) &&
	       sequence(view_of(basic_oid, sizeof basic_oid), buf_view(&octets), none,
		   V_ASN1_SEQUENCE, &bytes, err) &&
	       sequence(buf_view(&bytes), none, none, 0xa0, &tagged, err) &&
	       sequence(view_of(successful, sizeof successful), buf_view(&tagged), none,
		   V_ASN1_SEQUENCE, out, err);
}

void
ocsp_failure(int status, uint8_t out[OCSP_FAILURE_LEN])
{
	const uint8_t der[OCSP_FAILURE_LEN] = {0x30, 0x03, 0x0a, 0x01, (uint8_t)status};

	memcpy(out, der, sizeof der);
}

/* ---- what may be signed ---- */

static bool
refuse(struct err *err, const char *reason)
{
	return err_set(err, E_ACCESSDENIED, "the vault does not sign this OCSP answer: %s", reason);
}

/* Written otherwise, others read it otherwise. */
static bool
is_within(const ASN1_GENERALIZEDTIME *when, int64_t from, int64_t to)
{
	int64_t at;

	return der_instant(when, &at) && at >= from && at <= to;
}

static bool
is_revocation_told(const OCSP_WIRE_STATUS *s)
{
	int64_t when;

	return s->type != OCSP_WIRE_REVOKED_AT || der_instant(s->value.revoked->when, &when);
}

static bool
check_data(const OCSP_WIRE_DATA *d, const uint8_t key_hash[20], int64_t now, int64_t skew_s,
    int64_t not_after, struct err *err)
{
	int count = sk_OCSP_WIRE_SINGLE_num(d->singles);

	if (!view_eq(der_string(d->key_hash), view_of(key_hash, 20)))
		return refuse(err, "its responder is another");
	if (!is_within(d->produced_at, now - skew_s, now + skew_s))
		return refuse(err, "it is not of now");
	if (count < 1 || count > OCSP_QUESTIONS_MAX)
		return refuse(err, "it answers no or too many questions");
	for (int i = 0; i < count; i++) {
		const OCSP_WIRE_SINGLE *s = sk_OCSP_WIRE_SINGLE_value(d->singles, i);

		if (!is_within(s->this_update, now - skew_s, now + skew_s))
			return refuse(err, "an answer is not of now");
		if (!is_within(s->next_update, now, not_after))
			return refuse(err, "an answer would outlive the responder's certificate");
		if (!is_revocation_told(s->status))
			return refuse(err, "when something was revoked is not written as a time");
	}
	return true;
}

bool
ocsp_data_check(struct view der, const uint8_t key_hash[20], int64_t now, int64_t skew_s,
    int64_t not_after, struct err *err)
{
	OWNED(own_ocsp_data)
	OCSP_WIRE_DATA *d = der_exact(ASN1_ITEM_rptr(OCSP_WIRE_DATA), der);

	return d != NULL ? check_data(d, key_hash, now, skew_s, not_after, err)
			 : refuse(err, "it is not one DER ResponseData");
}
