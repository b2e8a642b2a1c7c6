/* What certificate managers do with recovery cases, and what the clock does. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "clock.h"
#include "match.h"
#include "mem.h"
#include "own.h"
#include "own_request.h"
#include "person.h"
#include "printable.h"
#include "recover_priv.h"
#include "text.h"

#define NOTE_MOST   400
#define HOUR        INT64_C(3600)
#define CLOCK_ACTOR "dircad"
#define DUE_AT_ONCE 100
/* Of who may not see all: each key of each case is looked at. */
#define RESTRICTED_PAGE 100

/* ---- what is said of a case ---- */

char *
case_text(int64_t case_id)
{
	return text_printf("case %lld", (long long)case_id);
}

const struct ca_event *
case_event(struct case_event *e)
{
	const struct store_case *c = e->c;

	snprintf(e->number, sizeof e->number, "%lld", (long long)e->case_id);
	e->raised = (struct ca_event){.id = e->id,
	    .when = e->now,
	    .request_id = e->request_id,
	    .waited = e->tell_owner,
	    .values = {e->number, e->officer != NULL ? e->officer->downlevel : c->opened_by,
		c->owner_name, e->last}};
	return &e->raised;
}

/* "reason=lost ticket=INC-7 requests=3,5": for the trail. A note comes last, and cannot pass for
 * one of the words: neither a ticket nor a name of ours holds a blank. */
static char *
audit_text(const struct store_case *c)
{
	OWNED(own_memory) char *requests = mem_text("");

	for (size_t i = 0; i < c->key_count; i++) {
		char id[24];

		snprintf(id, sizeof id, "%lld", (long long)c->keys[i].request_id);
		text_list_add(&requests, ",", id);
	}
	return text_printf("reason=%s ticket=%s requests=%s approver=%s opener=%s owner=%s%s%s",
	    case_reason_name(c->reason), c->ticket != NULL ? c->ticket : "-", requests,
	    c->needs_approver ? "needed" : "-", c->opened_by,
	    c->owner_name != NULL ? c->owner_name : "-", c->note != NULL ? " note=" : "",
	    c->note != NULL ? c->note : "");
}

bool
case_audit(struct store_tx *tx, enum audit_event event, const char *actor,
    const struct store_case *c, const char *why, int64_t now, struct err *err)
{
	OWNED(own_memory) char *object = case_text(c->case_id);
	OWNED(own_memory) char *text = audit_text(c);
	OWNED(own_memory)
	char *detail = why != NULL ? text_printf("%s why=%s", text, why) : mem_text(text);
	const struct ca_audit a = {.when = now,
	    .event = event,
	    .actor = actor,
	    .request_id = c->key_count == 1 ? c->keys[0].request_id : 0,
	    .object = object,
	    .detail = detail};

	return ca_audit(tx, &a, err);
}

void
case_audit_refusal(struct ca *ca, enum audit_event event, const struct principal *officer,
    int64_t case_id, int64_t now, struct err *reason)
{
	OWNED(own_memory) char *object = case_id != 0 ? case_text(case_id) : NULL;
	const struct ca_audit a = {
	    .when = now, .event = event, .actor = officer->downlevel, .object = object};

	ca_audit_refusal(ca, &a, reason);
}

/* ---- who may ---- */

bool
case_must_be(enum store_find found, int64_t case_id, struct err *err)
{
	return found == STORE_FOUND ||
	       (found == STORE_NOT_FOUND &&
		   err_set(err, CRYPT_E_NOT_FOUND, "there is no recovery case %lld",
		       (long long)case_id));
}

enum case_actor
case_actor_of(const struct store_case *c, const struct principal *officer)
{
	return own_is_recorded_as(officer, c->opened_by_sid, c->opened_by) ? CASE_OPENER
									   : CASE_ANOTHER;
}

bool
case_officer_view(
    struct ca *ca, const struct principal *officer, struct ca_view **out, struct err *err)
{
	*out = ca_view_get(ca);
	return recover_check_fresh(*out, err) &&
	       ca_check_right(*out, officer, CA_RIGHT_OFFICER, err);
}

/* As recover_blob would ask of each of its keys. */
static bool
check_keys(struct ca *ca, const struct ca_view *view, const struct principal *officer,
    const struct store_case *c, bool decides, struct err *err)
{
	for (size_t i = 0; i < c->key_count; i++) {
		OWNED(store_request_free) struct store_request row = {0};

		if (!ca_get_row(ca, c->keys[i].request_id, &row, err) ||
		    !ca_check_officer(ca, view, officer, &row, err) ||
		    (decides && !own_check_row(ca, officer, &row, err)))
			return false;
	}
	return true;
}

/* Who counts through the numbers learns of nobody that his keys are recovered. */
static bool
refuse_unseen(const struct principal *who, int64_t case_id, struct err *err)
{
	return err->code != CERTSRV_E_RESTRICTEDOFFICER
		   ? false
		   : err_set(err, CERTSRV_E_RESTRICTEDOFFICER,
			 "%s may not act for whom recovery case %lld is about (dircaOfficerRights)",
			 who->downlevel, (long long)case_id);
}

bool
case_check_note(const char *note, const char *what, struct err *err)
{
	uint32_t bad;

	if (note == NULL)
		return true;
	return (*note != '\0' && strlen(note) <= NOTE_MOST &&
		   printable_text(view_str(note), &bad)) ||
	       err_set(err, E_INVALIDARG,
		   "%s has 1 to %d bytes that can be shown in one line, and this one has not", what,
		   NOTE_MOST);
}

/* ---- the clock ---- */

static bool
end_due(struct store_tx *tx, struct store_case *c, int64_t now, struct err *err)
{
	static char nobody[] = CLOCK_ACTOR;
	enum case_state from = c->state, to;
	struct store_case moved = *c;

	if (!case_step(c, CASE_EXPIRE, CASE_CLOCK, &to, err))
		return false;
	moved.state = to;
	moved.ended_by = nobody;
	moved.ended_when = now;
	moved.ended_why = NULL;
	return store_move_case(tx, &moved, from, err) &&
	       case_audit(tx, AUDIT_CASE_EXPIRED, CLOCK_ACTOR, c, NULL, now, err);
}

bool
case_check_due(const struct store_case *c, int64_t now, struct err *err)
{
	char until[21];

	if (c->state != CASE_EXPIRED && !case_is_due(c, now))
		return true;
	clock_format(c->usable_until, until);
	return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
	    "recovery case %lld ended at %s, when its time had passed; `dirca case open` opens "
	    "another",
	    (long long)c->case_id, until);
}

struct tending {
	const struct store_cases *due;
	int64_t now;
};

static bool
write_tending(struct store_tx *tx, void *arg, struct err *err)
{
	const struct tending *t = arg;

	for (size_t i = 0; i < t->due->count; i++) {
		OWNED(store_case_free) struct store_case c = {0};

		if (store_case_now(tx, t->due->list[i].case_id, &c, err) == STORE_FAILED ||
		    (case_is_due(&c, t->now) && !end_due(tx, &c, t->now, err)))
			return false;
	}
	return store_see_cases(tx, t->now, err);
}

bool
recover_cases_tend(struct ca *ca, int64_t now, struct err *err)
{
	const struct store_case_filter filter = {.due_at = now, .limit = DUE_AT_ONCE};
	OWNED(store_cases_free) struct store_cases due = {0};
	struct tending t = {&due, now};

	return (store_list_cases(ca->store, &filter, &due, err) &&
		   store_do(ca->store, write_tending, &t, err)) ||
	       err_prefix(err, "ending recovery cases");
}

/* ---- decisions ---- */

static enum audit_event
event_of(enum case_act act)
{
	return act == CASE_APPROVE ? AUDIT_CASE_APPROVED
	       : act == CASE_DENY  ? AUDIT_CASE_DENIED
	       : act == CASE_CLOSE ? AUDIT_CASE_CLOSED
				   : AUDIT_KEY_RECEIVED;
}

struct deciding;
/* Writes the act that leads to that state. */
typedef bool decision_write(
    struct store_tx *tx, struct deciding *d, enum case_state to, struct err *err);

struct deciding {
	struct ca *ca;
	const struct ca_view *view;
	const struct principal *officer;
	const struct case_decision *in;
	int64_t case_id, now;
	const char *serial; /* of CASE_RECEIVE, as the next */
	int64_t request_id; /* 0: whichever has the serial number */
	struct err late;    /* what was refused since its time had passed, which is written down */
	struct case_event event;
	struct store_case c;
	decision_write *write;
};

static void
deciding_free(struct deciding *d)
{
	store_case_free(&d->c);
}

/* `moved` borrows. */
static bool
move_case(
    struct store_tx *tx, struct deciding *d, enum case_state to, const char *why, struct err *err)
{
	struct store_case moved = d->c;
	OWNED(own_memory) char *reason = mem_text(why);
	char sid[SID_TEXT_MAX];

	moved.state = to;
	moved.seen_when = d->now > d->c.seen_when ? d->now : d->c.seen_when;
	if (to == CASE_OPEN) {
		moved.approved_by = d->officer->downlevel;
		moved.approved_by_sid = principal_sid_text(d->officer, sid);
		moved.approved_when = d->now;
		moved.usable_until =
		    d->now + HOUR * d->view->settings.num[SETTING_RECOVERY_FETCH_HOURS];
	} else {
		moved.ended_by = d->officer->downlevel;
		moved.ended_when = d->now;
		moved.ended_why = reason;
	}
	return store_move_case(tx, &moved, d->c.state, err);
}

/* True, with d->late, if it ended just now. */
static bool
take_case(struct store_tx *tx, struct deciding *d, enum case_state *to, struct err *err)
{
	enum case_actor actor;

	store_case_free(&d->c);
	if (!case_must_be(store_case_now(tx, d->case_id, &d->c, err), d->case_id, err))
		return false;
	if (!case_check_due(&d->c, d->now, &d->late))
		return !case_is_due(&d->c, d->now) || end_due(tx, &d->c, d->now, err);
	actor = case_actor_of(&d->c, d->officer);
	return case_step(&d->c, d->in->act, actor, to, err) &&
	       (d->in->act != CASE_APPROVE || case_check_clock(&d->c, d->now, err));
}

static bool
write_decision(struct store_tx *tx, struct deciding *d, enum case_state to, struct err *err)
{
	if (!move_case(tx, d, to, d->in->why, err) ||
	    !case_audit(
		tx, event_of(d->in->act), d->officer->downlevel, &d->c, d->in->why, d->now, err))
		return false;
	d->event = (struct case_event){
	    .id = d->in->act == CASE_APPROVE ? EVENT_CASE_OPENED : EVENT_CASE_DENIED,
	    .c = &d->c,
	    .case_id = d->case_id,
	    .request_id = d->c.keys[0].request_id,
	    .now = d->now,
	    .last = d->in->act == CASE_APPROVE ? case_reason_name(d->c.reason)
		    : d->in->why != NULL       ? d->in->why
					       : "-"};
	return d->in->act == CASE_CLOSE || ca_event_keep(tx, d->ca, case_event(&d->event), err);
}

/* The opener may end what he opened whatever became of his restrictions. */
static bool
check_decider(struct deciding *d, struct err *err)
{
	OWNED(store_case_free) struct store_case c = {0};

	if (!case_must_be(store_get_case(d->ca->store, d->case_id, &c, err), d->case_id, err))
		return false;
	return case_actor_of(&c, d->officer) == CASE_OPENER ||
	       check_keys(d->ca, d->view, d->officer, &c, true, err) ||
	       refuse_unseen(d->officer, d->case_id, err);
}

/* Judged by the case as it is now; `late` says why it is not decided any more. */
static bool
write_in_time(struct store_tx *tx, void *arg, struct err *err)
{
	struct deciding *d = arg;
	enum case_state to;

	d->late = (struct err){0};
	return take_case(tx, d, &to, err) && (d->late.code != ERR_OK || d->write(tx, d, to, err));
}

static bool
run_decision(struct deciding *d, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = NULL;

	if (!case_officer_view(d->ca, d->officer, &view, err) ||
	    !principal_check_active(d->officer, d->now, err))
		return false;
	d->view = view;
	if (!case_check_note(d->in->why, "a reason", err) || !check_decider(d, err) ||
	    !store_do(d->ca->store, write_in_time, d, err))
		return false;
	if (d->late.code == ERR_OK)
		return true;
	*err = d->late;
	return false;
}

bool
recover_case_decide(struct ca *ca, const struct principal *officer, int64_t case_id,
    const struct case_decision *in, int64_t now, struct store_case *out, struct err *err)
{
	OWNED(deciding_free)
	struct deciding d = {.ca = ca,
	    .officer = officer,
	    .in = in,
	    .case_id = case_id,
	    .now = now,
	    .write = write_decision};

	*out = (struct store_case){0};
	if (!run_decision(&d, err)) {
		case_audit_refusal(ca, event_of(in->act), officer, case_id, now, err);
		return false;
	}
	if (in->act != CASE_CLOSE)
		ca_event_tell(ca, case_event(&d.event));
	return case_must_be(store_get_case(ca->store, case_id, out, err), case_id, err);
}

/* ---- receipts ---- */

/* `request_id` 0: by the serial number alone. */
static struct store_case_key *
find_key(const struct store_case *c, const char *serial, int64_t request_id, struct err *err)
{
	OWNED(token_free) struct token t = {0};
	struct store_case_key *found = NULL;

	if (!token_parse(serial, &t, err))
		return NULL;
	/* Of several with one serial number that which was fetched and is not there yet. */
	for (size_t i = 0; i < c->key_count; i++)
		if (c->keys[i].serial != NULL && strcmp(c->keys[i].serial, t.text) == 0 &&
		    (request_id == 0 || c->keys[i].request_id == request_id) &&
		    (found == NULL || found->fetches == 0 || found->received_when != 0))
			found = &c->keys[i];
	if (found != NULL)
		return found;
	err_set(err, CRYPT_E_NOT_FOUND, "recovery case %lld is not about the key of %s",
	    (long long)c->case_id, serial);
	return NULL;
}

static bool
audit_receipt(struct store_tx *tx, const struct deciding *d, const struct store_case_key *key,
    struct err *err)
{
	OWNED(own_memory) char *detail = text_printf("case=%lld", (long long)d->case_id);
	const struct ca_audit a = {.when = d->now,
	    .event = AUDIT_KEY_RECEIVED,
	    .actor = d->officer->downlevel,
	    .request_id = key->request_id,
	    .object = key->serial,
	    .detail = detail};

	return ca_audit(tx, &a, err);
}

static bool
write_receipt(struct store_tx *tx, struct deciding *d, enum case_state to, struct err *err)
{
	struct store_case_key *key;

	if ((key = find_key(&d->c, d->serial, d->request_id, err)) == NULL)
		return false;
	if (key->received_when != 0) /* said again */
		return true;
	if (!store_note_receipt(tx, d->case_id, key->request_id, d->now, err) ||
	    !audit_receipt(tx, d, key, err))
		return false;
	key->received_when = d->now;
	return !case_is_done(&d->c) || (case_step(&d->c, CASE_CLOSE, CASE_OPENER, &to, err) &&
					   move_case(tx, d, to, "every key arrived", err) &&
					   case_audit(tx, AUDIT_CASE_CLOSED, d->officer->downlevel,
					       &d->c, "every key arrived", d->now, err));
}

bool
recover_case_received(struct ca *ca, const struct principal *officer, int64_t case_id,
    const char *serial, int64_t request_id, int64_t now, struct store_case *out, struct err *err)
{
	static const struct case_decision in = {.act = CASE_RECEIVE};
	OWNED(deciding_free)
	struct deciding d = {.ca = ca,
	    .officer = officer,
	    .in = &in,
	    .case_id = case_id,
	    .serial = serial,
	    .request_id = request_id,
	    .now = now,
	    .write = write_receipt};

	*out = (struct store_case){0};
	if (!run_decision(&d, err)) {
		case_audit_refusal(ca, AUDIT_KEY_RECEIVED, officer, case_id, now, err);
		return false;
	}
	return case_must_be(store_get_case(ca->store, case_id, out, err), case_id, err);
}

/* ---- looking ---- */

/* *all_out: without restriction. */
static bool
may_look(struct ca *ca, const struct principal *who, struct ca_view **view_out, bool *all_out,
    struct err *err)
{
	struct err ignored;

	*view_out = ca_view_get(ca);
	if (!recover_check_fresh(*view_out, err))
		return false;
	if (ca_check_right(*view_out, who, CA_RIGHT_AUDITOR, &ignored)) {
		*all_out = true;
		return true;
	}
	*all_out = (*view_out)->officer_rules.unrestricted;
	return ca_check_right(*view_out, who, CA_RIGHT_OFFICER, err);
}

/* Whose case it is sees it, too. */
static bool
may_see(struct ca *ca, const struct ca_view *view, const struct principal *who,
    const struct store_case *c, struct err *err)
{
	return case_actor_of(c, who) == CASE_OPENER || check_keys(ca, view, who, c, false, err);
}

bool
recover_case_get(struct ca *ca, const struct principal *who, int64_t case_id,
    struct store_case *out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = NULL;
	OWNED(store_case_free) struct store_case c = {0};
	bool all;

	*out = (struct store_case){0};
	if (!may_look(ca, who, &view, &all, err) ||
	    !case_must_be(store_get_case(ca->store, case_id, &c, err), case_id, err))
		return false;
	if (!all && !may_see(ca, view, who, &c, err))
		return refuse_unseen(who, case_id, err);
	*out = c;
	c = (struct store_case){0};
	return true;
}

bool
case_may_know(struct ca *ca, const struct ca_view *view, const struct principal *who,
    const struct store_request *row)
{
	struct err ignored;

	return ca_check_right(view, who, CA_RIGHT_AUDITOR, &ignored) ||
	       ca_check_officer(ca, view, who, row, &ignored);
}

static bool
is_name(const char *wanted, const char *name)
{
	return wanted == NULL || (name != NULL && match_eq(wanted, name));
}

static bool
is_asked_for(const struct store_case_filter *f, const struct store_case *c)
{
	return (f->state == 0 || c->state == f->state) && is_name(f->owner, c->owner_name) &&
	       is_name(f->officer, c->opened_by) &&
	       (f->request_id == 0 || case_key(c, f->request_id) != NULL);
}

/* The page that the database gives. To who may not see all it gives any: where a page of somebody's
 * cases ends would tell that there are some. */
static struct store_case_filter
page_of(const struct store_case_filter *filter, bool all)
{
	struct store_case_filter page = *filter;

	if (page.limit == 0 || (!all && page.limit > RESTRICTED_PAGE))
		page.limit = RESTRICTED_PAGE;
	if (all)
		return page;
	return (struct store_case_filter){.ended_too = page.ended_too || page.state > CASE_OPEN,
	    .after_id = page.after_id,
	    .limit = page.limit};
}

/* Cases name people as DOMAIN\user: of another name, the account that has it today. free(). */
static bool
name_recorded(struct ca *ca, const char *name, char **out, struct err *err)
{
	OWNED(principal_free) struct principal p = {0};

	*out = NULL;
	if (name == NULL || strchr(name, '\\') != NULL || person_unknown_name(name) != NULL)
		return true;
	switch (ca_find_account(ca, name, &p, err)) {
	case DIR_FIND_FAILED:
		return false;
	case DIR_FOUND:
		*out = mem_text(p.downlevel);
		break;
	case DIR_NOT_FOUND:
		break;
	}
	return true;
}

bool
recover_case_list(struct ca *ca, const struct principal *who, const struct store_case_filter *asked,
    struct store_cases *out, int64_t *next_out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = NULL;
	OWNED(own_memory) char *owner = NULL, *officer = NULL;
	struct store_case_filter named = *asked, page;
	const struct store_case_filter *filter = &named;
	size_t kept = 0;
	bool all;

	*out = (struct store_cases){0};
	*next_out = 0;
	if (!may_look(ca, who, &view, &all, err) || !name_recorded(ca, named.owner, &owner, err) ||
	    !name_recorded(ca, named.officer, &officer, err))
		return false;
	if (owner != NULL)
		named.owner = owner;
	if (officer != NULL)
		named.officer = officer;
	page = page_of(filter, all);
	if (!store_list_cases(ca->store, &page, out, err))
		return false;
	if (out->count > 0 && out->count == (size_t)page.limit)
		*next_out = out->list[out->count - 1].case_id;
	for (size_t i = 0; i < out->count; i++) {
		struct err why = {0};

		/* All are looked at, so that the time tells nothing either. */
		bool sees = all || may_see(ca, view, who, &out->list[i], &why);

		if (all || (sees && is_asked_for(filter, &out->list[i]))) {
			out->list[kept++] = out->list[i];
			continue;
		}
		store_case_free(&out->list[i]);
		if (!sees && why.code != CERTSRV_E_RESTRICTEDOFFICER) {
			*err = why;
			for (i++; i < out->count; i++)
				store_case_free(&out->list[i]);
			out->count = kept;
			store_cases_free(out);
			return false;
		}
	}
	out->count = kept;
	return true;
}
