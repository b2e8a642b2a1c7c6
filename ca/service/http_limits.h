/*
 * How many connections there may be, and which one makes room for another. Pure: no sockets. Each
 * kind of listener has its own share, so that nobody on one of them shuts out another; within it no
 * source (an address, an IPv6 network, a local user) has more than its part.
 */
#ifndef SERVICE_HTTP_LIMITS_H
#define SERVICE_HTTP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum http_channel { HTTP_TLS, HTTP_PLAIN, HTTP_LOCAL, HTTP_METRICS };
#define HTTP_CHANNELS 4

/* Who has shown least goes first. */
enum http_rank { HTTP_SILENT, HTTP_SPEAKING, HTTP_KNOWN };

struct http_source {
	uint8_t key[16];
};

/* The part of a connection that is counted. Fields are the owner's but for the list. */
struct http_client {
	enum http_channel channel;
	struct http_source source;
	enum http_rank rank;
	bool busy; /* a worker has its request: it is never the one to go */
	struct http_client *prev, *next;
};

/* Clients of one kind of listener, the one that was idle longest first. */
struct http_share {
	size_t most, most_of_source, open;
	struct http_client *first, *last;
};

struct http_limits {
	struct http_share of[HTTP_CHANNELS];
};

/* Of `most`, an eighth is for the Unix socket, a quarter for plain HTTP and a sixteenth, two at
 * least, for metrics if there are those; a source has `most_of_source` at most, and never more than
 * half of a share. */
void http_limits_set(
    struct http_limits *l, size_t most, size_t most_of_source, bool has_plain, bool has_metrics);
/* The address (IPv6: its /64) or the local user. */
struct http_source http_source_of_address(const struct sockaddr *address);
struct http_source http_source_of_uid(uid_t uid);

/* True if `c` may come in; *gives_way_out is who has to go for it, or NULL. */
bool http_limits_room(
    const struct http_limits *l, const struct http_client *c, struct http_client **gives_way_out);
void http_limits_add(struct http_limits *l, struct http_client *c);
void http_limits_remove(struct http_limits *l, struct http_client *c);
/* It is idle from now on. */
void http_limits_idle(struct http_limits *l, struct http_client *c);

#endif
