#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "sid.h"

static const struct {
	const char *text;
	const char *bytes;
	size_t len;
} pairs[] = {
    {"S-1-1-0", "\1\1\0\0\0\0\0\1\0\0\0\0", 12},
    {"S-1-5-11", "\1\1\0\0\0\0\0\5\x0b\0\0\0", 12},
    {"S-1-5-32-544", "\1\2\0\0\0\0\0\5\x20\0\0\0\x20\2\0\0", 16},
    {"S-1-5-21-3330634377-1326264276-632209373-519",
	"\1\5\0\0\0\0\0\5\x15\0\0\0\x89\x72\x85\xc6\xd4\x2f\x0d\x4f\xdd\xbf\xae\x25\7\2\0\0", 28},
    {"S-1-4294967295-4294967295", "\1\1\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 12},
    {"S-1-0x000100000000-1", "\1\1\0\1\0\0\0\0\1\0\0\0", 12},
    {"S-1-0xffffffffffff-1", "\1\1\xff\xff\xff\xff\xff\xff\1\0\0\0", 12},
    {"S-1-5", "\1\0\0\0\0\0\0\5", 8},
};

static void
bytes_and_text_name_the_same_sid(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		char text[SID_TEXT_MAX];
		struct buf raw = {0};
		struct sid a, b;

		assert_true(sid_decode(view_of(pairs[i].bytes, pairs[i].len), &a, &err));
		assert_true(sid_from_text(pairs[i].text, &b));
		assert_true(sid_eq(&a, &b));
		sid_to_text(&a, text);
		assert_string_equal(text, pairs[i].text);
		assert_true(sid_encode(&b, &raw, &err));
		assert_int_equal(raw.len, pairs[i].len);
		assert_memory_equal(raw.ptr, pairs[i].bytes, raw.len);
		buf_free(&raw);
	}
}

static void
truncated_or_longer_bytes_are_no_sid(void **state)
{
	uint8_t raw[64];
	struct err err;
	struct sid sid;

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		for (size_t len = 0; len < pairs[i].len; len++)
			assert_false(sid_decode(view_of(pairs[i].bytes, len), &sid, &err));
		memcpy(raw, pairs[i].bytes, pairs[i].len);
		raw[pairs[i].len] = 0;
		assert_false(sid_decode(view_of(raw, pairs[i].len + 1), &sid, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
}

static void
get_moves_the_cursor_only_on_success(void **state)
{
	static const uint8_t raw[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x77};
	struct view cursor = view_of(raw, sizeof raw);
	struct sid sid;

	(void)state;
	assert_true(sid_get(&cursor, &sid));
	assert_true(sid_eq(&sid, &SID_EVERYONE));
	assert_int_equal(cursor.len, 1);
	assert_false(sid_get(&cursor, &sid));
	assert_int_equal(cursor.len, 1);
	assert_int_equal(*cursor.ptr, 0x77);
}

static void
other_revision_or_more_than_15_parts_is_refused(void **state)
{
	uint8_t raw[8 + 16 * 4] = {1, 16, 0, 0, 0, 0, 0, 5};
	struct err err;
	struct sid sid;

	(void)state;
	assert_false(sid_decode(view_of(raw, sizeof raw), &sid, &err));
	raw[1] = 15;
	assert_true(sid_decode(view_of(raw, SID_BIN_MAX), &sid, &err));
	raw[0] = 2;
	assert_false(sid_decode(view_of(raw, SID_BIN_MAX), &sid, &err));
}

static void
malformed_text_is_no_sid(void **state)
{
	static const char *const bad[] = {"", "S", "S-1", "S-1-", "S-2-5-11", "s-1-5-11", "S-1-5-",
	    "S-1-5-11-", "S-1-5--11", "S-1-5-4294967296", "S-1-5-99999999999999999999", "S-1-5-x",
	    "S-1-5-11 ", " S-1-5-11", "S-1-281474976710656-1", "S-1-0x1000000000000-1", "S-1-0x-1",
	    "S-1-5-+1", "S-1-5-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1"};
	struct sid sid;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (sid_from_text(bad[i], &sid))
			fail_msg("\"%s\" was read", bad[i]);
}

static void
the_longest_sid_fits_its_text(void **state)
{
	struct sid sid = {.count = 15, .authority = UINT64_C(0xffffffffffff)}, again;
	char text[SID_TEXT_MAX];

	(void)state;
	memset(sid.subs, 0xff, sizeof sid.subs);
	sid_to_text(&sid, text);
	assert_true(sid_from_text(text, &again));
	assert_true(sid_eq(&sid, &again));
}

static void
a_rid_is_appended_if_there_is_room(void **state)
{
	struct sid domain, expected, got;

	(void)state;
	assert_true(sid_from_text("S-1-5-21-1-2-3", &domain));
	assert_true(sid_from_text("S-1-5-21-1-2-3-513", &expected));
	assert_true(sid_with_rid(&domain, 513, &got));
	assert_true(sid_eq(&got, &expected));
	domain.count = SID_SUBS_MAX;
	assert_false(sid_with_rid(&domain, 513, &got));
}

static void
sids_differ_in_every_part(void **state)
{
	struct sid a, b;

	(void)state;
	assert_true(sid_from_text("S-1-5-21-1-2-3", &a));
	b = a;
	b.subs[3]++;
	assert_false(sid_eq(&a, &b));
	b = a;
	b.authority = 6;
	assert_false(sid_eq(&a, &b));
	b = a;
	b.count--;
	assert_false(sid_eq(&a, &b));
}

static void
a_set_holds_each_sid_once(void **state)
{
	struct sids set = {0};
	struct err err;

	(void)state;
	assert_false(sids_contain(&set, &SID_EVERYONE));
	assert_true(sids_add(&set, &SID_EVERYONE, &err));
	assert_true(sids_add(&set, &SID_EVERYONE, &err));
	assert_true(sids_add(&set, &SID_AUTHENTICATED_USERS, &err));
	assert_int_equal(set.count, 2);
	assert_true(sids_contain(&set, &SID_AUTHENTICATED_USERS));
	sids_free(&set);
	assert_int_equal(set.count, 0);
	sids_free(&set);
}

static void
a_set_is_written_down_and_read_again(void **state)
{
	const struct sid one = {.count = 2, .authority = 5, .subs = {32, 544}};
	struct sids set = {0}, back;
	struct buf raw = {0};
	struct err err;

	(void)state;
	assert_true(sids_decode(view_of(NULL, 0), &back, &err));
	assert_int_equal(back.count, 0);
	sids_put(&set, &SID_EVERYONE);
	sids_put(&set, &one);
	assert_true(sids_encode(&set, &raw, &err));
	assert_int_equal(raw.len, 12 + 16);
	assert_true(sids_decode(buf_view(&raw), &back, &err));
	assert_int_equal(back.count, 2);
	assert_true(sids_contain(&back, &SID_EVERYONE));
	assert_true(sids_contain(&back, &one));
	sids_free(&back);
	for (size_t len = 1; len < raw.len; len++) {
		assert_int_equal(sids_decode(view_of(raw.ptr, len), &back, &err), len == 12);
		sids_free(&back);
	}
	sids_free(&set);
	buf_free(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_and_text_name_the_same_sid),
	    cmocka_unit_test(truncated_or_longer_bytes_are_no_sid),
	    cmocka_unit_test(get_moves_the_cursor_only_on_success),
	    cmocka_unit_test(other_revision_or_more_than_15_parts_is_refused),
	    cmocka_unit_test(malformed_text_is_no_sid),
	    cmocka_unit_test(the_longest_sid_fits_its_text),
	    cmocka_unit_test(a_rid_is_appended_if_there_is_room),
	    cmocka_unit_test(sids_differ_in_every_part),
	    cmocka_unit_test(a_set_holds_each_sid_once),
	    cmocka_unit_test(a_set_is_written_down_and_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
