#include "watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "own.h"
#include "publication.h"
#include "watch.h"

#define PAUSE_FIRST_MS 200
#define PAUSE_MOST_MS  1000
/* A wait ends by a change, a fault or watcher_stop; its length does not matter. */
#define WAIT_MS 60000

struct watcher {
	struct ca *ca;
	struct housekeeper *housekeeper;
	pthread_t thread;
	int stop[2];            /* pipe: its end of file tells the thread to end */
	enum err_code last;     /* a lasting failure is logged once; ERR_OK: it answers */
	enum dir_watching said; /* what the log was told of the watch in use */
};

/* Waits; true if the thread shall end. */
static bool
stops_within(const struct watcher *w, int ms)
{
	struct pollfd p = {.fd = w->stop[0], .events = POLLIN};

	return poll(&p, 1, ms) > 0;
}

static void
say(struct watcher *w, const struct dir_watch *watch)
{
	w->said = dir_watch_how(watch);
	if (dir_watch_why(watch) != NULL)
		log_warn("watching the directory", LOG_STR("uri", dir_watch_uri(watch)),
		    LOG_STR("by", dir_watching_name(w->said)),
		    LOG_STR("because", dir_watch_why(watch)));
	else
		log_info("watching the directory", LOG_STR("uri", dir_watch_uri(watch)),
		    LOG_STR("by", dir_watching_name(w->said)));
}

/* One watch from its beginning to its end; false if there was none. */
static bool
follow(struct watcher *w)
{
	struct dir_watch *watch;
	enum dir_watch_event event = DIR_WATCH_CHANGED;
	struct err err;

	if (!dir_watch_open(dir_pool_config(w->ca->directory), PKI_SERVICES_RDNS,
		w->ca->config->refresh_s, &watch, &err)) {
		if (err.code != w->last)
			log_error("the directory's changes are not seen", LOG_REASON(&err));
		w->last = err.code;
		return false;
	}
	say(w, watch);
	dir_pool_try_now(w->ca->directory);
	if (w->last != ERR_OK)
		ca_publication_answered(w->ca);
	w->last = ERR_OK;
	/* The first time for what changed while nobody watched. */
	while (event != DIR_WATCH_BROKEN && !stops_within(w, 0)) {
		if (event == DIR_WATCH_CHANGED)
			housekeeper_wake(w->housekeeper);
		event = dir_watch_wait(watch, WAIT_MS, w->stop[0], &err);
		if (dir_watch_how(watch) != w->said)
			say(w, watch);
	}
	if (event == DIR_WATCH_BROKEN)
		log_warn("watch ended", LOG_REASON(&err));
	dir_watch_close(&watch);
	return true;
}

static void *
watch_all_along(void *arg)
{
	struct watcher *w = arg;
	int pause = PAUSE_FIRST_MS;

	do {
		if (follow(w))
			pause = PAUSE_FIRST_MS;
		else if ((pause *= 2) > PAUSE_MOST_MS)
			pause = PAUSE_MOST_MS;
	} while (!stops_within(w, pause));
	return NULL;
}

bool
watcher_start(struct ca *ca, struct housekeeper *housekeeper, struct watcher **out, struct err *err)
{
	OWNED(own_memory) struct watcher *w = mem_zero(1, sizeof *w);

	*out = NULL;
	w->ca = ca;
	w->housekeeper = housekeeper;
	if (pipe2(w->stop, O_CLOEXEC) != 0)
		return err_errno(err, DIRCA_E_INTERNAL, "a pipe for the watching thread");
	if (pthread_create(&w->thread, NULL, watch_all_along, w) != 0) {
		close(w->stop[0]);
		close(w->stop[1]);
		return err_set(err, DIRCA_E_INTERNAL, "the watching thread could not be started");
	}
	*out = own_give(&w);
	return true;
}

void
watcher_stop(struct watcher **wp)
{
	struct watcher *w = *wp;

	if (w == NULL)
		return;
	close(w->stop[1]);
	pthread_join(w->thread, NULL);
	close(w->stop[0]);
	free(w);
	*wp = NULL;
}
