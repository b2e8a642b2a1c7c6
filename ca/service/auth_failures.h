/*
 * Failed sign-ins, counted so that passwords cannot be guessed: one table for all ways to sign in.
 * Each failure counts three times, and each count has a wait that doubles with every failure beyond
 * what is free:
 *
 *   this account from this address   what a guesser meets; the longest wait
 *   this address                     who tries many accounts
 *   this account                     who tries from many addresses; the shortest wait, and none for
 *                                    an address from which the account has signed in before, so
 * that nobody is kept out for long by what others do elsewhere
 *
 * An attempt that has to wait is refused without a look at the password. Counts halve with time.
 * Pure: the clock is passed in. Of fixed size: where there is no room, the smallest count goes. Not
 * thread-safe.
 */
#ifndef SERVICE_AUTH_FAILURES_H
#define SERVICE_AUTH_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct auth_limits {
	int account_free;     /* failures of an account from an address before there is a wait */
	int address_free;     /* failures of an address */
	int64_t max_delay_ms; /* longest wait of an account from an address */
};

/* Failures of an account from anywhere before there is a wait, and the longest waits. */
#define AUTH_ACCOUNT_FREE         50
#define AUTH_ACCOUNT_DELAY_MAX_MS 4000
#define AUTH_ADDRESS_DELAY_MAX_MS 60000

struct auth_attempt {
	const char *account; /* auth_account_of; NULL: not known, only the address counts */
	const char *address; /* auth_address_of */
};

struct auth_failures;
bool auth_failures_new(
    const struct auth_limits *limits, struct auth_failures **out, struct err *err);
void auth_failures_free(struct auth_failures **f);
/* Milliseconds until the attempt may be made; 0: now. */
int64_t auth_failures_wait(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms);
/* The same, and if it is now, the attempt is under way: where the free failures are used up, no
 * second one may be made until this one's wait is over, whatever becomes of it. */
int64_t auth_failures_try(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms);
void auth_failures_failed(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms);
/* Forgets what failed for this account from this address, and nothing else: an own account must not
 * be good for guessing at others. */
void auth_failures_succeeded(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms);

/* One spelling of the names that may be one account: without DOMAIN\ and @suffix, without case.
 * free(). */
char *auth_account_of(const char *claimed);
/* What counts as one address of "address:port": an IPv4 address, or the /64 network of an IPv6
 * address. */
#define AUTH_ADDRESS_SIZE 64
void auth_address_of(const char *peer, char out[AUTH_ADDRESS_SIZE]);

#endif
