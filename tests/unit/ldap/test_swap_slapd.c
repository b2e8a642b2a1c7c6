/* The swap of a value that somebody else may have changed. */
#include "slapd_lab.h"

static struct dir_conn *conn;

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
	    cmocka_unit_test(a_value_is_changed_from_what_was_read),
	};

	return cmocka_run_group_tests(tests, start, end);
}
