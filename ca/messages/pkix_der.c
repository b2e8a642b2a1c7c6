#include "pkix_priv.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "der.h"
#include "der_write.h"
#include "text.h"
#include "utf8.h"

#define MAX_DEPTH 24

/* Of a tag number from 31 on, which few things have. */
static bool
long_head(struct view from, struct der_extent *out)
{
	const uint8_t *p = from.ptr;
	long len = 0;
	int tag = 0, class = 0;
	int kind = der_head(&p, &len, &tag, &class, from.len);

	if ((kind & 0x81) != 0 || len < 0) /* error, or indefinite length */
		return false;
	*out = (struct der_extent){(size_t)(p - from.ptr), (size_t)len};
	/* ASN1_object_size knows the shortest form. */
	return out->content <= from.len - out->header &&
	       ASN1_object_size((kind & V_ASN1_CONSTRUCTED) != 0, (int)len, tag) ==
		   (int)out->header + (int)len;
}

/* One element at the start of `cursor`, which moves behind it. */
static bool
strict_element(struct view *cursor, unsigned depth)
{
	struct der_extent h;
	struct view inner;
	uint8_t first;

	if (depth > MAX_DEPTH || cursor->len < 2 || cursor->len > PKIX_MAX_DER)
		return false;
	first = cursor->ptr[0];
	if (!((first & V_ASN1_PRIMITIVE_TAG) == V_ASN1_PRIMITIVE_TAG ? long_head(*cursor, &h)
								     : der_extent(*cursor, &h)))
		return false;
	inner = view_of(cursor->ptr + h.header, h.content);
	*cursor = view_of(inner.ptr + inner.len, cursor->len - h.header - h.content);
	if ((first & V_ASN1_CONSTRUCTED) == 0)
		return true;
	if ((first & V_ASN1_PRIVATE) == V_ASN1_UNIVERSAL && first != DER_SEQUENCE &&
	    first != DER_SET)
		return false; /* strings in pieces are BER */
	while (inner.len > 0)
		if (!strict_element(&inner, depth + 1))
			return false;
	return true;
}

bool
pkix_der_is_strict(struct view der)
{
	bool strict = der.ptr != NULL && strict_element(&der, 0) && der.len == 0;

	if (!strict)
		ERR_clear_error();
	return strict;
}

bool
pkix_bits_view(const ASN1_BIT_STRING *bits, struct view *out)
{
	*out = pkix_string_view(bits);
	return (bits->flags & 0x07) == 0; /* number of unused bits, once decoded */
}

bool
pkix_bits_set(ASN1_BIT_STRING *bits, struct view octets)
{
	bits->flags &= ~0x07;
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* else OpenSSL drops zero bits at the end */
	return ASN1_STRING_set(bits, octets.ptr, (int)octets.len) == 1;
}

bool
pkix_signed_decode(struct view der, const char *what, PKIX_SIGNED **out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_pkix_signed) PKIX_SIGNED *s = NULL;
	struct view signature;

	if (der.len > PKIX_MAX_DER)
		return err_set(err, DIRCA_E_TOO_LARGE, "%s of %zu bytes: at most %d are read", what,
		    der.len, PKIX_MAX_DER);
	if (!pkix_der_is_strict(der))
		return err_set(err, ERROR_INVALID_DATA,
		    "%s: not one DER element, or bytes are missing or left over", what);
	if ((s = d2i_PKIX_SIGNED(NULL, &p, (long)der.len)) == NULL)
		return err_openssl(err, ERROR_INVALID_DATA,
		    "%s: not a SEQUENCE of content, algorithm and signature", what);
	if (!pkix_bits_view(s->signature, &signature))
		return err_set(
		    err, ERROR_INVALID_DATA, "%s: the signature is not whole octets", what);
	*out = own_give(&s);
	return true;
}

void
pkix_wire_free(struct pkix_wire *w)
{
	if (w == NULL)
		return;
	PKIX_SIGNED_free(w->outer);
	PKIX_REQUEST_INFO_free(w->info);
	PKIX_TBS_CERT_free(w->tbs);
	for (size_t i = 0; i < 2; i++)
		sk_X509_EXTENSION_pop_free(w->requested[i], X509_EXTENSION_free);
	buf_free(&w->serial);
	free(w);
}

bool
pkix_check_element(struct view der, const char *what, struct err *err)
{
	return (pkix_der_is_strict(der) && der.ptr[0] == DER_SEQUENCE) ||
	       err_set(err, E_INVALIDARG, "%s: not one DER SEQUENCE", what);
}

bool
pkix_put_element(ASN1_STRING *field, struct view der, const char *what, struct err *err)
{
	if (!pkix_check_element(der, what, err))
		return false;
	if (ASN1_STRING_set(field, der.ptr, (int)der.len) != 1)
		return err_nomem(err);
	return true;
}

bool
pkix_is_algorithm(struct view der)
{
	struct view content, oid, parameters;

	return pkix_der_is_strict(der) && der_take(&der, DER_SEQUENCE, &content) &&
	       der_take(&content, DER_OBJECT, &oid) && der_is_oid(oid) &&
	       (content.len == 0 || (der_take_any(&content, &parameters) && content.len == 0));
}

X509_ALGOR *
pkix_algor(struct view der, struct err *err)
{
	const unsigned char *p = der.ptr;
	X509_ALGOR *alg = pkix_der_is_strict(der) ? d2i_X509_ALGOR(NULL, &p, (long)der.len) : NULL;

	if (alg == NULL)
		err_openssl(err, ERROR_INVALID_DATA,
		    "the signature algorithm is not an AlgorithmIdentifier");
	return alg;
}

/* BMPString is UTF-16 big-endian in practice: pairs of surrogates are met. */
static bool
bmp_text(struct view big, char **out, struct err *err)
{
	OWNED(buf_free) struct buf little = {0};

	if (big.len % 2 != 0)
		return err_set(err, ERROR_INVALID_DATA, "a BMPString has an odd number of bytes");
	if (!buf_alloc(big.len, &little, err))
		return false;
	for (size_t i = 0; i < big.len; i += 2) {
		little.ptr[i] = big.ptr[i + 1];
		little.ptr[i + 1] = big.ptr[i];
	}
	return utf16le_decode(buf_view(&little), out, err);
}

/* As OpenSSL reads the type. */
static bool
any_text(int type, struct view content, char **out, struct err *err)
{
	OWNED(own_asn1_string) ASN1_STRING *s = ASN1_STRING_type_new(type);
	OWNED(own_octets) unsigned char *utf8 = NULL;
	int len = 0;

	if (s == NULL || ASN1_STRING_set(s, content.ptr, (int)content.len) != 1)
		return err_nomem(err);
	if ((len = ASN1_STRING_to_UTF8(&utf8, s)) < 0)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "a text is not in the alphabet of its type");
	return text_from_view(view_of(utf8, (size_t)len), out, err);
}

/* Of one octet a character, the first 128 of which are those of ASCII. */
static bool
is_narrow(int type)
{
	return type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING ||
	       type == V_ASN1_NUMERICSTRING || type == V_ASN1_VISIBLESTRING ||
	       type == V_ASN1_T61STRING;
}

bool
pkix_octets_text(int type, struct view content, char **out, struct err *err)
{
	OWNED(own_memory) char *text = NULL;

	*out = NULL;
	if (type == V_ASN1_UTF8STRING || (is_narrow(type) && utf8_ascii(content) == content.len))
		return text_from_view(content, out, err);
	if (type != V_ASN1_BMPSTRING)
		return any_text(type, content, out, err);
	return bmp_text(content, &text, err) && text_from_view(view_str(text), out, err);
}

bool
pkix_string_text(const ASN1_STRING *s, char **out, struct err *err)
{
	return pkix_octets_text(ASN1_STRING_type(s), pkix_string_view(s), out, err);
}
