#include "pkix_priv.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/rand.h>

/* A time after 1950 and before 10000, as UTCTime up to 2049 and GeneralizedTime from then on (RFC
 * 5280 4.1.2.5). */
bool
pkix_time_fits(int64_t when, struct err *err)
{
	return (when >= INT64_C(-631152000) && when <= INT64_C(253402300799)) ||
	       err_set(err, E_INVALIDARG, "time %lld is outside the years 1950 to 9999",
		   (long long)when);
}

bool
pkix_put_time(ASN1_TIME *field, int64_t when, struct err *err)
{
	if (!pkix_time_fits(when, err))
		return false;
	if (ASN1_TIME_set(field, (time_t)when) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a time cannot be encoded");
	return true;
}

bool
pkix_new_serial(uint8_t out[PKIX_SERIAL_LEN], struct err *err)
{
	return RAND_bytes(out, PKIX_SERIAL_LEN) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "no random numbers for a serial number");
}

bool
pkix_put_serial(ASN1_INTEGER *field, struct view serial, struct err *err)
{
	OWNED(own_bn) BIGNUM *n = NULL;

	while (serial.len > 0 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	/* RFC 5280 4.1.2.2: positive, at most 20 octets with its sign */
	if (serial.len == 0 || serial.len > 20 || (serial.len == 20 && (serial.ptr[0] & 0x80) != 0))
		return err_set(
		    err, E_INVALIDARG, "the serial number is zero or needs more than 20 octets");
	if ((n = BN_bin2bn(serial.ptr, (int)serial.len, NULL)) == NULL ||
	    BN_to_ASN1_INTEGER(n, field) == NULL)
		return err_nomem(err);
	return true;
}

static bool
no_duplicates(const STACK_OF(X509_EXTENSION) * list, struct err *err)
{
	for (int i = 0; list != NULL && i < sk_X509_EXTENSION_num(list); i++)
		for (int j = 0; j < i; j++)
			if (OBJ_cmp(X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, i)),
				X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, j))) == 0)
				return err_set(err, E_INVALIDARG,
				    "certificate to issue: extension %d repeats extension %d",
				    i + 1, j + 1);
	return true;
}

bool
pkix_tbs_encode(const struct pkix_tbs *in, struct buf *out, struct err *err)
{
	OWNED(own_pkix_tbs_cert) PKIX_TBS_CERT *tbs = PKIX_TBS_CERT_new();
	OWNED(own_x509_algor) X509_ALGOR *alg = NULL;
	uint8_t *der = NULL;
	int len = 0;

	*out = (struct buf){0};
	if (tbs == NULL || (tbs->version = ASN1_INTEGER_new()) == NULL ||
	    ASN1_INTEGER_set(tbs->version, 2) != 1)
		return err_nomem(err);
	if (in->not_after < in->not_before)
		return err_set(
		    err, E_INVALIDARG, "certificate to issue: it would end before it begins");
	if ((alg = pkix_algor(in->sig_alg, err)) == NULL ||
	    !pkix_put_serial(tbs->serial, in->serial, err) ||
	    !pkix_put_element(tbs->issuer, in->issuer, "issuer name", err) ||
	    !pkix_put_time(tbs->validity->notBefore, in->not_before, err) ||
	    !pkix_put_time(tbs->validity->notAfter, in->not_after, err) ||
	    !pkix_put_element(tbs->subject, in->subject, "subject name", err) ||
	    !pkix_put_element(tbs->spki, in->spki, "subject public key", err) ||
	    !no_duplicates(in->extensions, err))
		return false;
	X509_ALGOR_free(tbs->sig_alg);
	tbs->sig_alg = own_give(&alg);
	/* Lent: an empty SEQUENCE is not allowed. */
	if (in->extensions != NULL && sk_X509_EXTENSION_num(in->extensions) > 0)
		tbs->extensions = (STACK_OF(X509_EXTENSION) *)(uintptr_t)in->extensions;
	len = i2d_PKIX_TBS_CERT(tbs, &der);
	tbs->extensions = NULL;
	return buf_take_openssl(der, len, out, err);
}

bool
pkix_signed_wrap(
    struct view tbs, struct view sig_alg, struct view signature, struct buf *out, struct err *err)
{
	OWNED(own_pkix_signed) PKIX_SIGNED *s = PKIX_SIGNED_new();
	OWNED(own_x509_algor) X509_ALGOR *alg = NULL;
	uint8_t *der = NULL;
	int len = 0;

	*out = (struct buf){0};
	if (s == NULL)
		return err_nomem(err);
	if (signature.len == 0 || signature.len > PKIX_MAX_DER)
		return err_set(err, E_INVALIDARG, "a signature of %zu bytes", signature.len);
	if ((alg = pkix_algor(sig_alg, err)) == NULL)
		return false;
	/* A CRL may be large and was made here: only its outer shape is looked at. */
	if (tbs.len < 2 || tbs.len > INT_MAX / 2 ||
	    tbs.ptr[0] != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
		return err_set(err, E_INVALIDARG, "what is to be signed is not a DER SEQUENCE");
	if (ASN1_STRING_set(s->tbs, tbs.ptr, (int)tbs.len) != 1 ||
	    !pkix_bits_set(s->signature, signature))
		return err_nomem(err);
	X509_ALGOR_free(s->sig_alg);
	s->sig_alg = own_give(&alg);
	len = i2d_PKIX_SIGNED(s, &der);
	return buf_take_openssl(der, len, out, err);
}

static size_t
put_header(uint8_t **p, int tag, int tag_class, size_t len)
{
	if (p != NULL)
		ASN1_put_object(p, 1, (int)len, tag, tag_class);
	return (size_t)ASN1_object_size(1, (int)len, tag);
}

bool
pkix_certificate_pair(struct view to, struct view by, struct buf *out, struct err *err)
{
	size_t inner, whole;
	uint8_t *p;

	*out = (struct buf){0};
	if (to.len > PKIX_MAX_DER || by.len > PKIX_MAX_DER)
		return err_set(err, DIRCA_E_TOO_LARGE, "a pair of certificates");
	inner = put_header(NULL, 0, V_ASN1_CONTEXT_SPECIFIC, to.len) +
		put_header(NULL, 1, V_ASN1_CONTEXT_SPECIFIC, by.len);
	whole = put_header(NULL, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, inner);
	if (!buf_alloc(whole, out, err))
		return false;
	p = out->ptr;
	put_header(&p, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, inner);
	put_header(&p, 0, V_ASN1_CONTEXT_SPECIFIC, to.len);
	memcpy(p, to.ptr, to.len);
	p += to.len;
	put_header(&p, 1, V_ASN1_CONTEXT_SPECIFIC, by.len);
	memcpy(p, by.ptr, by.len);
	return true;
}
