/*
 * Long work beside which others should not become slow: from time to time it sleeps, several times
 * as long as its thread has worked since. So it has a fixed part of one processor at most, however
 * busy they are, and ends in a time that does not depend on who else wants one.
 */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace {
	size_t steps;      /* of one stretch of work */
	int64_t pauses;    /* the sleep by the work before it */
	size_t done;       /* steps of this stretch */
	int64_t worked_ns; /* of the thread, when it began */
};
/* By the thread that works. */
struct pace pace_begin(size_t steps, int64_t pauses);
/* After each step. */
void pace_step(struct pace *p);

#endif
