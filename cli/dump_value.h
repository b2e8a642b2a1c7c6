/* Values of attributes and extensions, as JSON: those of AD CS by the names of their fields, others
 * as OpenSSL or their ASN.1 tells them. */
#ifndef CLI_DUMP_VALUE_H
#define CLI_DUMP_VALUE_H

#include <jansson.h>

#include "cms.h"
#include "pkix.h"

/* Arrays of {"name", "oid", "value"}, extensions with "critical". */
json_t *dump_attributes(const struct cms_attr *list, size_t count);
json_t *dump_extensions(const struct pkix_extension *list, size_t count);
/* "EnvelopedData, AES-256-CBC" and the recipients; {"error"}. */
json_t *dump_sealed(struct view der);
/* Name and dotted number of an algorithm. */
json_t *dump_algorithm(const X509_ALGOR *alg);
/* Lower-case hex of octets. */
json_t *dump_hex(struct view v);
/* A text that may not be; null. */
json_t *dump_text(const char *text);

/* null: there is none, or it is no time. */
json_t *dump_time(const ASN1_TIME *t);

/* As text: members as lines, names from the keys ("issued_certificate_hash": "Issued certificate
 * hash:"). */
void dump_print(const json_t *value);

#endif
