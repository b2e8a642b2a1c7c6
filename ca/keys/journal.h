/*
 * The vault's own record of what the CA key signed: an append-only file of fixed records in the
 * vault's folder, each with a SHA-256 over itself and what was before it. A record is written
 * before its signature leaves, so that a front that does as it likes issues nothing without a
 * trace; without a record there is no signature. `dirca audit compare` holds the file against the
 * database (ca/core/journal_compare.h).
 *
 * Durable: whatever becomes of the processes, every record is there. A machine that stops without
 * warning may lose those of the last second, for the vault syncs once a second (journal_sync): the
 * record JOURNAL_STARTED that follows no JOURNAL_STOPPED says that this may have happened.
 *
 * Shown by the chain: a record that was changed, added in the middle or taken out of it. Records
 * cut off at the end do not show in the file, only in the database that still names what they told
 * of. Who writes as the vault can write the whole file anew.
 *
 * A record: u64 number from 1, i64 time, u8 kind, u8 length of the number that follows, 20 octets
 * number (serial number, CRL number), 2 zero octets, SHA-256 of what was signed, SHA-256 over the
 * last 32 octets of the record before (zeros if none) and the first 72 of this one. Integers
 * little-endian.
 */
#ifndef KEYS_JOURNAL_H
#define KEYS_JOURNAL_H

#include <pthread.h>
#include <stdio.h>

#include "buf.h"

#define JOURNAL_FILE       "journal"
#define JOURNAL_RECORD_LEN 104
#define JOURNAL_NUMBER_MAX 20
#define JOURNAL_LOSS_S     5 /* what a power cut may take, with room for a slow disk */

/* Values are those of the file. */
enum journal_kind {
	JOURNAL_BEGUN = 1,   /* the file: nothing before it was written down */
	JOURNAL_STARTED,     /* the vault */
	JOURNAL_STOPPED,     /* the vault, in good order */
	JOURNAL_INIT,        /* signed by `dirca ca init`: CA and TLS certificate, request */
	JOURNAL_CERTIFICATE, /* TBSCertificate that the front proposed */
	JOURNAL_EXCHANGE,    /* TBSCertificate of an exchange key */
	JOURNAL_CRL,         /* TBSCertList */
	JOURNAL_RESPONSE,    /* signed attributes of a CMC response */
	JOURNAL_RECOVERY,    /* signed attributes of a recovery BLOB */
	JOURNAL_KEY, /* ... of a private key that the vault made; the number: its SHA-1 name */
	JOURNAL_CHECKPOINT, /* ... of a checkpoint of the audit trail; the number: its row */
	JOURNAL_KINDS
};

/* "certificate", "exchange certificate", "CRL" ... */
const char *journal_kind_name(enum journal_kind kind);

struct journal_entry {
	enum journal_kind kind;
	int64_t when;
	uint8_t number[JOURNAL_NUMBER_MAX]; /* big-endian, no leading zero octet */
	size_t number_len;
	uint8_t sha256[32];
};

/* Many threads may add at once. */
struct journal {
	pthread_mutex_t lock;
	int fd; /* -1: closed */
	uint64_t count;
	uint8_t chain[32];
	bool unsynced, broken;
};

/* Opens <folder>/journal for this process alone, or makes it with a JOURNAL_BEGUN. Half a record at
 * its end, of a write that the machine's stop cut, is taken off. DIRCA_E_JOURNAL if another process
 * still has it open after `patience_ms`, or its last record does not fit. */
bool journal_open(
    struct journal *j, const char *folder, int64_t now, int64_t patience_ms, struct err *err);
void journal_close(struct journal *j);
/* e->when and e->sha256 (of `what`) are filled in here. DIRCA_E_IO: nothing may be signed. */
bool journal_add(
    struct journal *j, struct journal_entry *e, struct view what, int64_t now, struct err *err);
/* Brings to the disk what was added. */
bool journal_sync(struct journal *j, struct err *err);

/* The number in the newest record of that kind; 0: there is none, or none that fits. */
bool journal_newest_number(
    struct journal *j, enum journal_kind kind, uint64_t *number_out, struct err *err);
/* How many records are on the disk: brings them there. */
bool journal_length(struct journal *j, uint64_t *records_out, struct err *err);

/* Gives every record of the file, in order, and checks the chain. `each` may end the walk with
 * false and err. DIRCA_E_JOURNAL names the first record that does not fit;
 * ERROR_FILE_NOT_FOUND if there is no journal. */
typedef bool journal_each(const struct journal_entry *e, void *arg, struct err *err);
bool journal_walk(const char *path, journal_each *each, void *arg, struct err *err);
/* The same of one that is open; `path` is what errors call it. */
bool journal_walk_file(FILE *f, const char *path, journal_each *each, void *arg, struct err *err);

#endif
