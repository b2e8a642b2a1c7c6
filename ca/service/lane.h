/*
 * Calls of one kind, that wait for a worker. So many may be worked at; one that waits for the disk
 * is not, so that the processors have work meanwhile. Bounded: over it a call is refused at once,
 * so that a slow directory or disk cannot pile up memory.
 */
#ifndef SERVICE_LANE_H
#define SERVICE_LANE_H

#include <pthread.h>

#include "http.h"

#define LANE_MAX 4096

struct lane {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct http_call *first, **last;
	size_t length, at_work, at_most;
	bool closing;
};

void lane_open(struct lane *l, size_t at_most);
/* Of an empty lane that nobody uses any more. */
void lane_free(struct lane *l);

/* False: LANE_MAX wait already, or it closes. */
bool lane_put(struct lane *l, struct http_call *call);
/* Waits for one, and for fewer than `at_most` at work. NULL: it closes, and nothing is left. */
struct http_call *lane_take(struct lane *l);
/* What was taken is done, or waits for the disk; and goes on, however many are at work. */
void lane_leave(struct lane *l);
void lane_enter(struct lane *l);
/* What is in it is still taken. */
void lane_close(struct lane *l);

#endif
