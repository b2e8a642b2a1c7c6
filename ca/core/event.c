#include "event.h"

#include "ca_priv.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "own.h"

void
ca_event_log(enum event_id id, const char *const values[EVENT_VALUES_MAX])
{
	static const enum log_level levels[] = {[EVENT_LEVEL_ERROR] = LOG_LEVEL_ERROR,
	    [EVENT_LEVEL_WARNING] = LOG_LEVEL_WARN,
	    [EVENT_LEVEL_INFORMATION] = LOG_LEVEL_DEBUG};
	const struct event_kind *kind = event_kind(id);
	OWNED(own_memory) char *text = event_text(kind, values);
	enum log_level level = levels[kind->level];

	/* What a client can bring about is no error of the CA. */
	if (kind->category == EVENT_CATEGORY_REQUEST && level == LOG_LEVEL_ERROR)
		level = LOG_LEVEL_WARN;
	LOG_AT(level, kind->title, LOG_INT("event_id", id), LOG_STR("text", text));
}

bool
ca_event_keep(struct store_tx *tx, struct ca *ca, enum event_id id, int64_t when,
    int64_t request_id, const char *const values[EVENT_VALUES_MAX], struct err *err)
{
	struct event_record e = {.when = when, .number = id, .request_id = request_id};
	bool ok;

	if ((int64_t)event_kind(id)->level > ca->state->log_level)
		return true;
	for (size_t i = 0; i < EVENT_VALUES_MAX; i++)
		e.values[i] = mem_text(values[i]);
	ok = store_add_event(tx, &e, ca->state->events_kept, err);
	event_record_free(&e);
	return ok;
}

struct raised {
	struct ca *ca;
	enum event_id id;
	int64_t when, request_id;
	const char *const *values;
};

static bool
keep(struct store_tx *tx, void *arg, struct err *err)
{
	const struct raised *r = arg;

	return ca_event_keep(tx, r->ca, r->id, r->when, r->request_id, r->values, err);
}

void
ca_event_raise(
    struct ca *ca, enum event_id id, int64_t request_id, const char *const values[EVENT_VALUES_MAX])
{
	struct raised raised = {
	    .ca = ca, .id = id, .when = clock_now(), .request_id = request_id, .values = values};
	struct err err;

	ca_event_log(id, values);
	if (!store_do(ca->store, keep, &raised, &err))
		log_error("event not kept", LOG_INT("event_id", id), LOG_REASON(&err));
}
