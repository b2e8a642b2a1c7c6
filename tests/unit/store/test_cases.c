/*
 * Recovery cases in the database: what was opened stays, what ended stays, nobody approves his own,
 * a case is found by who opened it, lists by pages; and the step from the schema that had none.
 */
#include "store_cases.h"
#include "store_test.h"

#define OFFICER  "NWTRADERS\\officer1"
#define APPROVER "NWTRADERS\\officer2"
#define SID1     "S-1-5-21-1-2-3-1111"
#define SID2     "S-1-5-21-1-2-3-1112"

static struct store_case
usual(struct store_case_key *keys, size_t count)
{
	return (struct store_case){.state = CASE_WAITING,
	    .reason = CASE_DAMAGED,
	    .ticket = TEXT("INC-7"),
	    .note = TEXT("disk"),
	    .owner_name = TEXT("NWTRADERS\\user1"),
	    .owner_sid = TEXT("S-1-5-21-1-2-3-1101"),
	    .opened_by = TEXT(OFFICER),
	    .opened_by_sid = TEXT(SID1),
	    .opened_when = 1000,
	    .needs_approver = true,
	    .usable_until = 2000,
	    .seen_when = 1000,
	    .keys = keys,
	    .key_count = count};
}

struct unit {
	struct store_case *c;
	enum case_state from;
	int64_t id, request_id, now;
};

static bool
work_open(struct store_tx *tx, void *arg, struct err *err)
{
	struct unit *u = arg;

	return store_add_case(tx, u->c, &u->id, err);
}

static bool
work_move(struct store_tx *tx, void *arg, struct err *err)
{
	const struct unit *u = arg;

	return store_move_case(tx, u->c, u->from, err);
}

static bool
work_fetch(struct store_tx *tx, void *arg, struct err *err)
{
	const struct unit *u = arg;

	return store_note_fetch(tx, u->id, u->request_id, u->now, err);
}

static bool
work_receive(struct store_tx *tx, void *arg, struct err *err)
{
	const struct unit *u = arg;

	return store_note_receipt(tx, u->id, u->request_id, u->now, err);
}

static bool
work_see(struct store_tx *tx, void *arg, struct err *err)
{
	return store_see_cases(tx, *(int64_t *)arg, err);
}

static int64_t
open_case(struct fixture *f, struct store_case *c)
{
	struct unit u = {.c = c};

	assert_ok(f, store_do(f->store, work_open, &u, &f->err));
	return u.id;
}

/* One about the key of a row that is made from `n`. */
static int64_t
open_one(struct fixture *f, unsigned n, int64_t *request_id_out)
{
	struct store_case_key key = {0};
	struct store_case c = usual(&key, 1);
	struct sample s;

	sample_issued(&s, n);
	key.request_id = *request_id_out = add_row(f, &s.row);
	return open_case(f, &c);
}

static bool
move(struct fixture *f, int64_t id, enum case_state from, enum case_state to, const char *approver,
    const char *approver_sid)
{
	bool ends = to > CASE_OPEN;
	struct store_case c = {.case_id = id,
	    .state = to,
	    .approved_by = TEXT(approver),
	    .approved_by_sid = TEXT(approver_sid),
	    .approved_when = approver != NULL ? 1100 : 0,
	    .ended_by = ends ? TEXT(OFFICER) : NULL,
	    .ended_when = ends ? 1200 : 0,
	    .usable_until = 3000,
	    .seen_when = 1100};
	struct unit u = {.c = &c, .from = from};

	return store_do(f->store, work_move, &u, &f->err);
}

static void
a_case_is_read_as_it_was_opened_and_moved(void **state)
{
	struct fixture *f = *state;
	struct store_case c;
	int64_t request, id = open_one(f, 1, &request);
	struct unit u = {.id = id, .request_id = request, .now = 1150};

	assert_ok(f, store_get_case(f->store, id, &c, &f->err) == STORE_FOUND);
	assert_int_equal(c.state, CASE_WAITING);
	assert_int_equal(c.reason, CASE_DAMAGED);
	assert_string_equal(c.ticket, "INC-7");
	assert_string_equal(c.note, "disk");
	assert_string_equal(c.owner_name, "NWTRADERS\\user1");
	assert_string_equal(c.opened_by_sid, SID1);
	assert_null(c.approved_by);
	assert_int_equal(c.key_count, 1);
	assert_int_equal(c.keys[0].request_id, request);
	assert_string_equal(c.keys[0].serial, "611e23c200000001");
	assert_int_equal(c.keys[0].fetches, 0);
	store_case_free(&c);

	assert_ok(f, move(f, id, CASE_WAITING, CASE_OPEN, APPROVER, SID2));
	assert_ok(f, store_do(f->store, work_fetch, &u, &f->err));
	assert_ok(f, store_do(f->store, work_receive, &u, &f->err));
	reopen(f);
	assert_ok(f, store_get_case(f->store, id, &c, &f->err) == STORE_FOUND);
	assert_int_equal(c.state, CASE_OPEN);
	assert_string_equal(c.approved_by, APPROVER);
	assert_int_equal(c.usable_until, 3000);
	assert_int_equal(c.keys[0].fetches, 1);
	assert_int_equal(c.keys[0].fetched_when, 1150);
	assert_int_equal(c.keys[0].received_when, 1150);
	store_case_free(&c);
	assert_int_equal(store_get_case(f->store, id + 1, &c, &f->err), STORE_NOT_FOUND);
	assert_sound(f);
}

static void
one_that_moved_meanwhile_is_not_moved(void **state)
{
	struct fixture *f = *state;
	int64_t request, id = open_one(f, 1, &request);

	assert_ok(f, move(f, id, CASE_WAITING, CASE_OPEN, APPROVER, SID2));
	assert_false(move(f, id, CASE_WAITING, CASE_DENIED, NULL, NULL));
	assert_int_equal(f->err.code, DIRCA_E_CHANGED);
	assert_ok(f, move(f, id, CASE_OPEN, CASE_CLOSED, APPROVER, SID2));
	assert_false(move(f, id, CASE_CLOSED, CASE_OPEN, APPROVER, SID2));
	assert_non_null(strstr(f->err.msg, "a recovery case that ended stays as it is"));
}

static void
nobody_approves_what_he_opened(void **state)
{
	struct fixture *f = *state;
	int64_t request, id = open_one(f, 1, &request);

	assert_false(move(f, id, CASE_WAITING, CASE_OPEN, "nwtraders\\OFFICER1", SID2));
	assert_non_null(strstr(f->err.msg, "nobody approves a case that he opened"));
	assert_false(move(f, id, CASE_WAITING, CASE_OPEN, APPROVER, SID1));
	/* nor is it open without one */
	assert_false(move(f, id, CASE_WAITING, CASE_OPEN, NULL, NULL));
	assert_non_null(strstr(f->err.msg, "a case that needs an approver"));
	assert_ok(f, move(f, id, CASE_WAITING, CASE_OPEN, APPROVER, SID2));
}

/* Past this program too. */
static void
what_was_written_stays(void **state)
{
	static const char *const tampered[] = {"UPDATE RecoveryCase SET OpenedBy = 'x'",
	    "UPDATE RecoveryCase SET NeedsApprover = 0", "UPDATE RecoveryCase SET Ticket = 'x'",
	    "DELETE FROM RecoveryCase", "DELETE FROM RecoveryCaseKey",
	    "UPDATE RecoveryCaseKey SET Fetches = 0, FetchedWhen = NULL",
	    "UPDATE RecoveryCaseKey SET RequestID = 99", "UPDATE RecoveryCase SET State = 9",
	    "INSERT INTO RecoveryCaseKey VALUES (99, 1, 0, NULL, NULL)"};
	struct fixture *f = *state;
	int64_t request, id = open_one(f, 1, &request);
	struct unit u = {.id = id, .request_id = request, .now = 1150};

	assert_ok(f, store_do(f->store, work_fetch, &u, &f->err));
	for (size_t i = 0; i < sizeof tampered / sizeof tampered[0]; i++) {
		char sql[256];

		snprintf(sql, sizeof sql, "PRAGMA foreign_keys = on; %s", tampered[i]);
		if (raw_exec(f, sql) != SQLITE_CONSTRAINT)
			fail_msg("%s", tampered[i]);
	}
	assert_ok(f, store_do(f->store, work_receive, &u, &f->err));
	assert_false(store_do(f->store, work_receive, &u, &f->err));
	assert_false(store_do(f->store, work_fetch, &u, &f->err));
	u.request_id = 99;
	assert_false(store_do(f->store, work_fetch, &u, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_CHANGED);
}

static void
sizes_are_kept(void **state)
{
	struct fixture *f = *state;
	static struct store_case_key keys[CASE_KEYS_MAX + 1];
	struct store_case c = usual(keys, 0);
	struct unit u = {.c = &c};
	char ticket[66];

	assert_false(store_do(f->store, work_open, &u, &f->err));
	c.key_count = CASE_KEYS_MAX + 1;
	assert_false(store_do(f->store, work_open, &u, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_TOO_LARGE);
	c.key_count = 1;
	memset(ticket, 'x', 65);
	ticket[65] = '\0';
	c.ticket = ticket;
	assert_false(store_do(f->store, work_open, &u, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_TOO_LARGE);
	/* a key that there is not */
	c.ticket = NULL;
	keys[0].request_id = 4711;
	assert_false(store_do(f->store, work_open, &u, &f->err));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM RecoveryCase"), 0);
}

static int64_t
found(struct fixture *f, int64_t request, const char *sid, const char *name, int64_t now)
{
	const struct store_case_query q = {
	    .request_id = request, .opener = {sid, name}, .now = now, .most_fetches = 2};
	struct store_case c;
	enum store_find find = store_find_case(f->store, &q, &c, &f->err);
	int64_t id = c.case_id;

	assert_int_not_equal(find, STORE_FAILED);
	store_case_free(&c);
	return find == STORE_FOUND ? id : 0;
}

static void
a_case_is_found_by_its_opener_and_key(void **state)
{
	struct fixture *f = *state;
	int64_t request, id = open_one(f, 1, &request), newer;
	struct store_case_key key = {.request_id = request};
	struct store_case c = usual(&key, 1);
	struct unit u = {.id = id, .request_id = request, .now = 1150};

	assert_int_equal(found(f, request, SID1, "other name", 1500), id);
	assert_int_equal(found(f, request, SID2, OFFICER, 1500), 0); /* who has the name now */
	assert_int_equal(found(f, request, NULL, "nwtraders\\OFFICER1", 1500), id);
	assert_int_equal(found(f, request, SID1, NULL, 2000), 0);
	assert_int_equal(found(f, request + 1, SID1, NULL, 1500), 0);
	newer = open_case(f, &c);
	assert_int_equal(found(f, request, SID1, NULL, 1500), newer);
	/* one that is open before one that waits */
	assert_ok(f, move(f, id, CASE_WAITING, CASE_OPEN, APPROVER, SID2));
	assert_int_equal(found(f, request, SID1, NULL, 1500), id);
	/* what was fetched too often, or arrived, is used up */
	assert_ok(f, store_do(f->store, work_fetch, &u, &f->err));
	assert_int_equal(found(f, request, SID1, NULL, 1500), id);
	assert_ok(f, store_do(f->store, work_fetch, &u, &f->err));
	assert_int_equal(found(f, request, SID1, NULL, 1500), newer);
	u.id = newer;
	assert_ok(f, store_do(f->store, work_fetch, &u, &f->err));
	assert_ok(f, store_do(f->store, work_receive, &u, &f->err));
	assert_int_equal(found(f, request, SID1, NULL, 1500), 0);
}

static size_t
cases_of(struct fixture *f, const char *owner, const char *officer)
{
	const struct store_case_filter filter = {.owner = owner, .officer = officer};
	struct store_cases cs;
	size_t count;

	assert_ok(f, store_list_cases(f->store, &filter, &cs, &f->err));
	count = cs.count;
	store_cases_free(&cs);
	return count;
}

/* As a search finds keys (match.h): another case of any script, composed or not. */
static void
names_are_compared_as_directories_do(void **state)
{
	struct fixture *f = *state;
	struct store_case_key key = {0};
	struct store_case c = usual(&key, 1);
	struct sample s;

	sample_issued(&s, 1);
	key.request_id = add_row(f, &s.row);
	c.owner_name = TEXT("NWTRADERS\\J\xc3\xb6rg");
	c.opened_by = TEXT("NWTRADERS\\\xd0\xaf\xd0\xbd\xd0\xb0");
	open_case(f, &c);
	assert_int_equal(cases_of(f, "nwtraders\\J\xc3\x96RG", NULL), 1);
	assert_int_equal(cases_of(f, "NWTRADERS\\Jo\xcc\x88rg", NULL), 1);
	assert_int_equal(cases_of(f, "NWTRADERS\\Jorg", NULL), 0);
	assert_int_equal(cases_of(f, NULL, "nwtraders\\\xd1\x8f\xd0\x9d\xd0\x90"), 1);
	assert_int_equal(cases_of(f, NULL, "nwtraders\\\xd1\x8f\xd0\x9d"), 0);
}

static void
lists_come_by_pages_and_filters(void **state)
{
	struct fixture *f = *state;
	int64_t request[3], id[3];
	static const struct {
		struct store_case_filter filter;
		const char *ids;
	} rows[] = {{{0}, "12"}, {{.ended_too = true}, "123"}, {{.state = CASE_CLOSED}, "3"},
	    {{.state = CASE_WAITING}, "2"}, {{.after_id = 1, .ended_too = true}, "23"},
	    {{.limit = 1}, "1"}, {{.owner = "nwtraders\\USER1"}, "12"}, {{.owner = "user1"}, ""},
	    {{.owner = " nwtraders\\\xef\xbd\x95SER1"}, "12"}, {{.officer = OFFICER}, "12"},
	    {{.officer = APPROVER, .ended_too = true}, ""}, {{.due_at = 1999}, ""},
	    {{.due_at = 2000}, "2"}, {{.due_at = 3000}, "12"}};

	for (unsigned i = 0; i < 3; i++)
		id[i] = open_one(f, i + 1, &request[i]);
	assert_ok(f, move(f, id[0], CASE_WAITING, CASE_OPEN, APPROVER, SID2));
	assert_ok(f, move(f, id[2], CASE_WAITING, CASE_CLOSED, NULL, NULL));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct store_cases cs;
		char ids[16] = "";

		assert_ok(f, store_list_cases(f->store, &rows[i].filter, &cs, &f->err));
		for (size_t k = 0; k < cs.count; k++) {
			ids[k] = (char)('0' + cs.list[k].case_id);
			assert_int_equal(cs.list[k].key_count, 1);
		}
		if (strcmp(ids, rows[i].ids) != 0)
			fail_msg("row %zu: %s", i, ids);
		store_cases_free(&cs);
	}
	struct store_case_counts counts;
	assert_ok(f, store_count_cases(f->store, &counts, &f->err));
	assert_int_equal(counts.waiting, 1);
	assert_int_equal(counts.open, 1);
	const struct store_case_filter of_key = {.request_id = request[1]};
	struct store_cases cs;
	assert_ok(f, store_list_cases(f->store, &of_key, &cs, &f->err));
	assert_int_equal(cs.count, 1);
	store_cases_free(&cs);
}

/* A clock that was there is remembered by those that did not end, and only forward. */
static void
the_clock_is_remembered(void **state)
{
	struct fixture *f = *state;
	int64_t request, live = open_one(f, 1, &request), ended = open_one(f, 2, &request);
	int64_t times[] = {2500, 1200};
	struct store_case_filter due = {.due_at = 1200};
	struct store_cases cs;
	struct store_case c;

	assert_ok(f, move(f, ended, CASE_WAITING, CASE_CLOSED, NULL, NULL));
	for (size_t i = 0; i < 2; i++)
		assert_ok(f, store_do(f->store, work_see, &times[i], &f->err));
	assert_ok(f, store_get_case(f->store, live, &c, &f->err) == STORE_FOUND);
	assert_int_equal(c.seen_when, 2500);
	store_case_free(&c);
	assert_ok(f, store_get_case(f->store, ended, &c, &f->err) == STORE_FOUND);
	assert_int_equal(c.seen_when, 1100);
	store_case_free(&c);
	assert_ok(f, store_list_cases(f->store, &due, &cs, &f->err));
	assert_int_equal(cs.count, 1);
	store_cases_free(&cs);
}

static void
an_older_database_gets_the_tables(void **state)
{
	struct fixture *f = *state;
	int64_t request;

	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_15), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	assert_int_equal(open_one(f, 1, &request), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_case_is_read_as_it_was_opened_and_moved),
	    TEST(one_that_moved_meanwhile_is_not_moved),
	    TEST(nobody_approves_what_he_opened),
	    TEST(what_was_written_stays),
	    TEST(sizes_are_kept),
	    TEST(a_case_is_found_by_its_opener_and_key),
	    TEST(names_are_compared_as_directories_do),
	    TEST(lists_come_by_pages_and_filters),
	    TEST(the_clock_is_remembered),
	    TEST(an_older_database_gets_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
