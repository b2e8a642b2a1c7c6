/* Waits after failed sign-ins: what a guesser meets, and what an honest user does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth_failures.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct auth_limits limits = {
    .account_free = 5, .address_free = 20, .max_delay_ms = 15 * MINUTE};
static struct auth_failures *table;

static struct auth_attempt
from(const char *account, const char *address)
{
	return (struct auth_attempt){account, address};
}

static int64_t
wait_of(const char *account, const char *address, int64_t now)
{
	struct auth_attempt a = from(account, address);

	return auth_failures_wait(table, &a, now);
}

/* One attempt with a wrong password: true if it was looked at. */
static bool
guess(const char *account, const char *address, int64_t now)
{
	struct auth_attempt a = from(account, address);

	if (auth_failures_try(table, &a, now) > 0)
		return false;
	auth_failures_failed(table, &a, now);
	return true;
}

static bool
sign_in(const char *account, const char *address, int64_t now)
{
	struct auth_attempt a = from(account, address);

	if (auth_failures_try(table, &a, now) > 0)
		return false;
	auth_failures_succeeded(table, &a, now);
	return true;
}

/* Guesses that are looked at when one is made every `step` from `start` on. */
static int
looked_at(const char *account, const char *address, int64_t start, int64_t end, int64_t step)
{
	int n = 0;

	for (int64_t now = start; now < end; now += step)
		n += guess(account, address, now);
	return n;
}

static void
the_wait_doubles_after_the_free_failures(void **state)
{
	static const int64_t waits[] = {0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 64000,
	    128000, 256000, 512000, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE};
	int64_t now = 0;

	(void)state;
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		assert_true(guess("victim", "192.0.2.1", now));
		if (wait_of("victim", "192.0.2.1", now) != waits[i])
			fail_msg("failure %zu: %lld ms", i + 1,
			    (long long)wait_of("victim", "192.0.2.1", now));
		now += waits[i];
	}
	assert_int_equal(wait_of("victim", "192.0.2.1", now - 1), 1);
	assert_int_equal(wait_of("victim", "192.0.2.1", now), 0);
	for (int i = 0; i < 40; i++) { /* and stays the longest */
		assert_true(guess("victim", "192.0.2.1", now));
		assert_int_equal(wait_of("victim", "192.0.2.1", now), 15 * MINUTE);
		now += 15 * MINUTE;
	}
}

static void
a_day_of_guesses_from_one_address_is_few(void **state)
{
	int steady, patient = 0;

	(void)state;
	steady = looked_at("victim", "192.0.2.1", 0, DAY, 500);
	print_message("%d guesses a day at one account from one address\n", steady);
	assert_true(steady > 5 && steady < 150);
	/* Nor does it help to wait until the count has halved. */
	for (int64_t now = 0; now < DAY; now += 80 * MINUTE)
		patient += looked_at("other", "192.0.2.2", now, now + 20 * MINUTE, 500);
	print_message("%d with pauses\n", patient);
	assert_true(patient < 250);
}

static void
the_owner_is_not_kept_out_by_guesses_from_elsewhere(void **state)
{
	(void)state;
	looked_at("victim", "192.0.2.1", 0, DAY, 500);
	assert_true(wait_of("victim", "192.0.2.1", DAY) > 0);
	assert_int_equal(wait_of("victim", "192.0.2.2", DAY), 0);
	assert_true(sign_in("victim", "192.0.2.2", DAY));
	assert_true(wait_of("victim", "192.0.2.1", DAY) > 0); /* which tells the guesser nothing */
}

static void
many_addresses_are_slowed_and_a_known_one_is_not(void **state)
{
	char address[32];
	int looked = 0;
	int64_t now = HOUR;

	(void)state;
	assert_true(sign_in("victim", "192.0.2.1", 0));
	for (int i = 0; i < 2000; i++, now += 100) {
		snprintf(address, sizeof address, "198.51.%d.%d", i / 200, i % 200);
		looked += guess("victim", address, now);
	}
	print_message("%d of 2000 guesses from as many addresses within 200 s\n", looked);
	assert_true(looked < AUTH_ACCOUNT_FREE + 70);
	assert_true(wait_of("victim", "203.0.113.1", now) > 0);
	assert_true(wait_of("victim", "203.0.113.1", now) <= AUTH_ACCOUNT_DELAY_MAX_MS);
	assert_int_equal(wait_of("victim", "192.0.2.1", now), 0);
	assert_int_equal(wait_of("somebody", "203.0.113.1", now), 0);
}

static void
an_address_that_tries_many_accounts_is_slowed(void **state)
{
	char account[32];
	int looked = 0;
	int64_t now = 0;

	(void)state;
	for (int i = 0; i < 10000; i++, now += 100) {
		snprintf(account, sizeof account, "user%d", i);
		looked += guess(account, "192.0.2.1", now);
		/* An account of one's own does not help. */
		sign_in("mine", "192.0.2.1", now + 50);
	}
	print_message("%d of 10000 accounts tried within 1000 s\n", looked);
	assert_true(looked < limits.address_free + 40);
	assert_true(wait_of(NULL, "192.0.2.1", now) > 0);
	assert_int_equal(wait_of("user1", "192.0.2.2", now), 0);
}

static void
what_names_nobody_counts_for_the_address(void **state)
{
	(void)state;
	assert_int_equal(looked_at(NULL, "192.0.2.1", 0, 1000, 1), limits.address_free);
	assert_true(wait_of("user1", "192.0.2.1", 1000) > 0);
}

static void
a_success_forgets_the_failures_of_its_address(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(guess("user1", "192.0.2.1", i));
	assert_true(sign_in("user1", "192.0.2.1", 4));
	for (int i = 0; i < 4; i++)
		assert_true(guess("user1", "192.0.2.1", 5 + i));
	assert_int_equal(wait_of("user1", "192.0.2.1", 9), 0);
}

static void
only_one_attempt_is_under_way_when_the_free_ones_are_used_up(void **state)
{
	struct auth_attempt a = from("victim", "192.0.2.1");

	(void)state;
	for (int i = 0; i < 8; i++) /* all begin before the first has failed */
		assert_int_equal(auth_failures_try(table, &a, 0), 0);
	for (int i = 0; i < 8; i++)
		auth_failures_failed(table, &a, 1);
	assert_int_equal(wait_of("victim", "192.0.2.1", 1), 8000);
	assert_int_equal(auth_failures_try(table, &a, 8001), 0);
	assert_true(auth_failures_try(table, &a, 8001) > 0);
	auth_failures_succeeded(table, &a, 8002);
	assert_int_equal(auth_failures_try(table, &a, 8003), 0);
}

static void
counts_halve_with_time(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct auth_attempt a = from("user1", "192.0.2.1");

		auth_failures_failed(table, &a, 0);
	}
	assert_int_equal(wait_of("user1", "192.0.2.1", 0), 32000);
	assert_true(guess("user1", "192.0.2.1", HOUR));
	assert_int_equal(wait_of("user1", "192.0.2.1", HOUR), 2000); /* 10 / 2 + 1 */
	assert_true(guess("user1", "192.0.2.1", 2 * DAY));
	assert_int_equal(wait_of("user1", "192.0.2.1", 2 * DAY), 0);
}

/* More names than there is room for push out the small counts, not the guesser's. */
static void
a_flood_of_names_does_not_make_a_guesser_forgotten(void **state)
{
	char account[32], address[32];
	int64_t now = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		struct auth_attempt a = from("victim", "192.0.2.1");

		auth_failures_failed(table, &a, 0);
	}
	for (int i = 0; i < 100000; i++, now += 1) {
		snprintf(account, sizeof account, "user%d", i);
		snprintf(address, sizeof address, "10.%d.%d.%d", i % 200, i / 200 % 200, i / 40000);
		guess(account, address, now);
	}
	assert_int_equal(wait_of("victim", "192.0.2.1", now), 128000 - now);
}

static void
names_of_one_account_are_one(void **state)
{
	static const struct {
		const char *claimed, *account;
	} rows[] = {
	    {"user1", "user1"},
	    {"USER1", "user1"},
	    {"NWTRADERS\\User1", "user1"},
	    {"user1@nwtraders.com", "user1"},
	    {"user1@NWTRADERS", "user1"},
	    {"a@b@c", "a@b"},
	    {"@c", "@c"},
	    {"a\\b\\c", "c"},
	    {"a\\", "a\\"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *account = auth_account_of(rows[i].claimed);

		assert_string_equal(account, rows[i].account);
		free(account);
	}
}

static void
an_ipv6_network_is_one_address(void **state)
{
	static const struct {
		const char *peer, *address;
	} rows[] = {
	    {"192.0.2.1:1234", "192.0.2.1"},
	    {"2001:db8:1:2:3:4:5:6:1234", "2001:db8:1:2::"},
	    {"2001:db8:1:2:ffff::1:1234", "2001:db8:1:2::"},
	    {"::1:1234", "::"},
	    {"::ffff:192.0.2.1:1234", "192.0.2.1"},
	    {"?:0", "?"},
	    {"local", "local"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char address[AUTH_ADDRESS_SIZE];

		auth_address_of(rows[i].peer, address);
		assert_string_equal(address, rows[i].address);
	}
}

static int
fresh(void **state)
{
	struct err err;

	(void)state;
	return auth_failures_new(&limits, &table, &err) ? 0 : 1;
}

static int
drop(void **state)
{
	(void)state;
	auth_failures_free(&table);
	return 0;
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, fresh, drop)
	const struct CMUnitTest tests[] = {
	    ROW(the_wait_doubles_after_the_free_failures),
	    ROW(a_day_of_guesses_from_one_address_is_few),
	    ROW(the_owner_is_not_kept_out_by_guesses_from_elsewhere),
	    ROW(many_addresses_are_slowed_and_a_known_one_is_not),
	    ROW(an_address_that_tries_many_accounts_is_slowed),
	    ROW(what_names_nobody_counts_for_the_address),
	    ROW(a_success_forgets_the_failures_of_its_address),
	    ROW(only_one_attempt_is_under_way_when_the_free_ones_are_used_up),
	    ROW(counts_halve_with_time),
	    ROW(a_flood_of_names_does_not_make_a_guesser_forgotten),
	    cmocka_unit_test(names_of_one_account_are_one),
	    cmocka_unit_test(an_ipv6_network_is_one_address),
	};
#undef ROW

	return cmocka_run_group_tests(tests, NULL, NULL);
}
