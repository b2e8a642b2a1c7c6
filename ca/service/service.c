/* The front process. */
#include "service.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <event2/event.h>
#include <event2/thread.h>

#include "auth.h"
#include "audit.h"
#include "ca.h"
#include "clock.h"
#include "enroll.h"
#include "housekeeper.h"
#include "http.h"
#include "log.h"
#include "metrics.h"
#include "notifier.h"
#include "publisher.h"
#include "sasl_server.h"
#include "sign_in.h"
#include "watcher.h"
#include "workers.h"

#define STOP_S 10 /* less than the supervisor waits before it kills */

struct front {
	struct ca *ca;
	struct event_base *base;
	struct http_server *http;
	struct workers *workers;
	struct housekeeper *housekeeper;
	struct watcher *watcher;
	struct publisher *publisher;
	struct notifier *notifier;
	int beat_fd;
	struct event *term, *hup, *beat;
};

static void
on_term(evutil_socket_t signal, short what, void *arg)
{
	struct front *f = arg;
	struct timeval at_most = {STOP_S, 0};

	(void)signal, (void)what;
	http_server_stop(f->http); /* answers under way leave */
	event_base_loopexit(f->base, &at_most);
}

static void
on_hup(evutil_socket_t signal, short what, void *arg)
{
	struct front *f = arg;

	(void)signal, (void)what;
	housekeeper_wake(f->housekeeper);
}

/* A pipe that is full is one that nobody reads: no reason to stop. */
static void
tell_supervisor(const struct front *f, char what)
{
	(void)!write(f->beat_fd, &what, 1);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	tell_supervisor(arg, FRONT_LIVES);
}

static bool
audit_state(struct ca *ca, enum audit_event event, struct err *err)
{
	const struct ca_audit a = {
	    .when = clock_now(), .event = event, .actor = "dircad", .object = DIRCA_VERSION};

	return ca_audit_alone(ca->store, &a, err);
}

/* The library's own lines would go past the format and the rate of ours. */
static void
on_event_log(int severity, const char *message)
{
	if (severity >= EVENT_LOG_WARN)
		log_warn("event loop", LOG_STR("reason", message));
}

/* Of what changes there, and what it is owed. */
static bool
follow_directory(struct front *f, struct err *err)
{
	return f->ca->directory == NULL ||
	       (watcher_start(f->ca, f->housekeeper, &f->watcher, err) &&
		   publisher_start(f->ca, &f->publisher, err));
}

static bool
front_open(struct front *f, const struct config *config, const struct service_sockets *sockets,
    const int *vault_fds, size_t vault_count, struct err *err)
{
	struct vault v = {.fd = vault_fds[0]};

	if (!ca_open(config, &v, &f->ca, err) || !enroll_complete_rows(f->ca, err) ||
	    !sign_in_open(f->ca, err) || !sasl_open(f->ca, err) ||
	    !audit_state(f->ca, AUDIT_STARTED, err))
		return false;
	event_set_log_callback(on_event_log);
	if (evthread_use_pthreads() != 0 || (f->base = event_base_new()) == NULL)
		return err_set(err, DIRCA_E_INTERNAL, "the event loop could not be made");
	if (!workers_start(
		f->ca, vault_fds + 1, vault_count - 1, sockets->metrics != -1, &f->workers, err) ||
	    !housekeeper_start(f->ca, vault_fds[0], &f->housekeeper, err) ||
	    !follow_directory(f, err) || !notifier_start(f->ca, &f->notifier, err) ||
	    !http_server_open(config, sockets, &auth_sign_in, f->base, workers_dispatch, f->workers,
		&f->http, err))
		return false;
	const struct timeval second = {1, 0};

	if ((f->beat = event_new(f->base, -1, EV_PERSIST, on_beat, f)) == NULL ||
	    event_add(f->beat, &second) != 0)
		return err_set(err, DIRCA_E_INTERNAL, "the event loop takes no events");
	if ((f->term = evsignal_new(f->base, SIGTERM, on_term, f)) == NULL ||
	    event_add(f->term, NULL) != 0 ||
	    (f->hup = evsignal_new(f->base, SIGHUP, on_hup, f)) == NULL ||
	    event_add(f->hup, NULL) != 0)
		return err_set(err, DIRCA_E_INTERNAL, "signal handlers could not be set");
	return true;
}

static void
front_close(struct front *f)
{
	bool opened = f->ca != NULL;
	struct err err;

	watcher_stop(&f->watcher);
	housekeeper_stop(&f->housekeeper);
	workers_stop(&f->workers);
	publisher_stop(&f->publisher);
	notifier_stop(&f->notifier);
	http_server_close(&f->http);
	if (f->term != NULL)
		event_free(f->term);
	if (f->hup != NULL)
		event_free(f->hup);
	if (f->beat != NULL)
		event_free(f->beat);
	if (f->base != NULL)
		event_base_free(f->base);
	if (opened && !audit_state(f->ca, AUDIT_STOPPED, &err))
		log_error("stop not audited", LOG_REASON(&err));
	ca_close(&f->ca);
	sign_in_close();
	/* Last: the directory's connections use the library's mechanisms until they end. */
	if (opened)
		sasl_close();
}

int
service_run(const struct config *config, const struct service_sockets *sockets, int beat_fd,
    const int *vault_fds, size_t vault_count)
{
	struct front f = {.beat_fd = beat_fd};
	struct err err;
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	metrics_begin();
	if (!front_open(&f, config, sockets, vault_fds, vault_count, &err)) {
		log_error("the CA cannot start", LOG_REASON(&err));
	} else {
		log_info("ready", LOG_STR("ca", config->ca_name), LOG_STR("url", config->url),
		    LOG_INT("workers", config->workers));
		tell_supervisor(&f, FRONT_READY);
		event_base_dispatch(f.base);
		status = 0;
	}
	front_close(&f);
	log_info("stopped", LOG_INT("status", status));
	return status;
}
