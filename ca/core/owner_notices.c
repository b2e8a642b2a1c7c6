#include "owner_notices.h"

#include <stdlib.h>

#include "audit.h"
#include "event.h"
#include "log.h"
#include "own.h"
#include "text.h"

#define TOLD_BY    "dircad"
#define GIVEN_UP_S (3 * INT64_C(86400))
#define OFFICER_AT 1 /* among the values of these events (case_event) */
#define OWNER_AT   2

struct outcome {
	struct ca *ca;
	const struct store_owner_notice *notice;
	bool ends;
	struct ca_audit audit;
	const struct ca_event *event; /* NULL: he was told */
};

static bool
write_outcome(struct store_tx *tx, void *arg, struct err *err)
{
	const struct outcome *o = arg;
	int64_t id = o->notice->event.row_id;

	return (o->ends ? store_end_owner_notice(tx, id, err)
			: store_fail_owner_notice(tx, id, err)) &&
	       ca_audit(tx, &o->audit, err) &&
	       (o->event == NULL || ca_event_keep(tx, o->ca, o->event, err));
}

/* `why` NULL: he was told. */
static bool
record(struct ca *ca, const struct store_owner_notice *notice, bool ends, const char *how,
    const struct err *why, int64_t now, struct err *err)
{
	const struct event_record *e = &notice->event;
	OWNED(own_memory) char *object = text_printf("case %s", e->values[0]);
	OWNED(own_memory)
	char *detail = text_printf("event=%lld%s by=%s%s%s", (long long)e->number,
	    why != NULL && ends ? " given-up" : "", how, why != NULL ? " why=" : "",
	    why != NULL ? why->msg : "");
	OWNED(own_memory) char *reason = why != NULL ? event_error(why) : NULL;
	const struct ca_event raised = {.id = EVENT_OWNER_NOT_TOLD,
	    .when = now,
	    .request_id = e->request_id,
	    .values = {e->values[0], e->values[OFFICER_AT], e->values[OWNER_AT], reason}};
	struct outcome o = {.ca = ca,
	    .notice = notice,
	    .ends = ends,
	    .audit = {.when = now,
		.event = AUDIT_OWNER_TOLD,
		.status = why != NULL ? why->code : ERR_OK,
		.actor = TOLD_BY,
		.request_id = e->request_id,
		.object = object,
		.detail = detail},
	    .event = why != NULL ? &raised : NULL};

	if (!store_do(ca->store, write_outcome, &o, err)) {
		log_error("whether an owner was told is not recorded",
		    LOG_INT("request_id", e->request_id), LOG_REASON(err));
		return false;
	}
	if (o.event != NULL)
		ca_event_tell(ca, o.event);
	return true;
}

/* True: it is over, and recorded. */
static bool
try_one(struct ca *ca, const struct store_owner_notice *notice, int64_t now, bool *stop_out,
    owner_tell *tell, void *arg, struct err *err)
{
	OWNED(own_memory) char *how = NULL;
	struct err why = {0};
	enum owner_told told = tell(&notice->event, &how, arg, &why);
	const char *by = how != NULL ? how : "-";
	bool ends = told != OWNER_UNTOLD || now - notice->event.when > GIVEN_UP_S;

	*stop_out = told == OWNER_INTERRUPTED;
	*err = why;
	if (*stop_out || (!ends && notice->failed))
		return false;
	return record(ca, notice, ends, by, told == OWNER_TOLD ? NULL : &why, now, err) && ends;
}

void
ca_tell_owners(
    struct ca *ca, struct owner_notices *n, int64_t now, int64_t ms, owner_tell *tell, void *arg)
{
	bool again = owed_is_due(&n->owed, ms), stop = false;
	struct err failed = {0};
	int64_t at = again ? 0 : n->tried;

	while (!stop) {
		OWNED(store_owner_notice_free) struct store_owner_notice notice = {0};
		struct err err = {0};
		enum store_find found = store_next_owner_notice(ca->store, at, &notice, &err);

		if (found == STORE_FAILED)
			failed = err;
		if (found != STORE_FOUND)
			break;
		at = notice.event.row_id;
		if (!try_one(ca, &notice, now, &stop, tell, arg, &err))
			failed = err;
		if (at > n->tried)
			n->tried = at;
	}
	if (failed.code != ERR_OK)
		owed_failed(&n->owed, &failed, ms, false);
	else if (again)
		n->owed = (struct owed){0};
}
