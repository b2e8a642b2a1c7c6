/* What the vault remembers: encrypted keys that were opened, and requesters whose keys failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "vault_budget.h"
#include "vault_opened.h"

#define MANY 5000

static char folder[64], path[80];
static const uint8_t name[20] = {1, 2, 3};

static int
setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/dirca-opened-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/xchg.opened", folder);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(folder);
	return 0;
}

/* The nth of many hashes. */
static const uint8_t *
hash(unsigned n)
{
	static uint8_t out[4][32];
	static unsigned turn;
	uint8_t *h = out[turn++ % 4];

	memset(h, 0, 32);
	memcpy(h, &n, sizeof n);
	return h;
}

static void
create(struct vault_opened *o)
{
	struct err err;

	unlink(path);
	assert_true(vault_opened_create(o, path, view_of(name, sizeof name), &err));
}

static void
reload(struct vault_opened *o)
{
	struct err err;

	vault_opened_close(o);
	if (!vault_opened_load(o, path, view_of(name, sizeof name), &err))
		fail_msg("%s", err.msg);
}

static void
assert_claim(struct vault_opened *o, unsigned key, unsigned whole, bool may)
{
	struct err err = {0};

	assert_int_equal(vault_opened_claim(o, hash(key), hash(whole), &err), may);
	if (!may)
		assert_int_equal(err.code, DIRCA_E_KEY_NOT_ARCHIVED);
}

static void
encrypted_key_is_opened_for_one_request(void **state)
{
	struct vault_opened o;
	struct err err;

	(void)state;
	create(&o);
	assert_claim(&o, 1, 1, true);
	assert_claim(&o, 1, 2, false); /* another content, requester or public key */
	assert_claim(&o, 1, 1, true);  /* the same again */
	assert_claim(&o, 2, 1, true);
	assert_true(vault_opened_fail(&o, hash(2), &err));
	assert_claim(&o, 2, 1, false); /* it failed: nothing is to be learned by asking again */
	assert_int_equal(o.failures, 1);
	assert_true(vault_opened_fail(&o, hash(2), &err));
	assert_int_equal(o.failures, 1);
	vault_opened_close(&o);
}

static void
what_was_opened_survives_a_restart(void **state)
{
	struct vault_opened o;
	struct err err;

	(void)state;
	create(&o);
	for (unsigned i = 0; i < MANY; i++)
		assert_claim(&o, i, i + 1, true);
	for (unsigned i = 0; i < MANY; i += 10)
		assert_true(vault_opened_fail(&o, hash(i), &err));
	for (int turn = 0; turn < 2; turn++) {
		reload(&o);
		assert_int_equal(o.count, MANY);
		assert_int_equal(o.failures, MANY / 10);
		for (unsigned i = 0; i < MANY; i++) {
			assert_claim(&o, i, i, false);
			assert_claim(&o, i, i + 1, i % 10 != 0);
		}
	}
	assert_claim(&o, MANY, 1, true);
	reload(&o);
	assert_claim(&o, MANY, 2, false);
	vault_opened_close(&o);
}

static void
torn_record_at_the_end_is_dropped(void **state)
{
	struct vault_opened o;
	off_t whole;

	(void)state;
	for (off_t torn = 1; torn < 2 * VAULT_OPENED_RECORD; torn += 13) {
		static const char rubbish[2 * VAULT_OPENED_RECORD];
		int fd;

		create(&o);
		assert_claim(&o, 1, 1, true);
		whole = o.size;
		fd = open(path, O_WRONLY | O_APPEND);
		assert_int_equal(write(fd, rubbish, (size_t)torn), torn);
		close(fd);
		reload(&o);
		assert_int_equal(o.size, whole);
		assert_claim(&o, 1, 2, false);
		assert_claim(&o, 2, 2, true);
		reload(&o);
		assert_claim(&o, 2, 3, false);
		vault_opened_close(&o);
	}
}

static void
assert_does_not_load(struct view id, enum err_code code)
{
	struct vault_opened o;
	struct err err = {0};

	assert_false(vault_opened_load(&o, path, id, &err));
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.msg, path));
	assert_int_equal(o.fd, -1);
}

static void
damaged_file_is_not_loaded(void **state)
{
	struct vault_opened o;
	struct buf good, bad;
	struct err err;

	(void)state;
	create(&o);
	for (unsigned i = 0; i < 8; i++)
		assert_claim(&o, i, i, true);
	vault_opened_close(&o);
	assert_true(file_read(path, 65536, &good, &err));
	/* One bit, anywhere but in the last record, which could be torn. */
	for (size_t at = 0; at + 2 * VAULT_OPENED_RECORD <= good.len; at += 7) {
		assert_true(buf_dup(buf_view(&good), &bad, &err));
		bad.ptr[at] ^= 0x10;
		assert_true(file_replace(path, buf_view(&bad), 0600, &err));
		assert_does_not_load(view_of(name, sizeof name), DIRCA_E_CONFIG);
		buf_free(&bad);
	}
	/* A record that is gone from the middle. */
	assert_true(buf_dup(view_of(good.ptr, 3 * VAULT_OPENED_RECORD), &bad, &err));
	assert_true(buf_append(&bad,
	    view_of(good.ptr + 4 * VAULT_OPENED_RECORD, good.len - 4 * VAULT_OPENED_RECORD), &err));
	assert_true(file_replace(path, buf_view(&bad), 0600, &err));
	assert_does_not_load(view_of(name, sizeof name), DIRCA_E_CONFIG);
	/* Nothing at all, another key's, none. */
	assert_true(file_replace(path, view_str(""), 0600, &err));
	assert_does_not_load(view_of(name, sizeof name), DIRCA_E_CONFIG);
	assert_true(file_replace(path, buf_view(&good), 0600, &err));
	assert_does_not_load(view_of("a name of another key", sizeof name), DIRCA_E_CONFIG);
	unlink(path);
	assert_does_not_load(view_of(name, sizeof name), ERROR_FILE_NOT_FOUND);
	buf_free(&good);
	buf_free(&bad);
}

/* What could not be written down was not opened, and does not count as opened. */
static void
nothing_is_opened_that_cannot_be_written_down(void **state)
{
	struct vault_opened o;
	struct err err;
	int fd;

	(void)state;
	create(&o);
	fd = o.fd;
	o.fd = open(path, O_RDONLY);
	assert_false(vault_opened_claim(&o, hash(1), hash(1), &err));
	assert_int_equal(err.code, DIRCA_E_IO);
	close(o.fd);
	o.fd = fd;
	assert_claim(&o, 1, 2, true);
	vault_opened_close(&o);
}

/* ---- requesters ---- */

static void
assert_suspended(struct vault_budget *b, const char *who, int64_t now, bool suspended)
{
	struct err err = {0};

	assert_int_equal(vault_budget_check(b, view_str(who), now, &err), !suspended);
	if (suspended)
		assert_int_equal(err.code, DIRCA_E_ARCHIVAL_SUSPENDED);
}

static void
too_many_failures_suspend_a_requester(void **state)
{
	struct vault_budget b;
	int64_t now = 1000;

	(void)state;
	vault_budget_open(&b, 3, 60);
	for (int i = 0; i < 3; i++) {
		assert_suspended(&b, "S-1-1", now, false);
		assert_int_equal(vault_budget_fail(&b, view_str("S-1-1"), now++), i == 2);
	}
	assert_suspended(&b, "S-1-1", now, true);
	assert_suspended(&b, "S-1-2", now, false);
	/* What is under way when it happens is no second event. */
	assert_false(vault_budget_fail(&b, view_str("S-1-1"), now));
	assert_suspended(&b, "S-1-1", 1002 + 59999, true);
	assert_suspended(&b, "S-1-1", 1002 + 60000, false);
	/* And he begins anew. */
	assert_false(vault_budget_fail(&b, view_str("S-1-1"), 1002 + 60000));
	vault_budget_close(&b);
}

static void
failures_of_long_ago_do_not_count(void **state)
{
	struct vault_budget b;

	(void)state;
	vault_budget_open(&b, 3, 60);
	for (int i = 0; i < 10; i++) {
		assert_suspended(&b, "S-1-1", i * 40000, false);
		assert_false(vault_budget_fail(&b, view_str("S-1-1"), i * 40000));
	}
	vault_budget_close(&b);
}

/* Nobody can have his own count thrown out by filling the table. */
static void
no_count_makes_room_for_another(void **state)
{
	struct vault_budget b;
	char who[16];

	(void)state;
	vault_budget_open(&b, 2, 60);
	assert_suspended(&b, "attacker", 0, false);
	assert_false(vault_budget_fail(&b, view_str("attacker"), 0));
	for (int i = 0; i < MANY; i++) {
		snprintf(who, sizeof who, "S-%d", i);
		assert_suspended(&b, who, 1, false);
		assert_false(vault_budget_fail(&b, view_str(who), 1));
	}
	assert_true(vault_budget_fail(&b, view_str("attacker"), 2));
	assert_suspended(&b, "attacker", 3, true);
	/* Those that do not count any more are room for new ones. */
	for (int i = 0; i < MANY; i++) {
		snprintf(who, sizeof who, "T-%d", i);
		assert_suspended(&b, who, 200000, false);
		assert_false(vault_budget_fail(&b, view_str(who), 200000));
	}
	assert_true(b.room < (size_t)2 * MANY);
	vault_budget_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(encrypted_key_is_opened_for_one_request),
	    cmocka_unit_test(what_was_opened_survives_a_restart),
	    cmocka_unit_test(torn_record_at_the_end_is_dropped),
	    cmocka_unit_test(damaged_file_is_not_loaded),
	    cmocka_unit_test(nothing_is_opened_that_cannot_be_written_down),
	    cmocka_unit_test(too_many_failures_suspend_a_requester),
	    cmocka_unit_test(failures_of_long_ago_do_not_count),
	    cmocka_unit_test(no_count_makes_room_for_another),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
