#include "people_lab.h"

#include "trustee.h"

#define DOMAIN_SID "S-1-5-21-3330634377-1326264276-632209373"

static struct dir_config config;

/* `sid` NULL: nobody. */
static void
is(const char *token, const char *sid)
{
	char text[SID_TEXT_MAX] = "nobody";
	struct sid found;
	struct err err = {0};

	switch (trustee_find(conn, token, &found, &err)) {
	case DIR_FOUND:
		sid_to_text(&found, text);
		break;
	case DIR_NOT_FOUND:
		break;
	case DIR_FIND_FAILED:
		fail_msg("%s: %s", token, err.msg);
	}
	assert_string_equal(text, sid != NULL ? sid : "nobody");
}

static void
fails(const char *token, enum err_code code, const char *a, const char *b)
{
	struct sid found;
	struct err err = {0};

	assert_int_equal(trustee_find(conn, token, &found, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, code);
	if (strcasestr(err.msg, a) == NULL || strcasestr(err.msg, b) == NULL)
		fail_msg("%s", err.msg);
}

static void
users_groups_and_well_known_names_are_trustees(void **state)
{
	(void)state;
	is("user1", DOMAIN_SID "-1101");
	is("user1@nwtraders.com", DOMAIN_SID "-1101");
	is("NWTRADERS\\ws1$", DOMAIN_SID "-1118");
	is("Sales", DOMAIN_SID "-1205");
	is("sales", DOMAIN_SID "-1205");
	is("NWTRADERS\\Sales", DOMAIN_SID "-1205");
	is("nwtraders.com\\Domain Users", DOMAIN_SID "-513");
	is("CN=Sales," USERS_DN, DOMAIN_SID "-1205");
	is("CN=user1," USERS_DN, DOMAIN_SID "-1101");
	is("Everyone", "S-1-1-0");
	is("authenticated users", "S-1-5-11");
	is("BUILTIN\\Administrators", "S-1-5-32-544");
	is("S-1-5-21-1-2-3-4", "S-1-5-21-1-2-3-4");
	is("nobody", NULL);
	is("NWTRADERS\\nobody", NULL);
	is("OTHER\\Sales", NULL);
	is("CN=Nobody," USERS_DN, NULL);
	is(USERS_DN, NULL);
	is("Sales*", NULL);
}

static void
a_name_of_two_things_is_an_error_that_names_both(void **state)
{
	(void)state;
	add_group("CN=user1,CN=Computers," BASE_DN, "8001", "CN=user2," USERS_DN);
	fails("user1", TYPE_E_AMBIGUOUSNAME, "CN=user1,CN=Users", "CN=user1,CN=Computers");
	is("CN=user1,CN=Computers," BASE_DN, DOMAIN_SID "-8001");
	/* And of three things, all. */
	add_group("CN=user1," BASE_DN, "8003", "CN=user2," USERS_DN);
	fails("user1", TYPE_E_AMBIGUOUSNAME, "CN=user1,CN=Users", "CN=user1,CN=Computers");
	fails("user1", TYPE_E_AMBIGUOUSNAME, "CN=user1,DC=", ": give the DN");
	remove_entry("CN=user1," BASE_DN);
	remove_entry("CN=user1,CN=Computers," BASE_DN);
	add_group("CN=Everyone," USERS_DN, "8002", "CN=user2," USERS_DN);
	fails("Everyone", TYPE_E_AMBIGUOUSNAME, "CN=Everyone,CN=Users",
	    "\"Everyone\" names Everyone");
	remove_entry("CN=Everyone," USERS_DN);
}

/* slapd finds most of these by the name of another; a right is given to the one that is typed. */
static void
no_right_is_given_through_letters_that_only_rules_make_equal(void **state)
{
	static const char *const others[] = {"\uff35ser1", "us\u00adr1", "\uff33ales",
	    "Sa\u200dles", "Sales\u200f", "\u212aim", "ki\uff4d", "NWTRADERS\\\uff33ales",
	    "NWTRADERS\\\u212aim", "\u212aim@nwtraders.com", " Kim", "Users\\\u212aim"};
	int told = 0;

	(void)state;
	add_user("CN=Kim," USERS_DN, "kim", "kim@nwtraders.com", "8010");
	is("KIM", DOMAIN_SID "-8010");
	is("Kim@nwtraders.com", DOMAIN_SID "-8010");
	is("kim@NWTRADERS", DOMAIN_SID "-8010");
	is("Users\\kim", DOMAIN_SID "-8010");
	is("host/ws1.nwtraders.com", DOMAIN_SID "-1118");
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		struct sid found;
		struct err err = {0};

		/* Some are nobody's name by the rules of this server. */
		switch (trustee_find(conn, others[i], &found, &err)) {
		case DIR_FOUND:
			fail_msg("%s", others[i]);
			break;
		case DIR_NOT_FOUND:
			break;
		case DIR_FIND_FAILED:
			told++;
			assert_int_equal(err.code, CRYPT_E_NOT_FOUND);
			assert_non_null(strstr(err.msg, "write the name as"));
			break;
		}
	}
	assert_true(told >= 6);
	/* Who calls himself so is neither taken for the one that is meant nor stands in the way. */
	add_user("CN=\u212aim,CN=Computers," BASE_DN, "\u212aim", "\u212aim@nwtraders.com", "8011");
	add_group("CN=\uff33ales,CN=Computers," BASE_DN, "8012", "CN=Kim," USERS_DN);
	add_user("CN=\uff33ales," BASE_DN, "salesman", NULL, "8013");
	is("kim", DOMAIN_SID "-8010");
	is("NWTRADERS\\kim", DOMAIN_SID "-8010");
	is("kim@nwtraders.com", DOMAIN_SID "-8010");
	is("\u212aim", DOMAIN_SID "-8011");
	is("Sales", DOMAIN_SID "-1205");
	is("NWTRADERS\\Sales", DOMAIN_SID "-1205");
	remove_entry("CN=Kim," USERS_DN);
	fails("kim", CRYPT_E_NOT_FOUND, "CN=", "write the name as it stands there");
	remove_entry("CN=\u212aim,CN=Computers," BASE_DN);
	remove_entry("CN=\uff33ales,CN=Computers," BASE_DN);
	remove_entry("CN=\uff33ales," BASE_DN);
}

/* Two accounts with one UPN, groups of one name in two domains, accounts of one name. */
static void
several_of_one_name_are_told_and_each_is_had_by_its_domain(void **state)
{
	static const char child[] = "DC=child," BASE_DN;
	struct dir_conn *saved = conn;

	(void)state;
	add_user("CN=twin," USERS_DN, "twin", "user1@nwtraders.com", "8020");
	fails("user1@nwtraders.com", TYPE_E_AMBIGUOUSNAME, "CN=user1", "CN=twin");
	remove_entry("CN=twin," USERS_DN);
	LAB_ADD(conn, child, "objectClass", "domainDNS", "dc", "child");
	LAB_ADD(conn, "CN=CHILD,CN=Partitions," CONFIG_DN, "objectClass", "crossRef", "nCName",
	    child, "dnsRoot", "child.nwtraders.com", "nETBIOSName", "CHILD");
	add_user("CN=user1,DC=child," BASE_DN, "user1", NULL, "8021");
	add_group("CN=Sales,DC=child," BASE_DN, "8022", "CN=user1,DC=child," BASE_DN);
	conn = lab_connect(&config);
	fails("user1", TYPE_E_AMBIGUOUSNAME, "CN=user1,CN=Users", "CN=user1,DC=child");
	fails("Sales", TYPE_E_AMBIGUOUSNAME, "CN=Sales,CN=Users", "CN=Sales,DC=child");
	is("NWTRADERS\\user1", DOMAIN_SID "-1101");
	is("CHILD\\user1", DOMAIN_SID "-8021");
	is("user1@child.nwtraders.com", DOMAIN_SID "-8021");
	is("NWTRADERS\\Sales", DOMAIN_SID "-1205");
	is("child.nwtraders.com\\Sales", DOMAIN_SID "-8022");
	dir_disconnect(&conn);
	conn = saved;
	remove_entry("CN=Sales,DC=child," BASE_DN);
	remove_entry("CN=user1,DC=child," BASE_DN);
	remove_entry("CN=CHILD,CN=Partitions," CONFIG_DN);
	remove_entry("DC=child," BASE_DN);
}

static void
what_has_no_sid_can_be_given_nothing(void **state)
{
	(void)state;
	add_group("CN=no sid," USERS_DN, NULL, "CN=user2," USERS_DN);
	fails("no sid", E_INVALIDARG, "CN=no sid", "objectSid");
	remove_entry("CN=no sid," USERS_DN);
	add_user("CN=bare," USERS_DN, "bare", NULL, NULL);
	fails("bare", E_INVALIDARG, "CN=bare", "objectSid");
	remove_entry("CN=bare," USERS_DN);
}

static void
a_sid_is_named_as_people_know_it(void **state)
{
	static const struct {
		const char *sid, *name;
	} names[] = {{DOMAIN_SID "-1101", "NWTRADERS\\user1"},
	    {DOMAIN_SID "-1205", "NWTRADERS\\Sales"}, {"S-1-5-15", "This Organization"},
	    {"S-1-5-21-1-2-3-4", "S-1-5-21-1-2-3-4"}};
	struct sid sid;
	char *name;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(sid_from_text(names[i].sid, &sid));
		name = trustee_name(conn, &sid);
		assert_string_equal(name, names[i].name);
		free(name);
	}
}

static int
start(void **state)
{
	(void)state;
	return lab_begin(&config, &conn);
}

static int
end(void **state)
{
	return lab_finish(&conn, state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(users_groups_and_well_known_names_are_trustees),
	    cmocka_unit_test(a_name_of_two_things_is_an_error_that_names_both),
	    cmocka_unit_test(no_right_is_given_through_letters_that_only_rules_make_equal),
	    cmocka_unit_test(several_of_one_name_are_told_and_each_is_had_by_its_domain),
	    cmocka_unit_test(what_has_no_sid_can_be_given_nothing),
	    cmocka_unit_test(a_sid_is_named_as_people_know_it),
	};

	return cmocka_run_group_tests(tests, start, end);
}
