/* Mail about events: hostile names stay in the text, addresses are addresses; and the program for
 * events: what it gets, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "hook.h"
#include "mail.h"
#include "mem.h"
#include "own.h"
#include "text.h"

static void
addresses_are_what_no_header_takes_otherwise(void **state)
{
	static const char *const good[] = {
	    "user1@nwtraders.com", "a@b", "o'neil+ca@x-y.example", "first.last@localhost"};
	static const char *const bad[] = {"", "@", "a@", "@b", "a b@c", "a@b c", "a@b\r\nBcc: x@y",
	    "a\n@b", "<a@b>", "a@b>", "a@b,c@d", "\"a\"@b", "a@@b", "a@b@c", ".a@b", "a.@b",
	    "a..b@c", "-a@b", "a@-b", "a@b.", "a@.b", "a\x80@b", "a@b\x01", "a@[127.0.0.1]",
	    "a;b@c", "a:b@c", "a(b)@c"};
	char long_one[300];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!mail_address_is_good(good[i]))
			fail_msg("'%s' is good", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (mail_address_is_good(bad[i]))
			fail_msg("'%s' is bad", bad[i]);
	memset(long_one, 'a', sizeof long_one);
	memcpy(long_one + 1, "@", 1);
	long_one[254] = '\0';
	assert_true(mail_address_is_good(long_one));
	long_one[254] = 'a';
	long_one[255] = '\0';
	assert_false(mail_address_is_good(long_one));
}

static struct buf
message(const char *subject, const char *text)
{
	static const char *const to[] = {"officer1@nwtraders.com", "officer2@nwtraders.com"};
	const struct mail m = {.from = "ca@nwtraders.com",
	    .to = to,
	    .to_count = 2,
	    .subject = subject,
	    .text = text,
	    .when = 1795497754,
	    .id = "0123"};
	struct buf out;
	struct err err;

	if (!mail_message(&m, &out, &err))
		fail_msg("%s", err.msg);
	return out;
}

/* Every octet is ASCII, every line ends with CR LF and is short. */
static void
assert_lines(const struct buf *b)
{
	size_t start = 0;

	for (size_t i = 0; i < b->len; i++) {
		assert_true(b->ptr[i] < 0x80 && b->ptr[i] != 0);
		if (b->ptr[i] == '\n') {
			assert_true(i > start && b->ptr[i - 1] == '\r');
			assert_true(i - 1 - start <= 78);
			start = i + 1;
		} else {
			assert_true(b->ptr[i] >= ' ' || b->ptr[i] == '\r');
		}
	}
	assert_int_equal(start, b->len);
}

/* The names of the header, in order. */
static char *
names_of(const struct buf *b)
{
	OWNED(own_memory) char *text = text_printf("%.*s", (int)b->len, (const char *)b->ptr);
	char *out = strdup("");

	for (char *at = text; strncmp(at, "\r\n", 2) != 0; at = strstr(at, "\r\n") + 2) {
		OWNED(own_memory) char *before = out;

		if (*at == ' ')
			out = strdup(before);
		else
			out = text_printf("%s%.*s ", before, (int)strcspn(at, ":"), at);
	}
	return out;
}

/* The text behind the header, decoded. */
static struct buf
body_of(const struct buf *b)
{
	const char *end = memmem(b->ptr, b->len, "\r\n\r\n", 4);
	struct buf out;
	struct err err;

	assert_non_null(end);
	end += 4;
	assert_true(
	    base64_decode(view_of(end, (size_t)((const char *)b->ptr + b->len - end)), &out, &err));
	return out;
}

#define HEADER                                                                                 \
	"From To Date Message-ID Subject MIME-Version Content-Type Content-Transfer-Encoding " \
	"Auto-Submitted "

static void
a_message_is_whole(void **state)
{
	OWNED(buf_free) struct buf b = message("[CA] request waits", "request 5 waits.\nfor you\n");
	OWNED(buf_free) struct buf text = body_of(&b);
	OWNED(own_memory) char *names = names_of(&b);

	(void)state;
	assert_lines(&b);
	assert_string_equal(names, HEADER);
	assert_non_null(memmem(b.ptr, b.len, "Date: Tue, 24 Nov 2026 05:22:34 +0000\r\n", 39));
	assert_non_null(memmem(b.ptr, b.len, "<0123@nwtraders.com>", 20));
	assert_true(view_eq(buf_view(&text), view_str("request 5 waits.\r\nfor you\r\n")));
}

/* A name from the directory is in subject and text; it makes no header, no second line, and nothing
 * that people do not see. */
static void
hostile_names_stay_text(void **state)
{
	static const char *const names[] = {"x\r\nBcc: all@nwtraders.com", "x\n\nbody",
	    "x\r\n.\r\nQUIT", "\xff\xfe", "?=\r\n =?", "J\xc3\xb6rg\xe2\x80\xae", "\x01\x1b[31m",
	    "a long name with \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac that goes on and on, "
	    "longer "
	    "than a line of mail may be, with \xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91 in "
	    "it"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		OWNED(own_memory) char *one_line = text_printf("request of %s", names[i]);
		OWNED(buf_free) struct buf b = message(names[i], one_line);
		OWNED(buf_free) struct buf text = body_of(&b);
		OWNED(own_memory) char *header = names_of(&b);

		assert_lines(&b);
		assert_string_equal(header, HEADER);
		assert_null(memmem(text.ptr, text.len, "\xe2\x80\xae", 3));
		for (size_t k = 0; k < text.len; k++)
			assert_true(
			    text.ptr[k] >= ' ' || text.ptr[k] == '\r' || text.ptr[k] == '\n');
	}
}

static void
who_has_no_address_gets_no_mail(void **state)
{
	static const char *const bad[] = {"officer1@nwtraders.com\r\nBcc: x@y"};
	const struct mail m = {.from = "ca@nwtraders.com",
			      .to = bad,
			      .to_count = 1,
			      .subject = "",
			      .text = "",
			      .id = "0"},
			  nobody = {
			      .from = "ca@nwtraders.com", .subject = "", .text = "", .id = "0"};
	struct buf out;
	struct err err;

	(void)state;
	assert_false(mail_message(&m, &out, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_false(mail_message(&nobody, &out, &err));
}

/* ---- the program ---- */

static char dir[64];

static char *
script(const char *name, const char *lines, unsigned mode)
{
	char *path = text_printf("%s/%s", dir, name);
	OWNED(own_memory) char *text = text_printf("#!/bin/sh\n%s\n", lines);
	struct err err;

	assert_true(file_replace(path, view_str(text), 0700, &err));
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static bool
always(void *arg)
{
	(void)arg;
	return true;
}

static struct buf
read_out(const char *name)
{
	OWNED(own_memory) char *path = text_printf("%s/%s", dir, name);
	struct buf out;
	struct err err;

	if (!file_read(path, 1 << 20, &out, &err))
		fail_msg("%s", err.msg);
	return out;
}

static void
a_program_gets_the_event_and_nothing_else(void **state)
{
	OWNED(own_memory)
	char *lines =
	    text_printf("cat >%s/input; ls /proc/self/fd >%s/fds; env >%s/env; pwd >>%s/env; "
			"echo $# >>%s/env",
		dir, dir, dir, dir, dir);
	OWNED(own_memory) char *path = script("good", lines, 0700);
	OWNED(own_memory) char *big = mem_zero(200001, 1);
	OWNED(buf_free) struct buf input = {0}, fds = {0}, env = {0};
	struct err err;

	(void)state;
	memset(big, 'x', 200000);
	assert_int_equal(setenv("SECRET_OF_THE_CA", "1", 1), 0);
	assert_int_equal(dup2(0, 77), 77); /* without FD_CLOEXEC, as the sockets to the vault are */
	if (!hook_run(path, view_str(big), 10000, never, NULL, &err))
		fail_msg("%s", err.msg);
	close(77);
	input = read_out("input");
	assert_int_equal(input.len, 200000);
	fds = read_out("fds");
	assert_null(memmem(fds.ptr, fds.len, "77", 2));
	env = read_out("env");
	assert_null(memmem(env.ptr, env.len, "SECRET", 6));
	assert_non_null(memmem(env.ptr, env.len, "\n/\n0\n", 5));
}

static void
a_program_that_fails_or_goes_on_is_told(void **state)
{
	OWNED(own_memory) char *bad = script("bad", "exit 3", 0700);
	OWNED(own_memory) char *slow = script("slow", "sleep 60 & wait", 0700);
	OWNED(own_memory) char *none = text_printf("%s/none", dir);
	struct err err;

	(void)state;
	assert_false(hook_run(bad, view_str("{}"), 10000, never, NULL, &err));
	assert_non_null(strstr(err.msg, "status 3"));
	assert_false(hook_run(slow, view_str("{}"), 100, never, NULL, &err));
	assert_non_null(strstr(err.msg, "killed"));
	assert_false(hook_run(slow, view_str("{}"), 60000, always, NULL, &err));
	assert_false(hook_run(none, view_str("{}"), 100, never, NULL, &err));
	assert_int_equal(err.code, DIRCA_E_IO);
}

static void
a_program_that_others_may_write_is_not_run(void **state)
{
	static const unsigned modes[] = {0720, 0702};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		OWNED(own_memory) char *path = script("open", "exit 0", modes[i]);

		assert_false(hook_run(path, view_str("{}"), 1000, never, NULL, &err));
		assert_int_equal(err.code, E_ACCESSDENIED);
	}
	assert_false(hook_run(dir, view_str("{}"), 1000, never, NULL, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
}

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/dirca-mail-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -r '%s'", dir);
	return system(command);
}

static void
so_many_mails_are_sent_in_an_hour(void **state)
{
	struct mail_budget budget = {0};
	struct err err;

	(void)state;
	for (int i = 0; i < MAILS_AN_HOUR; i++)
		assert_true(mail_budget_take(&budget, 5000 + i, &err));
	assert_false(mail_budget_take(&budget, 5000 + 3599999, &err));
	assert_int_equal(err.code, DIRCA_E_QUOTA);
	for (int i = 0; i < MAILS_AN_HOUR; i++)
		assert_true(mail_budget_take(&budget, 5000 + 3600000, &err));
	assert_false(mail_budget_take(&budget, 5000 + 3600000, &err));
}

/* Mail is not sent without a sign-in because the password has no place. */
static void
a_password_that_is_too_long_is_told(void **state)
{
	static uint8_t password[512];
	static char user[] = "user", server[] = "smtp://127.0.0.1:1";
	static const char *const to[] = {"a@b"};
	struct config config = {.mail_user = user,
	    .mail_server = server,
	    .mail_password = {.ptr = password, .len = sizeof password}};
	struct mail m = {
	    .from = "ca@b", .to = to, .to_count = 1, .subject = "s", .text = "t", .id = "i"};
	struct err err;

	(void)state;
	assert_false(mail_send(&config, &m, 1000, NULL, NULL, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_non_null(strstr(err.msg, "mail_password_file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_what_no_header_takes_otherwise),
	    cmocka_unit_test(a_message_is_whole),
	    cmocka_unit_test(hostile_names_stay_text),
	    cmocka_unit_test(who_has_no_address_gets_no_mail),
	    cmocka_unit_test(so_many_mails_are_sent_in_an_hour),
	    cmocka_unit_test(a_password_that_is_too_long_is_told),
	    cmocka_unit_test(a_program_gets_the_event_and_nothing_else),
	    cmocka_unit_test(a_program_that_fails_or_goes_on_is_told),
	    cmocka_unit_test(a_program_that_others_may_write_is_not_run),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
