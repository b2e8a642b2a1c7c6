/*
 * When the directory is tried again with what it did not take. Pure: the clock is passed in
 * (clock_mono_ms).
 */
#ifndef CORE_OWED_H
#define CORE_OWED_H

#include "err.h"

#include <stdint.h>

struct owed {
	int64_t due_ms, delay_ms; /* 0 while nothing fails */
	struct err why;           /* of the last failure; ERR_OK: none */
};

bool owed_is_due(const struct owed *o, int64_t ms);
/* A try failed that was begun at `ms`: due again after 10 s, then after twice as long each time, at
 * most 10 minutes; or at once if `answered`, that is the directory that could not be reached has
 * answered since the try was begun. */
void owed_failed(struct owed *o, const struct err *why, int64_t ms, bool answered);
/* The directory answers: what failed because it could not be reached is due. Delays stay, so that
 * one that comes and goes is not asked more and more often. */
void owed_answered(struct owed *o);
/* Milliseconds until it is due, at most `most`. */
int64_t owed_wait(const struct owed *o, int64_t ms, int64_t most);

#endif
