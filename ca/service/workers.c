#include "workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "json.h"
#include "lane.h"
#include "metrics.h"
#include "own.h"
#include "routes.h"
#include "service.h"
#include "vault_lost.h"

/* Of what asks no vault and, but for the sign-in of who wants the status, no directory. */
#define OPEN_THREADS   2
#define STATUS_THREADS 2

struct worker {
	struct workers *pool;
	enum route_lane lane;
	struct vault vault;
	pthread_t thread;
};

struct workers {
	struct ca *ca;
	struct worker *list;
	size_t count;
	struct lane lanes[ROUTE_LANES];
};

/* Of the worker whose thread this is. */
static _Thread_local struct lane *its_lane;

static void
wait_begins(void)
{
	if (its_lane != NULL)
		lane_leave(its_lane);
}

static void
wait_ends(void)
{
	if (its_lane != NULL)
		lane_enter(its_lane);
}

static void *
work(void *arg)
{
	struct worker *me = arg;
	struct http_call *call;

	its_lane = &me->pool->lanes[me->lane];
	while ((call = lane_take(its_lane)) != NULL) {
		metrics_queued(me->lane, -1);
		route_dispatch(me->pool->ca, &me->vault, call);
		metrics_answered(me->lane, clock_mono_ms() - call->arrived_ms, call->refusal);
		http_done(call);
		vault_lost(&me->vault);
		lane_leave(its_lane);
	}
	return NULL;
}

static bool
start_worker(struct workers *w, enum route_lane lane, int vault_fd, struct err *err)
{
	struct worker *me = &w->list[w->count];

	*me = (struct worker){.pool = w, .lane = lane, .vault = {.fd = vault_fd}};
	if (pthread_create(&me->thread, NULL, work, me) != 0)
		return err_set(err, DIRCA_E_INTERNAL, "a worker thread could not be started");
	w->count++;
	return true;
}

/* The last of those that have a socket to the vault. */
static enum route_lane
lane_of(size_t at, size_t count, bool watched)
{
	if (watched && at == count - 1)
		return ROUTE_METRICS;
	return at + SERVICE_OCSP_WORKERS + watched >= count ? ROUTE_OCSP : ROUTE_WORK;
}

bool
workers_start(struct ca *ca, const int *vault_fds, size_t count, bool watched, struct workers **out,
    struct err *err)
{
	static const size_t others[ROUTE_LANES] = {
	    [ROUTE_OPEN] = OPEN_THREADS, [ROUTE_STATUS] = STATUS_THREADS};
	OWNED(workers_stop) struct workers *w = mem_zero(1, sizeof *w);

	*out = NULL;
	w->list = mem_zero(count + OPEN_THREADS + STATUS_THREADS, sizeof *w->list);
	w->ca = ca;
	for (size_t lane = 0; lane < ROUTE_LANES; lane++)
		lane_open(
		    &w->lanes[lane], lane == ROUTE_WORK ? (size_t)ca->config->workers : SIZE_MAX);
	store_on_wait(ca->store, wait_begins, wait_ends);
	for (size_t i = 0; i < count; i++)
		if (!start_worker(w, lane_of(i, count, watched), vault_fds[i], err))
			return false;
	for (size_t lane = 0; lane < ROUTE_LANES; lane++)
		for (size_t i = 0; i < others[lane]; i++)
			if (!start_worker(w, (enum route_lane)lane, -1, err))
				return false;
	*out = own_give(&w);
	return true;
}

void
workers_dispatch(struct http_call *call, void *arg)
{
	struct workers *w = arg;
	enum route_lane lane = route_choose(call);
	struct err err;

	call->arrived_ms = clock_mono_ms();
	metrics_queued(lane, 1);
	if (!lane_put(&w->lanes[lane], call)) {
		metrics_queued(lane, -1);
		err_set(&err, DIRCA_E_BUSY, "%d calls wait to be answered; try again", LANE_MAX);
		json_fail(call, &err);
		http_done(call);
	}
}

void
workers_stop(struct workers **wp)
{
	struct workers *w = *wp;

	if (w == NULL)
		return;
	for (size_t lane = 0; lane < ROUTE_LANES; lane++)
		lane_close(&w->lanes[lane]);
	for (size_t i = 0; i < w->count; i++)
		pthread_join(w->list[i].thread, NULL);
	for (size_t lane = 0; lane < ROUTE_LANES; lane++)
		lane_free(&w->lanes[lane]);
	free(w->list);
	free(w);
	*wp = NULL;
}
