/*
 * Recovery cases against a whole CA: who opens, approves, denies, fetches and closes, under which
 * settings; what is used up when; what the trail and the events say; the clock.
 */
#include "archived_lab.h"
#include "cases.h"
#include "owner_notices.h"
#include "recover_priv.h"
#include "recovery.h"

#define HOUR INT64_C(3600)

static struct principal outsider;

static void
settings_usual(void)
{
	harness_set("CA\\Recovery\\RequireCase", "1");
	harness_set("CA\\Recovery\\SecondApprover", "None");
	harness_set("CA\\Recovery\\RevokeFirst", "KeyCompromise Lost");
	harness_set("CA\\Recovery\\FetchHours", "24");
	harness_set("CA\\Recovery\\ApproveHours", "72");
	harness_set("CA\\Recovery\\TellOwner", "AtFetch");
}

static int
usual(void **state)
{
	(void)state;
	settings_usual();
	return 0;
}

static bool
try_open(const struct principal *p, const char *token, const char *reason, const char *ticket,
    const char *note, int64_t now, int64_t *id_out, struct err *err)
{
	const struct case_opening in = {&token, 1, reason, ticket, note};
	struct recover_hidden hidden;
	struct store_case c;
	bool ok = recover_case_open(harness.ca, p, &in, now, &c, &hidden, err);

	*id_out = c.case_id;
	store_case_free(&c);
	return ok;
}

static int64_t
opened_at(const struct principal *p, const char *reason, int64_t now)
{
	struct err err;
	int64_t id;

	harness_must(
	    try_open(p, archived.serial, reason, "INC-7", "disk broke", now, &id, &err), &err);
	return id;
}

static int64_t
opened(const struct principal *p)
{
	return opened_at(p, "damaged", clock_now());
}

static void
assert_not_opened(const struct principal *p, const char *token, const char *reason,
    const char *ticket, const char *note, enum err_code code)
{
	int refused = harness_audited(AUDIT_CASE_OPENED, false);
	struct err err;
	int64_t id;

	assert_false(try_open(p, token, reason, ticket, note, clock_now(), &id, &err));
	if (err.code != code)
		fail_msg("%s: %s", err_name(err.code), err.msg);
	assert_int_equal(harness_audited(AUDIT_CASE_OPENED, false), refused + 1);
}

static bool
decide_at(const struct principal *p, int64_t id, enum case_act act, const char *why, int64_t now,
    struct err *err)
{
	const struct case_decision in = {act, why};
	struct store_case c;
	bool ok = recover_case_decide(harness.ca, p, id, &in, now, &c, err);

	store_case_free(&c);
	return ok;
}

static void
must_decide(const struct principal *p, int64_t id, enum case_act act)
{
	struct err err;

	harness_must(decide_at(p, id, act, NULL, clock_now(), &err), &err);
}

static void
assert_not_decided(const struct principal *p, int64_t id, enum case_act act, enum err_code code)
{
	struct err err;

	assert_false(decide_at(p, id, act, NULL, clock_now(), &err));
	if (err.code != code)
		fail_msg("%s: %s", err_name(err.code), err.msg);
}

/* By somebody who may not act for its owner, and does not read who that is. */
static void
assert_not_decided_blindly(int64_t id, enum case_act act)
{
	struct err err;

	assert_false(decide_at(&officer2, id, act, NULL, clock_now(), &err));
	assert_int_equal(err.code, CERTSRV_E_RESTRICTEDOFFICER);
	assert_null(strstr(err.msg, "user1"));
}

static enum case_state
state_of(int64_t id)
{
	struct store_case c;
	struct err err;
	enum case_state state;

	assert_int_equal(store_get_case(harness.ca->store, id, &c, &err), STORE_FOUND);
	state = c.state;
	store_case_free(&c);
	return state;
}

static bool
fetch_at(const struct principal *p, int64_t id, int64_t now, int64_t *by_out, struct err *err)
{
	const struct recover_wish wish = {.serial = archived.serial, .case_id = id};
	struct buf blob;
	bool ok = recover_blob(harness.ca, &harness.vault, p, &wish, now, &blob, by_out, err);

	assert_int_equal(blob.len > 0, ok);
	buf_free(&blob);
	return ok;
}

static int64_t
must_fetch(const struct principal *p, int64_t id)
{
	struct err err;
	int64_t by;

	harness_must(fetch_at(p, id, clock_now(), &by, &err), &err);
	return by;
}

/* With `part` in its sentence, and in a record that is tied to the case. */
static void
assert_not_fetched_at(
    const struct principal *p, int64_t id, int64_t now, enum err_code code, const char *part)
{
	int done = harness_audited(AUDIT_KEY_RETRIEVED, true),
	    refused = harness_audited(AUDIT_KEY_RETRIEVED, false);
	struct err err;
	int64_t by;

	assert_false(fetch_at(p, id, now, &by, &err));
	if (err.code != code || strstr(err.msg, part) == NULL)
		fail_msg("%s: %s", err_name(err.code), err.msg);
	assert_int_equal(harness_audited(AUDIT_KEY_RETRIEVED, true), done);
	assert_int_equal(harness_audited(AUDIT_KEY_RETRIEVED, false), refused + 1);
}

static void
assert_not_fetched(const struct principal *p, int64_t id, enum err_code code, const char *part)
{
	assert_not_fetched_at(p, id, clock_now(), code, part);
}

static bool
receive_of(
    const struct principal *p, int64_t id, const char *serial, int64_t request_id, struct err *err)
{
	struct store_case c;
	bool ok =
	    recover_case_received(harness.ca, p, id, serial, request_id, clock_now(), &c, err);

	store_case_free(&c);
	return ok;
}

static bool
receive(const struct principal *p, int64_t id, const char *serial, struct err *err)
{
	return receive_of(p, id, serial, 0, err);
}

struct tied {
	char text[64];
	enum audit_event event;
	bool success;
	int count;
};

static bool
count_tied(const struct audit_record *a, void *arg)
{
	struct tied *t = arg;

	t->count += a->event == t->event && a->success == t->success && a->detail != NULL &&
		    strstr(a->detail, t->text) != NULL;
	return true;
}

/* Records of an event that name the case in their detail. */
static int
tied(enum audit_event event, bool success, int64_t id)
{
	struct tied t = {.event = event, .success = success};
	int64_t count;
	struct err err;

	snprintf(t.text, sizeof t.text, "case=%lld ", (long long)id);
	harness_must(store_audit_walk(harness.ca->store, 0, count_tied, &t, &count, &err), &err);
	return t.count;
}

/* ---- without a setting ---- */

static void
a_retrieval_is_a_case_by_itself_where_none_is_needed(void **state)
{
	const struct store_case_filter all = {.ended_too = true, .limit = 1000};
	struct store_cases cs;
	struct err err;

	(void)state;
	harness_set("CA\\Recovery\\RequireCase", "0");
	assert_int_equal(must_fetch(&officer1, 0), 0);
	harness_must(store_list_cases(harness.ca->store, &all, &cs, &err), &err);
	assert_int_equal(cs.count, 1);
	assert_int_equal(cs.list[0].state, CASE_CLOSED);
	assert_int_equal(cs.list[0].reason, CASE_BY_ITSELF);
	assert_string_equal(cs.list[0].opened_by, officer1.downlevel);
	assert_string_equal(cs.list[0].owner_name, user1.downlevel);
	assert_int_equal(cs.list[0].keys[0].fetches, 1);
	assert_int_equal(tied(AUDIT_KEY_RETRIEVED, true, cs.list[0].case_id), 1);
	store_cases_free(&cs);
	/* One that was opened is used all the same, one that waits is in nobody's way. */
	int64_t id = opened(&officer1);
	assert_int_equal(must_fetch(&officer1, 0), id);
	must_decide(&officer1, id, CASE_CLOSE);
	harness_set("CA\\Recovery\\SecondApprover", "All");
	id = opened(&officer1);
	harness_set("CA\\Recovery\\SecondApprover", "None");
	assert_int_equal(must_fetch(&officer1, 0), 0);
	assert_int_equal(state_of(id), CASE_WAITING);
	must_decide(&officer1, id, CASE_CLOSE);
}

/* ---- with it ---- */

static void
without_a_case_nothing_is_handed_out(void **state)
{
	int64_t id;

	(void)state;
	assert_not_fetched(&officer1, 0, DIRCA_E_CASE_REQUIRED, "`dirca case open ");
	id = opened(&officer1);
	/* another one's is none of his */
	assert_not_fetched(&officer2, 0, DIRCA_E_CASE_REQUIRED, "RequireCase");
	assert_not_fetched(&officer2, id, E_ACCESSDENIED, officer1.downlevel);
	assert_not_fetched(&officer1, 4711, CRYPT_E_NOT_FOUND, "there is no recovery case 4711");
	assert_int_equal(tied(AUDIT_KEY_RETRIEVED, false, id), 1);
	assert_int_equal(must_fetch(&officer1, 0), id);
	assert_int_equal(tied(AUDIT_KEY_RETRIEVED, true, id), 1);
	must_decide(&officer1, id, CASE_CLOSE);
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "is closed");
	assert_not_fetched(&officer1, 0, DIRCA_E_CASE_REQUIRED, "`dirca case open ");
}

static void
an_answer_that_was_lost_is_given_again_until_it_arrived(void **state)
{
	int64_t id = opened(&officer1);
	struct err err;

	(void)state;
	assert_false(receive(&officer1, id, archived.serial, &err)); /* nothing was fetched */
	must_fetch(&officer1, id);
	must_fetch(&officer1, id);
	assert_false(receive(&officer2, id, archived.serial, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	assert_false(receive(&officer1, id, "1234", &err));
	assert_int_equal(err.code, CRYPT_E_NOT_FOUND);
	harness_must(receive(&officer1, id, archived.serial, &err), &err);
	assert_int_equal(state_of(id), CASE_CLOSED);
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "is closed");
	assert_not_fetched(&officer1, 0, DIRCA_E_CASE_REQUIRED, "`dirca case open ");

	id = opened(&officer1);
	for (int i = 0; i < CASE_FETCHES_MAX; i++)
		must_fetch(&officer1, id);
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "fetched 3 times");
	assert_not_fetched(&officer1, 0, DIRCA_E_CASE_REQUIRED, "`dirca case open ");
	must_decide(&officer1, id, CASE_CLOSE);
}

/* A retrieval whose record is there and whose BLOB is not: a use, and a second record that says so,
 * both of the case. */
static void
a_retrieval_that_fails_after_its_record_is_of_the_case(void **state)
{
	struct vault gone = {.fd = -1};
	const struct recover_wish wish = {.serial = archived.serial};
	int64_t id = opened(&officer1), by;
	struct buf blob;
	struct err err;

	(void)state;
	assert_false(
	    recover_blob(harness.ca, &gone, &officer1, &wish, clock_now(), &blob, &by, &err));
	assert_int_equal(tied(AUDIT_KEY_RETRIEVED, true, id), 1);
	assert_int_equal(tied(AUDIT_KEY_RETRIEVED, false, id), 1);
	assert_int_equal(must_fetch(&officer1, 0), id);
	must_decide(&officer1, id, CASE_CLOSE);
	/* also of one by itself */
	harness_set("CA\\Recovery\\RequireCase", "0");
	assert_false(
	    recover_blob(harness.ca, &gone, &officer1, &wish, clock_now(), &blob, &by, &err));
	assert_int_equal(tied(AUDIT_KEY_RETRIEVED, true, id + 1), 1);
	assert_int_equal(tied(AUDIT_KEY_RETRIEVED, false, id + 1), 1);
}

struct late {
	const struct recovery *r;
	int64_t case_id;
};

static bool
work_use(struct store_tx *tx, void *arg, struct err *err)
{
	struct late *l = arg;

	return recover_use_case(tx, l->r, &l->case_id, err);
}

/* Between the check and the unit of work that hands the key out somebody else decides. */
static void
what_was_decided_meanwhile_counts(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct store_request row;
	struct recovery r = {.ca = harness.ca,
	    .view = view,
	    .officer = &officer1,
	    .row = &row,
	    .serial = archived.serial,
	    .now = clock_now()};
	struct late late = {.r = &r};
	int64_t id = opened(&officer1);
	struct err err;

	(void)state;
	harness_must(ca_get_row(harness.ca, archived.id, &row, &err), &err);
	harness_must(recover_decide(&r, &err), &err);
	assert_int_equal(r.used.case_id, id);
	must_decide(&officer2, id, CASE_DENY);
	assert_false(store_do(harness.ca->store, work_use, &late, &err));
	assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSTATUS);
	recover_decision_free(&r);
	store_request_free(&row);
	ca_view_release(&view);
}

/* ---- two persons ---- */

static void
a_second_manager_approves_and_never_the_opener_or_the_owner(void **state)
{
	struct principal renamed = officer1, owner = officer2;
	char name[] = "NWTRADERS\\other";
	int denied = harness_audited(AUDIT_CASE_DENIED, true);
	int64_t id;

	(void)state;
	harness_set("CA\\Recovery\\SecondApprover", "UserArchive,EFSArchive");
	id = opened(&officer1);
	assert_int_equal(state_of(id), CASE_WAITING);
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "`dirca case approve ");
	assert_not_decided(&officer1, id, CASE_APPROVE, DIRCA_E_OWN_REQUEST);
	renamed.downlevel = name;
	assert_not_decided(&renamed, id, CASE_APPROVE, DIRCA_E_OWN_REQUEST);
	owner.sid = user1.sid;
	assert_not_decided(&owner, id, CASE_APPROVE, DIRCA_E_OWN_REQUEST);
	assert_not_decided(&owner, id, CASE_DENY, DIRCA_E_OWN_REQUEST);
	assert_not_decided(&owner, id, CASE_CLOSE, DIRCA_E_OWN_REQUEST);
	assert_not_decided(&user1, id, CASE_APPROVE, E_ACCESSDENIED);
	assert_not_decided(&auditor, id, CASE_APPROVE, E_ACCESSDENIED);
	assert_not_decided(&caadmin, id, CASE_APPROVE, E_ACCESSDENIED);
	assert_int_equal(state_of(id), CASE_WAITING);
	must_decide(&officer2, id, CASE_APPROVE);
	assert_not_decided(&officer2, id, CASE_APPROVE, CERTSRV_E_BAD_REQUESTSTATUS);
	/* who approved it does not fetch */
	assert_not_fetched(&officer2, id, E_ACCESSDENIED, officer1.downlevel);
	assert_int_equal(must_fetch(&officer1, 0), id);
	/* an approval is taken back by the same way */
	must_decide(&officer2, id, CASE_DENY);
	assert_int_equal(state_of(id), CASE_DENIED);
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "is denied");
	assert_int_equal(harness_audited(AUDIT_CASE_APPROVED, true), 1);
	assert_int_equal(harness_audited(AUDIT_CASE_DENIED, true), denied + 1);
}

static void
officers_are_restricted_here_too(void **state)
{
	int64_t id;
	struct err err;

	(void)state;
	harness_set("CA\\Recovery\\SecondApprover", "All");
	/* officer1 for Sales (user1 is in it), officer2 for Engineering */
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1205", NULL}, {false, "1112", "1206", NULL}},
	    2);
	assert_not_opened(
	    &officer2, archived.serial, "damaged", "INC-1", NULL, CERTSRV_E_RESTRICTEDOFFICER);
	assert_not_opened(&officer2, "user1@nwtraders.com", "damaged", "INC-1", NULL,
	    CERTSRV_E_RESTRICTEDOFFICER);
	id = opened(&officer1);
	assert_not_decided_blindly(id, CASE_APPROVE);
	assert_not_decided_blindly(id, CASE_DENY);
	assert_not_decided_blindly(id, CASE_CLOSE);

	const struct store_case_filter live = {.limit = 100};
	struct store_cases cs;
	struct store_case c;
	int64_t next;

	/* a page that shows nothing says where the next begins */
	const struct store_case_filter one = {.limit = 1};
	harness_must(recover_case_list(harness.ca, &officer2, &one, &cs, &next, &err), &err);
	assert_int_equal(cs.count, 0);
	assert_int_equal(next, id);
	store_cases_free(&cs);
	harness_must(recover_case_list(harness.ca, &officer2, &live, &cs, &next, &err), &err);
	assert_int_equal(cs.count, 0);
	store_cases_free(&cs);
	/* and says the same whomever it is asked about */
	const struct store_case_filter questions[] = {
	    {.owner = user1.downlevel, .limit = 1},
	    {.owner = outsider.downlevel, .limit = 1},
	    {.officer = officer1.downlevel, .limit = 1},
	    {.officer = officer2.downlevel, .limit = 1},
	    {.request_id = archived.id, .limit = 1},
	    {.request_id = archived.id + 1000, .limit = 1},
	    {.state = CASE_WAITING, .limit = 1},
	    {.state = CASE_OPEN, .limit = 1},
	};
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
		bool meant = i % 2 == 0;

		harness_must(
		    recover_case_list(harness.ca, &officer2, &questions[i], &cs, &next, &err),
		    &err);
		assert_int_equal(cs.count, 0);
		assert_int_equal(next, id);
		store_cases_free(&cs);
		harness_must(
		    recover_case_list(harness.ca, &officer1, &questions[i], &cs, &next, &err),
		    &err);
		assert_int_equal(cs.count, meant);
		store_cases_free(&cs);
	}
	assert_false(recover_case_get(harness.ca, &officer2, id, &c, &err));
	assert_int_equal(err.code, CERTSRV_E_RESTRICTEDOFFICER);
	assert_null(strstr(err.msg, "user1"));
	harness_must(recover_case_list(harness.ca, &officer1, &live, &cs, &next, &err), &err);
	assert_int_equal(cs.count, 1);
	store_cases_free(&cs);
	harness_must(recover_case_get(harness.ca, &officer1, id, &c, &err), &err);
	assert_string_equal(c.ticket, "INC-7");
	store_case_free(&c);
	assert_false(recover_case_list(harness.ca, &user1, &live, &cs, &next, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	/* Who lost his restriction's grant withdraws what he opened, and fetches no more. */
	harness_restrict((struct harness_rule[]){{false, "1112", "1205", NULL}}, 1);
	must_decide(&officer2, id, CASE_APPROVE);
	assert_not_fetched(&officer1, id, CERTSRV_E_RESTRICTEDOFFICER, "dircaOfficerRights");
	must_decide(&officer1, id, CASE_CLOSE);
	harness_unrestrict();
}

/* What was opened before the setting said so is not used afterwards. */
static void
an_approver_that_is_demanded_later_is_demanded(void **state)
{
	int64_t id = opened(&officer1);
	struct err err;

	(void)state;
	/* a name that is none would protect nothing */
	assert_false(ca_set_setting(harness.ca, &harness.vault, "test",
	    "CA\\Recovery\\SecondApprover", "EFSArchive,EFSArchiv", &err));
	assert_int_equal(err.code, E_INVALIDARG);
	harness_set("CA\\Recovery\\SecondApprover", "EFSArchive");
	assert_not_fetched(&officer1, 0, DIRCA_E_CASE_REQUIRED, "SecondApprover");
	harness_set("CA\\Recovery\\SecondApprover", "UserArchive");
	must_fetch(&officer1, id);
	must_decide(&officer2, id, CASE_CLOSE);
	/* it is needed for such a template whatever RequireCase says */
	harness_set("CA\\Recovery\\RequireCase", "0");
	must_fetch(&officer1, 0);
	harness_set("CA\\Recovery\\SecondApprover", "EFSArchive");
	assert_not_fetched(&officer1, 0, DIRCA_E_CASE_REQUIRED, "SecondApprover");
}

/* ---- opening ---- */

static void
what_opens_a_case_is_checked(void **state)
{
	struct principal own = officer1;
	char note[402];

	(void)state;
	assert_not_opened(&user1, "user1", "damaged", "INC-1", NULL, E_ACCESSDENIED);
	assert_not_opened(&auditor, "user1", "damaged", "INC-1", NULL, E_ACCESSDENIED);
	assert_not_opened(&caadmin, "user1", "damaged", "INC-1", NULL, E_ACCESSDENIED);
	own.sid = user1.sid;
	assert_not_opened(&own, "user1", "damaged", "INC-1", NULL, DIRCA_E_OWN_REQUEST);
	assert_not_opened(&officer1, "nobody", "damaged", "INC-1", NULL, CRYPT_E_NOT_FOUND);
	assert_not_opened(&officer1, "user1", "stolen", "INC-1", NULL, E_INVALIDARG);
	assert_not_opened(&officer1, "user1", NULL, "INC-1", NULL, E_INVALIDARG);
	assert_not_opened(&officer1, "user1", "damaged", NULL, NULL, E_INVALIDARG);
	assert_not_opened(&officer1, "user1", "damaged", "", NULL, E_INVALIDARG);
	assert_not_opened(&officer1, "user1", "damaged", "a b", NULL, E_INVALIDARG);
	assert_not_opened(&officer1, "user1", "damaged", "x=y", NULL, E_INVALIDARG);
	assert_not_opened(&officer1, "user1", "other", "INC-1", NULL, E_INVALIDARG);
	assert_not_opened(&officer1, "user1", "damaged", "INC-1", "two\nlines", E_INVALIDARG);
	assert_not_opened(&officer1, "user1", "damaged", "INC-1", "\xe2\x80\xae", E_INVALIDARG);
	const char *many[CASE_KEYS_MAX + 1];
	struct case_opening in = {many, CASE_KEYS_MAX + 1, "damaged", "INC-1", NULL};
	struct recover_hidden hidden;
	struct store_case c;
	struct err err;
	for (size_t i = 0; i <= CASE_KEYS_MAX; i++)
		many[i] = "user1";
	assert_false(recover_case_open(harness.ca, &officer1, &in, clock_now(), &c, &hidden, &err));
	assert_int_equal(err.code, DIRCA_E_TOO_LARGE);
	in.token_count = 0;
	assert_false(recover_case_open(harness.ca, &officer1, &in, clock_now(), &c, &hidden, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	memset(note, 'x', 401);
	note[401] = '\0';
	assert_not_opened(&officer1, "user1", "damaged", "INC-1", note, E_INVALIDARG);
}

static void
a_case_is_about_all_keys_of_one_owner(void **state)
{
	const char *both[] = {"user1@nwtraders.com", archived.serial};
	const struct case_opening in = {both, 2, "left", "INC-9", NULL};
	struct recover_hidden hidden;
	int64_t first = archived.id, second;
	char serial[sizeof archived.serial], sql[200];
	struct store_case c;
	struct err err;

	(void)state;
	strcpy(serial, archived.serial);
	EVP_PKEY_free(archived.key);
	make_archived();
	second = archived.id;
	harness_must(
	    recover_case_open(harness.ca, &officer1, &in, clock_now(), &c, &hidden, &err), &err);
	assert_int_equal(c.key_count, 2);
	assert_int_equal(c.keys[0].request_id, first);
	assert_int_equal(c.keys[1].request_id, second);
	int64_t id = c.case_id;
	store_case_free(&c);
	assert_int_equal(must_fetch(&officer1, 0), id);
	assert_false(receive_of(&officer1, id, archived.serial, first, &err)); /* of the other */
	assert_int_equal(err.code, CRYPT_E_NOT_FOUND);
	harness_must(receive_of(&officer1, id, archived.serial, second, &err), &err);
	harness_must(receive(&officer1, id, archived.serial, &err), &err); /* said again */
	assert_int_equal(state_of(id), CASE_OPEN);                         /* the other waits */
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "arrived");
	must_decide(&officer1, id, CASE_CLOSE);

	snprintf(sql, sizeof sql,
	    "UPDATE Request SET RequesterSID = 'S-1-5-21-1-2-3-9999' WHERE RequestID = %lld",
	    (long long)first);
	sqlite(sql);
	const char *two[] = {serial, archived.serial};
	const struct case_opening mixed = {two, 2, "left", "INC-9", NULL};
	assert_false(
	    recover_case_open(harness.ca, &officer1, &mixed, clock_now(), &c, &hidden, &err));
	assert_int_equal(err.code, TYPE_E_AMBIGUOUSNAME);
	assert_non_null(strstr(err.msg, "open one for each"));
	/* and it is about no other */
	id = opened(&officer1);
	strcpy(archived.serial, serial);
	archived.id = first;
	assert_not_fetched(&officer1, id, CRYPT_E_NOT_FOUND, "is not about the key of");
	must_decide(&officer1, id, CASE_CLOSE);
}

/* ---- time ---- */

static void
a_case_ends_by_the_clock_and_stays_ended(void **state)
{
	int64_t now = clock_now(), id = opened_at(&officer1, "damaged", now);
	int expired = harness_audited(AUDIT_CASE_EXPIRED, true);
	struct err err;
	int64_t by;

	(void)state;
	harness_must(fetch_at(&officer1, id, now + 24 * HOUR - 1, &by, &err), &err);
	assert_not_fetched_at(
	    &officer1, id, now + 24 * HOUR, CERTSRV_E_BAD_REQUESTSTATUS, "its time had passed");
	assert_not_fetched_at(&officer1, 0, now + 24 * HOUR, DIRCA_E_CASE_REQUIRED, "case open");
	harness_must(recover_cases_tend(harness.ca, now + 24 * HOUR - 1, &err), &err);
	assert_int_equal(state_of(id), CASE_OPEN);
	harness_must(recover_cases_tend(harness.ca, now + 24 * HOUR, &err), &err);
	assert_int_equal(state_of(id), CASE_EXPIRED);
	assert_int_equal(harness_audited(AUDIT_CASE_EXPIRED, true), expired + 1);
	/* the clock is set back */
	assert_not_fetched_at(
	    &officer1, id, now, CERTSRV_E_BAD_REQUESTSTATUS, "its time had passed");

	/* one that waits ends too, when somebody decides too late */
	harness_set("CA\\Recovery\\SecondApprover", "All");
	id = opened_at(&officer1, "damaged", now);
	assert_false(decide_at(&officer2, id, CASE_APPROVE, NULL, now + 72 * HOUR, &err));
	assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSTATUS);
	assert_int_equal(state_of(id), CASE_EXPIRED);
	assert_int_equal(harness_audited(AUDIT_CASE_EXPIRED, true), expired + 2);
	/* from the approval on it has the time of an open one */
	id = opened_at(&officer1, "damaged", now);
	harness_must(decide_at(&officer2, id, CASE_APPROVE, NULL, now + 71 * HOUR, &err), &err);
	harness_must(fetch_at(&officer1, id, now + 94 * HOUR, &by, &err), &err);
	harness_must(decide_at(&officer1, id, CASE_CLOSE, NULL, now + 94 * HOUR, &err), &err);
}

/* What the clock has shown counts: set back, it makes no time. */
static void
a_clock_that_is_set_back_gives_no_time(void **state)
{
	int64_t now = clock_now(), id = opened_at(&officer1, "damaged", now);
	struct err err;
	int64_t by;

	(void)state;
	harness_must(recover_cases_tend(harness.ca, now + 20 * HOUR, &err), &err);
	assert_not_fetched_at(&officer1, 0, now, CERTSRV_E_BAD_REQUESTSTATUS, "was set back");
	harness_must(fetch_at(&officer1, id, now + 20 * HOUR, &by, &err), &err);
	/* by another case at once */
	int64_t other = opened_at(&officer1, "damaged", now);
	harness_must(fetch_at(&officer1, other, now, &by, &err), &err);
	must_decide(&officer1, id, CASE_CLOSE);
	must_decide(&officer1, other, CASE_CLOSE);
}

/* ---- events ---- */

static void
events_tell_of_it(void **state)
{
	int waiting = harness_events(EVENT_CASE_WAITING), open = harness_events(EVENT_CASE_OPENED),
	    denied = harness_events(EVENT_CASE_DENIED), got = harness_events(EVENT_KEY_RETRIEVED);
	int64_t id;

	(void)state;
	harness_set("CA\\LogLevel", "4");
	id = opened(&officer1);
	assert_int_equal(harness_events(EVENT_CASE_OPENED), open + 1);
	must_fetch(&officer1, id);
	assert_int_equal(harness_events(EVENT_KEY_RETRIEVED), got + 1);
	must_decide(&officer1, id, CASE_CLOSE);
	harness_set("CA\\Recovery\\SecondApprover", "All");
	id = opened(&officer1);
	assert_int_equal(harness_events(EVENT_CASE_WAITING), waiting + 1);
	must_decide(&officer2, id, CASE_APPROVE);
	assert_int_equal(harness_events(EVENT_CASE_OPENED), open + 2);
	must_decide(&officer2, id, CASE_DENY);
	assert_int_equal(harness_events(EVENT_CASE_DENIED), denied + 1);
}

/* ---- owners ---- */

struct teller {
	enum owner_told answer;
	int asked;
	int64_t number;
};

static enum owner_told
tell(const struct event_record *e, char **how_out, void *arg, struct err *err)
{
	struct teller *t = arg;

	t->asked++;
	t->number = e->number;
	*how_out = mem_text("mail to=user1@nwtraders.com");
	if (t->answer != OWNER_TOLD)
		err_set(err, DIRCA_E_NETWORK, "no mail server");
	return t->answer;
}

static void
owners_are_told(bool on)
{
	harness.config->requester_mail = on;
}

static int64_t
now_ms(void)
{
	return clock_mono_ms();
}

/* Asked so often, with so many records of success and failure and so many events. */
static void
assert_told(struct teller *t, struct owner_notices *n, enum owner_told answer, int64_t later_s,
    int asked, int told, int failed)
{
	int before = t->asked, told_before = harness_audited(AUDIT_OWNER_TOLD, true),
	    failed_before = harness_audited(AUDIT_OWNER_TOLD, false),
	    events = harness_events(EVENT_OWNER_NOT_TOLD);

	t->answer = answer;
	ca_tell_owners(harness.ca, n, clock_now() + later_s, now_ms() + later_s * 1000, tell, t);
	assert_int_equal(t->asked - before, asked);
	assert_int_equal(harness_audited(AUDIT_OWNER_TOLD, true) - told_before, told);
	assert_int_equal(harness_audited(AUDIT_OWNER_TOLD, false) - failed_before, failed);
	assert_int_equal(harness_events(EVENT_OWNER_NOT_TOLD) - events, failed);
}

static void
recovered(void)
{
	int64_t id = opened(&officer1);

	must_fetch(&officer1, id);
	must_decide(&officer1, id, CASE_CLOSE);
}

static void
that_an_owner_was_told_is_recorded(void **state)
{
	struct owner_notices n = {0};
	struct teller t = {0};

	(void)state;
	owners_are_told(false);
	recovered();
	assert_told(&t, &n, OWNER_TOLD, 0, 0, 0, 0);
	owners_are_told(true);
	harness_set("CA\\Recovery\\TellOwner", "Never");
	recovered();
	assert_told(&t, &n, OWNER_TOLD, 0, 0, 0, 0);
	harness_set("CA\\Recovery\\TellOwner", "AtFetch");
	recovered();
	assert_told(&t, &n, OWNER_TOLD, 0, 1, 1, 0);
	assert_int_equal(t.number, EVENT_KEY_RETRIEVED);
	assert_told(&t, &n, OWNER_TOLD, 3600, 0, 0, 0);
	harness_set("CA\\Recovery\\TellOwner", "AtOpening");
	recovered();
	assert_told(&t, &n, OWNER_TOLD, 0, 2, 2, 0);
	/* what the program gets is told by the program, if it gets it */
	owners_are_told(false);
	harness_set("CA\\Recovery\\TellOwner", "AtFetch");
	harness.config->event_hook = mem_text("/bin/true");
	recovered();
	assert_told(&t, &n, OWNER_TOLD, 0, 1, 1, 0);
	harness.config->event_hook_on = mem_text("kra");
	recovered();
	assert_told(&t, &n, OWNER_TOLD, 0, 0, 0, 0);
	free(harness.config->event_hook);
	free(harness.config->event_hook_on);
	harness.config->event_hook = harness.config->event_hook_on = NULL;
}

static void
an_owner_who_was_not_told_is_tried_again(void **state)
{
	struct owner_notices n = {0}, restarted = {0};
	struct teller t = {0};

	(void)state;
	owners_are_told(true);
	recovered();
	/* the CA stops meanwhile: nothing is known */
	assert_told(&t, &n, OWNER_INTERRUPTED, 0, 1, 0, 0);
	assert_told(&t, &restarted, OWNER_UNTOLD, 0, 1, 0, 1);
	/* not at once, and recorded once */
	assert_told(&t, &restarted, OWNER_UNTOLD, 0, 0, 0, 0);
	assert_told(&t, &restarted, OWNER_UNTOLD, 60, 1, 0, 0);
	/* one who comes meanwhile waits for nobody */
	recovered();
	assert_told(&t, &restarted, OWNER_TOLD, 60, 1, 1, 0);
	assert_told(&t, &restarted, OWNER_TOLD, 3600, 1, 1, 0);
	assert_told(&t, &restarted, OWNER_TOLD, 7200, 0, 0, 0);
	/* given up, as is who has no address */
	recovered();
	assert_told(&t, &restarted, OWNER_UNTOLD, 7200, 1, 0, 1);
	assert_told(&t, &restarted, OWNER_UNTOLD, INT64_C(4) * 86400, 1, 0, 1);
	assert_told(&t, &restarted, OWNER_UNTOLD, INT64_C(5) * 86400, 0, 0, 0);
	recovered();
	assert_told(&t, &restarted, OWNER_WITHOUT, INT64_C(5) * 86400, 1, 0, 1);
	assert_told(&t, &restarted, OWNER_TOLD, INT64_C(6) * 86400, 0, 0, 0);
	owners_are_told(false);
}

static void
a_key_is_not_handed_out_if_its_owner_cannot_be_written_down(void **state)
{
	int64_t id = opened(&officer1), by;
	struct owner_notices n = {0};
	struct teller t = {0};
	struct err err;

	(void)state;
	owners_are_told(true);
	sqlite("CREATE TRIGGER full BEFORE INSERT ON OwnerNotice "
	       "BEGIN SELECT RAISE(ABORT, 'full'); END");
	assert_false(fetch_at(&officer1, id, clock_now(), &by, &err));
	sqlite("DROP TRIGGER full");
	must_fetch(&officer1, id);
	/* told, but not recorded: less and less often, not each second */
	sqlite("CREATE TRIGGER full BEFORE INSERT ON Audit BEGIN SELECT RAISE(ABORT, 'full'); END");
	assert_told(&t, &n, OWNER_TOLD, 0, 1, 0, 0);
	assert_told(&t, &n, OWNER_TOLD, 0, 0, 0, 0);
	sqlite("DROP TRIGGER full");
	assert_told(&t, &n, OWNER_TOLD, 60, 1, 1, 0);
	must_decide(&officer1, id, CASE_CLOSE);
	owners_are_told(false);
}

static void
nothing_is_done_that_cannot_be_recorded(void **state)
{
	int64_t id = opened(&officer1), other;
	struct err err;
	int64_t by;

	(void)state;
	sqlite("CREATE TRIGGER full BEFORE INSERT ON Audit BEGIN SELECT RAISE(ABORT, 'full'); END");
	assert_false(try_open(
	    &officer1, archived.serial, "damaged", "INC-1", NULL, clock_now(), &other, &err));
	assert_int_equal(err.code, DIRCA_E_DATABASE);
	assert_false(fetch_at(&officer1, id, clock_now(), &by, &err));
	assert_false(decide_at(&officer1, id, CASE_CLOSE, NULL, clock_now(), &err));
	sqlite("DROP TRIGGER full");
	assert_int_equal(state_of(id), CASE_OPEN);
	for (int i = 0; i < CASE_FETCHES_MAX; i++) /* none was used */
		must_fetch(&officer1, id);
	must_decide(&officer1, id, CASE_CLOSE);
}

/* ---- what is revoked first, and explanations ---- */

static bool
revoke_work(struct store_tx *tx, void *arg, struct err *err)
{
	const int *reason = arg;

	return store_revoke(tx, archived.id, *reason, clock_now(), clock_now(), err);
}

static void
assert_explained_to(const struct principal *asker, enum err_code code, const char *part)
{
	const struct recover_question q = {asker, &officer1, archived.serial};
	struct recover_explanation x;
	struct err err;
	bool found = false;

	harness_must(recover_explain(harness.ca, &q, clock_now(), &x, &err), &err);
	assert_int_equal(x.count, 1);
	assert_int_equal(x.keys[0].refusal.code, code);
	for (size_t i = 0; i < x.keys[0].steps.count; i++)
		found = found || (strcmp(x.keys[0].steps.steps[i].check, "case") == 0 &&
				     strstr(x.keys[0].steps.steps[i].reason, part) != NULL);
	if (!found)
		fail_msg("%s", part);
	recover_explanation_free(&x);
}

static void
assert_explained(enum err_code code, const char *part)
{
	assert_explained_to(&officer1, code, part);
}

static void
explanations_say_which_case(void **state)
{
	int64_t id;

	(void)state;
	assert_explained(DIRCA_E_CASE_REQUIRED, "`dirca case open ");
	harness_set("CA\\Recovery\\SecondApprover", "All");
	id = opened(&officer1);
	assert_explained(CERTSRV_E_BAD_REQUESTSTATUS, "`dirca case approve ");
	must_decide(&officer2, id, CASE_APPROVE);
	assert_explained(ERR_OK, "is open until");
	must_decide(&officer1, id, CASE_CLOSE);
	settings_usual();
	harness_set("CA\\Recovery\\RequireCase", "0");
	assert_explained(ERR_OK, "no recovery case is needed");
}

/* Not whose keys they are, when he is not to know, nor a manager who could not fetch them. */
static void
explanations_say_of_no_case_to_others(void **state)
{
	int64_t id;

	(void)state;
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1205", NULL}, {false, "1112", "1206", NULL}},
	    2);
	for (int i = 0; i < 2; i++) {
		assert_explained_to(&user1, DIRCA_E_CASE_REQUIRED, "by a recovery case only");
		assert_explained_to(&officer2, DIRCA_E_CASE_REQUIRED, "by a recovery case only");
		assert_explained_to(&caadmin, DIRCA_E_CASE_REQUIRED, "by a recovery case only");
		if (i == 0)
			id = opened(&officer1);
	}
	assert_explained_to(&officer1, ERR_OK, "is open until");
	harness_set("CA\\Recovery\\RequireCase", "0");
	assert_explained_to(&officer2, ERR_OK, "no recovery case is needed");
	must_decide(&officer1, id, CASE_CLOSE);
	harness_unrestrict();
}

/* Last: the certificate is revoked. */
static void
what_is_compromised_is_revoked_before(void **state)
{
	int hold = REASON_HOLD, compromise = 1;
	int64_t id = opened_at(&officer1, "lost", clock_now());
	struct err err;

	(void)state;
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "`dirca revoke ");
	harness_set("CA\\Recovery\\RevokeFirst", "KeyCompromise");
	must_fetch(&officer1, id);
	must_decide(&officer1, id, CASE_CLOSE);
	id = opened_at(&officer1, "keyCompromise", clock_now());
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "--reason keyCompromise`");
	harness_must(store_do(harness.ca->store, revoke_work, &hold, &err), &err);
	assert_not_fetched(&officer1, id, CERTSRV_E_BAD_REQUESTSTATUS, "--reason keyCompromise`");
	harness_must(store_do(harness.ca->store, revoke_work, &compromise, &err), &err);
	assert_int_equal(must_fetch(&officer1, 0), id);
	must_decide(&officer1, id, CASE_CLOSE);
}

static int
group_setup(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user2", &outsider);
	harness_person("officer1", &officer1);
	harness_person("officer2", &officer2);
	harness_person("auditor", &auditor);
	harness_person("caadmin", &caadmin);
	make_archived();
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	principal_free(&outsider);
	EVP_PKEY_free(archived.key);
	return harness_close();
}

#define USUAL(name) cmocka_unit_test_setup(name, usual)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    USUAL(a_retrieval_is_a_case_by_itself_where_none_is_needed),
	    USUAL(without_a_case_nothing_is_handed_out),
	    USUAL(an_answer_that_was_lost_is_given_again_until_it_arrived),
	    USUAL(a_retrieval_that_fails_after_its_record_is_of_the_case),
	    USUAL(what_was_decided_meanwhile_counts),
	    USUAL(a_second_manager_approves_and_never_the_opener_or_the_owner),
	    USUAL(officers_are_restricted_here_too),
	    USUAL(an_approver_that_is_demanded_later_is_demanded),
	    USUAL(what_opens_a_case_is_checked),
	    USUAL(a_case_is_about_all_keys_of_one_owner),
	    USUAL(a_case_ends_by_the_clock_and_stays_ended),
	    USUAL(a_clock_that_is_set_back_gives_no_time),
	    USUAL(events_tell_of_it),
	    USUAL(that_an_owner_was_told_is_recorded),
	    USUAL(an_owner_who_was_not_told_is_tried_again),
	    USUAL(a_key_is_not_handed_out_if_its_owner_cannot_be_written_down),
	    USUAL(nothing_is_done_that_cannot_be_recorded),
	    USUAL(explanations_say_which_case),
	    USUAL(explanations_say_of_no_case_to_others),
	    USUAL(what_is_compromised_is_revoked_before),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
