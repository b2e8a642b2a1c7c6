#include "pkix_priv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define OID_CRL_NUMBER  "2.5.29.20"
#define OID_CRL_REASON  "2.5.29.21"
#define OID_AUTHORITY   "2.5.29.35"
#define REASON_NONE     (-1)
#define REASON_HIGHEST  10
#define MAX_KEY_ID_LEN  64
#define MAX_CRL_ENTRIES (4 * 1024 * 1024)

/* Pushes a non-critical extension of DER that an i2d function made, and frees that. */
static bool
push_made(
    STACK_OF(X509_EXTENSION) * list, const char *dotted, uint8_t *der, int len, struct err *err)
{
	bool ok = der != NULL && len > 0;

	if (!ok)
		err_openssl(err, DIRCA_E_CRYPTO, "CRL: extension %s cannot be encoded", dotted);
	ok = ok && pkix_ext_push(list, dotted, false, view_of(der, (size_t)len), err);
	OPENSSL_free(der);
	return ok;
}

static bool
push_authority(STACK_OF(X509_EXTENSION) * list, struct view key_id, struct err *err)
{
	OWNED(own_authority_keyid) AUTHORITY_KEYID *akid = AUTHORITY_KEYID_new();
	uint8_t *der = NULL;
	int len = 0;

	if (key_id.len > MAX_KEY_ID_LEN)
		return err_set(
		    err, E_INVALIDARG, "CRL: an authority key identifier of %zu bytes", key_id.len);
	if (akid == NULL || (akid->keyid = ASN1_OCTET_STRING_new()) == NULL ||
	    ASN1_OCTET_STRING_set(akid->keyid, key_id.ptr, (int)key_id.len) != 1)
		return err_nomem(err);
	len = i2d_AUTHORITY_KEYID(akid, &der);
	return push_made(list, OID_AUTHORITY, der, len, err);
}

static bool
push_number(STACK_OF(X509_EXTENSION) * list, int64_t number, struct err *err)
{
	OWNED(own_asn1_integer) ASN1_INTEGER *n = ASN1_INTEGER_new();
	uint8_t *der = NULL;
	int len = -1;

	if (number < 0)
		return err_set(err, E_INVALIDARG, "CRL: a negative CRL number");
	if (n != NULL && ASN1_INTEGER_set_int64(n, number) == 1)
		len = i2d_ASN1_INTEGER(n, &der);
	return push_made(list, OID_CRL_NUMBER, der, len, err);
}

/* RFC 5280 5.3.1: unspecified (0) is expressed by absence; 7 does not exist and 8 is for delta
 * CRLs. */
static bool
push_reason(STACK_OF(X509_EXTENSION) * *list, int reason, struct err *err)
{
	OWNED(own_asn1_string) ASN1_STRING *code = NULL;
	uint8_t *der = NULL;
	int len = -1;

	if (reason == REASON_NONE || reason == CRL_REASON_UNSPECIFIED)
		return true;
	if (reason < 0 || reason > REASON_HIGHEST || reason == 7 ||
	    reason == CRL_REASON_REMOVE_FROM_CRL)
		return err_set(err, E_INVALIDARG, "CRL: %d is no reason for a revocation", reason);
	if ((*list = sk_X509_EXTENSION_new_null()) != NULL &&
	    (code = ASN1_ENUMERATED_new()) != NULL && ASN1_ENUMERATED_set(code, reason) == 1)
		len = i2d_ASN1_ENUMERATED(code, &der);
	return push_made(*list, OID_CRL_REASON, der, len, err);
}

static bool
push_entry(PKIX_TBS_CRL *crl, const struct pkix_revoked *revoked, struct err *err)
{
	OWNED(own_pkix_crl_entry) PKIX_CRL_ENTRY *entry = PKIX_CRL_ENTRY_new();

	if (entry == NULL)
		return err_nomem(err);
	if (!pkix_put_serial(entry->serial, revoked->serial, err) ||
	    !pkix_put_time(entry->when, revoked->when, err) ||
	    !push_reason(&entry->extensions, revoked->reason, err))
		return false;
	if (sk_PKIX_CRL_ENTRY_push(crl->entries, entry) <= 0)
		return err_nomem(err);
	entry = NULL; /* the list's */
	return true;
}

/* An empty list of entries must be absent (RFC 5280 5.1.2.6). */
static bool
push_entries(PKIX_TBS_CRL *crl, const struct pkix_revoked *list, size_t count, struct err *err)
{
	if (count == 0)
		return true;
	if (count > MAX_CRL_ENTRIES)
		return err_set(err, DIRCA_E_TOO_LARGE, "CRL: %zu entries", count);
	if ((crl->entries = sk_PKIX_CRL_ENTRY_new_reserve(NULL, (int)count)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		if (!push_entry(crl, &list[i], err))
			return false;
	return true;
}

bool
pkix_crl_encode(struct view issuer, struct view sig_alg, struct view authority_key_id,
    int64_t this_update, int64_t next_update, int64_t number, const struct pkix_revoked *list,
    size_t count, struct buf *out, struct err *err)
{
	OWNED(own_pkix_tbs_crl) PKIX_TBS_CRL *crl = PKIX_TBS_CRL_new();
	OWNED(own_x509_algor) X509_ALGOR *alg = NULL;
	uint8_t *der = NULL;
	int len = 0;

	*out = (struct buf){0};
	if (crl == NULL || (crl->version = ASN1_INTEGER_new()) == NULL ||
	    ASN1_INTEGER_set(crl->version, 1) != 1 ||
	    (crl->next_update = ASN1_TIME_new()) == NULL ||
	    (crl->extensions = sk_X509_EXTENSION_new_null()) == NULL)
		return err_nomem(err);
	if (next_update <= this_update)
		return err_set(err, E_INVALIDARG, "CRL: the next update is not after this one");
	if ((alg = pkix_algor(sig_alg, err)) == NULL ||
	    !pkix_put_element(crl->issuer, issuer, "CRL: issuer name", err) ||
	    !pkix_put_time(crl->this_update, this_update, err) ||
	    !pkix_put_time(crl->next_update, next_update, err) ||
	    !push_entries(crl, list, count, err) ||
	    (authority_key_id.len > 0 && !push_authority(crl->extensions, authority_key_id, err)) ||
	    !push_number(crl->extensions, number, err))
		return false;
	X509_ALGOR_free(crl->sig_alg);
	crl->sig_alg = own_give(&alg);
	len = i2d_PKIX_TBS_CRL(crl, &der);
	return buf_take_openssl(der, len, out, err);
}
