/*
 * An export of the audit trail: JSON lines, one a record with everything that is hashed, in the
 * order of the rows, behind some of them a checkpoint that the CA signed (checkpoint.h), and at the
 * end one with the head of the trail. It begins with the first row, or with a line that names row
 * and hash behind which it goes on. Verified here without a CA: what is not a line of this form, or
 * more than it, is no export.
 */
#ifndef CLI_AUDIT_EXPORT_H
#define CLI_AUDIT_EXPORT_H

#include <jansson.h>
#include <stdio.h>

#include "pkix.h"
#include "trail.h"

/* "7:9f86d0..." for a row and its hash, as it is noted down elsewhere. free(). */
char *trail_head_text(const struct trail_head *head);
/* E_INVALIDARG */
bool trail_head_parse(const char *text, struct trail_head *out, struct err *err);

/* One line. */
bool audit_export_record(FILE *to, const json_t *record, struct err *err);
bool audit_export_head(FILE *to, const json_t *head, struct err *err);

/* A checkpoint as the CA gives it, and where the export goes on. */
bool audit_export_checkpoint(FILE *to, const json_t *checkpoint, struct err *err);
bool audit_export_from(FILE *to, const json_t *head, struct err *err);

/* What an export is held against. */
struct audit_known {
	const struct trail_head *head;      /* one of earlier or of now; NULL: none */
	const struct trail_head *after;     /* the end of the export that came before; NULL: none */
	const struct pkix_cert *const *cas; /* the CA's certificates; without one, signatures are */
	size_t ca_count;                    /* not looked at */
};
struct audit_export {
	struct trail_head head; /* what was verified until there */
	int64_t first, first_when, last_when;
	int64_t signed_row, signed_when; /* of the last checkpoint; 0: none was verified */
};
/* Recomputes the chain and holds it against the head in the export and what is known.
 * CRYPT_E_HASH_VALUE names the first row that was changed or is missing, or up to which the CA
 * signed another trail; ERROR_INVALID_DATA the line that is none. With CA certificates an export
 * without a checkpoint is CRYPT_E_NOT_FOUND. DIRCA_E_IO: the file could not be read. */
bool audit_export_verify(
    FILE *from, const struct audit_known *known, struct audit_export *out, struct err *err);

#endif
