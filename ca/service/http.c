#include "http.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <openssl/ssl.h>

#include "auth.h"
#include "clock.h"
#include "log.h"
#include "text.h"
#include "tls.h"

#define HEADERS_MAX_BYTES (16 * 1024)

/* How often connections are looked at: for their deadline, for their end, for the server's. */
#define SWEEP_MS 100

/*
 * A connection. One with TLS lives until its SSL object is freed and no call works on it. One
 * without has no such object to be told by: the reference on `bev` is ours, and a bufferevent
 * without callbacks is one that evhttp has given up.
 */
struct http_connection {
	struct http_server *server;
	struct bufferevent *bev;
	bool tls;
	struct auth_state *auth;
	int64_t deadline_ms; /* when the next request must have arrived; no matter while busy */
	bool closed;         /* SSL object is gone */
	bool busy;           /* a call uses it */
	struct http_connection *prev, *next;
};

struct http_server {
	struct event_base *base;
	struct evhttp *https, *http, *local;
	SSL_CTX *tls;
	http_dispatch *dispatch;
	void *arg;
	int64_t idle_ms;
	size_t most, open; /* connections */
	struct evconnlistener *listeners[2 * CONFIG_LIST_MAX + 1];
	size_t listener_count;
	struct http_connection *connections;
	struct event *sweep, *wake;
	pthread_mutex_t lock; /* of done */
	struct http_call *done;
	bool stopping;
};

static int ssl_index = -1;

static void
connection_release(struct http_connection *c)
{
	if (!c->closed || c->busy)
		return;
	auth_state_free(&c->auth);
	free(c);
}

static void
listeners_switch(struct http_server *s)
{
	for (size_t i = 0; i < s->listener_count; i++) {
		if (s->open < s->most && !s->stopping)
			evconnlistener_enable(s->listeners[i]);
		else
			evconnlistener_disable(s->listeners[i]);
	}
}

static void
connection_add(struct http_server *s, struct http_connection *c)
{
	c->server = s;
	c->deadline_ms = clock_mono_ms() + s->idle_ms;
	c->next = s->connections;
	if (c->next != NULL)
		c->next->prev = c;
	s->connections = c;
	s->open++;
	listeners_switch(s);
}

static void
connection_remove(struct http_connection *c)
{
	struct http_server *s = c->server;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	s->open--;
	listeners_switch(s);
	c->closed = true;
	connection_release(c);
}

/* OpenSSL calls this when the connection's SSL object is freed, which bufferevent does on close. */
static void
tls_closed(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
	if (ptr != NULL)
		connection_remove(ptr);
}

/* For want of memory: without state, every request on it is refused (call_new). */
static struct bufferevent *
stateless(struct event_base *base)
{
	return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

static struct bufferevent *
tls_new(struct event_base *base, void *arg)
{
	struct http_server *s = arg;
	struct http_connection *c = calloc(1, sizeof *c);
	SSL *ssl = SSL_new(s->tls);
	struct bufferevent *bev;

	if (c == NULL || ssl == NULL || SSL_set_ex_data(ssl, ssl_index, c) != 1) {
		free(c);
		SSL_free(ssl);
		return stateless(base);
	}
	c->tls = true;
	connection_add(s, c);
	/* When this fails, libevent has freed the SSL object, and that the connection. */
	if ((bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
		 BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)) == NULL)
		return stateless(base);
	c->bev = bev;
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static struct bufferevent *
plain_new(struct event_base *base, void *arg)
{
	struct http_server *s = arg;
	struct http_connection *c = calloc(1, sizeof *c);

	if (c == NULL)
		return stateless(base);
	if ((c->bev = stateless(base)) == NULL) {
		free(c);
		return NULL;
	}
	bufferevent_incref(c->bev);
	connection_add(s, c);
	return c->bev;
}

static struct http_connection *
connection_of(struct http_server *s, struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	struct http_connection *c = s->connections;

	if (ssl != NULL)
		return SSL_get_ex_data(ssl, ssl_index);
	while (c != NULL && c->bev != bev)
		c = c->next;
	return c;
}

/* True if evhttp has closed the connection. */
static bool
is_given_up(const struct http_connection *c)
{
	bufferevent_event_cb callback;

	bufferevent_getcb(c->bev, NULL, NULL, &callback, NULL);
	return callback == NULL;
}

/* Ends a connection as a read that took too long does. */
static void
connection_end(struct http_connection *c)
{
	bufferevent_trigger_event(
	    c->bev, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, BEV_TRIG_DEFER_CALLBACKS);
}

/* A client that sends its request byte by byte meets the deadline as any other. Once the server is
 * to stop, whoever has no answer to wait for is at its deadline. */
static void
sweep(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;
	int64_t now = clock_mono_ms();
	struct http_connection *c, *next;

	(void)fd, (void)what;
	for (c = s->connections; c != NULL; c = next) {
		next = c->next;
		if (is_given_up(c)) {
			/* One with TLS is being freed by libevent: another event would have it
			 * freed twice. */
			if (!c->tls) {
				bufferevent_decref(c->bev);
				connection_remove(c);
			}
		} else if (!c->busy &&
			   (c->deadline_ms < now ||
			       (s->stopping &&
				   evbuffer_get_length(bufferevent_get_output(c->bev)) == 0))) {
			connection_end(c);
		}
	}
	if (s->stopping && s->connections == NULL)
		event_base_loopexit(s->base, NULL);
}

static void
call_free(struct http_call *call)
{
	if (call == NULL)
		return;
	for (size_t i = 0; i < call->header_count; i++) {
		free(call->headers[i].name);
		free(call->headers[i].value);
	}
	free(call->method);
	free(call->path);
	free(call->query);
	if (call->authorization != NULL)
		OPENSSL_cleanse(call->authorization, strlen(call->authorization));
	free(call->authorization);
	if (call->body.ptr != NULL)
		OPENSSL_cleanse(call->body.ptr, call->body.len);
	buf_free(&call->body);
	buf_free(&call->answer);
	free(call);
}

static const char *
method_name(enum evhttp_cmd_type type)
{
	switch (type) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_HEAD:
		return "HEAD";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	case EVHTTP_REQ_OPTIONS:
	case EVHTTP_REQ_TRACE:
	case EVHTTP_REQ_CONNECT:
	case EVHTTP_REQ_PATCH:
	default:
		return "?";
	}
}

static enum http_channel
channel_of(struct evhttp_connection *evcon)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof sa;

	if (bufferevent_openssl_get_ssl(bev) != NULL)
		return HTTP_TLS;
	if (getsockname(bufferevent_getfd(bev), (struct sockaddr *)&sa, &len) == 0 &&
	    sa.ss_family == AF_UNIX)
		return HTTP_LOCAL;
	return HTTP_PLAIN;
}

static bool
call_body(struct evhttp_request *req, struct http_call *call)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	struct err err;
	size_t len = evbuffer_get_length(in);

	if (!buf_alloc(len, &call->body, &err))
		return false;
	if (len > 0 && evbuffer_remove(in, call->body.ptr, len) != (int)len)
		return false;
	return true;
}

static struct http_call *
call_new(struct http_server *s, struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = evhttp_uri_get_path(uri), *query = evhttp_uri_get_query(uri);
	const char *authorization =
	    evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization");
	struct http_call *call = calloc(1, sizeof *call);
	size_t decoded = 0;
	char *address;
	ev_uint16_t port;

	if (call == NULL)
		return NULL;
	call->server = s;
	call->request = req;
	call->status = 500;
	call->channel = channel_of(evcon);
	call->method = strdup(method_name(evhttp_request_get_command(req)));
	call->path = evhttp_uridecode(path != NULL ? path : "/", 0, &decoded);
	call->query = query != NULL ? strdup(query) : NULL;
	call->authorization = authorization != NULL ? strdup(authorization) : NULL;
	if (call->method == NULL || call->path == NULL || strlen(call->path) != decoded ||
	    (query != NULL && call->query == NULL) ||
	    (authorization != NULL && call->authorization == NULL) || !call_body(req, call))
		goto fail;
	call->connection = connection_of(s, bev);
	if (call->connection == NULL || call->connection->busy)
		goto fail;
	if (call->channel == HTTP_LOCAL) {
		struct ucred cred;
		socklen_t len = sizeof cred;

		if (getsockopt(bufferevent_getfd(bev), SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
			goto fail;
		call->uid = cred.uid;
		strcpy(call->peer, "local");
		return call;
	}
	evhttp_connection_get_peer(evcon, &address, &port);
	snprintf(call->peer, sizeof call->peer, "%s:%u", address != NULL ? address : "?", port);
	return call;
fail:
	call_free(call);
	return NULL;
}

/* The client went away while a worker had its request: the work is finished, the answer dropped.
 * After a failed read evhttp has let go of the request, which is ours then; otherwise it frees it
 * with the connection. */
static void
peer_gone(struct evhttp_connection *evcon, void *arg)
{
	struct http_call *call = arg;

	(void)evcon;
	if (evhttp_request_get_connection(call->request) == NULL)
		evhttp_request_free(call->request);
	call->request = NULL;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct http_server *s = arg;
	struct http_call *call = call_new(s, req);

	if (call == NULL) {
		evhttp_send_error(req, 400, NULL);
		return;
	}
	call->connection->busy = true;
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), peer_gone, call);
	s->dispatch(call, s->arg);
}

/* HEAD: what GET would say, without its body (RFC 9110 9.3.2). evhttp would send one. */
static void
add_body(struct http_call *call)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
	char length[24];

	if (strcmp(call->method, "HEAD") != 0) {
		if (call->answer.len > 0)
			evbuffer_add(evhttp_request_get_output_buffer(call->request),
			    call->answer.ptr, call->answer.len);
		return;
	}
	snprintf(length, sizeof length, "%zu", call->answer.len);
	evhttp_add_header(headers, "Content-Length", length);
}

static void
send_answer(struct http_call *call)
{
	struct evhttp_request *req = call->request;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (call->content_type[0] != '\0')
		evhttp_add_header(headers, "Content-Type", call->content_type);
	for (size_t i = 0; i < call->header_count; i++)
		evhttp_add_header(headers, call->headers[i].name, call->headers[i].value);
	if (call->close || call->server->stopping)
		evhttp_add_header(headers, "Connection", "close");
	add_body(call);
	evhttp_send_reply(req, call->status, NULL, NULL);
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
		if (list->request != NULL)
			send_answer(list);
		list->connection->deadline_ms = clock_mono_ms() + s->idle_ms;
		list->connection->busy = false;
		connection_release(list->connection);
		call_free(list);
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
	return call->channel == HTTP_TLS ? &call->connection->auth : NULL;
}

bool
http_call_header(struct http_call *call, const char *name, const char *value, struct err *err)
{
	struct http_header *h = &call->headers[call->header_count];

	if (call->header_count == sizeof call->headers / sizeof call->headers[0])
		return err_set(err, DIRCA_E_INTERNAL, "more answer headers than there is room for");
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, DIRCA_E_INTERNAL,
			    "answer header %s would hold a control character", name);
	h->name = strdup(name);
	h->value = strdup(value);
	if (h->name == NULL || h->value == NULL) {
		free(h->name);
		free(h->value);
		return err_nomem(err);
	}
	call->header_count++;
	return true;
}

char *
http_call_query(const struct http_call *call, const char *name)
{
	struct evkeyvalq pairs;
	const char *value;
	char *copy = NULL;

	if (call->query == NULL || evhttp_parse_query_str(call->query, &pairs) != 0)
		return NULL;
	if ((value = evhttp_find_header(&pairs, name)) != NULL)
		copy = strdup(value);
	evhttp_clear_headers(&pairs);
	return copy;
}

static bool
listen_on(struct http_server *s, struct evhttp *http, int fd, struct err *err)
{
	struct evconnlistener *l = evconnlistener_new(
	    s->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);

	if (l == NULL || evhttp_bind_listener(http, l) == NULL) {
		if (l != NULL)
			evconnlistener_free(l);
		return err_set(err, DIRCA_E_INTERNAL,
		    "a listening socket could not be added to the event loop");
	}
	s->listeners[s->listener_count++] = l;
	return true;
}

static struct evhttp *
http_new(struct http_server *s, const struct config *config)
{
	struct evhttp *http = evhttp_new(s->base);

	if (http == NULL)
		return NULL;
	/* What no route takes is told so by the routes. */
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
					     EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
					     EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_max_headers_size(http, HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(http, (ev_ssize_t)config->max_request);
	evhttp_set_timeout(http, config->idle_timeout_s);
	evhttp_set_default_content_type(http, NULL);
	evhttp_set_gencb(http, on_request, s);
	return http;
}

static bool
open_listeners(struct http_server *s, const struct config *config,
    const struct service_sockets *sockets, struct err *err)
{
	if ((s->https = http_new(s, config)) == NULL || (s->http = http_new(s, config)) == NULL ||
	    (s->local = http_new(s, config)) == NULL)
		return err_nomem(err);
	evhttp_set_bevcb(s->https, tls_new, s);
	evhttp_set_bevcb(s->http, plain_new, s);
	evhttp_set_bevcb(s->local, plain_new, s);
	for (size_t i = 0; i < sockets->https_count; i++)
		if (!listen_on(s, s->https, sockets->https[i], err))
			return false;
	for (size_t i = 0; i < sockets->http_count; i++)
		if (!listen_on(s, s->http, sockets->http[i], err))
			return false;
	return sockets->local == -1 || listen_on(s, s->local, sockets->local, err);
}

bool
http_server_open(const struct config *config, const struct service_sockets *sockets,
    struct event_base *base, http_dispatch *dispatch, void *arg, struct http_server **out,
    struct err *err)
{
	struct http_server *s = calloc(1, sizeof *s);
	struct timeval period = {0, SWEEP_MS * 1000};

	*out = NULL;
	if (s == NULL)
		return err_nomem(err);
	pthread_mutex_init(&s->lock, NULL);
	s->base = base;
	s->dispatch = dispatch;
	s->arg = arg;
	s->idle_ms = (int64_t)config->idle_timeout_s * 1000;
	s->most = (size_t)config->max_connections;
	if (ssl_index == -1)
		ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, tls_closed);
	if (!tls_server_context(config, &s->tls, err) || !open_listeners(s, config, sockets, err))
		goto fail;
	s->sweep = event_new(base, -1, EV_PERSIST, sweep, s);
	s->wake = event_new(base, -1, EV_READ | EV_PERSIST, on_done, s);
	if (s->sweep == NULL || s->wake == NULL || event_add(s->sweep, &period) != 0 ||
	    event_add(s->wake, NULL) != 0) {
		err_nomem(err);
		goto fail;
	}
	*out = s;
	return true;
fail:
	http_server_close(&s);
	return false;
}

void
http_server_stop(struct http_server *s)
{
	s->stopping = true;
	listeners_switch(s);
}

void
http_server_close(struct http_server **sp)
{
	struct http_server *s = *sp;

	if (s == NULL)
		return;
	if (s->wake != NULL)
		on_done(-1, 0, s);
	s->stopping = true;
	s->listener_count = 0; /* evhttp frees them before its connections */
	if (s->https != NULL)
		evhttp_free(s->https);
	if (s->http != NULL)
		evhttp_free(s->http);
	if (s->local != NULL)
		evhttp_free(s->local);
	/* Bufferevents end in the loop. What is left of them must find the server still there. */
	for (int i = 0; s->connections != NULL && i < 100; i++) {
		sweep(-1, 0, s);
		event_base_loop(s->base, EVLOOP_NONBLOCK);
	}
	if (s->sweep != NULL)
		event_free(s->sweep);
	if (s->wake != NULL)
		event_free(s->wake);
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*sp = NULL;
}
