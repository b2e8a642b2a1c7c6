#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "officer_edit.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct sid
person(uint32_t rid)
{
	const struct sid domain = {.count = 4, .authority = 5, .subs = {21, 1, 2, 3}};
	struct sid sid = SID_EVERYONE;

	if (rid != 0) /* 0: everyone */
		assert_true(sid_with_rid(&domain, rid, &sid));
	return sid;
}

struct row {
	bool deny;
	uint32_t officer, requester;
	const char *cn;
};

static size_t
add(struct officer_rules *rules, struct row r, bool expected)
{
	struct sid requester = person(r.requester);
	char cn[64] = "";
	struct officer_rule rule = {
	    .deny = r.deny, .officer = person(r.officer), .requesters = {&requester, 1}};
	struct err err;
	size_t at;
	bool added;

	if (r.cn != NULL) {
		strcpy(cn, r.cn);
		rule.template_cn = cn;
	}
	assert_true(officer_rules_add(rules, &rule, &at, &added, &err));
	assert_int_equal(added, expected);
	return at;
}

static void
turned_on_restrictions_lock_nobody_out(void **state)
{
	struct sid officers[] = {person(10), person(11)};
	const struct sids both = {officers, 2};
	struct officer_rules rules;
	struct err err;

	(void)state;
	assert_true(officer_rules_begin(&both, &rules, &err));
	assert_int_equal(rules.count, 2);
	assert_false(rules.unrestricted);
	for (size_t i = 0; i < 2; i++) {
		const struct sids me = {&officers[i], 1};

		assert_true(officer_may(&rules, &me, NULL, "Any", NULL));
	}
	officer_rules_free(&rules);
}

static void
denials_stand_before_grants_and_equal_rules_once(void **state)
{
	struct officer_rules rules = {0};

	(void)state;
	assert_int_equal(add(&rules, (struct row){false, 10, 20, NULL}, true), 0);
	assert_int_equal(add(&rules, (struct row){false, 10, 20, "User"}, true), 1);
	assert_int_equal(add(&rules, (struct row){true, 10, 21, NULL}, true), 0);
	assert_int_equal(add(&rules, (struct row){true, 10, 22, NULL}, true), 1);
	assert_int_equal(add(&rules, (struct row){false, 10, 20, "uSER"}, false), 3);
	assert_int_equal(rules.count, 4);
	officer_rules_free(&rules);
}

static void
rules_are_removed_by_place(void **state)
{
	struct officer_rules rules = {0};
	struct sid ten = person(10), eleven = person(11);

	(void)state;
	add(&rules, (struct row){false, 10, 20, NULL}, true);
	add(&rules, (struct row){false, 11, 20, NULL}, true);
	add(&rules, (struct row){false, 10, 21, "User"}, true);
	officer_rules_remove(&rules, 0);
	assert_true(officer_rules_name(&rules, &ten));
	officer_rules_remove(&rules, 1);
	assert_int_equal(rules.count, 1);
	assert_true(officer_rules_name(&rules, &eleven));
	assert_false(officer_rules_name(&rules, &ten));
	officer_rules_remove(&rules, 0);
	assert_int_equal(rules.count, 0);
	officer_rules_free(&rules);
}

static void
a_rule_that_decides_nothing_is_found(void **state)
{
	static const struct {
		struct row first, second;
		bool first_shadowed, second_shadowed;
	} rows[] = {
	    {{true, 10, 0, NULL}, {false, 10, 20, "User"}, false, true}, /* denied anyway */
	    {{true, 10, 20, NULL}, {false, 10, 0, NULL}, false, false},  /* an exception */
	    {{false, 10, 0, NULL}, {false, 10, 20, NULL}, false, true},  /* allowed anyway */
	    {{false, 10, 20, NULL}, {false, 10, 0, NULL}, false, false}, /* the later is wider */
	    {{false, 10, 20, "User"}, {false, 10, 20, "EFS"}, false, false},
	    {{true, 10, 20, "User"}, {false, 10, 20, NULL}, false, false},
	    {{true, 0, 0, NULL}, {false, 10, 20, NULL}, false, true}, /* of every officer */
	    {{true, 11, 0, NULL}, {false, 10, 20, NULL}, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct officer_rules rules = {0};

		add(&rules, rows[i].first, true);
		add(&rules, rows[i].second, true);
		if ((officer_rules_shadow(&rules, 0) >= 0) != rows[i].first_shadowed ||
		    (officer_rules_shadow(&rules, 1) >= 0) != rows[i].second_shadowed)
			fail_msg("row %zu", i);
		officer_rules_free(&rules);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(turned_on_restrictions_lock_nobody_out),
	    cmocka_unit_test(denials_stand_before_grants_and_equal_rules_once),
	    cmocka_unit_test(rules_are_removed_by_place),
	    cmocka_unit_test(a_rule_that_decides_nothing_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
