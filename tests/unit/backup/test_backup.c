/* The copy of a CA: its list, what is in it, and the CA that is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "backup_priv.h"
#include "ca_key.h"
#include "clock.h"
#include "file.h"
#include "home_lab.h"
#include "init.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

#define YEAR (INT64_C(365) * 86400)
#define NOW  INT64_C(1780000000)

/* Runs a shell command in the folder, with $N = the name. */
static int
in_dir(const char *command, const char *name)
{
	char line[640];

	snprintf(
	    line, sizeof line, "cd '%s' && N='%s' && { %s; } >out 2>&1", lab_dir, name, command);
	return system(line);
}

struct copy {
	struct config *config, *elsewhere;
	struct backup made;
	EVP_PKEY *key;
	char folder[96], conf[96];
	struct err err;
};

static void
make_recipient(struct copy *c)
{
	char path[128];
	FILE *f;

	assert_int_equal(
	    in_dir("openssl req -x509 -newkey rsa:2048 -nodes -keyout recipient.key -out "
		   "recipient.pem -subj /CN=Recipient -days 30 -addext "
		   "keyUsage=critical,$N",
		"keyEncipherment"),
	    0);
	snprintf(path, sizeof path, "%s/recipient.key", lab_dir);
	assert_non_null(f = fopen(path, "re"));
	assert_non_null(c->key = PEM_read_PrivateKey(f, NULL, NULL, NULL));
	fclose(f);
}

static bool
make_copy(struct copy *c)
{
	const struct backup_source from = {.config = c->config, .config_file = c->conf};

	return backup_make(&from, c->folder, NOW, &c->made, &c->err);
}

static void
begin(struct copy *c)
{
	const struct ca_init in = {.key = CA_KEY_RSA_2048, .validity = YEAR};

	char recipients[128];

	*c = (struct copy){0};
	snprintf(recipients, sizeof recipients, "backup_recipients = %s/recipient.pem\n", lab_dir);
	c->config = lab_config("one", "Test CA", recipients);
	c->elsewhere = lab_config("two", "Test CA", recipients);
	make_recipient(c);
	snprintf(c->folder, sizeof c->folder, "%s/copy", lab_dir);
	snprintf(c->conf, sizeof c->conf, "%s/one.conf", lab_dir);
	assert_true(ca_init(c->config, &in, clock_now(), &c->err));
	assert_int_equal(in_dir("echo database > $N/" BACKUP_DATABASE, "one"), 0);
}

static void
end(struct copy *c)
{
	backup_free(&c->made);
	EVP_PKEY_free(c->key);
	config_free(&c->config);
	config_free(&c->elsewhere);
}

static bool
is_good(void *arg, const char *path, struct err *err)
{
	(void)arg;
	(void)err;
	return access(path, R_OK) == 0;
}

static bool
restore(struct copy *c)
{
	OWNED(backup_free) struct backup read = {0};
	const struct backup_target to = {
	    .config = c->elsewhere, .key = c->key, .now = NOW, .check_database = is_good};

	return backup_read(c->folder, &read, &c->err) &&
	       backup_restore(c->folder, &read, &to, &c->err);
}

static void
a_copy_gives_the_ca_back(void **state)
{
	struct copy c;

	(void)state;
	begin(&c);
	if (!make_copy(&c))
		fail_msg("%s", c.err.msg);
	assert_string_equal(c.made.ca_name, "Test CA");
	assert_true(backup_size(&c.made) > 1000);
	if (!restore(&c))
		fail_msg("%s", c.err.msg);
	assert_int_equal(
	    in_dir("diff -r -x $N'*' one two && test ! -e two.restoring", "dirca.db"), 0);
	assert_int_equal(in_dir("grep -q $N two/dirca.db", "database"), 0);
	/* What is there is not overwritten. */
	assert_false(restore(&c));
	assert_int_equal(c.err.code, ERROR_FILE_EXISTS);
	end(&c);
}

static void
what_is_no_file_ends_the_copy(void **state)
{
	static const char *const plants[] = {
	    "mkfifo one/$N", "ln -s /etc/hostname one/$N", "ln -s one/vault one/$N"};
	struct copy c;

	(void)state;
	begin(&c);
	for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
		assert_int_equal(in_dir(plants[i], "planted"), 0);
		assert_false(make_copy(&c));
		assert_int_equal(c.err.code, DIRCA_E_IO);
		assert_non_null(strstr(c.err.msg, "planted"));
		assert_int_equal(
		    in_dir("rm one/$N && test ! -e copy && test ! -e copy.part", "planted"), 0);
		backup_free(&c.made);
	}
	end(&c);
}

/* Without one of these it would be none. */
static void
what_is_needed_is_looked_for(void **state)
{
	static const char *const needed[] = {
	    BACKUP_DATABASE, "ca.crt", "vault/ca.key", "vault/journal"};
	struct copy c;

	(void)state;
	begin(&c);
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		assert_int_equal(in_dir("mv one/$N kept", needed[i]), 0);
		assert_false(make_copy(&c));
		assert_int_equal(in_dir("mv kept one/$N && test ! -e copy", needed[i]), 0);
		backup_free(&c.made);
	}
	assert_true(make_copy(&c));
	end(&c);
}

static void
nothing_is_made_of_a_changed_copy(void **state)
{
	static const char *const changes[] = {"echo >> copy/state/dirca.db",
	    "cp copy/state/tls.key.p7m copy/state/vault/ca.key.p7m", "rm copy/state/$N",
	    "echo >> copy/" BACKUP_MANIFEST ""};
	struct copy c;

	(void)state;
	begin(&c);
	assert_true(make_copy(&c));
	assert_int_equal(in_dir("cp -a copy $N", "whole"), 0);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		assert_int_equal(in_dir(changes[i], "ca.crt"), 0);
		assert_false(restore(&c));
		assert_int_equal(
		    in_dir("test ! -e two && test ! -e two.restoring && rm -r copy && cp -a "
			   "$N copy",
			"whole"),
		    0);
	}
	assert_true(restore(&c));
	end(&c);
}

/* The list of somebody who signs with a key of his own, and says what he likes. */
static void
decode(const char *text, const char *part)
{
	OWNED(backup_free) struct backup b = {0};
	struct err err;

	if (manifest_decode(view_str(text), &b, &err)) {
		assert_null(part);
		return;
	}
	if (part == NULL || strstr(err.msg, part) == NULL)
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(err.code, DIRCA_E_BACKUP);
}

#define LIST(version, files)                                                            \
	"{\"dirca_backup\":" version ",\"ca\":\"x\",\"made\":\"2026-11-30T00:00:00Z\"," \
	"\"version\":\"1\",\"files\":" files "}"
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ENTRY(path, user, mode, hash)                                                    \
	"{\"path\":\"" path "\",\"user\":\"" user "\",\"group\":\"root\",\"mode\":" mode \
	",\"sealed\":false,\"size\":1,\"sha256\":\"" hash "\"}"
#define GOOD ENTRY("state/ca.crt", "root", "420", HASH)

static void
a_list_names_what_is_in_the_folder_only(void **state)
{
	static const char *const paths[] = {
	    LIST("1", "[" ENTRY("../etc/passwd", "root", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("/etc/passwd", "root", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("state/../../x", "root", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("state//x", "root", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("state/.x", "root", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("", "root", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("state/\\u001b", "root", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("state/x", "nobody", "420", HASH) "]"),
	    LIST("1", "[" ENTRY("state/x", "root", "2541", HASH) "]"),
	    LIST("1", "[" ENTRY("state/x", "root", "-1", HASH) "]"),
	    LIST("1", "[" ENTRY("state/x", "root", "420", "00") "]"),
	};

	(void)state;
	decode(LIST("1", "[" GOOD "]"), NULL);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		decode(paths[i], "has a value that none can have");
	decode(LIST("2", "[" GOOD "]"), "of a newer dirca");
	decode(LIST("1", "[" GOOD "," GOOD "]"), "listed twice");
	decode(LIST("1", "{}"), "no list of files");
	decode(LIST("1", "[1]"), "not as it should be");
	decode("[]", "no list of a copy");
	decode("{", "no list of a copy");
}

static void
a_list_comes_back_as_it_was_written(void **state)
{
	OWNED(backup_free) struct backup b = {0}, again = {0};
	OWNED(buf_free) struct buf text = {0}, second = {0};
	struct backup_item *item;
	struct err err;

	(void)state;
	decode(LIST("1", "[" GOOD "]"), NULL);
	b.ca_name = mem_text("K\xc3\xb6ln \"CA\"");
	b.version = mem_text("1");
	b.made = NOW;
	item = backup_add(&b);
	*item = (struct backup_item){.path = mem_text("state/vault/ca.key"),
	    .user = BACKUP_VAULT,
	    .group = BACKUP_FRONT,
	    .mode = 0600,
	    .sealed = true,
	    .size = 77,
	    .sha256 = {1, 2, 3}};
	assert_true(manifest_encode(&b, &text, &err));
	assert_true(manifest_decode(buf_view(&text), &again, &err));
	assert_true(manifest_encode(&again, &second, &err));
	assert_true(view_eq(buf_view(&text), buf_view(&second)));
	assert_int_equal(again.items[0].user, BACKUP_VAULT);
	assert_true(again.items[0].sealed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_copy_gives_the_ca_back),
	    TEST(what_is_no_file_ends_the_copy),
	    TEST(what_is_needed_is_looked_for),
	    TEST(nothing_is_made_of_a_changed_copy),
	    TEST(a_list_names_what_is_in_the_folder_only),
	    TEST(a_list_comes_back_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
