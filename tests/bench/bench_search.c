/*
 * What a search for archived keys costs, by each form of the token, in databases of several sizes:
 *
 *	bench_search FOLDER ROWS...
 *
 * fills FOLDER/search-ROWS.db (left there, and used again) with one row in ten of each requester,
 * and prints for each form the median of the store's call, the median of reading the same rows by
 * their RequestID (the floor: what is found must be read), and the ratio; and what opening costs.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "own.h"
#include "store.h"
#include "text.h"

#define ROWS_OF_ONE 10 /* of one requester */
#define SAMPLES     1000
#define AT_ONCE     200000 /* rows of one transaction */

static double
now_us(void)
{
	struct timespec t;

	/* Of the processor: others share the machine. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *list, size_t count)
{
	qsort(list, count, sizeof *list, compare);
	return list[count / 2];
}

static void
must(bool ok, const char *what, const char *why)
{
	if (ok)
		return;
	fprintf(stderr, "bench_search: %s: %s\n", what, why);
	exit(1);
}

static void
run(sqlite3 *db, const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql, sqlite3_errmsg(db));
}

/* Indexes and triggers are taken away while rows are added, and put back word for word: "DROP ..."
 * and what makes them again. free(). */
static void
take_away(sqlite3 *db, char **drop_out, char **make_out)
{
	sqlite3_stmt *st = NULL;

	must(sqlite3_prepare_v2(db,
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

/* Past the store, which would take hours: no journal, nothing synced. */
static void
fill(const char *path, long rows)
{
	static const char insert[] =
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
	    "FROM "
	    "n";
	OWNED(store_close) struct store *store = NULL;
	OWNED(own_memory) char *drop = NULL;
	OWNED(own_memory) char *make = NULL;
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	struct err err;

	must(store_create(path, &store, &err), path, err.msg);
	store_close(&store);
	must(sqlite3_open(path, &db) == SQLITE_OK, path, "cannot be opened");
	run(db,
	    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000");
	take_away(db, &drop, &make);
	run(db, drop);
	must(sqlite3_prepare_v2(db, insert, -1, &st, NULL) == SQLITE_OK, path, sqlite3_errmsg(db));
	for (long at = 0; at < rows; at += AT_ONCE) {
		sqlite3_bind_int64(st, 1, at);
		sqlite3_bind_int64(st, 2, at + AT_ONCE < rows ? at + AT_ONCE : rows);
		must(sqlite3_step(st) == SQLITE_DONE, path, sqlite3_errmsg(db));
		sqlite3_reset(st);
		fprintf(stderr, "\r%s: %ld", path, at + AT_ONCE);
	}
	fputc('\n', stderr);
	sqlite3_finalize(st);
	run(db, make);
	run(db, "PRAGMA journal_mode = WAL");
	sqlite3_close(db);
}

static long
resident_kib(void)
{
	OWNED(own_file) FILE *f = fopen("/proc/self/statm", "re");
	long all = 0, resident = 0;

	if (f == NULL || fscanf(f, "%ld %ld", &all, &resident) != 2)
		return 0;
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

struct form {
	const char *name;
	enum store_key by;
};

/* The token of the row with that id; free(). */
static char *
token_of(struct store *s, const struct form *form, int64_t id)
{
	struct store_request r = {0};
	struct err err;
	char *token;

	must(store_get_request(s, id, &r, &err) == STORE_FOUND, "a row", err.msg);
	switch (form->by) {
	case STORE_BY_UPN:
		token = mem_text(r.upn);
		break;
	case STORE_BY_COMMON_NAME:
		token = mem_text(r.common_name);
		break;
	case STORE_BY_REQUESTER:
		token = mem_text(r.requester_name);
		break;
	case STORE_BY_REQUESTER_SID:
		token = mem_text(r.requester_sid);
		break;
	case STORE_BY_SERIAL:
		token = mem_text(r.serial_number);
		break;
	default:
		token = hex_encode(buf_view(&r.certificate_hash), '\0');
		break;
	}
	store_request_free(&r);
	return token;
}

/* Reads the rows that were found once more, each by its id. */
static double
read_again(struct store *s, const struct store_requests *found)
{
	double begun = now_us();

	for (size_t i = 0; i < found->count; i++) {
		struct store_request r = {0};
		struct err err;

		must(store_get_request(s, found->list[i].request_id, &r, &err) == STORE_FOUND,
		    "a row", err.msg);
		store_request_free(&r);
	}
	return now_us() - begun;
}

static void
measure(struct store *s, const struct form *form, long rows)
{
	static double search[SAMPLES], floor_us[SAMPLES];
	size_t found = 0;

	for (size_t i = 0; i < SAMPLES; i++) {
		OWNED(own_memory) char *token = token_of(s, form, 1 + random() % rows);
		struct store_requests list = {0};
		struct err err;
		double begun = now_us();

		must(store_find_candidates(s, form->by, token, &list, &err), token, err.msg);
		search[i] = now_us() - begun;
		floor_us[i] = read_again(s, &list);
		found += list.count;
		store_requests_free(&list);
	}
	const double mine = median(search, SAMPLES), least = median(floor_us, SAMPLES);

	printf("| %ld | %s | %.1f | %.0f | %.0f | %.2f |\n", rows, form->name,
	    (double)found / SAMPLES, mine, least, mine / least);
	fflush(stdout);
}

static void
bench(const char *folder, long rows)
{
	static const struct form forms[] = {
	    {"UPN", STORE_BY_UPN},
	    {"common name", STORE_BY_COMMON_NAME},
	    {"DOMAIN\\user", STORE_BY_REQUESTER},
	    {"SID", STORE_BY_REQUESTER_SID},
	    {"serial number", STORE_BY_SERIAL},
	    {"thumbprint", STORE_BY_CERTIFICATE_HASH},
	};
	OWNED(own_memory) char *path = text_printf("%s/search-%ld.db", folder, rows);
	OWNED(store_close) struct store *store = NULL;
	double begun;
	struct err err;

	if (access(path, F_OK) != 0)
		fill(path, rows);
	begun = now_us();
	must(store_open(path, &store, &err), path, err.msg);
	begun = now_us() - begun;
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		measure(store, &forms[i], rows);
	printf("| %ld | opening | | %.0f | | |\n", rows, begun);
	fprintf(stderr, "%s: %ld KiB resident afterwards\n", path, resident_kib());
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: bench_search FOLDER ROWS...\n", stderr);
		return 2;
	}
	puts("| rows | token | found | search us | floor us | ratio |\n"
	     "| --- | --- | --- | --- | --- | --- |");
	for (int i = 2; i < argc; i++) {
		long rows = strtol(argv[i], NULL, 10);

		must(rows >= ROWS_OF_ONE, argv[i], "at least ten rows");
		bench(argv[1], rows);
	}
	return 0;
}
