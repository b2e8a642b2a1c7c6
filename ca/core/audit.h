/*
 * Audit records with borrowed strings, written inside the unit of work of the act that they record.
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "ca.h"

struct ca_audit {
	int64_t when;
	enum audit_event event;
	enum err_code status; /* ERR_OK: the act succeeded */
	const char *actor;
	int64_t request_id;
	const char *object, *detail; /* NULL: none */
};

bool ca_audit(struct store_tx *tx, const struct ca_audit *a, struct err *err);
/* The same for an act that is to name the number of its row. */
bool ca_audit_row(struct store_tx *tx, const struct ca_audit *a, int64_t *row_out, struct err *err);
/* One record by itself. */
bool ca_audit_alone(struct store *store, const struct ca_audit *a, struct err *err);
/* "template=.. requester=.. subject=..": what a record says of a certificate. free(). */
char *ca_audit_certificate(const struct store_request *row);
/* A refusal with its reason, `a` without status; its detail stands before the reason. Whoever is
 * refused again and again must not fill the disk: of one actor REFUSALS_RECORDED an hour are
 * recorded, and the first record of the hour after says how many were left out. If the record
 * cannot be written, the reason says so.
 */
#define REFUSALS_RECORDED 100
void ca_audit_refusal(struct ca *ca, const struct ca_audit *a, struct err *reason);

#endif
