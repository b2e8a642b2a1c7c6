/*
 * Batches of archived keys that root gave out for an agent to seal to others, and who approved that
 * they are taken back. The database holds that a batch stays what it was given out as, and that an
 * approval is not taken back.
 */
#ifndef STORE_STORE_BATCHES_H
#define STORE_STORE_BATCHES_H

#include "store.h"

#define STORE_BATCH_ID 16

/* Strings are owned when read, borrowed when written. */
struct store_batch {
	uint8_t id[STORE_BATCH_ID];
	uint8_t from[20]; /* SHA-1 of the certificate of the agent who is to open the keys */
	int64_t given_when, keys;
	const int64_t *requests; /* whose keys they are; only written */
	char *to, *given_by; /* SHA-1 of those of the agents to come, with commas between them, and
				behind them "threshold=2" where so many of them open a key together;
				who was root; both NULL of an older program */
	char *with; /* SHA-1 of those of the agents who give their shares to `from`; NULL: he opens
		       the keys alone */
	int64_t approved_when; /* 0: nobody did */
	char *approved_by;
};
void store_batch_free(struct store_batch *b);
struct store_batches {
	struct store_batch *list;
	size_t count;
};
void store_batches_free(struct store_batches *bs);

/* ---- inside a unit of work ---- */
bool store_add_batch(struct store_tx *tx, const struct store_batch *b, struct err *err);
/* *done_out: false: there is none, or it was approved already. */
bool store_approve_batch(struct store_tx *tx, struct view id, const char *by, int64_t now,
    bool *done_out, struct err *err);

/* ---- reading ---- */
enum store_find store_get_batch(
    struct store *s, struct view id, struct store_batch *out, struct err *err);
/* The newest first, `limit` at most, behind `after`; NULL: from the first. */
bool store_list_batches(struct store *s, const struct store_batch *after, int limit,
    struct store_batches *out, struct err *err);

#endif
