#include "adcs_values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define SHA1_DIGITS 40

const char *
adcs_value(const char *field)
{
	return field == NULL || *field == '\0' || strcmp(field, "EMPTY") == 0 ? NULL : field;
}

bool
adcs_number(const char *field, int64_t *out, struct err *err)
{
	bool hex = field[0] == '0' && (field[1] == 'x' || field[1] == 'X');
	const char *digits = hex ? field + 2 : field, *end = digits;
	int64_t n = 0;

	while (hex ? isxdigit((unsigned char)*end) : isdigit((unsigned char)*end)) {
		n = n * (hex ? 16 : 10) + text_hex_digit(*end++);
		if (n > UINT32_MAX)
			break;
	}
	*out = n;
	return (end > digits && n <= UINT32_MAX && (*end == '\0' || *end == ' ')) ||
	       err_set(err, ERROR_INVALID_DATA, "a number is wanted");
}

/* ---- dates ---- */

bool
adcs_dates_by_name(const char *name, enum adcs_dates *out)
{
	*out = strcmp(name, "mdy") == 0   ? ADCS_DATES_MDY
	       : strcmp(name, "dmy") == 0 ? ADCS_DATES_DMY
					  : ADCS_DATES_UNKNOWN;
	return *out != ADCS_DATES_UNKNOWN;
}

/* The first three numbers, and what stands between them. */
struct date {
	int numbers[3];
	char separator;
	const char *time; /* behind them */
};

/* At most so many digits, and one at least. */
static bool
take_digits(const char **at, int most, int *out)
{
	int n = 0;

	*out = 0;
	for (; n < most && isdigit((unsigned char)**at); n++)
		*out = *out * 10 + text_hex_digit(*(*at)++);
	return n > 0;
}

static bool
split_date(const char *text, struct date *out)
{
	const char *at = text;

	if (!take_digits(&at, 4, &out->numbers[0]) || *at == '\0' ||
	    strchr("/.-", out->separator = *at++) == NULL ||
	    !take_digits(&at, 2, &out->numbers[1]) || *at++ != out->separator ||
	    !take_digits(&at, 4, &out->numbers[2]))
		return false;
	out->time = at;
	return true;
}

/* "AM", "pm" behind an hour of twelve; nothing. */
static bool
read_half_day(const char *text, struct tm *tm)
{
	bool afternoon = text_eq_nocase(text, "PM");

	if (*text == '\0')
		return true;
	if ((!afternoon && !text_eq_nocase(text, "AM")) || tm->tm_hour < 1 || tm->tm_hour > 12)
		return false;
	tm->tm_hour = tm->tm_hour % 12 + (afternoon ? 12 : 0);
	return true;
}

/* Blanks, and those that Unicode's data have before AM since 2023. */
static const char *
behind_blanks(const char *text)
{
	static const char *const blanks[] = {" ", "\xc2\xa0", "\xe2\x80\xaf"};

	for (size_t i = 0; i < COUNT_OF(blanks); i++)
		while (strncmp(text, blanks[i], strlen(blanks[i])) == 0)
			text += strlen(blanks[i]);
	return text;
}

/* " 9:41 AM", " 09:41:07", "" */
static bool
read_time(const char *text, struct tm *tm)
{
	const char *at = behind_blanks(text);

	if (*at == '\0')
		return true;
	if (at == text || !take_digits(&at, 2, &tm->tm_hour) || *at++ != ':' ||
	    !take_digits(&at, 2, &tm->tm_min))
		return false;
	if (*at == ':' && (at++, !take_digits(&at, 2, &tm->tm_sec)))
		return false;
	return read_half_day(behind_blanks(at), tm);
}

static bool
order_date(const struct date *d, enum adcs_dates order, struct tm *tm)
{
	const int *n = d->numbers;

	if (order == ADCS_DATES_UNKNOWN && d->separator == '.')
		order = ADCS_DATES_DMY;
	if (n[0] >= 1000) {
		tm->tm_year = n[0] - 1900;
		tm->tm_mon = n[1] - 1;
		tm->tm_mday = n[2];
		return true;
	}
	tm->tm_year = n[2] - 1900;
	tm->tm_mon = n[order == ADCS_DATES_MDY ? 0 : 1] - 1;
	tm->tm_mday = n[order == ADCS_DATES_MDY ? 1 : 0];
	return order != ADCS_DATES_UNKNOWN;
}

/* mktime would take the 31st of June for the first of July. */
static bool
make_time(struct tm tm, int64_t *out)
{
	struct tm is = tm;

	is.tm_isdst = -1;
	*out = mktime(&is);
	return tm.tm_year >= 70 && tm.tm_year < 300 && is.tm_mon == tm.tm_mon &&
	       is.tm_mday == tm.tm_mday && tm.tm_hour < 24 && tm.tm_min < 60 && tm.tm_sec < 60 &&
	       *out > 0;
}

bool
adcs_date(const char *field, enum adcs_dates order, int64_t *out, struct err *err)
{
	struct tm tm = {0};
	struct date d;

	*out = 0;
	if (!split_date(field, &d) || !read_time(d.time, &tm))
		return err_set(err, ERROR_INVALID_DATA, "a date is wanted");
	if (!order_date(&d, order, &tm))
		return err_set(err, ERROR_INVALID_DATA,
		    "whether day or month comes first in a date cannot be seen: --dates says it");
	return make_time(tm, out) || err_set(err, ERROR_INVALID_DATA, "there is no such date");
}

/* ---- octets ---- */

bool
adcs_octets(const char *field, struct buf *out, struct err *err)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	const char *from = strstr(field, begin), *until;

	*out = (struct buf){0};
	if (from == NULL)
		return base64_decode(view_str(field), out, err);
	from = strstr(from + strlen(begin), "-----");
	until = from != NULL ? strstr(from, end) : NULL;
	if (until == NULL)
		return err_set(err, ERROR_INVALID_DATA, "its base64 has no end");
	from += strlen("-----");
	return base64_decode(view_of(from, (size_t)(until - from)), out, err);
}

bool
adcs_hashes(const char *field, char **out, struct err *err)
{
	OWNED(own_memory) char *digits = mem_zero(strlen(field) + 1, 1);
	OWNED(own_memory) char *list = mem_text("");
	size_t n = 0;

	*out = NULL;
	for (const char *p = field; *p != '\0'; p++) {
		if (isxdigit((unsigned char)*p))
			digits[n++] = *p;
		else if (strchr(" \t\r\n:,;\"", *p) == NULL)
			return err_set(err, ERROR_INVALID_DATA, "SHA-1 hashes are wanted");
	}
	if (n == 0 || n % SHA1_DIGITS != 0)
		return err_set(err, ERROR_INVALID_DATA, "SHA-1 hashes are wanted");
	for (size_t at = 0; at < n; at += SHA1_DIGITS) {
		OWNED(own_memory) char *one = mem_text_n(digits + at, SHA1_DIGITS);
		OWNED(own_memory) char *line = NULL;
		OWNED(buf_free) struct buf hash = {0};

		if (!hex_decode(one, &hash, err))
			return false;
		line = hex_encode(buf_view(&hash), ' ');
		text_list_add(&list, "\n", line);
	}
	*out = own_give(&list);
	return true;
}
