/*
 * A principal that is looked for again is found by searches that were sent together (ahead.h), and
 * what changed since the last time counts. Each change is met by a connection that foresees the
 * state before it, and by one that knows nothing: both say the same.
 */
#include <ldap.h>

#include "people_lab.h"

#include "ahead.h"
#include "conn_priv.h"

static struct dir_config config;
static struct dir_conn *warm;

/* ---- Both ways ---- */

struct answer {
	enum dir_find found;
	struct principal p;
	struct err err;
	size_t waits;
};

static void
answer_free(struct answer *a)
{
	principal_free(&a->p);
}

static struct answer
ask(struct dir_conn *c, const char *token)
{
	size_t before = dir_conn_waits(c);
	struct answer out = {0};

	out.found = principal_find(c, token, &out.p, &out.err);
	out.waits = dir_conn_waits(c) - before;
	return out;
}

/* Until it asks nothing new. */
static void
warm_up(const char *token)
{
	for (int i = 0; i < 2; i++) {
		struct answer a = ask(warm, token);

		if (a.found != DIR_FOUND)
			fail_msg("%s: %s", token, a.err.msg);
		answer_free(&a);
	}
}

static void
same_sids(const struct sids *a, const struct sids *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_true(sids_contain(b, &a->list[i]));
}

/* What the foreseeing connection says now, which is what a new one says. */
static struct answer
ask_both(struct dir_conn *foreseeing, const struct dir_config *as, const char *token)
{
	struct dir_conn *fresh = lab_connect(as);
	struct answer a = ask(foreseeing, token), b = ask(fresh, token);

	assert_int_equal(a.found, b.found);
	if (a.found == DIR_FIND_FAILED) {
		assert_int_equal(a.err.code, b.err.code);
		assert_string_equal(a.err.msg, b.err.msg);
	} else if (a.found == DIR_FOUND) {
		assert_string_equal(a.p.dn, b.p.dn);
		assert_string_equal(a.p.downlevel, b.p.downlevel);
		same_sids(&a.p.sids, &b.p.sids);
	}
	answer_free(&b);
	dir_disconnect(&fresh);
	return a;
}

static void
is_in(const char *token, uint32_t rid, bool expected)
{
	struct answer a = ask_both(warm, &config, token);

	if (a.found != DIR_FOUND || has_group(&a.p, rid) != expected)
		fail_msg("%s and the group %u: %s", token, rid, a.err.msg);
	answer_free(&a);
}

static void
member(bool add, const char *group, const char *dn)
{
	struct err err;

	if (!(add ? dir_add_value : dir_delete_value)(conn, group, "member", view_str(dn), &err))
		fail_msg("%s", err.msg);
}

/* ---- Groups ---- */

#define USER   "CN=erin," USERS_DN
#define OTHER  "CN=frank," USERS_DN
#define KEEPER "CN=user5," USERS_DN
#define ONE    "CN=One," USERS_DN
#define TWO    "CN=Two," USERS_DN
#define THREE  "CN=Three," USERS_DN
#define FOUR   "CN=Four," USERS_DN
#define CIRCLE "CN=Circle," USERS_DN

/* erin -> One -> Two -> Three <-> Circle. KEEPER keeps groups from being empty. */
static int
make_groups(void **state)
{
	(void)state;
	add_user(USER, "erin", NULL, "7200");
	add_user(OTHER, "frank", NULL, "7201");
	add_group(ONE, "7001", USER);
	member(true, ONE, KEEPER);
	add_group(TWO, "7002", ONE);
	member(true, TWO, KEEPER);
	add_group(THREE, "7003", TWO);
	member(true, THREE, KEEPER);
	add_group(CIRCLE, "7005", THREE);
	member(true, THREE, CIRCLE);
	warm_up("erin");
	return 0;
}

static int
remove_groups(void **state)
{
	(void)state;
	remove_entry(ONE);
	remove_entry(TWO);
	remove_entry(THREE);
	remove_entry(CIRCLE);
	remove_entry(USER);
	remove_entry(OTHER);
	return 0;
}

static void
a_principal_that_is_known_is_waited_for_once(void **state)
{
	struct dir_conn *fresh = lab_connect(&config);
	struct answer first = ask(fresh, "erin"), second = ask(fresh, "erin");

	(void)state;
	assert_true(first.waits > 6);
	assert_int_equal(second.waits, 1);
	assert_int_equal(second.found, DIR_FOUND);
	same_sids(&first.p.sids, &second.p.sids);
	assert_true(has_group(&second.p, 7005));
	assert_true(dir_conn_is_quiet(fresh));
	answer_free(&first);
	answer_free(&second);
	dir_disconnect(&fresh);
}

static void
a_group_that_was_left_is_left_at_every_level(void **state)
{
	static const struct {
		const char *group, *member;
		uint32_t stays; /* 0: none of them */
	} steps[] = {{CIRCLE, THREE, 7003}, {THREE, TWO, 7002}, {TWO, ONE, 7001}, {ONE, USER, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (i == 0)
			member(true, CIRCLE, KEEPER);
		member(false, steps[i].group, steps[i].member);
		for (uint32_t rid = 7001; rid <= 7005; rid++)
			if (rid != 7004)
				is_in("erin", rid, rid <= steps[i].stays);
		member(true, steps[i].group, steps[i].member);
		if (i == 0)
			member(false, CIRCLE, KEEPER);
		warm_up("erin");
		is_in("erin", 7005, true);
	}
}

/* Three and Circle hold each other: who asks for both at once would keep them. */
static void
a_circle_holds_nobody_by_itself(void **state)
{
	(void)state;
	is_in("erin", 7003, true);
	is_in("erin", 7005, true);
	member(false, THREE, TWO);
	is_in("erin", 7005, false);
	is_in("erin", 7003, false);
	is_in("erin", 7002, true);
	member(true, CIRCLE, ONE); /* from the other side */
	is_in("erin", 7003, true);
	member(true, THREE, TWO);
	member(false, CIRCLE, ONE);
}

static void
a_group_that_was_entered_counts_at_once(void **state)
{
	static const char *const members[] = {USER, ONE, TWO, THREE, CIRCLE};

	(void)state;
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		struct answer a;

		is_in("erin", 7004, false);
		add_group(FOUR, "7004", members[i]);
		is_in("erin", 7004, true);
		a = ask(warm, "erin");
		assert_int_equal(a.waits, 1);
		answer_free(&a);
		remove_entry(FOUR);
	}
	is_in("erin", 7004, false);
}

/* More than come in one answer. */
static void
more_groups_than_a_page_are_all_found(void **state)
{
	struct answer a;
	char dn[64], rid[16];

	(void)state;
	for (unsigned i = 0; i < DIR_PAGE_SIZE; i++) {
		snprintf(dn, sizeof dn, "CN=many%u,%s", i, USERS_DN);
		snprintf(rid, sizeof rid, "%u", 8000 + i);
		add_group(dn, rid, USER);
	}
	warm_up(USER);
	a = ask_both(warm, &config, USER);
	assert_int_equal(a.found, DIR_FOUND);
	assert_true(has_group(&a.p, 8000) && has_group(&a.p, 8000 + DIR_PAGE_SIZE - 1));
	assert_true(has_group(&a.p, 7005));
	answer_free(&a);
	for (unsigned i = 0; i < DIR_PAGE_SIZE; i++) {
		snprintf(dn, sizeof dn, "CN=many%u,%s", i, USERS_DN);
		remove_entry(dn);
	}
	is_in(USER, 8000, false);
}

/* ---- Accounts ---- */

static void
rename_entry(const char *dn, const char *rdn, const char *parent)
{
	assert_int_equal(ldap_rename_s(conn->ld, dn, rdn, parent, 1, NULL, NULL), LDAP_SUCCESS);
}

static void
is_called(const char *token, const char *dn)
{
	struct answer a = ask_both(warm, &config, token);

	if (dn == NULL)
		assert_int_equal(a.found, DIR_NOT_FOUND);
	else if (a.found != DIR_FOUND)
		fail_msg("%s: %s", token, a.err.msg);
	else
		assert_true(dir_dn_eq(a.p.dn, dn));
	answer_free(&a);
}

static void
an_account_that_moved_is_found_where_it_is(void **state)
{
	static const char moved[] = "CN=erin,CN=Computers," BASE_DN,
			  renamed[] = "CN=irene," USERS_DN;
	struct view name = view_str("irene"), back = view_str("erin");
	struct err err;

	(void)state;
	warm_up("NWTRADERS\\erin");
	rename_entry(USER, "CN=erin", "CN=Computers," BASE_DN);
	is_called("erin", moved);
	is_in("erin", 7001, false); /* who holds it by its old place, holds it no more */
	member(true, ONE, moved);
	is_in("erin", 7001, true);
	is_in("NWTRADERS\\erin", 7001, true);
	member(false, ONE, moved);
	rename_entry(moved, "CN=erin", USERS_DN);
	warm_up("erin");

	rename_entry(USER, "CN=irene", NULL);
	is_called("erin", renamed);
	is_in("erin", 7001, false);
	rename_entry(renamed, "CN=erin", NULL);
	warm_up("erin");

	assert_true(dir_replace(conn, USER, "sAMAccountName", &name, 1, &err));
	is_called("NWTRADERS\\erin", NULL);
	is_called("NWTRADERS\\irene", USER);
	assert_true(dir_replace(conn, USER, "sAMAccountName", &back, 1, &err));
	is_called("NWTRADERS\\erin", USER);
}

static void
an_account_that_was_disabled_is_disabled(void **state)
{
	struct view off = view_str("514"), on = view_str("512");
	struct answer a;
	struct err err;

	(void)state;
	assert_true(dir_replace(conn, USER, "userAccountControl", &off, 1, &err));
	a = ask_both(warm, &config, "erin");
	assert_int_equal(a.waits, 1);
	assert_false(principal_check_active(&a.p, 1, &err));
	assert_int_equal(err.code, ERROR_ACCOUNT_DISABLED);
	answer_free(&a);
	assert_true(dir_replace(conn, USER, "userAccountControl", &on, 1, &err));
	a = ask_both(warm, &config, "erin");
	assert_true(principal_check_active(&a.p, 1, &err));
	answer_free(&a);
	assert_true(dir_replace(conn, USER, "userAccountControl", NULL, 0, &err));
}

static void
a_second_account_of_the_name_makes_it_ambiguous(void **state)
{
	static const char second[] = "CN=second,CN=Computers," BASE_DN;
	struct answer a;

	(void)state;
	warm_up("NWTRADERS\\erin");
	add_user(second, "erin", NULL, "7100");
	a = ask_both(warm, &config, "NWTRADERS\\erin");
	assert_int_equal(a.found, DIR_FIND_FAILED);
	assert_int_equal(a.err.code, TYPE_E_AMBIGUOUSNAME);
	answer_free(&a);
	remove_entry(second);
	is_called("NWTRADERS\\erin", USER);
}

/* The name of one goes to the other: with it no group of the first. */
static void
what_one_is_in_the_other_is_not(void **state)
{
	struct view first = view_str("erin"), second = view_str("frank"), none = view_str("nobody");
	struct dir_conn *c = conn;
	struct err err;

	(void)state;
	warm_up("NWTRADERS\\erin");
	warm_up("NWTRADERS\\frank");
	is_in("NWTRADERS\\erin", 7001, true);
	is_in("NWTRADERS\\frank", 7001, false);
	assert_true(dir_replace(c, USER, "sAMAccountName", &none, 1, &err) &&
		    dir_replace(c, OTHER, "sAMAccountName", &first, 1, &err) &&
		    dir_replace(c, USER, "sAMAccountName", &second, 1, &err));
	is_in("NWTRADERS\\erin", 7001, false);
	is_in("NWTRADERS\\frank", 7001, true);
	is_called("NWTRADERS\\erin", OTHER);
	assert_true(dir_replace(c, OTHER, "sAMAccountName", &none, 1, &err) &&
		    dir_replace(c, USER, "sAMAccountName", &first, 1, &err) &&
		    dir_replace(c, OTHER, "sAMAccountName", &second, 1, &err));
	is_in("NWTRADERS\\erin", 7001, true);
	is_in("NWTRADERS\\frank", 7001, false);
}

/* Who gives himself many names pushes others out: they are found as before. */
static void
what_is_remembered_is_bounded(void **state)
{
	char dn[] = USER;
	struct answer a;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		char *letter = dn + sizeof "CN=erin,CN=Users," - 1; /* DC=nwtraders */

		for (unsigned bit = 0; bit < 9; bit++)
			letter[3 + bit] =
			    (char)((i >> bit & 1) != 0 ? "NWTRADERS"[bit] : "nwtraders"[bit]);
		is_called(dn, USER);
	}
	a = ask(warm, "erin");
	assert_int_equal(a.found, DIR_FOUND);
	assert_true(a.waits > 1);
	assert_true(has_group(&a.p, 7005));
	answer_free(&a);
	a = ask(warm, dn);
	assert_int_equal(a.waits, 1);
	answer_free(&a);
}

/* ---- What is no plain success ---- */

static const char database[] = "olcDatabase={2}mdb,cn=config";

static struct dir_config
as_dircad(struct secret *password)
{
	struct err err;

	assert_true(secret_dup(view_str("dircad-Passw0rd"), password, &err));
	return (struct dir_config){.uris = getenv("LDAPS_URI"),
	    .auth = DIR_AUTH_SIMPLE,
	    .bind_dn = "CN=dircad," USERS_DN,
	    .tls_ca_file = getenv("LDAP_CA_FILE"),
	    .password = password,
	    .timeout_ms = 5000};
}

static void
fails_as_ever(struct dir_conn *c, const struct dir_config *as, const char *words)
{
	struct answer a = ask_both(c, as, "erin");

	assert_int_equal(a.found, DIR_FIND_FAILED);
	if (strstr(a.err.msg, words) == NULL)
		fail_msg("%s", a.err.msg);
	answer_free(&a);
}

static void
limits_and_rights_are_what_they_are(void **state)
{
	struct view one = view_str("dn.exact=\"cn=dircad,cn=users,dc=nwtraders,dc=com\" size=1");
	struct view hidden = view_str("{0}to attrs=member by * none");
	struct secret password = {0};
	struct dir_config as = as_dircad(&password);
	struct dir_conn *c = lab_connect(&as);
	struct answer a;
	struct err err;

	(void)state;
	add_group(FOUR, "7004", USER);
	for (int i = 0; i < 2; i++) {
		a = ask(c, "erin");
		assert_int_equal(a.found, DIR_FOUND);
		answer_free(&a);
	}
	assert_true(dir_replace(conn, database, "olcLimits", &one, 1, &err));
	fails_as_ever(c, &as, "cannot read member");
	assert_true(dir_replace(conn, database, "olcLimits", NULL, 0, &err));
	a = ask_both(c, &as, "erin");
	assert_int_equal(a.found, DIR_FOUND);
	answer_free(&a);
	/* Where groups are hidden the answer is one of success, without them. */
	assert_true(dir_add_value(conn, database, "olcAccess", hidden, &err));
	a = ask(c, "erin");
	assert_true(a.found == DIR_FIND_FAILED || !has_group(&a.p, 7004));
	answer_free(&a);
	assert_true(dir_delete_value(conn, database, "olcAccess", view_str("{0}"), &err));
	dir_disconnect(&c);
	secret_free(&password);
	remove_entry(FOUR);
}

/* A part of the directory lies elsewhere now. */
static void
a_referral_is_told_as_ever(void **state)
{
	(void)state;
	assert_true(lab_sh("lab_admin ldapadd -M <<'END'\n"
			   "dn: OU=away," BASE_DN "\n"
			   "objectClass: referral\nobjectClass: extensibleObject\nou: away\n"
			   "ref: ldap://other.example/OU=away," BASE_DN "\n"
			   "END\n"));
	fails_as_ever(warm, &config, "ldap://other.example/");
	fails_as_ever(warm, &config, "ldap://other.example/");
	assert_true(lab_sh("lab_admin ldapdelete -M 'OU=away," BASE_DN "'"));
	is_in("erin", 7001, true);
}

static void
a_server_that_is_gone_is_told_as_ever(void **state)
{
	struct dir_conn *c = lab_connect(&config);
	struct answer a;

	(void)state;
	for (int i = 0; i < 2; i++) {
		a = ask(c, "erin");
		assert_int_equal(a.found, DIR_FOUND);
		answer_free(&a);
	}
	assert_true(lab_sh("lab_slapd_stop \"$1\""));
	a = ask(c, "erin");
	assert_int_equal(a.found, DIR_FIND_FAILED);
	assert_int_equal(a.err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	assert_true(dir_conn_is_broken(c));
	answer_free(&a);
	dir_disconnect(&c);
	assert_true(lab_sh("lab_slapd_start \"$1\""));
	c = lab_connect(&config); /* foresees nothing of what the other knew */
	a = ask(c, "erin");
	assert_int_equal(a.found, DIR_FOUND);
	assert_true(a.waits > 1);
	answer_free(&a);
	dir_disconnect(&c);
	dir_disconnect(&conn);
	dir_disconnect(&warm);
	conn = lab_connect(&config);
	warm = lab_connect(&config);
}

static int
start(void **state)
{
	(void)state;
	if (lab_begin(&config, &conn) != 0)
		return -1;
	warm = lab_connect(&config);
	return 0;
}

static int
end(void **state)
{
	dir_disconnect(&warm);
	return lab_finish(&conn, state);
}

#define WITH_GROUPS(test) cmocka_unit_test_setup_teardown(test, make_groups, remove_groups)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_GROUPS(a_principal_that_is_known_is_waited_for_once),
	    WITH_GROUPS(a_group_that_was_left_is_left_at_every_level),
	    WITH_GROUPS(a_circle_holds_nobody_by_itself),
	    WITH_GROUPS(a_group_that_was_entered_counts_at_once),
	    WITH_GROUPS(more_groups_than_a_page_are_all_found),
	    WITH_GROUPS(an_account_that_moved_is_found_where_it_is),
	    WITH_GROUPS(an_account_that_was_disabled_is_disabled),
	    WITH_GROUPS(a_second_account_of_the_name_makes_it_ambiguous),
	    WITH_GROUPS(what_one_is_in_the_other_is_not),
	    WITH_GROUPS(what_is_remembered_is_bounded),
	    WITH_GROUPS(limits_and_rights_are_what_they_are),
	    WITH_GROUPS(a_referral_is_told_as_ever),
	    WITH_GROUPS(a_server_that_is_gone_is_told_as_ever),
	};

	return cmocka_run_group_tests(tests, start, end);
}
