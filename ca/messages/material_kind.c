/* What a file is, by its content. */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "armour.h"
#include "der.h"
#include "keyblob.h"
#include "material.h"
#include "mem.h"
#include "own_openssl.h"
#include "plain.h"
#include "text.h"

#define HEAD       128          /* octets of a message that name its type and its content's */
#define SECRET_MAX (128 * 1024) /* of PEM whose objects have room on the secure heap */

/* The tag of an element, and where its content begins; false: none. Of whatever length. */
static bool
enter(struct view *cursor, uint8_t *tag_out)
{
	size_t head = 2;

	if (cursor->len < 2)
		return false;
	*tag_out = cursor->ptr[0];
	if (cursor->ptr[1] > 0x80)
		head += cursor->ptr[1] & 0x7fu;
	if (head > cursor->len)
		return false;
	*cursor = view_of(cursor->ptr + head, cursor->len - head);
	return true;
}

/* The tag of what stands behind the first element, and *rest_out begins with it. */
static bool
next_tag(struct view inside, struct view *rest_out, uint8_t *tag_out)
{
	const unsigned char *p = inside.ptr;
	long len;
	int tag, cls;

	if ((der_head(&p, &len, &tag, &cls, inside.len) & 0x81) != 0) {
		ERR_clear_error();
		return false;
	}
	p += len;
	if (p >= inside.ptr + inside.len)
		return false;
	*rest_out = view_of(p, (size_t)(inside.ptr + inside.len - p));
	*tag_out = *p;
	return true;
}

/* ECPrivateKey: behind number and octets come parameters or public key, if anything. */
static bool
is_ec_key(struct view octets)
{
	struct view rest;
	uint8_t third;

	return !next_tag(octets, &rest, &third) || third == 0xa0 || third == 0xa1;
}

static enum material
of_sequence(struct view inside)
{
	uint8_t first, second;
	struct view rest;

	if (inside.len < 3 || !next_tag(inside, &rest, &second))
		return MATERIAL_UNKNOWN;
	first = inside.ptr[0];
	if (first == V_ASN1_OBJECT)
		return MATERIAL_PKCS7;
	if (first == 0x30)
		return second == V_ASN1_OCTET_STRING ? MATERIAL_SEALED_PKCS8 : MATERIAL_CERTIFICATE;
	if (first != V_ASN1_INTEGER)
		return MATERIAL_UNKNOWN;
	if (second == 0x30)
		return inside.ptr[1] == 1 && inside.ptr[2] == 3 ? MATERIAL_PFX : MATERIAL_PKCS8;
	return second == V_ASN1_INTEGER || (second == V_ASN1_OCTET_STRING && is_ec_key(rest))
		   ? MATERIAL_OLD_KEY
		   : MATERIAL_UNKNOWN;
}

static bool
has(struct view text, const char *what)
{
	return text.len > 0 && memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static bool
begins(struct view v, const void *with, size_t len)
{
	return v.len >= len && memcmp(v.ptr, with, len) == 0;
}

static struct view
behind_blanks(struct view v)
{
	while (v.len > 0 && isspace(v.ptr[0]))
		v = view_of(v.ptr + 1, v.len - 1);
	return v;
}

static bool
is_base64(struct view v)
{
	OWNED(buf_free_wiped) struct buf ignored = {0};
	struct err err;

	v = behind_blanks(v);
	return begins(v, "M", 1) && base64_decode(v, &ignored, &err);
}

/* "[Digital Identity]"; not an INF file, and no JSON. */
static bool
is_epf(struct view v)
{
	return begins(v, "[", 1) && v.len > 1 && isalpha(v.ptr[1]) && !has(v, "NewRequest");
}

static enum material
of_plain(struct view v)
{
	bool signature_only;
	enum keyblob_format format;
	struct view inside = v;
	struct err ignored;
	uint8_t tag;

	if (begins(v, "\x30", 1) && enter(&inside, &tag))
		return of_sequence(inside);
	if (armour_is(v))
		return MATERIAL_PEM;
	if (begins(v, "\x1e\xf1\xb5\xb0", 4))
		return MATERIAL_PVK;
	if (begins(v, "\xfe\xed\xfe\xed", 4) || begins(v, "\xce\xce\xce\xce", 4))
		return MATERIAL_JKS;
	if (keyblob_format(v, &format, &signature_only, &ignored))
		return MATERIAL_BLOB;
	if (is_epf(v))
		return MATERIAL_EPF;
	return is_base64(v) ? MATERIAL_BASE64 : MATERIAL_UNKNOWN;
}

enum material
material_of(struct view file)
{
	OWNED(buf_free_wiped) struct buf hold = {0};
	struct err ignored;
	struct view v;

	return plain_text(file, &hold, &v, &ignored) ? of_plain(v) : MATERIAL_UNKNOWN;
}

/* ---- what is in it ---- */

/* One whole of that type, and nothing behind it. */
static bool
is_whole(struct view der, const ASN1_ITEM *type)
{
	const unsigned char *p = der.ptr;
	ASN1_VALUE *it = ASN1_item_d2i(NULL, &p, (long)der.len, type);
	bool whole = it != NULL && p == der.ptr + der.len;

	ASN1_item_free(it, type);
	return whole;
}

/* What begins as a certificate does. */
static enum material
of_signed(struct view der)
{
	enum material m = is_whole(der, ASN1_ITEM_rptr(X509))          ? MATERIAL_CERTIFICATE
			  : is_whole(der, ASN1_ITEM_rptr(X509_REQ))    ? MATERIAL_REQUEST
			  : is_whole(der, ASN1_ITEM_rptr(X509_CRL))    ? MATERIAL_CRL
			  : is_whole(der, ASN1_ITEM_rptr(X509_PUBKEY)) ? MATERIAL_PUBLIC_KEY
								       : MATERIAL_DAMAGED;

	ERR_clear_error();
	return m;
}

/* By the type of the message, and of what is signed: read no further than that. */
static enum material
of_message(struct view der)
{
	static const uint8_t enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03},
			     auth_enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
				 0x10, 0x01, 0x17},
			     signed_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02},
			     request[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0c, 0x02},
			     response[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0c, 0x03},
			     recovery[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x15, 0x10};
	struct view head = view_of(der.ptr, der.len < HEAD ? der.len : HEAD);
	const unsigned char *p = der.ptr;

#define HOLDS(v, oid) (memmem((v).ptr, (v).len, oid, sizeof(oid)) != NULL)
	if (!HOLDS(head, signed_data))
		return HOLDS(head, enveloped) || HOLDS(head, auth_enveloped) ? MATERIAL_ENVELOPED
									     : MATERIAL_DAMAGED;
	if (HOLDS(head, request))
		return MATERIAL_CMC_REQUEST;
	if (HOLDS(head, response))
		return MATERIAL_CMC_RESPONSE;
	if (HOLDS(der, recovery))
		return MATERIAL_RECOVERY;
#undef HOLDS
	OWNED(own_pkcs7) PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)der.len);

	ERR_clear_error();
	/* The number may have stood anywhere in the head. */
	if (p7 == NULL || !PKCS7_type_is_signed(p7))
		return MATERIAL_DAMAGED;
	return p7->d.sign != NULL && sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info) > 0
		   ? MATERIAL_MESSAGE
		   : MATERIAL_PKCS7;
}

static bool
is_text(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.ptr[i] < 0x20 && strchr("\t\r\n\f", v.ptr[i]) == NULL)
			return false;
	return text_is_utf8(v) && memchr(v.ptr, 0, v.len) == NULL;
}

static enum material
of_others(struct view v)
{
	struct view text = behind_blanks(v);

	if (text.len == 0)
		return MATERIAL_EMPTY;
	if (begins(v, "SQLite format 3", 15))
		return MATERIAL_DATABASE;
	if (begins(v, "PK\3\4", 4))
		return MATERIAL_ZIP;
	if (v.len >= 20 && v.ptr[0] == 1 && v.ptr[1] == 0 && (v.ptr[3] & 0x80) != 0)
		return MATERIAL_DESCRIPTOR;
	if (!is_text(v))
		return begins(v, "\x30", 1) ? MATERIAL_DAMAGED : MATERIAL_UNKNOWN;
	if (begins(text, "[", 1) && has(text, "NewRequest"))
		return MATERIAL_INF;
	if (begins(text, "{", 1) || begins(text, "[", 1))
		return MATERIAL_JSON;
	return begins(text, "dn:", 3) || begins(text, "version:", 8) ? MATERIAL_LDIF
								     : MATERIAL_TEXT;
}

static enum material of_der(struct view der);

/* Of several objects the first that is no certificate: a key makes it a file of keys. */
static bool
look_at(void *arg, const struct armour *one, struct err *err)
{
	enum material *m = arg, it;

	(void)err;
	if (strcmp(one->label, PEM_STRING_PUBLIC) == 0)
		it = MATERIAL_PUBLIC_KEY;
	else if (strcmp(one->label, PEM_STRING_ECPARAMETERS) == 0)
		return true;
	else if (strstr(one->label, "PRIVATE KEY") != NULL && *one->header != '\0')
		it = MATERIAL_SEALED_PKCS8;
	else
		it = of_der(one->der);
	if (*m == MATERIAL_UNKNOWN || *m == MATERIAL_CERTIFICATE)
		*m = it;
	return true;
}

static enum material
of_armoured(struct view text)
{
	enum material m = MATERIAL_UNKNOWN;
	struct err ignored;

	return armour_read(text, text.len <= SECRET_MAX, look_at, &m, &ignored) &&
		       m != MATERIAL_UNKNOWN
		   ? m
		   : MATERIAL_DAMAGED;
}

static enum material
of_base64(struct view text)
{
	OWNED(buf_free_wiped) struct buf der = {0};
	struct err ignored;

	return base64_decode(text, &der, &ignored) ? of_der(buf_view(&der)) : MATERIAL_DAMAGED;
}

/* Does the length that it names go beyond the file? One that is not named (BER) does not. */
static bool
is_cut(struct view der)
{
	const unsigned char *p = der.ptr;
	long len;
	int tag, cls;
	bool cut = der.len <= LONG_MAX && (der_head(&p, &len, &tag, &cls, der.len) & 0x80) != 0;

	ERR_clear_error();
	return cut;
}

static enum material
of_der(struct view der)
{
	enum material m = of_plain(der);

	if (begins(der, "\x30", 1) && is_cut(der))
		return MATERIAL_DAMAGED;
	if (m == MATERIAL_CERTIFICATE)
		return of_signed(der);
	if (m == MATERIAL_PKCS7)
		return of_message(der);
	return m == MATERIAL_PEM || m == MATERIAL_BASE64 || m == MATERIAL_UNKNOWN ? of_others(der)
										  : m;
}

enum material
material_inside(struct view file)
{
	OWNED(buf_free_wiped) struct buf hold = {0};
	struct err ignored;
	struct view v;

	if (!plain_text(file, &hold, &v, &ignored))
		return MATERIAL_UNKNOWN;
	switch (of_plain(v)) {
	case MATERIAL_PEM:
		return of_armoured(v);
	case MATERIAL_BASE64:
		return of_base64(v);
	default:
		return of_der(v);
	}
}

const char *
material_name(enum material m)
{
	static const char *const names[] = {
	    [MATERIAL_UNKNOWN] = "nothing that is known",
	    [MATERIAL_PFX] = "PKCS#12",
	    [MATERIAL_PEM] = "PEM",
	    [MATERIAL_PKCS8] = "PKCS#8",
	    [MATERIAL_SEALED_PKCS8] = "encrypted PKCS#8",
	    [MATERIAL_OLD_KEY] = "a private key",
	    [MATERIAL_CERTIFICATE] = "a certificate",
	    [MATERIAL_PKCS7] = "PKCS#7",
	    [MATERIAL_PVK] = "PVK",
	    [MATERIAL_BLOB] = "a private key blob",
	    [MATERIAL_BASE64] = "base64",
	    [MATERIAL_EPF] = "an Entrust profile",
	    [MATERIAL_JKS] = "a Java key store",
	};

	return names[m < COUNT_OF(names) ? m : MATERIAL_UNKNOWN];
}

const char *
material_told(enum material m)
{
	static const char *const names[] = {
	    [MATERIAL_UNKNOWN] = "of no kind that dirca knows",
	    [MATERIAL_PFX] = "a PKCS#12",
	    [MATERIAL_PEM] = "PEM",
	    [MATERIAL_PKCS8] = "a private key",
	    [MATERIAL_SEALED_PKCS8] = "an encrypted private key",
	    [MATERIAL_OLD_KEY] = "a private key",
	    [MATERIAL_CERTIFICATE] = "a certificate",
	    [MATERIAL_PKCS7] = "a PKCS#7 bundle of certificates",
	    [MATERIAL_PVK] = "a private key (PVK)",
	    [MATERIAL_BLOB] = "a private key blob",
	    [MATERIAL_BASE64] = "base64",
	    [MATERIAL_EPF] = "an Entrust profile",
	    [MATERIAL_JKS] = "a Java key store",
	    [MATERIAL_REQUEST] = "a certificate request (PKCS#10)",
	    [MATERIAL_CRL] = "a CRL",
	    [MATERIAL_PUBLIC_KEY] = "a public key",
	    [MATERIAL_CMC_REQUEST] = "a certificate request (CMC)",
	    [MATERIAL_CMC_RESPONSE] = "a CA's response (CMC)",
	    [MATERIAL_RECOVERY] = "a recovery BLOB",
	    [MATERIAL_MESSAGE] = "a signed message",
	    [MATERIAL_ENVELOPED] = "an encrypted message",
	    [MATERIAL_DESCRIPTOR] = "a security descriptor",
	    [MATERIAL_EMPTY] = "an empty file",
	    [MATERIAL_INF] = "an INF file",
	    [MATERIAL_JSON] = "JSON",
	    [MATERIAL_LDIF] = "LDIF",
	    [MATERIAL_TEXT] = "a text file",
	    [MATERIAL_DATABASE] = "an SQLite database",
	    [MATERIAL_ZIP] = "a ZIP archive",
	    [MATERIAL_DAMAGED] = "damaged, cut off, or DER that dirca does not know",
	};

	return names[m];
}

bool
material_is_protected(struct view file)
{
	OWNED(buf_free_wiped) struct buf der = {0}, hold = {0};
	struct err ignored;
	struct view v;

	if (!plain_text(file, &hold, &v, &ignored))
		return false;
	switch (of_plain(v)) {
	case MATERIAL_PFX:
	case MATERIAL_SEALED_PKCS8:
		return true;
	case MATERIAL_PVK:
		return v.len > 12 && v.ptr[12] != 0;
	case MATERIAL_PEM:
		return has(v, "ENCRYPTED");
	case MATERIAL_BASE64:
		return base64_decode(v, &der, &ignored) && begins(buf_view(&der), "\x30", 1) &&
		       material_is_protected(buf_view(&der));
	default:
		return false;
	}
}
