/* Opening a recovery case: what it says, and whose keys it is about. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "mem.h"
#include "own.h"
#include "own_request.h"
#include "recover_priv.h"
#include "text.h"

#define TICKET_MOST 64
#define HOUR        INT64_C(3600)

/* One word that nothing of the trail can be mistaken for. */
static bool
check_ticket(const char *ticket, struct err *err)
{
	size_t len = ticket != NULL ? strlen(ticket) : 0;

	if (len == 0)
		return err_set(err, E_INVALIDARG, "a recovery case needs a ticket");
	return (len <= TICKET_MOST &&
		   strspn(ticket, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				  "#-_.:/") == len) ||
	       err_set(err, E_INVALIDARG,
		   "'%s' is no ticket: at most %d letters, digits and any of # - _ . : /", ticket,
		   TICKET_MOST);
}

static bool
check_opening(const struct case_opening *in, enum case_reason *reason_out, struct err *err)
{
	if (!case_reason_find(in->reason != NULL ? in->reason : "", reason_out, err) ||
	    !check_ticket(in->ticket, err) || !case_check_note(in->note, "a note", err))
		return false;
	if (in->token_count == 0)
		return err_set(err, E_INVALIDARG, "a recovery case needs a key that it is about");
	/* Each is looked for in the directory. */
	if (in->token_count > CASE_KEYS_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "a recovery case is opened by at most %d names, not %zu", CASE_KEYS_MAX,
		    in->token_count);
	return *reason_out != CASE_OTHER || in->note != NULL ||
	       err_set(err, E_INVALIDARG, "the reason 'other' needs a note (--note)");
}

static bool
find_keys(struct ca *ca, const struct case_opening *in, struct store_requests *out, struct err *err)
{
	for (size_t i = 0; i < in->token_count; i++) {
		OWNED(store_requests_free) struct store_requests found = {0};

		if (!recover_find_rows(ca, in->tokens[i], RECOVER_ALL, &found, err))
			return false;
		if (found.count == 0)
			return err_set(
			    err, CRYPT_E_NOT_FOUND, "no archived key of %s", in->tokens[i]);
		recover_add_rows(out, &found);
	}
	return true;
}

static bool
is_same_owner(const struct store_request *a, const struct store_request *b)
{
	if (a->requester_sid != NULL && b->requester_sid != NULL)
		return strcmp(a->requester_sid, b->requester_sid) == 0;
	return a->requester_name != NULL && b->requester_name != NULL &&
	       text_eq_nocase(a->requester_name, b->requester_name);
}

static const char *
owner_of(const struct store_request *row)
{
	return row->requester_name != NULL ? row->requester_name : "?";
}

/* One owner, who is told, and none that the officer may not have. */
static bool
check_rows(struct ca *ca, const struct principal *officer, const struct store_requests *rows,
    const struct recover_hidden *hidden, struct err *err)
{
	if (rows->count == 0) {
		*err = hidden->first;
		return false;
	}
	if (rows->count > CASE_KEYS_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "these are %zu keys, and a recovery case is about %d at most; name them by "
		    "their serial numbers",
		    rows->count, CASE_KEYS_MAX);
	for (size_t i = 0; i < rows->count; i++) {
		if (!is_same_owner(&rows->list[0], &rows->list[i]))
			return err_set(err, TYPE_E_AMBIGUOUSNAME,
			    "Ambiguous name. These are keys of %s and of %s, and a recovery case "
			    "is about those of one owner: open one for each, and name the keys "
			    "by their serial numbers where both have that name",
			    owner_of(&rows->list[0]), owner_of(&rows->list[i]));
		if (!own_check_row(ca, officer, &rows->list[i], err))
			return false;
	}
	return true;
}

static bool
needs_approver(const struct ca_view *view, const struct store_requests *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		if (settings_need_approver(&view->settings, rows->list[i].template_name))
			return true;
	return false;
}

/* What is opened, with all that it borrows. */
struct opening {
	struct ca *ca;
	const struct principal *officer;
	struct store_case c;
	struct case_event event;
};

static bool
write_opening(struct store_tx *tx, void *arg, struct err *err)
{
	struct opening *o = arg;

	if (!store_add_case(tx, &o->c, &o->c.case_id, err))
		return false;
	o->event.case_id = o->c.case_id;
	return case_audit(tx, AUDIT_CASE_OPENED, o->officer->downlevel, &o->c, NULL,
		   o->c.opened_when, err) &&
	       ca_event_keep(tx, o->ca, case_event(&o->event), err);
}

static bool
open_rows(struct ca *ca, const struct ca_view *view, const struct principal *officer,
    const struct case_opening *in, enum case_reason reason, const struct store_requests *rows,
    int64_t now, int64_t *case_id_out, struct err *err)
{
	OWNED(own_memory)
	struct store_case_key *keys = mem_zero(rows->count, sizeof *keys);
	bool waits = needs_approver(view, rows);
	const int64_t *num = view->settings.num;
	OWNED(own_memory) char *ticket = mem_text(in->ticket);
	OWNED(own_memory) char *note = mem_text(in->note);
	char sid[SID_TEXT_MAX];
	struct opening o = {.ca = ca,
	    .officer = officer,
	    .c = {.state = waits ? CASE_WAITING : CASE_OPEN,
		.reason = reason,
		.ticket = ticket,
		.note = note,
		.owner_name = rows->list[0].requester_name,
		.owner_sid = rows->list[0].requester_sid,
		.opened_by = officer->downlevel,
		.opened_by_sid = principal_sid_text(officer, sid),
		.opened_when = now,
		.needs_approver = waits,
		.usable_until =
		    now +
		    HOUR *
			num[waits ? SETTING_RECOVERY_APPROVE_HOURS : SETTING_RECOVERY_FETCH_HOURS],
		.seen_when = now,
		.keys = keys,
		.key_count = rows->count}};

	for (size_t i = 0; i < rows->count; i++)
		keys[i].request_id = rows->list[i].request_id;
	o.event = (struct case_event){.id = waits ? EVENT_CASE_WAITING : EVENT_CASE_OPENED,
	    .c = &o.c,
	    .request_id = keys[0].request_id,
	    .now = now,
	    .last = case_reason_name(reason),
	    .officer = officer,
	    .tell_owner = num[SETTING_RECOVERY_TELL_OWNER] == TELL_OWNER_AT_OPENING};
	if (!store_do(ca->store, write_opening, &o, err))
		return false;
	ca_event_tell(ca, case_event(&o.event));
	*case_id_out = o.c.case_id;
	return true;
}

static bool
open_case(struct ca *ca, const struct principal *officer, const struct case_opening *in,
    int64_t now, int64_t *case_id_out, struct recover_hidden *hidden, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = NULL;
	OWNED(store_requests_free) struct store_requests rows = {0};
	enum case_reason reason;
	int64_t retry_after_s;

	return case_officer_view(ca, officer, &view, err) &&
	       principal_check_active(officer, now, err) && check_opening(in, &reason, err) &&
	       ca_take_quota(ca, view, officer, 0, &retry_after_s, err) &&
	       find_keys(ca, in, &rows, err) &&
	       recover_filter_rows(ca, view, officer, &rows, hidden, err) &&
	       check_rows(ca, officer, &rows, hidden, err) &&
	       open_rows(ca, view, officer, in, reason, &rows, now, case_id_out, err);
}

bool
recover_case_open(struct ca *ca, const struct principal *officer, const struct case_opening *in,
    int64_t now, struct store_case *out, struct recover_hidden *hidden, struct err *err)
{
	int64_t id;

	*out = (struct store_case){0};
	*hidden = (struct recover_hidden){0};
	if (open_case(ca, officer, in, now, &id, hidden, err))
		return case_must_be(store_get_case(ca->store, id, out, err), id, err);
	case_audit_refusal(ca, AUDIT_CASE_OPENED, officer, 0, now, err);
	return false;
}
