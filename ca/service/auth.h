/*
 * Who is calling: peer credentials on the Unix socket; on TLS HTTP Basic (an LDAP bind), Negotiate
 * (GSS-SPNEGO), SCRAM-SHA-256 (RFC 7804) and SCRAM-SHA-256-PLUS, and where none of these is sent
 * the client certificate of TLS. A TLS connection that
 * authenticated stays so until it closes, presents other credentials or is auth_max_age_s old.
 * Called by workers, one call of a connection at a time.
 */
#ifndef SERVICE_AUTH_H
#define SERVICE_AUTH_H

#include "ca.h"
#include "http.h"

enum auth_outcome {
	AUTH_OK,       /* identity is known */
	AUTH_CONTINUE, /* the answer (401 with a challenge) is in the call */
	AUTH_REFUSED   /* the answer is in the call: 401 with all challenges, 429 with the wait, or
			  why nobody can be asked */
};

/* The text of *identity_out is borrowed from the connection or the configuration until the next
 * call of this connection. */
enum auth_outcome auth_call(struct ca *ca, struct http_call *call, struct identity *identity_out);
/* The connection's sign-in proved that caller and CA see the same TLS channel. */
bool auth_is_bound(struct http_call *call);
/* The sign-in was by a client certificate whose private key is archived. */
bool auth_is_by_archived_key(struct http_call *call);
/* For the connection, not while a worker has a call of it. */
extern const struct http_sign_in auth_sign_in;

#endif
