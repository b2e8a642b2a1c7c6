/* What becomes of requests, as events. */
#include "enroll_priv.h"

#include <stdlib.h>

#include "event.h"
#include "mem.h"
#include "own.h"
#include "text.h"

struct told {
	enum event_id id;
	char *request, *error;
	const char *values[EVENT_VALUES_MAX];
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
tell(const struct enroll_event *e)
{
	struct told t = {
	    .id = event_of(e), .request = text_printf("%lld", (long long)e->request_id)};
	const char *who = e->row->requester_name;

	if (e->reason == NULL) {
		t.values[0] = t.request;
		t.values[1] = who;
		return t;
	}
	t.error = event_error(e->reason);
	t.values[0] = t.request;
	t.values[1] = t.error;
	t.values[2] = who;
	t.values[3] = e->info;
	return t;
}

bool
enroll_event_keep(
    struct store_tx *tx, struct ca *ca, const struct enroll_event *e, int64_t now, struct err *err)
{
	OWNED(told_free) struct told t = tell(e);

	return ca_event_keep(tx, ca, t.id, now, e->request_id, t.values, err);
}

void
enroll_event_log(const struct enroll_event *e)
{
	OWNED(told_free) struct told t = tell(e);

	ca_event_log(t.id, t.values);
}

void
enroll_event_raise(struct ca *ca, const struct enroll_event *e)
{
	OWNED(told_free) struct told t = tell(e);

	ca_event_raise(ca, t.id, e->request_id, t.values);
}
