#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>

#include "dotted.h"
#include "mem.h"
#include "pkix_name.h"
#include "text.h"

#define MAX_DN   8192
#define MAX_AVAS 64

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* One attributeTypeAndValue of the text. */
struct ava {
	ASN1_OBJECT *type;
	ASN1_STRING *value;
	bool joined; /* with the one before it, in one RDN */
};

struct parser {
	const char *at;
	struct ava avas[MAX_AVAS];
	size_t count;
};

static bool
bad(struct err *err, const char *dn, const char *why)
{
	return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT, "distinguished name \"%s\": %s", dn, why);
}

/* A keyword of the table, or a dotted OID, also as Windows and RFC 2253 write it ("OID.2.5.4.5").
 */
static ASN1_OBJECT *
type_of(const char *text)
{
	for (const struct pkix_attr_type *t = pkix_attr_types; t->name != NULL; t++)
		if (strcasecmp(t->name, text) == 0)
			return OBJ_txt2obj(t->oid, 1);
	if (strncasecmp(text, "OID.", 4) == 0)
		text += 4;
	return oid_is_valid(text) ? OBJ_txt2obj(text, 1) : NULL;
}

static bool
read_type(struct parser *p, const char *dn, ASN1_OBJECT **out, struct err *err)
{
	size_t len = strspn(p->at, LETTERS DIGITS ".-");
	OWNED(own_memory) char *text = mem_text_n(p->at, len);
	OWNED(own_memory) char *why = NULL;

	p->at += len;
	if (len > 0 && (*out = type_of(text)) != NULL)
		return true;
	ERR_clear_error();
	why =
	    text_printf(len == 0 ? "an attribute type is missing"
				 : "\"%s\" is no attribute type that is known here; write its OID "
				   "(\"2.5.4.5=...\"), or take a name without it (of a template: "
				   "subject=cn)",
		text);
	return bad(err, dn, why);
}

/* One character of a value, escaped or not, to *byte. 1 read, 0 the value ends here, -1 malformed
 * (RFC 4514 3). */
static int
read_char(struct parser *p, uint8_t *byte)
{
	const char *at = p->at;

	if (at[0] == '\0' || at[0] == ',' || at[0] == '+')
		return 0;
	if (at[0] != '\\') {
		*byte = (uint8_t)at[0];
		p->at++;
		return strchr("\"<>;", at[0]) == NULL ? 1 : -1;
	}
	if (at[1] != '\0' && strchr(" \"#+,;<=>\\", at[1]) != NULL) {
		*byte = (uint8_t)at[1];
		p->at += 2;
		return 1;
	}
	if (text_hex_digit(at[1]) < 0 || text_hex_digit(at[2]) < 0)
		return -1;
	*byte = (uint8_t)(text_hex_digit(at[1]) << 4 | text_hex_digit(at[2]));
	p->at += 3;
	return 1;
}

static void
skip_spaces(struct parser *p)
{
	while (*p->at == ' ')
		p->at++;
}

/* The text of a value; spaces around it that are not escaped do not belong to it. */
static bool
read_text(struct parser *p, const char *dn, char **out, struct err *err)
{
	OWNED(buf_free) struct buf value = {0};
	size_t keep = 0; /* length up to the last character that is no bare space */
	uint8_t byte = 0;
	int got = 0;

	for (;;) {
		bool bare_space = *p->at == ' ';

		if ((got = read_char(p, &byte)) <= 0)
			break;
		if (!buf_append(&value, view_of(&byte, 1), err))
			return false;
		if (!bare_space)
			keep = value.len;
	}
	if (got < 0)
		return bad(err, dn, "a special character must be escaped as \\c or \\hh");
	if (keep == 0)
		return bad(err, dn, "a value is empty");
	if (!text_from_view(view_of(value.ptr, keep), out, err))
		return bad(err, dn, "a value is not UTF-8 or has control characters");
	return pkix_check_text(*out, "a value", err) ||
	       err_prefix(err, "distinguished name \"%s\"", dn);
}

/* A text that fits PrintableString is one where the type leaves the choice, as AD CS does. */
static ASN1_STRING *
encode_text(const ASN1_OBJECT *type, const char *text)
{
	const struct pkix_attr_type *t = pkix_attr_type_of(type);
	unsigned long mask = B_ASN1_PRINTABLESTRING | B_ASN1_UTF8STRING;
	ASN1_STRING *out = NULL;

	if (t != NULL && (t->form == PKIX_FORM_PRINTABLE || t->form == PKIX_FORM_COUNTRY))
		mask = B_ASN1_PRINTABLESTRING;
	if (t != NULL && (t->form == PKIX_FORM_LABEL || t->form == PKIX_FORM_MAILBOX))
		mask = B_ASN1_IA5STRING;
	if (ASN1_mbstring_copy(
		&out, (const uint8_t *)text, (int)strlen(text), MBSTRING_UTF8, mask) < 0)
		ERR_clear_error();
	return out;
}

static bool
set_text(struct ava *ava, const char *text, struct err *err)
{
	const struct pkix_attr_type *t = pkix_attr_type_of(ava->type);

	return (ava->value = encode_text(ava->type, text)) != NULL ||
	       err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		   "subject: \"%s\" has characters that its attribute %s cannot hold", text,
		   t != NULL ? t->name : "");
}

/* RFC 4514 2.4: the encoding of the value, which must be a text's. */
static bool
read_hex(struct parser *p, const char *dn, struct ava *ava, struct err *err)
{
	size_t len = strspn(++p->at, DIGITS "abcdefABCDEF");
	OWNED(own_memory) char *hex = mem_text_n(p->at, len);
	OWNED(buf_free) struct buf der = {0};
	OWNED(own_asn1_type) ASN1_TYPE *value = NULL;
	const uint8_t *at;
	struct err ignored;

	p->at += len;
	if (!hex_decode(hex, &der, &ignored) || !pkix_der_is_strict(buf_view(&der)))
		return bad(err, dn, "what stands behind # is no value in DER");
	at = der.ptr;
	value = d2i_ASN1_TYPE(NULL, &at, (long)der.len);
	ERR_clear_error();
	if (value == NULL || !pkix_is_text_type(value->type) ||
	    (ASN1_tag2bit(value->type) & (B_ASN1_PRINTABLE)) == 0)
		return bad(err, dn, "what stands behind # is no text that names may hold");
	ava->value = ASN1_STRING_dup(value->value.asn1_string);
	return ava->value != NULL || err_nomem(err);
}

static bool
read_value(struct parser *p, const char *dn, struct ava *ava, struct err *err)
{
	OWNED(own_memory) char *text = NULL;

	skip_spaces(p);
	if (*p->at == '#') {
		if (!read_hex(p, dn, ava, err))
			return false;
		skip_spaces(p);
		return strchr(",+", *p->at) != NULL ||
		       bad(err, dn, "what stands behind # is not hexadecimal");
	}
	return read_text(p, dn, &text, err) && set_text(ava, text, err);
}

static bool
read_ava(struct parser *p, const char *dn, bool joined, struct err *err)
{
	struct ava *ava = &p->avas[p->count];

	if (p->count == MAX_AVAS)
		return bad(err, dn, "too many components");
	skip_spaces(p);
	if (!read_type(p, dn, &ava->type, err))
		return false;
	ava->joined = joined;
	for (size_t i = p->count++; joined && i > 0; i--) {
		if (OBJ_cmp(p->avas[i - 1].type, ava->type) == 0)
			return bad(err, dn, "a component holds one attribute type twice");
		joined = p->avas[i - 1].joined;
	}
	skip_spaces(p);
	if (*p->at != '=')
		return bad(err, dn, "\"=\" is missing behind an attribute type");
	p->at++;
	return read_value(p, dn, ava, err);
}

static bool
parse(struct parser *p, const char *dn, struct err *err)
{
	bool joined = false;

	p->at = dn;
	skip_spaces(p);
	if (*p->at == '\0')
		return true;
	for (;;) {
		if (!read_ava(p, dn, joined, err))
			return false;
		if (*p->at == '\0')
			return true;
		joined = *p->at++ == '+';
	}
}

static bool
add_entry(X509_NAME *name, const struct ava *ava, bool joined, struct err *err)
{
	OWNED(own_x509_name_entry)
	X509_NAME_ENTRY *entry =
	    X509_NAME_ENTRY_create_by_OBJ(NULL, ava->type, ASN1_STRING_type(ava->value),
		ASN1_STRING_get0_data(ava->value), ASN1_STRING_length(ava->value));

	if (entry == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "subject: an attribute could not be made");
	if (!pkix_check_entry(entry, err))
		return err_prefix(err, "subject");
	return X509_NAME_add_entry(name, entry, -1, joined ? -1 : 0) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "subject: an attribute could not be added");
}

/* From the last component of the text to the first: names are encoded least specific first. */
static bool
build(const struct parser *p, X509_NAME *name, struct err *err)
{
	for (size_t end = p->count; end > 0;) {
		size_t start = end - 1;

		while (p->avas[start].joined)
			start--;
		for (size_t i = start; i < end; i++)
			if (!add_entry(name, &p->avas[i], i > start, err))
				return false;
		end = start;
	}
	return true;
}

static void
ava_free(struct ava *ava)
{
	ASN1_OBJECT_free(ava->type);
	ASN1_STRING_free(ava->value);
}

static bool
add_email(X509_NAME *name, const char *email, struct err *err)
{
	OWNED(ava_free) struct ava ava = {.type = OBJ_nid2obj(NID_pkcs9_emailAddress)};
	OWNED(own_memory) char *value = NULL;

	if (!text_from_view(view_str(email), &value, err))
		return err_prefix(err, "e-mail address of the subject");
	return pkix_check_text(value, "the e-mail address of the subject", err) &&
	       set_text(&ava, value, err) && add_entry(name, &ava, false, err);
}

static void
parser_free(struct parser *p)
{
	for (size_t i = 0; i < p->count; i++)
		ava_free(&p->avas[i]);
}

bool
pkix_name_from_dn(const char *dn, const char *email, struct buf *out, struct err *err)
{
	OWNED(own_x509_name) X509_NAME *name = X509_NAME_new();
	OWNED(parser_free) struct parser p = {0};
	uint8_t *der = NULL;
	int len = 0;

	*out = (struct buf){0};
	if (name == NULL)
		return err_nomem(err);
	if (strlen(dn) > MAX_DN)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "a distinguished name of over %d bytes", MAX_DN);
	if (!parse(&p, dn, err) || !build(&p, name, err) ||
	    (email != NULL && !add_email(name, email, err)))
		return false;
	len = i2d_X509_NAME(name, &der);
	return buf_take_openssl(der, len, out, err);
}
