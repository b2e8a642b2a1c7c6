/* Trustees by name and back, and the swap of a value that somebody else may have changed. */
#include "slapd_lab.h"

#include "trustee.h"

#define DOMAIN_SID "S-1-5-21-3330634377-1326264276-632209373"

static struct dir_conn *conn;

static void
assert_sid(const char *token, const char *expected)
{
	char text[SID_TEXT_MAX];
	struct sid sid;
	struct err err;

	if (trustee_find(conn, token, &sid, &err) != DIR_FOUND)
		fail_msg("%s: not found", token);
	sid_to_text(&sid, text);
	assert_string_equal(text, expected);
}

static void
trustees_are_found_by_their_names(void **state)
{
	struct sid sid;
	struct err err;

	(void)state;
	assert_sid("user1", DOMAIN_SID "-1101");
	assert_sid("NWTRADERS\\user1", DOMAIN_SID "-1101");
	assert_sid("Sales", DOMAIN_SID "-1205");
	assert_sid("nwtraders\\sales", DOMAIN_SID "-1205");
	assert_sid("Everyone", "S-1-1-0");
	assert_sid("authenticated users", "S-1-5-11");
	assert_sid("BUILTIN\\Administrators", "S-1-5-32-544");
	assert_sid("S-1-5-21-1-2-3-4", "S-1-5-21-1-2-3-4");
	assert_int_equal(trustee_find(conn, "OTHER\\Sales", &sid, &err), DIR_NOT_FOUND);
	assert_int_equal(trustee_find(conn, "Sal*", &sid, &err), DIR_NOT_FOUND);
}

static void
the_name_that_is_shown_is_found_again(void **state)
{
	static const char *const sids[] = {
	    DOMAIN_SID "-1101", DOMAIN_SID "-1205", "S-1-1-0", "S-1-5-32-544", DOMAIN_SID "-4711"};

	(void)state;
	for (size_t i = 0; i < sizeof sids / sizeof sids[0]; i++) {
		struct sid sid;
		char *name;

		assert_true(sid_from_text(sids[i], &sid));
		name = trustee_name(conn, &sid);
		assert_non_null(name);
		assert_sid(name, sids[i]);
		free(name);
	}
}

#define CA_DN "CN=ca,CN=Enrollment Services," PKS_DN

static bool
swap(const char *old, const char *fresh, const char *add_class, struct err *err)
{
	return dir_swap(
	    conn, CA_DN, "dircaOfficerRights", view_str(old), view_str(fresh), add_class, err);
}

static void
a_value_is_changed_from_what_was_read(void **state)
{
	struct err err;

	(void)state;
	LAB_ADD(conn, CA_DN, "cn", "ca", "objectClass", "pKIEnrollmentService");
	assert_true(swap("", "one", "dircaAuthority", &err));
	assert_true(swap("one", "two", NULL, &err));
	assert_false(swap("one", "three", NULL, &err)); /* it is two by now */
	assert_int_equal(err.code, DIRCA_E_CHANGED);
	assert_false(swap("", "three", NULL, &err)); /* it is not absent */
	assert_int_equal(err.code, DIRCA_E_CHANGED);
	assert_true(swap("two", "", NULL, &err));
	assert_false(swap("two", "", NULL, &err));
	assert_int_equal(err.code, DIRCA_E_CHANGED);
}

static struct dir_config config;

static int
start(void **state)
{
	(void)state;
	if (lab_start(false) != 0)
		return -1;
	config = lab_admin();
	conn = lab_connect(&config);
	return 0;
}

static int
end(void **state)
{
	dir_disconnect(&conn);
	return lab_end(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(trustees_are_found_by_their_names),
	    cmocka_unit_test(the_name_that_is_shown_is_found_again),
	    cmocka_unit_test(a_value_is_changed_from_what_was_read),
	};

	return cmocka_run_group_tests(tests, start, end);
}
