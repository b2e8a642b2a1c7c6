#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"

static const uint8_t raw[] = {1, 2, 3, 4, 5, 6, 7, 0x88};

static void
numbers_are_little_endian(void **state)
{
	struct view v = view_of(raw, sizeof raw);
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	(void)state;
	assert_true(bytes_get_u64le(&v, &u64));
	assert_int_equal(u64, UINT64_C(0x8807060504030201));
	assert_int_equal(v.len, 0);
	v = view_of(raw, sizeof raw);
	assert_true(bytes_get_u8(&v, &u8));
	assert_int_equal(u8, 1);
	assert_true(bytes_get_u16le(&v, &u16));
	assert_int_equal(u16, 0x0302);
	assert_true(bytes_get_u32le(&v, &u32));
	assert_int_equal(u32, 0x07060504);
	assert_int_equal(v.len, 1);
}

static void
a_failing_get_leaves_the_cursor(void **state)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	struct view part;

	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct view v = view_of(raw, len);

		assert_false(bytes_get_u64le(&v, &u64));
		if (len < 4)
			assert_false(bytes_get_u32le(&v, &u32));
		if (len < 2)
			assert_false(bytes_get_u16le(&v, &u16));
		if (len < 1)
			assert_false(bytes_get_u8(&v, &u8));
		assert_false(bytes_get(&v, len + 1, &part));
		assert_false(bytes_get(&v, SIZE_MAX, &part));
		assert_ptr_equal(v.ptr, raw);
		assert_int_equal(v.len, len);
	}
}

static void
a_part_borrows_its_bytes(void **state)
{
	struct view v = view_of(raw, sizeof raw), part;

	(void)state;
	assert_true(bytes_get(&v, 3, &part));
	assert_ptr_equal(part.ptr, raw);
	assert_int_equal(part.len, 3);
	assert_true(bytes_get(&v, 0, &part));
	assert_int_equal(part.len, 0);
	assert_true(bytes_get(&v, 5, &part));
	assert_int_equal(v.len, 0);
}

static void
what_is_put_is_got_again(void **state)
{
	struct buf b = {0};
	struct err err;
	struct view v;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	(void)state;
	assert_true(bytes_put_u8(&b, 0xfe, &err));
	assert_true(bytes_put_u16le(&b, 0xfedc, &err));
	assert_true(bytes_put_u32le(&b, 0xfedcba98, &err));
	assert_true(bytes_put_u64le(&b, UINT64_C(0xfedcba9876543210), &err));
	assert_int_equal(b.len, 15);
	v = buf_view(&b);
	assert_true(bytes_get_u8(&v, &u8));
	assert_true(bytes_get_u16le(&v, &u16));
	assert_true(bytes_get_u32le(&v, &u32));
	assert_true(bytes_get_u64le(&v, &u64));
	assert_int_equal(u8, 0xfe);
	assert_int_equal(u16, 0xfedc);
	assert_int_equal(u32, 0xfedcba98);
	assert_int_equal(u64, UINT64_C(0xfedcba9876543210));
	buf_free(&b);
}

static void
reversing_turns_the_order(void **state)
{
	static const uint8_t expected[] = {0x88, 7, 6, 5, 4, 3, 2, 1};
	uint8_t to[sizeof raw];

	(void)state;
	bytes_reverse(to, raw, sizeof raw);
	assert_memory_equal(to, expected, sizeof to);
	bytes_reverse(to, raw, 0);
	assert_memory_equal(to, expected, sizeof to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_little_endian),
	    cmocka_unit_test(a_failing_get_leaves_the_cursor),
	    cmocka_unit_test(a_part_borrows_its_bytes),
	    cmocka_unit_test(what_is_put_is_got_again),
	    cmocka_unit_test(reversing_turns_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
