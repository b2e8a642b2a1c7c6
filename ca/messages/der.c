#include "der.h"

#include <limits.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "cms_asn1.h"
#include "oids.h"

#define SERIAL_MAX 64

static bool
is_encoding_of(const ASN1_ITEM *item, const ASN1_VALUE *value, struct view der)
{
	OWNED(own_octets) unsigned char *again = NULL;
	int len = ASN1_item_i2d(value, &again, item);

	return len >= 0 && view_eq(view_of(again, (size_t)len), der);
}

static bool
check_whole(const ASN1_ITEM *item, const ASN1_VALUE *value, struct view der,
    const unsigned char *end, const char *what, struct err *err)
{
	if (value == NULL)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "%s is malformed, cut off or another thing", what);
	if (end != der.ptr + der.len)
		return err_set(err, ERROR_INVALID_DATA,
		    "%s is followed by %td bytes that do not belong to it", what,
		    der.ptr + der.len - end);
	return is_encoding_of(item, value, der) ||
	       err_set(
		   err, ERROR_INVALID_DATA, "%s is not in the distinguished encoding (DER)", what);
}

void *
der_decode(const ASN1_ITEM *item, struct view der, size_t max, const char *what, struct err *err)
{
	const unsigned char *p = der.ptr;
	ASN1_VALUE *value;

	if (der.len == 0 || der.len > max) {
		if (der.len == 0)
			err_set(err, ERROR_INVALID_DATA, "%s is empty", what);
		else
			err_set(err, DIRCA_E_TOO_LARGE,
			    "%s has %zu bytes, more than the %zu that are read", what, der.len,
			    max);
		return NULL;
	}
	value = ASN1_item_d2i(NULL, &p, (long)der.len, item);
	if (check_whole(item, value, der, p, what, err))
		return value;
	ASN1_item_free(value, item);
	return NULL;
}

void *
der_exact(const ASN1_ITEM *item, struct view der)
{
	struct err ignored;
	void *value = der_decode(item, der, INT_MAX, "it", &ignored);

	if (value == NULL)
		ERR_clear_error();
	return value;
}

bool
der_encode(
    const ASN1_ITEM *item, const void *value, const char *what, struct buf *out, struct err *err)
{
	unsigned char *der = NULL;
	int len = ASN1_item_i2d(value, &der, item);

	*out = (struct buf){0};
	if (len <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, "%s could not be encoded", what);
	return buf_take_openssl(der, len, out, err);
}

bool
der_is_other_content(struct view der, int nid, char oid[80])
{
	CMSW_CONTENT_INFO *info = NULL;
	const unsigned char *p = der.ptr;
	bool other = false;

	if (der.len > 0 && der.len <= LONG_MAX)
		info = d2i_CMSW_CONTENT_INFO(NULL, &p, (long)der.len);
	if (info != NULL && OBJ_obj2nid(info->type) != nid)
		other = OBJ_obj2txt(oid, 80, info->type, 1) > 0;
	CMSW_CONTENT_INFO_free(info);
	ERR_clear_error();
	return other;
}

struct view
der_string(const ASN1_STRING *s)
{
	if (s == NULL)
		return (struct view){0};
	return view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

struct view
der_within(const struct buf *der, const ASN1_STRING *s)
{
	struct view v = s != NULL ? der_string(s) : (struct view){0};
	const uint8_t *at = v.len > 0 ? memmem(der->ptr, der->len, v.ptr, v.len) : NULL;

	return at != NULL ? view_of(at, v.len) : (struct view){0};
}

ASN1_STRING *
der_string_new(int type, struct view content)
{
	ASN1_STRING *s = ASN1_STRING_type_new(type);

	if (s == NULL || content.len > INT_MAX ||
	    ASN1_STRING_set(
		s, content.len > 0 ? (const void *)content.ptr : "", (int)content.len) != 1) {
		ASN1_STRING_free(s);
		return NULL;
	}
	return s;
}

bool
der_string_set(ASN1_STRING *s, struct view content, struct err *err)
{
	if (content.len > INT_MAX ||
	    ASN1_STRING_set(
		s, content.len > 0 ? (const void *)content.ptr : "", (int)content.len) != 1)
		return err_nomem(err);
	return true;
}

bool
der_instant(const ASN1_GENERALIZEDTIME *from, int64_t *out)
{
	return der_long_time(der_string(from), out);
}

bool
der_is_serial(struct view octets)
{
	if (octets.len == 0 || octets.len > SERIAL_MAX)
		return false;
	if (octets.len == 1)
		return true;
	/* X.690 8.3.2: the first nine bits are neither all zero nor all one. */
	return !(octets.ptr[0] == 0x00 && (octets.ptr[1] & 0x80) == 0) &&
	       !(octets.ptr[0] == 0xff && (octets.ptr[1] & 0x80) != 0);
}

int
der_head(const unsigned char **p, long *len, int *tag, int *class, size_t max)
{
	int form = max > LONG_MAX ? 0x80 : ASN1_get_object(p, len, tag, class, (long)max);

	if ((form & 0x80) != 0)
		ERR_clear_error();
	return form;
}

bool
der_take_oid(struct view *cursor, struct view *octets_out)
{
	return der_take(cursor, DER_OBJECT, octets_out) && der_is_oid(*octets_out);
}

bool
der_take_int32(struct view *cursor, int32_t *out)
{
	struct view n;
	uint32_t bits;

	*out = 0;
	if (!der_take(cursor, DER_INTEGER, &n) || n.len > sizeof bits || !der_is_serial(n))
		return false;
	bits = n.ptr[0] >= 0x80 ? UINT32_MAX : 0;
	for (size_t i = 0; i < n.len; i++)
		bits = bits << 8 | n.ptr[i];
	*out = (int32_t)bits;
	return true;
}

/* As OpenSSL reads it, of whatever type it is; it is written again to see whether it is the only
 * encoding. */
static bool
take_as_openssl(struct view *cursor, struct view *whole)
{
	const unsigned char *p = cursor->ptr;
	ASN1_TYPE *value =
	    cursor->len <= LONG_MAX ? d2i_ASN1_TYPE(NULL, &p, (long)cursor->len) : NULL;
	bool ok;

	*whole = view_of(cursor->ptr, value != NULL ? (size_t)(p - cursor->ptr) : 0);
	ok = value != NULL &&
	     is_encoding_of(ASN1_ITEM_rptr(ASN1_ANY), (const ASN1_VALUE *)value, *whole);
	*cursor = view_of(cursor->ptr + whole->len, cursor->len - whole->len);
	ASN1_TYPE_free(value);
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool
der_take_value(struct view *cursor, struct view *whole)
{
	uint8_t first;

	*whole = (struct view){0};
	if (cursor->len < 2 || (cursor->ptr[0] == 0 && cursor->ptr[1] == 0))
		return false;
	first = cursor->ptr[0];
	if ((first == DER_SEQUENCE || first == DER_SET || (first & V_ASN1_PRIVATE) != 0 ||
		(first == DER_NULL && cursor->ptr[1] == 0)) &&
	    der_take_any(cursor, whole))
		return true;
	return take_as_openssl(cursor, whole);
}

bool
der_take_raw(struct view *cursor, uint8_t first, struct view *whole)
{
	return cursor->len > 0 && cursor->ptr[0] == first && der_take_value(cursor, whole);
}

bool
der_take_algorithm(struct view *cursor, struct view *whole, struct view *oid_out)
{
	struct view content, parameters;

	*whole = *cursor;
	*oid_out = (struct view){0};
	if (!der_take(cursor, DER_SEQUENCE, &content) || !der_take_oid(&content, oid_out) ||
	    (content.len > 0 && !der_take_value(&content, &parameters)) || content.len > 0)
		return false;
	whole->len -= cursor->len;
	return true;
}

bool
der_next(struct view *cursor, struct view *value_out)
{
	const unsigned char *p = cursor->ptr;
	size_t whole;
	long len;
	int tag, cls, form;

	*value_out = (struct view){0};
	if (cursor->len == 0)
		return false;
	form = der_head(&p, &len, &tag, &cls, cursor->len);
	if ((form & 0x81) != 0) /* damaged, or of indefinite length */
		return false;
	whole = (size_t)(p - cursor->ptr) + (size_t)len;
	*value_out = view_of(cursor->ptr, whole);
	*cursor = view_of(cursor->ptr + whole, cursor->len - whole);
	return true;
}

/* Content of the one element that `whole` is; the tag is the caller's matter. */
static bool
content_of(struct view whole, struct view *out)
{
	const unsigned char *p = whole.ptr;
	long len;
	int tag, cls, form;

	*out = (struct view){0};
	if (whole.len == 0)
		return false;
	form = der_head(&p, &len, &tag, &cls, whole.len);
	if ((form & 0x81) != 0 || (size_t)len != whole.len - (size_t)(p - whole.ptr))
		return false;
	*out = view_of(p, (size_t)len);
	return true;
}

bool
der_attr(struct view type, struct view raw_set, struct cms_attr *out, struct err *err)
{
	struct view cursor, value;

	*out = (struct cms_attr){0};
	if (!oid_octets_text(type, out->oid, sizeof out->oid))
		return err_set(err, ERROR_INVALID_DATA,
		    "an attribute has an object identifier of more than %zu characters",
		    sizeof out->oid - 1);
	out->nid = oid_octets_nid(type);
	if (!content_of(raw_set, &out->values))
		return err_set(err, ERROR_INVALID_DATA,
		    "attribute %s: its set of values is damaged", out->oid);
	for (cursor = out->values; der_next(&cursor, &value);)
		out->value_count++;
	if (cursor.len > 0)
		return err_set(
		    err, ERROR_INVALID_DATA, "attribute %s: a value of it is damaged", out->oid);
	return true;
}

bool
der_set_wrap(struct view values, ASN1_STRING **out, struct err *err)
{
	OWNED(own_asn1_string) ASN1_STRING *set = ASN1_STRING_type_new(V_ASN1_SET);
	OWNED(own_octets) unsigned char *der = NULL;
	unsigned char *p;
	int len = -1;

	*out = NULL;
	if (values.len <= INT_MAX / 2)
		len = ASN1_object_size(1, (int)values.len, V_ASN1_SET);
	if (set == NULL || len <= 0 || (der = OPENSSL_malloc((size_t)len)) == NULL)
		return err_nomem(err);
	p = der;
	ASN1_put_object(&p, 1, (int)values.len, V_ASN1_SET, V_ASN1_UNIVERSAL);
	if (values.len > 0)
		memcpy(p, values.ptr, values.len);
	ASN1_STRING_set0(set, der, len);
	der = NULL;
	*out = own_give(&set);
	return true;
}

bool
der_attr_octets(const struct cms_attr *a, struct view *out, struct err *err)
{
	struct view value;

	*out = (struct view){0};
	if (!cms_attr_single(a, &value, err))
		return false;
	if (value.ptr[0] != V_ASN1_OCTET_STRING || !content_of(value, out))
		return err_set(err, ERROR_INVALID_DATA,
		    "attribute %s: its value is not an octet string", a->oid);
	return true;
}

bool
der_alg_set(X509_ALGOR *alg, int nid, ASN1_STRING *params, struct err *err)
{
	if (params != NULL && X509_ALGOR_set0(alg, OBJ_nid2obj(nid), V_ASN1_SEQUENCE, params) == 1)
		return true;
	ASN1_STRING_free(params);
	return err_nomem(err);
}

bool
der_int64(int64_t *out, const ASN1_INTEGER *from)
{
	bool fits;

	ERR_set_mark();
	fits = ASN1_INTEGER_get_int64(out, from) == 1;
	ERR_pop_to_mark();
	return fits;
}

ASN1_STRING *
der_pack(const ASN1_ITEM *item, const void *value)
{
	return value != NULL ? ASN1_item_pack((void *)(uintptr_t)value, item, NULL) : NULL;
}

X509_ALGOR *
der_alg_new(int nid, int param_type)
{
	X509_ALGOR *alg = X509_ALGOR_new();

	if (alg != NULL && X509_ALGOR_set0(alg, OBJ_nid2obj(nid), param_type, NULL) != 1) {
		X509_ALGOR_free(alg);
		alg = NULL;
	}
	return alg;
}

bool
cms_attr_single(const struct cms_attr *a, struct view *value_out, struct err *err)
{
	struct view cursor;

	*value_out = (struct view){0};
	if (a == NULL)
		return err_set(err, ERROR_INVALID_DATA, "a required attribute is missing");
	cursor = a->values;
	if (a->value_count != 1 || !der_next(&cursor, value_out))
		return err_set(err, ERROR_INVALID_DATA,
		    "attribute %s has %zu values instead of one", a->oid, a->value_count);
	return true;
}
