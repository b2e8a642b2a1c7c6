#include "pkcs7.h"

#include <openssl/pkcs7.h>

#include "own_openssl.h"

static bool
is_bundle(const PKCS7 *p7)
{
	return PKCS7_type_is_signed(p7) && p7->d.sign != NULL &&
	       sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info) <= 0;
}

static bool
give(X509 *from, pkcs7_each *each, void *arg, struct err *err)
{
	OWNED(buf_free) struct buf one = {0};
	uint8_t *der = NULL;
	int len = i2d_X509(from, &der);

	return buf_take_openssl(der, len, &one, err) && each(arg, buf_view(&one), err);
}

bool
pkcs7_certificates(struct view der, pkcs7_each *each, void *arg, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_pkcs7) PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)der.len);
	bool ok = true;

	if (p7 == NULL || p != der.ptr + der.len)
		return err_openssl(err, ERROR_INVALID_DATA, "a damaged PKCS#7");
	if (!is_bundle(p7))
		return err_set(err, ERROR_INVALID_DATA,
		    "a signed or encrypted message, no bundle of certificates");
	for (int i = 0; ok && i < sk_X509_num(p7->d.sign->cert); i++)
		ok = give(sk_X509_value(p7->d.sign->cert, i), each, arg, err);
	return ok;
}
