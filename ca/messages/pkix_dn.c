#include "pkix_priv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>

#include "dotted.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkix_name.h"
#include "text.h"

#define MAX_DN   8192
#define MAX_AVAS 64

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* One attributeTypeAndValue of the text. */
struct ava {
	struct view type;   /* its OID, the whole element */
	struct buf unknown; /* which is here if the table does not have it */
	int tag;
	struct buf value; /* content octets */
	bool joined;      /* with the one before it, in one RDN */
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
static bool
find_type(const char *text, struct ava *ava, struct err *err)
{
	OWNED(own_asn1_object) ASN1_OBJECT *type = NULL;
	uint8_t *der = NULL;
	int len;

	for (const struct pkix_attr_type *t = pkix_attr_types; t->name != NULL; t++)
		if (strcasecmp(t->name, text) == 0) {
			ava->type = view_str(t->der);
			return true;
		}
	if (strncasecmp(text, "OID.", 4) == 0)
		text += 4;
	if (!oid_is_valid(text) || (type = OBJ_txt2obj(text, 1)) == NULL ||
	    (len = i2d_ASN1_OBJECT(type, &der)) <= 0 ||
	    !buf_take_openssl(der, len, &ava->unknown, err))
		return false;
	ava->type = buf_view(&ava->unknown);
	return true;
}

static bool
read_type(struct parser *p, const char *dn, struct ava *ava, struct err *err)
{
	size_t len = strspn(p->at, LETTERS DIGITS ".-");
	OWNED(own_memory) char *text = mem_text_n(p->at, len);
	OWNED(own_memory) char *why = NULL;

	p->at += len;
	if (len > 0 && find_type(text, ava, err))
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

/* A text that fits PrintableString is one where the type leaves the choice, as AD CS does. -1: the
 * type has no string that holds it. */
static int
string_type(const struct pkix_attr_type *t, struct view text)
{
	bool printable = pkix_is_in_alphabet(V_ASN1_PRINTABLESTRING, text);

	if (t != NULL && (t->form == PKIX_FORM_LABEL || t->form == PKIX_FORM_MAILBOX))
		return pkix_is_in_alphabet(V_ASN1_IA5STRING, text) ? V_ASN1_IA5STRING : -1;
	if (printable)
		return V_ASN1_PRINTABLESTRING;
	return t == NULL || t->form == PKIX_FORM_DIRECTORY ? V_ASN1_UTF8STRING : -1;
}

static bool
set_text(struct ava *ava, const char *text, struct err *err)
{
	const struct pkix_attr_type *t = pkix_attr_type_of(ava->type);

	if ((ava->tag = string_type(t, view_str(text))) != -1)
		return buf_dup(view_str(text), &ava->value, err);
	return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
	    "subject: \"%s\" has characters that its attribute %s cannot hold", text, t->name);
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
	ava->tag = value->type;
	return buf_dup(pkix_string_view(value->value.asn1_string), &ava->value, err);
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
	if (!read_type(p, dn, ava, err))
		return false;
	ava->joined = joined;
	for (size_t i = p->count++; joined && i > 0; i--) {
		if (view_eq(p->avas[i - 1].type, ava->type))
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

/* ---- encoding ---- */

static bool
put_element(struct buf *to, int tag, bool constructed, struct view content, struct err *err)
{
	uint8_t head[16], *end = head;

	if (content.len > INT_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "a name of %zu bytes", content.len);
	ASN1_put_object(&end, constructed, (int)content.len, tag, V_ASN1_UNIVERSAL);
	return buf_append(to, view_of(head, (size_t)(end - head)), err) &&
	       buf_append(to, content, err);
}

/* AttributeTypeAndValue */
static bool
put_ava(const struct ava *ava, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf pair = {0};

	if (!pkix_check_ava(ava->type, ava->tag, buf_view(&ava->value), err))
		return err_prefix(err, "subject");
	return buf_append(&pair, ava->type, err) &&
	       put_element(&pair, ava->tag, false, buf_view(&ava->value), err) &&
	       put_element(out, V_ASN1_SEQUENCE, true, buf_view(&pair), err);
}

/* X.690 11.6 */
static int
by_octets(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;
	size_t shorter = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->ptr, y->ptr, shorter);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static bool
put_rdn(const struct ava *avas, size_t count, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf set = {0};
	struct buf pairs[MAX_AVAS] = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++)
		ok = put_ava(&avas[i], &pairs[i], err);
	if (ok)
		qsort(pairs, count, sizeof *pairs, by_octets);
	for (size_t i = 0; ok && i < count; i++)
		ok = buf_append(&set, buf_view(&pairs[i]), err);
	for (size_t i = 0; i < count; i++)
		buf_free(&pairs[i]);
	return ok && put_element(out, V_ASN1_SET, true, buf_view(&set), err);
}

/* From the last component of the text to the first: names are encoded least specific first. */
static bool
put_rdns(const struct parser *p, struct buf *out, struct err *err)
{
	for (size_t end = p->count; end > 0;) {
		size_t start = end - 1;

		while (p->avas[start].joined)
			start--;
		if (!put_rdn(&p->avas[start], end - start, out, err))
			return false;
		end = start;
	}
	return true;
}

static void
ava_free(struct ava *ava)
{
	buf_free(&ava->unknown);
	buf_free(&ava->value);
}

static bool
put_email(const char *email, struct buf *out, struct err *err)
{
	OWNED(ava_free) struct ava ava = {0};
	OWNED(own_memory) char *value = NULL;

	if (!text_from_view(view_str(email), &value, err))
		return err_prefix(err, "e-mail address of the subject");
	return find_type("E", &ava, err) &&
	       pkix_check_text(value, "the e-mail address of the subject", err) &&
	       set_text(&ava, value, err) && put_rdn(&ava, 1, out, err);
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
	OWNED(parser_free) struct parser p = {0};
	OWNED(buf_free) struct buf rdns = {0};

	*out = (struct buf){0};
	if (strlen(dn) > MAX_DN)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "a distinguished name of over %d bytes", MAX_DN);
	if (!parse(&p, dn, err) || !put_rdns(&p, &rdns, err) ||
	    (email != NULL && !put_email(email, &rdns, err)))
		return false;
	if (put_element(out, V_ASN1_SEQUENCE, true, buf_view(&rdns), err))
		return true;
	buf_free(out);
	return false;
}
