/* The copy of a CA: its list, what is in it, and the CA that is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

/* ---- a file that is another one as soon as it was opened ---- */

static const char *swap_end, *swap_by; /* the end of its path, a command */

static void
opened(const char *path, int fd)
{
	size_t len = strlen(path), end = swap_end != NULL ? strlen(swap_end) : 0;

	if (fd < 0 || end == 0 || len < end || strcmp(path + len - end, swap_end) != 0)
		return;
	swap_end = NULL;
	assert_int_equal(in_dir(swap_by, ""), 0);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);

static unsigned
mode_of(int flags, va_list ap)
{
	return (flags & O_CREAT) != 0 ? va_arg(ap, unsigned) : 0;
}

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = __real_open(path, flags, mode_of(flags, ap));
	va_end(ap);
	opened(path, fd);
	return fd;
}

int
__wrap_openat(int at, const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = __real_openat(at, path, flags, mode_of(flags, ap));
	va_end(ap);
	opened(path, fd);
	return fd;
}

/* ---- what a power cut leaves: of each file and folder what its last fsync saw ---- */

struct on_disk {
	ino_t ino;
	off_t size;
	mode_t mode;
	uid_t uid;
	struct buf names; /* of a folder: "NAME/INODE/..." */
};
static struct on_disk *disk;
static size_t disk_count;

static void
read_names(int folder, struct buf *out)
{
	DIR *d = fdopendir(__real_openat(folder, ".", O_RDONLY | O_DIRECTORY));
	struct err err;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		OWNED(own_memory) char *one = text_printf("/%s/%lu/", e->d_name, e->d_ino);

		assert_true(buf_append(out, view_str(one), &err));
	}
	closedir(d);
}

static struct on_disk *
find_on_disk(ino_t ino)
{
	for (size_t i = 0; i < disk_count; i++)
		if (disk[i].ino == ino)
			return &disk[i];
	return NULL;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	struct on_disk *d;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	if ((d = find_on_disk(st.st_ino)) == NULL) {
		disk = mem_grow(disk, disk_count, sizeof *disk);
		d = &disk[disk_count++];
		*d = (struct on_disk){0};
	}
	buf_free(&d->names);
	*d = (struct on_disk){st.st_ino, st.st_size, st.st_mode, st.st_uid, {0}};
	if (S_ISDIR(st.st_mode))
		read_names(fd, &d->names);
	return __real_fsync(fd);
}

static void
forget_disk(void)
{
	while (disk_count > 0)
		buf_free(&disk[--disk_count].names);
	free(disk);
	disk = NULL;
}

/* `name` in the folder of that inode, and all that is in it. */
static void
assert_on_disk(const char *folder, const char *name)
{
	OWNED(own_memory) char *path = text_printf("%s/%s", folder, name), *entry = NULL;
	OWNED(texts_free) struct texts names = {0};
	const struct on_disk *in, *it;
	struct stat parent, st;
	struct err err;

	assert_int_equal(stat(folder, &parent), 0);
	assert_int_equal(lstat(path, &st), 0);
	entry = text_printf("/%s/%lu/", name, st.st_ino);
	in = find_on_disk(parent.st_ino);
	it = find_on_disk(st.st_ino);
	if (in == NULL || memmem(in->names.ptr, in->names.len, entry, strlen(entry)) == NULL)
		fail_msg("%s: the name is not on disk", path);
	if (it == NULL || it->mode != st.st_mode || it->uid != st.st_uid ||
	    (!S_ISDIR(st.st_mode) && it->size != st.st_size))
		fail_msg("%s: it is not on disk as it is", path);
	if (!S_ISDIR(st.st_mode))
		return;
	assert_true(backup_names(AT_FDCWD, path, &names, &err));
	for (size_t i = 0; i < names.count; i++)
		assert_on_disk(path, names.list[i]);
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
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
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

/* What they opened after the copy nobody would know. */
static void
exchange_keys_are_not_copied_and_a_token_s_is_named(void **state)
{
	struct copy c;

	(void)state;
	begin(&c);
	assert_int_equal(
	    in_dir("cd one/vault && touch $N.key $N.crt $N.opened && "
		   "echo pkcs11:object=x >$N.uri && touch $N.uri.new-1 && chmod 600 $N*",
		"xchg-00"),
	    0);
	if (!make_copy(&c) || !restore(&c))
		fail_msg("%s", c.err.msg);
	assert_int_equal(in_dir("test \"$(cd two/vault && echo $N*)\" = $N.uri && "
				"cmp one/vault/$N.uri two/vault/$N.uri",
			     "xchg-00"),
	    0);
	end(&c);
}

/* Success is said of what a power cut does not take back. */
static void
what_is_said_to_be_there_is_on_disk(void **state)
{
	struct copy c;

	(void)state;
	begin(&c);
	forget_disk();
	assert_true(make_copy(&c));
	assert_on_disk(lab_dir, "copy");
	forget_disk();
	assert_true(restore(&c));
	assert_on_disk(lab_dir, "two");
	forget_disk();
	end(&c);
}

/* As a shell completes them. */
static void
names_may_end_in_a_slash(void **state)
{
	struct copy c;

	(void)state;
	begin(&c);
	snprintf(c.folder, sizeof c.folder, "%s/copy/", lab_dir);
	free(c.elsewhere->state_dir);
	c.elsewhere->state_dir = text_printf("%s/two//", lab_dir);
	if (!make_copy(&c) || !restore(&c))
		fail_msg("%s", c.err.msg);
	assert_int_equal(in_dir("test -e copy/" BACKUP_MANIFEST " && test -e two/ca.crt", ""), 0);
	end(&c);
}

/* The state folder is the front's: what root looked at is what goes into the copy. */
static void
a_file_that_is_exchanged_meanwhile_is_not_in_the_copy(void **state)
{
	static const struct {
		const char *end, *by, *same;
	} swaps[] = {
	    {"tls.key", "mv one/tls.key kept && ln -s $PWD/recipient.key one/tls.key",
		"cmp two/tls.key kept && rm one/tls.key && mv kept one/tls.key"},
	    {"tls.crt", "mv one/tls.crt kept && cp recipient.pem one/tls.crt",
		"cmp two/tls.crt kept && mv kept one/tls.crt"},
	    {"trust",
		"mv one/trust kept && mkdir other && touch other/planted && ln -s $PWD/other "
		"one/trust",
		"diff -r kept two/trust && rm -r one/trust other && mv kept one/trust"},
	};
	struct copy c;

	(void)state;
	begin(&c);
	assert_int_equal(in_dir("mkdir -p one/trust && touch one/trust/$N", "chain.pem"), 0);
	for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++) {
		swap_end = swaps[i].end;
		swap_by = swaps[i].by;
		if (!make_copy(&c))
			fail_msg("%s: %s", swaps[i].end, c.err.msg);
		assert_null(swap_end);
		if (!restore(&c))
			fail_msg("%s: %s", swaps[i].end, c.err.msg);
		if (in_dir(swaps[i].same, "") != 0)
			fail_msg("%s: another one was copied", swaps[i].end);
		assert_int_equal(in_dir("rm -r copy two", ""), 0);
		backup_free(&c.made);
	}
	end(&c);
}

/* Who holds the copy knows to whom it is encrypted, and can put a key of his own in another's
 * place, for as long as nobody looks. */
static void
a_file_of_the_copy_is_opened_as_it_was_looked_at(void **state)
{
	struct copy c;

	(void)state;
	begin(&c);
	assert_true(make_copy(&c));
	swap_end = "tls.key.p7m";
	swap_by = "cp copy/state/vault/ca.key.p7m other && mv other copy/state/tls.key.p7m";
	assert_true(restore(&c));
	assert_null(swap_end);
	assert_int_equal(in_dir("cmp one/tls.key two/tls.key", ""), 0);
	end(&c);
}

/* The check of the database of a run that was killed is still at it. */
static int rmdirs_to_fail;

int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);

int
__wrap_rmdir(const char *path)
{
	if (rmdirs_to_fail == 0)
		return __real_rmdir(path);
	rmdirs_to_fail--;
	errno = ENOTEMPTY;
	return -1;
}

static void
what_a_killed_run_left_goes_as_soon_as_it_can(void **state)
{
	struct copy c;

	(void)state;
	begin(&c);
	assert_true(make_copy(&c));
	assert_int_equal(
	    in_dir("mkdir -p two.restoring/vault && touch two.restoring/vault/$N", "ca.key"), 0);
	rmdirs_to_fail = 3;
	assert_true(restore(&c));
	assert_int_equal(rmdirs_to_fail, 0);
	end(&c);
}

static int
lock_folder(const char *name)
{
	OWNED(own_memory) char *path = text_printf("%s/%s", lab_dir, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

/* Anybody may hold the folder that has the state folder in it. */
static void
only_another_that_restores_holds_one_up(void **state)
{
	struct copy c;
	int other, stranger;

	(void)state;
	begin(&c);
	assert_true(make_copy(&c));
	assert_int_equal(in_dir("mkdir two.restoring && touch two.restoring/$N", "ca.crt"), 0);
	other = lock_folder("two.restoring");
	assert_false(restore(&c));
	assert_int_equal(c.err.code, DIRCA_E_CHANGED);
	assert_int_equal(in_dir("test ! -e two && test -e two.restoring/$N", "ca.crt"), 0);
	close(other);
	stranger = lock_folder(".");
	assert_true(restore(&c));
	close(stranger);
	assert_int_equal(in_dir("test -s two/$N && test ! -e two.restoring", "ca.crt"), 0);
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
	    TEST(what_is_said_to_be_there_is_on_disk),
	    TEST(exchange_keys_are_not_copied_and_a_token_s_is_named),
	    TEST(names_may_end_in_a_slash),
	    TEST(a_file_that_is_exchanged_meanwhile_is_not_in_the_copy),
	    TEST(a_file_of_the_copy_is_opened_as_it_was_looked_at),
	    TEST(what_a_killed_run_left_goes_as_soon_as_it_can),
	    TEST(only_another_that_restores_holds_one_up),
	    TEST(what_is_no_file_ends_the_copy),
	    TEST(what_is_needed_is_looked_for),
	    TEST(nothing_is_made_of_a_changed_copy),
	    TEST(a_list_names_what_is_in_the_folder_only),
	    TEST(a_list_comes_back_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
