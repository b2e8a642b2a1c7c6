/* Texts that are to be certified: what people could not see, or would see otherwise than it is
 * written, is refused (base/printable.h). */
#include "pkix_priv.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "der.h"
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

/* Where a text stands: the subject, and in it an attribute, by its type, or a form of name. */
struct place {
	const char *what;
	struct view type; /* of the attribute or otherName, which stands before; empty: not known */
	const char *form; /* NULL: of no form that is text itself */
};

static const char *
field_of(const struct place *at, char dotted[PKIX_OID_TEXT])
{
	const struct pkix_attr_type *t = at->type.len > 0 ? pkix_attr_type_of(at->type) : NULL;

	if (at->form != NULL || at->type.len == 0)
		return at->form;
	if (t != NULL)
		return t->name;
	if (pkix_type_is(at->type, NID_ms_upn))
		return "UPN";
	return pkix_type_text(at->type, dotted) ? dotted : NULL;
}

/* `content`, as far as it can be shown. */
static bool
bad(struct err *err, const struct place *at, struct view content, const char *why)
{
	char shown[SHOWN_MAX], dotted[PKIX_OID_TEXT];
	const char *field = field_of(at, dotted);

	printable_copy(content, shown, sizeof shown);
	return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s: %s%s\"%s\" %s", at->what,
	    field != NULL ? field : "", field != NULL ? " " : "", shown, why);
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
has_half_a_pair(struct view utf16be)
{
	bool half = false;

	for (size_t i = 0; i + 1 < utf16be.len; i += 2) {
		bool low = (utf16be.ptr[i] & 0xfc) == 0xdc;

		if (low != half)
			return true;
		half = (utf16be.ptr[i] & 0xfc) == 0xd8;
	}
	return half;
}

static const char *
no_text_why(int type, struct view content)
{
	if (type == V_ASN1_UTF8STRING && !text_is_utf8(content))
		return "is not UTF-8, as a UTF8String must be";
	if (type == V_ASN1_BMPSTRING && content.len % 2 != 0)
		return "ends in half a character: a BMPString has two octets for each";
	if (type == V_ASN1_BMPSTRING && has_half_a_pair(content))
		return "holds one surrogate without the other, which is no character";
	if (type == V_ASN1_UNIVERSALSTRING && content.len % 4 != 0)
		return "ends in a part of a character: a UniversalString has four octets for each";
	return "holds a control character or is no text";
}

static bool
check_string(int type, struct view content, const struct place *at, struct err *err)
{
	OWNED(own_memory) char *text = NULL;
	uint32_t cp;

	if (!pkix_octets_text(type, content, &text, err))
		return bad(err, at, content, no_text_why(type, content));
	if (is_beyond_bmp(type, text))
		return bad(err, at, view_str(text),
		    "holds a character beyond U+FFFF, which no BMPString does; write a "
		    "UTF8String");
	if (printable_text(view_str(text), &cp))
		return true;
	OWNED(own_memory)
	char *why = text_printf("holds U+%04X, a control or format character: people would not see "
				"what the certificate says; take it out",
	    (unsigned)cp);

	return bad(err, at, view_str(text), why);
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
 * 4.2.1.6). NULL: no text. */
static const char *
text_general_name(int tag)
{
	return tag == 1 ? "rfc822Name" : tag == 2 ? "dNSName" : tag == 6 ? "URI" : NULL;
}

/* Every text in `list`, the content of strict DER elements, at whatever depth. */
static bool
check_elements(struct view list, bool general_names, const struct place *above, struct err *err)
{
	struct place at = *above;

	while (list.len > 0) {
		const uint8_t *p = list.ptr;
		int tag, class, kind;
		long len;
		struct view content;
		bool ok = true;

		kind = der_head(&p, &len, &tag, &class, list.len);
		content = view_of(p, (size_t)len);
		if ((kind & V_ASN1_CONSTRUCTED) != 0)
			ok = check_elements(content, false, &at, err);
		else if (class == V_ASN1_UNIVERSAL && tag == V_ASN1_OBJECT)
			at.type = view_of(list.ptr, (size_t)(p + len - list.ptr));
		else if (class == V_ASN1_UNIVERSAL && pkix_is_text_type(tag))
			ok = check_string(tag, content, &at, err);
		else if (general_names && class == V_ASN1_CONTEXT_SPECIFIC &&
			 text_general_name(tag) != NULL)
			ok = check_string(V_ASN1_IA5STRING, content,
			    &(struct place){.what = at.what, .form = text_general_name(tag)}, err);
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
	if ((der_head(&p, &len, &tag, &class, der.len) & V_ASN1_CONSTRUCTED) == 0)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s is not a SEQUENCE", what);
	return check_elements(
	    view_of(p, (size_t)len), general_names, &(struct place){.what = what}, err);
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
