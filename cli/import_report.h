/* What an import did, as the paper prints it ("Importing Users' Keys", "Certificate and Key Import
 * Issues"), or as JSON. */
#ifndef CLI_IMPORT_REPORT_H
#define CLI_IMPORT_REPORT_H

#include <jansson.h>

#include "escrow.h"

struct import_report {
	bool json;
	json_t *items;            /* of `json` */
	json_t *users;            /* an object, for its names */
	struct escrow_seen *seen; /* of batches, in all files */
	size_t seen_count;
	bool locked;   /* nothing of the batch was opened yet */
	size_t column; /* dots on this line */
	int64_t signature_certificates, certificates;
	int64_t foreign, imported, there, not_imported;
	int64_t keys, archived, replaced, archived_before, not_archived;
	int64_t problems;
};
enum import_end { IMPORT_WHOLE, IMPORT_FAILED, IMPORT_INTERRUPTED };
/* Of an escrow batch who signed it; and which of its entries are there. */
void import_report_begin(struct import_report *r, const struct escrow_items *items);
/* One whose certificate is for signatures only is counted, and nothing else. */
bool import_report_ignores(struct import_report *r, const struct escrow_item *item);
void import_report_add(struct import_report *r, const char *path, const struct escrow_item *item,
    const json_t *answer);
void import_report_refused(struct import_report *r, const char *path,
    const struct escrow_item *item, const struct err *why);
/* Something in a file that is no item. */
void import_report_problem(struct import_report *r, const char *path, const char *why);
/* IMPORT_WHOLE: everything was looked at. */
void import_report_end(struct import_report *r, enum import_end how);
bool import_report_failed(const struct import_report *r);
void import_report_free(struct import_report *r);

#endif
