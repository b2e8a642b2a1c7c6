/* Cyrus SASL on the client's side, for HTTP. The only file of the command line that sees
 * <sasl/sasl.h>. */
#ifndef CLIENT_SASL_CLIENT_H
#define CLIENT_SASL_CLIENT_H

#include "buf.h"

struct sasl_client;

/* `mechanism` GSS-SPNEGO or SCRAM-SHA-256-PLUS; service principal HTTP@host. Bound to the TLS
 * connection with this tls-server-end-point (RFC 5929). */
bool sasl_client_open(const char *mechanism, const char *host, const char *user,
    const struct secret *password, struct view end_point, struct sasl_client **out,
    struct err *err);
void sasl_client_close(struct sasl_client **c);
/* Who signed in, once it is done; NULL: the mechanism does not say. free(). */
char *sasl_client_user(struct sasl_client *c);
/* First call: `in` empty. *done_out: the client has all it needs; the server may still owe a last
 * message. */
bool sasl_client_next(struct sasl_client *c, struct view in, struct buf *message_out,
    bool *done_out, struct err *err);

#endif
