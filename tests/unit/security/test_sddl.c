#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sd_equal.h"
#include "sd_rows.h"

#define ROOT "S-1-5-21-1-2-3"

/* Aliases of [MS-DTYP] 2.5.1.1 and the SIDs of 2.4.2.4; "D" is the domain, "R" the forest root. */
static const struct {
	const char *alias, *sid;
} aliases[] = {
    {"WD", "S-1-1-0"},
    {"CO", "S-1-3-0"},
    {"CG", "S-1-3-1"},
    {"OW", "S-1-3-4"},
    {"NU", "S-1-5-2"},
    {"IU", "S-1-5-4"},
    {"SU", "S-1-5-6"},
    {"AN", "S-1-5-7"},
    {"ED", "S-1-5-9"},
    {"PS", "S-1-5-10"},
    {"AU", "S-1-5-11"},
    {"RC", "S-1-5-12"},
    {"SY", "S-1-5-18"},
    {"LS", "S-1-5-19"},
    {"NS", "S-1-5-20"},
    {"WR", "S-1-5-33"},
    {"BA", "S-1-5-32-544"},
    {"BU", "S-1-5-32-545"},
    {"BG", "S-1-5-32-546"},
    {"PU", "S-1-5-32-547"},
    {"AO", "S-1-5-32-548"},
    {"SO", "S-1-5-32-549"},
    {"PO", "S-1-5-32-550"},
    {"BO", "S-1-5-32-551"},
    {"RE", "S-1-5-32-552"},
    {"RU", "S-1-5-32-554"},
    {"RD", "S-1-5-32-555"},
    {"NO", "S-1-5-32-556"},
    {"MU", "S-1-5-32-558"},
    {"LU", "S-1-5-32-559"},
    {"IS", "S-1-5-32-568"},
    {"CY", "S-1-5-32-569"},
    {"ER", "S-1-5-32-573"},
    {"CD", "S-1-5-32-574"},
    {"RA", "S-1-5-32-575"},
    {"ES", "S-1-5-32-576"},
    {"MS", "S-1-5-32-577"},
    {"HA", "S-1-5-32-578"},
    {"AA", "S-1-5-32-579"},
    {"RM", "S-1-5-32-580"},
    {"UD", "S-1-5-84-0-0-0-0-0"},
    {"AC", "S-1-15-2-1"},
    {"LW", "S-1-16-4096"},
    {"ME", "S-1-16-8192"},
    {"MP", "S-1-16-8448"},
    {"HI", "S-1-16-12288"},
    {"SI", "S-1-16-16384"},
    {"AS", "S-1-18-1"},
    {"SS", "S-1-18-2"},
    {"LA", DOMAIN "-500"},
    {"LG", DOMAIN "-501"},
    {"DA", DOMAIN "-512"},
    {"DU", DOMAIN "-513"},
    {"DG", DOMAIN "-514"},
    {"DC", DOMAIN "-515"},
    {"DD", DOMAIN "-516"},
    {"CA", DOMAIN "-517"},
    {"PA", DOMAIN "-520"},
    {"CN", DOMAIN "-522"},
    {"AP", DOMAIN "-525"},
    {"KA", DOMAIN "-526"},
    {"RS", DOMAIN "-553"},
    {"RO", ROOT "-498"},
    {"SA", ROOT "-518"},
    {"EA", ROOT "-519"},
    {"EK", ROOT "-527"},
};

static void
aliases_are_read_and_written(void **state)
{
	struct sid root;
	const struct sddl_domains domains = {test_domain(), &root}, none = {NULL, NULL};

	(void)state;
	assert_true(sid_from_text(ROOT, &root));
	for (size_t i = 0; i < COUNT(aliases); i++) {
		char sddl[64], *back, *plain, expected[128];
		struct err err;
		struct sd sd;

		snprintf(
		    sddl, sizeof sddl, "O:%sD:(A;;GA;;;%s)", aliases[i].alias, aliases[i].alias);
		snprintf(expected, sizeof expected, "O:%sD:(A;;GA;;;%s)", aliases[i].sid,
		    aliases[i].sid);
		assert_true(sd_from_sddl_in(sddl, &domains, &sd, &err));
		assert_non_null(plain = sd_to_sddl(&sd));
		assert_non_null(back = sd_to_sddl_aliases(&sd, &domains));
		assert_string_equal(plain, expected);
		assert_string_equal(back, sddl);
		sd_free(&sd);
		assert_int_equal(sd_from_sddl_in(sddl, &none, &sd, &err),
		    strncmp(aliases[i].sid, "S-1-5-21-", 9) != 0);
		sd_free(&sd);
		free(plain);
		free(back);
	}
}

static void
without_forest_root_the_domain_is_taken(void **state)
{
	struct sd sd = from_sddl("O:EA");
	const struct sddl_domains domains = {test_domain(), NULL}, none = {NULL, NULL};
	char *with = sd_to_sddl_aliases(&sd, &domains), *without = sd_to_sddl_aliases(&sd, &none);

	(void)state;
	assert_string_equal(with, "O:EA");
	assert_string_equal(without, "O:" DOMAIN "-519");
	free(with);
	free(without);
	sd_free(&sd);
}

static void
every_word_of_the_grammar_is_known(void **state)
{
	static const char *const same[][2] = {
	    {"D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWOGAGXGWGR;;;WD)",
		"D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWOGAGXGWGR;;;WD)"},
	    {"D:(A;;FA;;;WD)(A;;FR;;;WD)(A;;FW;;;WD)(A;;FX;;;WD)",
		"D:(A;;0x1f01ff;;;WD)(A;;0x120089;;;WD)(A;;0x120116;;;WD)(A;;0x1200a0;;;WD)"},
	    {"D:(A;;KA;;;WD)(A;;KR;;;WD)(A;;KW;;;WD)(A;;KX;;;WD)",
		"D:(A;;CCDCLCSWRPWPSDRCWDWO;;;WD)(A;;CCSWRPRC;;;WD)(A;;DCLCRC;;;WD)(A;;CCSWRPRC;;;"
		"WD)"},
	    {"D:(A;;FRFX;;;WD)(A;;GAFR;;;WD)", "D:(A;;0x1200a9;;;WD)(A;;0x10120089;;;WD)"},
	    {"D:(A;;15;;;WD)(A;;017;;;WD)(A;;0xf;;;WD)",
		"D:(A;;CCDCLCSW;;;WD)(A;;CCDCLCSW;;;WD)(A;;CCDCLCSW;;;WD)"},
	    {"D:(D;OICINPIOID;RC;;;WD)", "D:(D;OICINPIOID;RC;;;WD)"},
	    {"S:(AU;SAFA;RC;;;WD)(AL;;RC;;;WD)", "S:(AU;SAFA;RC;;;WD)(AL;;RC;;;WD)"},
	    {"S:(OU;SA;CR;" ENROLL ";" AUTO ";WD)(OL;;CR;" ENROLL ";;WD)",
		"S:(OU;SA;CR;" ENROLL ";" AUTO ";WD)(OL;;CR;" ENROLL ";;WD)"},
	    {"S:(ML;;NRNWNX;;;HI)(ML;;0x8;;;LW)", "S:(ML;;NRNWNX;;;HI)(ML;;0x8;;;LW)"},
	    {"S:(SP;;;;;S-1-17-1)(TL;;0x1fffff;;;S-1-19-512-4096)",
		"S:(SP;;;;;S-1-17-1)(TL;;0x1fffff;;;S-1-19-512-4096)"},
	    {"S:(RA;CI;;;;WD;#01020304)(XU;SA;GA;;;WD;#0102AbcD)",
		"S:(RA;CI;;;;WD;#01020304)(XU;SA;GA;;;WD;#0102abcd)"},
	    {"S:(FL;;GA;;;WD;#00000000)(0xf;;CR;" ENROLL ";;WD)(0xe;;CR;;;WD)(0x10;;CR;;;WD)",
		"S:(FL;;GA;;;WD;#00000000)(0xf;;CR;" ENROLL ";;WD)(0xe;;CR;;;WD)(0x10;;CR;;;WD)"},
	    {"D:(0x4;;;;;;#0011223344556677)(0x99;;;;;)",
		"D:(0x4;;;;;;#0011223344556677)(0x99;;;;;)"},
	    {"S:PARAI(AU;SA;CC;;;WD)D:AIARP", "D:PARAIS:PARAI(AU;SA;CC;;;WD)"},
	    {"S:", "S:"},
	    {"S:NO_ACCESS_CONTROL", "S:NO_ACCESS_CONTROL"},
	    {"O:S-1-0x100000000000D:", "O:S-1-0x100000000000D:"},
	    {"O:S-1-5-32-544G:WDD:S:", "O:BAG:WDD:S:"},
	};
	const struct sddl_domains none = {NULL, NULL};

	(void)state;
	for (size_t i = 0; i < COUNT(same); i++) {
		struct sd sd = from_sddl(same[i][0]);
		char *text = sd_to_sddl_aliases(&sd, &none);

		assert_string_equal(text, same[i][1]);
		free(text);
		sd_free(&sd);
	}
}

/* Bytes of [MS-DTYP] 2.4.4.17.9 ("Title" == "VP") and 2.4.10.1, and others that are neither. */
#define CONDITION "61727478f80a0000005400690074006c00650010040000005600500080000000"
#define CLAIM     "1400000002000000010000000100000018000000610000000700000000000000"

static void
data_is_hexadecimal_whatever_it_holds(void **state)
{
	static const char *const data[] = {CONDITION, CLAIM, "61727478", "6172747880000000",
	    "61727478f8ffffffff610000", "00000000", "00000000410000000a0d2200"};
	static const char *const aces[] = {"D:(XA;;GX;;;S-1-1-0;#", "D:(XD;ID;GX;;;S-1-1-0;#",
	    "D:(ZA;;CR;" ENROLL ";;S-1-1-0;#", "D:(0xc;;CR;" ENROLL ";;S-1-1-0;#",
	    "S:(XU;SA;GX;;;S-1-1-0;#", "S:(RA;CI;;;;S-1-1-0;#", "D:(0x30;;;;;;#"};

	(void)state;
	for (size_t i = 0; i < COUNT(data) * COUNT(aces); i++) {
		const char *ace = aces[i / COUNT(data)], *hex = data[i % COUNT(data)];
		char *sddl = text_printf("%s%s)", ace, hex), *text;
		struct sd sd = from_sddl(sddl);
		const struct ace *read = sd.count > 0 ? sd.aces : sd.sacl;
		char *back = hex_encode(read->data, '\0');

		assert_non_null(text = sd_to_sddl(&sd));
		assert_string_equal(text, sddl);
		assert_string_equal(back, hex);
		free(back);
		free(text);
		free(sddl);
		sd_free(&sd);
	}
}

/* The words of [MS-DTYP] 2.5.1 for them, and hexadecimal digits that are none. */
static void
data_is_read_in_no_other_form(void **state)
{
	static const char *const bad[] = {"D:(XA;;GX;;;WD;(Title == \"VP\"))",
	    "D:(XD;;GX;;;WD;(Member_of {SID(BA)}))", "S:(RA;;;;;WD;(\"Secrecy\",TU,0x0,3))",
	    "D:(XA;;GX;;;WD;())", "D:(XA;;GX;;;WD;)", "D:(XA;;GX;;;WD;#0)", "D:(XA;;GX;;;WD;#0g)",
	    "D:(XA;;GX;;;WD;" CONDITION ")", "D:(XA;;GX;;;WD;#00000000;#00000000)",
	    "D:(A;;GX;;;WD;#00000000)"};
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (sd_from_sddl(bad[i], NULL, &sd, &err))
			fail_msg("%s was read", bad[i]);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
	assert_false(sd_from_sddl(bad[0], NULL, &sd, &err));
	assert_non_null(strstr(err.msg, "hexadecimal digits only"));
}

/* On the heap, so that a read past the end is seen. */
static void
sddl_cut_at_every_length_is_read_within_its_bounds(void **state)
{
	static const char whole[] = "O:BAG:" DOMAIN "-519D:PAI(OA;CIID;RPWPCR;" ENROLL ";" AUTO
				    ";DA)(XA;;GX;;;WD;#" CONDITION ")S:ARNO_ACCESS_CONTROL";
	static const char sacl[] = "S:P(RA;;;;;WD;#" CLAIM ")(0x30;;;;;;#01020304)";
	static const char *const texts[] = {whole, sacl};
	size_t read = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t len = 0; len <= strlen(texts[i]); len++) {
			char *part = strndup(texts[i], len);
			struct err err;
			struct sd sd;

			read += sd_from_sddl(part, test_domain(), &sd, &err);
			sd_free(&sd);
			free(part);
		}
	/* Nothing; "O:BA"; with every length of a sub-authority "G:S-1-..."; "D:", its flags, its
	 * ACEs; "S:" and its flags. */
	assert_in_range(read, 20, 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(aliases_are_read_and_written),
	    cmocka_unit_test(without_forest_root_the_domain_is_taken),
	    cmocka_unit_test(every_word_of_the_grammar_is_known),
	    cmocka_unit_test(data_is_hexadecimal_whatever_it_holds),
	    cmocka_unit_test(data_is_read_in_no_other_form),
	    cmocka_unit_test(sddl_cut_at_every_length_is_read_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
