/*
 * Sign-in on the server's side, for HTTP: SCRAM-SHA-256 and -PLUS by Cyrus SASL, and GSS-SPNEGO
 * (gss_server.h). The only file of the service that sees <sasl/sasl.h>. SCRAM's stored keys come
 * from authPassword in the directory through an auxprop plugin of our own; passwords are never
 * read. A name that may not sign in, or that nobody has, goes the same way to the same end as a
 * wrong password (scram_decoy.h).
 */
#ifndef SERVICE_SASL_SERVER_H
#define SERVICE_SASL_SERVER_H

#include "ca.h"

/* Once, before workers start. `ca` must outlive all sessions. */
bool sasl_open(struct ca *ca, struct err *err);
void sasl_close(void);

struct sasl_session;
/* Channel binding type of RFC 5929. */
#define SASL_END_POINT "tls-server-end-point"
/* `mechanism`: "GSS-SPNEGO", "SCRAM-SHA-256" or "SCRAM-SHA-256-PLUS". `end_point`: the connection's
 * tls-server-end-point; lives as long as the session. A client that says that the CA has no channel
 * binding is refused. */
bool sasl_session_new(const struct config *config, const char *mechanism, struct view end_point,
    struct sasl_session **out, struct err *err);
void sasl_session_free(struct sasl_session **s);

enum sasl_step { SASL_STEP_DONE, SASL_STEP_CONTINUE, SASL_STEP_FAILED };
/* One message of the client; `reply_out` is what goes back (may be empty). identity after DONE:
 * sasl_session_identity. */
enum sasl_step sasl_session_step(
    struct sasl_session *s, struct view message, struct buf *reply_out, struct err *err);
const char *sasl_session_identity(const struct sasl_session *s);
/* The name that the client gave, proved or not; NULL as long as it gave none. */
const char *sasl_session_claimed(const struct sasl_session *s);
/* After DONE: the client proved that it sees the same channel. */
bool sasl_session_is_bound(const struct sasl_session *s);

#endif
