/*
 * Failures on demand below our own code: the nth call of a wrapped function fails. A test goes
 * through an operation with n = 1, 2, ... until it succeeds untouched: each time before it must say
 * that it failed, and why, and leak nothing (the sanitizers see to that).
 *
 * Functions are wrapped by the linker (--wrap, tests/CMakeLists.txt), OpenSSL by its allocator.
 */
#ifndef SUPPORT_FAULTS_H
#define SUPPORT_FAULTS_H

#include <stdbool.h>
#include <stdlib.h>

#include "err.h"

static int fault_calls; /* since the last fault_arm */
static int fault_at;    /* 0: none fails */

static inline void
fault_arm(int at)
{
	fault_calls = 0;
	fault_at = at;
}

static inline bool
fault_is_due(void)
{
	return fault_at > 0 && ++fault_calls == fault_at;
}

/* Did the call that was to fail come? */
static inline bool
fault_was_reached(void)
{
	return fault_calls >= fault_at;
}

typedef bool fault_operation(void *arg, struct err *err);
/* How many calls failed before the operation went through. A failure that the operation need not
 * notice (it succeeds all the same) is counted too. */
static inline int
fault_each(fault_operation *run, void *arg)
{
	for (int at = 1; at < 100000; at++) {
		struct err err = {0};
		bool ok, reached;

		fault_arm(at);
		ok = run(arg, &err);
		reached = fault_was_reached();
		fault_at = 0;
		if (!ok && !reached)
			fail_msg("without a fault: %s", err.msg);
		if (!ok && (err.code == ERR_OK || err.msg[0] == '\0'))
			fail_msg("call %d failed, and nothing is said about it", at);
		if (!reached)
			return at - 1;
	}
	fail_msg("the operation does not end");
	return 0;
}

#endif
