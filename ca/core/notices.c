#include "notices.h"

#include <stdlib.h>

#include "ca_priv.h"
#include "clock.h"
#include "mem.h"
#include "own.h"

#define HOOK_DEFAULT "kra exchange request crl audit recovery"

struct waiting {
	struct notice notice;
	struct waiting *next;
};

void
notice_free(struct notice *n)
{
	event_record_free(&n->event);
}

void
notices_init(struct notices *q)
{
	pthread_mutex_init(&q->lock, NULL);
	clock_cond_init(&q->more);
	q->last = &q->first;
}

static struct waiting *
take_first(struct notices *q)
{
	struct waiting *w = q->first;

	if (w == NULL)
		return NULL;
	if ((q->first = w->next) == NULL)
		q->last = &q->first;
	q->length--;
	return w;
}

void
notices_destroy(struct notices *q)
{
	struct waiting *w;

	while ((w = take_first(q)) != NULL) {
		notice_free(&w->notice);
		free(w);
	}
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->more);
}

bool
notices_wanted(const struct ca *ca)
{
	const struct config *c = ca->config;

	return c->event_hook != NULL || c->event_mail_count > 0 || c->pending_mail_count > 0 ||
	       c->requester_mail;
}

void
notices_push(struct ca *ca, struct event_record e, bool waited)
{
	struct notices *q = &ca->state->notices;
	struct waiting *w = mem_zero(1, sizeof *w);

	w->notice = (struct notice){.event = e, .waited = waited};
	pthread_mutex_lock(&q->lock);
	if (q->length < NOTICES_MAX && !q->stop) {
		*q->last = w;
		q->last = &w->next;
		q->length++;
		w = NULL;
		pthread_cond_signal(&q->more);
	} else {
		q->lost++;
	}
	pthread_mutex_unlock(&q->lock);
	if (w != NULL) {
		notice_free(&w->notice);
		free(w);
	}
}

bool
ca_notice_take(struct ca *ca, int64_t ms, struct notice *out)
{
	struct notices *q = &ca->state->notices;
	OWNED(own_memory) struct waiting *w = NULL;
	struct timespec until = clock_timespec(clock_mono_ms() + ms);

	*out = (struct notice){0};
	pthread_mutex_lock(&q->lock);
	while (
	    q->first == NULL && !q->stop && pthread_cond_timedwait(&q->more, &q->lock, &until) == 0)
		;
	w = q->stop ? NULL : take_first(q);
	pthread_mutex_unlock(&q->lock);
	if (w != NULL)
		*out = w->notice;
	return w != NULL;
}

void
ca_notices_stop(struct ca *ca)
{
	struct notices *q = &ca->state->notices;

	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->more);
	pthread_mutex_unlock(&q->lock);
}

bool
ca_notices_stopped(struct ca *ca)
{
	return ca->state->notices.stop;
}

int64_t
ca_notices_lost(struct ca *ca)
{
	return ca->state->notices.lost;
}

/* ---- owners ---- */

bool
owner_hook_set(const struct config *config, struct event_set *out, struct err *err)
{
	return event_set_parse(
	    config->event_hook_on != NULL ? config->event_hook_on : HOOK_DEFAULT, out, err);
}

enum owner_way
owner_way(const struct config *config, int64_t event_number)
{
	struct event_set set;
	struct err ignored;

	if (config->requester_mail)
		return OWNER_BY_MAIL;
	return config->event_hook != NULL && owner_hook_set(config, &set, &ignored) &&
		       event_set_has(&set, event_number)
		   ? OWNER_BY_PROGRAM
		   : OWNER_BY_NOBODY;
}

bool
owner_has_to_be_told(const struct config *config, int64_t event_number, bool waited)
{
	const struct event_kind *kind = event_kind(event_number);

	return waited && kind != NULL && kind->category == EVENT_CATEGORY_RECOVERY &&
	       owner_way(config, event_number) != OWNER_BY_NOBODY;
}
