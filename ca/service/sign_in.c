#include "sign_in.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "auth_failures.h"
#include "clock.h"
#include "log.h"
#include "own.h"
#include "printable.h"
#include "text.h"

static struct {
	struct ca *ca;
	pthread_mutex_t lock; /* of what follows */
	struct auth_failures *failures;
	/* Guessing that has led to a wait has records of its own: single failures of others must
	 * not push them out. */
	struct sign_in_budget budgets[2];
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool
sign_in_open(struct ca *ca, struct err *err)
{
	const struct auth_limits limits = {
	    .account_free = ca->config->auth_failures,
	    .address_free = ca->config->auth_address_failures,
	    .max_delay_ms = (int64_t)ca->config->auth_delay_max_s * 1000,
	};

	shared.ca = ca;
	return auth_failures_new(&limits, &shared.failures, err);
}

void
sign_in_close(void)
{
	auth_failures_free(&shared.failures);
}

bool
sign_in_budget_spend(struct sign_in_budget *b, int64_t now_ms)
{
	int64_t earned = (now_ms - b->since_ms) / SIGN_IN_RECORD_PERIOD_MS;

	if (earned >= b->spent) {
		b->spent = 0;
		b->since_ms = now_ms;
	} else if (earned > 0) {
		b->spent -= (int)earned;
		b->since_ms += earned * SIGN_IN_RECORD_PERIOD_MS;
	}
	if (b->spent < SIGN_IN_RECORDS) {
		b->spent++;
		return true;
	}
	b->left_out++;
	return false;
}

/* What the table knows of an attempt. */
struct counted {
	struct auth_attempt attempt;
	char *account;
	char address[AUTH_ADDRESS_SIZE];
};

static void
counted_free(struct counted *c)
{
	free(c->account);
}

static void
counted_init(const struct sign_in *s, struct counted *out)
{
	auth_address_of(s->call->peer, out->address);
	out->account = s->claimed != NULL ? auth_account_of(s->claimed) : NULL;
	out->attempt = (struct auth_attempt){out->account, out->address};
}

typedef int64_t asked_wait(struct auth_failures *f, const struct auth_attempt *a, int64_t now_ms);

static bool
may(const struct sign_in *s, asked_wait *ask, int64_t *wait_s_out, struct err *err)
{
	OWNED(counted_free) struct counted c = {0};
	int64_t wait_ms;

	counted_init(s, &c);
	pthread_mutex_lock(&shared.lock);
	wait_ms = ask(shared.failures, &c.attempt, clock_mono_ms());
	pthread_mutex_unlock(&shared.lock);
	*wait_s_out = (wait_ms + 999) / 1000;
	return wait_ms == 0 ||
	       err_set(err, DIRCA_E_TOO_MANY_ATTEMPTS,
		   "too many sign-ins by this name or from this address have failed: try again in "
		   "%lld s",
		   (long long)*wait_s_out);
}

bool
sign_in_may_go_on(const struct sign_in *s, int64_t *wait_s_out, struct err *err)
{
	return may(s, auth_failures_wait, wait_s_out, err);
}

bool
sign_in_begin(const struct sign_in *s, int64_t *wait_s_out, struct err *err)
{
	return may(s, auth_failures_try, wait_s_out, err);
}

static void
record(const struct sign_in *s, const char *address, const struct err *why, int64_t left_out)
{
	OWNED(own_memory)
	char *actor =
	    printable_escape(s->claimed != NULL && s->claimed[0] != '\0' ? s->claimed : "-");
	OWNED(own_memory)
	char *detail = text_printf(
	    "mechanism=%s left_out=%lld %s", s->mechanism, (long long)left_out, why->msg);
	struct ca_audit a = {.when = clock_now(),
	    .event = AUDIT_SIGN_IN_FAILED,
	    .status = why->code,
	    .actor = actor,
	    .object = address,
	    .detail = detail};
	struct err err;

	if (!ca_audit_alone(shared.ca->store, &a, &err))
		log_error("failed sign-in not audited", LOG_REASON(&err));
}

void
sign_in_failed(const struct sign_in *s, const struct err *why)
{
	OWNED(counted_free) struct counted c = {0};
	struct sign_in_budget *b;
	int64_t now = clock_mono_ms(), wait_ms, left_out = 0;
	bool recorded;

	counted_init(s, &c);
	pthread_mutex_lock(&shared.lock);
	auth_failures_failed(shared.failures, &c.attempt, now);
	wait_ms = auth_failures_wait(shared.failures, &c.attempt, now);
	b = &shared.budgets[wait_ms > 0];
	if ((recorded = sign_in_budget_spend(b, now))) {
		left_out = b->left_out;
		b->left_out = 0;
	}
	pthread_mutex_unlock(&shared.lock);
	log_warn("authentication refused", LOG_STR("peer", s->call->peer),
	    LOG_STR("mechanism", s->mechanism), LOG_STR("user", s->claimed),
	    LOG_INT("wait_s", (wait_ms + 999) / 1000), LOG_REASON(why));
	if (recorded)
		record(s, c.address, why, left_out);
}

void
sign_in_succeeded(const struct sign_in *s)
{
	OWNED(counted_free) struct counted c = {0};

	counted_init(s, &c);
	pthread_mutex_lock(&shared.lock);
	auth_failures_succeeded(shared.failures, &c.attempt, clock_mono_ms());
	pthread_mutex_unlock(&shared.lock);
}
