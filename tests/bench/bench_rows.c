#include "bench_rows.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "own.h"
#include "store.h"

#define AT_ONCE 200000 /* rows of one transaction */

double
bench_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_median(double *list, size_t count)
{
	qsort(list, count, sizeof *list, compare);
	return list[count / 2];
}

void
bench_must(bool ok, const char *what, const char *why)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

long
bench_resident_kib(void)
{
	OWNED(own_file) FILE *f = fopen("/proc/self/statm", "re");
	long all = 0, resident = 0;

	if (f == NULL || fscanf(f, "%ld %ld", &all, &resident) != 2)
		return 0;
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

long
bench_peak_kib(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

static void
run(sqlite3 *db, const char *sql)
{
	bench_must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql, sqlite3_errmsg(db));
}

/* Indexes and triggers are taken away while rows are added, and put back word for word: "DROP ..."
 * and what makes them again. free(). */
static void
take_away(sqlite3 *db, char **drop_out, char **make_out)
{
	sqlite3_stmt *st = NULL;

	bench_must(
	    sqlite3_prepare_v2(db,
		"SELECT group_concat('DROP ' || type || ' ' || name, ';'), group_concat(sql, ';') "
		"FROM (SELECT * FROM sqlite_schema WHERE type IN ('index', 'trigger') "
		"AND sql IS NOT NULL AND tbl_name = 'Request' ORDER BY rowid)",
		-1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW,
	    "the schema", sqlite3_errmsg(db));
	*drop_out = mem_text((const char *)sqlite3_column_text(st, 0));
	*make_out = mem_text((const char *)sqlite3_column_text(st, 1));
	sqlite3_finalize(st);
}

static void
make_empty(const char *path)
{
	OWNED(store_close) struct store *store = NULL;
	struct err err;

	bench_must(store_create(path, &store, &err), path, err.msg);
}

static void
add_rows(sqlite3 *db, const char *path, long rows, const char *insert)
{
	sqlite3_stmt *st = NULL;

	bench_must(
	    sqlite3_prepare_v2(db, insert, -1, &st, NULL) == SQLITE_OK, path, sqlite3_errmsg(db));
	for (long at = 0; at < rows; at += AT_ONCE) {
		sqlite3_bind_int64(st, 1, at);
		sqlite3_bind_int64(st, 2, at + AT_ONCE < rows ? at + AT_ONCE : rows);
		bench_must(sqlite3_step(st) == SQLITE_DONE, path, sqlite3_errmsg(db));
		sqlite3_reset(st);
		fprintf(stderr, "\r%s: %ld", path, at + AT_ONCE);
	}
	fputc('\n', stderr);
	sqlite3_finalize(st);
}

const char bench_rows_archived[] =
    "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) "
    "INSERT INTO Request(HasArchivedKey, Disposition, RequestType, SubmittedWhen, "
    "RequesterName, RequesterSID, RequesterDN, CertificateTemplate, KeyRecoveryHashes, "
    "SerialNumber, CertificateHash, NotBefore, NotAfter, UPN, CommonName, "
    "DistinguishedName, PublicKeyHash, RawCertificate) SELECT 1, 20, 1024, i, "
    "'NWTRADERS\\user' || (i / 10), 'S-1-5-21-1-2-3-' || (i / 10), "
    "'CN=user' || (i / 10) || ',CN=Users,DC=nwtraders,DC=com', 'EFSArchive', 'aa', "
    "lower(hex(randomblob(16))), randomblob(20), i, i + 31536000, "
    "'user' || (i / 10) || '@nwtraders.com', 'User ' || (i / 10), "
    "'CN=User ' || (i / 10) || ',DC=nwtraders,DC=com', randomblob(32), randomblob(900) "
    "FROM n";

const char bench_rows_revoked[] =
    "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) "
    "INSERT INTO Request(HasArchivedKey, Disposition, RequestType, RequestFlags, SubmittedWhen, "
    "ResolvedWhen, RevokedWhen, RevokedEffectiveWhen, RevokedReason, RequesterName, SerialNumber, "
    "CertificateHash, NotBefore, NotAfter, PublicKeyHash, RawCertificate, RequesterSID) "
    "SELECT 0, 21, 256, 0, 1700000000, 1700000000, 1700000000, 1700000000, i % 6, "
    "'NWTRADERS\\user1', '61' || lower(hex(randomblob(15))), randomblob(20), 1700000000, "
    "2000000000 + i, randomblob(32), randomblob(900), 'S-1-5-21-1-2-3-1111' FROM n";

void
bench_rows_fill(const char *path, long rows, const char *insert)
{
	if (access(path, F_OK) == 0)
		return;
	make_empty(path);
	bench_rows_add(path, rows, insert);
}

void
bench_rows_add(const char *path, long rows, const char *insert)
{
	OWNED(own_memory) char *drop = NULL;
	OWNED(own_memory) char *make = NULL;
	sqlite3 *db = NULL;

	bench_must(sqlite3_open(path, &db) == SQLITE_OK, path, "cannot be opened");
	run(db,
	    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000");
	take_away(db, &drop, &make);
	run(db, drop);
	add_rows(db, path, rows, insert);
	run(db, make);
	run(db, "PRAGMA journal_mode = WAL");
	sqlite3_close(db);
}
