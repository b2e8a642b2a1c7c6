/*
 * Root's order about a batch of archived keys (rewrap_entry.h, docs/PROTOCOL.md): which keys these
 * are, all of them, and whom an agent is to seal them to. SignedData by the CA's key with a content
 * type of its own, so that it is nothing else that the CA signs; it stands before the entries, and
 * comes back with them.
 */
#ifndef MESSAGES_REWRAP_ORDER_H
#define MESSAGES_REWRAP_ORDER_H

#include "cms.h"
#include "pkix.h"
#include "rewrap_entry.h"

struct rewrap_order {
	uint8_t batch[REWRAP_BATCH_ID];
	int64_t when, keys;
	uint8_t entries[REWRAP_HASH]; /* SHA-256 of all of them, as the CA gave them out */
	size_t threshold; /* so many of the agents to come open a key together; 1: each alone */
	bool gcm;         /* they read AES-GCM: it is used */
	uint8_t to[KRA_COUNT_MAX][REWRAP_HASH]; /* SHA-256 of their certificates */
	size_t to_count;                        /* 0: a drill, where nothing is sealed */
	/* Keys that several agents open together: who puts the shares together, SHA-256 of his
	 * certificate. A drill without that has no order. */
	bool together;
	uint8_t combiner[REWRAP_HASH];
};

/* The content that is signed. ERROR_INVALID_DATA: it orders nothing. */
bool rewrap_order_encode(const struct rewrap_order *o, struct buf *der_out, struct err *err);
/* Exactly that; ERROR_INVALID_DATA. */
bool rewrap_order_decode(struct view der, struct rewrap_order *out, struct err *err);
/* The whole message: signed by the key of one of `cas`, once, and of the content type; as
 * checkpoint_verify. */
bool rewrap_order_verify(struct view message, const struct pkix_cert *const *cas, size_t count,
    struct rewrap_order *out, struct err *err);

/* A file is the message and the entries. ERROR_INVALID_DATA: it is none, or cut off. */
bool rewrap_file_split(
    struct view file, struct view *message_out, struct view *entries_out, struct err *err);
/* Is the entry of that batch, and for those agents? */
bool rewrap_order_has(const struct rewrap_order *o, const struct rewrap_entry *e);
/* Are the entries all that were given out, as they were? CRYPT_E_HASH_VALUE. */
bool rewrap_order_covers(const struct rewrap_order *o, struct view entries, struct err *err);
/* The order says what such entries are: their batch, agents, number and hash. ERROR_INVALID_DATA:
 * they are of several batches, or for others than `to` says. */
bool rewrap_order_count(struct rewrap_order *o, struct view entries, struct err *err);

#endif
