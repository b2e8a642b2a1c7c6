#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/crypto.h>

#include "buf.h"

/* AddressSanitizer ends the program when too much is asked for; malloc says no. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* What the next free() is given, and whether it was wiped (--wrap). */
static const void *watched;
static size_t watched_len;
static bool was_wiped;

void __real_free(void *ptr);
void __wrap_free(void *ptr);

void
__wrap_free(void *ptr)
{
	if (ptr != NULL && ptr == watched) {
		static const uint8_t zeros[64];

		was_wiped = memcmp(ptr, zeros, watched_len) == 0;
		watched = NULL;
	}
	__real_free(ptr);
}

static bool
is_wiped(void (*release)(struct buf *), const char *content)
{
	struct buf b;
	struct err err;

	assert_true(buf_dup(view_str(content), &b, &err));
	watched = b.ptr;
	watched_len = b.len;
	was_wiped = false;
	release(&b);
	assert_null(watched); /* it was freed */
	assert_null(b.ptr);
	assert_int_equal(b.len, 0);
	return was_wiped;
}

static void
what_held_a_secret_is_wiped_before_it_is_freed(void **state)
{
	struct buf empty = {0};

	(void)state;
	assert_true(is_wiped(buf_free_wiped, "-----BEGIN PRIVATE KEY-----"));
	assert_false(is_wiped(buf_free, "-----BEGIN PRIVATE KEY-----"));
	buf_free_wiped(&empty);
	assert_null(empty.ptr);
}

/* Runs first: after it the heap is there. */
static void
a_secret_needs_the_secure_heap(void **state)
{
	struct secret s = {(uint8_t *)&s, 1};
	struct err err;

	(void)state;
	assert_false(secret_alloc(16, &s, &err));
	assert_int_equal(err.code, DIRCA_E_INTERNAL);
	assert_null(s.ptr);
	assert_true(secret_heap_init(65536, true, &err));
	assert_true(secret_alloc(16, &s, &err));
	assert_true(CRYPTO_secure_allocated(s.ptr));
	secret_free(&s);
}

static void
a_copy_owns_its_bytes(void **state)
{
	char original[] = "abc";
	struct err err;
	struct buf b;

	(void)state;
	assert_true(buf_dup(view_str(original), &b, &err));
	original[0] = 'x';
	assert_true(view_eq(buf_view(&b), view_str("abc")));
	buf_free(&b);
	assert_null(b.ptr);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	assert_true(buf_dup(view_of(NULL, 0), &b, &err));
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
new_bytes_are_zero(void **state)
{
	struct err err;
	struct buf b;

	(void)state;
	assert_true(buf_alloc(100, &b, &err));
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.ptr[i], 0);
	buf_free(&b);
}

static void
room_is_empty_and_does_not_move_until_it_is_full(void **state)
{
	struct err err;
	struct buf b;
	uint8_t *at;

	(void)state;
	assert_true(buf_room(300, &b, &err));
	assert_int_equal(b.len, 0);
	at = b.ptr;
	for (size_t i = 0; i < 300; i++)
		assert_true(buf_append(&b, view_str("x"), &err));
	assert_ptr_equal(b.ptr, at);
	assert_int_equal(b.cap, 300);
	assert_true(buf_append(&b, view_str("yz"), &err));
	assert_int_equal(b.len, 302);
	assert_memory_equal(b.ptr + 299, "xyz", 3);
	buf_free(&b);
}

static void
an_impossible_size_fails_and_leaves_an_empty_buffer(void **state)
{
	/* Not a constant: the compiler would warn of it. */
	volatile size_t most = SIZE_MAX / 2;
	struct err err;
	struct buf b;

	(void)state;
	assert_false(buf_alloc(most, &b, &err));
	assert_int_equal(err.code, E_OUTOFMEMORY);
	assert_null(b.ptr);
	assert_int_equal(b.cap, 0);
	/* Can be used further. */
	assert_true(buf_append(&b, view_str("abc"), &err));
	assert_false(buf_append(&b, view_of("x", SIZE_MAX), &err));
	assert_int_equal(b.len, 3);
	buf_free(&b);
}

static void
appending_keeps_what_was_there(void **state)
{
	struct buf b = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		uint8_t byte = (uint8_t)i;

		assert_true(buf_append(&b, view_of(&byte, 1), &err));
		assert_true(buf_append(&b, view_of(NULL, 0), &err));
	}
	assert_int_equal(b.len, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(b.ptr[i], (uint8_t)i);
	buf_free(&b);
}

static void
views_are_compared_by_content(void **state)
{
	(void)state;
	assert_true(view_eq(view_str("abc"), view_of("abcd", 3)));
	assert_false(view_eq(view_str("abc"), view_str("abd")));
	assert_false(view_eq(view_str("abc"), view_str("ab")));
	assert_true(view_eq(view_of(NULL, 0), view_str("")));
}

static void
memory_of_openssl_is_taken_over(void **state)
{
	uint8_t *made = OPENSSL_malloc(3);
	struct err err;
	struct buf b;

	(void)state;
	assert_non_null(made);
	memcpy(made, "abc", 3);
	assert_true(buf_take_openssl(made, 3, &b, &err));
	assert_true(view_eq(buf_view(&b), view_str("abc")));
	buf_free(&b);
	assert_false(buf_take_openssl(NULL, -1, &b, &err));
	assert_int_equal(err.code, DIRCA_E_CRYPTO);
}

static void
a_shrunk_secret_is_wiped_behind_its_end(void **state)
{
	struct secret s;
	struct err err;

	(void)state;
	assert_true(secret_dup(view_str("password"), &s, &err));
	secret_shrink(&s, 4);
	assert_int_equal(s.len, 4);
	assert_memory_equal(s.ptr, "pass\0\0\0\0", 8);
	secret_shrink(&s, 100);
	assert_int_equal(s.len, 4);
	secret_free(&s);
	assert_null(s.ptr);
	secret_free(&s);
}

static void
a_secret_over_the_heap_fails(void **state)
{
	struct secret s;
	struct err err;

	(void)state;
	assert_false(secret_alloc(1 << 20, &s, &err));
	assert_int_equal(err.code, E_OUTOFMEMORY);
	assert_null(s.ptr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_secret_needs_the_secure_heap),
	    cmocka_unit_test(a_copy_owns_its_bytes),
	    cmocka_unit_test(new_bytes_are_zero),
	    cmocka_unit_test(room_is_empty_and_does_not_move_until_it_is_full),
	    cmocka_unit_test(an_impossible_size_fails_and_leaves_an_empty_buffer),
	    cmocka_unit_test(appending_keeps_what_was_there),
	    cmocka_unit_test(views_are_compared_by_content),
	    cmocka_unit_test(memory_of_openssl_is_taken_over),
	    cmocka_unit_test(what_held_a_secret_is_wiped_before_it_is_freed),
	    cmocka_unit_test(a_shrunk_secret_is_wiped_behind_its_end),
	    cmocka_unit_test(a_secret_over_the_heap_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
