#include "people_lab.h"

#include "clock.h"
#include "conn_priv.h"

#define NOW INT64_C(1763978400) /* 2025-11-24 */

static struct dir_config config;

static void
set(const char *attr, const char *value)
{
	struct view v = view_str(value != NULL ? value : "");
	struct err err;

	if (!dir_replace(conn, "CN=user6," USERS_DN, attr, &v, value != NULL ? 1 : 0, &err))
		fail_msg("%s", err.msg);
}

/* `code` ERR_OK: may act. */
static void
may_act(const char *dn, int64_t now, enum err_code code, const char *words)
{
	struct principal p = get(dn);
	struct err err = {0};

	if (principal_check_active(&p, now, &err) != (code == ERR_OK))
		fail_msg("%s: %s", dn, err.msg);
	assert_int_equal(err.code, code);
	if (words != NULL && strstr(err.msg, words) == NULL)
		fail_msg("%s", err.msg);
	principal_free(&p);
}

static void
an_account_may_act_unless_it_is_disabled_expired_or_locked(void **state)
{
	(void)state;
	may_act("CN=user1," USERS_DN, NOW, ERR_OK, NULL);
	may_act("CN=disabled1," USERS_DN, NOW, ERROR_ACCOUNT_DISABLED, "NWTRADERS\\disabled1");
	may_act("CN=expired1," USERS_DN, NOW, ERROR_ACCOUNT_EXPIRED, "2020-01-01T00:00:00Z");
	may_act("CN=expired1," USERS_DN, 1577836799, ERR_OK, NULL);
	may_act("CN=expired1," USERS_DN, 1577836800, ERROR_ACCOUNT_EXPIRED, NULL);
	may_act("CN=locked1," USERS_DN, NOW, ERROR_ACCOUNT_LOCKED_OUT, "unlock");
}

/* Keys of such accounts are still looked for: all that is known of them is there. */
static void
a_disabled_account_is_found_with_its_groups(void **state)
{
	struct principal p = get("CN=disabled1," USERS_DN);

	(void)state;
	assert_true(p.is_disabled);
	assert_true(has_group(&p, 513));
	assert_string_equal(p.upn, "disabled1@nwtraders.com");
	principal_free(&p);
}

static void
both_values_of_never_are_never(void **state)
{
	(void)state;
	set("accountExpires", "0");
	set("lockoutTime", "0");
	may_act("CN=user6," USERS_DN, NOW, ERR_OK, NULL);
	set("accountExpires", "9223372036854775807");
	may_act("CN=user6," USERS_DN, NOW, ERR_OK, NULL);
	set("accountExpires", "9223372036854775806");
	may_act("CN=user6," USERS_DN, NOW, ERR_OK, NULL);
	set("accountExpires", "1");
	may_act("CN=user6," USERS_DN, NOW, ERROR_ACCOUNT_EXPIRED, "1601-01-01");
	set("accountExpires", NULL);
	set("lockoutTime", NULL);
}

static void
a_time_that_is_none_is_an_error(void **state)
{
	static const char *const bad[] = {"-1", "9223372036854775808"};
	struct principal p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		set("accountExpires", bad[i]);
		assert_int_equal(principal_find(conn, "user6", &p, &err), DIR_FIND_FAILED);
		assert_non_null(strstr(err.msg, "accountExpires"));
		set("accountExpires", NULL);
		set("lockoutTime", bad[i]);
		assert_int_equal(principal_find(conn, "user6", &p, &err), DIR_FIND_FAILED);
		assert_non_null(strstr(err.msg, "lockoutTime"));
		set("lockoutTime", NULL);
	}
}

static void
account_may_act(enum err_code code)
{
	struct principal p;
	struct err err = {0};

	assert_int_equal(principal_find_account(conn, NAMED("user6"), &p, &err), DIR_FOUND);
	assert_int_equal(principal_check_active(&p, NOW, &err), code == ERR_OK);
	assert_int_equal(err.code, code);
	principal_free(&p);
}

/* A domain controller shows userAccountControl of every account to whoever may see it; elsewhere
 * an account may be without. */
static void
what_a_domain_controller_hides_is_no_permission(void **state)
{
	(void)state;
	conn->root.is_ad = true;
	account_may_act(ERR_OK);
	set("userAccountControl", NULL);
	account_may_act(E_ACCESSDENIED);
	conn->root.is_ad = false;
	account_may_act(ERR_OK);
	set("userAccountControl", "512");
}

/* What slapo-ppolicy writes when somebody locks an account for good. */
static void
a_lock_of_the_password_policy_counts_when_it_is_for_good(void **state)
{
	struct err err;

	(void)state;
	if (!dir_add_value(
		conn, "cn=module{0},cn=config", "olcModuleLoad", view_str("ppolicy"), &err))
		fail_msg("%s", err.msg);
	set("pwdAccountLockedTime", "000001010000Z");
	may_act("CN=user6," USERS_DN, NOW, ERROR_ACCOUNT_LOCKED_OUT, "pwdAccountLockedTime");
	set("pwdAccountLockedTime", "20251124000000Z"); /* until the policy says otherwise */
	may_act("CN=user6," USERS_DN, NOW, ERR_OK, NULL);
	set("pwdAccountLockedTime", NULL);
}

static void
an_account_that_may_not_act_says_so_beside_its_verifier(void **state)
{
	static const struct {
		const char *name;
		enum err_code code;
	} rows[] = {
	    {"disabled1", ERROR_ACCOUNT_DISABLED},
	    {"expired1", ERROR_ACCOUNT_EXPIRED},
	    {"locked1", ERROR_ACCOUNT_LOCKED_OUT},
	    {"NWTRADERS\\disabled1", ERROR_ACCOUNT_DISABLED},
	    {"disabled1@NWTRADERS.COM", ERROR_ACCOUNT_DISABLED},
	};
	char *verifier;
	struct err why, err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(
		    principal_scram_verifier(conn, NAMED(rows[i].name), NOW, &verifier, &why, &err),
		    DIR_FOUND);
		assert_int_equal(why.code, rows[i].code);
		free(verifier);
	}
	assert_int_equal(
	    principal_scram_verifier(conn, NAMED("expired1"), 0, &verifier, &why, &err), DIR_FOUND);
	assert_int_equal(why.code, ERR_OK);
	free(verifier);
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
	    cmocka_unit_test(an_account_may_act_unless_it_is_disabled_expired_or_locked),
	    cmocka_unit_test(a_disabled_account_is_found_with_its_groups),
	    cmocka_unit_test(both_values_of_never_are_never),
	    cmocka_unit_test(a_time_that_is_none_is_an_error),
	    cmocka_unit_test(what_a_domain_controller_hides_is_no_permission),
	    cmocka_unit_test(a_lock_of_the_password_policy_counts_when_it_is_for_good),
	    cmocka_unit_test(an_account_that_may_not_act_says_so_beside_its_verifier),
	};

	return cmocka_run_group_tests(tests, start, end);
}
