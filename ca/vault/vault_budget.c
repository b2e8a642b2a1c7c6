#include "vault_budget.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "archive.h"
#include "mem.h"

#define ROOM_MIN 64

static bool
hash_requester(struct view requester, uint8_t out[16])
{
	uint8_t hash[32];

	if (EVP_Digest(requester.ptr, requester.len, hash, NULL, cms_digest(NID_sha256), NULL) != 1)
		return false;
	memcpy(out, hash, 16);
	return true;
}

static bool
is_over(const struct vault_budget *b, const struct vault_budget_entry *e, int64_t now_ms)
{
	return now_ms >= e->suspended_until && now_ms - e->begun_ms >= b->period_ms;
}

/* NULL: no failure of his counts. */
static struct vault_budget_entry *
find(struct vault_budget *b, const uint8_t requester[16], int64_t now_ms)
{
	for (size_t i = 0; i < b->count; i++)
		if (memcmp(b->list[i].requester, requester, 16) == 0) {
			if (!is_over(b, &b->list[i], now_ms))
				return &b->list[i];
			b->list[i] = b->list[--b->count];
			return NULL;
		}
	return NULL;
}

/* Room for one entry more, where those that do not count any more were. */
static void
make_room(struct vault_budget *b, int64_t now_ms)
{
	if (b->count < b->room)
		return;
	for (size_t i = 0; i < b->count;)
		if (is_over(b, &b->list[i], now_ms))
			b->list[i] = b->list[--b->count];
		else
			i++;
	if (b->count < b->room)
		return;
	b->room = b->room > 0 ? 2 * b->room : ROOM_MIN;
	b->list = mem_grow(b->list, b->room - 1, sizeof *b->list);
}

void
vault_budget_open(struct vault_budget *b, uint32_t failures_max, int64_t period_s)
{
	*b = (struct vault_budget){.failures_max = failures_max, .period_ms = period_s * 1000};
	pthread_mutex_init(&b->lock, NULL);
}

void
vault_budget_close(struct vault_budget *b)
{
	free(b->list);
	b->list = NULL;
	b->count = b->room = 0;
}

bool
vault_budget_check(struct vault_budget *b, struct view requester, int64_t now_ms, struct err *err)
{
	const struct vault_budget_entry *e;
	uint8_t id[16];
	int64_t wait = 0;

	if (!hash_requester(requester, id))
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing a requester's name");
	pthread_mutex_lock(&b->lock);
	e = find(b, id, now_ms);
	if (e != NULL && e->suspended_until > now_ms)
		wait = e->suspended_until - now_ms;
	pthread_mutex_unlock(&b->lock);
	if (wait > 0)
		return err_set(err, DIRCA_E_ARCHIVAL_SUSPENDED,
		    "keys of this requester are not archived for another %lld seconds: too many "
		    "that he sent could not be archived",
		    (long long)(wait + 999) / 1000);
	return true;
}

bool
vault_budget_fail(struct vault_budget *b, struct view requester, int64_t now_ms)
{
	struct vault_budget_entry *e;
	bool suspended = false;
	uint8_t id[16];

	if (!hash_requester(requester, id))
		return false;
	pthread_mutex_lock(&b->lock);
	if ((e = find(b, id, now_ms)) == NULL) {
		make_room(b, now_ms);
		e = &b->list[b->count++];
		*e = (struct vault_budget_entry){.begun_ms = now_ms};
		memcpy(e->requester, id, sizeof e->requester);
	}
	if (++e->failures >= b->failures_max && e->suspended_until <= now_ms) {
		e->suspended_until = now_ms + b->period_ms;
		suspended = true;
	}
	pthread_mutex_unlock(&b->lock);
	return suspended;
}
