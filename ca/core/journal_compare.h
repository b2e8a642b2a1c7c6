/*
 * The vault's journal of signatures against the database: what the CA key signed and no row tells
 * of, and what a row tells of and the key never signed. For `dirca audit compare` on the CA's
 * machine; dircad may run meanwhile.
 */
#ifndef CORE_JOURNAL_COMPARE_H
#define CORE_JOURNAL_COMPARE_H

#include "config.h"
#include "journal.h"

struct journal_difference {
	enum journal_kind kind; /* JOURNAL_CERTIFICATE, _EXCHANGE or _CRL */
	int64_t when;
	int64_t request_id;                      /* of a row; 0 for a record and a CRL */
	char number[2 * JOURNAL_NUMBER_MAX + 1]; /* serial number in hex; number of a CRL */
};
struct journal_differences {
	struct journal_difference *list;
	size_t count;
};

struct journal_comparison {
	int64_t begun; /* before it nothing was written down */
	int64_t records[JOURNAL_KINDS];
	int64_t matched;     /* records of certificates and CRLs that have their row */
	int64_t before;      /* rows from before the journal began: not compared */
	int64_t in_progress; /* records of the last seconds without a row: it may still come */
	int64_t retrievals;  /* of archived keys, as the audit trail has them since then */
	struct journal_differences signed_only, stored_only;
	/* Rows without a record, of the last seconds before the vault was stopped without warning:
	 * where the machine stopped, these records may be lost. */
	struct journal_differences perhaps_lost;
};
/* `journal` is open: who may read it is not whom the database belongs to. DIRCA_E_JOURNAL if its
 * chain is broken. */
bool journal_compare(const struct config *config, FILE *journal, int64_t now,
    struct journal_comparison *out, struct err *err);
void journal_comparison_free(struct journal_comparison *c);
/* Do both tell the same? More recovery BLOBs than audited retrievals is a difference too. */
bool journal_agrees(const struct journal_comparison *c);

#endif
