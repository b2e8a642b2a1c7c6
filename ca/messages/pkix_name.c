#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "der_read.h"
#include "mem.h"
#include "oids.h"
#include "pkix_name.h"
#include "text.h"

/* Keywords as the paper and AD CS print them, then those of RFC 4519 and of Windows. */
const struct pkix_attr_type pkix_attr_types[] = {
    {"CN", "2.5.4.3", "\x06\x03\x55\x04\x03", 64, PKIX_FORM_DIRECTORY},
    {"commonName", "2.5.4.3", "\x06\x03\x55\x04\x03", 64, PKIX_FORM_DIRECTORY},
    {"OU", "2.5.4.11", "\x06\x03\x55\x04\x0b", 64, PKIX_FORM_DIRECTORY},
    {"organizationalUnitName", "2.5.4.11", "\x06\x03\x55\x04\x0b", 64, PKIX_FORM_DIRECTORY},
    {"O", "2.5.4.10", "\x06\x03\x55\x04\x0a", 64, PKIX_FORM_DIRECTORY},
    {"organizationName", "2.5.4.10", "\x06\x03\x55\x04\x0a", 64, PKIX_FORM_DIRECTORY},
    {"L", "2.5.4.7", "\x06\x03\x55\x04\x07", 128, PKIX_FORM_DIRECTORY},
    {"localityName", "2.5.4.7", "\x06\x03\x55\x04\x07", 128, PKIX_FORM_DIRECTORY},
    {"ST", "2.5.4.8", "\x06\x03\x55\x04\x08", 128, PKIX_FORM_DIRECTORY},
    {"S", "2.5.4.8", "\x06\x03\x55\x04\x08", 128, PKIX_FORM_DIRECTORY},
    {"stateOrProvinceName", "2.5.4.8", "\x06\x03\x55\x04\x08", 128, PKIX_FORM_DIRECTORY},
    {"C", "2.5.4.6", "\x06\x03\x55\x04\x06", 2, PKIX_FORM_COUNTRY},
    {"countryName", "2.5.4.6", "\x06\x03\x55\x04\x06", 2, PKIX_FORM_COUNTRY},
    {"DC", "0.9.2342.19200300.100.1.25", "\x06\x0a\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 63,
	PKIX_FORM_LABEL},
    {"domainComponent", "0.9.2342.19200300.100.1.25",
	"\x06\x0a\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 63, PKIX_FORM_LABEL},
    {"E", "1.2.840.113549.1.9.1", "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 255,
	PKIX_FORM_MAILBOX},
    {"emailAddress", "1.2.840.113549.1.9.1", "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 255,
	PKIX_FORM_MAILBOX},
    {"UID", "0.9.2342.19200300.100.1.1", "\x06\x0a\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 256,
	PKIX_FORM_DIRECTORY},
    {"userId", "0.9.2342.19200300.100.1.1", "\x06\x0a\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 256,
	PKIX_FORM_DIRECTORY},
    {"mail", "0.9.2342.19200300.100.1.3", "\x06\x0a\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x03", 256,
	PKIX_FORM_MAILBOX},
    {"SN", "2.5.4.4", "\x06\x03\x55\x04\x04", 32768, PKIX_FORM_DIRECTORY},
    {"surname", "2.5.4.4", "\x06\x03\x55\x04\x04", 32768, PKIX_FORM_DIRECTORY},
    {"GN", "2.5.4.42", "\x06\x03\x55\x04\x2a", 32768, PKIX_FORM_DIRECTORY},
    {"givenName", "2.5.4.42", "\x06\x03\x55\x04\x2a", 32768, PKIX_FORM_DIRECTORY},
    {"G", "2.5.4.42", "\x06\x03\x55\x04\x2a", 32768, PKIX_FORM_DIRECTORY},
    {"initials", "2.5.4.43", "\x06\x03\x55\x04\x2b", 32768, PKIX_FORM_DIRECTORY},
    {"I", "2.5.4.43", "\x06\x03\x55\x04\x2b", 32768, PKIX_FORM_DIRECTORY},
    {"generationQualifier", "2.5.4.44", "\x06\x03\x55\x04\x2c", 32768, PKIX_FORM_DIRECTORY},
    {"name", "2.5.4.41", "\x06\x03\x55\x04\x29", 32768, PKIX_FORM_DIRECTORY},
    {"pseudonym", "2.5.4.65", "\x06\x03\x55\x04\x41", 128, PKIX_FORM_DIRECTORY},
    {"STREET", "2.5.4.9", "\x06\x03\x55\x04\x09", 128, PKIX_FORM_DIRECTORY},
    {"streetAddress", "2.5.4.9", "\x06\x03\x55\x04\x09", 128, PKIX_FORM_DIRECTORY},
    {"title", "2.5.4.12", "\x06\x03\x55\x04\x0c", 64, PKIX_FORM_DIRECTORY},
    {"T", "2.5.4.12", "\x06\x03\x55\x04\x0c", 64, PKIX_FORM_DIRECTORY},
    {"serialNumber", "2.5.4.5", "\x06\x03\x55\x04\x05", 64, PKIX_FORM_PRINTABLE},
    {"dnQualifier", "2.5.4.46", "\x06\x03\x55\x04\x2e", 64, PKIX_FORM_PRINTABLE},
    {"description", "2.5.4.13", "\x06\x03\x55\x04\x0d", 1024, PKIX_FORM_DIRECTORY},
    {"businessCategory", "2.5.4.15", "\x06\x03\x55\x04\x0f", 128, PKIX_FORM_DIRECTORY},
    {"postalCode", "2.5.4.17", "\x06\x03\x55\x04\x11", 40, PKIX_FORM_DIRECTORY},
    {"postOfficeBox", "2.5.4.18", "\x06\x03\x55\x04\x12", 40, PKIX_FORM_DIRECTORY},
    {"physicalDeliveryOfficeName", "2.5.4.19", "\x06\x03\x55\x04\x13", 128, PKIX_FORM_DIRECTORY},
    {"telephoneNumber", "2.5.4.20", "\x06\x03\x55\x04\x14", 32, PKIX_FORM_PRINTABLE},
    {"houseIdentifier", "2.5.4.51", "\x06\x03\x55\x04\x33", 32768, PKIX_FORM_DIRECTORY},
    {"organizationIdentifier", "2.5.4.97", "\x06\x03\x55\x04\x61", 256, PKIX_FORM_DIRECTORY},
    {"employeeNumber", "2.16.840.1.113730.3.1.3",
	"\x06\x0a\x60\x86\x48\x01\x86\xf8\x42\x03\x01\x03", 256, PKIX_FORM_DIRECTORY},
    {"displayName", "2.16.840.1.113730.3.1.241",
	"\x06\x0b\x60\x86\x48\x01\x86\xf8\x42\x03\x01\x81\x71", 256, PKIX_FORM_DIRECTORY},
    {NULL, NULL, NULL, 0, PKIX_FORM_DIRECTORY},
};

const struct pkix_attr_type *
pkix_attr_type_of(struct view type)
{
	for (const struct pkix_attr_type *t = pkix_attr_types; t->name != NULL; t++)
		if (view_eq(view_str(t->der), type))
			return t;
	return NULL;
}

/* ---- the encoding ---- */

#define SEQUENCE 0x30
#define SET      0x31

/* What OpenSSL takes as a value in a name too: whole characters. */
static bool
is_value(int tag, struct view content)
{
	switch (tag) {
	case V_ASN1_BIT_STRING:
		return content.len > 0 && content.ptr[0] < 8;
	case V_ASN1_UTF8STRING:
		return text_is_utf8(content);
	case V_ASN1_BMPSTRING:
		return content.len % 2 == 0;
	case V_ASN1_UNIVERSALSTRING:
		return content.len % 4 == 0;
	default:
		return (ASN1_tag2bit(tag) & (B_ASN1_PRINTABLE)) != 0;
	}
}

static bool
read_ava(struct view *set, struct pkix_ava *out)
{
	struct view pair, oid;

	if (!der_take(set, SEQUENCE, &pair))
		return false;
	out->type = pair;
	if (!der_take(&pair, DER_OBJECT, &oid) || !der_is_oid(oid))
		return false;
	out->type.len -= pair.len;
	out->whole = pair;
	if (pair.len == 0)
		return false;
	out->tag = pair.ptr[0] & ~V_ASN1_CONSTRUCTED;
	return der_take(&pair, pair.ptr[0], &out->value) && pair.len == 0 &&
	       is_value(out->tag, out->value);
}

static bool
read_rdn(struct view *name, struct pkix_avas *out)
{
	struct view set;

	if (!der_take(name, SET, &set))
		return false;
	while (set.len > 0) {
		out->list = mem_grow_long(out->list, out->count, sizeof *out->list);
		out->list[out->count].rdn = out->rdns;
		if (!read_ava(&set, &out->list[out->count]))
			return false;
		out->count++;
	}
	out->rdns++;
	return true;
}

bool
pkix_name_read(struct view der, struct pkix_avas *out)
{
	OWNED(pkix_avas_free) struct pkix_avas avas = {0};
	struct view name;

	*out = avas;
	if (!pkix_der_is_strict(der) || !der_take(&der, SEQUENCE, &name))
		return false;
	while (name.len > 0)
		if (!read_rdn(&name, &avas))
			return false;
	*out = avas;
	avas = (struct pkix_avas){0};
	return true;
}

/* Is the attribute alone in its component? */
static bool
is_alone(const struct pkix_avas *name, size_t at)
{
	return at + 1 == name->count || name->list[at + 1].rdn != name->list[at].rdn;
}

/* Mostly so, and then neither needs a closer look. Components without an attribute count for
 * nothing to OpenSSL, and the order in one that has several is none. */
static bool
has_other_types(const struct pkix_avas *avas, struct view name)
{
	struct view list, set, pair, type;
	size_t at = 0;

	if (!der_take(&name, SEQUENCE, &list))
		return false;
	while (der_take(&list, SET, &set)) {
		if (set.len == 0)
			continue;
		if (at == avas->count)
			return true;
		if (!is_alone(avas, at) || !der_take(&set, SEQUENCE, &pair) || set.len > 0 ||
		    !der_take_whole(&pair, DER_OBJECT, &type))
			return false;
		if (!view_eq(type, avas->list[at++].type))
			return true;
	}
	return at < avas->count;
}

static bool
openssl_tells_apart(struct view a, struct view b)
{
	const uint8_t *p = a.ptr, *q = b.ptr;
	OWNED(own_x509_name) X509_NAME *x = d2i_X509_NAME(NULL, &p, (long)a.len);
	OWNED(own_x509_name) X509_NAME *y = d2i_X509_NAME(NULL, &q, (long)b.len);
	bool apart = x != NULL && y != NULL && X509_NAME_cmp(x, y) != 0;

	ERR_clear_error();
	return apart;
}

bool
pkix_is_other_name(struct view name, struct view than)
{
	OWNED(pkix_avas_free) struct pkix_avas avas = {0};

	return pkix_name_read(name, &avas) && !view_eq(name, than) &&
	       (has_other_types(&avas, than) || openssl_tells_apart(name, than));
}

void
pkix_avas_free(struct pkix_avas *avas)
{
	free(avas->list);
	*avas = (struct pkix_avas){0};
}

bool
pkix_type_is(struct view type, int nid)
{
	struct view octets = oid_nid_octets(nid);

	/* No OID that has a NID is longer than 127 octets. */
	return octets.len > 0 && type.len == 2 + octets.len &&
	       view_eq(view_of(type.ptr + 2, octets.len), octets);
}

bool
pkix_type_text(struct view type, char out[PKIX_OID_TEXT])
{
	const uint8_t *p = type.ptr;
	struct view rest = type, content;

	if (!der_take(&rest, V_ASN1_OBJECT, &content) || rest.len > 0 || !der_is_oid(content))
		return false;
	OWNED(own_asn1_object) ASN1_OBJECT *o = d2i_ASN1_OBJECT(NULL, &p, (long)type.len);

	return o != NULL && oid_text(o, out, PKIX_OID_TEXT);
}

/* ---- as text ---- */

static bool
append_type(struct buf *out, struct view type, struct err *err)
{
	const struct pkix_attr_type *t = pkix_attr_type_of(type);
	char dotted[PKIX_OID_TEXT];

	if (t != NULL)
		return buf_append(out, view_str(t->name), err);
	return pkix_type_text(type, dotted) && buf_append(out, view_str(dotted), err);
}

/* RFC 4514 2.4, so that no value can look like another name. */
static bool
append_escaped(struct buf *out, const char *text, struct err *err)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		bool edge =
		    (text[i] == ' ' && (i == 0 || i + 1 == len)) || (text[i] == '#' && i == 0);

		if ((edge || strchr(",+\"\\<>;", text[i]) != NULL) &&
		    !buf_append(out, view_of("\\", 1), err))
			return false;
		if (!buf_append(out, view_of(text + i, 1), err))
			return false;
	}
	return true;
}

/* The DER of a value as hexadecimal (RFC 4514 2.4). */
static bool
append_hex(struct buf *out, struct view whole, struct err *err)
{
	OWNED(own_memory) char *hex = hex_encode(whole, '\0');

	return buf_append(out, view_of("#", 1), err) && buf_append(out, view_str(hex), err);
}

static bool
append_value(struct buf *out, const struct pkix_ava *ava, struct err *err)
{
	OWNED(own_memory) char *text = NULL;
	struct err ignored;

	return pkix_octets_text(ava->tag, ava->value, &text, &ignored)
		   ? append_escaped(out, text, err)
		   : append_hex(out, ava->whole, err);
}

static bool
append_name(struct buf *out, const struct pkix_avas *name, struct err *err)
{
	for (size_t i = name->count; i-- > 0;) {
		const struct pkix_ava *ava = &name->list[i];
		bool joined = i + 1 < name->count && ava[1].rdn == ava->rdn;
		const char *separator = out->len == 0 ? "" : joined ? "+" : ", ";

		if (!buf_append(out, view_str(separator), err) ||
		    !append_type(out, ava->type, err) || !buf_append(out, view_of("=", 1), err) ||
		    !append_value(out, ava, err))
			return false;
	}
	return true;
}

static char *
name_text(const struct pkix_avas *name)
{
	OWNED(buf_free) struct buf text = {0};
	struct err ignored;

	if (!append_name(&text, name, &ignored))
		return NULL;
	return mem_text_n(text.ptr, text.len);
}

static char *
name_value(const struct pkix_avas *name, int nid)
{
	char *out = NULL;
	struct err ignored;

	for (size_t i = name->count; i-- > 0;)
		if (pkix_type_is(name->list[i].type, nid))
			return pkix_octets_text(
				   name->list[i].tag, name->list[i].value, &out, &ignored)
				   ? out
				   : NULL;
	return NULL;
}

char *
pkix_name_text(struct view der)
{
	OWNED(pkix_avas_free) struct pkix_avas name = {0};

	return pkix_name_read(der, &name) ? name_text(&name) : NULL;
}

char *
pkix_name_value(struct view der, int nid)
{
	OWNED(pkix_avas_free) struct pkix_avas name = {0};

	return pkix_name_read(der, &name) ? name_value(&name, nid) : NULL;
}

struct pkix_name_texts
pkix_name_texts(struct view der)
{
	OWNED(pkix_avas_free) struct pkix_avas name = {0};

	if (!pkix_name_read(der, &name))
		return (struct pkix_name_texts){0};
	return (struct pkix_name_texts){.text = name_text(&name),
	    .common_name = name_value(&name, NID_commonName),
	    .email = name_value(&name, NID_pkcs9_emailAddress)};
}
