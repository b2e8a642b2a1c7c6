#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sd_equal.h"
#include "sd_rows.h"

static const char *const fixtures[] = {"real-ClientAuth-default",
    "real-UserRequest-enroll-and-autoenroll", "synthetic-deny-enroll-object",
    "synthetic-all-extended-rights-no-guid", "synthetic-generic-all", "synthetic-inherit-only-ace",
    "synthetic-empty-dacl", "synthetic-officer-rights-allow-all-templates",
    "synthetic-officer-rights-allow-two-groups-one-template-plus-deny"};

static void
every_fixture_encodes_to_an_equal_descriptor(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fixtures); i++) {
		struct buf raw = fixture(fixtures[i]), again;
		struct sd a, b;
		struct err err;

		assert_true(sd_decode(buf_view(&raw), &a, &err));
		assert_true(sd_encode(&a, &again, &err));
		assert_int_equal(again.len, raw.len);
		assert_true(sd_decode(buf_view(&again), &b, &err));
		assert_true(sd_equal(&a, &b));
		sd_free(&a);
		sd_free(&b);
		buf_free(&raw);
		buf_free(&again);
	}
}

/* The value of "sddl_in" of a fixture in index.json; NULL if it has none. free(). */
static char *
sddl_of(const char *name)
{
	char *at, *end, *found = NULL, *text;
	struct buf raw;
	struct err err;

	assert_true(file_read(FIXTURES "/sd/index.json", 1 << 20, &raw, &err));
	assert_non_null(text = strndup((const char *)raw.ptr, raw.len));
	assert_non_null(at = strstr(text, name));
	end = strchr(at, '}');
	at = strstr(at, "\"sddl_in\": \"");
	if (at != NULL && at < end) {
		at += strlen("\"sddl_in\": \"");
		found = strndup(at, strcspn(at, "\""));
	}
	free(text);
	buf_free(&raw);
	return found;
}

static void
every_fixture_is_what_its_sddl_says(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(fixtures); i++) {
		struct buf raw = fixture(fixtures[i]);
		char *sddl = sddl_of(fixtures[i]);
		struct sd a, b;
		struct err err;

		assert_true(sd_decode(buf_view(&raw), &a, &err));
		if (sddl != NULL) {
			b = from_sddl(sddl);
			assert_true(sd_equal_but_control(&a, &b));
			assert_int_equal(a.control, b.control);
			sd_free(&b);
			compared++;
		}
		free(sddl);
		sd_free(&a);
		buf_free(&raw);
	}
	assert_int_equal(compared, 7);
}

static void
assert_round_trip(const struct sd *sd)
{
	char *text = sd_to_sddl(sd), *again;
	struct sd b;

	assert_non_null(text);
	b = from_sddl(text);
	assert_true(sd_equal_but_control(sd, &b));
	assert_int_equal(sd->control, b.control);
	assert_non_null(again = sd_to_sddl(&b));
	assert_string_equal(text, again);
	free(text);
	free(again);
	sd_free(&b);
}

static void
every_fixture_survives_sddl(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fixtures); i++) {
		struct buf raw = fixture(fixtures[i]);
		struct err err;
		struct sd sd;

		assert_true(sd_decode(buf_view(&raw), &sd, &err));
		assert_round_trip(&sd);
		sd_free(&sd);
		buf_free(&raw);
	}
}

static void
sddl_is_written_in_one_form(void **state)
{
	static const char *const same[][2] = {
	    {"", ""},
	    {"D:", "D:"},
	    {"D:NO_ACCESS_CONTROL", "D:NO_ACCESS_CONTROL"},
	    {"D:PAIAR", "D:PARAI"},
	    {"D:PNO_ACCESS_CONTROL", "D:PNO_ACCESS_CONTROL"},
	    {"O:BAG:SYD:(A;;GA;;;WD)", "O:S-1-5-32-544G:S-1-5-18D:(A;;GA;;;S-1-1-0)"},
	    {"D:(A;;0x3;;;AU)", "D:(A;;CCDC;;;S-1-5-11)"},
	    {"D:(A;;FA;;;RU)", "D:(A;;0x1f01ff;;;S-1-5-32-554)"},
	    {"D:(A;;;;;AU)", "D:(A;;;;;S-1-5-11)"},
	    {"D:(D;OICINPIOID;GRGWGX;;;DA)", "D:(D;OICINPIOID;GXGWGR;;;" DOMAIN "-512)"},
	    {"D:(A;0x20;CR;;;DU)", "D:(A;0x20;CR;;;" DOMAIN "-513)"},
	    {"D:(OA;;CR;" ENROLL ";" AUTO ";EA)", "D:(OA;;CR;" ENROLL ";" AUTO ";" DOMAIN "-519)"},
	    {"D:(XD;;SD;;;DC)(XD;;SD;;;DD)",
		"D:(XD;;SD;;;" DOMAIN "-515)(XD;;SD;;;" DOMAIN "-516)"},
	    {"D:(XA;;SD;;;LA;#00112233)(0x30;OI;;;;;#deadbeef)(0xc;;CR;" ENROLL ";;CA)",
		"D:(XA;;SD;;;" DOMAIN "-500;#00112233)(0x30;OI;;;;;#deadbeef)(0xc;;CR;" ENROLL
		";;" DOMAIN "-517)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(same); i++) {
		struct sd sd = from_sddl(same[i][0]);
		char *text = sd_to_sddl(&sd);

		assert_string_equal(text, same[i][1]);
		assert_round_trip(&sd);
		free(text);
		sd_free(&sd);
	}
}

static void
sddl_that_is_malformed_is_refused(void **state)
{
	static const char *const bad[] = {"X:", "O", "O:", "O:XX", "O:BAO:BA", "G:BAG:BA",
	    "D:D:", "S:S:", "S:x", "O:BAS:(AU;;GA;;;WD", "D:Q", "D:(", "D:()", "D:(A;;GA;;)",
	    "D:(A;;GA;;;WD", "D:(A;;GA;;;WD)x", "D:x(A;;GA;;;WD)", "D:(B;;GA;;;WD)",
	    "D:(A;QQ;GA;;;WD)", "D:(A;;G;;;WD)", "D:(A;;GAx;;;WD)", "D:(A;;0x;;;WD)",
	    "D:(A;;0x1ffffffff;;;WD)", "D:(A;0x100;GA;;;WD)", "D:(A;;GA;" ENROLL ";;WD)",
	    "D:(OA;;GA;0e10c968;;WD)", "D:(A;;GA;;;)", "D:(A;;GA;;;S-1)", "D:(A;;GA;;;WD;)",
	    "D:(A;;GA;;;WD;#00000000)", "D:(XA;;GA;;;WD;(a==1))", "D:(XA;;GA;;;WD;(a)",
	    "D:(XA;;GA;;;WD;#0)", "D:(XA;;GA;;;WD;#0011)", "D:(XA;;GA;;;WD;#00112233;)",
	    "D:(0x30;;GA;;;;#00)", "D:(0x100;;;;;;#00)", "D:(0x30;;;;;WD;#00000000)",
	    "D:(0x30;;GA;;;;#00000000)", "D:NO_ACCESS_CONTROL(A;;GA;;;WD)",
	    "D:AIP NO_ACCESS_CONTROL", "O::", "D:(A;;GA;;;WD)(", "D:(A;;GA;;;WD)(A"};
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (sd_from_sddl(bad[i], test_domain(), &sd, &err))
			fail_msg("\"%s\" was read", bad[i]);
}

static void
an_alias_of_a_domain_needs_the_domain(void **state)
{
	struct err err;
	struct sd sd;

	(void)state;
	assert_false(sd_from_sddl("D:(A;;GA;;;DA)", NULL, &sd, &err));
	assert_non_null(strstr(err.msg, "DA"));
	assert_true(sd_from_sddl("D:(A;;GA;;;AU)", NULL, &sd, &err));
	sd_free(&sd);
}

static void
truncated_at_every_length_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fixtures); i++) {
		struct buf raw = fixture(fixtures[i]);
		struct err err;
		struct sd sd;

		for (size_t len = 0; len < raw.len; len++) {
			/* On the heap, so that a read past the end is seen. */
			struct buf part;

			assert_true(buf_dup(view_of(raw.ptr, len), &part, &err));
			assert_false(sd_decode(buf_view(&part), &sd, &err));
			assert_null(sd.aces);
			buf_free(&part);
		}
		buf_free(&raw);
	}
}

static void
an_extra_byte_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fixtures); i++) {
		struct buf raw = fixture(fixtures[i]);
		struct err err;
		struct sd sd;

		assert_true(buf_append(&raw, view_of("", 1), &err));
		assert_false(sd_decode(buf_view(&raw), &sd, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		buf_free(&raw);
	}
}

/* Offsets of a fixture whose owner stands at 20, group at 48, DACL at 76 with its first ACE at 84.
 */
static void
tampered_fields_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *what;
	} changes[] = {
	    {0, 2, "revision"},
	    {3, 0x14, "not self-relative"},
	    {2, 0x00, "DACL without its control bit"},
	    {4, 19, "owner inside the header"},
	    {5, 0xff, "owner outside"},
	    {8, 200, "group at the end"},
	    {12, 76, "SACL without its control bit"},
	    {17, 0xff, "DACL outside"},
	    {20, 2, "SID revision"},
	    {21, 16, "too many sub-authorities"},
	    {76, 3, "ACL revision"},
	    {78, 7, "ACL smaller than its header"},
	    {79, 0xff, "ACL larger than the descriptor"},
	    {80, 4, "more ACEs than there are"},
	    {81, 0xff, "many more ACEs"},
	    {86, 3, "ACE smaller than its header"},
	    {86, 0x36, "ACE size not a multiple of 4"},
	    {86, 0x3c, "ACE with bytes behind its SID"},
	    {87, 0xff, "ACE larger than the ACL"},
	    {92, 0x05, "object flags unknown"},
	    {92, 0x03, "inherited GUID missing"},
	    {84, 0, "plain type with an object's body"},
	};
	struct buf raw = fixture("synthetic-deny-enroll-object");
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		uint8_t kept = raw.ptr[changes[i].at];

		raw.ptr[changes[i].at] = changes[i].value;
		if (sd_decode(buf_view(&raw), &sd, &err))
			fail_msg("%s: was read", changes[i].what);
		raw.ptr[changes[i].at] = kept;
	}
	assert_true(sd_decode(buf_view(&raw), &sd, &err));
	sd_free(&sd);
	buf_free(&raw);
}

static void
a_sacl_is_kept(void **state)
{
	/* Control SR|DP|SP; SACL of one audit ACE at 20, empty DACL at 48. */
	uint8_t raw[56] = {1, 0, 0x14, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 48, 0, 0, 0, 2, 0,
	    28, 0, 1, 0, 0, 0, 2, 0x40, 20, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0,
	    8, 0, 0, 0, 0, 0};
	struct err err;
	struct buf again;
	struct sd sd;
	char *text;

	(void)state;
	assert_true(sd_decode(view_of(raw, sizeof raw), &sd, &err));
	assert_true(sd.has_dacl);
	assert_int_equal(sd.count, 0);
	assert_int_equal(sd.control, 0x8014);
	assert_int_equal(sd.sacl_count, 1);
	assert_int_equal(sd.sacl[0].type, ACE_AUDIT);
	assert_true(sid_eq(&sd.sacl[0].sid, &SID_EVERYONE));
	assert_true(sd_encode(&sd, &again, &err));
	assert_int_equal(again.len, sizeof raw);
	assert_memory_equal(again.ptr, raw, sizeof raw);
	assert_non_null(text = sd_to_sddl(&sd));
	assert_string_equal(text, "D:S:(AU;SA;CC;;;S-1-1-0)");
	free(text);
	buf_free(&again);
	sd_free(&sd);
	raw[23] = 0xff;
	assert_false(sd_decode(view_of(raw, sizeof raw), &sd, &err));
	raw[23] = 0;
	raw[24] = 2;
	assert_false(sd_decode(view_of(raw, sizeof raw), &sd, &err));
	assert_non_null(strstr(err.msg, "SACL"));
}

/* A descriptor of the same parts with one offset moved onto another part. */
static void
parts_that_overlap_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} moves[] = {{8, 20}, {8, 24}, {4, 48}, {16, 48}};
	struct buf raw = fixture("synthetic-deny-enroll-object");
	struct err err;
	struct sd sd;

	(void)state;
	for (size_t i = 0; i < COUNT(moves); i++) {
		uint8_t kept = raw.ptr[moves[i].at];

		raw.ptr[moves[i].at] = moves[i].value;
		assert_false(sd_decode(buf_view(&raw), &sd, &err));
		raw.ptr[moves[i].at] = kept;
	}
	raw.ptr[8] = 20;
	assert_false(sd_decode(buf_view(&raw), &sd, &err));
	assert_non_null(strstr(err.msg, "overlap"));
	buf_free(&raw);
}

static void
resource_manager_byte_and_all_control_bits_are_kept(void **state)
{
	uint8_t raw[20] = {1, 0x5a, 0xff, 0xff};
	struct err err;
	struct buf again;
	struct sd sd;

	(void)state;
	assert_true(sd_decode(view_of(raw, sizeof raw), &sd, &err));
	assert_int_equal(sd.rm_control, 0x5a);
	assert_true(sd_encode(&sd, &again, &err));
	assert_int_equal(again.len, sizeof raw);
	assert_memory_equal(again.ptr, raw, sizeof raw);
	buf_free(&again);
	sd_free(&sd);
}

static void
slack_inside_the_dacl_means_nothing(void **state)
{
	uint8_t raw[36] = {
	    1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 16, 0};
	struct err err;
	struct sd sd;

	(void)state;
	assert_true(sd_decode(view_of(raw, sizeof raw), &sd, &err));
	assert_true(sd.has_dacl);
	assert_int_equal(sd.count, 0);
	sd_free(&sd);
}

static void
larger_than_64_kib_is_refused(void **state)
{
	struct buf raw;
	struct err err;
	struct sd sd;

	(void)state;
	assert_true(buf_alloc(65537, &raw, &err));
	assert_false(sd_decode(buf_view(&raw), &sd, &err));
	assert_int_equal(err.code, DIRCA_E_TOO_LARGE);
	buf_free(&raw);
}

static void
a_dacl_that_does_not_fit_is_not_written(void **state)
{
	struct sd sd = {.has_dacl = true, .count = 4000};
	struct err err;
	struct buf out;

	(void)state;
	assert_non_null(sd.aces = calloc(sd.count, sizeof *sd.aces));
	for (size_t i = 0; i < sd.count; i++)
		sd.aces[i].sid = SID_EVERYONE;
	assert_false(sd_encode(&sd, &out, &err));
	assert_null(out.ptr);
	sd.count = 3000;
	assert_true(sd_encode(&sd, &out, &err));
	buf_free(&out);
	free(sd.aces);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_fixture_encodes_to_an_equal_descriptor),
	    cmocka_unit_test(every_fixture_is_what_its_sddl_says),
	    cmocka_unit_test(every_fixture_survives_sddl),
	    cmocka_unit_test(sddl_is_written_in_one_form),
	    cmocka_unit_test(sddl_that_is_malformed_is_refused),
	    cmocka_unit_test(an_alias_of_a_domain_needs_the_domain),
	    cmocka_unit_test(truncated_at_every_length_is_refused),
	    cmocka_unit_test(an_extra_byte_is_refused),
	    cmocka_unit_test(tampered_fields_are_refused),
	    cmocka_unit_test(a_sacl_is_kept),
	    cmocka_unit_test(parts_that_overlap_are_refused),
	    cmocka_unit_test(resource_manager_byte_and_all_control_bits_are_kept),
	    cmocka_unit_test(slack_inside_the_dacl_means_nothing),
	    cmocka_unit_test(larger_than_64_kib_is_refused),
	    cmocka_unit_test(a_dacl_that_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
