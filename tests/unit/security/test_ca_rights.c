#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca_rights.h"

static const struct sid admin = {.count = 2, .authority = 5, .subs = {21, 1000}};
static const struct sid other = {.count = 2, .authority = 5, .subs = {21, 1001}};

static void
read_sddl(const char *sddl, struct sd *out)
{
	struct err err;

	if (!sd_from_sddl(sddl, NULL, out, &err))
		fail_msg("%s: %s", sddl, err.msg);
}

static void
assert_sddl(const struct sd *sd, const char *expected)
{
	char *text = sd_to_sddl(sd);

	assert_string_equal(text, expected);
	free(text);
}

static void
rights_have_words_and_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ca_right_count; i++) {
		assert_int_equal(ca_right_by_text(ca_rights[i].word), ca_rights[i].mask);
		assert_int_equal(ca_right_by_text(ca_rights[i].name), ca_rights[i].mask);
		assert_string_equal(ca_right_name(ca_rights[i].mask), ca_rights[i].name);
	}
	assert_int_equal(ca_right_by_text("OFFICER"), CA_RIGHT_OFFICER);
	assert_int_equal(ca_right_by_text("issue"), 0);
	assert_int_equal(ca_right_by_text(""), 0);
}

static void
a_grant_joins_the_trustees_own_entry(void **state)
{
	struct err err;
	bool changed;
	struct sd sd;

	(void)state;
	read_sddl("D:(A;;0x1;;;S-1-5-21-1000)", &sd);
	assert_true(ca_rights_grant(&sd, &admin, CA_RIGHT_OFFICER, false, &changed, &err));
	assert_true(changed);
	assert_true(ca_rights_grant(&sd, &admin, CA_RIGHT_OFFICER, false, &changed, &err));
	assert_false(changed);
	assert_true(ca_rights_grant(&sd, &other, CA_RIGHT_ENROLL, false, &changed, &err));
	assert_true(ca_rights_grant(&sd, &other, CA_RIGHT_ADMIN, true, &changed, &err));
	assert_int_equal(sd.count, 3);
	assert_int_equal(sd.aces[0].type, ACE_DENY);
	assert_int_equal(sd.aces[1].mask, CA_RIGHT_ADMIN | CA_RIGHT_OFFICER);
	assert_int_equal(sd.aces[2].mask, CA_RIGHT_ENROLL);
	sd_free(&sd);
}

static void
a_denial_stands_before_every_grant(void **state)
{
	struct err err;
	bool changed;
	struct sd sd;

	(void)state;
	read_sddl("D:(A;;CCDC;;;S-1-5-21-1000)(D;;CC;;;S-1-5-21-1000)", &sd);
	assert_true(ca_rights_grant(&sd, &admin, CA_RIGHT_OFFICER, true, &changed, &err));
	assert_true(changed);
	assert_sddl(
	    &sd, "D:(D;;DC;;;S-1-5-21-1000)(A;;CCDC;;;S-1-5-21-1000)(D;;CC;;;S-1-5-21-1000)");
	sd_free(&sd);
}

static void
an_inherited_entry_is_left_alone(void **state)
{
	static const char sddl[] = "D:(A;ID;CC;;;S-1-5-21-1000)";
	bool changed;
	struct sd sd;

	(void)state;
	read_sddl(sddl, &sd);
	ca_rights_revoke(&sd, &admin, CA_RIGHT_ADMIN, false, &changed);
	assert_false(changed);
	assert_sddl(&sd, sddl);
	sd_free(&sd);
}

/* "Revoked" must not be said of what somebody still has. */
static void
what_is_left_after_a_revocation_is_an_error(void **state)
{
	static const struct {
		const char *sddl;
		bool ok;
	} rows[] = {
	    {"D:(A;;CC;;;S-1-5-21-1000)", true},
	    {"D:(A;CI;CC;;;S-1-5-21-1000)", true},
	    {"D:(A;ID;CC;;;S-1-5-21-1000)", false},
	    {"D:(OA;;CC;;;S-1-5-21-1000)", false},
	    {"D:(A;ID;DC;;;S-1-5-21-1000)", true},
	    {"D:(A;ID;CC;;;S-1-5-21-1001)", true},
	    {"D:NO_ACCESS_CONTROL", false},
	};
	struct err err;
	bool changed;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		read_sddl(rows[i].sddl, &sd);
		ca_rights_revoke(&sd, &admin, CA_RIGHT_ADMIN, false, &changed);
		if (ca_rights_check_revoked(&sd, &admin, CA_RIGHT_ADMIN, &err) != rows[i].ok)
			fail_msg("%s", rows[i].sddl);
		sd_free(&sd);
	}
}

static void
revoking_takes_away_bits_and_then_the_entry(void **state)
{
	bool changed;
	struct sd sd;

	(void)state;
	read_sddl("D:(D;;CC;;;S-1-5-21-1001)(A;;CCDC;;;S-1-5-21-1000)(A;;CC;;;S-1-5-21-1001)", &sd);
	ca_rights_revoke(&sd, &admin, CA_RIGHT_OFFICER, false, &changed);
	assert_true(changed);
	assert_sddl(&sd, "D:(D;;CC;;;S-1-5-21-1001)(A;;CC;;;S-1-5-21-1000)(A;;CC;;;S-1-5-21-1001)");
	ca_rights_revoke(&sd, &other, CA_RIGHT_ADMIN, true, &changed);
	assert_true(changed);
	assert_sddl(&sd, "D:(A;;CC;;;S-1-5-21-1000)(A;;CC;;;S-1-5-21-1001)");
	ca_rights_revoke(&sd, &other, CA_RIGHT_OFFICER, false, &changed);
	assert_false(changed);
	sd_free(&sd);
}

static void
somebody_must_be_left_to_manage_the_ca(void **state)
{
	static const struct {
		const char *sddl;
		bool ok;
	} rows[] = {
	    {"D:(A;;CC;;;S-1-5-21-1000)", true},
	    {"D:(A;;DC;;;S-1-5-21-1000)", false},
	    {"D:", false},
	    {"D:(D;;CC;;;S-1-5-21-1000)(A;;CC;;;S-1-5-21-1000)", false},
	    {"D:(D;;CC;;;WD)(A;;CC;;;S-1-5-21-1000)", false},
	    {"D:(D;;CC;;;S-1-5-21-1001)(A;;CC;;;S-1-5-21-1000)", true},
	    {"D:(A;IO;CC;;;S-1-5-21-1000)", false},
	};
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		read_sddl(rows[i].sddl, &sd);
		if (ca_rights_check(&sd, &err) != rows[i].ok)
			fail_msg("%s", rows[i].sddl);
		if (!rows[i].ok)
			assert_int_equal(err.code, CERTSRV_E_NO_CAADMIN_DEFINED);
		sd_free(&sd);
	}
}

static void
the_initial_descriptor_lets_users_enroll_only(void **state)
{
	struct err err;
	struct sd sd;

	(void)state;
	assert_true(ca_rights_initial(&sd, &err));
	const struct sids user = {(struct sid[]){SID_AUTHENTICATED_USERS}, 1};
	assert_true(sd_check_mask(&sd, &user, CA_RIGHT_ENROLL).allowed);
	assert_false(ca_rights_check(&sd, &err));
	sd_free(&sd);
}

/* What each role gives, and whose the officers' is where nobody else has it. */
static void
roles_are_rights(void **state)
{
	static const struct sid manager = {.count = 1, .authority = 22, .subs = {1}},
				decider = {.count = 1, .authority = 22, .subs = {2}},
				reader = {.count = 1, .authority = 22, .subs = {3}};
	static const struct {
		const struct sid *who;
		bool has_officers;
		uint32_t rights;
	} rows[] = {
	    {&manager, true, CA_RIGHT_ADMIN | CA_RIGHT_READ},
	    {&manager, false, CA_RIGHT_ADMIN | CA_RIGHT_OFFICER | CA_RIGHT_READ},
	    {&decider, true, CA_RIGHT_OFFICER | CA_RIGHT_READ},
	    {&decider, false, 0},
	    {&reader, true, CA_RIGHT_AUDITOR | CA_RIGHT_READ},
	    {&SID_AUTHENTICATED_USERS, false, CA_RIGHT_ENROLL},
	};
	static const uint32_t all[] = {CA_RIGHT_ADMIN, CA_RIGHT_OFFICER, CA_RIGHT_AUDITOR,
	    CA_RIGHT_OPERATOR, CA_RIGHT_READ, CA_RIGHT_ENROLL};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sid who = *rows[i].who;
		const struct sids one = {&who, 1};
		struct ca_roles roles = {0};
		struct sd sd;

		sids_put(&roles.admins, &manager);
		sids_put(&roles.auditors, &reader);
		if (rows[i].has_officers)
			sids_put(&roles.officers, &decider);
		assert_true(ca_rights_of_roles(&roles, &sd, &err));
		for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
			assert_int_equal(sd_check_mask(&sd, &one, all[k]).allowed,
			    (rows[i].rights & all[k]) != 0);
		ca_roles_free(&roles);
		sd_free(&sd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rights_have_words_and_names),
	    cmocka_unit_test(a_grant_joins_the_trustees_own_entry),
	    cmocka_unit_test(a_denial_stands_before_every_grant),
	    cmocka_unit_test(an_inherited_entry_is_left_alone),
	    cmocka_unit_test(what_is_left_after_a_revocation_is_an_error),
	    cmocka_unit_test(revoking_takes_away_bits_and_then_the_entry),
	    cmocka_unit_test(somebody_must_be_left_to_manage_the_ca),
	    cmocka_unit_test(the_initial_descriptor_lets_users_enroll_only),
	    cmocka_unit_test(roles_are_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
