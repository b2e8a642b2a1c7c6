/*
 * The columns of an AD CS database that are taken, under the names that certutil knows them by: the
 * one that its -out takes ("Request.RawArchivedKey") and the one that it writes on an English
 * Windows ([MS-CSRA] 3.1.1.1.2).
 */
#ifndef ADCS_ADCS_COLUMNS_H
#define ADCS_ADCS_COLUMNS_H

#include "csv.h"

/* X(column, name, English name) */
#define ADCS_COLUMNS(X)                                                   \
	X(REQUEST_ID, "RequestID", "Request ID")                          \
	X(DISPOSITION, "Disposition", "Request Disposition")              \
	X(MESSAGE, "DispositionMessage", "Request Disposition Message")   \
	X(STATUS, "StatusCode", "Request Status Code")                    \
	X(SUBMITTED, "SubmittedWhen", "Request Submission Date")          \
	X(RESOLVED, "ResolvedWhen", "Request Resolution Date")            \
	X(REVOKED, "RevokedWhen", "Revocation Date")                      \
	X(EFFECTIVE, "RevokedEffectiveWhen", "Effective Revocation Date") \
	X(REASON, "RevokedReason", "Revocation Reason")                   \
	X(REQUESTER, "RequesterName", "Requester Name")                   \
	X(CALLER, "CallerName", "Caller Name")                            \
	X(ATTRIBUTES, "RequestAttributes", "Request Attributes")          \
	X(TEMPLATE, "CertificateTemplate", "Certificate Template")        \
	X(SERIAL, "SerialNumber", "Serial Number")                        \
	X(UPN, "UPN", "User Principal Name")                              \
	X(CERTIFICATE, "RawCertificate", "Binary Certificate")            \
	X(REQUEST, "RawRequest", "Binary Request")                        \
	X(KEY, "RawArchivedKey", "Archived Key")                          \
	X(HASHES, "KeyRecoveryHashes", "Key Recovery Agent Hashes")

enum adcs_column {
#define ADCS_COLUMN_ENUM(column, name, english) ADCS_##column,
	ADCS_COLUMNS(ADCS_COLUMN_ENUM)
#undef ADCS_COLUMN_ENUM
	    ADCS_COLUMN_COUNT
};

/* Which field of a row each column is; -1: none. */
struct adcs_columns {
	int at[ADCS_COLUMN_COUNT];
	size_t fields;
};
/* Of the first row, or of `names`, what -out was given ("RequestID,Request.RawArchivedKey"), where
 * the first row has the names of another language; NULL: the first row counts. DIRCA_E_USAGE if
 * one of what is always needed is not there. */
bool adcs_columns_find(
    const struct csv_row *first, const char *names, struct adcs_columns *out, struct err *err);
/* NULL: none, or it is empty. */
const char *adcs_field(
    const struct adcs_columns *columns, const struct csv_row *row, enum adcs_column column);
const char *adcs_column_name(enum adcs_column column);

#endif
