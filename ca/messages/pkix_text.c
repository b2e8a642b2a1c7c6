/* Texts that are to be certified: what people could not see, or would see otherwise than it is
 * written, is refused (base/printable.h). */
#include "pkix_priv.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "own.h"
#include "pkix_name.h"
#include "printable.h"
#include "text.h"

#define SHOWN_MAX 80

bool
pkix_check_text(const char *text, const char *what, struct err *err)
{
	uint32_t bad;

	if (printable_text(view_str(text), &bad))
		return true;
	if (bad == UINT32_MAX)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s is not UTF-8", what);
	return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
	    "%s holds U+%04X, a control or format character: people would not see what the "
	    "certificate says; take it out",
	    what, (unsigned)bad);
}

/* `content`, as far as it can be shown. */
static bool
bad(struct err *err, const char *what, struct view content, const char *why)
{
	char shown[SHOWN_MAX];

	printable_copy(content, shown, sizeof shown);
	return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s: \"%s\" %s", what, shown, why);
}

/* X.680 41.16: a BMPString has no surrogates; some write them nevertheless. */
static bool
is_beyond_bmp(int type, const char *utf8)
{
	for (; type == V_ASN1_BMPSTRING && *utf8 != '\0'; utf8++)
		if ((unsigned char)*utf8 >= 0xf0)
			return true;
	return false;
}

static bool
check_string(int type, struct view content, const char *what, struct err *err)
{
	OWNED(own_memory) char *text = NULL;

	if (!pkix_octets_text(type, content, &text, err))
		return bad(err, what, content, "holds a control character or is no text");
	if (is_beyond_bmp(type, text))
		return bad(err, what, view_str(text),
		    "holds a character beyond U+FFFF, which no BMPString does; write a "
		    "UTF8String");
	return pkix_check_text(text, what, err);
}

bool
pkix_is_text_type(int tag)
{
	return tag == V_ASN1_UTF8STRING || tag == V_ASN1_NUMERICSTRING ||
	       tag == V_ASN1_PRINTABLESTRING || tag == V_ASN1_T61STRING ||
	       tag == V_ASN1_VIDEOTEXSTRING || tag == V_ASN1_IA5STRING ||
	       tag == V_ASN1_GRAPHICSTRING || tag == V_ASN1_VISIBLESTRING ||
	       tag == V_ASN1_GENERALSTRING || tag == V_ASN1_UNIVERSALSTRING ||
	       tag == V_ASN1_BMPSTRING;
}

/* rfc822Name, dNSName and uniformResourceIdentifier are IA5Strings under an implicit tag (RFC 5280
 * 4.2.1.6). */
static bool
is_text_of_general_name(int tag)
{
	return tag == 1 || tag == 2 || tag == 6;
}

/* Every text in `list`, the content of strict DER elements, at whatever depth. */
static bool
check_elements(struct view list, bool general_names, const char *what, struct err *err)
{
	while (list.len > 0) {
		const uint8_t *p = list.ptr;
		int tag, class, kind;
		long len;
		struct view content;
		bool ok = true;

		kind = ASN1_get_object(&p, &len, &tag, &class, (long)list.len);
		content = view_of(p, (size_t)len);
		if ((kind & V_ASN1_CONSTRUCTED) != 0)
			ok = check_elements(content, false, what, err);
		else if (class == V_ASN1_UNIVERSAL && pkix_is_text_type(tag))
			ok = check_string(tag, content, what, err);
		else if (general_names && class == V_ASN1_CONTEXT_SPECIFIC &&
			 is_text_of_general_name(tag))
			ok = check_string(V_ASN1_IA5STRING, content, what, err);
		if (!ok)
			return false;
		list = view_of(p + len, list.len - (size_t)(p - list.ptr) - (size_t)len);
	}
	return true;
}

static bool
check_sequence(struct view der, bool general_names, const char *what, struct err *err)
{
	const uint8_t *p = der.ptr;
	int tag, class;
	long len;

	if (!pkix_der_is_strict(der))
		return err_set(
		    err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s is not one DER element", what);
	if ((ASN1_get_object(&p, &len, &tag, &class, (long)der.len) & V_ASN1_CONSTRUCTED) == 0)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s is not a SEQUENCE", what);
	return check_elements(view_of(p, (size_t)len), general_names, what, err);
}

bool
pkix_check_name(struct view name, const char *what, struct err *err)
{
	return check_sequence(name, false, what, err) &&
	       (pkix_check_name_bounds(name, err) || err_prefix(err, "%s", what));
}

bool
pkix_check_general_names(struct view names, const char *what, struct err *err)
{
	return check_sequence(names, true, what, err) &&
	       (pkix_check_san_bounds(names, err) || err_prefix(err, "%s", what));
}
