#include "case_states.h"

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define ALIVE(state) ((state) == CASE_WAITING || (state) == CASE_OPEN)

static const struct transition {
	enum case_state from;
	enum case_act act;
	unsigned actors; /* bits of enum case_actor */
	enum case_state to;
} transitions[] = {
    {CASE_WAITING, CASE_APPROVE, CASE_ANOTHER, CASE_OPEN},
    {CASE_WAITING, CASE_DENY, CASE_ANOTHER, CASE_DENIED},
    {CASE_WAITING, CASE_CLOSE, CASE_OPENER | CASE_ANOTHER, CASE_CLOSED},
    {CASE_WAITING, CASE_EXPIRE, CASE_CLOCK, CASE_EXPIRED},
    {CASE_OPEN, CASE_DENY, CASE_ANOTHER, CASE_DENIED},
    {CASE_OPEN, CASE_FETCH, CASE_OPENER, CASE_OPEN},
    {CASE_OPEN, CASE_RECEIVE, CASE_OPENER, CASE_OPEN},
    {CASE_OPEN, CASE_CLOSE, CASE_OPENER | CASE_ANOTHER, CASE_CLOSED},
    {CASE_OPEN, CASE_EXPIRE, CASE_CLOCK, CASE_EXPIRED},
};

static const char *const state_names[] = {[CASE_WAITING] = "waiting",
    [CASE_OPEN] = "open",
    [CASE_DENIED] = "denied",
    [CASE_CLOSED] = "closed",
    [CASE_EXPIRED] = "expired"};

static const char *const reason_names[] = {[CASE_BY_ITSELF] = "none",
    [CASE_KEY_COMPROMISE] = "keyCompromise",
    [CASE_LOST] = "lost",
    [CASE_DAMAGED] = "damaged",
    [CASE_LEFT] = "left",
    [CASE_LEGAL] = "legal",
    [CASE_OTHER] = "other"};

static const char *
done_by(enum case_act act)
{
	static const char *const words[] = {[CASE_APPROVE] = "approved",
	    [CASE_DENY] = "denied",
	    [CASE_FETCH] = "used to fetch a key",
	    [CASE_RECEIVE] = "told that a key arrived",
	    [CASE_CLOSE] = "closed",
	    [CASE_EXPIRE] = "ended by the clock"};

	return words[act];
}

static bool
refuse_actor(const struct store_case *c, enum case_act act, struct err *err)
{
	long long id = (long long)c->case_id;

	if (act == CASE_APPROVE)
		return err_set(err, DIRCA_E_OWN_REQUEST,
		    "recovery case %lld was opened by this account; another certificate manager "
		    "has to approve it",
		    id);
	if (act == CASE_DENY)
		return err_set(err, DIRCA_E_OWN_REQUEST,
		    "recovery case %lld was opened by this account, which withdraws it by `dirca "
		    "case close %lld`",
		    id, id);
	return err_set(err, E_ACCESSDENIED,
	    "recovery case %lld is %s's, and by nobody else can it be %s", id, c->opened_by,
	    done_by(act));
}

bool
case_step(const struct store_case *c, enum case_act act, enum case_actor actor,
    enum case_state *to_out, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(transitions); i++) {
		const struct transition *t = &transitions[i];

		if (t->from != c->state || t->act != act)
			continue;
		*to_out = t->to;
		return (t->actors & (unsigned)actor) != 0 || refuse_actor(c, act, err);
	}
	if (c->state == CASE_WAITING)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "recovery case %lld waits for a second certificate manager, who decides by "
		    "`dirca case approve %lld`",
		    (long long)c->case_id, (long long)c->case_id);
	return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
	    "recovery case %lld is %s and cannot be %s any more", (long long)c->case_id,
	    case_state_name(c->state), done_by(act));
}

bool
case_is_due(const struct store_case *c, int64_t now)
{
	return ALIVE(c->state) && (now > c->seen_when ? now : c->seen_when) >= c->usable_until;
}

bool
case_check_clock(const struct store_case *c, int64_t now, struct err *err)
{
	char shows[21], showed[21];

	if (now + CASE_CLOCK_SLACK_S >= c->seen_when)
		return true;
	clock_format(now, shows);
	clock_format(c->seen_when, showed);
	return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
	    "the CA's clock was set back: it shows %s, and showed %s while recovery case %lld was "
	    "there already; the case can be used when the clock is right again",
	    shows, showed, (long long)c->case_id);
}

struct store_case_key *
case_key(const struct store_case *c, int64_t request_id)
{
	for (size_t i = 0; i < c->key_count; i++)
		if (c->keys[i].request_id == request_id)
			return &c->keys[i];
	return NULL;
}

bool
case_is_done(const struct store_case *c)
{
	for (size_t i = 0; i < c->key_count; i++)
		if (c->keys[i].received_when == 0)
			return false;
	return true;
}

const char *
case_state_name(enum case_state s)
{
	return s >= CASE_WAITING && s <= CASE_EXPIRED ? state_names[s] : "?";
}

const char *
case_reason_name(enum case_reason r)
{
	return r >= CASE_BY_ITSELF && r <= CASE_OTHER ? reason_names[r] : "?";
}

/* At `from` or behind it; E_INVALIDARG names those that there are. */
static bool
find_name(const char *const *names, size_t from, size_t count, const char *what, const char *text,
    size_t *out, struct err *err)
{
	OWNED(own_memory) char *list = mem_text("");

	for (*out = from; *out < count; (*out)++) {
		if (text_eq_nocase(names[*out], text))
			return true;
		text_list_add(&list, ", ", names[*out]);
	}
	return err_set(err, E_INVALIDARG, "'%s' is no %s of a recovery case: give one of %s", text,
	    what, list);
}

bool
case_state_find(const char *text, enum case_state *out, struct err *err)
{
	size_t at;
	bool ok =
	    find_name(state_names, CASE_WAITING, COUNT_OF(state_names), "state", text, &at, err);

	*out = (enum case_state)at;
	return ok;
}

bool
case_reason_find(const char *text, enum case_reason *out, struct err *err)
{
	size_t at;
	bool ok = find_name(
	    reason_names, CASE_KEY_COMPROMISE, COUNT_OF(reason_names), "reason", text, &at, err);

	*out = (enum case_reason)at;
	return ok;
}

bool
case_check_revoked(const struct store_case *c, int64_t revoke_first,
    const struct store_request *row, int64_t now, struct err *err)
{
	int64_t asked = c->reason == CASE_KEY_COMPROMISE ? REVOKE_FIRST_COMPROMISED
			: c->reason == CASE_LOST         ? REVOKE_FIRST_LOST
							 : 0;
	bool revoked = row->disposition == DISP_REVOKED && row->revoked_reason != REASON_HOLD;

	if ((revoke_first & asked) == 0 || revoked || row->disposition == DISP_FOREIGN ||
	    row->not_after <= now)
		return true;
	return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
	    "the reason of recovery case %lld is %s: its certificate is revoked first, by `dirca "
	    "revoke %s --reason %s`",
	    (long long)c->case_id, case_reason_name(c->reason), row->serial_number,
	    c->reason == CASE_LOST ? "superseded" : "keyCompromise");
}
