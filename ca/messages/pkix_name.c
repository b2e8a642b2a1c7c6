#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "pkix_name.h"
#include "text.h"

/* What the paper and AD CS print. */
const struct pkix_attr_type pkix_attr_types[] = {
    {"CN", NID_commonName},
    {"OU", NID_organizationalUnitName},
    {"O", NID_organizationName},
    {"L", NID_localityName},
    {"ST", NID_stateOrProvinceName},
    {"C", NID_countryName},
    {"DC", NID_domainComponent},
    {"E", NID_pkcs9_emailAddress},
    {"emailAddress", NID_pkcs9_emailAddress},
    {"UID", NID_userId},
    {"SN", NID_surname},
    {"GN", NID_givenName},
    {"STREET", NID_streetAddress},
    {"title", NID_title},
    {"T", NID_title},
    {NULL, NID_undef},
};

static X509_NAME *
decode(struct view der)
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
	int nid = OBJ_obj2nid(oid);
	char dotted[80];

	for (const struct pkix_attr_type *t = pkix_attr_types; t->name != NULL; t++)
		if (t->nid == nid)
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

/* A value that is no text is shown as the RFC 4514 2.4 hex of its content. */
static bool
append_value(struct buf *out, const X509_NAME_ENTRY *entry, struct err *err)
{
	char *text = entry_text(entry), *hex = NULL;
	bool ok = false;

	if (text != NULL)
		ok = append_escaped(out, text, err);
	else if ((hex = hex_encode(pkix_string_view(X509_NAME_ENTRY_get_data(entry)), '\0')) !=
		 NULL)
		ok = buf_append(out, view_of("#", 1), err) && buf_append(out, view_str(hex), err);
	free(hex);
	free(text);
	return ok;
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
	X509_NAME *name = decode(der);
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
	X509_NAME *name = decode(der);
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
