#include "workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "mem.h"
#include "own.h"
#include "routes.h"

#define QUEUE_MAX 4096

struct worker {
	struct workers *pool;
	struct vault vault;
	pthread_t thread;
};

struct workers {
	struct ca *ca;
	struct worker *list;
	size_t count;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct http_call *first, **last;
	size_t queued;
	bool stopping;
};

static struct http_call *
take(struct workers *w)
{
	struct http_call *call;

	pthread_mutex_lock(&w->lock);
	while (w->first == NULL && !w->stopping)
		pthread_cond_wait(&w->more, &w->lock);
	if ((call = w->first) != NULL) {
		if ((w->first = call->next) == NULL)
			w->last = &w->first;
		call->next = NULL;
		w->queued--;
	}
	pthread_mutex_unlock(&w->lock);
	return call;
}

static void *
work(void *arg)
{
	struct worker *me = arg;
	struct http_call *call;

	while ((call = take(me->pool)) != NULL) {
		route_dispatch(me->pool->ca, &me->vault, call);
		http_done(call);
	}
	return NULL;
}

bool
workers_start(
    struct ca *ca, const int *vault_fds, size_t count, struct workers **out, struct err *err)
{
	OWNED(workers_stop) struct workers *w = mem_zero(1, sizeof *w);

	*out = NULL;
	w->list = mem_zero(count, sizeof *w->list);
	w->ca = ca;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	for (; w->count < count; w->count++) {
		struct worker *me = &w->list[w->count];

		*me = (struct worker){.pool = w, .vault = {vault_fds[w->count]}};
		if (pthread_create(&me->thread, NULL, work, me) != 0)
			return err_set(
			    err, DIRCA_E_INTERNAL, "a worker thread could not be started");
	}
	*out = own_give(&w);
	return true;
}

void
workers_dispatch(struct http_call *call, void *arg)
{
	struct workers *w = arg;
	bool accepted;

	pthread_mutex_lock(&w->lock);
	if ((accepted = w->queued < QUEUE_MAX && !w->stopping)) {
		*w->last = call;
		w->last = &call->next;
		w->queued++;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	if (!accepted) {
		call->status = 503;
		http_done(call);
	}
}

void
workers_stop(struct workers **wp)
{
	struct workers *w = *wp;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->count; i++)
		pthread_join(w->list[i].thread, NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->more);
	free(w->list);
	free(w);
	*wp = NULL;
}
