/*
 * An archived key on its way to an agent who seals it to others, and back (docs/PROTOCOL.md). A
 * batch is entries one after the other, behind the order that covers them (rewrap_order.h). On the
 * way back nothing signs them: the CA believes nothing that it cannot see.
 */
#ifndef MESSAGES_REWRAP_ENTRY_H
#define MESSAGES_REWRAP_ENTRY_H

#include "buf.h"

#define REWRAP_BATCH_ID  16
#define REWRAP_HASH      32
#define REWRAP_ENTRY_MAX 131072

struct rewrap_entry {
	struct view batch; /* REWRAP_BATCH_ID octets */
	int64_t request_id;
	struct view former;      /* SHA-256 of the archived key as the CA has it */
	bool gcm;                /* the agents to come read AES-GCM: it is used */
	struct view to;          /* SHA-256 of each of their certificates, one after the other; none
				    in a drill, where nothing is sealed */
	struct view certificate; /* whose key it is */
	struct view key;         /* ContentInfo: sealed to those who could open it, or to those to
				    come */
	struct buf content;      /* storage of the views */
};
/* E_INVALIDARG, DIRCA_E_TOO_LARGE. */
bool rewrap_entry_encode(const struct rewrap_entry *e, struct buf *out, struct err *err);
/* ERROR_INVALID_DATA, DIRCA_E_TOO_LARGE. */
bool rewrap_entry_decode(struct view der, struct rewrap_entry *out, struct err *err);
void rewrap_entry_free(struct rewrap_entry *e);
/* Takes the first entry's octets from a batch. ERROR_INVALID_DATA: it is none, or cut off. */
bool rewrap_entry_next(struct view *batch, struct view *der_out, struct err *err);

#endif
