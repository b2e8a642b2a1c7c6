/* Values and columns as certutil writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "adcs_columns.h"
#include "adcs_values.h"
#include "own.h"

static void
numbers_are_read_with_what_is_said_of_them(void **state)
{
	static const struct {
		const char *text;
		int64_t number; /* -1: refused */
	} rows[] = {
	    {"20 -- Issued", 20},
	    {"0x15 (21) -- Revoked", 21},
	    {"0x80094012 (-2146877422 CERTSRV_E_TEMPLATE_DENIED) -- text", 0x80094012},
	    {"0", 0},
	    {"4294967295", 0xffffffff},
	    {"4294967296", -1},
	    {"99999999999999999999999", -1},
	    {"-1", -1},
	    {"0x", -1},
	    {"12a", -1},
	    {"Issued", -1},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t n;
		bool ok = adcs_number(rows[i].text, &n, &err);

		if (ok != (rows[i].number >= 0) || (ok && n != rows[i].number))
			fail_msg("%s: %lld", rows[i].text, (long long)n);
	}
}

static void
dates_are_read_as_they_are_meant(void **state)
{
	static const struct {
		const char *text;
		enum adcs_dates order;
		const char *utc; /* NULL: refused */
	} rows[] = {
	    {"11/30/2026 9:41 AM", ADCS_DATES_MDY, "2026-11-30 09:41:00"},
	    {"11/30/2026 12:41 AM", ADCS_DATES_MDY, "2026-11-30 00:41:00"},
	    {"11/30/2026 12:41 PM", ADCS_DATES_MDY, "2026-11-30 12:41:00"},
	    {"1/2/2026 9:41:07 pm", ADCS_DATES_MDY, "2026-01-02 21:41:07"},
	    {"1/2/2026 9:41\xe2\x80\xaf"
	     "AM",
		ADCS_DATES_MDY, "2026-01-02 09:41:00"},
	    {"1/2/2026 9:41", ADCS_DATES_DMY, "2026-02-01 09:41:00"},
	    {"30.11.2026 09:41", ADCS_DATES_UNKNOWN, "2026-11-30 09:41:00"},
	    {"2026-11-30 09:41:59", ADCS_DATES_UNKNOWN, "2026-11-30 09:41:59"},
	    {"2026/11/30", ADCS_DATES_UNKNOWN, "2026-11-30 00:00:00"},
	    {"11/30/2026 9:41 AM", ADCS_DATES_UNKNOWN, NULL},
	    {"11/30/2026 9:41 AM", ADCS_DATES_DMY, NULL},
	    {"2/30/2026 9:41 AM", ADCS_DATES_MDY, NULL},
	    {"11/30/26 9:41 AM", ADCS_DATES_MDY, NULL},
	    {"11/30/2026 13:41 PM", ADCS_DATES_MDY, NULL},
	    {"11/30/2026 24:00", ADCS_DATES_MDY, NULL},
	    {"11/30.2026", ADCS_DATES_MDY, NULL},
	    {"1/-2/2026", ADCS_DATES_MDY, NULL},
	    {"11/30/2026 9:41 XM", ADCS_DATES_MDY, NULL},
	    {"11/30/2026 9:41:07 AM and more", ADCS_DATES_MDY, NULL},
	    {"11/30/20260", ADCS_DATES_MDY, NULL},
	    {"yesterday", ADCS_DATES_MDY, NULL},
	};
	struct err err;

	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[32] = "";
		int64_t when;
		bool ok = adcs_date(rows[i].text, rows[i].order, &when, &err);
		time_t t = (time_t)when;

		if (ok)
			strftime(text, sizeof text, "%F %T", gmtime(&t));
		if (ok != (rows[i].utc != NULL) || (ok && strcmp(text, rows[i].utc) != 0))
			fail_msg("%s: %s", rows[i].text, text);
	}
}

static void
octets_are_base64_in_lines(void **state)
{
	static const char *const good[] = {"YWJj", "YW\r\nJj\r\n",
	    "-----BEGIN CERTIFICATE-----\r\nYWJj\r\n-----END CERTIFICATE-----\r\n"};
	static const char *const bad[] = {"YW*j", "-----BEGIN CERTIFICATE-----\r\nYWJj\r\n",
	    "-----BEGIN CERTIFICATE\r\n-----END CERTIFICATE-----"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		OWNED(buf_free) struct buf b = {0}, none = {0};

		assert_true(adcs_octets(good[i], &b, &err));
		assert_true(view_eq(buf_view(&b), view_str("abc")));
		assert_false(adcs_octets(bad[i], &none, &err));
	}
}

#define HASH  "0123456789abcdef0123456789abcdef01234567"
#define LINE  "01 23 45 67 89 ab cd ef 01 23 45 67 89 ab cd ef 01 23 45 67"
#define UPPER "01 23 45 67 89 AB CD EF 01 23 45 67 89 AB CD EF 01 23 45 67"

static void
hashes_are_kept_one_a_line(void **state)
{
	static const char *const rows[][2] = {
	    {LINE, LINE},
	    {UPPER "\r\n" UPPER, LINE "\n" LINE},
	    {"\"" HASH "\"," HASH "\n", LINE "\n" LINE},
	    {HASH "0", NULL},
	    {HASH "g", NULL},
	    {" ", NULL},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		OWNED(own_memory) char *list = NULL;

		assert_int_equal(adcs_hashes(rows[i][0], &list, &err), rows[i][1] != NULL);
		if (rows[i][1] != NULL)
			assert_string_equal(list, rows[i][1]);
	}
}

static void
columns_are_found_by_either_name(void **state)
{
	const char *english[] = {"Request ID", "Requester Name", "Binary Certificate",
	    "Request Disposition", "Something Else"},
		   *internal[] = {"Request.RequesterName", "RequestID", "request.disposition",
		       "RawCertificate", "Request.RawArchivedKey"},
		   *german[] = {"Anforderungs-ID", "Antragstellername"},
		   *cells[] = {"a", "EMPTY", "", "d", "e"};
	struct csv_row first = {.fields = english, .count = 5}, row = {.fields = cells, .count = 5};
	struct adcs_columns c;
	struct err err;

	(void)state;
	assert_true(adcs_columns_find(&first, NULL, &c, &err));
	assert_string_equal(adcs_field(&c, &row, ADCS_REQUEST_ID), "a");
	assert_string_equal(adcs_field(&c, &row, ADCS_DISPOSITION), "d");
	assert_null(adcs_field(&c, &row, ADCS_REQUESTER));
	assert_null(adcs_field(&c, &row, ADCS_CERTIFICATE));
	assert_null(adcs_field(&c, &row, ADCS_KEY));
	first.fields = internal;
	assert_true(adcs_columns_find(&first, NULL, &c, &err));
	assert_string_equal(adcs_field(&c, &row, ADCS_REQUESTER), "a");
	assert_string_equal(adcs_field(&c, &row, ADCS_KEY), "e");
	first.fields = german;
	first.count = 2;
	assert_false(adcs_columns_find(&first, NULL, &c, &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
	assert_false(adcs_columns_find(
	    &first, "RequestID,RequesterName,RawCertificate,Disposition", &c, &err));
	assert_non_null(strstr(err.msg, "4 names"));
	first.count = 4;
	assert_true(adcs_columns_find(
	    &first, "Disposition, Request.RequestID ,RequesterName,RawCertificate", &c, &err));
	assert_string_equal(adcs_field(&c, &row, ADCS_DISPOSITION), "a");
}

/* Which of two would be meant? */
static void
a_column_is_there_once(void **state)
{
	const char *names[] = {"Request ID", "Request Disposition", "Requester Name",
	    "Binary Certificate", "Issued Request ID"},
		   *cells[] = {"1", "20", "u", "c", "1"};
	struct csv_row first = {.fields = names, .count = 5}, row = {.fields = cells, .count = 5};
	struct adcs_columns c;
	struct err err;

	(void)state;
	assert_true(adcs_columns_find(&first, NULL, &c, &err));
	assert_string_equal(adcs_field(&c, &row, ADCS_REQUEST_ID), "1");
	names[4] = "Request.RequesterName";
	assert_false(adcs_columns_find(&first, NULL, &c, &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
	assert_string_equal(err.msg, "the column RequesterName is there twice");
	assert_false(adcs_columns_find(
	    &first, "RequestID,Disposition,Disposition,RequesterName,RawCertificate", &c, &err));
	assert_string_equal(err.msg, "the column Disposition is there twice");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_read_with_what_is_said_of_them),
	    cmocka_unit_test(dates_are_read_as_they_are_meant),
	    cmocka_unit_test(octets_are_base64_in_lines),
	    cmocka_unit_test(hashes_are_kept_one_a_line),
	    cmocka_unit_test(columns_are_found_by_either_name),
	    cmocka_unit_test(a_column_is_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
