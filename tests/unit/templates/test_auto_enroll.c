/* What a client does by itself: by which templates, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "auto_enroll.h"
#include "escalation.h"
#include "mem.h"

#define ENROLL     "(OA;;CR;0e10c968-78fb-11d2-90d4-00c04f79dc55;;S-1-5-21-1-2-3-1001)"
#define AUTOENROLL "(OA;;CR;a05b8cc2-17bc-4802-a710-e7c15ab866a2;;S-1-5-21-1-2-3-1001)"
#define DAY        86400

static void
only_what_asks_for_nothing_of_people_is_enrolled_by(void **state)
{
	static char purpose[] = OID_KEY_RECOVERY_AGENT;
	static char *kra[] = {purpose};
	static const struct {
		const char *dacl;
		uint32_t flags, enrollment, name;
		int signatures;
		bool kra, with_kra;
		const char *why; /* NULL: none */
	} rows[] = {
	    {ENROLL AUTOENROLL, 0, CT_FLAG_AUTO_ENROLLMENT, 0, 0, false, false, NULL},
	    {ENROLL AUTOENROLL, 0, 0, 0, 0, false, false, "not for clients"},
	    {ENROLL, 0, CT_FLAG_AUTO_ENROLLMENT, 0, 0, false, false, "lacks"},
	    {AUTOENROLL, 0, CT_FLAG_AUTO_ENROLLMENT, 0, 0, false, false, "lacks"},
	    {NULL, 0, CT_FLAG_AUTO_ENROLLMENT, 0, 0, false, false, "lacks"},
	    {ENROLL AUTOENROLL, CT_FLAG_IS_CA, CT_FLAG_AUTO_ENROLLMENT, 0, 0, false, false, "CAs"},
	    {ENROLL AUTOENROLL, CT_FLAG_IS_CROSS_CA, CT_FLAG_AUTO_ENROLLMENT, 0, 0, false, false,
		"CAs"},
	    {ENROLL AUTOENROLL, 0, CT_FLAG_AUTO_ENROLLMENT, CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT, 0,
		false, false, "supplies"},
	    {ENROLL AUTOENROLL, 0, CT_FLAG_AUTO_ENROLLMENT,
		CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME, 0, false, false, "supplies"},
	    {ENROLL AUTOENROLL, 0, CT_FLAG_AUTO_ENROLLMENT, 0, 1, false, false, "signature"},
	    {ENROLL AUTOENROLL, 0, CT_FLAG_AUTO_ENROLLMENT, 0, 0, true, false, "recovery agents"},
	    {ENROLL AUTOENROLL, 0, CT_FLAG_AUTO_ENROLLMENT, 0, 0, true, true, NULL},
	};
	struct sid sid;
	const struct sids sids = {.list = &sid, .count = 1};

	(void)state;
	assert_true(sid_from_text("S-1-5-21-1-2-3-1001", &sid));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct tmpl t = {.schema_version = 2,
		    .flags = rows[i].flags,
		    .enrollment_flag = rows[i].enrollment,
		    .name_flag = rows[i].name,
		    .ra_signatures = rows[i].signatures,
		    .has_sd = rows[i].dacl != NULL};
		char sddl[512] = "O:SYG:SYD:";
		const char *why;
		struct err err;

		if (rows[i].kra)
			t.application_policies = t.eku = (struct texts){kra, 1};
		if (t.has_sd)
			assert_true(sd_from_sddl(strcat(sddl, rows[i].dacl), NULL, &t.sd, &err));
		why = tmpl_auto_refusal(&t, &sids, rows[i].with_kra);
		if ((why == NULL) != (rows[i].why == NULL) ||
		    (why != NULL && strstr(why, rows[i].why) == NULL))
			fail_msg("row %zu: %s", i, why != NULL ? why : "taken");
		if (t.has_sd)
			sd_free(&t.sd);
	}
}

static void
a_certificate_is_renewed_in_its_time(void **state)
{
	static const struct {
		int now; /* days of the certificate's life */
		int life, overlap, major;
		bool skips;
		enum tmpl_auto act;
	} rows[] = {
	    {0, 365, 42, 1, false, TMPL_AUTO_NOTHING},
	    {322, 365, 42, 1, false, TMPL_AUTO_NOTHING},
	    {323, 365, 42, 1, false, TMPL_AUTO_RENEW},
	    {323, 365, 42, 1, true, TMPL_AUTO_NOTHING},
	    {364, 365, 42, 1, false, TMPL_AUTO_RENEW},
	    {365, 365, 42, 1, false, TMPL_AUTO_ENROLL},
	    {365, 365, 42, 1, true, TMPL_AUTO_ENROLL},
	    {1, 365, 42, 2, false, TMPL_AUTO_RENEW},
	    {1, 365, 42, 2, true, TMPL_AUTO_NOTHING},
	    {1, 365, 42, 0, false, TMPL_AUTO_NOTHING}, /* an older template is in the directory */
	    /* A life that is shorter than the period is not renewed for ever. */
	    {4, 10, 42, 1, false, TMPL_AUTO_NOTHING},
	    {5, 10, 42, 1, false, TMPL_AUTO_RENEW},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct tmpl t = {.overlap = (int64_t)rows[i].overlap * DAY,
		    .major = rows[i].major,
		    .enrollment_flag = rows[i].skips ? CT_FLAG_SKIP_AUTO_RENEWAL : 0};
		const struct tmpl_held held = {
		    .not_after = (int64_t)rows[i].life * DAY, .has_version = true, .major = 1};

		if (tmpl_auto_act(&t, &held, (int64_t)rows[i].now * DAY) != rows[i].act)
			fail_msg("row %zu", i);
		assert_int_equal(tmpl_auto_act(&t, NULL, 0), TMPL_AUTO_ENROLL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_asks_for_nothing_of_people_is_enrolled_by),
	    cmocka_unit_test(a_certificate_is_renewed_in_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
