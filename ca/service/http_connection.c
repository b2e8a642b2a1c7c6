/* One connection: from bytes to a call, and from its answer to bytes. */
#include "http_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <openssl/err.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "own_openssl.h"
#include "status.h"

/* To the end of the first request, TLS handshake included, while nobody has signed in. */
#define FIRST_REQUEST_MS 10000
#define LINGER_MS        1000
/* A client that reads less of its answer within the idle timeout is given up. */
#define SEND_LEAST 65536

void
http_call_free(struct http_call *call)
{
	if (call == NULL)
		return;
	for (size_t i = 0; i < call->header_count; i++) {
		free(call->headers[i].name);
		free(call->headers[i].value);
	}
	free(call->method);
	free(call->path);
	free(call->part);
	free(call->query);
	free(call->host);
	free(call->origin);
	free(call->fetch_site);
	free(call->body_type);
	free(call->if_none_match);
	free(call->if_modified_since);
	if (call->shared_release != NULL)
		call->shared_release(call->shared_arg);
	if (call->authorization != NULL)
		OPENSSL_cleanse(call->authorization, strlen(call->authorization));
	free(call->authorization);
	if (call->body.ptr != NULL)
		OPENSSL_cleanse(call->body.ptr, call->body.len);
	buf_free(&call->body);
	buf_free(&call->answer);
	free(call);
}

static void
connection_free(struct http_connection *c)
{
	http_call_free(c->call);
	c->server->sign_in->free(&c->auth);
	buf_free(&c->end_point);
	buf_free(&c->certificate);
	free(c);
}

void
http_connection_end(struct http_connection *c)
{
	http_limits_remove(&c->server->limits, &c->client);
	bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	bufferevent_free(c->bev);
	c->bev = NULL;
	if (c->phase != HTTP_WORKS)
		connection_free(c);
}

static void
set_deadline(struct http_connection *c)
{
	int64_t ms = c->server->idle_ms;

	if (c->client.rank != HTTP_KNOWN && ms > FIRST_REQUEST_MS)
		ms = FIRST_REQUEST_MS;
	c->deadline_ms = clock_mono_ms() + ms;
}

/* ---- out ---- */

static const char *
reason_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} rows[] = {
	    {200, "OK"},
	    {202, "Accepted"},
	    {204, "No Content"},
	    {304, "Not Modified"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {409, "Conflict"},
	    {413, "Content Too Large"},
	    {415, "Unsupported Media Type"},
	    {429, "Too Many Requests"},
	    {500, "Internal Server Error"},
	    {503, "Service Unavailable"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].status == status)
			return rows[i].phrase;
	return "Other";
}

/* No other site's page may read an answer, keep it, or take it for a script. */
static void
put_head(struct http_connection *c, int status, const char *content_type, size_t length,
    const char *cache_control)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	char date[CLOCK_HTTP_LEN];

	clock_http_format(clock_now(), date);
	evbuffer_add_printf(out,
	    "HTTP/1.1 %d %s\r\nDate: %s\r\nCache-Control: %s\r\n"
	    "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n",
	    status, reason_phrase(status), date,
	    cache_control[0] != '\0' ? cache_control : "no-store");
	if (status != 204 && status != 304) /* RFC 9110 8.6, 15.4.5 */
		evbuffer_add_printf(out, "Content-Length: %zu\r\n", length);
	if (content_type[0] != '\0')
		evbuffer_add_printf(out, "Content-Type: %s\r\n", content_type);
	if (c->close)
		evbuffer_add_printf(out, "Connection: close\r\n");
}

static void
send_it(struct http_connection *c)
{
	c->phase = HTTP_SENDS;
	bufferevent_disable(c->bev, EV_READ);
	c->unsent = evbuffer_get_length(bufferevent_get_output(c->bev));
	c->deadline_ms = clock_mono_ms() + c->server->idle_ms;
}

/* What is no request is answered here, and whatever follows it is not read: nobody knows where it
 * begins. */
static void
refuse_request(struct http_connection *c, const struct err *why)
{
	int status = status_of(why->code);

	log_info("HTTP request refused", LOG_STR("peer", c->peer), LOG_INT("status", status),
	    LOG_REASON(why));
	c->close = true;
	put_head(c, status, "text/plain; charset=utf-8", strlen(why->msg) + 1, "");
	evbuffer_add_printf(bufferevent_get_output(c->bev), "\r\n%s\n", why->msg);
	send_it(c);
}

struct shared_end {
	void (*release)(void *arg);
	void *arg;
};

static void
shared_was_sent(const void *data, size_t len, void *arg)
{
	struct shared_end *end = arg;

	(void)data, (void)len;
	end->release(end->arg);
	free(end);
}

/* The buffer reads it where it lies, for as long as the client takes. */
static void
put_shared(struct evbuffer *out, struct http_call *call)
{
	struct shared_end *end = mem_zero(1, sizeof *end);

	*end = (struct shared_end){call->shared_release, call->shared_arg};
	call->shared_release = NULL;
	if (evbuffer_add_reference(out, call->shared.ptr, call->shared.len, shared_was_sent, end) !=
	    0)
		mem_exhausted();
}

/* HEAD: what GET would say, without its body (RFC 9110 9.3.2). */
static void
put_answer(struct http_connection *c, struct http_call *call)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	size_t len = call->shared.ptr != NULL ? call->shared.len : call->answer.len;

	put_head(c, call->status, call->content_type, len, call->cache_control);
	for (size_t i = 0; i < call->header_count; i++)
		evbuffer_add_printf(
		    out, "%s: %s\r\n", call->headers[i].name, call->headers[i].value);
	evbuffer_add(out, "\r\n", 2);
	if (strcmp(call->method, "HEAD") == 0 || len == 0)
		return;
	if (call->shared.ptr != NULL)
		put_shared(out, call);
	else
		evbuffer_add(out, call->answer.ptr, call->answer.len);
}

void
http_connection_answer(struct http_connection *c, struct http_call *call)
{
	c->call = NULL;
	if (c->bev == NULL) {
		http_call_free(call);
		connection_free(c);
		return;
	}
	c->client.rank = c->server->sign_in->is_known(c->auth) ||
				 (call->channel == HTTP_LOCAL && call->status < 400)
			     ? HTTP_KNOWN
			     : HTTP_SPEAKING;
	http_limits_idle(&c->server->limits, &c->client);
	c->close = c->close || call->close || c->server->stopping;
	put_answer(c, call);
	http_call_free(call);
	send_it(c);
}

/* ---- in ---- */

/* NULL if there is none. */
static char *
header_copy(struct view v)
{
	return v.ptr != NULL ? mem_text_n(v.ptr, v.len) : NULL;
}

static bool
call_target(struct http_call *call, struct view target, struct err *err)
{
	const uint8_t *mark = memchr(target.ptr, '?', target.len);
	size_t len = mark != NULL ? (size_t)(mark - target.ptr) : target.len, decoded = 0;
	OWNED(own_memory) char *raw = mem_text_n(target.ptr, len);

	if ((call->path = evhttp_uridecode(raw, 0, &decoded)) == NULL)
		mem_exhausted();
	if (mark != NULL)
		call->query = mem_text_n(mark + 1, target.len - len - 1);
	return strlen(call->path) == decoded ||
	       err_set(err, E_INVALIDARG, "HTTP: a path with a NUL");
}

static bool
call_new(struct http_connection *c, const struct http_head *head, struct err *err)
{
	struct http_call *call = mem_zero(1, sizeof *call);

	c->call = call;
	call->server = c->server;
	call->connection = c;
	call->status = 500;
	call->channel = c->client.channel;
	call->uid = c->uid;
	strcpy(call->peer, c->peer);
	call->method = header_copy(head->method);
	call->authorization = header_copy(head->authorization);
	call->host = header_copy(head->host);
	call->origin = header_copy(head->origin);
	call->fetch_site = header_copy(head->fetch_site);
	call->body_type = header_copy(head->content_type);
	call->if_none_match = header_copy(head->if_none_match);
	call->if_modified_since = header_copy(head->if_modified_since);
	return call_target(call, head->target, err);
}

static void
read_head(struct http_connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	const uint8_t *bytes;
	struct http_head head;
	struct err err;

	len = len > HTTP_HEAD_MAX + 1 ? HTTP_HEAD_MAX + 1 : len;
	if (len <= c->scanned || (bytes = evbuffer_pullup(in, (ev_ssize_t)len)) == NULL ||
	    (len <= HTTP_HEAD_MAX && memchr(bytes + c->scanned, '\n', len - c->scanned) == NULL))
		return;
	c->scanned = len;
	switch (http_head_scan(view_of(bytes, len), &head, &err)) {
	case HTTP_PART:
		return;
	case HTTP_BAD:
		refuse_request(c, &err);
		return;
	case HTTP_WHOLE:
		break;
	}
	if (!call_new(c, &head, &err)) {
		refuse_request(c, &err);
		return;
	}
	if (head.content_length > c->server->max_request) {
		err_set(&err, DIRCA_E_TOO_LARGE, "HTTP: a body over max_request of dircad.conf");
		refuse_request(c, &err);
		return;
	}
	evbuffer_drain(in, head.len);
	c->scanned = 0;
	c->phase = HTTP_READS_BODY;
	c->close = head.close;
	c->chunked = head.chunked;
	c->chunk_known = false;
	c->left = head.content_length;
	if (head.continues && evbuffer_get_length(in) == 0)
		evbuffer_add_printf(
		    bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
}

/* Moves c->left bytes, all of which are there, to the body. */
static bool
take_body(struct http_connection *c, struct err *err)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	const uint8_t *bytes = evbuffer_pullup(in, (ev_ssize_t)c->left);

	if (c->left > 0 && bytes == NULL)
		return err_nomem(err);
	if (c->left > 0 && !buf_append(&c->call->body, view_of(bytes, c->left), err))
		return false;
	evbuffer_drain(in, c->left);
	return true;
}

/* The line of the next chunk. PART: not yet, or the last chunk has been read: then *last_out. */
static enum http_scan
chunk_line(struct http_connection *c, bool *last_out, struct err *err)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in), used;
	const uint8_t *bytes = evbuffer_pullup(in, (ev_ssize_t)(len = len > 256 ? 256 : len));
	enum http_scan found = http_chunk_scan(view_of(bytes, len), &used, &c->left, err);

	*last_out = found == HTTP_WHOLE && c->left == 0;
	if (found != HTTP_WHOLE)
		return found;
	if (c->left > c->server->max_request - c->call->body.len) {
		err_set(err, DIRCA_E_TOO_LARGE, "HTTP: a body over max_request of dircad.conf");
		return HTTP_BAD;
	}
	evbuffer_drain(in, used);
	c->chunk_known = !*last_out;
	return *last_out ? HTTP_PART : HTTP_WHOLE;
}

static enum http_scan
read_chunks(struct http_connection *c, struct err *err)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	bool last = false;
	enum http_scan found;
	char end[2];

	for (;;) {
		if (!c->chunk_known && (found = chunk_line(c, &last, err)) != HTTP_WHOLE)
			return last ? HTTP_WHOLE : found;
		if (evbuffer_get_length(in) < c->left + sizeof end)
			return HTTP_PART;
		if (!take_body(c, err))
			return HTTP_BAD;
		if (evbuffer_remove(in, end, sizeof end) != sizeof end ||
		    memcmp(end, "\r\n", sizeof end) != 0) {
			err_set(err, E_INVALIDARG, "HTTP: a chunk that is longer than its size");
			return HTTP_BAD;
		}
		c->chunk_known = false;
	}
}

static enum http_scan
read_counted(struct http_connection *c, struct err *err)
{
	if (evbuffer_get_length(bufferevent_get_input(c->bev)) < c->left)
		return HTTP_PART;
	return take_body(c, err) ? HTTP_WHOLE : HTTP_BAD;
}

/* The loop's thread alone may ask TLS; a worker reads what is kept. */
static void
note_certificate(struct http_connection *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	X509 *certificate = ssl != NULL ? SSL_get0_peer_certificate(ssl) : NULL;
	OWNED(own_octets) uint8_t *der = NULL;
	struct err ignored;
	int len;

	if (certificate == NULL || c->certificate.len > 0)
		return;
	if ((len = i2d_X509(certificate, &der)) > 0)
		buf_dup(view_of(der, (size_t)len), &c->certificate, &ignored);
	ERR_clear_error();
}

static void
read_body(struct http_connection *c)
{
	struct err err;

	switch (c->chunked ? read_chunks(c, &err) : read_counted(c, &err)) {
	case HTTP_PART:
		return;
	case HTTP_BAD:
		refuse_request(c, &err);
		return;
	case HTTP_WHOLE:
		break;
	}
	note_certificate(c);
	c->phase = HTTP_WORKS;
	c->client.busy = true;
	bufferevent_disable(c->bev, EV_READ);
	c->server->dispatch(c->call, c->server->arg);
}

static void
on_bytes(struct bufferevent *bev, void *arg)
{
	struct http_connection *c = arg;

	if (c->client.rank == HTTP_SILENT)
		c->client.rank = HTTP_SPEAKING;
	if (c->phase == HTTP_READS_HEAD)
		read_head(c);
	if (c->phase == HTTP_READS_BODY)
		read_body(c);
	if (c->phase == HTTP_LINGERS)
		evbuffer_drain(bufferevent_get_input(bev), SIZE_MAX);
}

/* Says that nothing more comes. Closing at once would have the kernel take back the answer, where
 * the client has sent more than was read. */
static void
linger(struct http_connection *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);

	if (ssl != NULL)
		SSL_shutdown(ssl);
	ERR_clear_error();
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	c->phase = HTTP_LINGERS;
	c->deadline_ms = clock_mono_ms() + LINGER_MS;
	bufferevent_enable(c->bev, EV_READ);
	on_bytes(c->bev, c);
}

/* The output is empty. */
static void
on_sent(struct bufferevent *bev, void *arg)
{
	struct http_connection *c = arg;

	if (c->phase != HTTP_SENDS || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->server->stopping) {
		http_connection_end(c);
	} else if (c->close) {
		linger(c);
	} else {
		c->phase = HTTP_READS_HEAD;
		set_deadline(c);
		bufferevent_enable(bev, EV_READ);
		on_bytes(bev, c); /* the next request may be here already */
	}
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct http_connection *c = arg;

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		c->client.rank = HTTP_SPEAKING;
	else
		http_connection_end(c);
}

void
http_connection_look(struct http_connection *c, int64_t now)
{
	size_t unsent = evbuffer_get_length(bufferevent_get_output(c->bev));

	if (c->client.busy)
		return;
	if (c->server->stopping && unsent == 0) {
		http_connection_end(c);
		return;
	}
	if (c->deadline_ms > now)
		return;
	if (c->phase == HTTP_SENDS && unsent + SEND_LEAST <= c->unsent)
		send_it(c);
	else
		http_connection_end(c);
}

/* ---- the beginning ---- */

static void
set_peer(struct http_connection *c, int fd, const struct sockaddr *address)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (c->client.channel == HTTP_LOCAL) {
		struct ucred cred = {.uid = (uid_t)-1};
		socklen_t len = sizeof cred;

		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
		c->uid = cred.uid;
		c->client.source = http_source_of_uid(cred.uid);
		strcpy(c->peer, "local");
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
		snprintf(c->peer, sizeof c->peer, "[%s]:%u", text, ntohs(in6->sin6_port));
		c->client.source = http_source_of_address(address);
	} else {
		const struct sockaddr_in *in = (const void *)address;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
		snprintf(c->peer, sizeof c->peer, "%s:%u", text, ntohs(in->sin_port));
		c->client.source = http_source_of_address(address);
	}
}

/* NULL if there is no memory; the socket is closed then. */
static struct bufferevent *
transport_new(struct http_server *s, int fd, enum http_channel channel)
{
	const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct bufferevent *bev = NULL;
	SSL *ssl;

	if (channel != HTTP_TLS) {
		bev = bufferevent_socket_new(s->base, fd, options);
	} else if ((ssl = SSL_new(s->tls)) != NULL) {
		/* When it fails it has freed the SSL object. */
		bev = bufferevent_openssl_socket_new(
		    s->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, options);
		if (bev != NULL)
			bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	}
	if (bev == NULL)
		close(fd);
	return bev;
}

/* True if it may stay; somebody else may have to go for it. */
static bool
make_room(struct http_connection *c)
{
	struct http_limits *limits = &c->server->limits;
	struct http_client *gives_way = NULL;
	bool room = http_limits_room(limits, &c->client, &gives_way);

	if (!room || gives_way != NULL)
		log_warn("too many connections", LOG_STR("peer", c->peer),
		    LOG_INT("uid", c->client.channel == HTTP_LOCAL ? (int64_t)c->uid : -1),
		    LOG_STR("closed", room ? ((struct http_connection *)gives_way)->peer : c->peer),
		    LOG_INT("open", (int64_t)limits->of[c->client.channel].open));
	if (gives_way != NULL)
		http_connection_end((struct http_connection *)gives_way);
	return room;
}

void
http_connection_open(struct http_listener *l, int fd, const struct sockaddr *address)
{
	struct http_server *s = l->server;
	struct http_connection *c = mem_zero(1, sizeof *c);
	struct err err;

	c->server = s;
	c->client.channel = l->channel;
	set_peer(c, fd, address);
	if (!make_room(c)) {
		close(fd);
		free(c);
		return;
	}
	if ((c->bev = transport_new(s, fd, l->channel)) == NULL) {
		free(c);
		return;
	}
	if (l->channel == HTTP_TLS && !buf_dup(buf_view(&s->end_point), &c->end_point, &err))
		mem_exhausted();
	http_limits_add(&s->limits, &c->client);
	set_deadline(c);
	bufferevent_setcb(c->bev, on_bytes, on_sent, on_event, c);
	/* The largest request fits: reading stops only where nobody waits for more. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, s->max_request + 2 * HTTP_HEAD_MAX);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}
