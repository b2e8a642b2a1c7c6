/*
 * One kept connection to dircad, or to what it is compared with, with as little work on the
 * client's side as HTTP allows: it shares the processor with what is measured. Not for use outside
 * tests.
 */
#ifndef BENCH_LOAD_CLIENT_H
#define BENCH_LOAD_CLIENT_H

#include <openssl/ssl.h>

#include "buf.h"

struct load_client {
	SSL_CTX *tls;      /* borrowed; NULL: plain TCP */
	const char *port;  /* on localhost */
	const char *basic; /* base64 of user:password; sent with the first request of a connection;
			      NULL: of nobody */
	const char *type;  /* of what is sent; NULL: a CMC request */
	SSL *ssl;
	int fd;
	bool connected, authenticated;
	struct buf in; /* received and not yet used */
};

struct load_answer {
	int status;
	struct buf body;
};

#define LOAD_PATH_ENROLL "/.well-known/est/fullcmc"

/* Nanoseconds of the monotonic clock. */
int64_t load_now_ns(void);
/* base64 of "user:password", with the password that the file holds; free(). */
bool load_basic(const char *user, const char *password_file, char **out, struct err *err);
/* A client context that trusts the CA certificate in `ca_file` alone. */
bool load_tls(const char *ca_file, SSL_CTX **out, struct err *err);
/* `body` empty: GET. Connects if need be; after a failure the connection is closed, and whether the
 * request was worked on is not known. */
bool load_call(struct load_client *c, const char *path, struct view body, struct load_answer *out,
    struct err *err);
/* The CA exchange certificate (DER), on a connection that is closed again; `c` is not connected. */
bool load_xchg(struct load_client *c, struct buf *out, struct err *err);
void load_answer_free(struct load_answer *a);
void load_close(struct load_client *c);

#endif
