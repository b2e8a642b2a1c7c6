/*
 * A clock that stands while anybody on this machine waits for a processor or a disk, as quiet_ms of
 * tests/support/checks.sh: whoever is held to a time by it may be slow only by waiting for
 * something else. Static, so that each test program includes it.
 */
#ifndef QUIET_H
#define QUIET_H

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"

/* The number after so many words of the file's first line, with a name and = before it or not. */
static inline bool
quiet_number(const char *file, int words, int64_t *out)
{
	FILE *f = fopen(file, "r");
	bool ok = f != NULL;

	for (int i = 0; ok && i < words; i++)
		ok = fscanf(f, "%*s") != EOF;
	ok = ok && fscanf(f, " %*[a-z=]") != EOF && fscanf(f, "%" SCNd64, out) == 1;
	if (f != NULL)
		fclose(f);
	return ok;
}

static inline int64_t
quiet_ms(void)
{
	int64_t cpu_us, io_us, stolen_cs, now = clock_mono_ms();

	if (!quiet_number("/proc/pressure/cpu", 4, &cpu_us) ||
	    !quiet_number("/proc/pressure/io", 4, &io_us) ||
	    !quiet_number("/proc/stat", 8, &stolen_cs))
		return now / 10;
	return now - (cpu_us + io_us) / 1000 - stolen_cs * 10;
}

#endif
