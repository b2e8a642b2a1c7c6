/*
 * Values as `certutil -view ... csv` writes them. "EMPTY" and "" are none. Pure.
 */
#ifndef ADCS_ADCS_VALUES_H
#define ADCS_ADCS_VALUES_H

#include "buf.h"

/* NULL for none. */
const char *adcs_value(const char *field);

/* "20 -- Issued", "0x80094012 (-2146877422 ...) -- ...", "5": the first number, decimal or
 * hexadecimal; up to UINT32_MAX. ERROR_INVALID_DATA. */
bool adcs_number(const char *field, int64_t *out, struct err *err);

/* Which number of a date is which, where its form does not say. */
enum adcs_dates { ADCS_DATES_UNKNOWN, ADCS_DATES_MDY, ADCS_DATES_DMY };
bool adcs_dates_by_name(const char *name, enum adcs_dates *out); /* "mdy", "dmy" */
/* A date and time of this machine's time zone, in the form of the machine that wrote it:
 * "30.11.2026 09:41", "2026-11-30 09:41:07", "11/30/2026 9:41 AM" (`order` says which it is, or
 * ERROR_INVALID_DATA: a wrong month could put a revocation off). */
bool adcs_date(const char *field, enum adcs_dates order, int64_t *out, struct err *err);

/* Base64 in lines, with "-----BEGIN ...-----" around it or not. ERROR_INVALID_DATA. */
bool adcs_octets(const char *field, struct buf *out, struct err *err);

/* SHA-1 hashes, whatever stands between their digits: "01 23 ..\nfe dc .." out, one a line, as the
 * database has them; free(). NULL: none. ERROR_INVALID_DATA. */
bool adcs_hashes(const char *field, char **out, struct err *err);

#endif
