/* What its CA says of a certificate that the caller has. */
#ifndef CLI_HELD_STATE_H
#define CLI_HELD_STATE_H

#include "pkix.h"
#include "session.h"

enum held_state {
	HELD_GOOD,
	HELD_ON_HOLD,
	HELD_REVOKED,
	HELD_UNKNOWN, /* no CA of the directory that could be asked knows it as the caller's */
};

/* Asks, and does not wait for the next CRL. The directory must be open. */
enum held_state held_state_ask(struct session *s, const struct pkix_cert *cert);

#endif
