#include "event.h"

#include "ca_priv.h"
#include "log.h"
#include "mem.h"
#include "notices.h"
#include "own.h"

static void
log_event(enum event_id id, const char *const values[EVENT_VALUES_MAX])
{
	static const enum log_level levels[] = {[EVENT_LEVEL_ERROR] = LOG_LEVEL_ERROR,
	    [EVENT_LEVEL_WARNING] = LOG_LEVEL_WARN,
	    [EVENT_LEVEL_INFORMATION] = LOG_LEVEL_DEBUG};
	const struct event_kind *kind = event_kind(id);
	OWNED(own_memory) char *text = NULL;
	enum log_level level = levels[kind->level];

	/* What a client can bring about is no error of the CA. */
	if (kind->category == EVENT_CATEGORY_REQUEST && level == LOG_LEVEL_ERROR)
		level = LOG_LEVEL_WARN;
	if (!log_wants(level))
		return;
	text = event_text(kind, values);
	LOG_AT(level, kind->title, LOG_INT("event_id", id), LOG_STR("text", text));
}

/* The values are copied; event_record_free. */
static struct event_record
record_of(const struct ca_event *e)
{
	struct event_record r = {.when = e->when, .number = e->id, .request_id = e->request_id};

	for (size_t i = 0; i < EVENT_VALUES_MAX; i++)
		r.values[i] = mem_text(e->values[i]);
	return r;
}

void
ca_event_tell(struct ca *ca, const struct ca_event *e)
{
	log_event(e->id, e->values);
	if (notices_wanted(ca))
		notices_push(ca, record_of(e), e->waited);
}

bool
ca_event_keep(struct store_tx *tx, struct ca *ca, const struct ca_event *e, struct err *err)
{
	OWNED(event_record_free) struct event_record record = record_of(e);

	if (owner_has_to_be_told(ca->config, e->id, e->waited) &&
	    !store_add_owner_notice(tx, &record, err))
		return false;
	return (int64_t)event_kind(e->id)->level > ca->state->log_level ||
	       store_add_event(tx, &record, ca->state->events_kept, err);
}

struct raised {
	struct ca *ca;
	const struct ca_event *event;
};

static bool
keep(struct store_tx *tx, void *arg, struct err *err)
{
	const struct raised *r = arg;

	return ca_event_keep(tx, r->ca, r->event, err);
}

void
ca_event_raise(struct ca *ca, const struct ca_event *e)
{
	struct raised raised = {ca, e};
	struct err err;

	ca_event_tell(ca, e);
	if (!store_do(ca->store, keep, &raised, &err))
		log_error("event not kept", LOG_INT("event_id", e->id), LOG_REASON(&err));
}
