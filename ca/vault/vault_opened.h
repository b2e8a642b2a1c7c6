/*
 * What was opened under one exchange key: each encrypted key once. Who caught an archival request
 * of another cannot have its key opened again, in whatever he wraps it: the vault remembers the
 * encrypted key itself (cms_recipient_fingerprint) and the whole request that came with it. Of a
 * key that is imported, which says inside what it is for, each attempt is remembered by itself
 * (vault_rewrap.c), so that nobody spends it for others.
 *
 * Beside the exchange key lies an append-only file of fixed records. A record is written before the
 * exchange key is used, so that no end of a process takes one away; a machine that stops without
 * warning may lose those of the last second (vault_opened_sync). A record that was torn at the
 * end is dropped. Anything else that is wrong, or a file that is not there, and the exchange key is
 * not used any more: what it opened is not known.
 *
 * A record: u8 kind, 16 octets of the encrypted key's hash, 15 octets of the request's, then the
 * first 8 octets of SHA-256 over the last 8 of the record before and these 32. The first record
 * names the exchange key.
 *
 * Under the lock of its owner (vault_xchg.c).
 */
#ifndef VAULT_OPENED_H
#define VAULT_OPENED_H

#include <sys/types.h>

#include "buf.h"

#define VAULT_OPENED_RECORD 40
#define VAULT_OPENED_CHAIN  8
#define VAULT_OPENED_KEY    16
#define VAULT_OPENED_WHOLE  15
/* An exchange key that opened so many is retired: what the vault remembers has a bound, and nothing
 * is forgotten to keep it. */
#define VAULT_OPENED_MAX (1u << 22)

struct vault_opened_slot {
	uint8_t state; /* 0: free; else the kind of the last record */
	uint8_t key[VAULT_OPENED_KEY];
	uint8_t whole[VAULT_OPENED_WHOLE];
};

struct vault_opened {
	int fd;     /* -1: closed */
	off_t size; /* of whole records */
	struct vault_opened_slot *slots;
	size_t slot_count, count; /* a power of two; in use */
	uint32_t failures;        /* keys that were opened and could not be archived */
	uint64_t salt;            /* places in the table cannot be foreseen */
	uint8_t chain[VAULT_OPENED_CHAIN];
	bool dirty; /* written and not yet on the disk */
};

/* `path` must not exist; `id` has VAULT_ID_LEN octets. On the disk when it returns, but for the
 * folder. */
bool vault_opened_create(struct vault_opened *o, const char *path, struct view id, struct err *err);
/* DIRCA_E_CONFIG for a file that is not whole. */
bool vault_opened_load(struct vault_opened *o, const char *path, struct view id, struct err *err);
/* Safe on {.fd = -1} and twice. */
void vault_opened_close(struct vault_opened *o);

/* May the encrypted key be opened for the request `whole` (SHA-256 both)? Once; again for the same
 * request as long as it did not fail. Written down before it returns true.
 * DIRCA_E_KEY_NOT_ARCHIVED; DIRCA_E_IO if it could not be written down. */
bool vault_opened_claim(struct vault_opened *o, const uint8_t encrypted_key[32],
    const uint8_t whole[32], struct err *err);
/* It was opened and could not be archived: it is not opened again for that request either, also
 * where it could not be written down. */
bool vault_opened_fail(struct vault_opened *o, const uint8_t encrypted_key[32], struct err *err);

#endif
