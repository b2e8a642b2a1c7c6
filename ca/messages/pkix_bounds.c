/* What RFC 5280 says of the names in a certificate beyond their encoding: string types, alphabets
 * and upper bounds of attributes (4.1.2.4, A.1), the forms of alternative names (4.2.1.6). */
#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "der.h"
#include "net_name.h"
#include "own.h"
#include "pkix_name.h"
#include "printable.h"
#include "text.h"
#include "utf8.h"

#define UPN_MAX   1024 /* [MS-ADA3] 2.349, rangeUpper of userPrincipalName */
#define SHOWN_MAX 80

static bool
bad_octets(struct err *err, const char *field, struct view octets, const char *why)
{
	char shown[SHOWN_MAX];

	printable_copy(octets, shown, sizeof shown);
	return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s \"%s\" %s", field, shown, why);
}

static bool
bad(struct err *err, const char *field, const char *text, const char *why)
{
	return bad_octets(err, field, view_str(text), why);
}

static size_t
characters(const char *utf8)
{
	struct view v = view_str(utf8);
	size_t n = 0, len;
	uint32_t cp;

	for (; v.len > 0 && (len = utf8_next(v, &cp)) > 0; n++)
		v = view_of(v.ptr + len, v.len - len);
	return n;
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* X.680 41: those of the string types that OpenSSL reads as Latin-1. */
static bool
is_in_alphabet(int type, uint8_t c)
{
	switch (type) {
	case V_ASN1_NUMERICSTRING:
		return c == ' ' || (c >= '0' && c <= '9');
	case V_ASN1_PRINTABLESTRING:
		return is_letter((char)c) || (c >= '0' && c <= '9') ||
		       (c != 0 && strchr(" '()+,-./:=?", c) != NULL);
	case V_ASN1_IA5STRING:
		return c < 0x80;
	case V_ASN1_VISIBLESTRING:
		return c >= 0x20 && c < 0x7f;
	default:
		return true;
	}
}

bool
pkix_is_in_alphabet(int type, struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_in_alphabet(type, v.ptr[i]))
			return false;
	return true;
}

static const char *
alphabet_why(int type)
{
	switch (type) {
	case V_ASN1_NUMERICSTRING:
		return "has characters that its string type, NumericString, does not have";
	case V_ASN1_PRINTABLESTRING:
		return "has characters that its string type, PrintableString, does not have; write "
		       "a UTF8String";
	case V_ASN1_IA5STRING:
		return "has characters that its string type, IA5String, does not have";
	default:
		return "has characters that its string type does not have";
	}
}

static bool
has_type(enum pkix_form form, int type)
{
	if (form == PKIX_FORM_DIRECTORY)
		return type == V_ASN1_PRINTABLESTRING || type == V_ASN1_UTF8STRING ||
		       type == V_ASN1_BMPSTRING || type == V_ASN1_UNIVERSALSTRING ||
		       type == V_ASN1_T61STRING;
	if (form == PKIX_FORM_PRINTABLE || form == PKIX_FORM_COUNTRY)
		return type == V_ASN1_PRINTABLESTRING;
	return type == V_ASN1_IA5STRING;
}

static const char *
form_name(enum pkix_form form)
{
	if (form == PKIX_FORM_DIRECTORY)
		return "is no DirectoryString (UTF8String)";
	return form == PKIX_FORM_LABEL || form == PKIX_FORM_MAILBOX
		   ? "is no IA5String, as this attribute must be"
		   : "is no PrintableString, as this attribute must be";
}

/* Of a text in the string type that it must have. */
static bool
check_content(const struct pkix_attr_type *t, const char *text, struct err *err)
{
	const char *why = NULL;
	size_t len = characters(text);

	if (t->form == PKIX_FORM_COUNTRY &&
	    (len != 2 || !is_letter(text[0]) || !is_letter(text[1])))
		why = "is no country code of two letters (ISO 3166)";
	else if (t->form == PKIX_FORM_MAILBOX)
		why = net_mailbox_why(text);
	if (why != NULL)
		return bad(err, t->name, text, why);
	if (len <= (size_t)t->max)
		return true;
	OWNED(own_memory)
	char *bound =
	    text_printf("has %zu characters, and %d is the bound of RFC 5280 A.1", len, t->max);

	return bad(err, t->name, text, bound);
}

static bool
check_typed(const struct pkix_attr_type *t, int tag, struct view value, struct err *err)
{
	OWNED(own_memory) char *text = NULL;

	if (!pkix_octets_text(tag, value, &text, err))
		return bad_octets(
		    err, t->name, value, "holds a control character or what is no text");
	if (*text == '\0')
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s is empty", t->name);
	return has_type(t->form, tag) ? check_content(t, text, err)
				      : bad(err, t->name, text, form_name(t->form));
}

bool
pkix_check_ava(struct view type, int tag, struct view value, struct err *err)
{
	const struct pkix_attr_type *t = pkix_attr_type_of(type);
	char dotted[PKIX_OID_TEXT] = "";

	if (t == NULL)
		pkix_type_text(type, dotted);
	if (!pkix_is_in_alphabet(tag, value))
		return bad_octets(err, t != NULL ? t->name : dotted, value, alphabet_why(tag));
	if (value.len == 0)
		return err_set(
		    err, CERTSRV_E_BAD_REQUESTSUBJECT, "%s is empty", t != NULL ? t->name : dotted);
	return t == NULL || check_typed(t, tag, value, err);
}

/* Whether an attribute before it in the same RDN is of its type (X.501 9.3). */
static bool
is_twice(const struct pkix_avas *name, size_t at)
{
	for (size_t i = at; i-- > 0 && name->list[i].rdn == name->list[at].rdn;)
		if (view_eq(name->list[i].type, name->list[at].type))
			return true;
	return false;
}

bool
pkix_check_name_bounds(struct view der, struct err *err)
{
	OWNED(pkix_avas_free) struct pkix_avas name = {0};
	size_t rdns = 0;

	if (!pkix_name_read(der, &name))
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "it is no name");
	for (size_t i = 0; i < name.count; i++) {
		const struct pkix_ava *ava = &name.list[i];

		if (!pkix_check_ava(ava->type, ava->tag, ava->value, err))
			return false;
		if (is_twice(&name, i))
			return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
			    "a component holds one attribute type twice");
		rdns += i == 0 || ava[-1].rdn != ava->rdn;
	}
	return rdns == name.rdns || err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
					"it has a component without an attribute");
}

typedef const char *why_not(const char *text);

/* An IA5String of the form that `why` knows. */
static bool
check_ia5(const char *field, const ASN1_STRING *s, why_not *why, struct err *err)
{
	OWNED(own_memory) char *text = NULL;
	const char *reason;

	if (!pkix_string_text(s, &text, err))
		return bad_octets(err, field, pkix_string_view(s),
		    "holds a control character or what is no text");
	/* Shown as it was meant: as UTF-8, if it is that. */
	return (reason = why(text)) == NULL || bad_octets(err, field, pkix_string_view(s), reason);
}

static bool
check_other_name(const OTHERNAME *other, struct err *err)
{
	OWNED(own_memory) char *text = NULL;

	if (OBJ_obj2nid(other->type_id) != NID_ms_upn)
		return true;
	if (other->value->type != V_ASN1_UTF8STRING ||
	    !pkix_string_text(other->value->value.utf8string, &text, err))
		return err_set(
		    err, CERTSRV_E_BAD_REQUESTSUBJECT, "a UPN is no UTF8String, as it must be");
	if (*text == '\0')
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "a UPN is empty");
	return characters(text) <= UPN_MAX || bad(err, "UPN", text, "has over 1024 characters");
}

static bool
check_directory_name(X509_NAME *name, struct err *err)
{
	OWNED(own_octets) uint8_t *der = NULL;
	int len = i2d_X509_NAME(name, &der);

	if (len <= 0)
		return err_nomem(err);
	if (X509_NAME_entry_count(name) == 0)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "a directoryName is empty");
	return pkix_check_name_bounds(view_of(der, (size_t)len), err) ||
	       err_prefix(err, "a directoryName");
}

static bool
check_address(const ASN1_OCTET_STRING *address, struct err *err)
{
	int len = ASN1_STRING_length(address);

	return len == 4 || len == 16 ||
	       err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		   "an iPAddress has %d octets, neither 4 nor 16", len);
}

static bool
check_general_name(const GENERAL_NAME *name, struct err *err)
{
	switch (name->type) {
	case GEN_OTHERNAME:
		return check_other_name(name->d.otherName, err);
	case GEN_EMAIL:
		return check_ia5("rfc822Name", name->d.rfc822Name, net_mailbox_why, err);
	case GEN_DNS:
		return check_ia5("dNSName", name->d.dNSName, net_host_or_wildcard_why, err);
	case GEN_URI:
		return check_ia5("URI", name->d.uniformResourceIdentifier, net_uri_why, err);
	case GEN_DIRNAME:
		return check_directory_name(name->d.directoryName, err);
	case GEN_IPADD:
		return check_address(name->d.iPAddress, err);
	default:
		return true;
	}
}

bool
pkix_check_san_bounds(struct view der, struct err *err)
{
	OWNED(own_general_names)
	GENERAL_NAMES *names = der_exact(ASN1_ITEM_rptr(GENERAL_NAMES), der);

	if (names == NULL)
		return err_set(
		    err, CERTSRV_E_BAD_REQUESTSUBJECT, "it is no list of names (GeneralNames)");
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		if (!check_general_name(sk_GENERAL_NAME_value(names, i), err))
			return false;
	return sk_GENERAL_NAME_num(names) > 0 ||
	       err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "it holds no name");
}
