/* Accounts of this machine as principals: root is on every one. */
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "local_accounts.h"

static void
assert_is_root(const char *token)
{
	struct principal p;
	struct err err;
	char sid[SID_TEXT_MAX];
	struct sid group = local_group_sid(0);

	assert_int_equal(local_account_find("ca1", token, &p, &err), DIR_FOUND);
	assert_string_equal(p.downlevel, "ca1\\root");
	assert_string_equal(p.sam, "root");
	assert_non_null(p.dn);
	sid_to_text(&p.sid, sid);
	assert_string_equal(sid, "S-1-22-1-0");
	assert_true(sids_contain(&p.sids, &p.sid));
	assert_true(sids_contain(&p.sids, &group));
	assert_true(sids_contain(&p.sids, &SID_EVERYONE));
	assert_true(sids_contain(&p.sids, &SID_AUTHENTICATED_USERS));
	principal_free(&p);
}

static void
user_is_found_by_name_and_sid(void **state)
{
	(void)state;
	assert_is_root("root");
	assert_is_root("ca1\\root");
	assert_is_root("CA1\\root");
	assert_is_root("S-1-22-1-0");
}

static void
others_are_nobody(void **state)
{
	static const char *const tokens[] = {"", "no-such-user-here", "ca2\\root", "ca1\\",
	    "ca11\\root", "root@ca1", "ROOT", "CN=root,DC=x", "S-1-22-2-0", "S-1-22-1",
	    "S-1-5-32-544", "S-1-22-1-4294967294", "S-1-22-3-0-0-0-0-1", "S-1-22-1-0-0"};
	struct principal p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
		assert_int_equal(local_account_find("ca1", tokens[i], &p, &err), DIR_NOT_FOUND);
		assert_null(p.dn);
	}
}

/* As the C library has them, one by one: every group of every user up to the first ten. */
static void
groups_are_those_of_the_system(void **state)
{
	struct passwd *pw;
	int seen = 0;

	(void)state;
	setpwent();
	while (seen++ < 10 && (pw = getpwent()) != NULL) {
		gid_t groups[256];
		int count = 256;
		struct principal p;
		struct err err;

		assert_true(getgrouplist(pw->pw_name, pw->pw_gid, groups, &count) >= 0);
		assert_int_equal(local_account_find("ca1", pw->pw_name, &p, &err), DIR_FOUND);
		for (int i = 0; i < count; i++) {
			struct sid sid = local_group_sid(groups[i]);

			assert_true(sids_contain(&p.sids, &sid));
		}
		principal_free(&p);
	}
	endpwent();
}

static void
trustees_are_users_and_groups(void **state)
{
	const struct group *g = getgrgid(0);
	struct sid sid, wanted = local_user_sid(0);
	char name[64];
	struct err err;

	(void)state;
	assert_int_equal(local_trustee_find("root", &sid, &err), DIR_FOUND);
	assert_true(sid_eq(&sid, &wanted));
	assert_non_null(g);
	snprintf(name, sizeof name, "@%s", g->gr_name);
	wanted = local_group_sid(0);
	assert_int_equal(local_trustee_find(name, &sid, &err), DIR_FOUND);
	assert_true(sid_eq(&sid, &wanted));
	assert_int_equal(local_trustee_find("@no-such-group-here", &sid, &err), DIR_NOT_FOUND);
	assert_int_equal(local_trustee_find("no-such-user-here", &sid, &err), DIR_NOT_FOUND);
	assert_int_equal(local_trustee_find("@", &sid, &err), DIR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(user_is_found_by_name_and_sid),
	    cmocka_unit_test(others_are_nobody),
	    cmocka_unit_test(groups_are_those_of_the_system),
	    cmocka_unit_test(trustees_are_users_and_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
