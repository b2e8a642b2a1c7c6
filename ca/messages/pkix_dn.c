#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>

#include "pkix_name.h"
#include "text.h"

#define MAX_DN    8192
#define MAX_EMAIL 255 /* RFC 5280 ub-emailaddress-length */
#define MAX_AVAS  64

/* One attributeTypeAndValue of the text. */
struct ava {
	int nid;
	char *value;
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

static int
read_type(struct parser *p)
{
	size_t len = strspn(p->at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	for (const struct pkix_attr_type *t = pkix_attr_types; t->name != NULL; t++)
		if (strlen(t->name) == len && strncasecmp(t->name, p->at, len) == 0) {
			p->at += len;
			return t->nid;
		}
	return NID_undef;
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

/* A value; spaces around it that are not escaped do not belong to it. */
static bool
read_value(struct parser *p, const char *dn, char **out, struct err *err)
{
	OWNED(buf_free) struct buf value = {0};
	size_t keep = 0; /* length up to the last character that is no bare space */
	uint8_t byte = 0;
	int got = 0;

	skip_spaces(p);
	if (*p->at == '#') {
		bad(err, dn, "values in the #hex form are not taken");
		return false;
	}
	for (;;) {
		bool bare_space = *p->at == ' ';

		if ((got = read_char(p, &byte)) <= 0)
			break;
		if (!buf_append(&value, view_of(&byte, 1), err))
			return false;
		if (!bare_space)
			keep = value.len;
	}
	if (got < 0) {
		bad(err, dn, "a special character must be escaped as \\c or \\hh");
		return false;
	}
	if (keep == 0) {
		bad(err, dn, "a value is empty");
		return false;
	}
	if (!text_from_view(view_of(value.ptr, keep), out, err)) {
		bad(err, dn, "a value is not UTF-8 or has control characters");
		return false;
	}
	if (!pkix_check_text(*out, "a value", err))
		return err_prefix(err, "distinguished name \"%s\"", dn);
	return true;
}

static bool
read_ava(struct parser *p, const char *dn, bool joined, struct err *err)
{
	struct ava *ava = &p->avas[p->count];

	if (p->count == MAX_AVAS)
		return bad(err, dn, "too many components");
	skip_spaces(p);
	if ((ava->nid = read_type(p)) == NID_undef)
		return bad(
		    err, dn, "an attribute type that names in certificates do not have here");
	for (size_t i = p->count; joined && i > 0; i--) {
		if (p->avas[i - 1].nid == ava->nid)
			return bad(err, dn, "a component holds one attribute type twice");
		joined = p->avas[i - 1].joined;
	}
	skip_spaces(p);
	if (*p->at != '=')
		return bad(err, dn, "\"=\" is missing behind an attribute type");
	p->at++;
	if (!read_value(p, dn, &ava->value, err))
		return false;
	p->count++;
	return true;
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
		p->avas[p->count - 1].joined = joined;
		if (*p->at == '\0')
			return true;
		joined = *p->at++ == '+';
	}
}

/* String type and upper bound of RFC 5280 A.1; a text that fits PrintableString is one, as AD CS
 * does. */
static ASN1_STRING *
encode_value(int nid, const char *value, long max)
{
	const ASN1_STRING_TABLE *row = ASN1_STRING_TABLE_get(nid);
	unsigned long mask = B_ASN1_PRINTABLESTRING | B_ASN1_UTF8STRING;
	ASN1_STRING *out = NULL;

	if (nid == NID_domainComponent || nid == NID_pkcs9_emailAddress)
		mask = B_ASN1_IA5STRING;
	if (nid == NID_countryName)
		mask = B_ASN1_PRINTABLESTRING;
	if (max == 0 && row != NULL && row->maxsize > 0)
		max = row->maxsize;
	if (ASN1_mbstring_ncopy(&out, (const unsigned char *)value, (int)strlen(value),
		MBSTRING_UTF8, mask, row != NULL && row->minsize > 0 ? row->minsize : 1, max) < 0)
		return NULL;
	return out;
}

static bool
add_entry(X509_NAME *name, const struct ava *ava, bool joined, struct err *err)
{
	long max = ava->nid == NID_pkcs9_emailAddress ? MAX_EMAIL : 0;
	OWNED(own_asn1_string) ASN1_STRING *value = encode_value(ava->nid, ava->value, max);
	OWNED(own_x509_name_entry) X509_NAME_ENTRY *entry = NULL;

	if (value == NULL)
		return err_openssl(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "subject: \"%s\" is too long or has characters that its attribute %s cannot "
		    "hold",
		    ava->value, OBJ_nid2sn(ava->nid));
	entry = X509_NAME_ENTRY_create_by_NID(NULL, ava->nid, ASN1_STRING_type(value),
	    ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
	if (entry == NULL || X509_NAME_add_entry(name, entry, -1, joined ? -1 : 0) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "subject: an attribute could not be added");
	return true;
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

static bool
add_email(X509_NAME *name, const char *email, struct err *err)
{
	OWNED(own_memory) char *value = NULL;

	if (!text_from_view(view_str(email), &value, err))
		return err_prefix(err, "e-mail address of the subject");
	return pkix_check_text(value, "the e-mail address of the subject", err) &&
	       add_entry(
		   name, &(struct ava){.nid = NID_pkcs9_emailAddress, .value = value}, false, err);
}

static void
parser_free(struct parser *p)
{
	for (size_t i = 0; i < MAX_AVAS; i++)
		free(p->avas[i].value);
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
