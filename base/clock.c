#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#define TICKS_PER_SECOND 10000000

int64_t
clock_now(void)
{
	return (int64_t)time(NULL);
}

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void
clock_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

struct timespec
clock_timespec(int64_t ms)
{
	return (struct timespec){ms / 1000, ms % 1000 * 1000000};
}

int64_t
clock_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

/* Several looks at most: between two of its readings a busy machine may let others run. */
#define OFFSET_LOOKS 8

static int64_t
clock_offset_ms(void)
{
	int64_t offset = 0, best = INT64_MAX;

	for (int i = 0; i < OFFSET_LOOKS && best > 1; i++) {
		int64_t before = clock_boot_ms(), now = clock_ms(CLOCK_REALTIME),
			gap = clock_boot_ms() - before;

		if (gap < best) {
			best = gap;
			offset = now - before - gap / 2;
		}
	}
	return offset;
}

void
clock_watch_begin(struct clock_watch *w)
{
	w->offset_ms = clock_offset_ms();
}

int64_t
clock_watch_step(struct clock_watch *w)
{
	int64_t before = w->offset_ms, moved, step;

	clock_watch_begin(w);
	moved = w->offset_ms - before;
	step = (moved + (moved < 0 ? -500 : 500)) / 1000;
	return step > -CLOCK_STEP_S && step < CLOCK_STEP_S ? 0 : step;
}

bool
period_decode(struct view raw, int64_t *seconds_out)
{
	uint64_t ticks;
	int64_t delta;

	if (raw.len != 8 || !bytes_get_u64le(&raw, &ticks))
		return false;
	memcpy(&delta, &ticks, sizeof delta);
	if (delta >= 0 || delta == INT64_MIN)
		return false;
	*seconds_out = -delta / TICKS_PER_SECOND;
	return true;
}

void
period_encode(int64_t seconds, uint8_t out[8])
{
	int64_t delta;
	uint64_t ticks;

	/* Longer than the format can say: the longest that it can. */
	if (__builtin_mul_overflow(seconds, -(int64_t)TICKS_PER_SECOND, &delta))
		delta = -INT64_MAX;
	ticks = (uint64_t)delta;

	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(ticks >> (8 * i));
}

#define ISO_FORM   "%Y-%m-%dT%H:%M:%SZ"
#define LOCAL_FORM "%Y-%m-%dT%H:%M:%S"
#define HTTP_FORM  "%a, %d %b %Y %H:%M:%S GMT"

void
clock_format(int64_t when, char out[21])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, 21, ISO_FORM, &tm) != 20)
		strcpy(out, "?");
}

void
clock_http_format(int64_t when, char out[CLOCK_HTTP_LEN])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, CLOCK_HTTP_LEN, HTTP_FORM, &tm) != CLOCK_HTTP_LEN - 1)
		strcpy(out, "?");
}

static bool
read_instant(const char *text, const char *form, int64_t *out)
{
	struct tm tm = {0};
	const char *end = strptime(text, form, &tm);

	if (end == NULL || *end != '\0')
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

/* strptime takes blanks, short numbers and the 30th of February: what is written otherwise is none.
 */
bool
clock_parse(const char *text, int64_t *when_out)
{
	char again[21];
	int64_t when;

	if (!read_instant(text, ISO_FORM, &when))
		return false;
	clock_format(when, again);
	if (strcmp(text, again) != 0)
		return false;
	*when_out = when;
	return true;
}

#define OFFSET_LEN 6 /* "+01:00" */

void
clock_local_format(int64_t when, char out[CLOCK_LOCAL_LEN])
{
	time_t t = (time_t)when;
	char local[CLOCK_LOCAL_LEN];
	struct tm tm;
	long minutes;

	clock_format(when, out);
	if (localtime_r(&t, &tm) == NULL || (minutes = tm.tm_gmtoff / 60) == 0 ||
	    tm.tm_gmtoff % 60 != 0 ||
	    strftime(local, sizeof local, LOCAL_FORM, &tm) != CLOCK_LOCAL_LEN - 1 - OFFSET_LEN)
		return;
	snprintf(out, CLOCK_LOCAL_LEN, "%.19s%c%02d:%02d", local, minutes < 0 ? '-' : '+',
	    abs((int)minutes) / 60 % 100, abs((int)minutes) % 60);
}

/* Two digits, of a number up to `max`; -1: they are none. */
static int
read_pair(const char *text, int max)
{
	int n;

	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	n = (text[0] - '0') * 10 + (text[1] - '0');
	return n <= max ? n : -1;
}

/* "+01:00", which is OFFSET_LEN long. */
static bool
read_offset(const char *text, int64_t *seconds_out)
{
	int hours = read_pair(text + 1, 23), minutes = read_pair(text + 4, 59);

	if ((text[0] != '+' && text[0] != '-') || text[3] != ':' || hours < 0 || minutes < 0)
		return false;
	*seconds_out = (int64_t)(hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
	return true;
}

bool
clock_local_parse(const char *text, int64_t *when_out)
{
	char utc[21];
	int64_t offset;

	if (strlen(text) != CLOCK_LOCAL_LEN - 1)
		return clock_parse(text, when_out);
	if (!read_offset(text + CLOCK_LOCAL_LEN - 1 - OFFSET_LEN, &offset))
		return false;
	snprintf(utc, sizeof utc, "%.19sZ", text);
	if (!clock_parse(utc, when_out))
		return false;
	*when_out -= offset;
	return true;
}

bool
clock_http_parse(const char *text, int64_t *when_out)
{
	char again[CLOCK_HTTP_LEN];
	int64_t when;

	if (!read_instant(text, HTTP_FORM, &when))
		return false;
	clock_http_format(when, again);
	if (strcmp(text, again) != 0)
		return false;
	*when_out = when;
	return true;
}
