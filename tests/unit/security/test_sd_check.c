#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sd_check_rows.h"

/* Names like 1105 stand for a SID of the domain; "#00" is one byte, and an ACE is a multiple of
 * four: the tables stay readable this way. */
static struct sd
sd_of_row(const char *sddl)
{
	char text[1024] = "";

	for (size_t used = 0; *sddl != '\0' && used + 64 < sizeof text; used = strlen(text))
		if (strncmp(sddl, ";;;110", 6) == 0) {
			snprintf(text + used, sizeof text - used, ";;;" DOMAIN "-%.4s", sddl + 3);
			sddl += 7;
		} else if (strncmp(sddl, "#00)", 4) == 0) {
			snprintf(text + used, sizeof text - used, "#00000000");
			sddl += 3;
		} else {
			text[used] = *sddl++;
		}
	assert_true(*sddl == '\0');
	return from_sddl(text);
}

static struct sd_verdict
answer(const struct row *row, const struct sd *sd, const struct sids *sids)
{
	struct sid self = row->self != NULL ? sid_of(row->self) : (struct sid){0};
	uint8_t object[GUID_LEN], set[GUID_LEN];
	const struct sd_node tree[] = {
	    {NULL, 0}, {row->set != NULL ? set : object, 1}, {object, 2}};

	if (row->object != NULL)
		assert_true(guid_from_text(row->object, object));
	if (row->set != NULL)
		assert_true(guid_from_text(row->set, set));
	if (row->mapping != NULL || row->self != NULL || (row->mask & MAX) != 0)
		return sd_check(sd, sids,
		    &(struct sd_request){.mask = row->mask,
			.tree = row->object != NULL ? tree : NULL,
			.tree_count = row->set != NULL ? 3 : 2,
			.self = row->self != NULL ? &self : NULL,
			.mapping = row->mapping});
	if (row->object == NULL)
		return sd_check_mask(sd, sids, row->mask);
	return row->mask == CR
		   ? sd_check_extended_right(sd, sids, object)
		   : sd_check_property(sd, sids, row->mask, object, row->set != NULL ? set : NULL);
}

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct sd sd = sd_of_row(row->sddl);
		struct sids sids = sids_of(row->sids);
		struct sd_verdict v = answer(row, &sd, &sids);
		uint32_t granted = (row->mask & MAX) != 0 ? row->granted : row->mask;

		if (v.allowed != row->allowed || v.ace != row->ace ||
		    v.granted != (row->allowed ? granted : 0))
			fail_msg("%s, %s: allowed %d by ACE %d, granted 0x%x", row->section,
			    row->rule, v.allowed, v.ace, (unsigned)v.granted);
		sids_free(&sids);
		sd_free(&sd);
	}
}

static void
enroll_right_follows_the_table(void **state)
{
	(void)state;
	check_rows(enroll_rows, COUNT(enroll_rows));
}

static void
masks_follow_the_table(void **state)
{
	(void)state;
	check_rows(mask_rows, COUNT(mask_rows));
}

static void
generic_bits_follow_the_table(void **state)
{
	(void)state;
	check_rows(generic_rows, COUNT(generic_rows));
}

static void
attributes_and_validated_writes_follow_the_table(void **state)
{
	(void)state;
	check_rows(object_rows, COUNT(object_rows));
}

static void
maximum_allowed_follows_the_table(void **state)
{
	(void)state;
	check_rows(maximum_rows, COUNT(maximum_rows));
}

/* Whether Enroll is granted to somebody whom every ACE below names, and by which ACE. */
static struct sd_verdict
enroll_verdict(const char *sddl)
{
	struct sids sids = sids_of("1105 AU WD");
	struct sd sd = from_sddl(sddl);
	uint8_t right[GUID_LEN];
	struct sd_verdict v;

	assert_true(guid_from_text(ENROLL, right));
	v = sd_check_extended_right(&sd, &sids, right);
	sd_free(&sd);
	sids_free(&sids);
	return v;
}

/* The rule of sd.h. Conditions: none, one that everybody meets (Member_of {SID(WD)}), one of an
 * attribute that nobody has (a == 1), and bytes that are none. */
static void
twins_under_a_condition_grant_nothing_and_deny_as_if_met(void **state)
{
	static const char *const conditions[] = {"",
	    ";#617274785011000000510c0000000101000000000001000000008900",
	    ";#61727478f802000000610004010000000000000003028000", ";#00000000"};
	static const struct {
		const char *type, *object;
		bool allows, callback;
	} twins[] = {{"A", "", true, false}, {"XA", "", true, true}, {"OA", ENROLL, true, false},
	    {"ZA", ENROLL, true, true}, {"ZA", "", true, true}, {"D", "", false, false},
	    {"XD", "", false, true}, {"OD", ENROLL, false, false}, {"0xc", ENROLL, false, true},
	    {"0xc", "", false, true}};

	(void)state;
	for (size_t i = 0; i < COUNT(twins) * COUNT(conditions); i++) {
		size_t t = i / COUNT(conditions), c = i % COUNT(conditions);
		bool grants = twins[t].allows && !twins[t].callback, denies = !twins[t].allows;
		char alone[256], before[300], behind[300];

		if (!twins[t].callback && c > 0)
			continue;
		snprintf(alone, sizeof alone, "(%s;;CR;%s;;WD%s)", twins[t].type, twins[t].object,
		    conditions[c]);
		snprintf(before, sizeof before, "D:%s(A;;CR;;;AU)", alone);
		snprintf(behind, sizeof behind, "D:(A;;CR;;;AU)%s", alone);
		assert_int_equal(enroll_verdict(before).ace, grants || denies ? 0 : 1);
		assert_int_equal(enroll_verdict(before).allowed, !denies);
		assert_true(enroll_verdict(behind).allowed);
		memmove(before + 2, alone, strlen(alone) + 1);
		assert_int_equal(enroll_verdict(before).allowed, grants);
	}
}

/* Class, a set with two attributes, and an attribute of no set. */
static void
a_parent_has_what_all_its_children_have(void **state)
{
	static const struct {
		const char *sddl;
		bool allowed;
		int ace;
	} rows[] = {
	    {"D:(OA;;WP;" INFO ";;AU)", false, -1},
	    {"D:(OA;;WP;" INFO ";;AU)(OA;;WP;" MAIL ";;AU)", true, 1},
	    {"D:(OA;;WP;" PHONE ";;AU)(OA;;WP;" DNS ";;AU)(OA;;WP;" MAIL ";;AU)", true, 2},
	    {"D:(OA;;WP;" PHONE ";;AU)(OA;;WP;" MAIL ";;AU)", false, -1},
	    {"D:(OA;;WP;" INFO ";;AU)(OD;;WP;" PHONE ";;AU)(OA;;WP;" MAIL ";;AU)", true, 2},
	    {"D:(OD;;WP;" PHONE ";;AU)(A;;WP;;;AU)", false, 0},
	    {"D:(A;;WP;;;AU)", true, 0},
	};
	uint8_t set[GUID_LEN], phone[GUID_LEN], dns[GUID_LEN], mail[GUID_LEN];
	const struct sd_node tree[] = {{NULL, 0}, {set, 1}, {phone, 2}, {dns, 2}, {mail, 1}};
	const struct sd_request request = {.mask = WP, .tree = tree, .tree_count = COUNT(tree)};
	struct sids sids = sids_of("AU");

	(void)state;
	assert_true(guid_from_text(INFO, set) && guid_from_text(PHONE, phone) &&
		    guid_from_text(DNS, dns) && guid_from_text(MAIL, mail));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sd sd = from_sddl(rows[i].sddl);
		struct sd_verdict v = sd_check(&sd, &sids, &request);

		if (v.allowed != rows[i].allowed || v.ace != rows[i].ace)
			fail_msg("%s: allowed %d by ACE %d", rows[i].sddl, v.allowed, v.ace);
		sd_free(&sd);
	}
	sids_free(&sids);
}

static void
a_malformed_tree_is_refused(void **state)
{
	static const uint8_t guid[GUID_LEN] = {1};
	static const struct sd_node root_below[] = {{NULL, 1}},
				    two_roots[] = {{NULL, 0}, {guid, 0}},
				    hole[] = {{NULL, 0}, {guid, 2}};
	static const struct sd_node many[SD_TREE_MAX + 1];
	const struct {
		const struct sd_node *tree;
		size_t count;
	} trees[] = {{root_below, 1}, {two_roots, 2}, {hole, 2}, {many, COUNT(many)}, {hole, 0}};
	struct sd sd = from_sddl("D:(A;;WP;;;AU)");
	struct sids sids = sids_of("AU");

	(void)state;
	for (size_t i = 0; i < COUNT(trees); i++)
		assert_false(sd_check(&sd, &sids,
		    &(struct sd_request){
			.mask = WP, .tree = trees[i].tree, .tree_count = trees[i].count})
				 .allowed);
	sids_free(&sids);
	sd_free(&sd);
}

static void
autoenroll_is_a_right_of_its_own(void **state)
{
	struct buf raw = fixture("real-UserRequest-enroll-and-autoenroll");
	struct sids anyone = sids_of("1105 AU WD"), admin = sids_of("512");
	struct err err;
	struct sd sd;

	(void)state;
	assert_true(sd_decode(buf_view(&raw), &sd, &err));
	assert_int_equal(sd_check_extended_right(&sd, &anyone, GUID_RIGHT_ENROLL).ace, 3);
	assert_int_equal(sd_check_extended_right(&sd, &anyone, GUID_RIGHT_AUTOENROLL).ace, 4);
	assert_true(sd_check_extended_right(&sd, &admin, GUID_RIGHT_ENROLL).allowed);
	/* Full control, and Enroll, but not AutoEnroll. */
	assert_false(sd_check_extended_right(&sd, &admin, GUID_RIGHT_AUTOENROLL).allowed);
	sids_free(&anyone);
	sids_free(&admin);
	sd_free(&sd);
	buf_free(&raw);
}

static void
fixtures_answer_as_they_are_named(void **state)
{
	static const struct {
		const char *name;
		const char *sids;
		bool allowed;
	} rows[] = {
	    {"synthetic-deny-enroll-object", "1105 AU", false},
	    {"synthetic-deny-enroll-object", "1104 AU", true},
	    {"synthetic-all-extended-rights-no-guid", "1106", true},
	    {"synthetic-all-extended-rights-no-guid", "AU", false},
	    {"synthetic-generic-all", "512", false},
	    {"synthetic-inherit-only-ace", "1107 AU", false},
	    {"synthetic-empty-dacl", "519 512 AU", false},
	    {"real-ClientAuth-default", "513 AU", true},
	    {"real-ClientAuth-default", "512", true},
	    {"real-ClientAuth-default", "AU WD", false},
	    {"synthetic-officer-rights-allow-all-templates", "2001 AU WD", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf raw = fixture(rows[i].name);
		struct sids sids = sids_of(rows[i].sids);
		struct err err;
		struct sd sd;

		assert_true(sd_decode(buf_view(&raw), &sd, &err));
		assert_int_equal(sd_check_extended_right(&sd, &sids, GUID_RIGHT_ENROLL).allowed,
		    rows[i].allowed);
		sids_free(&sids);
		sd_free(&sd);
		buf_free(&raw);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(enroll_right_follows_the_table),
	    cmocka_unit_test(masks_follow_the_table),
	    cmocka_unit_test(generic_bits_follow_the_table),
	    cmocka_unit_test(attributes_and_validated_writes_follow_the_table),
	    cmocka_unit_test(maximum_allowed_follows_the_table),
	    cmocka_unit_test(twins_under_a_condition_grant_nothing_and_deny_as_if_met),
	    cmocka_unit_test(a_parent_has_what_all_its_children_have),
	    cmocka_unit_test(a_malformed_tree_is_refused),
	    cmocka_unit_test(autoenroll_is_a_right_of_its_own),
	    cmocka_unit_test(fixtures_answer_as_they_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
