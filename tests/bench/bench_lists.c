/*
 * Fills the database of a CA that does not run with what its lists are of:
 *
 *	bench_lists FILE ROWS
 *
 * adds requests, recovery cases, batches of archived keys, events and audit records until
 * there are ROWS of each: past the program, which would take hours, but for the audit trail, whose
 * hashes must hold.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_rows.h"
#include "mem.h"
#include "own.h"
#include "store.h"
#include "text.h"

#define NOW     1764547200
#define AT_ONCE 1000 /* records of one unit of work */

/* From ?1, as many as there are, to before ?2. */
#define NUMBERS "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) "
static const struct {
	const char *table, *insert;
} lists[] = {
    /* Of people with one certificate each, so that `dirca expiring` names all of them. */
    {"Request",
	NUMBERS "INSERT INTO Request(HasArchivedKey, Disposition, DispositionMessage, RequestType, "
		"SubmittedWhen, ResolvedWhen, RequesterName, CallerName, RequesterSID, CallerSID, "
		"RequesterDN, CertificateTemplate, SerialNumber, CertificateHash, NotBefore, "
		"NotAfter, SubjectKeyIdentifier, UPN, CommonName, DistinguishedName, "
		"PublicKeyHash, RequestHash, RawPublicKey, RawCertificate) "
		"SELECT 0, 20, 'Issued', 256, 1764547200 + i, 1764547200 + i, "
		"'NWTRADERS\\person' || i, 'NWTRADERS\\person' || i, 'S-1-5-21-1-2-3-' || i, "
		"'S-1-5-21-1-2-3-' || i, 'CN=person' || i || ',CN=Users,DC=nwtraders,DC=com', "
		"'User', lower(hex(randomblob(16))), randomblob(20), 1764547200, 2000000000 + i, "
		"lower(hex(randomblob(20))), 'person' || i || '@nwtraders.com', 'Person ' || i, "
		"'CN=Person ' || i || ',DC=nwtraders,DC=com', randomblob(32), randomblob(32), "
		"randomblob(294), randomblob(1400) FROM n"},
    {"RecoveryCase",
	NUMBERS "INSERT INTO RecoveryCase(State, Reason, Ticket, OwnerName, OwnerSID, OpenedBy, "
		"OpenedWhen, NeedsApprover, EndedBy, EndedWhen, UsableUntil, SeenWhen) "
		"SELECT 4, 3, 'INC-' || i, 'NWTRADERS\\person' || i, 'S-1-5-21-1-2-3-' || i, "
		"'NWTRADERS\\officer1', 1764547200 + i, 0, 'NWTRADERS\\officer1', 1764547200 + i, "
		"1764633600 + i, 1764547200 + i FROM n"},
    {"RewrapBatch",
	NUMBERS "INSERT INTO RewrapBatch(Batch, CertificateHash, GivenWhen, Keys, ToHashes, "
		"GivenBy) SELECT randomblob(16), zeroblob(20), 1764547200 + i / 2, 100, "
		"lower(hex(randomblob(20))), 'uid=0 login=root' FROM n"},
    {"Event", NUMBERS "INSERT INTO Event(OccurredWhen, EventID, RequestID, Value1) "
		      "SELECT 1764547200 + i, 53, i, 'person' || i FROM n"},
};

static sqlite3_int64
count(sqlite3 *db, const char *table)
{
	OWNED(own_memory) char *sql = text_printf("SELECT count(*) FROM %s", table);
	sqlite3_stmt *st = NULL;
	sqlite3_int64 rows;

	bench_must(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
		       sqlite3_step(st) == SQLITE_ROW,
	    table, sqlite3_errmsg(db));
	rows = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rows;
}

static void
fill(sqlite3 *db, const char *table, const char *insert, sqlite3_int64 rows)
{
	sqlite3_int64 there = count(db, table);
	sqlite3_stmt *st = NULL;

	if (there >= rows)
		return;
	bench_must(sqlite3_prepare_v2(db, insert, -1, &st, NULL) == SQLITE_OK &&
		       sqlite3_bind_int64(st, 1, there) == SQLITE_OK &&
		       sqlite3_bind_int64(st, 2, rows) == SQLITE_OK &&
		       sqlite3_step(st) == SQLITE_DONE,
	    table, sqlite3_errmsg(db));
	sqlite3_finalize(st);
}

struct records {
	sqlite3_int64 from, to;
};

static bool
record(struct store_tx *tx, void *arg, struct err *err)
{
	const struct records *r = arg;

	for (sqlite3_int64 i = r->from; i < r->to; i++) {
		OWNED(own_memory) char *object = text_printf("%032llx", (long long)i);
		char actor[] = "NWTRADERS\\officer1", detail[] = "template=User";
		struct audit_record a = {.when = NOW + i,
		    .event = AUDIT_ISSUED,
		    .success = true,
		    .actor = actor,
		    .request_id = i + 1,
		    .object = object,
		    .detail = detail};

		if (!store_audit(tx, &a, err))
			return false;
	}
	return true;
}

static void
fill_trail(const char *path, sqlite3_int64 there, sqlite3_int64 rows)
{
	OWNED(store_close) struct store *store = NULL;
	struct err err;

	bench_must(store_open(path, &store, &err), path, err.msg);
	for (struct records r = {.from = there}; r.from < rows; r.from = r.to) {
		r.to = r.from + AT_ONCE < rows ? r.from + AT_ONCE : rows;
		bench_must(store_do(store, record, &r, &err), "the audit trail", err.msg);
	}
}

int
main(int argc, char **argv)
{
	sqlite3_int64 rows, there;
	sqlite3 *db = NULL;

	if (argc != 3 || (rows = strtoll(argv[2], NULL, 10)) < 1) {
		fputs("usage: bench_lists FILE ROWS\n", stderr);
		return 2;
	}
	bench_must(sqlite3_open(argv[1], &db) == SQLITE_OK, argv[1], "cannot be opened");
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		fill(db, lists[i].table, lists[i].insert, rows);
	there = count(db, "Audit");
	sqlite3_close(db);
	fill_trail(argv[1], there, rows);
	return 0;
}
