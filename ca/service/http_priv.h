/* What http.c (the server) and http_connection.c (one connection) know of each other. */
#ifndef SERVICE_HTTP_PRIV_H
#define SERVICE_HTTP_PRIV_H

#include <pthread.h>
#include <event2/bufferevent.h>
#include <openssl/ssl.h>

#include "http.h"
#include "http_framing.h"
#include "tls.h"

struct http_listener {
	struct http_server *server;
	int fd;
	enum http_channel channel;
	struct event *event;
	bool paused; /* an accept failed: the next sweep tries again */
};

struct http_server {
	struct event_base *base;
	SSL_CTX *tls;
	struct buf end_point;    /* of the certificate in it */
	struct tls_files files;  /* that it was read from */
	int64_t files_looked_at; /* clock_mono_ms */
	const struct config *config;
	const struct http_sign_in *sign_in;
	http_dispatch *dispatch;
	void *arg;
	int64_t idle_ms;
	size_t max_request;
	struct http_limits limits;
	struct http_listener listeners[2 * CONFIG_LIST_MAX + 2];
	size_t listener_count;
	struct event *sweep, *wake;
	pthread_mutex_t lock; /* of done */
	struct http_call *done;
	bool stopping;
};

/* What a connection is about. */
enum http_phase {
	HTTP_READS_HEAD,
	HTTP_READS_BODY,
	HTTP_WORKS,  /* a worker has the call */
	HTTP_SENDS,  /* the answer leaves */
	HTTP_LINGERS /* nothing more is said; what the client still sends is dropped */
};

struct http_connection {
	struct http_client client; /* first: found from it */
	struct http_server *server;
	struct bufferevent *bev; /* NULL: ended while a worker has the call */
	enum http_phase phase;
	int64_t deadline_ms;
	size_t scanned; /* of an incomplete head */
	size_t unsent;  /* bytes of the answer when its deadline was set */
	bool chunked, chunk_known, close;
	uint64_t left; /* of the body, or of the chunk */
	struct http_call *call;
	struct auth_state *auth;
	struct buf end_point;   /* of the certificate that this connection was opened with */
	struct buf certificate; /* the client's, once a request came; empty: none */
	char peer[64];
	uid_t uid; /* HTTP_LOCAL */
};

/* Takes the accepted socket over. */
void http_connection_open(struct http_listener *l, int fd, const struct sockaddr *address);
/* The worker is done with the call; frees it. */
void http_connection_answer(struct http_connection *c, struct http_call *call);
/* Ends what is over its deadline. Once the server is to stop, whoever has no answer to wait for is
 * at it. */
void http_connection_look(struct http_connection *c, int64_t now);
/* Whatever it is about. libevent frees the bufferevent, TLS and socket with it, later in the loop.
 */
void http_connection_end(struct http_connection *c);
void http_call_free(struct http_call *call);

#endif
