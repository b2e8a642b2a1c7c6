#include "pkix_priv.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define CRL_MAX (16 * 1024 * 1024)

static bool
time_of(const ASN1_TIME *from, int64_t *to)
{
	struct tm tm;

	if (from == NULL || ASN1_TIME_to_tm(from, &tm) != 1)
		return false;
	*to = timegm(&tm);
	return true;
}

/* Delta CRLs and those of only some certificates say nothing about the others. */
static bool
is_complete(const X509_CRL *crl)
{
	const STACK_OF(X509_EXTENSION) *list = X509_CRL_get0_extensions(crl);

	return X509v3_get_ext_by_NID(list, NID_delta_crl, -1) < 0 &&
	       X509v3_get_ext_by_NID(list, NID_issuing_distribution_point, -1) < 0;
}

bool
pkix_crl_tbs(struct view der, struct view *out, struct err *err)
{
	const unsigned char *p = der.ptr, *end = der.ptr + der.len, *tbs;
	long len = 0;
	int tag = 0, class = 0;

	if (der.len <= LONG_MAX &&
	    (ASN1_get_object(&p, &len, &tag, &class, (long)der.len) & 0x81) == 0) {
		tbs = p;
		if ((ASN1_get_object(&p, &len, &tag, &class, (long)(end - p)) & 0x81) == 0) {
			*out = view_of(tbs, (size_t)(p + len - tbs));
			return true;
		}
	}
	return err_openssl(err, ERROR_INVALID_DATA, "not a CRL");
}

static bool
check_signature(const X509_CRL *crl, struct view der, EVP_PKEY *key, struct err *err)
{
	const ASN1_BIT_STRING *signature = NULL;
	const X509_ALGOR *alg = NULL;
	struct view bits, tbs;

	X509_CRL_get0_signature(crl, &signature, &alg);
	if (!pkix_bits_view(signature, &bits))
		return err_set(err, ERROR_INVALID_DATA, "the signature has unused bits");
	return pkix_crl_tbs(der, &tbs, err) && pkix_verify(key, alg, tbs, bits, false, err);
}

static bool
check_current(const X509_CRL *crl, int64_t now, struct err *err)
{
	int64_t from = 0, until = 0;

	if (!time_of(X509_CRL_get0_lastUpdate(crl), &from) ||
	    !time_of(X509_CRL_get0_nextUpdate(crl), &until) || now < from || now > until)
		return err_openssl(err, CRYPT_E_REVOCATION_OFFLINE, "it is not current");
	if (!is_complete(crl))
		return err_set(
		    err, CRYPT_E_REVOCATION_OFFLINE, "it does not speak of all certificates");
	return true;
}

static bool
issued_by(const X509_CRL *crl, struct view issuer)
{
	const unsigned char *der = NULL;
	size_t len = 0;

	return X509_NAME_get0_der(X509_CRL_get_issuer(crl), &der, &len) == 1 &&
	       view_eq(view_of(der, len), issuer);
}

/* An entry with reason removeFromCRL takes one away; only delta CRLs have it, so any entry counts.
 */
static bool
lists(X509_CRL *crl, struct view serial)
{
	const STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
		const ASN1_INTEGER *n =
		    X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, i));
		struct view have = pkix_string_view(n), want = serial;

		while (want.len > 1 && want.ptr[0] == 0)
			want = view_of(want.ptr + 1, want.len - 1);
		while (have.len > 1 && have.ptr[0] == 0)
			have = view_of(have.ptr + 1, have.len - 1);
		if (view_eq(have, want))
			return true;
	}
	return false;
}

static X509_CRL *
read_crl(struct view der, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509_crl) X509_CRL *crl = NULL;

	if (der.len > CRL_MAX || (crl = d2i_X509_CRL(NULL, &p, (long)der.len)) == NULL ||
	    p != der.ptr + der.len) {
		err_openssl(err, ERROR_INVALID_DATA, "not a CRL");
		return NULL;
	}
	return own_give(&crl);
}

bool
pkix_crl_lists(struct view der, struct view issuer, EVP_PKEY *key, struct view serial, int64_t now,
    bool *listed_out, struct err *err)
{
	OWNED(own_x509_crl) X509_CRL *crl = read_crl(der, err);
	bool ok = crl != NULL &&
		  (issued_by(crl, issuer) ||
		      err_set(err, CRYPT_E_NOT_FOUND, "it is of another issuer")) &&
		  check_signature(crl, der, key, err) && check_current(crl, now, err);

	*listed_out = !ok || lists(crl, serial);
	ERR_clear_error();
	return ok || err_prefix(err, "CRL");
}

bool
pkix_crl_number(struct view der, EVP_PKEY *key, int64_t *number_out, struct err *err)
{
	OWNED(own_x509_crl) X509_CRL *crl = read_crl(der, err);
	OWNED(own_asn1_integer) ASN1_INTEGER *number = NULL;
	bool ok = crl != NULL && check_signature(crl, der, key, err);

	*number_out = 0;
	if (ok)
		number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	if (number != NULL && ASN1_INTEGER_get_int64(number_out, number) != 1)
		*number_out = 0;
	ERR_clear_error();
	return ok || err_prefix(err, "CRL");
}
