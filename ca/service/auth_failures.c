#include "auth_failures.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "buf.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define BUCKETS        2048
#define WAYS           8
#define KEY_LEN        16
#define FIRST_DELAY_MS INT64_C(1000)
#define FAILURES_MOST  1000
#define MINUTE_MS      INT64_C(60000)

enum scope { ACCOUNT_AND_ADDRESS, ADDRESS, ACCOUNT, SCOPE_COUNT };

struct entry {
	uint8_t key[KEY_LEN];
	bool used;
	enum scope scope;
	bool known;      /* the account has signed in from the address */
	int failures;    /* at last_ms */
	int64_t last_ms; /* of the last failure; of the last use if there is none */
	int64_t next_ms; /* no attempt before */
};

/* Which entry stands for a scope is found by a hash that is keyed anew at each start: nobody can
 * choose names that push out an entry. */
struct auth_failures {
	struct {
		int free;
		int64_t max_delay_ms, half_life_ms;
	} rules[SCOPE_COUNT];
	uint8_t secret[32];
	struct entry entries[BUCKETS][WAYS];
};

bool
auth_failures_new(const struct auth_limits *limits, struct auth_failures **out, struct err *err)
{
	struct auth_failures *f = mem_zero(1, sizeof *f);

	*out = f;
	f->rules[ACCOUNT_AND_ADDRESS].free = limits->account_free;
	f->rules[ACCOUNT_AND_ADDRESS].max_delay_ms = limits->max_delay_ms;
	f->rules[ACCOUNT_AND_ADDRESS].half_life_ms = 60 * MINUTE_MS;
	f->rules[ADDRESS].free = limits->address_free;
	f->rules[ADDRESS].max_delay_ms = AUTH_ADDRESS_DELAY_MAX_MS;
	f->rules[ADDRESS].half_life_ms = 15 * MINUTE_MS;
	f->rules[ACCOUNT].free = AUTH_ACCOUNT_FREE;
	f->rules[ACCOUNT].max_delay_ms = AUTH_ACCOUNT_DELAY_MAX_MS;
	f->rules[ACCOUNT].half_life_ms = 15 * MINUTE_MS;
	if (RAND_bytes(f->secret, sizeof f->secret) == 1)
		return true;
	auth_failures_free(out);
	return err_openssl(err, DIRCA_E_CRYPTO, "no random numbers");
}

void
auth_failures_free(struct auth_failures **f)
{
	free(*f);
	*f = NULL;
}

/* ---- The table ---- */

/* False if the scope does not concern the attempt. */
static bool
make_key(
    const struct auth_failures *f, enum scope scope, const struct auth_attempt *a, uint8_t out[32])
{
	const char *account = scope == ADDRESS ? "" : a->account;
	const char *address = scope == ACCOUNT ? "" : a->address;
	OWNED(buf_free) struct buf b = {0};
	struct err ignored;

	if (account == NULL)
		return false;
	return buf_append(&b, view_of(f->secret, sizeof f->secret), &ignored) &&
	       buf_append(&b, view_of(&(uint8_t){(uint8_t)scope}, 1), &ignored) &&
	       buf_append(&b, view_of(account, strlen(account) + 1), &ignored) &&
	       buf_append(&b, view_of(address, strlen(address)), &ignored) &&
	       EVP_Digest(b.ptr, b.len, out, NULL, EVP_sha256(), NULL) == 1;
}

/* What is left of the failures now. */
static int
count_now(const struct auth_failures *f, const struct entry *e, int64_t now_ms)
{
	int64_t halvings = (now_ms - e->last_ms) / f->rules[e->scope].half_life_ms;

	return halvings > 30 ? 0 : e->failures >> (halvings > 0 ? halvings : 0);
}

static bool
is_worth_less(
    const struct auth_failures *f, const struct entry *a, const struct entry *b, int64_t now_ms)
{
	int one = count_now(f, a, now_ms), other = count_now(f, b, now_ms);

	if (a->used != b->used)
		return !a->used;
	return one != other ? one < other : a->last_ms < b->last_ms;
}

/* The entry of a scope; NULL if there is none. With `make` there is one, if the scope concerns the
 * attempt. */
static struct entry *
find(struct auth_failures *f, enum scope scope, const struct auth_attempt *a, bool make,
    int64_t now_ms)
{
	uint8_t key[32];
	struct entry *bucket, *victim;

	if (!make_key(f, scope, a, key))
		return NULL;
	bucket = f->entries[(key[31] << 8 | key[30]) % BUCKETS];
	victim = &bucket[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].used && memcmp(bucket[i].key, key, KEY_LEN) == 0)
			return &bucket[i];
		if (is_worth_less(f, &bucket[i], victim, now_ms))
			victim = &bucket[i];
	}
	if (!make)
		return NULL;
	*victim = (struct entry){.used = true, .scope = scope};
	memcpy(victim->key, key, KEY_LEN);
	return victim;
}

/* ---- The decision ---- */

static int64_t
delay_after(const struct auth_failures *f, enum scope scope, int failures)
{
	int64_t most = f->rules[scope].max_delay_ms;
	int doublings = failures - f->rules[scope].free;

	if (doublings < 0)
		return 0;
	return doublings > 30 || (FIRST_DELAY_MS << doublings) > most ? most
								      : FIRST_DELAY_MS << doublings;
}

int64_t
auth_failures_wait(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms)
{
	const struct entry *own = find(f, ACCOUNT_AND_ADDRESS, a, false, now_ms);
	int64_t most = 0;

	for (int scope = 0; scope < SCOPE_COUNT; scope++) {
		const struct entry *e = find(f, (enum scope)scope, a, false, now_ms);

		if (e == NULL || (scope == ACCOUNT && own != NULL && own->known))
			continue;
		if (e->next_ms - now_ms > most)
			most = e->next_ms - now_ms;
	}
	return most;
}

int64_t
auth_failures_try(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms)
{
	int64_t wait = auth_failures_wait(f, a, now_ms);

	for (int scope = 0; wait == 0 && scope < SCOPE_COUNT; scope++) {
		struct entry *e = find(f, (enum scope)scope, a, false, now_ms);

		if (e != NULL)
			e->next_ms =
			    now_ms + delay_after(f, (enum scope)scope, count_now(f, e, now_ms));
	}
	return wait;
}

void
auth_failures_failed(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms)
{
	for (int scope = 0; scope < SCOPE_COUNT; scope++) {
		struct entry *e = find(f, (enum scope)scope, a, true, now_ms);

		if (e == NULL)
			continue;
		e->failures = count_now(f, e, now_ms);
		if (e->failures < FAILURES_MOST)
			e->failures++;
		e->last_ms = now_ms;
		e->next_ms = now_ms + delay_after(f, e->scope, e->failures);
	}
}

void
auth_failures_succeeded(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms)
{
	struct entry *e = find(f, ACCOUNT_AND_ADDRESS, a, true, now_ms);

	if (e == NULL)
		return;
	e->known = true;
	e->failures = 0;
	e->last_ms = now_ms;
	e->next_ms = 0;
}

/* ---- Names and addresses ---- */

char *
auth_account_of(const char *claimed)
{
	const char *slash = strrchr(claimed, '\\');
	char *account = text_fold(slash != NULL && slash[1] != '\0' ? slash + 1 : claimed);
	char *at = account != NULL ? strrchr(account, '@') : NULL;

	if (at != NULL && at != account)
		*at = '\0';
	return account;
}

void
auth_address_of(const char *peer, char out[AUTH_ADDRESS_SIZE])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *colon = strrchr(peer, ':');
	size_t len = colon != NULL ? (size_t)(colon - peer) : strlen(peer);
	struct in6_addr address;

	len = len < AUTH_ADDRESS_SIZE ? len : AUTH_ADDRESS_SIZE - 1;
	memcpy(out, peer, len);
	out[len] = '\0';
	if (inet_pton(AF_INET6, out, &address) != 1)
		return;
	if (memcmp(address.s6_addr, mapped, sizeof mapped) == 0) {
		inet_ntop(AF_INET, address.s6_addr + sizeof mapped, out, AUTH_ADDRESS_SIZE);
		return;
	}
	memset(address.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &address, out, AUTH_ADDRESS_SIZE);
}
