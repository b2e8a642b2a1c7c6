#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sd_edit.h"
#include "sd_rows.h"

#define DENY_A    "(D;;CC;;;AN)"
#define ALLOW_A   "(A;;CC;;;AU)"
#define ALLOW_B   "(A;;DC;;;BA)"
#define INHERITED "(A;ID;RP;;;WD)"

/* The first ACE of a DACL in SDDL. */
static struct ace
ace_of(const char *text)
{
	char sddl[256];
	struct sd sd;
	struct ace ace;

	snprintf(sddl, sizeof sddl, "D:%s", text);
	sd = from_sddl(sddl);
	ace = sd.aces[0];
	sd_free(&sd);
	return ace;
}

static void
assert_sddl(const struct sd *sd, const char *expected)
{
	const struct sddl_domains domains = {test_domain(), NULL};
	char *text = sd_to_sddl_aliases(sd, &domains);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void
a_new_ace_finds_its_place(void **state)
{
	static const struct {
		const char *before, *ace, *after;
	} rows[] = {
	    {"D:", ALLOW_A, "D:" ALLOW_A},
	    {"D:" DENY_A ALLOW_B, ALLOW_A, "D:" DENY_A ALLOW_B ALLOW_A},
	    {"D:" DENY_A ALLOW_B INHERITED, ALLOW_A, "D:" DENY_A ALLOW_B ALLOW_A INHERITED},
	    {"D:" INHERITED, ALLOW_A, "D:" ALLOW_A INHERITED},
	    {"D:" ALLOW_A INHERITED, DENY_A, "D:" DENY_A ALLOW_A INHERITED},
	    /* Not canonical: left as it is, and the denial still comes before every grant. */
	    {"D:" ALLOW_A "(D;;SD;;;BG)", DENY_A, "D:" DENY_A ALLOW_A "(D;;SD;;;BG)"},
	    {"D:" DENY_A, "(OD;;CR;" ENROLL ";;AU)", "D:(OD;;CR;" ENROLL ";;AU)" DENY_A},
	    {"O:BAG:SYD:PAI" ALLOW_A "S:(AU;SA;CC;;;WD)", ALLOW_B,
		"O:BAG:SYD:PAI" ALLOW_A ALLOW_B "S:(AU;SA;CC;;;WD)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sd sd = from_sddl(rows[i].before);
		struct ace ace = ace_of(rows[i].ace);
		struct err err;
		bool changed;

		assert_true(sd_add_ace(&sd, &ace, &changed, &err));
		assert_true(changed);
		assert_sddl(&sd, rows[i].after);
		sd_free(&sd);
	}
}

static void
an_equal_ace_is_enough(void **state)
{
	struct sd sd = from_sddl("D:" DENY_A ALLOW_A "(OA;;CR;" ENROLL ";;AU)");
	static const char *const there[] = {DENY_A, ALLOW_A, "(OA;;CR;" ENROLL ";;AU)"};
	static const char *const other[] = {"(A;CI;CC;;;AU)", "(A;;CCDC;;;AU)", "(A;;CC;;;BA)",
	    "(OA;;CR;" AUTO ";;AU)", "(OA;;CR;" ENROLL ";" AUTO ";AU)", "(OA;;CR;;;AU)",
	    "(XA;;CC;;;AU)"};
	struct err err;
	bool changed;

	(void)state;
	for (size_t i = 0; i < COUNT(there); i++) {
		struct ace ace = ace_of(there[i]);

		assert_true(sd_add_ace(&sd, &ace, &changed, &err));
		assert_false(changed);
		assert_int_equal(sd.count, 3);
	}
	for (size_t i = 0; i < COUNT(other); i++) {
		struct ace ace = ace_of(other[i]);

		assert_true(sd_add_ace(&sd, &ace, &changed, &err));
		assert_true(changed);
		assert_int_equal(sd.count, 4 + i);
	}
	sd_free(&sd);
}

/* Behind a grant it denies nothing: that it is there already is no reason to leave it at that. */
static void
a_denial_that_comes_too_late_is_not_enough(void **state)
{
	struct sd sd = from_sddl("D:" ALLOW_A DENY_A);
	struct ace ace = ace_of(DENY_A);
	struct err err;
	bool changed;

	(void)state;
	assert_int_equal(sd_denials_end(&sd), 0);
	assert_true(sd_add_ace(&sd, &ace, &changed, &err));
	assert_true(changed);
	assert_sddl(&sd, "D:" DENY_A ALLOW_A DENY_A);
	assert_int_equal(sd_denials_end(&sd), 1);
	assert_true(sd_add_ace(&sd, &ace, &changed, &err));
	assert_false(changed);
	sd_free(&sd);
}

static void
a_descriptor_without_dacl_is_left_alone(void **state)
{
	static const char *const open[] = {"O:BA", "D:NO_ACCESS_CONTROL"};

	(void)state;
	for (size_t i = 0; i < COUNT(open); i++) {
		struct sd sd = from_sddl(open[i]);
		struct ace ace = ace_of(ALLOW_A);
		struct err err;
		bool changed = true;

		assert_false(sd_add_ace(&sd, &ace, &changed, &err));
		assert_int_equal(err.code, E_INVALIDARG);
		assert_false(changed);
		assert_false(sd.has_dacl);
		assert_int_equal(sd.count, 0);
		sd_free(&sd);
	}
}

static bool
is_for(const struct ace *ace, const void *arg)
{
	return sid_eq(&ace->sid, arg);
}

static void
explicit_aces_are_taken_away_and_inherited_ones_stay(void **state)
{
	struct sd sd =
	    from_sddl("O:BAD:" DENY_A ALLOW_A ALLOW_B "(A;ID;RP;;;AU)(OA;;CR;" ENROLL ";;AU)");

	(void)state;
	assert_int_equal(sd_remove_aces(&sd, is_for, &SID_AUTHENTICATED_USERS), 2);
	assert_sddl(&sd, "O:BAD:" DENY_A ALLOW_B "(A;ID;RP;;;AU)");
	assert_int_equal(sd_remove_aces(&sd, is_for, &SID_AUTHENTICATED_USERS), 0);
	assert_int_equal(sd_remove_aces(&sd, is_for, &SID_EVERYONE), 0);
	assert_int_equal(sd.count, 3);
	sd_free(&sd);
}

/* What was decoded with data and revision 2 can be written after an edit. */
static void
an_edited_descriptor_encodes(void **state)
{
	struct sd sd = from_sddl("D:(XA;;SD;;;AU;#00112233)" ALLOW_A), again;
	struct ace ace = ace_of("(OA;;CR;" ENROLL ";;AU)");
	struct err err;
	struct buf raw;
	bool changed;

	(void)state;
	assert_int_equal(sd.dacl_revision, 2);
	assert_true(sd_add_ace(&sd, &ace, &changed, &err));
	assert_true(sd_encode(&sd, &raw, &err));
	assert_true(sd_decode(buf_view(&raw), &again, &err));
	assert_int_equal(again.dacl_revision, 4);
	assert_sddl(&again, "D:(XA;;SD;;;AU;#00112233)" ALLOW_A "(OA;;CR;" ENROLL ";;AU)");
	sd_free(&again);
	buf_free(&raw);
	sd_free(&sd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_ace_finds_its_place),
	    cmocka_unit_test(an_equal_ace_is_enough),
	    cmocka_unit_test(a_denial_that_comes_too_late_is_not_enough),
	    cmocka_unit_test(a_descriptor_without_dacl_is_left_alone),
	    cmocka_unit_test(explicit_aces_are_taken_away_and_inherited_ones_stay),
	    cmocka_unit_test(an_edited_descriptor_encodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
