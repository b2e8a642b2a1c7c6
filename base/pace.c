#include "pace.h"

#include <errno.h>
#include <time.h>

#define NS_IN_S INT64_C(1000000000)

static int64_t
thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * NS_IN_S + t.tv_nsec;
}

struct pace
pace_begin(size_t steps, int64_t pauses)
{
	return (struct pace){.steps = steps, .pauses = pauses, .worked_ns = thread_ns()};
}

void
pace_step(struct pace *p)
{
	struct timespec pause;
	int64_t ns;

	if (++p->done < p->steps)
		return;
	ns = (thread_ns() - p->worked_ns) * p->pauses;
	pause = (struct timespec){.tv_sec = ns / NS_IN_S, .tv_nsec = ns % NS_IN_S};
	while (nanosleep(&pause, &pause) == -1 && errno == EINTR)
		;
	p->done = 0;
	p->worked_ns = thread_ns();
}
