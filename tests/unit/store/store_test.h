/*
 * What the tests of the store share: a store in a folder of its own, sample rows, and a second, raw
 * connection to the file.
 */
#ifndef TESTS_STORE_STORE_TEST_H
#define TESTS_STORE_STORE_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sqlite3.h>
#include <cmocka.h>

#include "store.h"

struct fixture {
	char folder[64];
	char path[96];
	struct store *store;
	struct err err;
};

#define assert_ok(f, call)                                       \
	do {                                                     \
		if (!(call))                                     \
			fail_msg("%s: %s", #call, (f)->err.msg); \
	} while (0)

static inline void
reopen(struct fixture *f)
{
	store_close(&f->store);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
}

static inline int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	strcpy(f->folder, "/tmp/dirca-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/ca.db", f->folder);
	assert_ok(f, store_create(f->path, &f->store, &f->err));
	*state = f;
	return 0;
}

static inline int
tear_down(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	struct fixture *f = *state;
	char name[128];

	store_close(&f->store);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "%s%s", f->path, suffixes[i]);
		unlink(name);
	}
	rmdir(f->folder);
	free(f);
	return 0;
}

/* Takes a database back to an older version, for the migrations to bring it forward. */
/* clang-format off */
#define FORMER_CHECK(to, from) \
	"UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (" from "', 'CHECK (" to "') WHERE name = 'Request';"
#define TO_VERSION_26 \
	"PRAGMA writable_schema = ON;" \
	FORMER_CHECK("Disposition IN (8, 9, 12, 20, 21, 30, 31)", \
	    "Disposition BETWEEN 8 AND 9 OR Disposition = 12 OR Disposition BETWEEN 20 AND 21 " \
	    "OR Disposition BETWEEN 30 AND 31") \
	FORMER_CHECK("Disposition NOT IN (12, 20, 21) OR", \
	    "NOT (Disposition = 12 OR Disposition BETWEEN 20 AND 21) OR") \
	FORMER_CHECK("RevokedReason IN (0, 1, 2, 3, 4, 5, 6, 9, 10)", \
	    "RevokedReason BETWEEN 0 AND 6 OR RevokedReason BETWEEN 9 AND 10") \
	"PRAGMA writable_schema = RESET;" \
	"DROP TRIGGER AuditInsert; DROP TRIGGER AuditHeadUpdate;" \
	"CREATE TRIGGER AuditInsert BEFORE INSERT ON Audit " \
	"WHEN NEW.AuditRowId <> (SELECT RowCount FROM AuditHead) + 1 " \
	"BEGIN SELECT RAISE(ABORT, 'an audit row must follow the last one'); END;" \
	"CREATE TRIGGER AuditHeadUpdate BEFORE UPDATE ON AuditHead " \
	"WHEN NEW.One <> 1 OR NEW.RowCount <> OLD.RowCount + 1 " \
	"OR NEW.RowHash IS NOT (SELECT RowHash FROM Audit WHERE AuditRowId = NEW.RowCount) " \
	"BEGIN SELECT RAISE(ABORT, 'the head of the audit trail moves with its rows'); END;" \
	"CREATE INDEX RequestIssuedNotAfter ON Request(NotAfter) WHERE Disposition = 20; " \
	"PRAGMA user_version = 26;"
/* clang-format on */
#define TO_VERSION_25                                     \
	"ALTER TABLE RewrapBatch DROP COLUMN WithHashes;" \
	"ALTER TABLE Drill DROP COLUMN WithHashes; PRAGMA user_version = 25;"
#define TO_VERSION_24 "DROP TABLE OwnerNotice; PRAGMA user_version = 24;"
#define TO_VERSION_23 "DROP TABLE RewrapBatchKey; PRAGMA user_version = 23;"
#define TO_VERSION_22 \
	"DROP TRIGGER MatchNameDelete; DROP TABLE MatchName; PRAGMA user_version = 22;"
#define TO_VERSION_21                                                     \
	"DROP TRIGGER RewrapBatchUpdate; DROP TRIGGER RewrapBatchDelete;" \
	"ALTER TABLE RewrapBatch DROP COLUMN ApprovedWhen;"               \
	"ALTER TABLE RewrapBatch DROP COLUMN ApprovedBy;"                 \
	"ALTER TABLE RewrapBatch DROP COLUMN GivenBy;"                    \
	"ALTER TABLE RewrapBatch DROP COLUMN ToHashes;"                   \
	"ALTER TABLE RewrapBatch DROP COLUMN Keys; PRAGMA user_version = 21;"
#define TO_VERSION_20 "DROP TABLE RewrapBatch; PRAGMA user_version = 20;"
#define TO_VERSION_19 "DROP TABLE DrillKey; DROP TABLE Drill; PRAGMA user_version = 19;"
#define TO_VERSION_18 "DROP TABLE FormerKey; PRAGMA user_version = 18;"
/* The triggers as version 7 made them, to the letter: the schema is compared. */
#define KRA_LINES(of, sign)                                                                      \
	"INSERT INTO KraKeyCount WITH RECURSIVE line(Hash, Rest) AS (SELECT NULL, " of           \
	".KeyRecoveryHashes || char(10) UNION ALL SELECT substr(Rest, 1, instr(Rest, char(10)) " \
	"- 1), substr(Rest, instr(Rest, char(10)) + 1) FROM line WHERE Rest <> '') SELECT "      \
	"DISTINCT Hash, " sign "1, " sign "(Hash = " of                                          \
	".KeyRecoveryHashes) FROM line WHERE Hash <> '' ON CONFLICT(CertificateHash) DO UPDATE " \
	"SET Keys = Keys + excluded.Keys, Alone = Alone + excluded.Alone;"
#define KRA_REQUESTS(of, sign)                                                     \
	"UPDATE RequestCount SET Requests = Requests + " sign "1, ArchivedKeys = " \
	"ArchivedKeys + " sign of ".HasArchivedKey WHERE Disposition = " of ".Disposition;"
#define TO_VERSION_17                                                                            \
	"DROP TRIGGER RequestCountInsert; DROP TRIGGER RequestCountDelete; DROP TRIGGER "        \
	"RequestCountKras; DROP TABLE KraSetCount; DROP INDEX RequestKeyRecoveryHashes; "        \
	"CREATE TABLE KraKeyCount (CertificateHash TEXT NOT NULL PRIMARY KEY,Keys INTEGER NOT "  \
	"NULL,Alone INTEGER NOT NULL) STRICT, WITHOUT ROWID;"                                    \
	"CREATE TRIGGER RequestCountInsert AFTER INSERT ON Request BEGIN " KRA_REQUESTS(         \
	    "NEW", "") KRA_LINES("NEW",                                                          \
	    "") " END;"                                                                          \
		"CREATE TRIGGER RequestCountDelete AFTER DELETE ON Request BEGIN " KRA_REQUESTS( \
		    "OLD", "-") KRA_LINES("OLD",                                                 \
		    "-") " END;"                                                                 \
			 "CREATE TRIGGER RequestCountKras AFTER UPDATE OF KeyRecoveryHashes ON " \
			 "Request BEGIN " KRA_LINES("OLD", "-")                                  \
			     KRA_LINES("NEW", "") " END; PRAGMA user_version = 17;"
#define TO_VERSION_16                                                                            \
	"DROP INDEX RequestUPN; DROP INDEX RequestCommonName; DROP INDEX RequestRequesterName; " \
	"DROP INDEX RequestCertificateTemplate; DROP INDEX RequestSubmittedWhen; DROP INDEX "    \
	"RequestResolvedWhen; DROP INDEX RequestRevokedWhen; DROP INDEX RequestNotAfter; "       \
	"CREATE INDEX RequestUPN ON Request(UPN) WHERE UPN IS NOT NULL;"                         \
	"CREATE INDEX RequestCommonName ON Request(CommonName) WHERE CommonName IS NOT NULL;"    \
	"CREATE INDEX RequestRequesterName ON Request(RequesterName) "                           \
	"WHERE RequesterName IS NOT NULL; PRAGMA user_version = 16;"
#define TO_VERSION_15 \
	TO_VERSION_16 \
	"DROP TABLE RecoveryCaseKey; DROP TABLE RecoveryCase; PRAGMA user_version = 15;"
#define TO_VERSION_14 TO_VERSION_15 "DROP TABLE OfficerValue; PRAGMA user_version = 14;"
#define TO_VERSION_13 TO_VERSION_14 "DROP TABLE AuditCheckpoint; PRAGMA user_version = 13;"
#define TO_VERSION_12                                                                            \
	TO_VERSION_13                                                                            \
	"DROP INDEX RequestRevokedPartition; DROP TRIGGER RevocationChangeInsert; DROP TRIGGER " \
	"RevocationChangeUpdate; DROP TABLE RevocationChange; DROP TABLE CrlList; ALTER TABLE "  \
	"Request DROP COLUMN CRLPartitionIndex;"                                                 \
	"CREATE TABLE Crl (CRLNumber INTEGER PRIMARY KEY CHECK (CRLNumber > 0),"                 \
	"CRLThisUpdate INTEGER NOT NULL,"                                                        \
	"CRLNextUpdate INTEGER NOT NULL CHECK (CRLNextUpdate > CRLThisUpdate),"                  \
	"CRLRawCRL BLOB NOT NULL, CRLNameId INTEGER NOT NULL DEFAULT 0) STRICT;"                 \
	"CREATE INDEX CrlKeyIndex ON Crl(CRLNameId >> 16, CRLNumber); PRAGMA user_version = 12;"
#define TO_VERSION_11 TO_VERSION_12 "DROP TABLE Event; PRAGMA user_version = 11;"
#define TO_VERSION_10                                                                         \
	TO_VERSION_11                                                                         \
	"DROP INDEX RequestRevokedNotAfter; ALTER TABLE Request DROP COLUMN IssuerNameId; "   \
	"CREATE INDEX RequestRevokedNotAfter ON Request(NotAfter, SerialNumber, "             \
	"RevokedEffectiveWhen, RevokedWhen, RevokedReason, Disposition) WHERE Disposition = " \
	"21; DROP INDEX CrlKeyIndex; ALTER TABLE Crl DROP COLUMN CRLNameId; "                 \
	"PRAGMA user_version = 10;"
#define TO_VERSION_9  \
	TO_VERSION_10 \
	"DROP INDEX RequestIssuedNotAfter; DROP INDEX RequestIssuedTo; PRAGMA user_version = 9;"
#define TO_VERSION_7                                                                   \
	TO_VERSION_9                                                                   \
	"DROP INDEX RequestSubjectKeyIdentifier; ALTER TABLE RequestBlob DROP COLUMN " \
	"RawDeliveredKey; ALTER TABLE RequestBlob DROP COLUMN KeyRecipient; PRAGMA "   \
	"user_version = 7;"
#define TO_VERSION_6                                                                               \
	TO_VERSION_7                                                                               \
	"DROP TRIGGER RequestCountInsert; DROP TRIGGER RequestCountDelete; DROP TRIGGER "          \
	"RequestCountDisposition; DROP TRIGGER RequestCountKras; DROP TRIGGER "                    \
	"PublicationCountInsert; DROP TRIGGER PublicationCountDelete; DROP TABLE RequestCount; "   \
	"DROP TABLE KraKeyCount; DROP TABLE PublicationCount; DROP INDEX RequestRevokedNotAfter; " \
	"CREATE INDEX RequestRevokedNotAfter ON Request(NotAfter) WHERE Disposition = 21; "        \
	"PRAGMA user_version = 6;"
#define TO_VERSION_5                                                                              \
	TO_VERSION_6                                                                              \
	"DROP INDEX RequestRequestHash; CREATE INDEX RequestRequestHash ON Request(RequestHash) " \
	"WHERE RequestHash IS NOT NULL AND Disposition NOT IN (30, 31); PRAGMA user_version = 5;"
#define TO_VERSION_4                                                                         \
	TO_VERSION_5                                                                         \
	"DROP TABLE KraCertificate; DROP INDEX RequestRequesterDN; ALTER TABLE RequestBlob " \
	"DROP COLUMN RequesterSIDs; PRAGMA user_version = 4;"
#define TO_VERSION_3                                                                              \
	TO_VERSION_4                                                                              \
	"DROP INDEX RequestPublicKeyHash; DROP INDEX RequestRequestHash; DROP INDEX "             \
	"RequestUnhashed; ALTER TABLE Request DROP COLUMN RequestHash; ALTER TABLE Request DROP " \
	"COLUMN PublicKeyHash; ALTER TABLE Request DROP COLUMN CallerSID; PRAGMA user_version = " \
	"3;"
#define TO_VERSION_1 \
	TO_VERSION_3 \
	"DROP TABLE Publication; DROP INDEX RequestRequesterSID; PRAGMA user_version = 1"

/* SQL past the store: SQLite's result code. */
static inline int
raw_exec(const struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	int rc;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return rc;
}

/* One of the above, which begin at version 17. */
static inline int
go_back(const struct fixture *f, const char *sql)
{
	static const char *const first[] = {TO_VERSION_26,
	    TO_VERSION_25 TO_VERSION_24 TO_VERSION_23 TO_VERSION_22 TO_VERSION_21 TO_VERSION_20
		TO_VERSION_19 TO_VERSION_18 TO_VERSION_17};
	int code = SQLITE_OK;

	for (size_t i = 0; i < 2 && code == SQLITE_OK; i++)
		code = raw_exec(f, first[i]);
	return code != SQLITE_OK ? code : raw_exec(f, sql);
}

/* First column of the first row, as text. */
static inline void
raw_text(const struct fixture *f, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	snprintf(out, size, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static inline long
raw_number(const struct fixture *f, const char *sql)
{
	char text[64];

	raw_text(f, sql, text, sizeof text);
	return strtol(text, NULL, 10);
}

/* A borrowed string or buffer for a row that is only written. */
#define TEXT(s)  ((char *)(uintptr_t)(s))
#define BYTES(s) ((struct buf){.ptr = (uint8_t *)(uintptr_t)(s), .len = sizeof(s) - 1})

/* An issued row with an archived key; serial and hash are made from `n`. */
struct sample {
	struct store_request row;
	char serial[40];
	uint8_t hash[20];
};

static inline void
sample_issued(struct sample *s, unsigned n)
{
	memset(s, 0, sizeof *s);
	snprintf(s->serial, sizeof s->serial, "611e23c2%08x", n);
	memcpy(s->hash, &n, sizeof n);
	s->row = (struct store_request){
	    .disposition = DISP_ISSUED,
	    .request_type = CR_IN_CMC,
	    .submitted_when = 1000,
	    .resolved_when = 1001,
	    .requester_name = TEXT("NWTRADERS\\user1"),
	    .template_name = TEXT("EFSArchive"),
	    .raw_request = BYTES("request"),
	    .raw_certificate = BYTES("certificate"),
	    .serial_number = s->serial,
	    .certificate_hash = {.ptr = s->hash, .len = sizeof s->hash},
	    .not_before = 1000,
	    .not_after = 2000,
	    .upn = TEXT("user1@nwtraders.com"),
	    .common_name = TEXT("User One"),
	    .raw_archived_key = BYTES("archived key"),
	    .key_recovery_hashes = TEXT("00 11"),
	};
}

static inline void
sample_pending(struct sample *s)
{
	memset(s, 0, sizeof *s);
	s->row = (struct store_request){
	    .disposition = DISP_PENDING,
	    .request_type = CR_IN_CMC,
	    .submitted_when = 1000,
	    .requester_name = TEXT("NWTRADERS\\user2"),
	    .raw_request = BYTES("request"),
	};
}

struct adding {
	const struct store_request *row;
	int64_t id;
};

static inline bool
work_add(struct store_tx *tx, void *arg, struct err *err)
{
	struct adding *a = arg;

	return store_add_request(tx, a->row, &a->id, err);
}

static inline int64_t
add_row(struct fixture *f, const struct store_request *row)
{
	struct adding a = {.row = row};

	assert_ok(f, store_do(f->store, work_add, &a, &f->err));
	assert_true(a.id > 0);
	return a.id;
}

/* The row must be refused with `code` and a sentence that holds `part`. */
static inline void
add_refused(
    struct fixture *f, const struct store_request *row, enum err_code code, const char *part)
{
	struct adding a = {.row = row};

	assert_false(store_do(f->store, work_add, &a, &f->err));
	if (f->err.code != code || strstr(f->err.msg, part) == NULL)
		fail_msg("expected %s with \"%s\", got %s: %s", err_name(code), part,
		    err_name(f->err.code), f->err.msg);
}

static inline bool
work_pending(struct store_tx *tx, void *arg, struct err *err)
{
	struct sample s;

	sample_pending(&s);
	return store_add_request(tx, &s.row, arg, err);
}

struct revocation {
	int64_t id, effective;
	int reason;
};

static inline bool
work_revoke(struct store_tx *tx, void *arg, struct err *err)
{
	const struct revocation *r = arg;

	return store_revoke(tx, r->id, r->reason, 500, r->effective, err);
}

static inline void
assert_sound(struct fixture *f)
{
	char text[64];
	int64_t count;

	raw_text(f, "PRAGMA integrity_check", text, sizeof text);
	assert_string_equal(text, "ok");
	raw_text(f, "SELECT count(*) FROM pragma_foreign_key_check", text, sizeof text);
	assert_string_equal(text, "0");
	assert_ok(f, store_audit_walk(f->store, 0, NULL, NULL, &count, &f->err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
