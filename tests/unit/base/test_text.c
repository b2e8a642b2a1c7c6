#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "own.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
hex_is_lower_case_with_a_separator(void **state)
{
	static const uint8_t raw[] = {0x01, 0x23, 0xfe, 0xdc};
	char *s = hex_encode(view_of(raw, 4), ' ');

	(void)state;
	assert_string_equal(s, "01 23 fe dc");
	free(s);
	assert_string_equal(s = hex_encode(view_of(raw, 4), '\0'), "0123fedc");
	free(s);
	assert_string_equal(s = hex_encode(view_of(NULL, 0), ' '), "");
	free(s);
}

static void
hex_is_read_in_both_cases_with_separators(void **state)
{
	static const char *const good[] = {
	    "0123fedc", "01 23 FE dc", "01:23:fe:dc", " 01\t23 fedc "};
	struct err err;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(hex_decode(good[i], &b, &err));
		assert_int_equal(b.len, 4);
		assert_memory_equal(b.ptr, "\x01\x23\xfe\xdc", 4);
		buf_free(&b);
	}
}

static void
malformed_hex_is_refused_and_gives_nothing_to_free(void **state)
{
	static const char *const bad[] = {
	    "", " ", "0", "012", "0g", "0 1", "01-23", "0x01", "01\n"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct buf b = {(uint8_t *)&err, 1, 1};

		assert_false(hex_decode(bad[i], &b, &err));
		assert_null(b.ptr);
	}
}

static void
digits_of_hex_fill_what_is_there(void **state)
{
	static const char *const bad[] = {"", "0g", "01 2", "01:23", "x", "0123456", "01234567"};
	uint8_t out[4] = {0, 0, 0, 0xaa};

	(void)state;
	assert_int_equal(hex_octets("01fEdc", out, 3), 3);
	assert_memory_equal(out, "\x01\xfe\xdc\xaa", 4);
	assert_int_equal(hex_octets("f12", out, 3), 2);
	assert_memory_equal(out, "\x0f\x12\xdc\xaa", 4);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(hex_octets(bad[i], out, 3), 0);
	assert_int_equal(out[3], 0xaa);
}

static void
numbers_are_whole_and_within_bounds(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "+1", "-", "1x", "0x1", "1.0",
	    "9223372036854775808", "-9223372036854775809"};
	int64_t n = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (text_to_int(bad[i], INT64_MIN, INT64_MAX, &n))
			fail_msg("\"%s\" was read", bad[i]);
	assert_int_equal(n, 7);
	assert_true(text_to_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n));
	assert_true(n == INT64_MIN);
	assert_true(text_to_int("10", 1, 10, &n));
	assert_false(text_to_int("11", 1, 10, &n));
	assert_false(text_to_int("0", 1, 10, &n));
}

static void
utf8_is_checked_as_rfc_3629_says(void **state)
{
	static const char *const good[] = {
	    "", "a", "\303\274", "\342\202\254", "\360\237\230\200", "\364\217\277\277"};
	static const char *const bad[] = {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
	    "\xe2\x82", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
	    "\xf8\x88\x80\x80\x80", "\xff", "\xc3\x41"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(text_is_utf8(view_str(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(text_is_utf8(view_str(bad[i])));
}

static void
folding_takes_away_the_case_and_nothing_else(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
	    {"User1", "uSER1", true},
	    {"M\303\234LLER", "m\303\274ller", true},
	    {"\320\230\320\222\320\220\320\235", "\320\270\320\262\320\260\320\275", true},
	    {"user1", "user1 ", false},
	    {"user1", "us\302\255er1", false},          /* soft hyphen */
	    {"user1", "\357\275\225ser1", false},       /* full width */
	    {"m\303\274ller", "mu\314\210ller", false}, /* combining */
	    {"m\303\274ller", "muller", false},
	    {"\u00c5", "\u00e5", true},
	    {"\u03a9", "\u03c9", true},
	    {"\U00010400", "\U00010428", true},
	    {"\u212aim", "kim", false},  /* the sign of Kelvin, whose small letter is k */
	    {"\u212b", "\u00e5", false}, /* of Angstrom */
	    {"\u2126", "\u03c9", false}, /* of Ohm */
	    {"\u0130", "i", false},      /* I with a dot */
	    {"\u0131", "I", false},      /* i without one */
	    {"\u017f", "S", false},      /* the long s */
	    {"\u03c2", "\u03a3", false}, /* a sigma at the end of a word */
	    {"ki\u200dm", "kim", false}, /* a joiner of no width */
	    {"kim\u200f", "kim", false}, /* a mark of right to left */
	    {"\u043aim", "kim", false},  /* Cyrillic */
	    {"\xff", "\xfe", false},
	};
	char *folded = text_fold("A\xff\303\204");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (text_eq_fold(rows[i].a, rows[i].b) != rows[i].equal)
			fail_msg("'%s' and '%s'", rows[i].a, rows[i].b);
	assert_string_equal(folded, "a\xff\303\244");
	free(folded);
}

static void
text_from_outside_holds_no_control_characters(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
	} bad[] = {{"a\0b", 3}, {"\0", 1}, {"a\n", 2}, {"\x1b[m", 3}, {"\x7f", 1}, {"\xff", 1}};
	struct err err;
	char *s;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(text_from_view(view_of(bad[i].raw, bad[i].len), &s, &err));
		assert_null(s);
	}
	assert_true(text_from_view(view_str("m\303\274ller"), &s, &err));
	assert_string_equal(s, "m\303\274ller");
	free(s);
	assert_true(text_from_view(view_of(NULL, 0), &s, &err));
	assert_string_equal(s, "");
	free(s);
}

static void
utf16_round_trips(void **state)
{
	static const struct {
		const char *utf8, *utf16;
		size_t len;
	} rows[] = {
	    {"", "", 0},
	    {"EFS2", "E\0F\0S\0002\0", 8},
	    {"\303\274\342\202\254", "\xfc\0\xac\x20", 4},
	    {"\360\237\230\200x", "\x3d\xd8\0\xdex\0", 6},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err;
		struct buf b;
		char *s;

		assert_true(utf16le_encode(rows[i].utf8, &b, &err));
		assert_int_equal(b.len, rows[i].len);
		assert_true(view_eq(buf_view(&b), view_of(rows[i].utf16, rows[i].len)));
		assert_true(utf16le_decode(buf_view(&b), &s, &err));
		assert_string_equal(s, rows[i].utf8);
		free(s);
		buf_free(&b);
	}
}

static void
malformed_utf16_is_refused(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
	} bad[] = {{"a", 1}, {"a\0b", 3}, {"\0\0", 2}, {"a\0\0\0", 4}, {"\x3d\xd8", 2},
	    {"\x3d\xd8x\0", 4}, {"\0\xde", 2}, {"\0\xde\x3d\xd8", 4}};
	struct buf b = {(uint8_t *)&b, 1, 1};
	struct err err;
	char *s;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(utf16le_decode(view_of(bad[i].raw, bad[i].len), &s, &err));
		assert_null(s);
	}
	assert_false(utf16le_encode("a\xff", &b, &err));
	assert_null(b.ptr);
}

static void
guids_are_mixed_endian(void **state)
{
	static const uint8_t wire[] = {0x68, 0xc9, 0x10, 0x0e, 0xfb, 0x78, 0xd2, 0x11, 0x90, 0xd4,
	    0x00, 0xc0, 0x4f, 0x79, 0xdc, 0x55};
	static const char text[] = "0e10c968-78fb-11d2-90d4-00c04f79dc55";
	uint8_t guid[GUID_LEN];
	char cut[37], out[37];

	(void)state;
	assert_true(guid_from_text(text, guid));
	assert_memory_equal(guid, wire, GUID_LEN);
	guid_to_text(wire, out);
	assert_string_equal(out, text);
	assert_true(guid_from_text("0E10C968-78FB-11D2-90D4-00C04F79DC55", guid));
	for (size_t len = 0; len < 36; len++) {
		memcpy(cut, text, len);
		cut[len] = '\0';
		assert_false(guid_from_text(cut, guid));
	}
	assert_false(guid_from_text("0e10c968-78fb-11d2-90d4-00c04f79dc555", guid));
	assert_false(guid_from_text("{0e10c968-78fb-11d2-90d4-00c04f79dc5}", guid));
	assert_false(guid_from_text("0e10c968078fb-11d2-90d4-00c04f79dc55", guid));
}

static void
base64_round_trips(void **state)
{
	static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *s = base64_encode(view_str(rows[i][0]));
		struct err err;
		struct buf b;

		assert_string_equal(s, rows[i][1]);
		assert_true(base64_decode(view_str(s), &b, &err));
		assert_true(view_eq(buf_view(&b), view_str(rows[i][0])));
		buf_free(&b);
		free(s);
	}
}

static void
base64_lines_have_64_characters(void **state)
{
	uint8_t bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		OWNED(own_memory) char *s = base64_encode_lines(view_of(bytes, n));
		OWNED(own_memory) char *whole = base64_encode(view_of(bytes, n));
		OWNED(buf_free) struct buf b = {0};
		size_t at = 0;
		struct err err;

		for (char *line = s, *end; *line != '\0'; line = end + 1) {
			assert_non_null(end = strchr(line, '\n'));
			assert_in_range(end - line, 1, 64);
			assert_true(end - line == 64 || end[1] == '\0');
			assert_memory_equal(line, whole + at, (size_t)(end - line));
			at += (size_t)(end - line);
		}
		assert_true(base64_decode(view_str(s), &b, &err));
		assert_true(view_eq(buf_view(&b), view_of(bytes, n)));
		assert_int_equal(at, strlen(whole));
	}
}

static void
base64_may_hold_white_space(void **state)
{
	struct err err;
	struct buf b;

	(void)state;
	assert_true(base64_decode(view_str(" Zm9v\r\nYm\tFy\n"), &b, &err));
	assert_true(view_eq(buf_view(&b), view_str("foobar")));
	buf_free(&b);
}

static void
malformed_base64_is_refused_and_gives_nothing_to_free(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zm9vYg", "Z===", "====", "=",
	    "==", "Zg==Zg==", "Zm=v", "Z=9v", "=m9v", "Zm9v----", "Zm9v-_==", "Zm9!",
	    "Zh==", "Zm9=", "Zm9v====", "Zm9v\200AAA"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct buf b = {(uint8_t *)&err, 1, 1};

		if (base64_decode(view_str(bad[i]), &b, &err))
			fail_msg("\"%s\" was read", bad[i]);
		assert_null(b.ptr);
	}
	assert_false(base64_decode(view_of("Zm9v\0AAA", 8), &(struct buf){0}, &err));
}

static void
printing_and_comparing(void **state)
{
	char *s = text_printf("%s-%d", "a", 7);

	(void)state;
	assert_string_equal(s, "a-7");
	free(s);
	assert_true(text_eq_nocase("EFS2", "efs2"));
	assert_false(text_eq_nocase("EFS2", "EFS"));
}

static void
visible_ascii_has_no_blanks_and_nothing_else(void **state)
{
	static const char *const good[] = {"!", "~", "user1@nwtraders.com"}, *const bad[] = {"",
										 " ", "a b", "a\tb",
										 "a\x7f",
										 "\xc3\xbc",
										 "a\x01"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(text_is_visible_ascii(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(text_is_visible_ascii(bad[i]));
}

static void
host_of_a_url(void **state)
{
	static const struct {
		const char *url, *host;
	} rows[] = {
	    {"https://ca1.nwtraders.com:8443", "ca1.nwtraders.com"},
	    {"https://ca1.nwtraders.com/x:y", "ca1.nwtraders.com"},
	    {"1\n4\nhttp://ca1.nwtraders.com\n0", "ca1.nwtraders.com"},
	    {"https://[::1]:8443/", "::1"},
	    {"https://", NULL},
	    {"https://[", NULL},
	    {"ca1.nwtraders.com", NULL},
	    {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *host = text_url_host(view_str(rows[i].url));

		if (rows[i].host == NULL)
			assert_null(host);
		else
			assert_string_equal(host, rows[i].host);
		free(host);
	}
}

static void
lists_have_separators_between_their_items(void **state)
{
	char *list = strdup("");

	(void)state;
	assert_non_null(list);
	text_list_add(&list, ", ", "a");
	assert_string_equal(list, "a");
	text_list_add(&list, ", ", "b%s");
	text_list_add(&list, "", "");
	text_list_add(&list, "\n", "c");
	assert_string_equal(list, "a, b%s\nc");
	free(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_have_separators_between_their_items),
	    cmocka_unit_test(hex_is_lower_case_with_a_separator),
	    cmocka_unit_test(hex_is_read_in_both_cases_with_separators),
	    cmocka_unit_test(malformed_hex_is_refused_and_gives_nothing_to_free),
	    cmocka_unit_test(digits_of_hex_fill_what_is_there),
	    cmocka_unit_test(numbers_are_whole_and_within_bounds),
	    cmocka_unit_test(utf8_is_checked_as_rfc_3629_says),
	    cmocka_unit_test(folding_takes_away_the_case_and_nothing_else),
	    cmocka_unit_test(text_from_outside_holds_no_control_characters),
	    cmocka_unit_test(utf16_round_trips),
	    cmocka_unit_test(malformed_utf16_is_refused),
	    cmocka_unit_test(guids_are_mixed_endian),
	    cmocka_unit_test(base64_round_trips),
	    cmocka_unit_test(base64_lines_have_64_characters),
	    cmocka_unit_test(base64_may_hold_white_space),
	    cmocka_unit_test(malformed_base64_is_refused_and_gives_nothing_to_free),
	    cmocka_unit_test(printing_and_comparing),
	    cmocka_unit_test(host_of_a_url),
	    cmocka_unit_test(visible_ascii_has_no_blanks_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
