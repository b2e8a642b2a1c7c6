/* Rows of `certutil -view`: one that is taken has what the database wants of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "adcs_row.h"
#include "oids.h"
#include "own.h"
#include "target.h"

static void
check_row(const struct store_request *row)
{
	require(row->request_id > 0 && row->requester_name != NULL);
	require(row->raw_certificate.len > 0 && row->serial_number != NULL &&
		row->certificate_hash.len == 20);
	require((row->raw_archived_key.len > 0) == (row->key_recovery_hashes != NULL));
	/* There is no CA here that could have issued another. */
	require(row->disposition == DISP_FOREIGN && row->raw_archived_key.len > 0);
}

static void
read_rows(struct csv *csv, struct adcs_source *from)
{
	struct csv_row row;
	struct err err;

	if (!csv_next(csv, &row, &err) || row.broken != NULL ||
	    !adcs_columns_find(&row, NULL, &from->columns, &err))
		return;
	while (csv_next(csv, &row, &err)) {
		OWNED(adcs_row_free) struct adcs_row out = {0};
		enum adcs_kind kind;

		if (adcs_row_read(from, &row, &kind, &out, &err) && kind == ADCS_TAKE)
			check_row(&out.row);
	}
}

int
target(const uint8_t *data, size_t size)
{
	const struct ca_issuers nobody = {0};
	struct adcs_agents agents = {0};
	struct adcs_source from = {.issuers = &nobody,
	    .agents = &agents,
	    .dates = ADCS_DATES_MDY,
	    .now = INT64_C(1764500000)};
	OWNED(own_file) FILE *file = NULL;
	struct csv *csv;
	struct err err;

	if (size == 0 || !oids_init(&err))
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	require(file != NULL);
	csv = csv_open(file);
	read_rows(csv, &from);
	csv_close(&csv);
	return 0;
}
