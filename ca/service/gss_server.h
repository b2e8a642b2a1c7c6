/*
 * HTTP Negotiate on the server's side: SPNEGO with Kerberos (RFC 4178, RFC 4559), by GSS-API
 * itself. Cyrus SASL's GSS-SPNEGO passes channel bindings on, but does not tell whether the client
 * sent any. The only file that sees <gssapi/gssapi.h>.
 */
#ifndef SERVICE_GSS_SERVER_H
#define SERVICE_GSS_SERVER_H

#include "sasl_server.h"

struct gss_session;
/* Tickets must be for HTTP/<host>. `end_point`: tls-server-end-point of the connection, copied. */
bool gss_session_new(
    const char *host, struct view end_point, struct gss_session **out, struct err *err);
void gss_session_free(struct gss_session **s);
/* As sasl_session_step. *identity_out after DONE: the client's principal, without the realm if that
 * is the service's own; free(). *bound_out: the client bound it to the same channel. A client that
 * bound it to another is refused. */
enum sasl_step gss_session_step(struct gss_session *s, struct view message, struct buf *reply_out,
    char **identity_out, bool *bound_out, struct err *err);

#endif
