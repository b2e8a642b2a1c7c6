/*
 * Time. Instants are `int64_t` seconds since 1970-01-01 UTC; Windows FILETIMEs and periods are 100
 * ns units. Decisions never read the clock: they are given `now`.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <pthread.h>
#include <time.h>

#include "buf.h"

int64_t clock_now(void);
/* For durations: milliseconds of the monotonic clock. */
int64_t clock_mono_ms(void);
/* A condition whose pthread_cond_timedwait goes by that clock, until
 * clock_timespec(clock_mono_ms() + wait). */
void clock_cond_init(pthread_cond_t *c);
struct timespec clock_timespec(int64_t ms);
/* For ages: the same, and it goes on while the machine sleeps. */
int64_t clock_boot_ms(void);

/* Notices that somebody set the clock: it moves against the boot clock. */
struct clock_watch {
	int64_t offset_ms; /* of the clock, from the boot clock */
};
/* Less than this is how clocks are kept right, and no step. */
#define CLOCK_STEP_S 10
void clock_watch_begin(struct clock_watch *w);
/* By how many seconds, to the nearest, the clock was set since it was last asked; 0: it was not. */
int64_t clock_watch_step(struct clock_watch *w);

/* 8-byte negative FILETIME delta of pKIExpirationPeriod ([MS-CRTD] 2.11) to whole seconds; false if
 * not 8 bytes or not negative. */
bool period_decode(struct view raw, int64_t *seconds_out);
void period_encode(int64_t seconds, uint8_t out[8]);

/* "2026-11-24T05:22:34Z" */
void clock_format(int64_t when, char out[21]);
bool clock_parse(const char *text, int64_t *when_out);
/* For people: the same instant by the time zone of the process (TZ), "2026-11-24T06:22:34+01:00";
 * an offset of zero is Z. */
#define CLOCK_LOCAL_LEN 26
void clock_local_format(int64_t when, char out[CLOCK_LOCAL_LEN]);
/* And either form back, by whatever offset. */
bool clock_local_parse(const char *text, int64_t *when_out);
/* "Tue, 24 Nov 2026 05:22:34 GMT" (RFC 9110 5.6.7); the older forms are not read. */
#define CLOCK_HTTP_LEN 30
void clock_http_format(int64_t when, char out[CLOCK_HTTP_LEN]);
bool clock_http_parse(const char *text, int64_t *when_out);

#endif
