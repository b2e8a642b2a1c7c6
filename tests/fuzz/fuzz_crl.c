/* A CRL from a CA or a directory that may be hostile, and a TBSCertList from a broken front: what
 * is cut fits together again, and who is listed is who OpenSSL's decoder finds. */
#include <stdlib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pkix.h"

#define NOW 1500000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
cut(struct view tbs)
{
	struct pkix_crl_parts parts, again;
	struct buf without;
	struct err err;

	if (!pkix_crl_cut(tbs, &parts, &err) || !pkix_crl_without_entries(&parts, &without, &err))
		return;
	if (!pkix_crl_cut(buf_view(&without), &again, &err) ||
	    (parts.after.len == 0 && again.entries.len != 0) ||
	    !view_eq(parts.before, again.before))
		abort();
	buf_free(&without);
}

/* 1 or 0; -1: OpenSSL does not read it. */
static int
openssl_lists(struct view der, long serial)
{
	const unsigned char *p = der.ptr;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	STACK_OF(X509_REVOKED) *list = crl != NULL ? X509_CRL_get_REVOKED(crl) : NULL;
	int listed = crl != NULL ? 0 : -1;

	for (int i = 0; i < sk_X509_REVOKED_num(list); i++)
		if (ASN1_INTEGER_get(
			X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, i))) == serial)
			listed = 1;
	X509_CRL_free(crl);
	return listed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t issuer[] = {0x30, 0x00}, serial[] = {5};
	static EVP_PKEY *key;
	struct view der = view_of(data, size), tbs;
	bool listed, ok;
	int64_t number;
	struct err err;
	int theirs;

	if (key == NULL && (key = EVP_EC_gen("P-256")) == NULL)
		abort();
	cut(der);
	if (!pkix_crl_tbs(der, &tbs, &err))
		return 0;
	cut(tbs);
	pkix_crl_number(der, key, &number, &err);
	ok = pkix_crl_lists(der, view_of(issuer, sizeof issuer), key,
	    view_of(serial, sizeof serial), NOW, &listed, &err);
	if (!ok && !listed)
		abort();
	theirs = ok ? openssl_lists(der, serial[0]) : -1;
	if (theirs != -1 && theirs != listed)
		abort();
	return 0;
}
