#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sd_effective.h"
#include "sd_rows.h"
#include "sd_text.h"

#define PHONE "bf967a49-0de6-11d0-a285-00aa003049e2"
#define INFO  "77b5b886-944a-11d1-aebd-0000f80367c1"

/* "AU:0 BA:-3": who, and by which ACE. free(). */
static char *
text_of(const struct sd_trustees *t)
{
	const struct sddl_domains domains = {test_domain(), NULL};
	char *text = strdup("");

	for (size_t i = 0; i < t->count; i++) {
		const char *alias = sid_alias_of(&t->list[i].sid, &domains);
		char *more = text_printf("%s%s%s:%d", text, i > 0 ? " " : "",
		    alias != NULL ? alias : "?", t->list[i].ace);

		free(text);
		assert_non_null(text = more);
	}
	return text;
}

static const struct sd_question full_control = {.mask = 0x000f00ff, .mapping = &SD_MAPPING_DS},
				write_all = {.mask = SD_RIGHT_WRITE_PROP,
				    .mapping = &SD_MAPPING_DS},
				create_all = {.mask = SD_RIGHT_CREATE_CHILD,
				    .mapping = &SD_MAPPING_DS},
				autoenroll = {.mask = SD_RIGHT_CONTROL_ACCESS,
				    .object = GUID_RIGHT_AUTOENROLL,
				    .mapping = &SD_MAPPING_DS};

static void
trustees_follow_the_table(void **state)
{
	static const struct {
		const char *sddl;
		const struct sd_question *question;
		const char *trustees;
	} rows[] = {
	    {"D:", &SD_ASKS_WRITE_DACL, ""},
	    {"O:BA", &SD_ASKS_WRITE_DACL, "WD:-2"},
	    {"O:BAD:", &SD_ASKS_WRITE_DACL, "BA:-3"},
	    {"O:BAD:", &SD_ASKS_WRITE_OWNER, ""},
	    {"O:BAD:(A;;RC;;;OW)", &SD_ASKS_WRITE_DACL, ""},
	    {"O:BAD:(A;;WD;;;OW)", &SD_ASKS_WRITE_DACL, "BA:0"},
	    {"O:BAD:(A;;WD;;;BA)(A;;WD;;;DA)(A;;WO;;;DU)", &SD_ASKS_WRITE_DACL, "BA:-3 DA:1"},
	    {"D:(A;;WO;;;DU)(A;;WD;;;DA)", &SD_ASKS_WRITE_OWNER, "DU:0"},
	    {"D:(A;;GA;;;AU)", &SD_ASKS_WRITE_DACL, "AU:0"},
	    {"D:(A;;GA;;;AU)", &full_control, "AU:0"},
	    {"D:(A;;GA;;;AU)", &SD_ASKS_ENROLL, "AU:0"},
	    {"D:(A;;GW;;;AU)", &write_all, "AU:0"},
	    {"D:(A;;" FULL ";;;DA)", &full_control, "DA:0"},
	    {"D:(A;;" FULL ";;;DA)", &SD_ASKS_ENROLL, ""},
	    {"D:(A;;WP;;;DU)(OA;;WP;" PHONE ";;AU)", &write_all, "DU:0"},
	    {"D:(A;;CC;;;DU)", &create_all, "DU:0"},
	    {"D:(A;;RP;;;DU)(A;;WP;;;AU)(A;;WP;;;DU)", &write_all, "DU:2 AU:1"},
	    {"D:(OD;;CR;" ENROLL ";;DU)(OA;;CR;" ENROLL ";;DU)(A;;CR;;;DA)", &SD_ASKS_ENROLL,
		"DA:2"},
	    {"D:(D;;WD;;;WD)(A;;WD;;;DA)", &SD_ASKS_WRITE_DACL, ""},
	    {"D:(A;;WD;;;DA)(D;;WD;;;WD)", &SD_ASKS_WRITE_DACL, "DA:0"},
	    {"D:(D;;WD;;;DU)(A;;WD;;;DA)", &SD_ASKS_WRITE_DACL, "DA:1"},
	    {"D:(A;IO;WD;;;DA)", &SD_ASKS_WRITE_DACL, ""},
	    {"D:(XA;;WD;;;DA)", &SD_ASKS_WRITE_DACL, ""},
	    {"D:(OA;;CR;" AUTO ";;AU)", &autoenroll, "AU:0"},
	    {"D:(OA;;CR;" AUTO ";;AU)", &SD_ASKS_ENROLL, ""},
	    {"D:(A;;WD;;;PS)", &SD_ASKS_WRITE_DACL, "PS:0"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sd sd = from_sddl(rows[i].sddl);
		struct sd_trustees t;
		struct err err;
		char *text;

		assert_true(sd_effective_trustees(&sd, rows[i].question, &t, &err));
		text = text_of(&t);
		if (strcmp(text, rows[i].trustees) != 0)
			fail_msg("row %zu, %s: %s", i, rows[i].sddl, text);
		free(text);
		sd_trustees_free(&t);
		sd_free(&sd);
	}
}

static void
writers_of_one_attribute_are_found_by_it_its_set_or_all(void **state)
{
	struct sd sd = from_sddl("D:(A;;WP;;;DA)(OA;;WP;" PHONE ";;DU)(OA;;WP;" INFO
				 ";;AU)(OA;;WP;" ENROLL ";;BA)(OA;;RP;" PHONE ";;BG)");
	uint8_t phone[GUID_LEN], info[GUID_LEN];
	struct sd_trustees t;
	struct err err;
	char *text;

	(void)state;
	assert_true(guid_from_text(PHONE, phone) && guid_from_text(INFO, info));
	assert_true(sd_effective_writers(&sd, phone, info, &t, &err));
	text = text_of(&t);
	assert_string_equal(text, "DA:0 DU:1 AU:2");
	free(text);
	sd_trustees_free(&t);
	assert_true(sd_effective_writers(&sd, phone, NULL, &t, &err));
	text = text_of(&t);
	assert_string_equal(text, "DA:0 DU:1");
	free(text);
	sd_trustees_free(&t);
	sd_free(&sd);
}

static void
an_ace_reads_as_a_sentence(void **state)
{
	static const struct {
		const char *ace;
		enum sd_rights rights;
		const char *text;
	} rows[] = {
	    {"(A;;CR;;;AU)", SD_RIGHTS_DS,
		"allow all extended rights to S-1-5-11 (Authenticated Users)"},
	    {"(OD;;CR;" ENROLL ";;DA)", SD_RIGHTS_DS, "deny Enroll to " DOMAIN "-512"},
	    {"(OA;;RPWPCR;" AUTO ";;DA)", SD_RIGHTS_DS, "allow AutoEnroll to " DOMAIN "-512"},
	    {"(OA;;WP;" PHONE ";;WD)", SD_RIGHTS_DS,
		"allow write property (" PHONE ") to S-1-1-0 (Everyone)"},
	    {"(A;;" FULL ";;;BA)", SD_RIGHTS_DS,
		"allow Full Control without extended rights to S-1-5-32-544 "
		"(BUILTIN\\Administrators)"},
	    {"(A;;0xf01ff;;;BA)", SD_RIGHTS_DS,
		"allow Full Control to S-1-5-32-544 (BUILTIN\\Administrators)"},
	    {"(A;ID;LCRPLORC;;;AU)", SD_RIGHTS_DS,
		"allow Read to S-1-5-11 (Authenticated Users), inherited"},
	    {"(D;CIIO;WDWO;;;WD)", SD_RIGHTS_DS,
		"deny change permissions, change owner to S-1-1-0 (Everyone), for objects below "
		"only"},
	    {"(XA;;GA;;;WD;#00000000)", SD_RIGHTS_DS,
		"allow generic all to S-1-1-0 (Everyone), under a condition"},
	    {"(A;;0x100000;;;WD)", SD_RIGHTS_DS, "allow 0x100000 to S-1-1-0 (Everyone)"},
	    {"(A;;;;;WD)", SD_RIGHTS_DS, "allow nothing to S-1-1-0 (Everyone)"},
	    {"(A;;0x3;;;WD)", SD_RIGHTS_CA,
		"allow Manage CA, Issue and Manage Certificates to S-1-1-0 (Everyone)"},
	    {"(D;;0x20200;;;AU)", SD_RIGHTS_CA,
		"deny Request Certificates, 0x20000 to S-1-5-11 (Authenticated Users)"},
	    {"(AU;SA;CC;;;WD)", SD_RIGHTS_DS,
		"no access rule, type 2: create children to S-1-1-0 (Everyone)"},
	    {"(0x30;;;;;)", SD_RIGHTS_DS, "an ACE of the unknown type 48, which could deny"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char sddl[256], *text;
		struct sd sd;

		snprintf(sddl, sizeof sddl, "D:%s", rows[i].ace);
		sd = from_sddl(sddl);
		assert_true(sd_ace_text(&sd.aces[0], rows[i].rights, &text));
		assert_string_equal(text, rows[i].text);
		free(text);
		sd_free(&sd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(trustees_follow_the_table),
	    cmocka_unit_test(writers_of_one_attribute_are_found_by_it_its_set_or_all),
	    cmocka_unit_test(an_ace_reads_as_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
