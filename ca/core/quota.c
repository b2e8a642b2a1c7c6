#include "quota.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct slot {
	char *requester; /* NULL: free */
	int64_t since_ms, requests, bytes, left_out, left_out_before;
};

struct quota {
	pthread_mutex_t lock;
	struct slot slots[QUOTA_SLOTS];
};

struct quota *
quota_new(void)
{
	struct quota *quota = mem_zero(1, sizeof *quota);

	pthread_mutex_init(&quota->lock, NULL);
	return quota;
}

void
quota_free(struct quota **quota)
{
	if (*quota == NULL)
		return;
	for (size_t i = 0; i < QUOTA_SLOTS; i++)
		free((*quota)->slots[i].requester);
	pthread_mutex_destroy(&(*quota)->lock);
	free(*quota);
	*quota = NULL;
}

static bool
is_over(const struct slot *s, int64_t now_ms)
{
	return now_ms - s->since_ms >= QUOTA_WINDOW_MS;
}

/* Whom to forget: nobody, then one whose hour is over, then the one that asked least, so that many
 * accounts cannot push out the one that asks much. */
static bool
is_better_victim(const struct slot *a, const struct slot *b, int64_t now_ms)
{
	if (a->requester == NULL || b->requester == NULL)
		return b->requester != NULL;
	if (is_over(a, now_ms) != is_over(b, now_ms))
		return is_over(a, now_ms);
	return a->requests + a->left_out < b->requests + b->left_out;
}

static struct slot *
slot_of(struct quota *quota, const char *requester, int64_t now_ms)
{
	struct slot *victim = &quota->slots[0];

	for (size_t i = 0; i < QUOTA_SLOTS; i++) {
		struct slot *s = &quota->slots[i];

		if (s->requester != NULL && strcmp(s->requester, requester) == 0) {
			if (is_over(s, now_ms))
				*s = (struct slot){.requester = s->requester,
				    .since_ms = now_ms,
				    .left_out_before = s->left_out};
			return s;
		}
		if (is_better_victim(s, victim, now_ms))
			victim = s;
	}
	free(victim->requester);
	*victim = (struct slot){.requester = mem_text(requester), .since_ms = now_ms};
	return victim;
}

static bool
fits(const struct slot *s, int64_t bytes, const struct quota_limits *limits)
{
	return (limits->requests == 0 || s->requests < limits->requests) &&
	       (limits->bytes == 0 || bytes <= limits->bytes - s->bytes);
}

static bool
take(struct slot *s, int64_t now_ms, int64_t bytes, const struct quota_limits *limits,
    struct quota_verdict *out, struct err *err)
{
	if (!fits(s, bytes, limits)) {
		out->left_out = ++s->left_out;
		out->retry_after_s = (s->since_ms + QUOTA_WINDOW_MS - now_ms + 999) / 1000;
		return err_set(err, DIRCA_E_QUOTA,
		    "%lld requests of %lld bytes within the hour are what this requester may "
		    "make; try again in %lld s",
		    (long long)s->requests, (long long)s->bytes, (long long)out->retry_after_s);
	}
	s->requests++;
	s->bytes += bytes;
	out->left_out_before = s->left_out_before;
	s->left_out_before = 0;
	return true;
}

bool
quota_take(struct quota *quota, const char *requester, int64_t now_ms, int64_t bytes,
    const struct quota_limits *limits, struct quota_verdict *out, struct err *err)
{
	bool ok;

	*out = (struct quota_verdict){0};
	pthread_mutex_lock(&quota->lock);
	ok = take(slot_of(quota, requester, now_ms), now_ms, bytes, limits, out, err);
	pthread_mutex_unlock(&quota->lock);
	return ok;
}
