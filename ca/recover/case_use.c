/* The case by which a key is handed out: found and judged before, judged again and used up in the
 * unit of work that hands it out. */
#include "recover_priv.h"

#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "person.h"
#include "text.h"

static const char *
template_of(const struct recovery *r)
{
	return r->row->template_name;
}

static bool
needs_approver(const struct recovery *r)
{
	return settings_need_approver(&r->view->settings, template_of(r));
}

static bool
needs_case(const struct recovery *r)
{
	return r->view->settings.num[SETTING_RECOVERY_CASE] != 0 || needs_approver(r);
}

/* Everything of a case that can refuse the key. */
static bool
judge(const struct recovery *r, const struct store_case *c, struct err *err)
{
	const struct store_case_key *key = case_key(c, r->row->request_id);
	long long id = (long long)c->case_id;
	enum case_state to;

	if (key == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "recovery case %lld is not about the key of %s", id, r->serial);
	if (!case_check_due(c, r->now, err) ||
	    !case_step(c, CASE_FETCH, case_actor_of(c, r->officer), &to, err) ||
	    !case_check_clock(c, r->now, err))
		return false;
	if (key->received_when != 0)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "the key of %s was fetched by recovery case %lld, and arrived; `dirca case "
		    "open %s` opens another",
		    r->serial, id, r->serial);
	if (key->fetches >= CASE_FETCHES_MAX)
		return err_set(err, CERTSRV_E_BAD_REQUESTSTATUS,
		    "the key of %s was fetched %d times by recovery case %lld, and nobody said "
		    "that "
		    "it arrived; `dirca case open %s` opens another",
		    r->serial, CASE_FETCHES_MAX, id, r->serial);
	if (needs_approver(r) && c->approved_by == NULL)
		return err_set(err, DIRCA_E_CASE_REQUIRED,
		    "recovery case %lld was opened when keys of template %s needed no second "
		    "certificate manager (%s); `dirca case open %s` opens another",
		    id, template_of(r) != NULL ? template_of(r) : "?",
		    setting_name(SETTING_RECOVERY_APPROVER), r->serial);
	return case_check_revoked(
	    c, r->view->settings.num[SETTING_RECOVERY_REVOKE_FIRST], r->row, r->now, err);
}

static bool
refuse_without(const struct recovery *r, struct err *err)
{
	return err_set(err, DIRCA_E_CASE_REQUIRED,
	    "the key is handed out by a recovery case only (%s); `dirca case open %s --reason "
	    "REASON --ticket TICKET` opens one",
	    setting_name(needs_approver(r) ? SETTING_RECOVERY_APPROVER : SETTING_RECOVERY_CASE),
	    r->serial);
}

static enum store_find
find_own(struct recovery *r, struct err *err)
{
	char sid[SID_TEXT_MAX];
	const struct store_case_query q = {.request_id = r->row->request_id,
	    .opener = person_of(r->officer, sid),
	    .now = r->now,
	    .most_fetches = CASE_FETCHES_MAX};

	return store_find_case(r->ca->store, &q, &r->used, err);
}

bool
recover_find_case(struct recovery *r, struct err *err)
{
	if (r->hides_cases)
		return !needs_case(r) || refuse_without(r, err);
	if (r->case_id != 0)
		return case_must_be(store_get_case(r->ca->store, r->case_id, &r->used, err),
			   r->case_id, err) &&
		       judge(r, &r->used, err);
	switch (find_own(r, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return !needs_case(r) || refuse_without(r, err);
	case STORE_FOUND:
		break;
	}
	/* One that waits is in nobody's way where no case is needed. */
	if (r->used.state == CASE_WAITING && !needs_case(r)) {
		store_case_free(&r->used);
		return true;
	}
	r->case_id = r->used.case_id;
	return judge(r, &r->used, err);
}

char *
recover_told_case(const struct recovery *r)
{
	char until[21];

	if (r->used.case_id == 0)
		return text_printf("no recovery case is needed (%s, %s): the retrieval is one by "
				   "itself",
		    setting_name(SETTING_RECOVERY_CASE), setting_name(SETTING_RECOVERY_APPROVER));
	clock_format(r->used.usable_until, until);
	return text_printf(
	    "recovery case %lld is open until %s", (long long)r->used.case_id, until);
}

/* Opened, used and closed in one. */
static bool
add_by_itself(struct store_tx *tx, const struct recovery *r, int64_t *case_id_out, struct err *err)
{
	char sid[SID_TEXT_MAX];
	struct store_case_key key = {
	    .request_id = r->row->request_id, .fetches = 1, .fetched_when = r->now};
	const struct store_case c = {.state = CASE_CLOSED,
	    .reason = CASE_BY_ITSELF,
	    .owner_name = r->row->requester_name,
	    .owner_sid = r->row->requester_sid,
	    .opened_by = r->officer->downlevel,
	    .opened_by_sid = principal_sid_text(r->officer, sid),
	    .opened_when = r->now,
	    .ended_by = r->officer->downlevel,
	    .ended_when = r->now,
	    .usable_until = r->now,
	    .seen_when = r->now,
	    .keys = &key,
	    .key_count = 1};

	return store_add_case(tx, &c, case_id_out, err);
}

bool
recover_use_case(
    struct store_tx *tx, const struct recovery *r, int64_t *case_id_out, struct err *err)
{
	OWNED(store_case_free) struct store_case c = {0};

	if (r->used.case_id == 0)
		return add_by_itself(tx, r, case_id_out, err);
	*case_id_out = r->used.case_id;
	return case_must_be(store_case_now(tx, r->used.case_id, &c, err), r->used.case_id, err) &&
	       judge(r, &c, err) &&
	       store_note_fetch(tx, c.case_id, r->row->request_id, r->now, err);
}
