#include "pkix_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "oids.h"
#include "text.h"

/* Empty if the certificate lacks it. */
static struct view
extension_value(const struct pkix_cert *c, int nid)
{
	const struct pkix_extension *ext = pkix_cert_extension(c, nid);

	return ext != NULL ? ext->value : (struct view){0};
}

static GENERAL_NAMES *
decode_names(struct view value)
{
	const unsigned char *p = value.ptr;
	GENERAL_NAMES *names = NULL;

	if (value.len > 0 && pkix_der_is_strict(value))
		names = d2i_GENERAL_NAMES(NULL, &p, (long)value.len);
	ERR_clear_error();
	return names;
}

static char *
string_text(const ASN1_STRING *s)
{
	struct err ignored;
	char *text = NULL;

	return pkix_string_text(s, &text, &ignored) ? text : NULL;
}

static char *
octets_text(const ASN1_OCTET_STRING *octets)
{
	struct err ignored;
	char *text = NULL;

	return text_from_view(pkix_string_view(octets), &text, &ignored) ? text : NULL;
}

/* NULL if the name is none, or is no UTF8String. */
static char *
upn_of(const GENERAL_NAME *name)
{
	if (name->type != GEN_OTHERNAME || OBJ_obj2nid(name->d.otherName->type_id) != NID_ms_upn ||
	    name->d.otherName->value->type != V_ASN1_UTF8STRING)
		return NULL;
	return string_text(name->d.otherName->value->value.utf8string);
}

char *
pkix_cert_upn(const struct pkix_cert *c)
{
	return pkix_san_upn(extension_value(c, NID_subject_alt_name));
}

char *
pkix_san_upn(struct view san)
{
	GENERAL_NAMES *names = decode_names(san);
	char *upn = NULL;

	for (int i = 0; names != NULL && upn == NULL && i < sk_GENERAL_NAME_num(names); i++)
		upn = upn_of(sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return upn;
}

void
pkix_cert_san_names(const struct pkix_cert *c, struct texts *upns, struct texts *emails)
{
	pkix_san_names(extension_value(c, NID_subject_alt_name), upns, emails);
}

void
pkix_san_names(struct view san, struct texts *upns, struct texts *emails)
{
	GENERAL_NAMES *names = decode_names(san);

	*upns = *emails = (struct texts){0};
	for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char *upn = upn_of(name),
		     *email = name->type == GEN_EMAIL ? string_text(name->d.rfc822Name) : NULL;

		if (upn != NULL)
			texts_take(upns, upn);
		if (email != NULL)
			texts_take(emails, email);
	}
	GENERAL_NAMES_free(names);
}

char *
pkix_cert_sid(const struct pkix_cert *c)
{
	return pkix_sid_text(extension_value(c, oid_nid(OID_NTDS_CA_SECURITY_EXT)));
}

/* [MS-WCCE] 2.2.2.7.7.4: otherName 25.2.1 with the text of the SID in an OCTET STRING. */
char *
pkix_sid_text(struct view extension)
{
	GENERAL_NAMES *names = decode_names(extension);
	char *sid = NULL;

	for (int i = 0; names != NULL && sid == NULL && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_OTHERNAME &&
		    OBJ_obj2nid(name->d.otherName->type_id) == oid_nid(OID_NTDS_OBJECTSID) &&
		    name->d.otherName->value->type == V_ASN1_OCTET_STRING)
			sid = octets_text(name->d.otherName->value->value.octet_string);
	}
	GENERAL_NAMES_free(names);
	return sid;
}

static char *
ip_text(const ASN1_OCTET_STRING *octets)
{
	char text[INET6_ADDRSTRLEN];
	int len = ASN1_STRING_length(octets);

	if ((len != 4 && len != 16) ||
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(octets), text,
		sizeof text) == NULL)
		return NULL;
	return strdup(text);
}

static char *
directory_name_text(X509_NAME *name)
{
	uint8_t *der = NULL;
	int len = i2d_X509_NAME(name, &der);
	char *text = len > 0 ? pkix_name_text(view_of(der, (size_t)len)) : NULL;

	OPENSSL_free(der);
	return text;
}

/* Kind and value of one name, as the line shows it. */
static const char *
describe(const GENERAL_NAME *name, char **value_out)
{
	switch (name->type) {
	case GEN_OTHERNAME:
		*value_out = upn_of(name);
		return *value_out != NULL ? "UPN" : "other name";
	case GEN_EMAIL:
		*value_out = string_text(name->d.rfc822Name);
		return "email";
	case GEN_DNS:
		*value_out = string_text(name->d.dNSName);
		return "DNS";
	case GEN_URI:
		*value_out = string_text(name->d.uniformResourceIdentifier);
		return "URI";
	case GEN_IPADD:
		*value_out = ip_text(name->d.iPAddress);
		return "IP";
	case GEN_DIRNAME:
		*value_out = directory_name_text(name->d.directoryName);
		return "directory";
	default:
		return "other name";
	}
}

/* A comma or backslash inside a value must not look like the next name. */
static bool
append_escaped(struct buf *text, const char *value, struct err *err)
{
	for (; *value != '\0'; value++)
		if ((strchr(",\\", *value) != NULL && !buf_append(text, view_of("\\", 1), err)) ||
		    !buf_append(text, view_of(value, 1), err))
			return false;
	return true;
}

static bool
append_one(struct buf *text, const GENERAL_NAME *name, struct err *err)
{
	OWNED(own_memory) char *value = NULL;
	const char *kind = describe(name, &value);

	return buf_append(text, view_str(text->len > 0 ? ", " : ""), err) &&
	       buf_append(text, view_str(kind), err) && buf_append(text, view_of(":", 1), err) &&
	       append_escaped(text, value != NULL ? value : "?", err);
}

char *
pkix_cert_san_text(const struct pkix_cert *c)
{
	GENERAL_NAMES *names = decode_names(extension_value(c, NID_subject_alt_name));
	struct buf text = {0};
	struct err ignored;
	bool ok = names != NULL;
	char *out = NULL;

	for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++)
		ok = append_one(&text, sk_GENERAL_NAME_value(names, i), &ignored);
	if (ok && buf_append(&text, view_of("", 1), &ignored))
		out = strdup((const char *)text.ptr);
	buf_free(&text);
	GENERAL_NAMES_free(names);
	return out;
}
