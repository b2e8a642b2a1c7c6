/* A CRL from a CA or a directory that may be hostile, and a TBSCertList from a broken front: what
 * is cut fits together again, and who is listed is who OpenSSL's decoder finds. */
#include <stdlib.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pkix.h"
#include "target.h"

#define NOW 1500000000

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

/* How many entries it has, when it was made, and whether one is of this serial number. */
struct seen {
	int count;
	int64_t made;
	bool listed;
};

#define SERIAL 5

/* False: OpenSSL does not read it. */
static bool
openssl_sees(struct view der, struct seen *out)
{
	const unsigned char *p = der.ptr;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	STACK_OF(X509_REVOKED) *list = crl != NULL ? X509_CRL_get_REVOKED(crl) : NULL;
	struct tm tm;
	bool reads = crl != NULL && ASN1_TIME_to_tm(X509_CRL_get0_lastUpdate(crl), &tm) == 1;

	*out = (struct seen){0};
	if (reads)
		out->made = timegm(&tm);
	for (int i = 0; reads && i < sk_X509_REVOKED_num(list); i++) {
		const X509_REVOKED *r = sk_X509_REVOKED_value(list, i);

		out->count++;
		if (ASN1_INTEGER_get(X509_REVOKED_get0_serialNumber(r)) == SERIAL)
			out->listed = true;
	}
	X509_CRL_free(crl);
	ERR_clear_error(); /* of the other reader, not of ours */
	return reads;
}

static bool
see_entry(void *arg, struct view serial, int reason, struct err *err)
{
	struct seen *s = arg;

	(void)err;
	if (reason < 0 || reason > 255)
		abort();
	while (serial.len > 1 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	s->count++;
	s->listed = s->listed || (serial.len == 1 && serial.ptr[0] == SERIAL);
	return true;
}

/* Whoever signed it: what both read, both read alike. */
static void
walk(struct view der)
{
	struct seen ours = {0}, theirs;
	bool reads = openssl_sees(der, &theirs);
	int64_t made;
	struct err err;

	if (pkix_crl_made(der, &made, &err) && reads && made != theirs.made)
		abort();
	if (pkix_crl_walk(der, see_entry, &ours, &err) && reads &&
	    (ours.count != theirs.count || ours.listed != theirs.listed))
		abort();
}

int
target(const uint8_t *data, size_t size)
{
	static const uint8_t issuer[] = {0x30, 0x00}, serial[] = {SERIAL};
	static EVP_PKEY *key;
	struct view der = view_of(data, size), tbs;
	bool listed, ok;
	int64_t number;
	struct seen theirs;
	struct err err;

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
	if (ok && openssl_sees(der, &theirs) && theirs.listed != listed)
		abort();
	walk(der);
	return 0;
}
