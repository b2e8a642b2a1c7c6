#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "pkix_name.h"
#include "text.h"

/* Keywords as the paper and AD CS print them, then those of RFC 4519 and of Windows. */
const struct pkix_attr_type pkix_attr_types[] = {
    {"CN", "2.5.4.3", 64, PKIX_FORM_DIRECTORY},
    {"commonName", "2.5.4.3", 64, PKIX_FORM_DIRECTORY},
    {"OU", "2.5.4.11", 64, PKIX_FORM_DIRECTORY},
    {"organizationalUnitName", "2.5.4.11", 64, PKIX_FORM_DIRECTORY},
    {"O", "2.5.4.10", 64, PKIX_FORM_DIRECTORY},
    {"organizationName", "2.5.4.10", 64, PKIX_FORM_DIRECTORY},
    {"L", "2.5.4.7", 128, PKIX_FORM_DIRECTORY},
    {"localityName", "2.5.4.7", 128, PKIX_FORM_DIRECTORY},
    {"ST", "2.5.4.8", 128, PKIX_FORM_DIRECTORY},
    {"S", "2.5.4.8", 128, PKIX_FORM_DIRECTORY},
    {"stateOrProvinceName", "2.5.4.8", 128, PKIX_FORM_DIRECTORY},
    {"C", "2.5.4.6", 2, PKIX_FORM_COUNTRY},
    {"countryName", "2.5.4.6", 2, PKIX_FORM_COUNTRY},
    {"DC", "0.9.2342.19200300.100.1.25", 63, PKIX_FORM_LABEL},
    {"domainComponent", "0.9.2342.19200300.100.1.25", 63, PKIX_FORM_LABEL},
    {"E", "1.2.840.113549.1.9.1", 255, PKIX_FORM_MAILBOX},
    {"emailAddress", "1.2.840.113549.1.9.1", 255, PKIX_FORM_MAILBOX},
    {"UID", "0.9.2342.19200300.100.1.1", 256, PKIX_FORM_DIRECTORY},
    {"userId", "0.9.2342.19200300.100.1.1", 256, PKIX_FORM_DIRECTORY},
    {"mail", "0.9.2342.19200300.100.1.3", 256, PKIX_FORM_MAILBOX},
    {"SN", "2.5.4.4", 32768, PKIX_FORM_DIRECTORY},
    {"surname", "2.5.4.4", 32768, PKIX_FORM_DIRECTORY},
    {"GN", "2.5.4.42", 32768, PKIX_FORM_DIRECTORY},
    {"givenName", "2.5.4.42", 32768, PKIX_FORM_DIRECTORY},
    {"G", "2.5.4.42", 32768, PKIX_FORM_DIRECTORY},
    {"initials", "2.5.4.43", 32768, PKIX_FORM_DIRECTORY},
    {"I", "2.5.4.43", 32768, PKIX_FORM_DIRECTORY},
    {"generationQualifier", "2.5.4.44", 32768, PKIX_FORM_DIRECTORY},
    {"name", "2.5.4.41", 32768, PKIX_FORM_DIRECTORY},
    {"pseudonym", "2.5.4.65", 128, PKIX_FORM_DIRECTORY},
    {"STREET", "2.5.4.9", 128, PKIX_FORM_DIRECTORY},
    {"streetAddress", "2.5.4.9", 128, PKIX_FORM_DIRECTORY},
    {"title", "2.5.4.12", 64, PKIX_FORM_DIRECTORY},
    {"T", "2.5.4.12", 64, PKIX_FORM_DIRECTORY},
    {"serialNumber", "2.5.4.5", 64, PKIX_FORM_PRINTABLE},
    {"dnQualifier", "2.5.4.46", 64, PKIX_FORM_PRINTABLE},
    {"description", "2.5.4.13", 1024, PKIX_FORM_DIRECTORY},
    {"businessCategory", "2.5.4.15", 128, PKIX_FORM_DIRECTORY},
    {"postalCode", "2.5.4.17", 40, PKIX_FORM_DIRECTORY},
    {"postOfficeBox", "2.5.4.18", 40, PKIX_FORM_DIRECTORY},
    {"physicalDeliveryOfficeName", "2.5.4.19", 128, PKIX_FORM_DIRECTORY},
    {"telephoneNumber", "2.5.4.20", 32, PKIX_FORM_PRINTABLE},
    {"houseIdentifier", "2.5.4.51", 32768, PKIX_FORM_DIRECTORY},
    {"organizationIdentifier", "2.5.4.97", 256, PKIX_FORM_DIRECTORY},
    {"employeeNumber", "2.16.840.1.113730.3.1.3", 256, PKIX_FORM_DIRECTORY},
    {"displayName", "2.16.840.1.113730.3.1.241", 256, PKIX_FORM_DIRECTORY},
    {NULL, NULL, 0, PKIX_FORM_DIRECTORY},
};

const struct pkix_attr_type *
pkix_attr_type_of(const ASN1_OBJECT *oid)
{
	char dotted[80];

	if (OBJ_obj2txt(dotted, sizeof dotted, oid, 1) <= 0)
		return NULL;
	for (const struct pkix_attr_type *t = pkix_attr_types; t->name != NULL; t++)
		if (strcmp(t->oid, dotted) == 0)
			return t;
	return NULL;
}

X509_NAME *
pkix_name_decode(struct view der)
{
	const unsigned char *p = der.ptr;
	X509_NAME *name = pkix_der_is_strict(der) ? d2i_X509_NAME(NULL, &p, (long)der.len) : NULL;

	ERR_clear_error();
	return name;
}

/* An attribute's text; NULL if it is none that may be shown. */
static char *
entry_text(const X509_NAME_ENTRY *entry)
{
	struct err ignored;
	char *text = NULL;

	return pkix_string_text(X509_NAME_ENTRY_get_data(entry), &text, &ignored) ? text : NULL;
}

static bool
append_type(struct buf *out, const ASN1_OBJECT *oid, struct err *err)
{
	const struct pkix_attr_type *t = pkix_attr_type_of(oid);
	char dotted[80];

	if (t != NULL)
		return buf_append(out, view_str(t->name), err);
	return OBJ_obj2txt(dotted, sizeof dotted, oid, 1) > 0 &&
	       buf_append(out, view_str(dotted), err);
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
append_hex(struct buf *out, const ASN1_STRING *value, struct err *err)
{
	OWNED(own_asn1_type) ASN1_TYPE *whole = ASN1_TYPE_new();
	OWNED(own_octets) uint8_t *der = NULL;
	OWNED(own_memory) char *hex = NULL;
	int len;

	if (whole == NULL || ASN1_TYPE_set1(whole, ASN1_STRING_type(value), value) != 1 ||
	    (len = i2d_ASN1_TYPE(whole, &der)) <= 0)
		return err_nomem(err);
	hex = hex_encode(view_of(der, (size_t)len), '\0');
	return buf_append(out, view_of("#", 1), err) && buf_append(out, view_str(hex), err);
}

static bool
append_value(struct buf *out, const X509_NAME_ENTRY *entry, struct err *err)
{
	OWNED(own_memory) char *text = entry_text(entry);

	return text != NULL ? append_escaped(out, text, err)
			    : append_hex(out, X509_NAME_ENTRY_get_data(entry), err);
}

static bool
append_name(struct buf *out, const X509_NAME *name, struct err *err)
{
	int previous = -1;

	for (int i = X509_NAME_entry_count(name) - 1; i >= 0; i--) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		int rdn = X509_NAME_ENTRY_set(entry);
		const char *separator = out->len == 0 ? "" : rdn == previous ? "+" : ", ";

		if (!buf_append(out, view_str(separator), err) ||
		    !append_type(out, X509_NAME_ENTRY_get_object(entry), err) ||
		    !buf_append(out, view_of("=", 1), err) || !append_value(out, entry, err))
			return false;
		previous = rdn;
	}
	return true;
}

char *
pkix_name_text(struct view der)
{
	X509_NAME *name = pkix_name_decode(der);
	struct buf text = {0};
	struct err ignored;
	char *out = NULL;

	if (name != NULL && append_name(&text, name, &ignored) &&
	    buf_append(&text, view_of("", 1), &ignored))
		out = strdup((const char *)text.ptr);
	buf_free(&text);
	X509_NAME_free(name);
	return out;
}

char *
pkix_name_value(struct view der, int nid)
{
	X509_NAME *name = pkix_name_decode(der);
	char *out = NULL;

	for (int i = name != NULL ? X509_NAME_entry_count(name) - 1 : -1; i >= 0; i--) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

		if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == nid) {
			out = entry_text(entry);
			break;
		}
	}
	X509_NAME_free(name);
	return out;
}
