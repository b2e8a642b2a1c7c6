/*
 * How much each requester may have the CA store in an hour, so that nobody fills its disk alone. A
 * table of fixed size in memory: a restart begins anew, and where more requesters ask in an hour
 * than it holds, those that asked least are forgotten first. Thread-safe.
 */
#ifndef CORE_QUOTA_H
#define CORE_QUOTA_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define QUOTA_SLOTS     1024
#define QUOTA_WINDOW_MS 3600000

struct quota;
struct quota_limits {
	int64_t requests, bytes; /* in an hour; 0: no limit */
};
/* What became of a request. */
struct quota_verdict {
	int64_t retry_after_s;   /* of a refused one */
	int64_t left_out;        /* refused ones of this requester in its hour, this one included */
	int64_t left_out_before; /* of one that is taken: in its hour before; told once */
};

struct quota *quota_new(void);
void quota_free(struct quota **quota);
/* Counts a request of `bytes` of this requester (SID, or name without one). DIRCA_E_QUOTA if it is
 * one too many: then it is not counted against the limits. `now_ms` is clock_mono_ms(). */
bool quota_take(struct quota *quota, const char *requester, int64_t now_ms, int64_t bytes,
    const struct quota_limits *limits, struct quota_verdict *out, struct err *err);

#endif
