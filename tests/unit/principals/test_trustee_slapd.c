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
	    cmocka_unit_test(what_has_no_sid_can_be_given_nothing),
	    cmocka_unit_test(a_sid_is_named_as_people_know_it),
	};

	return cmocka_run_group_tests(tests, start, end);
}
