/* What becomes of requests, as events. */
#include "enroll_priv.h"

#include <stdlib.h>

#include "event.h"
#include "mem.h"
#include "own.h"
#include "text.h"

struct told {
	struct ca_event event;
	char *request, *error;
};

static void
told_free(struct told *t)
{
	free(t->request);
	free(t->error);
}

static enum event_id
event_of(const struct enroll_event *e)
{
	if (e->reason == NULL)
		return e->row->disposition == DISP_PENDING ? EVENT_REQUEST_PENDING
							   : EVENT_REQUEST_ISSUED;
	if (e->is_denial)
		return EVENT_REQUEST_DENIED;
	return e->info != NULL ? EVENT_REQUEST_FAILED_WITH_INFO : EVENT_REQUEST_FAILED;
}

static struct told
tell(const struct enroll_event *e, int64_t now)
{
	struct told t = {.event = {.id = event_of(e),
			     .when = now,
			     .request_id = e->request_id,
			     .waited = e->waited},
	    .request = text_printf("%lld", (long long)e->request_id)};
	const char **values = t.event.values, *who = e->row->requester_name;

	values[0] = t.request;
	if (e->reason == NULL) {
		values[1] = who;
		return t;
	}
	t.error = event_error(e->reason);
	values[1] = t.error;
	values[2] = who;
	values[3] = e->info;
	return t;
}

bool
enroll_event_keep(
    struct store_tx *tx, struct ca *ca, const struct enroll_event *e, int64_t now, struct err *err)
{
	OWNED(told_free) struct told t = tell(e, now);

	return ca_event_keep(tx, ca, &t.event, err);
}

void
enroll_event_tell(struct ca *ca, const struct enroll_event *e, int64_t now)
{
	OWNED(told_free) struct told t = tell(e, now);

	ca_event_tell(ca, &t.event);
}

void
enroll_event_raise(struct ca *ca, const struct enroll_event *e)
{
	OWNED(told_free) struct told t = tell(e, clock_now());

	ca_event_raise(ca, &t.event);
}
