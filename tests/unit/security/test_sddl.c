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
	    {"S:(RA;CI;;;;WD;#01020304)(XU;SA;GA;;;WD;(Exists Title))",
		"S:(RA;CI;;;;WD;#01020304)(XU;SA;GA;;;WD;(Exists Title))"},
	    {"S:(FL;;GA;;;WD;(Title == 1))(0xf;;CR;" ENROLL ";;WD)(0xe;;CR;;;WD)(0x10;;CR;;;WD)",
		"S:(FL;;GA;;;WD;(Title == 1))(0xf;;CR;" ENROLL
		";;WD)(0xe;;CR;;;WD)(0x10;;CR;;;WD)"},
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

#define CONDITION(text) "D:(XA;;GX;;;WD;" text ")"

/* Each is written as it is read. */
static const char *const conditions[] = {
    "(Title == \"VP\")",
    "(@User.Title == \"PM\" && (@User.Division == \"Finance\" || @User.Division == \"Sales\"))",
    "((@User.smartcard == 1 || @Device.managed == 1) && @Resource.dept Any_of {\"Sales\", \"HR\"})",
    "(@User.clearanceLevel >= @Resource.requiredClearance || Member_of {SID(S-1-5-32-544)})",
    "(Member_of SID(S-1-5-32-544))",
    "(Device_Member_of {SID(S-1-5-32-544), SID(S-1-1-0)})",
    "(Member_of_Any {SID(S-1-1-0)} && Device_Member_of_Any {SID(S-1-1-0)})",
    "(Not_Member_of {SID(S-1-1-0)} || Not_Device_Member_of {SID(S-1-1-0)})",
    "(Not_Member_of_Any {SID(S-1-1-0)} || Not_Device_Member_of_Any {SID(S-1-1-0)})",
    "(Exists a && Not_Exists @Resource.b)",
    "(a < 1 && b <= 2 && c > 3 && d >= 4 && e != 5)",
    "(a Contains {1, 2} || b Not_Contains 3 || c Not_Any_of {#00ff, \"x\"})",
    "(!(a == 1))",
    "(!(a == 1 && !(b)))",
    "(a && (b && c))",
    "((a || b) && c)",
    "(a || b && c)",
    "(a == -1 && b == +2 && c == 0x1f && d == 017 && e == -0x8000000000000000)",
    "(@User.a%0020b%0026 == \"text; with (all) sorts & \\ of | marks\")",
    "(@User.a;b == 9223372036854775807)",
    "(a == #)",
    "(a == \"\")",
};

static void
conditions_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(conditions); i++) {
		struct sd sd, again;
		char *sddl = text_printf(CONDITION("%s"), conditions[i]), *text;
		struct err err;

		assert_non_null(sddl);
		if (!sd_from_sddl(sddl, NULL, &sd, &err))
			fail_msg("%s: %s", sddl, err.msg);
		text = sd_to_sddl(&sd);
		assert_non_null(strstr(text, conditions[i]));
		assert_true(sd_from_sddl(text, NULL, &again, &err));
		assert_true(sd_equal(&sd, &again));
		sd_free(&again);
		sd_free(&sd);
		free(text);
		free(sddl);
	}
}

/* The bytes that [MS-DTYP] 2.4.4.17.9 prints for its first example. */
static void
a_condition_has_the_bytes_of_the_example(void **state)
{
	static const uint8_t bytes[] = {'a', 'r', 't', 'x', 0xf8, 10, 0, 0, 0, 'T', 0, 'i', 0, 't',
	    0, 'l', 0, 'e', 0, 0x10, 4, 0, 0, 0, 'V', 0, 'P', 0, 0x80, 0, 0, 0};
	struct sd sd = from_sddl(CONDITION("(Title==\"VP\")"));

	(void)state;
	assert_int_equal(sd.aces[0].data.len, sizeof bytes);
	assert_memory_equal(sd.aces[0].data.ptr, bytes, sizeof bytes);
	sd_free(&sd);
	/* -1 as 2.4.4.17.5 encodes it */
	sd = from_sddl(CONDITION("(a==-1)"));
	assert_memory_equal(
	    sd.aces[0].data.ptr + 11, "\x04\xff\xff\xff\xff\xff\xff\xff\xff\x02\x02\x80", 12);
	sd_free(&sd);
}

static void
other_spellings_of_a_condition_mean_the_same(void **state)
{
	static const char *const pairs[][2] = {
	    {"( Title == \"VP\" )", "(Title==\"VP\")"},
	    {"((Title==\"VP\"))", "(Title == \"VP\")"},
	    {"(@USER.a any_of{1,2})", "(@User.a Any_of {1, 2})"},
	    {"(member_of{SID(BA)})", "(Member_of {SID(S-1-5-32-544)})"},
	    {"(!a)", "(!(a))"},
	    {"(a&&b||c)", "((a && b) || c)"},
	    {"(@User.%0061 == 1)", "(@User.a == 1)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		char *left = text_printf(CONDITION("%s"), pairs[i][0]);
		char *right = text_printf(CONDITION("%s"), pairs[i][1]);
		struct sd a = from_sddl(left), b = from_sddl(right);

		assert_true(sd_equal(&a, &b));
		sd_free(&a);
		sd_free(&b);
		free(left);
		free(right);
	}
}

static void
conditions_that_are_malformed_are_refused(void **state)
{
	static const char *const bad[] = {"()", "(a", "(a ==)", "(== 1)", "(a == 1", "(a == 1))",
	    "(a && )", "(a || || b)", "(a & b)", "(!)", "(a == \"x)", "(a == {1,})", "(a == {})",
	    "(a == {1)", "(Member_of 1)", "(Member_of {1})", "(Member_of {SID(XX)})",
	    "(Member_of {SID(BA})", "(Exists)", "(Exists 1 == 1)", "(a == 0x)", "(a == 08)",
	    "(a == 9223372036854775808)", "(a == -9223372036854775809)", "(a == #0)",
	    "(@User. == 1)", "(@User.a%00 == 1)", "(@User.a%0000 == 1)", "(@Nobody.a == 1)",
	    "(a == b)", "(a b)", "(a == \"\xff\")", "(Member_of {SID(DA)})"};
	char deep[512] = CONDITION("");
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *sddl = text_printf(CONDITION("%s"), bad[i]);

		if (sd_from_sddl(sddl, NULL, &sd, &err))
			fail_msg("%s was read", sddl);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		free(sddl);
	}
	snprintf(deep, sizeof deep, "D:(XA;;GX;;;WD;(%.*s", 200,
	    "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
	    "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
	    "((((((((((((((((((((((((((((((((((((((((((((((");
	assert_false(sd_from_sddl(deep, NULL, &sd, &err));
	assert_non_null(strstr(err.msg, "nested"));
}

/* What the reader would not make again stays hexadecimal. */
static void
data_that_is_no_plain_condition_stays_hexadecimal(void **state)
{
	static const char *const data[] = {
	    "61727478",                                         /* no tokens */
	    "6172747880000000",                                 /* an operator without operands */
	    "61727478f80200000061000000000000",                 /* padding too long */
	    "61727478f80200000061000000000001",                 /* bytes behind the padding */
	    "61727478f802000000610010020000002200800000000000", /* a quotation mark */
	    "61727478f80200000061000101000000000000000302800000000000", /* an int8 */
	    "61727478f8ffffffff610000",                                 /* a length too long */
	    "0000000041000000",                                         /* officer rights */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(data); i++) {
		char *sddl = text_printf("D:(XA;;GX;;;S-1-1-0;#%s)", data[i]), *text;
		struct sd sd = from_sddl(sddl);

		assert_non_null(text = sd_to_sddl(&sd));
		assert_string_equal(text, sddl);
		sd_free(&sd);
		free(text);
		free(sddl);
	}
}

#define CLAIM(text) "S:(RA;;;;;WD;" text ")"

static void
resource_attributes_are_read_and_written(void **state)
{
	static const char *const claims[] = {
	    "(\"Secrecy\",TU,0x0,3)",
	    "(\"n\",TI,0x20,-1,9223372036854775807,-9223372036854775808)",
	    "(\"n\",TU,0x10001,18446744073709551615)",
	    "(\"Project;a.b\",TS,0x2,\"Windows, (all)\",\"SQL\",\"\")",
	    "(\"a%0020b%00e4\",TX,0x0,#,#0102ff)",
	    "(\"flag\",TB,0x0,1,0)",
	    "(\"none\",TS,0x0)",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(claims); i++) {
		char *sddl = text_printf("S:(RA;;;;;S-1-1-0;%s)", claims[i]), *text;
		struct sd sd = from_sddl(sddl);

		assert_non_null(text = sd_to_sddl(&sd));
		assert_string_equal(text, sddl);
		free(text);
		free(sddl);
		sd_free(&sd);
	}
}

/* CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1: name's offset, type, flags, count, the value's offset. */
static void
a_resource_attribute_has_the_published_layout(void **state)
{
	static const uint8_t bytes[] = {20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 24, 0, 0,
	    0, 'a', 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
	struct sd sd = from_sddl(CLAIM("(\"a\", TU, 0x1, 7)"));

	(void)state;
	assert_int_equal(sd.sacl[0].data.len, sizeof bytes);
	assert_memory_equal(sd.sacl[0].data.ptr, bytes, sizeof bytes);
	sd_free(&sd);
}

static void
resource_attributes_that_are_malformed_are_refused(void **state)
{
	static const char *const bad[] = {"()", "(\"a\")", "(a,TU,0,1)", "(\"\",TU,0,1)",
	    "(\"a\",TQ,0,1)", "(\"a\",TD,0,BA)", "(\"a\",TU,0,)", "(\"a\",TU,0,-1)",
	    "(\"a\",TU,0,18446744073709551616)", "(\"a\",TI,0,9223372036854775808)",
	    "(\"a\",TB,0,2)", "(\"a\",TS,0,b)", "(\"a\",TS,0,\"b)", "(\"a\",TX,0,12)",
	    "(\"a\",TX,0,#1)", "(\"a\",TU,0x100000000,1)", "(\"a\",TU,0,1", "(\"a b\",TU,0,1)"};
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *sddl = text_printf(CLAIM("%s"), bad[i]);

		if (sd_from_sddl(sddl, NULL, &sd, &err))
			fail_msg("%s was read", sddl);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		free(sddl);
	}
}

/* Offsets outside, another order, more values than bytes, SIDs: kept as they are. */
static void
other_resource_attributes_stay_hexadecimal(void **state)
{
	static const char *const data[] = {
	    "14000000020000000100000001000000ff00000061000000"
	    "0700000000000000",
	    "ff000000020000000100000001000000180000006100000007000000"
	    "00000000",
	    "1c00000002000000010000000100000014000000070000000000000061000000",
	    "140000000200000001000000ffffffff18000000610000000700000000000000",
	    "140000000500000001000000010000001800000061000000040000000102"
	    "0304",
	    "00000000",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(data); i++) {
		char *sddl = text_printf("S:(RA;;;;;S-1-1-0;#%s)", data[i]), *text;
		struct sd sd = from_sddl(sddl);

		assert_non_null(text = sd_to_sddl(&sd));
		assert_string_equal(text, sddl);
		free(text);
		free(sddl);
		sd_free(&sd);
	}
}

/* On the heap, so that a read past the end is seen. */
static void
sddl_cut_at_every_length_is_read_within_its_bounds(void **state)
{
	static const char whole[] = "O:BAG:" DOMAIN "-519D:PAI(OA;CIID;RPWPCR;" ENROLL ";" AUTO
				    ";DA)(XA;;GX;;;WD;(@User.a%0020 == \"x\" && !(b Any_of "
				    "{-0x1f, #00ff} || Member_of {SID(BA), SID(WD)})))"
				    "S:ARNO_ACCESS_CONTROL";
	static const char sacl[] =
	    "S:P(RA;;;;;WD;(\"a%0020b\",TS,0x0,\"x\",\"y\"))(RA;;;;;WD;(\"a\","
	    "TX,0x0,#0102))(0x30;;;;;;#01020304)";
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
	    cmocka_unit_test(conditions_are_read_and_written),
	    cmocka_unit_test(a_condition_has_the_bytes_of_the_example),
	    cmocka_unit_test(other_spellings_of_a_condition_mean_the_same),
	    cmocka_unit_test(conditions_that_are_malformed_are_refused),
	    cmocka_unit_test(data_that_is_no_plain_condition_stays_hexadecimal),
	    cmocka_unit_test(sddl_cut_at_every_length_is_read_within_its_bounds),
	    cmocka_unit_test(resource_attributes_are_read_and_written),
	    cmocka_unit_test(a_resource_attribute_has_the_published_layout),
	    cmocka_unit_test(resource_attributes_that_are_malformed_are_refused),
	    cmocka_unit_test(other_resource_attributes_stay_hexadecimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
