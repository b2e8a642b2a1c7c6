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
	const char *der; /* the same as an element; no octet of it is 0 */
	int max;         /* characters */
	enum pkix_form form;
};
extern const struct pkix_attr_type pkix_attr_types[];
/* `type` is an OID, the whole element. NULL: of no type in the table. */
const struct pkix_attr_type *pkix_attr_type_of(struct view type);

/* One attribute of a name, where it lies in the encoding. */
struct pkix_ava {
	struct view type;  /* its OID, the whole element */
	struct view whole; /* its value, the whole element */
	struct view value; /* content of that */
	int tag;
	size_t rdn; /* number of the component that it is of */
};
struct pkix_avas {
	struct pkix_ava *list;
	size_t count;
	size_t rdns; /* also those without an attribute */
};
/* False: no Name in strict DER. pkix_avas_free. */
bool pkix_name_read(struct view der, struct pkix_avas *out);
void pkix_avas_free(struct pkix_avas *avas);
/* Whether it is the OID of that NID; as text, if that fits. */
bool pkix_type_is(struct view type, int nid);
#define PKIX_OID_TEXT 80
bool pkix_type_text(struct view type, char out[PKIX_OID_TEXT]);

/* Of a string type that OpenSSL reads as Latin-1 whether each octet may be there (X.680 41); true
 * for others. */
bool pkix_is_in_alphabet(int type, struct view text);

/* One attribute of a name: a text in the string type, alphabet and bounds of its type; one of a
 * type that is not in the table may be anything in the alphabet of its own string type.
 * CERTSRV_E_BAD_REQUESTSUBJECT without `what` before it. */
bool pkix_check_ava(struct view type, int tag, struct view value, struct err *err);
/* A whole Name, which may be empty, and the value of subjectAltName, which may not. */
bool pkix_check_name_bounds(struct view der, struct err *err);
bool pkix_check_san_bounds(struct view der, struct err *err);

#endif
