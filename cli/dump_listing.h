/* Any DER, element by element, as the paper prints it (appendix A): what no table here knows is
 * seen, too. */
#ifndef CLI_DUMP_LISTING_H
#define CLI_DUMP_LISTING_H

#include <stdio.h>

#include <openssl/asn1.h>

#include "buf.h"

void dump_listing(FILE *to, struct view der);
/* "contentType [1.2.840.113549.1.9.3]", or the brackets alone; free(). */
char *dump_oid(const ASN1_OBJECT *o);
char *dump_oid_by_text(const char *dotted);
/* The name of an object; "": it has none. */
const char *dump_oid_name(const ASN1_OBJECT *o);

#endif
