/*
 * The states of a recovery case: every state by every act by every actor, held against a table that
 * is written down here once more; time; which certificates have to be revoked first.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "case_states.h"
#include "mem.h"

static char officer[] = "NWTRADERS\\officer1", serial[] = "611e23c2";

/* What becomes of it, by state (rows) and act; '-': nothing. Who: o opener, a another, c clock. */
static const struct expected {
	enum case_state from;
	enum case_act act;
	enum case_state to;
	const char *who;
} expected[] = {
    {CASE_WAITING, CASE_APPROVE, CASE_OPEN, "a"},
    {CASE_WAITING, CASE_DENY, CASE_DENIED, "a"},
    {CASE_WAITING, CASE_CLOSE, CASE_CLOSED, "oa"},
    {CASE_WAITING, CASE_EXPIRE, CASE_EXPIRED, "c"},
    {CASE_OPEN, CASE_DENY, CASE_DENIED, "a"},
    {CASE_OPEN, CASE_FETCH, CASE_OPEN, "o"},
    {CASE_OPEN, CASE_RECEIVE, CASE_OPEN, "o"},
    {CASE_OPEN, CASE_CLOSE, CASE_CLOSED, "oa"},
    {CASE_OPEN, CASE_EXPIRE, CASE_EXPIRED, "c"},
};

static const struct {
	enum case_actor actor;
	char letter;
} actors[] = {{CASE_OPENER, 'o'}, {CASE_ANOTHER, 'a'}, {CASE_CLOCK, 'c'}};

static const struct expected *
find(enum case_state from, enum case_act act)
{
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		if (expected[i].from == from && expected[i].act == act)
			return &expected[i];
	return NULL;
}

static void
every_state_takes_the_acts_of_the_table_by_whom_it_says(void **state)
{
	(void)state;
	for (enum case_state from = CASE_WAITING; from <= CASE_EXPIRED; from++)
		for (enum case_act act = CASE_APPROVE; act <= CASE_EXPIRE; act++)
			for (size_t i = 0; i < COUNT_OF(actors); i++) {
				struct store_case c = {
				    .case_id = 7, .state = from, .opened_by = officer};
				const struct expected *e = find(from, act);
				enum case_state to;
				struct err err;
				bool may = e != NULL && strchr(e->who, actors[i].letter) != NULL;

				if (case_step(&c, act, actors[i].actor, &to, &err) != may)
					fail_msg("%s, act %d, %c", case_state_name(from), (int)act,
					    actors[i].letter);
				if (may)
					assert_int_equal(to, e->to);
				else if (e == NULL)
					assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSTATUS);
				else
					assert_true(err.code == DIRCA_E_OWN_REQUEST ||
						    err.code == E_ACCESSDENIED);
			}
}

static void
who_refuses_names_what_mends_it(void **state)
{
	struct store_case c = {.case_id = 7, .state = CASE_WAITING, .opened_by = officer};
	enum case_state to;
	struct err err;

	(void)state;
	assert_false(case_step(&c, CASE_FETCH, CASE_OPENER, &to, &err));
	assert_non_null(strstr(err.msg, "`dirca case approve 7`"));
	assert_false(case_step(&c, CASE_DENY, CASE_OPENER, &to, &err));
	assert_non_null(strstr(err.msg, "`dirca case close 7`"));
	assert_false(case_step(&c, CASE_APPROVE, CASE_OPENER, &to, &err));
	assert_int_equal(err.code, DIRCA_E_OWN_REQUEST);
	c.state = CASE_OPEN;
	assert_false(case_step(&c, CASE_FETCH, CASE_ANOTHER, &to, &err));
	assert_non_null(strstr(err.msg, officer));
}

/* By the later of the two clocks, and never again before. */
static void
time_goes_on(void **state)
{
	struct store_case c = {
	    .case_id = 7, .state = CASE_OPEN, .usable_until = 2000, .seen_when = 1500};
	struct err err;

	(void)state;
	assert_false(case_is_due(&c, 1999));
	assert_true(case_is_due(&c, 2000));
	c.seen_when = 2000;
	assert_true(case_is_due(&c, 1000));
	c.state = CASE_CLOSED;
	assert_false(case_is_due(&c, 3000));

	c.seen_when = 1900;
	assert_true(case_check_clock(&c, 1900 - CASE_CLOCK_SLACK_S, &err));
	assert_false(case_check_clock(&c, 1899 - CASE_CLOCK_SLACK_S, &err));
	assert_non_null(strstr(err.msg, "set back"));
}

static void
keys_are_done_when_each_arrived(void **state)
{
	struct store_case_key keys[] = {{.request_id = 3, .received_when = 1}, {.request_id = 5}};
	struct store_case c = {.keys = keys, .key_count = 2};

	(void)state;
	assert_ptr_equal(case_key(&c, 5), &keys[1]);
	assert_null(case_key(&c, 4));
	assert_false(case_is_done(&c));
	keys[1].received_when = 1;
	assert_true(case_is_done(&c));
}

static void
what_is_compromised_or_lost_is_revoked_first(void **state)
{
	static const struct {
		enum case_reason reason;
		int64_t setting;
		enum disposition disposition;
		int revoked, not_after;
		bool may;
	} rows[] = {
	    {CASE_KEY_COMPROMISE, 3, DISP_ISSUED, -1, 2000, false},
	    {CASE_KEY_COMPROMISE, 1, DISP_ISSUED, -1, 2000, false},
	    {CASE_KEY_COMPROMISE, 2, DISP_ISSUED, -1, 2000, true},
	    {CASE_KEY_COMPROMISE, 3, DISP_REVOKED, 1, 2000, true},
	    {CASE_KEY_COMPROMISE, 3, DISP_REVOKED, REASON_HOLD, 2000, false}, /* can be lifted */
	    {CASE_KEY_COMPROMISE, 3, DISP_ISSUED, -1, 1000, true},            /* it ended */
	    {CASE_KEY_COMPROMISE, 3, DISP_FOREIGN, -1, 2000, true},
	    {CASE_LOST, 3, DISP_ISSUED, -1, 2000, false},
	    {CASE_LOST, 1, DISP_ISSUED, -1, 2000, true},
	    {CASE_LOST, 2, DISP_REVOKED, 4, 2000, true},
	    {CASE_DAMAGED, 3, DISP_ISSUED, -1, 2000, true},
	    {CASE_LEFT, 3, DISP_ISSUED, -1, 2000, true},
	    {CASE_LEGAL, 3, DISP_ISSUED, -1, 2000, true},
	    {CASE_OTHER, 3, DISP_ISSUED, -1, 2000, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct store_case c = {.case_id = 7, .reason = rows[i].reason};
		const struct store_request row = {.disposition = rows[i].disposition,
		    .revoked_reason = rows[i].revoked,
		    .not_after = rows[i].not_after,
		    .serial_number = serial};
		struct err err;

		if (case_check_revoked(&c, rows[i].setting, &row, 1000, &err) != rows[i].may)
			fail_msg("row %zu", i);
		if (!rows[i].may)
			assert_non_null(strstr(err.msg, "`dirca revoke 611e23c2 --reason "));
	}
}

static void
names_are_found_again(void **state)
{
	enum case_reason reason;
	enum case_state found;
	struct err err;

	(void)state;
	for (enum case_reason r = CASE_KEY_COMPROMISE; r <= CASE_OTHER; r++) {
		assert_true(case_reason_find(case_reason_name(r), &reason, &err));
		assert_int_equal(reason, r);
	}
	for (enum case_state s = CASE_WAITING; s <= CASE_EXPIRED; s++) {
		assert_true(case_state_find(case_state_name(s), &found, &err));
		assert_int_equal(found, s);
	}
	assert_true(case_reason_find("KEYCOMPROMISE", &reason, &err));
	assert_false(case_reason_find("none", &reason, &err)); /* that of the CA alone */
	assert_false(case_reason_find("stolen", &reason, &err));
	assert_non_null(strstr(err.msg, "keyCompromise, lost, damaged, left, legal, other"));
	assert_false(case_state_find("", &found, &err));
	assert_string_equal(case_state_name((enum case_state)0), "?");
	assert_string_equal(case_reason_name((enum case_reason)99), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_state_takes_the_acts_of_the_table_by_whom_it_says),
	    cmocka_unit_test(who_refuses_names_what_mends_it),
	    cmocka_unit_test(time_goes_on),
	    cmocka_unit_test(keys_are_done_when_each_arrived),
	    cmocka_unit_test(what_is_compromised_or_lost_is_revoked_first),
	    cmocka_unit_test(names_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
