/*
 * Time. Instants are `int64_t` seconds since 1970-01-01 UTC; Windows FILETIMEs and periods are 100
 * ns units. Decisions never read the clock: they are given `now`.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "buf.h"

int64_t clock_now(void);
/* For durations: milliseconds of the monotonic clock. */
int64_t clock_mono_ms(void);

/* 8-byte negative FILETIME delta of pKIExpirationPeriod ([MS-CRTD] 2.11) to whole seconds; false if
 * not 8 bytes or not negative. */
bool period_decode(struct view raw, int64_t *seconds_out);
void period_encode(int64_t seconds, uint8_t out[8]);

/* "2026-11-24T05:22:34Z" */
void clock_format(int64_t when, char out[21]);
bool clock_parse(const char *text, int64_t *when_out);

#endif
