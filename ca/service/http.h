/*
 * HTTP in and out of the event loop: listeners, TLS, limits, and the hand-over of a whole request
 * to the workers. Of the CA it knows dircad.conf. http_server_* run on the loop's thread,
 * http_call_* on that of whoever has the call, http_done on any.
 */
#ifndef SERVICE_HTTP_H
#define SERVICE_HTTP_H

#include <event2/event.h>
#include <sys/types.h>

#include "buf.h"
#include "http_limits.h"
#include "service.h"

/* What authentication keeps for a TLS connection; owned by auth.c, opaque here. Created lazily,
 * freed with the connection when no call uses it. */
struct auth_state;

struct http_header {
	char *name, *value;
};

/* One request and its answer. The worker owns it between take and done. */
struct http_call {
	enum http_channel channel;
	char *method; /* "GET" ... */
	char *path;   /* decoded, without query */
	char *query;  /* raw, NULL if none */
	/* header values, NULL if absent */
	char *authorization, *host, *origin, *fetch_site;
	char *body_type; /* Content-Type */
	char *if_none_match, *if_modified_since;
	char peer[64]; /* address for the log */
	uid_t uid;     /* HTTP_LOCAL */
	struct buf body;
	struct http_connection *connection; /* holds auth_state */
	/* of routes.c */
	const struct route *route; /* NULL: none */
	bool path_known;           /* if perhaps not with this method */
	char *part;                /* what the '*' of the pattern matched; NULL: it has none */
	int64_t arrived_ms;        /* clock_mono_ms */
	/* answer */
	int status;
	enum err_code refusal; /* the error that it tells; ERR_OK: none */
	char content_type[80];
	struct buf answer;
	/* Sent instead of `answer`, where it lies; `shared_release` (NULL: there is none) is called
	 * with its argument once nobody reads it any more, on the loop's thread. */
	struct view shared;
	void (*shared_release)(void *arg);
	void *shared_arg;
	char cache_control[80]; /* "": nobody keeps it */
	struct http_header headers[8];
	size_t header_count;
	bool close; /* close the connection afterwards */
	/* private to http.c and http_connection.c */
	struct http_server *server;
	struct http_call *next;
};

/* The connection's authentication, NULL without TLS; one call of a connection runs at a time. */
struct auth_state **http_call_auth(struct http_call *call);
/* tls-server-end-point of the connection's TLS; empty without TLS. */
struct view http_call_end_point(const struct http_call *call);
/* The certificate (DER) of the client, who has proved to have its key; empty: none. */
struct view http_call_certificate(const struct http_call *call);
/* Adds an answer header. Refuses a ninth, and a value with control characters. */
bool http_call_header(struct http_call *call, const char *name, const char *value, struct err *err);
/* Value of one query parameter, decoded; NULL if absent. free(). */
char *http_call_query(const struct http_call *call, const char *name);

/* What a connection asks of the sign-in that it holds. */
struct http_sign_in {
	bool (*is_known)(const struct auth_state *state); /* NULL: nobody has signed in */
	void (*free)(struct auth_state **state);
};

typedef void http_dispatch(struct http_call *call, void *arg);

struct http_server;
bool http_server_open(const struct config *config, const struct service_sockets *sockets,
    const struct http_sign_in *sign_in, struct event_base *base, http_dispatch *dispatch, void *arg,
    struct http_server **out, struct err *err);
/* Stops accepting. Connections end as their answers leave; with the last one the event loop does.
 */
void http_server_stop(struct http_server *s);
void http_server_close(struct http_server **s);
/* From any thread: the answer is ready. */
void http_done(struct http_call *call);

#endif
