/*
 * CRLs are read where they lie: the entries, which may be a million, are walked and never decoded
 * into objects; the rest is a small CRL without entries that OpenSSL decodes.
 */
#include "der.h"
#include "der_write.h"
#include "pkix_priv.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define SMALL_MAX 65536 /* of all but the entries */

/* Delta CRLs and those of only some certificates say nothing about the others. */
static bool
is_complete(const X509_CRL *crl)
{
	const STACK_OF(X509_EXTENSION) *list = X509_CRL_get0_extensions(crl);

	return X509v3_get_ext_by_NID(list, NID_delta_crl, -1) < 0 &&
	       X509v3_get_ext_by_NID(list, NID_issuing_distribution_point, -1) < 0;
}

/* RFC 5280 5.2: what it says may be something else then. */
static bool
is_known(const X509_CRL *crl)
{
	for (int at = -1; (at = X509_CRL_get_ext_by_critical(crl, 1, at)) >= 0;) {
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_CRL_get_ext(crl, at)));

		if (nid != NID_crl_number && nid != NID_authority_key_identifier)
			return false;
	}
	return true;
}

bool
pkix_crl_cut(struct view tbs, struct pkix_crl_parts *out, struct err *err)
{
	struct view cursor = tbs, content, ignored;
	const uint8_t *begin;

	*out = (struct pkix_crl_parts){0};
	if (tbs.len > PKIX_CRL_MAX || !der_take(&cursor, DER_SEQUENCE, &content) || cursor.len > 0)
		return err_set(err, ERROR_INVALID_DATA, "not a TBSCertList");
	cursor = content;
	begin = content.ptr;
	der_take(&cursor, DER_INTEGER, &ignored); /* a version, or none */
	if (!der_take(&cursor, DER_SEQUENCE, &ignored) ||
	    !der_take(&cursor, DER_SEQUENCE, &ignored) ||
	    !der_take_time(&cursor, &out->this_update))
		return err_set(err, ERROR_INVALID_DATA, "not a TBSCertList");
	der_take_time(&cursor, &out->next_update);
	out->before = view_of(begin, (size_t)(cursor.ptr - begin));
	if (cursor.len > 0 && cursor.ptr[0] == DER_SEQUENCE &&
	    !der_take(&cursor, DER_SEQUENCE, &out->entries))
		return err_set(err, ERROR_INVALID_DATA, "not a TBSCertList");
	/* What is before the entries must not come behind them: without them it would pass. */
	if (cursor.len > 0 && cursor.ptr[0] != DER_CONTEXT_0)
		return err_set(err, ERROR_INVALID_DATA, "not a TBSCertList");
	out->after = cursor;
	return true;
}

static bool
sequence_of(struct view first, struct view second, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	size_t whole;

	*out = (struct buf){0};
	if (first.len > SMALL_MAX || second.len > SMALL_MAX)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "over %d bytes beside its entries", SMALL_MAX);
	whole = der_open(&o, DER_SEQUENCE);
	der_put(&o, first);
	der_put(&o, second);
	der_close(&o, whole);
	return der_done(&o, out, err);
}

bool
pkix_crl_without_entries(const struct pkix_crl_parts *parts, struct buf *tbs_out, struct err *err)
{
	return sequence_of(parts->before, parts->after, tbs_out, err);
}

/* CertificateList: the whole TBSCertList, and what follows it. */
static bool
split(struct view der, struct view *tbs_out, struct view *rest_out, struct err *err)
{
	struct view cursor = der, content, ignored;

	if (der.len > PKIX_CRL_MAX || !der_take(&cursor, DER_SEQUENCE, &content) ||
	    cursor.len > 0 || (cursor = content, !der_take(&cursor, DER_SEQUENCE, &ignored)))
		return err_set(err, ERROR_INVALID_DATA, "not a CRL");
	*tbs_out = view_of(content.ptr, content.len - cursor.len);
	*rest_out = cursor;
	return true;
}

bool
pkix_crl_tbs(struct view der, struct view *out, struct err *err)
{
	struct view rest;

	return split(der, out, &rest, err);
}

/* One that was read; the views point into its DER. */
struct crl_read {
	X509_CRL *small; /* without its entries */
	struct view tbs, entries, this_update, next_update;
};

static void
crl_read_free(struct crl_read *c)
{
	X509_CRL_free(c->small);
}

static bool
read_crl(struct view der, struct crl_read *out, struct err *err)
{
	OWNED(buf_free) struct buf small_tbs = {0};
	OWNED(buf_free) struct buf small = {0};
	struct pkix_crl_parts parts;
	const unsigned char *p;
	struct view rest;

	if (!split(der, &out->tbs, &rest, err) || !pkix_crl_cut(out->tbs, &parts, err) ||
	    !pkix_crl_without_entries(&parts, &small_tbs, err) ||
	    !sequence_of(buf_view(&small_tbs), rest, &small, err))
		return false;
	out->entries = parts.entries;
	out->this_update = parts.this_update;
	out->next_update = parts.next_update;
	p = small.ptr;
	if ((out->small = d2i_X509_CRL(NULL, &p, (long)small.len)) == NULL ||
	    p != small.ptr + small.len || X509_CRL_get_REVOKED(out->small) != NULL)
		return err_openssl(err, ERROR_INVALID_DATA, "not a CRL");
	ERR_clear_error(); /* of extensions that OpenSSL could not read, which is for us to tell */
	return true;
}

static bool
check_signature(const struct crl_read *c, EVP_PKEY *key, struct err *err)
{
	const ASN1_BIT_STRING *signature = NULL;
	const X509_ALGOR *alg = NULL;
	struct view bits;

	X509_CRL_get0_signature(c->small, &signature, &alg);
	if (!pkix_bits_view(signature, &bits))
		return err_set(err, ERROR_INVALID_DATA, "the signature has unused bits");
	return pkix_verify(key, alg, c->tbs, bits, false, err);
}

static bool
check_current(const struct crl_read *c, int64_t now, struct err *err)
{
	int64_t from = 0, until = 0;

	if (!der_time(c->this_update, &from) || !der_time(c->next_update, &until))
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE,
		    "its times are not those of RFC 5280 5.1.2, or it does not end");
	if (now < from || now > until)
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE, "it is not current");
	if (!is_complete(c->small))
		return err_set(
		    err, CRYPT_E_REVOCATION_OFFLINE, "it does not speak of all certificates");
	return is_known(c->small) || err_set(err, CRYPT_E_REVOCATION_OFFLINE,
					 "it has a critical extension that is not known");
}

static bool
issued_by(const X509_CRL *crl, struct view issuer)
{
	const unsigned char *der = NULL;
	size_t len = 0;

	return X509_NAME_get0_der(X509_CRL_get_issuer(crl), &der, &len) == 1 &&
	       view_eq(view_of(der, len), issuer);
}

static struct view
without_zeros(struct view number)
{
	while (number.len > 1 && number.ptr[0] == 0)
		number = view_of(number.ptr + 1, number.len - 1);
	return number;
}

/* RFC 5280 5.1: serial number, time, perhaps extensions. */
static bool
take_entry(struct view *cursor, struct view *serial_out, struct view *extensions_out)
{
	struct view entry, ignored;

	*extensions_out = (struct view){0};
	return der_take(cursor, DER_SEQUENCE, &entry) &&
	       der_take(&entry, DER_INTEGER, serial_out) && der_take_time(&entry, &ignored) &&
	       (entry.len == 0 ||
		   (der_take(&entry, DER_SEQUENCE, extensions_out) && entry.len == 0));
}

/* reasonCode (RFC 5280 5.3.1) of the extensions of an entry. */
static int
reason_of(struct view extensions)
{
	static const uint8_t oid[] = {0x55, 0x1d, 0x15};
	struct view extension, name, critical, value, reason;

	while (der_take(&extensions, DER_SEQUENCE, &extension)) {
		if (!der_take(&extension, DER_OBJECT, &name))
			return 0;
		der_take(&extension, DER_BOOLEAN, &critical);
		if (view_eq(name, view_of(oid, sizeof oid)) &&
		    der_take(&extension, DER_OCTET_STRING, &value) &&
		    der_take(&value, DER_ENUMERATED, &reason) && reason.len == 1)
			return reason.ptr[0];
	}
	return 0;
}

/* An entry with reason removeFromCRL takes one away; only delta CRLs have it, so any entry counts.
 * What cannot be read is listed. */
static bool
lists(const struct crl_read *c, struct view serial, bool *listed_out, struct err *err)
{
	struct view cursor = c->entries, have, ignored, want = without_zeros(serial);

	while (cursor.len > 0) {
		if (!take_entry(&cursor, &have, &ignored))
			return err_set(err, ERROR_INVALID_DATA, "an entry cannot be read");
		if (view_eq(without_zeros(have), want))
			return true;
	}
	*listed_out = false;
	return true;
}

bool
pkix_crl_lists(struct view der, struct view issuer, EVP_PKEY *key, struct view serial, int64_t now,
    bool *listed_out, struct err *err)
{
	OWNED(crl_read_free) struct crl_read c = {0};
	bool ok;

	*listed_out = true;
	ok = read_crl(der, &c, err) &&
	     (issued_by(c.small, issuer) ||
		 err_set(err, CRYPT_E_NOT_FOUND, "it is of another issuer")) &&
	     check_signature(&c, key, err) && check_current(&c, now, err) &&
	     lists(&c, serial, listed_out, err);
	ERR_clear_error();
	return ok || err_prefix(err, "CRL");
}

bool
pkix_crl_number(struct view der, EVP_PKEY *key, int64_t *number_out, struct err *err)
{
	OWNED(crl_read_free) struct crl_read c = {0};
	OWNED(own_asn1_integer) ASN1_INTEGER *number = NULL;
	bool ok = read_crl(der, &c, err) && check_signature(&c, key, err);

	*number_out = 0;
	if (ok)
		number = X509_CRL_get_ext_d2i(c.small, NID_crl_number, NULL, NULL);
	if (number != NULL && !der_int64(number_out, number))
		*number_out = 0;
	ERR_clear_error();
	return ok || err_prefix(err, "CRL");
}

bool
pkix_crl_made(struct view der, int64_t *made_out, struct err *err)
{
	OWNED(crl_read_free) struct crl_read c = {0};

	*made_out = 0;
	return (read_crl(der, &c, err) &&
		   (der_time(c.this_update, made_out) ||
		       err_set(err, ERROR_INVALID_DATA,
			   "when it was made is not told as in RFC 5280 5.1.2.4"))) ||
	       err_prefix(err, "CRL");
}

bool
pkix_crl_walk(struct view der, pkix_crl_entry *each, void *arg, struct err *err)
{
	OWNED(crl_read_free) struct crl_read c = {0};
	struct view cursor, serial, extensions;

	if (!read_crl(der, &c, err))
		return err_prefix(err, "CRL");
	for (cursor = c.entries; cursor.len > 0;) {
		if (!take_entry(&cursor, &serial, &extensions))
			return err_set(err, ERROR_INVALID_DATA, "CRL: an entry cannot be read");
		if (!each(arg, serial, reason_of(extensions), err))
			return false;
	}
	return true;
}
