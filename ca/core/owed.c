#include "owed.h"

#define RETRY_FIRST_MS   10000
#define RETRY_AT_MOST_MS 600000

static bool
is_out_of_reach(const struct err *why)
{
	return why->code == DIRCA_E_DIRECTORY_UNAVAILABLE;
}

bool
owed_is_due(const struct owed *o, int64_t ms)
{
	return o->due_ms <= ms;
}

void
owed_failed(struct owed *o, const struct err *why, int64_t ms, bool answered)
{
	o->why = *why;
	o->delay_ms = o->delay_ms == 0 ? RETRY_FIRST_MS : 2 * o->delay_ms;
	if (o->delay_ms > RETRY_AT_MOST_MS)
		o->delay_ms = RETRY_AT_MOST_MS;
	o->due_ms = ms + o->delay_ms;
	if (answered)
		owed_answered(o);
}

void
owed_answered(struct owed *o)
{
	if (is_out_of_reach(&o->why))
		o->due_ms = 0;
}

int64_t
owed_wait(const struct owed *o, int64_t ms, int64_t most)
{
	if (o->why.code == ERR_OK || o->due_ms - ms >= most)
		return most;
	return o->due_ms > ms ? o->due_ms - ms : 0;
}
