/*
 * Attribute types of names, their keywords and what their values may be, for the printer and the
 * parser of names and for the check of those that others made. Not for other rooms.
 */
#ifndef MESSAGES_PKIX_NAME_H
#define MESSAGES_PKIX_NAME_H

#include <openssl/x509.h>

#include "buf.h"

enum pkix_form {
	PKIX_FORM_DIRECTORY, /* DirectoryString */
	PKIX_FORM_PRINTABLE,
	PKIX_FORM_COUNTRY, /* a PrintableString of two letters */
	PKIX_FORM_LABEL,   /* IA5String (RFC 4519 2.4) */
	PKIX_FORM_MAILBOX  /* IA5String */
};

/* RFC 5280 4.1.2.4 and A.1; what is not there has the bounds of X.520 and RFC 4519, and those of
 * inetOrgPerson (RFC 2798), which directories put into names, none but one of ours. */
struct pkix_attr_type {
	const char *name; /* NULL ends the table; the first keyword of a type is the printed one */
	const char *oid;
	int max; /* characters */
	enum pkix_form form;
};
extern const struct pkix_attr_type pkix_attr_types[];
/* NULL: of no type in the table. */
const struct pkix_attr_type *pkix_attr_type_of(const ASN1_OBJECT *oid);

/* NULL if it is no Name in strict DER. X509_NAME_free. */
X509_NAME *pkix_name_decode(struct view der);

/* One attribute of a name: a text in the string type, alphabet and bounds of its type; one of a
 * type that is not in the table may be anything in the alphabet of its own string type.
 * CERTSRV_E_BAD_REQUESTSUBJECT without `what` before it. */
bool pkix_check_entry(const X509_NAME_ENTRY *entry, struct err *err);
/* A whole Name, which may be empty, and the value of subjectAltName, which may not. */
bool pkix_check_name_bounds(struct view der, struct err *err);
bool pkix_check_san_bounds(struct view der, struct err *err);

#endif
