/* The script of a recovery: whatever names people and CAs have, a shell reads them as words, or not
 * at all. Run by sh, with a stand-in for dirca that writes down what it was called with. */
#include <setjmp.h>
#include <signal.h>
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
#include "mem.h"
#include "own.h"
#include "recovery_script.h"
#include "text.h"

#define HASH "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

static char folder[] = "/tmp/dirca-script.XXXXXX";

/* Each of them would make a file `pwned` where it is read as code. */
static const char *const hostile[] = {"'; touch pwned; '", "\"; touch pwned; \"", "$(touch pwned)",
    "`touch pwned`", "x\ntouch pwned\n", "x\rtouch pwned", "-rf", "--kra", "END\ntouch pwned\nEND",
    "x' \\\ntouch pwned #", "${x:=$(touch pwned)}", "*", "\\", "&& touch pwned",
    "é' ; touch pwned"};

static const char stand_in[] =
    "#!/bin/sh\n"
    "for word; do printf '%s\\n' \"$word\" >>calls; done; echo -- >>calls\n"
    "case $1 in\n"
    "getkey) for file; do :; done; echo blob >\"$file\" ;;\n"
    "recoverkey) cat <&9 >>passwords; [ ! -e wanted ] || { echo 'words of shares'; exit 5; }; "
    "echo pfx >\"$3\" ;;\n"
    "mergepfx) cat <&9 >>passwords && for file; do case $file in ./*) echo all >\"$file\" ;; esac; "
    "done ;;\n"
    "esac\n";

static char *
path_of(const char *name)
{
	return text_printf("%s/%s", folder, name);
}

static void
put(const char *name, struct view content, mode_t mode)
{
	OWNED(own_memory) char *path = path_of(name);
	struct err err;

	assert_true(file_replace(path, content, mode, &err));
}

static bool
is_there(const char *name)
{
	OWNED(own_memory) char *path = path_of(name);
	struct stat st;

	return lstat(path, &st) == 0;
}

static char *
content_of(const char *name)
{
	OWNED(own_memory) char *path = path_of(name);
	OWNED(buf_free) struct buf content = {0};
	struct err err;

	assert_true(file_read(path, 1 << 20, &content, &err));
	return mem_text_n(content.ptr, content.len);
}

static int
run(const char *command)
{
	OWNED(own_memory)
	char *line = text_printf(
	    "cd %s && rm -f -- calls passwords ./*.p12 && DIRCA=./dirca %s", folder, command);

	return system(
	    line); /* NOLINT(concurrency-mt-unsafe, cert-env33-c): a shell is what is tested */
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	put("dirca", view_str(stand_in), 0700);
	return 0;
}

static int
teardown(void **state)
{
	OWNED(own_memory) char *line = text_printf("rm -rf %s", folder);

	(void)state;
	return system(line); /* NOLINT(concurrency-mt-unsafe, cert-env33-c) */
}

/* As the row of a key names its agents. */
static const char *agents = "0a 1b";
#define TOGETHER "0a 1b\n2c 3d\nthreshold=2"

/* A candidate in which every text is this one. */
static json_t *
candidate(const char *text, const char *hash)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "serial_number",
	    text, "subject", text, "upn", text, "common_name", text, "template", text, "not_before",
	    text, "not_after", text, "certificate_hash", hash, "certificate_version", 3,
	    "key_recovery_hashes", agents);
}

/* The script of `count` keys, all names of which are `text`, in file `script`. */
static bool
make_script(const char *text, size_t count, const char *hash, struct err *err)
{
	char *name = mem_text(text);
	struct pki_service service = {.name = name, .host = name, .display_name = name};
	struct found_keys found = {
	    .service = &service, .candidates = json_array(), .agents = json_array()};
	struct cli cli = {.opt = {.uri = text, .user = text}};
	struct session session = {.cli = &cli};
	struct key_search s = {
	    .session = &session, .token = text, .list = &found, .count = 1, .total = count};
	char *script = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&script, &len);
	bool ok;

	texts_add(&s.unanswered, text);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(found.candidates, candidate(text, hash));
	ok = recovery_script_print(to, &s, err);
	fclose(to);
	put("script", view_of(script, len), 0600);
	free(script);
	free(name);
	json_decref(found.candidates);
	json_decref(found.agents);
	texts_free(&s.unanswered);
	return ok;
}

static void
no_name_becomes_code(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hostile); i++)
		for (size_t count = 1; count <= 4; count++) {
			agents = count > 2 ? TOGETHER : "0a 1b";
			OWNED(own_memory) char *calls = NULL;
			OWNED(own_memory)
			char *ca = text_printf("--ca=%s\\%s\n", hostile[i], hostile[i]);
			OWNED(own_memory) char *uri = text_printf("--uri=%s\n", hostile[i]);

			assert_true(make_script(hostile[i], (count - 1) % 2 + 1, HASH, &err));
			assert_int_equal(run("sh script --kra kra.pfx >said"), 0);
			assert_false(is_there("pwned"));
			calls = content_of("calls");
			assert_non_null(strstr(calls, ca));
			assert_non_null(strstr(calls, uri));
		}
}

/* Nothing of it is opened: the BLOB stays, and what others type is said. */
static void
what_others_open_stays_sealed(void **state)
{
	OWNED(own_memory) char *said = NULL;
	struct err err;

	(void)state;
	agents = TOGETHER;
	for (size_t count = 1; count <= 2; count++) {
		assert_true(make_script("user1", count, HASH, &err));
		assert_int_equal(run("true && rm -f ./*.rec && touch wanted"), 0);
		assert_int_equal(run("TMPDIR=$PWD sh script --kra kra.pfx >said"), 5 << 8);
		assert_true(is_there("user1-user1.rec"));
		assert_false(is_there("user1.p12"));
		assert_false(is_there("user1-user1.p12"));
		free(said);
		said = content_of("said");
		assert_non_null(strstr(said, "words of shares"));
		assert_null(strstr(said, "PASSWORD"));
		assert_int_equal(run("ls -d dirca-recovery.* 2>/dev/null | grep -q ."), 256);
		/* and is not fetched again */
		assert_int_equal(run("sh script --kra kra.pfx 2>said"), 256);
		assert_false(is_there("calls"));
	}
	assert_int_equal(run("true && rm -f wanted ./*.rec"), 0);
	/* opened after all, it leaves none */
	assert_int_equal(run("sh script --kra kra.pfx >said"), 0);
	assert_true(is_there("user1.p12"));
	assert_false(is_there("user1-user1.rec"));
	assert_false(is_there("user1-user1.p12"));
	agents = "0a 1b";
}

static void
the_password_is_said_once_and_nothing_is_left(void **state)
{
	OWNED(own_memory) char *said = NULL, *calls = NULL, *passwords = NULL;
	char *last;
	struct err err;

	(void)state;
	assert_true(make_script("user1", 2, HASH, &err));
	assert_int_equal(run("TMPDIR=$PWD sh script --kra kra.pfx >said"), 0);
	said = content_of("said");
	calls = content_of("calls");
	passwords = content_of("passwords");
	assert_true(is_there("user1.p12"));
	last = strstr(said, "PASSWORD: \"");
	assert_non_null(last);
	last[strlen("PASSWORD: \"") + 32] = '\0';
	last += strlen("PASSWORD: \"");
	assert_non_null(strstr(passwords, last));
	assert_null(strstr(calls, last));
	/* Each line of them: that of the parts, twice, and again with the last one. */
	assert_int_equal(strlen(passwords), 4 * 33);
	passwords[32] = '\0';
	assert_null(strstr(calls, passwords));
	assert_int_equal(run("ls -d dirca-recovery.* 2>/dev/null | grep -q ."), 256);
}

static void
what_is_there_stays(void **state)
{
	struct err err;

	(void)state;
	assert_true(make_script("user1", 2, HASH, &err));
	assert_int_not_equal(
	    run("true && echo old >user1.p12 && sh script --kra kra.pfx 2>said"), 0);
	assert_false(is_there("calls"));
	assert_true(is_there("user1.p12"));
}

/* The third dirca ends itself and the shell, as Ctrl-C does; so does one that fails. */
static void
interrupted_it_leaves_nothing(void **state)
{
	static const char *const ends[] = {"kill -INT $PPID; kill -INT $$", "exit 1"};
	struct err err;

	(void)state;
	signal(SIGINT, SIG_DFL); /* which who runs the tests behind something may not have it */
	assert_true(make_script("user1", 2, HASH, &err));
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		OWNED(own_memory)
		char *broken =
		    text_printf("%s\ncase $1 in mergepfx) %s ;; esac\n", stand_in, ends[i]);

		put("dirca", view_str(broken), 0700);
		assert_int_not_equal(run("TMPDIR=$PWD sh script --kra kra.pfx >said"), 0);
		assert_false(is_there("user1.p12"));
		assert_int_equal(run("ls -d dirca-recovery.* 2>/dev/null | grep -q ."), 256);
	}
	put("dirca", view_str(stand_in), 0700);
}

static void
a_hash_that_is_none_makes_no_script(void **state)
{
	struct err err;

	(void)state;
	assert_false(make_script("user1", 1, "$(touch pwned)", &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_false(make_script("user1", 1, "", &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_name_becomes_code),
	    cmocka_unit_test(what_others_open_stays_sealed),
	    cmocka_unit_test(the_password_is_said_once_and_nothing_is_left),
	    cmocka_unit_test(what_is_there_stays),
	    cmocka_unit_test(interrupted_it_leaves_nothing),
	    cmocka_unit_test(a_hash_that_is_none_makes_no_script),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
