#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "file.h"
#include "officer.h"

#define DOMAIN   "S-1-5-21-3330634377-1326264276-632209373"
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define ALL_TEMPLATES "synthetic-officer-rights-allow-all-templates"
#define TWO_GROUPS    "synthetic-officer-rights-allow-two-groups-one-template-plus-deny"

static struct sid domain;

static struct sid
sid_named(const char *name)
{
	struct sid sid;

	if (strcmp(name, "WD") == 0)
		return SID_EVERYONE;
	if (strcmp(name, "AU") == 0)
		return SID_AUTHENTICATED_USERS;
	assert_true(sid_with_rid(&domain, (uint32_t)strtoul(name, NULL, 10), &sid));
	return sid;
}

/* "2001 AU": relative identifiers of the domain, AU, WD. */
static struct sids
sids_of(const char *names)
{
	char *copy = strdup(names), *rest = copy, *one;
	struct sids set = {0};
	struct err err;

	assert_non_null(copy);
	while ((one = strsep(&rest, " ")) != NULL)
		if (*one != '\0') {
			struct sid sid = sid_named(one);

			assert_true(sids_add(&set, &sid, &err));
		}
	free(copy);
	return set;
}

static void
load(const char *name, struct sd *sd, struct officer_rules *rules)
{
	char path[512];
	struct buf raw;
	struct err err;

	snprintf(path, sizeof path, FIXTURES "/sd/%s.bin", name);
	assert_true(file_read(path, 65536, &raw, &err));
	assert_true(sd_decode(buf_view(&raw), sd, &err));
	buf_free(&raw);
	if (!officer_rules_decode(sd, rules, &err))
		fail_msg("%s: %s", name, err.msg);
}

static void
assert_rule(const struct officer_rule *rule, bool deny, const char *officer, const char *requesters,
    const char *cn)
{
	struct sid sid = sid_named(officer);
	struct sids set = sids_of(requesters);

	assert_int_equal(rule->deny, deny);
	assert_true(sid_eq(&rule->officer, &sid));
	assert_int_equal(rule->requesters.count, set.count);
	for (size_t i = 0; i < set.count; i++)
		assert_true(sid_eq(&rule->requesters.list[i], &set.list[i]));
	if (cn == NULL)
		assert_null(rule->template_cn);
	else
		assert_string_equal(rule->template_cn, cn);
	sids_free(&set);
}

static void
a_rule_without_template_name_covers_all_templates(void **state)
{
	struct officer_rules rules;
	struct sd sd;

	(void)state;
	load(ALL_TEMPLATES, &sd, &rules);
	assert_int_equal(rules.count, 1);
	assert_rule(&rules.list[0], false, "2001", "WD", NULL);
	officer_rules_free(&rules);
	sd_free(&sd);
}

static void
rules_hold_officers_requesters_and_template(void **state)
{
	struct officer_rules rules;
	struct sd sd;

	(void)state;
	load(TWO_GROUPS, &sd, &rules);
	assert_int_equal(rules.count, 3);
	assert_rule(&rules.list[0], true, "2001", "512", NULL);
	assert_rule(&rules.list[1], false, "2001", "3001 3002", "EFS2");
	assert_rule(&rules.list[2], false, "2002", "3003", "KeyArchival");
	officer_rules_free(&rules);
	sd_free(&sd);
}

static void
rules_survive_encoding(void **state)
{
	static const char *const names[] = {ALL_TEMPLATES, TWO_GROUPS};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct officer_rules a, b;
		struct sd sd, again;
		struct buf raw;
		struct err err;

		load(names[i], &sd, &a);
		assert_true(officer_rules_encode(&a, &raw, &err));
		assert_int_equal(raw.len, sd.raw.len);
		assert_true(sd_decode(buf_view(&raw), &again, &err));
		assert_true(officer_rules_decode(&again, &b, &err));
		assert_int_equal(a.count, b.count);
		for (size_t k = 0; k < a.count; k++) {
			assert_int_equal(a.list[k].deny, b.list[k].deny);
			assert_true(sid_eq(&a.list[k].officer, &b.list[k].officer));
			assert_int_equal(a.list[k].requesters.count, b.list[k].requesters.count);
			assert_true(view_eq(again.aces[k].data, sd.aces[k].data));
		}
		officer_rules_free(&a);
		officer_rules_free(&b);
		sd_free(&sd);
		sd_free(&again);
		buf_free(&raw);
	}
}

static void
a_rule_without_requesters_is_not_written(void **state)
{
	struct officer_rule rule = {.officer = SID_EVERYONE};
	struct officer_rules rules = {.list = &rule, .count = 1};
	char empty[] = "";
	struct err err;
	struct buf raw;

	(void)state;
	assert_false(officer_rules_encode(&rules, &raw, &err));
	assert_null(raw.ptr);
	assert_true(sids_add(&rule.requesters, &SID_EVERYONE, &err));
	rule.template_cn = empty;
	assert_false(officer_rules_encode(&rules, &raw, &err));
	rule.template_cn = NULL;
	assert_true(officer_rules_encode(&rules, &raw, &err));
	buf_free(&raw);
	sids_free(&rule.requesters);
}

/* Requesters and templates as in the second fixture, and groups of officers: 2010 is a group, 2001
 * and 2002 are people. */
static const struct {
	const char *rule;
	struct {
		bool deny;
		const char *officer, *requesters, *cn;
	} rules[3];
	const char *officer, *requester, *cn;
	bool allowed;
	int decided;
} rows[] = {
    {"no rules at all", {{0}}, "2001", "3001", "EFS2", false, -1},
    {"allow", {{false, "2001", "3001", NULL}}, "2001 AU", "3001", "EFS2", true, 0},
    {"officer_of_other_group_is_denied", {{false, "2001", "3001", NULL}}, "2002 AU", "3001", "EFS2",
	false, -1},
    {"requester of another group", {{false, "2001", "3001", NULL}}, "2001", "3002", "EFS2", false,
	-1},
    {"group of officers", {{false, "2010", "3001", NULL}}, "2002 2010", "3001", "EFS2", true, 0},
    {"group of requesters", {{false, "2001", "3010", NULL}}, "2001", "1105 3010 AU", "EFS2", true,
	0},
    {"any of several requesters", {{false, "2001", "3001 3002", NULL}}, "2001", "3002", "EFS2",
	true, 0},
    {"everyone covers a requester", {{false, "2001", "WD", NULL}}, "2001", "1105", "EFS2", true, 0},
    {"everyone covers a requester without SIDs", {{false, "2001", "WD", NULL}}, "2001", "", "EFS2",
	true, 0},
    {"everyone as officers", {{false, "WD", "3001", NULL}}, "2001 WD", "3001", "EFS2", true, 0},
    {"template", {{false, "2001", "3001", "EFS2"}}, "2001", "3001", "EFS2", true, 0},
    {"template without case", {{false, "2001", "3001", "EFS2"}}, "2001", "3001", "efs2", true, 0},
    {"another template", {{false, "2001", "3001", "EFS2"}}, "2001", "3001", "EFS", false, -1},
    {"unknown template, rule for one", {{false, "2001", "3001", "EFS2"}}, "2001", "3001", NULL,
	false, -1},
    {"unknown template, rule for all", {{false, "2001", "3001", NULL}}, "2001", "3001", NULL, true,
	0},
    {"unknown template, denied for one",
	{{false, "2001", "WD", NULL}, {true, "2001", "WD", "EFS2"}}, "2001", "3001", NULL, false,
	1},
    {"deny alone grants nothing", {{true, "2001", "3002", NULL}}, "2001", "3001", "EFS2", false,
	-1},
    {"deny before allow", {{true, "2001", "3001", NULL}, {false, "2001", "WD", NULL}}, "2001",
	"3001", "EFS2", false, 0},
    {"deny after allow wins too", {{false, "2001", "WD", NULL}, {true, "2001", "3001", NULL}},
	"2001", "3001", "EFS2", false, 1},
    {"deny of another officer", {{true, "2002", "3001", NULL}, {false, "2001", "WD", NULL}}, "2001",
	"3001", "EFS2", true, 1},
    {"deny of another requester", {{true, "2001", "3002", NULL}, {false, "2001", "WD", NULL}},
	"2001", "3001", "EFS2", true, 1},
    {"deny of another template", {{true, "2001", "WD", "EFS"}, {false, "2001", "WD", NULL}}, "2001",
	"3001", "EFS2", true, 1},
    {"deny of this template", {{true, "2001", "WD", "EFS2"}, {false, "2001", "WD", NULL}}, "2001",
	"3001", "EFS2", false, 0},
    {"deny of the officer's group", {{true, "2010", "WD", NULL}, {false, "2001", "WD", NULL}},
	"2001 2010", "3001", "EFS2", false, 0},
    {"second rule allows", {{false, "2001", "3001", "EFS"}, {false, "2001", "3001", "EFS2"}},
	"2001", "3001", "EFS2", true, 1},
    {"unknown requester, allow for a group", {{false, "2001", "3001", NULL}}, "2001", NULL, "EFS2",
	false, -1},
    {"unknown requester, allow for everyone", {{false, "2001", "WD", NULL}}, "2001", NULL, "EFS2",
	true, 0},
    {"unknown requester, deny for a group",
	{{false, "2001", "WD", NULL}, {true, "2001", "512", NULL}}, "2001", NULL, "EFS2", false, 1},
    {"unknown requester, deny of another officer",
	{{false, "2001", "WD", NULL}, {true, "2002", "512", NULL}}, "2001", NULL, "EFS2", true, 0},
    {"officer without SIDs", {{false, "2001", "WD", NULL}}, "", "3001", "EFS2", false, -1},
};

static void
restrictions_follow_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct officer_rule list[3] = {{0}};
		struct officer_rules rules = {.list = list};
		struct sids officer = sids_of(rows[i].officer);
		struct sids requester = sids_of(rows[i].requester != NULL ? rows[i].requester : "");
		int decided;
		bool may;

		for (; rules.count < 3 && rows[i].rules[rules.count].officer != NULL;
		     rules.count++) {
			struct officer_rule *rule = &list[rules.count];

			rule->deny = rows[i].rules[rules.count].deny;
			rule->officer = sid_named(rows[i].rules[rules.count].officer);
			rule->requesters = sids_of(rows[i].rules[rules.count].requesters);
			if (rows[i].rules[rules.count].cn != NULL)
				assert_non_null(
				    rule->template_cn = strdup(rows[i].rules[rules.count].cn));
		}
		may = officer_may(&rules, &officer, rows[i].requester != NULL ? &requester : NULL,
		    rows[i].cn, &decided);
		if (may != rows[i].allowed || decided != rows[i].decided)
			fail_msg("%s: %d by rule %d", rows[i].rule, may, decided);
		assert_int_equal(
		    may, officer_may(&rules, &officer,
			     rows[i].requester != NULL ? &requester : NULL, rows[i].cn, NULL));
		for (size_t k = 0; k < 3; k++) {
			sids_free(&list[k].requesters);
			free(list[k].template_cn);
		}
		sids_free(&officer);
		sids_free(&requester);
	}
}

static void
that_nobody_is_restricted_is_a_value_of_its_own(void **state)
{
	const struct officer_rules unrestricted = {.unrestricted = true}, nothing = {0};
	struct sids nobody = {0};
	struct officer_rules rules;
	struct buf raw;
	struct err err;
	struct sd sd;
	int decided = 7;

	(void)state;
	assert_true(officer_rules_encode(&unrestricted, &raw, &err));
	assert_true(sd_decode(buf_view(&raw), &sd, &err));
	assert_true(officer_rules_decode(&sd, &rules, &err));
	assert_true(rules.unrestricted);
	assert_true(officer_may(&rules, &nobody, NULL, NULL, &decided));
	assert_int_equal(decided, -1);
	/* No value read, no rule known: nobody may. */
	assert_false(officer_may(&nothing, &nobody, NULL, NULL, NULL));
	officer_rules_free(&rules);
	sd_free(&sd);
	buf_free(&raw);
}

static void
a_descriptor_with_empty_dacl_allows_nobody(void **state)
{
	struct officer_rules rules;
	struct sids officer = sids_of("2001 WD AU");
	struct err err;
	struct sd sd;

	(void)state;
	assert_true(sd_from_sddl("D:", NULL, &sd, &err));
	assert_true(officer_rules_decode(&sd, &rules, &err));
	assert_false(officer_may(&rules, &officer, &officer, "EFS2", NULL));
	officer_rules_free(&rules);
	sids_free(&officer);
	sd_free(&sd);
}

/* 01 00 00 00 and the SID of Everyone. */
#define ONE_REQUESTER \
	"01000000"    \
	"010100000000000100000000"

static void
descriptors_of_another_kind_are_refused(void **state)
{
	static const char *const bad[] = {
	    "O:BA",                               /* no word about a DACL is not "no restriction" */
	    "D:(A;;SD;;;AU)", "D:(D;;SD;;;AU)",   /* not callback ACEs */
	    "D:(ZA;;SD;;;AU;#" ONE_REQUESTER ")", /* object callback */
	    "D:(0x30;;;;;;#00000000)",            /* unknown type */
	    "D:(XA;;CC;;;AU;#" ONE_REQUESTER ")", /* another mask */
	    "D:(XA;;CCSD;;;AU;#" ONE_REQUESTER ")",
	    "D:(XA;IO;SD;;;AU;#" ONE_REQUESTER ")", /* would not apply, and a deny would be lost */
	    "D:(XA;;SD;;;AU)",                      /* no data */
	    "D:(XA;;SD;;;AU;#00000000)",            /* no requesters */
	    "D:(XA;;SD;;;AU;#02000000"
	    "010100000000000100000000)", /* one SID of two */
	    "D:(XA;;SD;;;AU;#ffffffff"
	    "010100000000000100000000)",
	    "D:(XA;;SD;;;AU;#01000000"
	    "020100000000000100000000)",                  /* SID revision 2 */
	    "D:(XA;;SD;;;AU;#" ONE_REQUESTER "41004200)", /* name without NUL */
	    "D:(XA;;SD;;;AU;#" ONE_REQUESTER "00000000)", /* empty name */
	    "D:(XA;;SD;;;AU;#" ONE_REQUESTER "41000000"
	    "00000000)", /* more zeros than alignment needs */
	    "D:(XA;;SD;;;AU;#" ONE_REQUESTER "41000000"
	    "4200430000000000)", /* text behind the NUL */
	    "D:(XA;;SD;;;AU;#" ONE_REQUESTER "410042000000"
	    "0100)",
	    "D:(XA;;SD;;;AU;#" ONE_REQUESTER "00d80000)",     /* half a surrogate pair */
	    "D:(XA;;SD;;;AU;#" ONE_REQUESTER ")(A;;SD;;;AU)", /* a good one and a bad one */
	};
	struct officer_rules rules;
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (!sd_from_sddl(bad[i], NULL, &sd, &err))
			fail_msg("%s: %s", bad[i], err.msg);
		if (officer_rules_decode(&sd, &rules, &err))
			fail_msg("%s was read", bad[i]);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		assert_null(rules.list);
		sd_free(&sd);
	}
	assert_true(sd_from_sddl("D:(XA;;SD;;;AU;#" ONE_REQUESTER "41000000)", NULL, &sd, &err));
	assert_true(officer_rules_decode(&sd, &rules, &err));
	assert_string_equal(rules.list[0].template_cn, "A");
	officer_rules_free(&rules);
	sd_free(&sd);
}

static void
application_data_truncated_at_every_length_is_refused(void **state)
{
	struct officer_rules rules;
	struct err err;
	struct sd sd;

	(void)state;
	load(TWO_GROUPS, &sd, &rules);
	officer_rules_free(&rules);
	for (size_t i = 0; i < sd.count; i++) {
		struct view whole = sd.aces[i].data;

		for (size_t len = 0; len < whole.len; len++) {
			struct buf part;
			bool names_end_here;

			assert_true(buf_dup(view_of(whole.ptr, len), &part, &err));
			sd.aces[i].data = buf_view(&part);
			/* Cut exactly behind the SIDs, the rule would cover all templates; cut
			 * inside the zeros at the end, it is the same rule. Both lengths are the
			 * ACE's own, which sd_decode has checked. */
			names_end_here = (i == 1 && (len == 4 + 2 * 28 || len >= whole.len - 2)) ||
					 (i == 2 && len == 4 + 28);
			if (officer_rules_decode(&sd, &rules, &err) != names_end_here)
				fail_msg("ACE %zu, %zu bytes", i, len);
			officer_rules_free(&rules);
			buf_free(&part);
		}
		sd.aces[i].data = whole;
	}
	sd_free(&sd);
}

static int
set_domain(void **state)
{
	(void)state;
	return sid_from_text(DOMAIN, &domain) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_rule_without_template_name_covers_all_templates),
	    cmocka_unit_test(rules_hold_officers_requesters_and_template),
	    cmocka_unit_test(rules_survive_encoding),
	    cmocka_unit_test(a_rule_without_requesters_is_not_written),
	    cmocka_unit_test(restrictions_follow_the_table),
	    cmocka_unit_test(that_nobody_is_restricted_is_a_value_of_its_own),
	    cmocka_unit_test(a_descriptor_with_empty_dacl_allows_nobody),
	    cmocka_unit_test(descriptors_of_another_kind_are_refused),
	    cmocka_unit_test(application_data_truncated_at_every_length_is_refused),
	};

	return cmocka_run_group_tests(tests, set_domain, NULL);
}
