/* Rights on templates by word: grants, denials, revocations, and who is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tmpl_rights.h"

#define COUNT(a)   (sizeof(a) / sizeof(a)[0])
#define ENROLL     "0e10c968-78fb-11d2-90d4-00c04f79dc55"
#define AUTOENROLL "a05b8cc2-17bc-4802-a710-e7c15ab866a2"
#define NAME_FLAG  "ea1dddc4-60ff-416e-8cc0-17cee534bce7"
#define WHO        "S-1-5-21-1-2-3-1001"

static struct sd
descriptor(const char *dacl)
{
	char text[1024];
	struct sd sd;
	struct err err;

	snprintf(text, sizeof text, "O:SYG:SYD:%s", dacl);
	if (!sd_from_sddl(text, NULL, &sd, &err))
		fail_msg("%s: %s", text, err.msg);
	return sd;
}

static void
assert_dacl(const struct sd *sd, const char *dacl)
{
	struct sd wanted = descriptor(dacl);
	char *is = sd_to_sddl(sd), *should = sd_to_sddl(&wanted);

	assert_string_equal(is, should);
	free(is);
	free(should);
	sd_free(&wanted);
}

static const struct sid *
who(void)
{
	static struct sid sid;

	assert_true(sid_from_text(WHO, &sid));
	return &sid;
}

static const struct {
	const char *before;
	unsigned rights;
	bool deny, changed;
	const char *after;
} grants[] = {
    {"", TMPL_READ, false, true, "(A;;LCRPLORC;;;" WHO ")"},
    {"", TMPL_ENROLL, false, true, "(A;;LCRPLORC;;;" WHO ")(OA;;CR;" ENROLL ";;" WHO ")"},
    {"", TMPL_AUTOENROLL, false, true, "(A;;LCRPLORC;;;" WHO ")(OA;;CR;" AUTOENROLL ";;" WHO ")"},
    {"", TMPL_WRITE, false, true, "(A;;SWWPRC;;;" WHO ")"},
    {"", TMPL_FULL, false, true, "(A;;CCDCLCSWRPWPDTLOSDRCWDWO;;;" WHO ")"},
    /* Full control holds reading, and not enrolling. */
    {"(A;;CCDCLCSWRPWPDTLOSDRCWDWO;;;" WHO ")", TMPL_ENROLL, false, true,
	"(A;;CCDCLCSWRPWPDTLOSDRCWDWO;;;" WHO ")(OA;;CR;" ENROLL ";;" WHO ")"},
    {"(A;;GA;;;" WHO ")", TMPL_FULL, false, false, "(A;;GA;;;" WHO ")"},
    {"(A;;LCRPLORC;;;" WHO ")(OA;;CR;" ENROLL ";;" WHO ")", TMPL_ENROLL, false, false,
	"(A;;LCRPLORC;;;" WHO ")(OA;;CR;" ENROLL ";;" WHO ")"},
    /* Denials stand in front, and bring no reading. */
    {"(A;;LCRPLORC;;;AU)", TMPL_ENROLL, true, true,
	"(OD;;CR;" ENROLL ";;" WHO ")(A;;LCRPLORC;;;AU)"},
    {"(A;;LCRPLORC;;;AU)", TMPL_WRITE, true, true, "(D;;SWWPRC;;;" WHO ")(A;;LCRPLORC;;;AU)"},
    /* A denial behind a grant denies nothing. */
    {"(A;;SWWPRC;;;" WHO ")(D;;SWWPRC;;;" WHO ")", TMPL_WRITE, true, true,
	"(D;;SWWPRC;;;" WHO ")(A;;SWWPRC;;;" WHO ")(D;;SWWPRC;;;" WHO ")"},
    /* What somebody inherits is no grant for this object if it is inherit-only. */
    {"(A;CIIO;LCRPLORC;;;" WHO ")", TMPL_READ, false, true,
	"(A;CIIO;LCRPLORC;;;" WHO ")(A;;LCRPLORC;;;" WHO ")"},
};

static void
rights_are_granted_by_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(grants); i++) {
		struct sd sd = descriptor(grants[i].before);
		struct err err;
		bool changed;

		assert_true(
		    tmpl_grant(&sd, who(), grants[i].rights, grants[i].deny, &changed, &err));
		assert_int_equal(changed, grants[i].changed);
		assert_dacl(&sd, grants[i].after);
		sd_free(&sd);
	}
}

static const struct {
	const char *before;
	unsigned rights;
	bool deny, changed;
	const char *after;
} revocations[] = {
    {"(OA;;CR;" ENROLL ";;" WHO ")", TMPL_ENROLL, false, true, ""},
    {"(OA;;RPWPCR;" ENROLL ";;" WHO ")", TMPL_ENROLL, false, true, ""},
    {"(OA;;CR;" AUTOENROLL ";;" WHO ")", TMPL_ENROLL, false, false,
	"(OA;;CR;" AUTOENROLL ";;" WHO ")"},
    /* One that grants all extended rights loses them. */
    {"(A;;RPCR;;;" WHO ")", TMPL_ENROLL, false, true, "(A;;RP;;;" WHO ")"},
    {"(A;;GA;;;" WHO ")", TMPL_ENROLL, false, true, "(A;;CCDCLCSWRPWPDTLOSDRCWDWO;;;" WHO ")"},
    {"(A;;CCDCLCSWRPWPDTLOSDRCWDWO;;;" WHO ")", TMPL_WRITE, false, true,
	"(A;;CCDCLCRPDTLOSDRC;;;" WHO ")"},
    {"(A;;LCRPLORC;;;" WHO ")(OA;;CR;" ENROLL ";;" WHO ")", TMPL_READ, false, true,
	"(OA;;CR;" ENROLL ";;" WHO ")"},
    {"(A;;LCRPLORC;;;" WHO ")(OA;;CR;" ENROLL ";;" WHO ")", TMPL_FULL, false, true, ""},
    /* Writing of a single attribute, here msPKI-Certificate-Name-Flag, is writing too. */
    {"(OA;;RPWP;" NAME_FLAG ";;" WHO ")", TMPL_WRITE, false, true,
	"(OA;;RP;" NAME_FLAG ";;" WHO ")"},
    {"(OA;;WP;" NAME_FLAG ";;" WHO ")", TMPL_WRITE, false, true, ""},
    /* Others, denials and what is inherited stay. */
    {"(A;;LCRPLORC;;;AU)", TMPL_READ, false, false, "(A;;LCRPLORC;;;AU)"},
    {"(OD;;CR;" ENROLL ";;" WHO ")", TMPL_ENROLL, false, false, "(OD;;CR;" ENROLL ";;" WHO ")"},
    {"(OD;;CR;" ENROLL ";;" WHO ")", TMPL_ENROLL, true, true, ""},
    {"(OA;ID;CR;" ENROLL ";;" WHO ")", TMPL_ENROLL, false, false, "(OA;ID;CR;" ENROLL ";;" WHO ")"},
};

static void
rights_are_revoked_by_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(revocations); i++) {
		struct sd sd = descriptor(revocations[i].before);
		bool changed;

		tmpl_revoke(&sd, who(), revocations[i].rights, revocations[i].deny, &changed);
		assert_int_equal(changed, revocations[i].changed);
		assert_dacl(&sd, revocations[i].after);
		sd_free(&sd);
	}
}

static void
a_grant_and_its_revocation_leave_nothing(void **state)
{
	const unsigned all = TMPL_READ | TMPL_WRITE | TMPL_ENROLL | TMPL_AUTOENROLL;
	struct sd sd = descriptor("(A;;LCRPLORC;;;AU)");
	struct err err;
	bool changed;

	(void)state;
	assert_true(tmpl_grant(&sd, who(), all, false, &changed, &err));
	tmpl_revoke(&sd, who(), all, false, &changed);
	/* The right to read the descriptor comes with "write" and goes with "read". */
	tmpl_revoke(&sd, who(), TMPL_FULL, false, &changed);
	assert_dacl(&sd, "(A;;LCRPLORC;;;AU)");
	sd_free(&sd);
}

static const struct {
	const char *dacl;
	bool has_writer;
} writers[] = {
    {"(A;;LCRPLORC;;;AU)", false},
    {"(A;;WP;;;DA)", true},
    {"(A;;GA;;;" WHO ")", true},
    {"(A;;GW;;;" WHO ")", true},
    {"(A;CIIO;GA;;;" WHO ")", false},
    {"(OA;;WP;" ENROLL ";;" WHO ")", false},
    {"(D;;WP;;;WD)(A;;GA;;;" WHO ")", false},
    {"(D;;WP;;;" WHO ")(A;;GA;;;" WHO ")", false},
    {"(D;;WP;;;S-1-5-21-1-2-3-9)(A;;GA;;;" WHO ")", true},
    {"", false},
};

static void
the_last_writer_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(writers); i++) {
		struct sid domain;
		struct sd sd;
		char text[512];
		struct err err;

		assert_true(sid_from_text("S-1-5-21-1-2-3", &domain));
		snprintf(text, sizeof text, "O:SYG:SYD:%s", writers[i].dacl);
		assert_true(sd_from_sddl(text, &domain, &sd, &err));
		if (tmpl_has_writer(&sd) != writers[i].has_writer)
			fail_msg("%s", writers[i].dacl);
		sd_free(&sd);
	}
}

static const struct {
	const char *dacl, *words;
} texts[] = {
    {"(A;;LCRPLORC;;;AU)", "read"},
    {"(A;;CCDCLCSWRPWPDTLOSDRCWDWO;;;AU)", "full"},
    {"(A;;GA;;;AU)", "full,enroll,autoenroll"},
    {"(OA;;RPWPCR;" ENROLL ";;AU)", "enroll"},
    {"(OA;;CR;" AUTOENROLL ";;AU)", "autoenroll"},
    {"(A;;CR;;;AU)", "enroll,autoenroll"},
    {"(A;;LCRPLORCSD;;;AU)", "read,0x10000"},
    {"(OA;;CR;00000000-0000-0000-0000-000000000001;;AU)", "0x100"},
};

static void
aces_are_told_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct sd sd = descriptor(texts[i].dacl);
		char *text = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&text, &len);

		tmpl_ace_words(&sd.aces[0], f);
		fclose(f);
		assert_string_equal(text, texts[i].words);
		free(text);
		sd_free(&sd);
	}
}

static void
those_who_may_enroll_are_listed(void **state)
{
	struct sd sd = descriptor("(OD;;CR;" ENROLL ";;S-1-5-21-1-2-3-2)(OA;;CR;" ENROLL ";;" WHO
				  ")(OA;;CR;" ENROLL ";;S-1-5-21-1-2-3-2)(A;;LCRPLORC;;;AU)");
	struct sids sids = {0};
	struct err err;

	(void)state;
	assert_true(tmpl_enrollers(&sd, &sids, &err));
	assert_int_equal(sids.count, 1);
	assert_true(sid_eq(&sids.list[0], who()));
	sids_free(&sids);
	sd_free(&sd);
}

static void
an_unknown_right_is_refused(void **state)
{
	struct err err;
	unsigned right;

	(void)state;
	assert_true(tmpl_right_parse("Enroll", &right, &err));
	assert_int_equal(right, TMPL_ENROLL);
	assert_false(tmpl_right_parse("admin", &right, &err));
	assert_int_equal(err.code, E_INVALIDARG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rights_are_granted_by_word),
	    cmocka_unit_test(rights_are_revoked_by_word),
	    cmocka_unit_test(a_grant_and_its_revocation_leave_nothing),
	    cmocka_unit_test(the_last_writer_is_known),
	    cmocka_unit_test(aces_are_told_in_words),
	    cmocka_unit_test(those_who_may_enroll_are_listed),
	    cmocka_unit_test(an_unknown_right_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
