/*
 * An export of the audit trail: JSON lines, one a record with everything that is hashed, in the
 * order of the rows from the first on, and one with the head of the trail, which is the last.
 * Verified here without a CA: what is not a line of this form, or more than it, is no export.
 */
#ifndef CLI_AUDIT_EXPORT_H
#define CLI_AUDIT_EXPORT_H

#include <jansson.h>
#include <stdio.h>

#include "trail.h"

/* "7:9f86d0..." for a row and its hash, as it is noted down elsewhere. free(). */
char *trail_head_text(const struct trail_head *head);
/* E_INVALIDARG */
bool trail_head_parse(const char *text, struct trail_head *out, struct err *err);

/* One line. */
bool audit_export_record(FILE *to, const json_t *record, struct err *err);
bool audit_export_head(FILE *to, const json_t *head, struct err *err);

struct audit_export {
	struct trail_head head;
	int64_t first_when, last_when;
};
/* Recomputes the chain and holds it against the head in the export, and against `known` (NULL:
 * none), a head of earlier or of now. CRYPT_E_HASH_VALUE names the first row that was changed or is
 * missing, ERROR_INVALID_DATA the line that is none; out->head is what was verified until there.
 * DIRCA_E_IO: the file could not be read. */
bool audit_export_verify(
    FILE *from, const struct trail_head *known, struct audit_export *out, struct err *err);

#endif
