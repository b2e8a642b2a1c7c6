#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "der.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

#define CRL_URLS_MAX 4

/* RFC 5280 4.1.2.5: seconds are there and the zone is Z, which makes 13 or 15 characters. */
static bool
read_time(const ASN1_TIME *from, int64_t *to, struct err *err)
{
	int len = ASN1_STRING_length(from);
	struct tm tm;

	if (len != (ASN1_STRING_type(from) == V_ASN1_UTCTIME ? 13 : 15) ||
	    ASN1_STRING_get0_data(from)[len - 1] != 'Z' || ASN1_TIME_to_tm(from, &tm) != 1)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "a validity time is not one of RFC 5280 4.1.2.5");
	*to = timegm(&tm);
	return true;
}

/* Content octets of the INTEGER, as issuerAndSerialNumber compares them. */
static bool
read_serial(struct pkix_cert *c, struct err *err)
{
	const unsigned char *p = NULL;
	uint8_t *der = NULL;
	long len = 0;
	int tag = 0, class = 0, total = i2d_ASN1_INTEGER(c->wire->tbs->serial, &der);

	if (!buf_take_openssl(der, total, &c->wire->serial, err))
		return false;
	p = c->wire->serial.ptr;
	if ((der_head(&p, &len, &tag, &class, c->wire->serial.len) & 0x80) != 0)
		return err_openssl(err, ERROR_INVALID_DATA, "the serial number is malformed");
	c->serial = view_of(p, (size_t)len);
	return true;
}

static bool
read_version(const PKIX_TBS_CERT *tbs, int *out, struct err *err)
{
	int64_t version = 0;

	if ((tbs->version != NULL && !der_int64(&version, tbs->version)) || version < 0 ||
	    version > 2)
		return err_openssl(err, ERROR_INVALID_DATA, "the version is not 1, 2 or 3");
	*out = (int)version + 1;
	if (version < 2 && tbs->extensions != NULL)
		return err_set(
		    err, ERROR_INVALID_DATA, "extensions in a certificate of version %d", *out);
	return true;
}

static bool
read_tbs(struct pkix_cert *c, struct err *err)
{
	const unsigned char *p = c->tbs.ptr;
	const PKIX_TBS_CERT *tbs = NULL;

	c->wire->tbs = d2i_PKIX_TBS_CERT(NULL, &p, (long)c->tbs.len);
	if ((tbs = c->wire->tbs) == NULL || p != c->tbs.ptr + c->tbs.len)
		return err_openssl(err, ERROR_INVALID_DATA, "not a TBSCertificate");
	if (X509_ALGOR_cmp(tbs->sig_alg, c->sig_alg) != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the signature algorithm inside and outside differ (RFC 5280 4.1.1.2)");
	c->issuer = pkix_string_view(tbs->issuer);
	c->subject = pkix_string_view(tbs->subject);
	c->spki = pkix_string_view(tbs->spki);
	return read_version(tbs, &c->version, err) && read_serial(c, err) &&
	       read_time(tbs->validity->notBefore, &c->not_before, err) &&
	       read_time(tbs->validity->notAfter, &c->not_after, err) &&
	       pkix_extensions_add(tbs->extensions, &c->extensions, &c->extension_count, err);
}

bool
pkix_cert_decode(struct view der, struct pkix_cert *out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};

	*out = c;
	if (!oids_init(err))
		return false;
	c.wire = mem_zero(1, sizeof *c.wire);
	if (!pkix_signed_decode(der, "certificate", &c.wire->outer, err) ||
	    !buf_dup(der, &c.raw, err))
		return false;
	c.tbs = pkix_string_view(c.wire->outer->tbs);
	c.sig_alg = c.wire->outer->sig_alg;
	c.signature = pkix_string_view(c.wire->outer->signature);
	if (!read_tbs(&c, err) || !cms_digest_of(NID_sha1, der, c.sha1, err) ||
	    !cms_digest_of(NID_sha256, der, c.sha256, err))
		return err_prefix(err, "certificate");
	*out = c;
	c = (struct pkix_cert){0};
	return true;
}

void
pkix_cert_free(struct pkix_cert *c)
{
	free(c->extensions);
	pkix_wire_free(c->wire);
	buf_free(&c->raw);
	*c = (struct pkix_cert){0};
}

bool
pkix_certs_add(struct pkix_certs *c, struct view der, struct err *err)
{
	c->list = mem_grow(c->list, c->count, sizeof *c->list);
	if (!pkix_cert_decode(der, &c->list[c->count], err))
		return false;
	c->count++;
	return true;
}

const struct pkix_cert **
pkix_certs_pointers(const struct pkix_certs *c)
{
	const struct pkix_cert **list = mem_zero(c->count + 1, sizeof(*list));

	for (size_t i = 0; i < c->count; i++)
		list[i] = &c->list[i];
	return list;
}

void
pkix_certs_free(struct pkix_certs *c)
{
	for (size_t i = 0; i < c->count; i++)
		pkix_cert_free(&c->list[i]);
	free(c->list);
	*c = (struct pkix_certs){0};
}

const struct pkix_extension *
pkix_cert_extension(const struct pkix_cert *c, int nid)
{
	for (size_t i = 0; i < c->extension_count; i++)
		if (nid != NID_undef && c->extensions[i].nid == nid)
			return &c->extensions[i];
	return NULL;
}

bool
pkix_cert_has_eku(const struct pkix_cert *c, const char *dotted)
{
	const struct pkix_extension *ext = pkix_cert_extension(c, NID_ext_key_usage);
	const unsigned char *p = ext != NULL ? ext->value.ptr : NULL;
	EXTENDED_KEY_USAGE *eku = NULL;
	ASN1_OBJECT *wanted = OBJ_txt2obj(dotted, 1);
	bool found = false;

	if (ext != NULL && wanted != NULL && pkix_der_is_strict(ext->value))
		eku = d2i_EXTENDED_KEY_USAGE(NULL, &p, (long)ext->value.len);
	for (int i = 0; eku != NULL && i < sk_ASN1_OBJECT_num(eku); i++)
		found = found || OBJ_cmp(sk_ASN1_OBJECT_value(eku, i), wanted) == 0;
	EXTENDED_KEY_USAGE_free(eku);
	ASN1_OBJECT_free(wanted);
	ERR_clear_error();
	return found;
}

/* http alone: nothing is asked of other protocols, and a CRL is signed. */
static void
add_url(const GENERAL_NAME *name, struct texts *out)
{
	int type;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(name, &type);
	const char *text;

	if (type != GEN_URI || out->count == CRL_URLS_MAX)
		return;
	text = (const char *)ASN1_STRING_get0_data(s);
	if (strlen(text) == (size_t)ASN1_STRING_length(s) &&
	    strncasecmp(text, "http://", sizeof "http://" - 1) == 0)
		texts_add(out, text);
}

void
pkix_cert_crl_urls(const struct pkix_cert *c, struct texts *out)
{
	const struct pkix_extension *e = pkix_cert_extension(c, NID_crl_distribution_points);
	const unsigned char *p = e != NULL ? e->value.ptr : NULL;
	OWNED(own_crl_dist_points) CRL_DIST_POINTS *points = NULL;

	if (e != NULL && pkix_der_is_strict(e->value))
		points = d2i_CRL_DIST_POINTS(NULL, &p, (long)e->value.len);
	for (int i = 0; points != NULL && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *d = sk_DIST_POINT_value(points, i);

		if (d->distpoint == NULL || d->distpoint->type != 0 || d->CRLissuer != NULL ||
		    d->reasons != NULL)
			continue;
		for (int k = 0; k < sk_GENERAL_NAME_num(d->distpoint->name.fullname); k++)
			add_url(sk_GENERAL_NAME_value(d->distpoint->name.fullname, k), out);
	}
	ERR_clear_error();
}

bool
pkix_key_usage_decode(struct view value, uint16_t *out, struct err *err)
{
	const unsigned char *p = value.ptr;
	ASN1_BIT_STRING *bits = NULL;
	struct view v;

	*out = 0;
	if (!pkix_der_is_strict(value) ||
	    (bits = d2i_ASN1_BIT_STRING(NULL, &p, (long)value.len)) == NULL)
		return err_openssl(err, ERROR_INVALID_DATA, "not a key usage");
	v = pkix_string_view(bits);
	*out = (uint16_t)((v.len > 0 ? v.ptr[0] << 8 : 0) | (v.len > 1 ? v.ptr[1] : 0));
	ASN1_BIT_STRING_free(bits);
	return true;
}

/* Methods older than ASN1_ITEM have no type. */
static bool
is_of_type(const X509V3_EXT_METHOD *method, struct view value)
{
	const unsigned char *p = value.ptr;
	ASN1_VALUE *read;
	bool ok;

	if (method == NULL || method->it == NULL)
		return true;
	read = ASN1_item_d2i(NULL, &p, (long)value.len, ASN1_ITEM_ptr(method->it));
	ok = read != NULL && p == value.ptr + value.len;
	ASN1_item_free(read, ASN1_ITEM_ptr(method->it));
	ERR_clear_error();
	return ok;
}

bool
pkix_check_value(const char *oid, struct view value, struct err *err)
{
	if (!pkix_der_is_strict(value))
		return err_set(err, ERROR_INVALID_DATA, "the value is not one element of DER");
	return is_of_type(X509V3_EXT_get_nid(OBJ_txt2nid(oid)), value) ||
	       err_set(err, ERROR_INVALID_DATA, "the value is not that of extension %s", oid);
}

/* NULL: none. */
static BASIC_CONSTRAINTS *
decode_constraints(struct view value)
{
	const unsigned char *p = value.ptr;
	BASIC_CONSTRAINTS *c = NULL;

	if (pkix_der_is_strict(value))
		c = d2i_BASIC_CONSTRAINTS(NULL, &p, (long)value.len);
	ERR_clear_error();
	return c;
}

bool
pkix_constraints_decode(struct view value, bool *is_ca_out, int32_t *path_len_out, struct err *err)
{
	OWNED(own_basic_constraints) BASIC_CONSTRAINTS *c = decode_constraints(value);
	int64_t path_len = -1;

	*is_ca_out = false;
	*path_len_out = -1;
	if (c == NULL || (c->pathlen != NULL && (!der_int64(&path_len, c->pathlen) ||
						    path_len < 0 || path_len > INT32_MAX)))
		return err_openssl(err, ERROR_INVALID_DATA,
		    "basic constraints: neither a CA's nor an end entity's");
	*is_ca_out = c->ca != 0;
	*path_len_out = (int32_t)path_len;
	return true;
}

uint16_t
pkix_cert_key_usage(const struct pkix_cert *c)
{
	const struct pkix_extension *ext = pkix_cert_extension(c, NID_key_usage);
	uint16_t usage = 0xffff;
	struct err ignored;

	if (ext != NULL)
		(void)pkix_key_usage_decode(ext->value, &usage, &ignored);
	return usage;
}

bool
pkix_cert_may_encrypt(const struct pkix_cert *c)
{
	return (pkix_cert_key_usage(c) & (PKIX_KU_KEY_ENCIPHERMENT | PKIX_KU_DATA_ENCIPHERMENT |
					     PKIX_KU_KEY_AGREEMENT)) != 0;
}

static BASIC_CONSTRAINTS *
basic_constraints(const struct pkix_cert *c)
{
	const struct pkix_extension *e = pkix_cert_extension(c, NID_basic_constraints);

	return e != NULL ? decode_constraints(e->value) : NULL;
}

bool
pkix_cert_is_ca(const struct pkix_cert *c)
{
	OWNED(own_basic_constraints) BASIC_CONSTRAINTS *value = basic_constraints(c);

	return value != NULL && value->ca != 0 &&
	       (pkix_cert_key_usage(c) & (PKIX_KU_CERT_SIGN | PKIX_KU_CRL_SIGN)) ==
		   (PKIX_KU_CERT_SIGN | PKIX_KU_CRL_SIGN);
}

bool
pkix_cert_says_ca(const struct pkix_cert *c)
{
	OWNED(own_basic_constraints) BASIC_CONSTRAINTS *value = basic_constraints(c);

	return pkix_cert_extension(c, NID_basic_constraints) != NULL &&
	       (value == NULL || value->ca != 0);
}

int64_t
pkix_cert_path_len(const struct pkix_cert *c)
{
	OWNED(own_basic_constraints) BASIC_CONSTRAINTS *value = basic_constraints(c);
	int64_t len = -1;

	if (value != NULL && value->pathlen != NULL &&
	    (!der_int64(&len, value->pathlen) || len < 0))
		len = 0;
	ERR_clear_error();
	return len;
}

/* RFC 5280 4.2.1.2 (1) */
static bool
key_hash(const struct pkix_cert *c, struct buf *out, struct err *err)
{
	const unsigned char *p = c->spki.ptr;
	OWNED(own_pkix_spki) PKIX_SPKI *spki = d2i_PKIX_SPKI(NULL, &p, (long)c->spki.len);

	if (spki == NULL)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "certificate: not a SubjectPublicKeyInfo");
	return buf_alloc(20, out, err) &&
	       cms_digest_of(NID_sha1, pkix_string_view(spki->key), out->ptr, err);
}

bool
pkix_cert_ski(const struct pkix_cert *c, struct buf *out, struct err *err)
{
	const struct pkix_extension *ext = pkix_cert_extension(c, NID_subject_key_identifier);
	const unsigned char *p = NULL;
	OWNED(own_asn1_octets) ASN1_OCTET_STRING *id = NULL;

	*out = (struct buf){0};
	if (ext == NULL)
		return key_hash(c, out, err);
	p = ext->value.ptr;
	if (!pkix_der_is_strict(ext->value) ||
	    (id = d2i_ASN1_OCTET_STRING(NULL, &p, (long)ext->value.len)) == NULL ||
	    ASN1_STRING_length(id) == 0)
		return err_openssl(err, ERROR_INVALID_DATA,
		    "certificate: the subject key identifier is malformed");
	return buf_dup(pkix_string_view(id), out, err);
}

bool
pkix_cert_ca_version(const struct pkix_cert *c, uint32_t *version_out, struct err *err)
{
	const struct pkix_extension *ext = pkix_cert_extension(c, oid_nid(OID_CA_VERSION));
	const unsigned char *p = ext != NULL ? ext->value.ptr : NULL;
	OWNED(own_asn1_integer) ASN1_INTEGER *number = NULL;
	int64_t version = -1;

	*version_out = 0;
	if (ext == NULL)
		return true;
	if (!pkix_der_is_strict(ext->value) ||
	    (number = d2i_ASN1_INTEGER(NULL, &p, (long)ext->value.len)) == NULL ||
	    !der_int64(&version, number) || version < 0 || version > CA_VERSION_MAX)
		return err_openssl(err, ERROR_INVALID_DATA, "certificate: no CA version");
	*version_out = (uint32_t)version;
	return true;
}

char *
pkix_serial_text(struct view serial)
{
	while (serial.len > 1 && serial.ptr[0] == 0) {
		serial.ptr++;
		serial.len--;
	}
	return serial.len > 0 ? hex_encode(serial, '\0') : strdup("00");
}
