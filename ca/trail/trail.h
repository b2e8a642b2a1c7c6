/*
 * The audit trail as everybody knows it who has to do with it: its events, a record, and the one
 * place that says which bytes of it are hashed. Row n has SHA-256(hash of row n - 1 || n and every
 * column, each text with its length); row 0's hash is zeros. Pure: what keeps the rows is
 * store.h. Failures of the chain are CRYPT_E_HASH_VALUE.
 */
#ifndef TRAIL_TRAIL_H
#define TRAIL_TRAIL_H

#include <openssl/evp.h>

#include "buf.h"

/* X(name, number, filter, word, text). The numbers are those of docs/FACTS.md 2; over 1000: our
 * own, for what AD CS does not audit. Filter: which bit of AuditFilter turns it off. */
#define AUDIT_EVENTS(X)                                                                          \
	X(SIGN_IN_FAILED, 529, ALWAYS, "sign-in-failed",                                         \
	    "a sign-in failed") /* of whom the actor claims */                                   \
	X(DENIED_PENDING, 772, CERTISSUED, "denied-pending",                                     \
	    "a certificate manager denied a pending request")                                    \
	X(RESUBMITTED, 773, CERTISSUED, "resubmitted", "a request was resubmitted")              \
	X(REVOKED, 774, CERTREVOKED, "revoked", "a certificate was revoked")                     \
	X(CRL_PUBLISHED, 776, CERTREVOKED, "crl-published", "a CRL was published")               \
	X(EXTENSION_SET, 777, CERTISSUED, "extension-set",                                       \
	    "an extension of a pending request was changed")                                     \
	X(ATTRIBUTES_SET, 778, CERTISSUED, "attributes-set",                                     \
	    "attributes of a pending request were changed")                                      \
	X(BACKUP_STARTED, 780, BACKUPRESTORE, "backup-started", "a backup was begun")            \
	X(BACKUP_COMPLETED, 781, BACKUPRESTORE, "backup-completed", "a backup was made")         \
	X(RESTORE_COMPLETED, 783, BACKUPRESTORE, "restore-completed",                            \
	    "the CA was restored from a backup")                                                 \
	X(STARTED, 784, STARTSTOP, "started", "the CA started")                                  \
	X(STOPPED, 785, STARTSTOP, "stopped", "the CA stopped")                                  \
	X(SECURITY, 786, CASECURITY, "security",                                                 \
	    "the rights on the CA were changed") /* dircaCASecurity */                           \
	X(KEY_RETRIEVED, 787, KEYARCHIVAL, "key-retrieved", "an archived key was retrieved")     \
	X(IMPORTED, 788, CERTISSUED, "imported",                                                 \
	    "certificates of another CA program were imported")                                  \
	X(FILTER, 789, ALWAYS, "audit-filter", "the audit filter was changed")                   \
	X(REQUEST_RECEIVED, 790, CERTISSUED, "request-received",                                 \
	    "a certificate request was received")                                                \
	X(ISSUED, 791, CERTISSUED, "issued", "a certificate was issued")                         \
	X(REQUEST_DENIED, 792, CERTISSUED, "request-denied", "a certificate request was denied") \
	X(PENDING, 793, CERTISSUED, "pending", "a certificate request was set to pending")       \
	X(OFFICERS, 794, CASECURITY, "officers",                                                 \
	    "the restrictions of certificate managers were changed") /* dircaOfficerRights */    \
	X(CONFIGURATION, 795, CACONFIG, "configuration", "a setting was changed")                \
	X(KEY_ARCHIVED, 797, KEYARCHIVAL, "key-archived", "a key was archived")                  \
	X(CA_PUBLISHED, 799, CACONFIG, "ca-published",                                           \
	    "the CA certificate was published in the directory")                                 \
	X(CASE_OPENED, 1770, KEYARCHIVAL, "case-opened", "a recovery case was opened")           \
	X(CASE_APPROVED, 1771, KEYARCHIVAL, "case-approved", "a recovery case was approved")     \
	X(CASE_DENIED, 1772, KEYARCHIVAL, "case-denied", "a recovery case was denied")           \
	X(CASE_CLOSED, 1773, KEYARCHIVAL, "case-closed", "a recovery case was closed")           \
	X(CASE_EXPIRED, 1774, KEYARCHIVAL, "case-expired", "the time of a recovery case ended")  \
	X(KEY_RECEIVED, 1775, KEYARCHIVAL, "key-received", "who fetched an archived key has it") \
	X(BATCH_APPROVED, 1776, KEYARCHIVAL, "batch-approved",                                   \
	    "a batch of archived keys was approved")                                             \
	X(OWNER_TOLD, 1777, KEYARCHIVAL, "owner-told",                                           \
	    "the owner of an archived key was told of its recovery")                             \
	X(KEYS_SEARCHED, 1787, KEYARCHIVAL, "keys-searched", "archived keys were searched for")  \
	X(FILES_CHANGED, 1795, ALWAYS, "files-changed",                                          \
	    "the CA's files were changed on its machine")

enum audit_event {
#define AUDIT_EVENT_ENUM(name, number, filter, word, text) AUDIT_##name = (number),
	AUDIT_EVENTS(AUDIT_EVENT_ENUM)
#undef AUDIT_EVENT_ENUM
};
/* AuditFilter ([MS-CSRA] 3.1.4.2.11), X(name, bit); ALWAYS is no bit of it. */
#define AUDIT_FILTERS(X)        \
	X(STARTSTOP, 0x01u)     \
	X(BACKUPRESTORE, 0x02u) \
	X(CERTISSUED, 0x04u)    \
	X(CERTREVOKED, 0x08u)   \
	X(CASECURITY, 0x10u)    \
	X(KEYARCHIVAL, 0x20u)   \
	X(CACONFIG, 0x40u)
enum audit_filter {
	AUDIT_FILTER_ALWAYS = 0x80,
#define AUDIT_FILTER_ENUM(name, bit) AUDIT_FILTER_##name = (bit),
	AUDIT_FILTERS(AUDIT_FILTER_ENUM)
#undef AUDIT_FILTER_ENUM
	    AUDIT_FILTER_ALL = 0x7f
};
/* Is the event written where the filter is `filter`? One without a row is. */
bool audit_event_passes(enum audit_event e, int64_t filter);

/* "?" for a number that is none. */
const char *audit_event_text(enum audit_event e);
/* By number or word. E_INVALIDARG names the words. */
bool audit_event_find(const char *text, enum audit_event *out, struct err *err);

#define TRAIL_HASH_LEN 32

struct audit_record {
	int64_t row_id; /* read only */
	int64_t when;
	enum audit_event event;
	bool success;
	int32_t status;               /* HRESULT of a failure */
	char *actor;                  /* DOMAIN\user, or "dircad" */
	int64_t request_id;           /* 0 none */
	char *object;                 /* serial, setting name ... */
	char *detail;                 /* "template=EFSArchive kras=..." */
	uint8_t hash[TRAIL_HASH_LEN]; /* read only: what stands beside the row */
};
/* Frees the texts; zeroes. */
void audit_record_free(struct audit_record *a);

/* The last row so far, and its hash; zeroed: none yet. */
struct trail_head {
	int64_t count;
	uint8_t hash[TRAIL_HASH_LEN];
};

/* The hash that row a->row_id has behind `before`. NULL and "" are one. */
bool trail_hash(const EVP_MD *sha256, const uint8_t before[TRAIL_HASH_LEN],
    const struct audit_record *a, uint8_t out[TRAIL_HASH_LEN], struct err *err);
/* Is this the row behind *at, as it was written? Moves *at to it. Else names the row that is
 * missing or changed. */
bool trail_next(
    const EVP_MD *sha256, struct trail_head *at, const struct audit_record *a, struct err *err);
/* Does the trail that was walked to `at` end where `head` says? */
bool trail_end(const struct trail_head *at, const struct trail_head *head, struct err *err);

#endif
