/*
 * One row of an AD CS database, verified: the certificate is this CA's (or, of a foreign one, only
 * a certificate), what the row says of it is true, and the archived key is sealed to whom the row
 * says.
 */
#ifndef ADCS_ADCS_ROW_H
#define ADCS_ADCS_ROW_H

#include "adcs_columns.h"
#include "adcs_values.h"
#include "ca_issuers.h"
#include "store.h"

/* Certificates of key recovery agents that are known. */
struct adcs_agents {
	struct pkix_cert **list;
	size_t count;
	/* The certificate of this CA with that serial number, where it is not among them; empty:
	 * there is none. NULL: nobody is asked. */
	bool (*look_up)(void *arg, struct view serial, struct buf *der_out, struct err *err);
	void *arg;
};
/* One that is there already, or is no KRA's, is left out. */
bool adcs_agents_add(struct adcs_agents *a, struct view der, struct err *err);
void adcs_agents_free(struct adcs_agents *a);

struct adcs_source {
	const struct ca_issuers *issuers;
	struct adcs_agents *agents;
	struct adcs_columns columns;
	enum adcs_dates dates;
	int64_t now;
};

enum adcs_kind {
	ADCS_TAKE,
	ADCS_LEAVE /* denied, failed or pending: there is nothing that could go on */
};
struct adcs_row {
	struct store_request row; /* to add; request_id: the one that it had */
	int64_t line;
	const struct pkix_cert **agents; /* of them, those that are known */
	size_t agent_count;
	struct texts unknown; /* the others: "serial 1a2b of CN=..." */
};
/* False: it cannot be taken, and why. */
bool adcs_row_read(const struct adcs_source *from, const struct csv_row *csv,
    enum adcs_kind *kind_out, struct adcs_row *out, struct err *err);
void adcs_row_free(struct adcs_row *r);

#endif
