#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>

#include "clock.h"
#include "http_priv.h"
#include "log.h"
#include "mem.h"
#include "own.h"

/* How often connections are looked at: for their deadline, for their end, for the server's. */
#define SWEEP_MS    100
#define TLS_LOOK_MS 1000
#define BACKLOG     1024

/* Connections that are taken before others are looked at again. */
#define ACCEPTS_AT_ONCE 32

static void
listener_switch(struct http_listener *l)
{
	if (l->paused)
		event_del(l->event);
	else
		event_add(l->event, NULL);
}

/* Of this call's errors most are the client's, and gone with it. Want of descriptors or memory
 * stays for a while, and so does the connection in the queue: trying at once would be a loop. */
static void
accept_failed(struct http_listener *l)
{
	int reason = errno;
	struct err err;

	if (reason != EMFILE && reason != ENFILE && reason != ENOMEM && reason != ENOBUFS)
		return;
	err_errno(&err, DIRCA_E_INTERNAL, "a connection could not be accepted");
	log_error("listener paused", LOG_INT("ms", SWEEP_MS), LOG_REASON(&err));
	l->paused = true;
	listener_switch(l);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct http_listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage address = {0};
		socklen_t len = sizeof address;
		int accepted =
		    accept4(fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (accepted == -1) {
			accept_failed(l);
			return;
		}
		http_connection_open(l, accepted, (const struct sockaddr *)&address);
	}
}

static bool
read_tls(struct http_server *s, struct err *err)
{
	SSL_CTX *tls = NULL;
	struct buf end_point = {0};

	tls_files_look(s->config, &s->files);
	if (!tls_server_context(s->config, &tls, err) || !tls_end_point(tls, &end_point, err)) {
		SSL_CTX_free(tls);
		return false;
	}
	/* Connections keep what they were opened with. */
	SSL_CTX_free(s->tls);
	buf_free(&s->end_point);
	s->tls = tls;
	s->end_point = end_point;
	return true;
}

/* The certificate is renewed while the service runs, by the CA or by an administrator. */
static void
look_for_tls(struct http_server *s, int64_t now)
{
	struct tls_files files;
	struct err err;

	if (now - s->files_looked_at < TLS_LOOK_MS)
		return;
	s->files_looked_at = now;
	tls_files_look(s->config, &files);
	if (memcmp(&files, &s->files, sizeof files) == 0)
		return;
	if (read_tls(s, &err))
		log_info("TLS certificate read", LOG_STR("host", s->config->host));
	else
		log_error("TLS certificate not read; the one before serves on", LOG_REASON(&err));
}

static void
sweep(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;
	int64_t now = clock_mono_ms();
	size_t open = 0;

	(void)fd, (void)what;
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i].paused) {
			s->listeners[i].paused = false;
			listener_switch(&s->listeners[i]);
		}
	for (size_t i = 0; i < HTTP_CHANNELS; i++) {
		struct http_client *next;

		for (struct http_client *c = s->limits.of[i].first; c != NULL; c = next) {
			next = c->next;
			http_connection_look((struct http_connection *)c, now);
		}
		open += s->limits.of[i].open;
	}
	look_for_tls(s, now);
	log_catch_up();
	if (s->stopping && open == 0)
		event_base_loopexit(s->base, NULL);
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;
	struct http_call *list, *next;

	(void)fd, (void)what;
	pthread_mutex_lock(&s->lock);
	list = s->done;
	s->done = NULL;
	pthread_mutex_unlock(&s->lock);
	for (; list != NULL; list = next) {
		next = list->next;
		http_connection_answer(list->connection, list);
	}
}

void
http_done(struct http_call *call)
{
	struct http_server *s = call->server;

	pthread_mutex_lock(&s->lock);
	call->next = s->done;
	s->done = call;
	pthread_mutex_unlock(&s->lock);
	event_active(s->wake, EV_READ, 0);
}

struct auth_state **
http_call_auth(struct http_call *call)
{
	return call->channel == HTTP_TLS || call->channel == HTTP_LOCAL ? &call->connection->auth
									: NULL;
}

struct view
http_call_end_point(const struct http_call *call)
{
	return call->channel == HTTP_TLS ? buf_view(&call->connection->end_point)
					 : (struct view){0};
}

struct view
http_call_certificate(const struct http_call *call)
{
	return call->channel == HTTP_TLS ? buf_view(&call->connection->certificate)
					 : (struct view){0};
}

bool
http_call_header(struct http_call *call, const char *name, const char *value, struct err *err)
{
	struct http_header *h = &call->headers[call->header_count];

	if (call->header_count == COUNT_OF(call->headers))
		return err_set(err, DIRCA_E_INTERNAL, "more answer headers than there is room for");
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, DIRCA_E_INTERNAL,
			    "answer header %s would hold a control character", name);
	h->name = mem_text(name);
	h->value = mem_text(value);
	call->header_count++;
	return true;
}

char *
http_call_query(const struct http_call *call, const char *name)
{
	struct evkeyvalq pairs;
	char *copy;

	if (call->query == NULL || evhttp_parse_query_str(call->query, &pairs) != 0)
		return NULL;
	copy = mem_text(evhttp_find_header(&pairs, name));
	evhttp_clear_headers(&pairs);
	return copy;
}

static bool
listen_on(struct http_server *s, int fd, enum http_channel channel, struct err *err)
{
	struct http_listener *l = &s->listeners[s->listener_count];

	*l = (struct http_listener){.server = s, .fd = fd, .channel = channel};
	if (listen(fd, BACKLOG) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "a socket of the service");
	if ((l->event = event_new(s->base, fd, EV_READ | EV_PERSIST, on_accept, l)) == NULL)
		return err_set(err, DIRCA_E_INTERNAL, "a listening socket got no event");
	s->listener_count++;
	if (event_add(l->event, NULL) != 0)
		return err_set(err, DIRCA_E_INTERNAL,
		    "a listening socket could not be added to the event loop");
	return true;
}

static bool
open_listeners(struct http_server *s, const struct service_sockets *sockets, struct err *err)
{
	for (size_t i = 0; i < sockets->https_count; i++)
		if (!listen_on(s, sockets->https[i], HTTP_TLS, err))
			return false;
	for (size_t i = 0; i < sockets->http_count; i++)
		if (!listen_on(s, sockets->http[i], HTTP_PLAIN, err))
			return false;
	if (sockets->metrics != -1 && !listen_on(s, sockets->metrics, HTTP_METRICS, err))
		return false;
	return sockets->local == -1 || listen_on(s, sockets->local, HTTP_LOCAL, err);
}

bool
http_server_open(const struct config *config, const struct service_sockets *sockets,
    const struct http_sign_in *sign_in, struct event_base *base, http_dispatch *dispatch, void *arg,
    struct http_server **out, struct err *err)
{
	OWNED(http_server_close) struct http_server *s = mem_zero(1, sizeof *s);
	struct timeval period = {0, SWEEP_MS * 1000};

	*out = NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->base = base;
	s->sign_in = sign_in;
	s->dispatch = dispatch;
	s->arg = arg;
	s->idle_ms = (int64_t)config->idle_timeout_s * 1000;
	s->max_request = (size_t)config->max_request;
	http_limits_set(&s->limits, (size_t)config->max_connections,
	    (size_t)config->max_connections_of_source, sockets->http_count > 0,
	    sockets->metrics != -1);
	s->config = config;
	if (!read_tls(s, err) || !open_listeners(s, sockets, err))
		return false;
	s->sweep = event_new(base, -1, EV_PERSIST, sweep, s);
	s->wake = event_new(base, -1, EV_READ | EV_PERSIST, on_done, s);
	if (s->sweep == NULL || s->wake == NULL || event_add(s->sweep, &period) != 0 ||
	    event_add(s->wake, NULL) != 0)
		return err_set(err, DIRCA_E_INTERNAL, "the event loop takes no events");
	*out = own_give(&s);
	return true;
}

/* Whoever comes now is refused, and goes elsewhere. */
static void
close_listeners(struct http_server *s)
{
	while (s->listener_count > 0) {
		struct http_listener *l = &s->listeners[--s->listener_count];

		event_free(l->event);
		close(l->fd);
	}
}

void
http_server_stop(struct http_server *s)
{
	s->stopping = true;
	close_listeners(s);
}

/* No worker has a call any more. What has not left by now does not leave. */
static void
end_connections(struct http_server *s)
{
	on_done(-1, 0, s);
	for (size_t i = 0; i < HTTP_CHANNELS; i++)
		while (s->limits.of[i].first != NULL)
			http_connection_end((struct http_connection *)s->limits.of[i].first);
	/* Bufferevents end in the loop. */
	event_base_loop(s->base, EVLOOP_NONBLOCK);
}

void
http_server_close(struct http_server **sp)
{
	struct http_server *s = *sp;

	if (s == NULL)
		return;
	s->stopping = true;
	close_listeners(s);
	end_connections(s);
	if (s->sweep != NULL)
		event_free(s->sweep);
	if (s->wake != NULL)
		event_free(s->wake);
	SSL_CTX_free(s->tls);
	buf_free(&s->end_point);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*sp = NULL;
}
