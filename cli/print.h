/* Readable output that several verbs share. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "recovery.h"

/* By the time zone of the process: "2026-11-24 06:22 +01:00", "2026-11-24 05:22 UTC" */
void print_when(FILE *to, int64_t when);
/* Bytes as "a2 7f 77 ...". */
void print_hash(FILE *to, const uint8_t *bytes, size_t len);
/* Subject, issuer, serial, validity, hash; each line begins with `indent`. */
void print_cert(FILE *to, const char *indent, const struct pkix_cert *c);
/* The same as members, hashes in plain hex, instants as RFC 3339, and the certificate in base64. */
json_t *json_cert(const struct pkix_cert *c);
/* These members as columns of a list. */
#define CERTIFICATE_COLUMNS                                                                       \
	{"subject", TABLE_TEXT, false, NULL}, {"issuer", TABLE_TEXT, false, NULL},                \
	    {"serial_number", TABLE_HEX, false, NULL}, {"not_before", TABLE_WHEN, false, NULL},   \
	    {"not_after", TABLE_WHEN, false, NULL}, {"certificate_hash", TABLE_HEX, false, NULL}, \
	    {"sha256", TABLE_HEX, false, NULL},                                                   \
	{                                                                                         \
		"certificate", TABLE_KEPT, false, NULL                                            \
	}
/* Who fetched a recovery BLOB, when, and under which number the CA recorded it. */
void print_retrieval(FILE *to, const char *indent, const struct retrieval *r);
json_t *json_retrieval(const struct retrieval *r);
/* "Recipient Info[0]:" and the certificate, or as much as is known of it. */
void print_recipients(FILE *to, const struct recovery_blob *b);
/* The same: serial number, and the certificate or null. */
json_t *json_blob_recipients(const struct recovery_blob *b);
/* A name that somebody else chose, in one line whatever is in it. */
void print_name(FILE *to, const char *name);
/* A string member or "-". */
const char *json_text(const json_t *object, const char *member);
/* The same of an instant, by the time zone of the process: "2026-11-24T06:22:34+01:00". free(). */
char *json_when(const json_t *object, const char *member);
/* Is it in the array? */
bool json_has(const json_t *list, const json_t *value);
/* Pretty-prints and drops the reference. */
void print_json(json_t *value);
/* An array that is printed as its values come: each, of which `before` went before it, and the end
 * of all. */
void print_json_next(const json_t *value, size_t before);
void print_json_end(size_t count);

#endif
