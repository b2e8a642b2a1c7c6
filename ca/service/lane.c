#include "lane.h"

void
lane_open(struct lane *l, size_t at_most)
{
	*l = (struct lane){.at_most = at_most};
	l->last = &l->first;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
}

void
lane_free(struct lane *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
}

static bool
is_ended(const struct lane *l)
{
	return l->closing && l->first == NULL;
}

static bool
may_take(const struct lane *l)
{
	return l->first != NULL && l->at_work < l->at_most;
}

bool
lane_put(struct lane *l, struct http_call *call)
{
	bool accepted, wakes;

	pthread_mutex_lock(&l->lock);
	if ((accepted = l->length < LANE_MAX && !l->closing)) {
		*l->last = call;
		l->last = &call->next;
		l->length++;
	}
	wakes = may_take(l);
	pthread_mutex_unlock(&l->lock);
	/* Whoever wakes wants the lock. */
	if (wakes)
		pthread_cond_signal(&l->changed);
	return accepted;
}

struct http_call *
lane_take(struct lane *l)
{
	struct http_call *call = NULL;

	pthread_mutex_lock(&l->lock);
	while (!may_take(l) && !is_ended(l))
		pthread_cond_wait(&l->changed, &l->lock);
	if ((call = l->first) != NULL) {
		if ((l->first = call->next) == NULL)
			l->last = &l->first;
		call->next = NULL;
		l->length--;
		l->at_work++;
	}
	pthread_mutex_unlock(&l->lock);
	return call;
}

void
lane_leave(struct lane *l)
{
	bool wakes, closing;

	pthread_mutex_lock(&l->lock);
	l->at_work--;
	wakes = may_take(l);
	closing = l->closing;
	pthread_mutex_unlock(&l->lock);
	if (closing)
		pthread_cond_broadcast(&l->changed);
	else if (wakes)
		pthread_cond_signal(&l->changed);
}

void
lane_enter(struct lane *l)
{
	pthread_mutex_lock(&l->lock);
	l->at_work++;
	pthread_mutex_unlock(&l->lock);
}

void
lane_close(struct lane *l)
{
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	pthread_mutex_unlock(&l->lock);
	pthread_cond_broadcast(&l->changed);
}
