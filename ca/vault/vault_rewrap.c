/* Around the opening of an archived key: once, within a budget, and no sooner told than known. */
#include "vault_priv.h"

#include <stdlib.h>
#include <time.h>
#include <openssl/objects.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "own_openssl.h"
#include "text.h"

#define REQUESTER_MAX 256
/* Answers to keys that cannot be archived leave at multiples of this: what is left of differences
 * between the ways to fail (they make the same work) does not show. */
#define TICK_NS INT64_C(5000000)
#define NS      INT64_C(1000000000)

int64_t
vault_rewrap_begin(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

static void
wait_for_tick(int64_t begun_ns)
{
	int64_t until = begun_ns + ((vault_rewrap_begin() - begun_ns) / TICK_NS + 1) * TICK_NS;
	struct timespec t = {(time_t)(until / NS), (long)(until % NS)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

/* SHA-256 of all that makes two requests one: what was sent, for which key, by whom. */
static bool
hash_whole(const struct vault_opening *o, uint8_t out[32], struct err *err)
{
	const struct view parts[] = {o->payload, o->what_for, o->by};
	OWNED(own_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, cms_digest(NID_sha256), NULL) == 1;

	for (size_t i = 0; ok && i < COUNT_OF(parts); i++) {
		uint64_t len = parts[i].len;

		ok = EVP_DigestUpdate(ctx, &len, sizeof len) == 1 &&
		     EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	return ok || err_openssl(err, DIRCA_E_CRYPTO, "hashing a request for archival");
}

/* What is remembered of it (vault_opened.h): the encrypted key; or the key with all that came
 * with it, so that a wrong attempt takes nothing from the right one. It learns nothing by trying:
 * whatever is not what was encrypted has no tag that fits, and has the one answer. */
static bool
make_mark(const struct vault_opening *o, const struct archive_payload *payload,
    const uint8_t whole[32], uint8_t out[32], struct err *err)
{
	uint8_t both[64];

	memcpy(out, payload->encrypted_key, 32);
	if (!o->names_itself)
		return true;
	memcpy(both, payload->encrypted_key, 32);
	memcpy(both + 32, whole, 32);
	return EVP_Digest(both, sizeof both, out, NULL, cms_digest(NID_sha256), NULL) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "hashing a request for archival");
}

bool
vault_rewrap_claim(struct vault_worker *w, const struct vault_opening *o,
    const struct archive_payload *payload, bool *claimed_out, struct err *err)
{
	uint8_t whole[32], mark[32];

	*claimed_out = false;
	if (o->requester.len > REQUESTER_MAX)
		return err_set(
		    err, E_INVALIDARG, "a requester's name of over %d octets", REQUESTER_MAX);
	*claimed_out = vault_budget_check(&w->state->budget, o->requester, clock_mono_ms(), err) &&
		       hash_whole(o, whole, err) && make_mark(o, payload, whole, mark, err) &&
		       vault_xchgs_claim(o->keys, o->id, mark, whole, err);
	return *claimed_out;
}

void
vault_rewrap_failed(struct vault_worker *w, const struct vault_opening *o,
    const struct archive_payload *payload, bool claimed, int64_t begun_ns)
{
	uint8_t whole[32], mark[32];
	struct err ignored; /* it was hashed before */

	if (claimed && hash_whole(o, whole, &ignored) &&
	    make_mark(o, payload, whole, mark, &ignored))
		vault_xchgs_fail(o->keys, o->id, mark);
	if (vault_budget_fail(&w->state->budget, o->requester, clock_mono_ms())) {
		OWNED(own_memory) char *name = mem_text_n(o->requester.ptr, o->requester.len);

		log_warn("archival suspended", LOG_STR("requester", name),
		    LOG_INT("seconds", w->state->budget.period_ms / 1000));
	}
	if (claimed)
		wait_for_tick(begun_ns);
}
