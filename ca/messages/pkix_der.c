#include "pkix_priv.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "text.h"

#define MAX_DEPTH 24

/* One element at the start of `cursor`, which moves behind it. */
static bool
strict_element(struct view *cursor, unsigned depth)
{
	const uint8_t *p = cursor->ptr;
	long len = 0;
	int tag = 0, class = 0;
	int kind = 0;
	size_t header = 0;

	if (depth > MAX_DEPTH || cursor->len < 2 || cursor->len > PKIX_MAX_DER)
		return false;
	kind = ASN1_get_object(&p, &len, &tag, &class, (long)cursor->len);
	if ((kind & 0x81) != 0 || len < 0) /* error, or indefinite length */
		return false;
	header = (size_t)(p - cursor->ptr);
	if ((size_t)len > cursor->len - header)
		return false;
	/* ASN1_object_size knows the shortest form. */
	if (ASN1_object_size((kind & V_ASN1_CONSTRUCTED) != 0, (int)len, tag) !=
	    (int)header + (int)len)
		return false;
	cursor->ptr = p + len;
	cursor->len -= header + (size_t)len;
	if ((kind & V_ASN1_CONSTRUCTED) == 0)
		return true;
	if (class == V_ASN1_UNIVERSAL && tag != V_ASN1_SEQUENCE && tag != V_ASN1_SET)
		return false; /* strings in pieces are BER */
	for (struct view inner = view_of(p, (size_t)len); inner.len > 0;)
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
	PKIX_SIGNED *s = NULL;
	struct view signature;
	bool ok = false;

	if (der.len > PKIX_MAX_DER) {
		err_set(err, DIRCA_E_TOO_LARGE, "%s of %zu bytes: at most %d are read", what,
		    der.len, PKIX_MAX_DER);
		goto out;
	}
	if (!pkix_der_is_strict(der)) {
		err_set(err, ERROR_INVALID_DATA,
		    "%s: not one DER element, or bytes are missing or left over", what);
		goto out;
	}
	if ((s = d2i_PKIX_SIGNED(NULL, &p, (long)der.len)) == NULL) {
		err_openssl(err, ERROR_INVALID_DATA,
		    "%s: not a SEQUENCE of content, algorithm and signature", what);
		goto out;
	}
	if (!pkix_bits_view(s->signature, &signature)) {
		err_set(err, ERROR_INVALID_DATA, "%s: the signature is not whole octets", what);
		goto out;
	}
	*out = s;
	s = NULL;
	ok = true;
out:
	PKIX_SIGNED_free(s);
	return ok;
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
pkix_put_element(ASN1_STRING *field, struct view der, const char *what, struct err *err)
{
	if (!pkix_der_is_strict(der) || der.ptr[0] != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
		return err_set(err, E_INVALIDARG, "%s: not one DER SEQUENCE", what);
	if (ASN1_STRING_set(field, der.ptr, (int)der.len) != 1)
		return err_nomem(err);
	return true;
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
	struct buf little = {0};
	bool ok = false;

	if (big.len % 2 != 0) {
		err_set(err, ERROR_INVALID_DATA, "a BMPString has an odd number of bytes");
		goto out;
	}
	if (!buf_alloc(big.len, &little, err))
		goto out;
	for (size_t i = 0; i < big.len; i += 2) {
		little.ptr[i] = big.ptr[i + 1];
		little.ptr[i + 1] = big.ptr[i];
	}
	ok = utf16le_decode(buf_view(&little), out, err);
out:
	buf_free(&little);
	return ok;
}

bool
pkix_string_text(const ASN1_STRING *s, char **out, struct err *err)
{
	unsigned char *utf8 = NULL;
	char *text = NULL;
	int len = 0;
	bool ok = false;

	*out = NULL;
	if (ASN1_STRING_type(s) == V_ASN1_BMPSTRING) {
		if (!bmp_text(pkix_string_view(s), &text, err))
			goto out;
		ok = text_from_view(view_str(text), out, err);
		goto out;
	}
	if ((len = ASN1_STRING_to_UTF8(&utf8, s)) < 0) {
		err_openssl(
		    err, ERROR_INVALID_DATA, "a text is not in the alphabet of its ASN.1 type");
		goto out;
	}
	ok = text_from_view(view_of(utf8, (size_t)len), out, err);
out:
	OPENSSL_free(utf8);
	free(text);
	return ok;
}

static pthread_once_t md_once = PTHREAD_ONCE_INIT;
static struct {
	int nid;
	const char *name;
	EVP_MD *md;
} mds[] = {
    {NID_sha1, "SHA1", NULL},
    {NID_sha256, "SHA2-256", NULL},
    {NID_sha384, "SHA2-384", NULL},
    {NID_sha512, "SHA2-512", NULL},
};

/* Kept until the process ends: EVP_MD_fetch takes a global lock, and EVP_sha256() hides one in
 * every use. */
static void
fetch_all(void)
{
	for (size_t i = 0; i < sizeof mds / sizeof mds[0]; i++)
		mds[i].md = EVP_MD_fetch(NULL, mds[i].name, NULL);
}

const EVP_MD *
pkix_md(int nid)
{
	if (pthread_once(&md_once, fetch_all) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof mds / sizeof mds[0]; i++)
		if (mds[i].nid == nid)
			return mds[i].md;
	return NULL;
}
