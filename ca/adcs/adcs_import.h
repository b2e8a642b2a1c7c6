/*
 * The database of an AD CS, as `certutil -view -out ... csv` writes it, into this CA's. Row by row:
 * each is taken whole or named with its line and the reason. The same file again adds nothing; a
 * later one adds what is new, revokes what was revoked since, and adds keys that were not in the
 * earlier.
 */
#ifndef ADCS_ADCS_IMPORT_H
#define ADCS_ADCS_IMPORT_H

#include <stdio.h>

#include "adcs_values.h"
#include "config.h"
#include "texts.h"

struct adcs_import {
	const struct config *config;
	FILE *file;       /* seekable, at its beginning */
	const char *name; /* of the file, for the audit trail */
	const char *actor;
	const char *columns; /* what certutil's -out was given; NULL: the first row says it */
	enum adcs_dates dates;
	bool dry_run; /* nothing is written */
	int64_t now;
	/* Of each row that is not taken; request_id 0: it is not known. */
	void (*refused)(void *arg, int64_t line, int64_t request_id, const char *why);
	void (*progress)(void *arg, int64_t rows); /* now and then */
	void *arg;
};
struct adcs_result {
	int64_t rows;        /* below the first */
	int64_t taken, keys; /* the latter of the former */
	int64_t there;       /* were taken before */
	int64_t revoked;     /* of those: so many were revoked since, */
	int64_t keys_there;  /* and so many had no archived key, and have it now */
	int64_t left;        /* denied, failed, pending */
	int64_t refused;
	bool has_keys;               /* the file has a column of them */
	struct texts unknown_agents; /* each once */
	char sha256[65];             /* of the file */
};
/* False: the rest was not looked at; what was taken stays. */
bool adcs_import(const struct adcs_import *in, struct adcs_result *out, struct err *err);
void adcs_result_free(struct adcs_result *r);

#endif
