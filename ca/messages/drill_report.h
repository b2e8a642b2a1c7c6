/*
 * What a key recovery agent gives back of a drill (docs/PROTOCOL.md): for each archived key that he
 * opened a signature by that key. It names no key but by the hash of how it is sealed, and holds
 * none.
 */
#ifndef MESSAGES_DRILL_REPORT_H
#define MESSAGES_DRILL_REPORT_H

#include "buf.h"

#define DRILL_ID         16
#define DRILL_HASH       32
#define DRILL_PROOFS_MAX 100 /* of one message; more are in further ones */
#define DRILL_REPORT_MAX 131072

struct drill_proof {
	struct view sealed;    /* SHA-256 of the archived key as it was given out */
	struct view signature; /* by the key in it: drill_proof_make */
};
struct drill_report {
	struct view drill; /* DRILL_ID octets */
	struct drill_proof proofs[DRILL_PROOFS_MAX];
	size_t count;
	struct drill_report_wire *wire; /* storage of the views */
};
/* ERROR_INVALID_DATA, DIRCA_E_TOO_LARGE. */
bool drill_report_encode(const struct drill_report *r, struct buf *out, struct err *err);
/* ERROR_INVALID_DATA, DIRCA_E_TOO_LARGE. */
bool drill_report_decode(struct view der, struct drill_report *out, struct err *err);
void drill_report_free(struct drill_report *r);

#endif
