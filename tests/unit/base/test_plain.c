/* Text as editors save it, and passwords of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/crypto.h>

#include "plain.h"

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return secret_heap_init(65536, true, &err) ? 0 : -1;
}

static void
write_file(const char *path, const char *content, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
marks_go_and_utf_16_is_read_in_either_order(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
		const char *text;
		bool is_utf16;
	} rows[] = {
	    {"abc", 3, "abc", false},
	    {"", 0, "", false},
	    {"\xef\xbb\xbf"
	     "abc",
		6, "abc", false},
	    {"\xff\xfe"
	     "a\0b\0",
		6, "ab", true},
	    {"\xfe\xff\0a\0b", 6, "ab", true},
	    {"a\0b\0", 4, "ab", true},
	    {"\0a\0b", 4, "ab", true},
	    {"\xff\xfe=\xd8\x11\xdd", 6, "\xf0\x9f\x94\x91", true},
	    /* what is neither: a descriptor, a private key blob, DER */
	    {"\1\0\4\x80", 4, NULL, false},
	    {"\7\2\0\0", 4, NULL, false},
	    {"0\x82\1\0", 4, NULL, false},
	    {"a\0b", 3, NULL, false},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct view v = view_of(rows[i].raw, rows[i].len), out;
		struct buf hold;

		assert_false(plain_is_utf16((struct view){0}));
		assert_int_equal(plain_is_utf16(v), rows[i].is_utf16);
		assert_true(plain_text(v, &hold, &out, &err));
		assert_true(view_eq(out, rows[i].text != NULL ? view_str(rows[i].text) : v));
		buf_free(&hold);
	}
}

static void
malformed_utf_16_is_refused(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
	} rows[] = {{"\xff\xfe"
		     "a\0b",
			5},
	    {"\xff\xfe=\xd8"
	     "a\0",
		6},
	    {"\xff\xfe"
	     "a\0\0\0",
		6},
	    {"\xfe\xff\0a\xdd\x11", 6}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf hold;
		struct view out;

		assert_false(plain_text(view_of(rows[i].raw, rows[i].len), &hold, &out, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		assert_null(hold.ptr);
	}
}

static void
a_password_is_the_first_line(void **state)
{
	static const struct {
		const char *content, *password;
	} rows[] = {{"secret\n", "secret"}, {"secret", "secret"}, {"secret\r\nmore\n", "secret"},
	    {" a b \n", " a b "}, {"", ""}, {"\nsecret", ""}, {"\xef\xbb\xbfsecret\r\n", "secret"},
	    {"p\xc3\xa4\xf0\x9f\x94\x91\n", "p\xc3\xa4\xf0\x9f\x94\x91"}};
	char folder[] = "/tmp/dirca-plain-XXXXXX", path[64];
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/password", folder);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		FILE *f = fopen(path, "w");
		struct secret s;

		assert_non_null(f);
		fputs(rows[i].content, f);
		assert_int_equal(fclose(f), 0);
		assert_true(secret_read_file(path, &s, &err));
		assert_true(view_eq(secret_view(&s), view_str(rows[i].password)));
		assert_true(CRYPTO_secure_allocated(s.ptr));
		secret_free(&s);
	}
	unlink(path);
	rmdir(folder);
}

static void
a_password_over_1024_bytes_is_refused_not_cut(void **state)
{
	char folder[] = "/tmp/dirca-plain-XXXXXX", path[64], line[1026];
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/password", folder);
	memset(line, 'x', sizeof line);
	for (size_t len = 1024; len <= sizeof line; len++) {
		FILE *f = fopen(path, "w");
		struct secret s;

		assert_non_null(f);
		assert_int_equal(fwrite(line, 1, len, f), len);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(secret_read_file(path, &s, &err), len <= 1024);
		secret_free(&s);
	}
	unlink(path);
	assert_false(secret_read_file(path, &(struct secret){0}, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	rmdir(folder);
}

/* As PowerShell and Notepad write files; the key is one that no 16 bits hold. */
static void
a_password_may_be_utf_16(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
		const char *password; /* NULL: malformed */
	} rows[] = {
	    {"\xff\xfe"
	     "p\0\xe4\0=\xd8\x11\xdd\r\0\n\0x\0",
		16, "p\xc3\xa4\xf0\x9f\x94\x91"},
	    {"\xfe\xff\0p\0\xe4\xd8=\xdd\x11\0\n", 12, "p\xc3\xa4\xf0\x9f\x94\x91"},
	    {"p\0w\0", 4, "pw"},
	    {"\xff\xfe", 2, ""},
	    {"\xff\xfe"
	     "=\xd8p\0",
		6, NULL},
	    {"\xff\xfe"
	     "p\0\x11\xdd",
		6, NULL},
	    {"\xff\xfe"
	     "p\0=\xd8",
		6, NULL},
	    {"\xff\xfep\0\0\0q\0", 8, NULL},
	};
	char folder[] = "/tmp/dirca-plain-XXXXXX", path[64];
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/password", folder);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct secret s;

		write_file(path, rows[i].raw, rows[i].len);
		assert_int_equal(secret_read_file(path, &s, &err), rows[i].password != NULL);
		if (rows[i].password != NULL)
			assert_true(view_eq(secret_view(&s), view_str(rows[i].password)));
		else
			assert_int_equal(err.code, ERROR_INVALID_DATA);
		secret_free(&s);
	}
	unlink(path);
	rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(marks_go_and_utf_16_is_read_in_either_order),
	    cmocka_unit_test(malformed_utf_16_is_refused),
	    cmocka_unit_test(a_password_is_the_first_line),
	    cmocka_unit_test(a_password_over_1024_bytes_is_refused_not_cut),
	    cmocka_unit_test(a_password_may_be_utf_16),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
