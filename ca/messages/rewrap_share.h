/*
 * Shares of the keys of a batch, or of a drill, that several agents open together, on their way
 * from one of them to who combines them (docs/PROTOCOL.md). A file is such shares one after the
 * other. Nothing signs them: what is in a share says which key of which batch it is of, and whether
 * it is right follows from the key (recovery.h).
 */
#ifndef MESSAGES_REWRAP_SHARE_H
#define MESSAGES_REWRAP_SHARE_H

#include "rewrap_entry.h"

struct rewrap_share {
	struct view batch; /* REWRAP_BATCH_ID octets */
	int64_t request_id;
	struct view share;  /* ContentInfo: sealed to who combines */
	struct buf content; /* storage of the views */
};
/* E_INVALIDARG, ERROR_INVALID_DATA, DIRCA_E_TOO_LARGE. */
bool rewrap_share_encode(const struct rewrap_share *s, struct buf *out, struct err *err);
/* ERROR_INVALID_DATA, DIRCA_E_TOO_LARGE. Where one ends rewrap_entry_next tells. */
bool rewrap_share_decode(struct view der, struct rewrap_share *out, struct err *err);
void rewrap_share_free(struct rewrap_share *s);

#endif
