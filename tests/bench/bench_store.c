/*
 * What the store costs of an archived enrollment, alone:
 *
 *	bench_store FILE ROWS UNITS AT_ONCE
 *
 * fills FILE with ROWS rows unless it is there, copies nothing, and adds UNITS enrollments to it,
 *AT_ONCE to a commit (none: only fills it): what the worker asks before it decides and before it
 *certifies, then the unit of work of ca/enroll/enroll_commit.c, with the sizes of an RSA-2048
 *certificate of EFSArchive. Prints, for each enrollment, processor time, statements, and pages
 *written to the WAL. Under `valgrind --tool=callgrind` the difference of two runs with other UNITS
 *is what they cost in instructions, which is the same in every run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>

#include "bench_rows.h"
#include "mem.h"
#include "own.h"
#include "store_priv.h"
#include "text.h"

#define AT_ONCE_MOST 64
#define NOW          1764547200
#define YEAR         31536000
#define USERS        1000
#define HASHES       "3f 5e 1a 00 7c 11 7a 9b 42 de ad be ef 01 23 45 67 89 ab cd"
#define TEXT(s)      ((char *)(uintptr_t)(s))

static const char rows_before[] =
    "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) "
    "INSERT INTO Request(HasArchivedKey, Disposition, DispositionMessage, RequestType, "
    "SubmittedWhen, "
    "ResolvedWhen, RequesterName, CallerName, RequesterSID, CallerSID, RequesterDN, "
    "CertificateTemplate, "
    "KeyRecoveryHashes, SerialNumber, CertificateHash, NotBefore, NotAfter, SubjectKeyIdentifier, "
    "UPN, "
    "CommonName, DistinguishedName, PublicKeyHash, RequestHash, RawPublicKey, RawCertificate) "
    "SELECT 1, 20, 'Issued', 1024, 1700000000 + i, 1700000000 + i, 'NWTRADERS\\user' || (i % "
    "1000), "
    "'NWTRADERS\\user' || (i % 1000), 'S-1-5-21-1-2-3-' || (i % 1000), 'S-1-5-21-1-2-3-' || (i % "
    "1000), "
    "'CN=user' || (i % 1000) || ',CN=Users,DC=nwtraders,DC=com', 'EFSArchive', '" HASHES "', "
    "lower(hex(randomblob(16))), randomblob(20), 1700000000 + i, 1731536000 + i, "
    "lower(hex(randomblob(20))), 'user' || (i % 1000) || '@nwtraders.com', 'User ' || (i % 1000), "
    "'CN=User ' || (i % 1000) || ',DC=nwtraders,DC=com', randomblob(32), randomblob(32), "
    "randomblob(294), randomblob(1400) FROM n";

/* One enrollment; what differs of it is made from its number. */
struct enrollment {
	struct err err;
	struct store_request row;
	struct store_newcomer newcomer;
	char name[64], sid[64], dn[96], serial[40], ski[48], upn[64], cn[64], subject[96];
	uint8_t sha1[20], key_hash[32], request_hash[32], big[8192];
	int64_t id;
};

static void
fill(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)random();
}

static void
fill_hex(char *out, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		sprintf(out + 2 * i, "%02x", (unsigned)random() & 0xff);
}

static struct buf
part(struct enrollment *e, size_t at, size_t len)
{
	return (struct buf){.ptr = e->big + at, .len = len};
}

static void
make(struct enrollment *e, int64_t now)
{
	unsigned user = (unsigned)random() % USERS;

	memset(&e->row, 0, sizeof e->row);
	sprintf(e->name, "NWTRADERS\\user%u", user);
	sprintf(e->sid, "S-1-5-21-1-2-3-%u", user);
	sprintf(e->dn, "CN=user%u,CN=Users,DC=nwtraders,DC=com", user);
	sprintf(e->upn, "user%u@nwtraders.com", user);
	sprintf(e->cn, "User %u", user);
	sprintf(e->subject, "CN=User %u,DC=nwtraders,DC=com", user);
	fill_hex(e->serial, 16);
	e->serial[0] = '6';
	fill_hex(e->ski, 20);
	fill(e->sha1, sizeof e->sha1);
	fill(e->key_hash, sizeof e->key_hash);
	fill(e->request_hash, sizeof e->request_hash);
	e->row = (struct store_request){.disposition = DISP_ISSUED,
	    .disposition_message = TEXT("Issued"),
	    .request_type = CR_IN_CMC,
	    .request_flags = CR_FLG_VALIDENCRYPTEDKEYHASH,
	    .submitted_when = now,
	    .resolved_when = now,
	    .revoked_reason = -1,
	    .requester_name = e->name,
	    .caller_name = e->name,
	    .requester_sid = e->sid,
	    .caller_sid = e->sid,
	    .requester_dn = e->dn,
	    .template_name = TEXT("EFSArchive"),
	    .template_oid = TEXT("1.3.6.1.4.1.311.21.8.1.2.3.4"),
	    .enrollment_flags = 0x29,
	    .general_flags = 0x2023a,
	    .private_key_flags = 0x11,
	    .request_attributes = TEXT("CertificateTemplate:EFSArchive\n"),
	    .raw_request = part(e, 0, 1450),
	    .raw_certificate = part(e, 1450, 1400),
	    .serial_number = e->serial,
	    .certificate_hash = {.ptr = e->sha1, .len = sizeof e->sha1},
	    .not_before = now - 600,
	    .not_after = now + YEAR,
	    .subject_key_identifier = e->ski,
	    .upn = e->upn,
	    .common_name = e->cn,
	    .distinguished_name = e->subject,
	    .email = e->upn,
	    .raw_public_key = part(e, 2850, 294),
	    .public_key_length = 2048,
	    .public_key_algorithm = TEXT("1.2.840.113549.1.1.1"),
	    .raw_archived_key = part(e, 3144, 1900),
	    .key_recovery_hashes = TEXT(HASHES),
	    .key_hash = {.ptr = e->sha1, .len = sizeof e->sha1},
	    .public_key_hash = {.ptr = e->key_hash, .len = sizeof e->key_hash},
	    .request_hash = {.ptr = e->request_hash, .len = sizeof e->request_hash},
	    .requester_sids = part(e, 5044, 200)};
	e->newcomer = (struct store_newcomer){.request_hash = buf_view(&e->row.request_hash),
	    .public_key_hash = buf_view(&e->row.public_key_hash),
	    .caller = {.sid = e->sid, .name = e->name},
	    .now = now};
}

/* What the worker asks. */
static void
ask(struct store *s, const struct enrollment *e)
{
	const struct store_valid_key_query q = {.holder = e->newcomer.caller,
	    .template_name = "EFSArchive",
	    .other_than = e->newcomer.public_key_hash,
	    .now = e->newcomer.now};
	struct store_precedent before;
	struct store_valid_key key;
	struct err err;

	bench_must(store_find_precedent(s, &e->newcomer, &before, &err), "the precedent", err.msg);
	bench_must(
	    store_find_valid_key(s, &q, &key, &err) != STORE_FAILED, "the second key", err.msg);
}

static bool
audit(struct store_tx *tx, const struct enrollment *e, enum audit_event event, const char *object,
    const char *detail, struct err *err)
{
	struct audit_record a = {.when = e->row.submitted_when,
	    .event = event,
	    .success = true,
	    .actor = e->row.caller_name,
	    .request_id = e->id,
	    .object = TEXT(object),
	    .detail = TEXT(detail)};

	return store_audit(tx, &a, err);
}

static bool
write_unit(struct store_tx *tx, void *arg, struct err *err)
{
	static uint8_t kra_hash[20] = {0x3f, 0x5e, 0x1a}, kra[900] = {0x30};
	struct enrollment *e = arg;
	struct store_precedent before;

	return store_precedent(tx, &e->newcomer, &before, err) &&
	       store_add_request(tx, &e->row, &e->id, err) &&
	       audit(tx, e, AUDIT_REQUEST_RECEIVED, e->row.template_name,
		   "format=CMC caller=NWTRADERS\\user1", err) &&
	       store_keep_kra(
		   tx, view_of(kra_hash, sizeof kra_hash), view_of(kra, sizeof kra), err) &&
	       audit(tx, e, AUDIT_KEY_ARCHIVED, e->row.serial_number,
		   "template=EFSArchive kras=" HASHES, err) &&
	       audit(tx, e, AUDIT_ISSUED, e->row.serial_number,
		   "template=EFSArchive requester=NWTRADERS\\user1 subject=CN=User "
		   "1,DC=nwtraders,DC=com",
		   err);
}

/* Puts all of them into the queue at once, so that they are one commit. */
static void
commit(struct store *s, struct enrollment *list, size_t count)
{
	static struct job jobs[AT_ONCE_MOST];

	for (size_t i = 0; i < count; i++)
		jobs[i] = (struct job){.work = write_unit, .arg = &list[i], .err = &list[i].err};
	bench_must(writer_run(s, jobs, count), "the writer", "it ends");
	for (size_t i = 0; i < count; i++)
		bench_must(jobs[i].ok, "an enrollment", list[i].err.msg);
}

static int
count_statement(unsigned type, void *count, void *statement, void *text)
{
	(void)type;
	(void)statement;
	(void)text;
	++*(long *)count;
	return 0;
}

struct figures {
	struct timespec begun;
	struct rusage usage;
};

static double
us(struct timeval a, struct timeval b)
{
	return (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_usec - a.tv_usec);
}

static long
run(struct store *s, struct enrollment *list, long units, size_t at_once)
{
	long pages = 0;

	for (long done = 0; done < units; done += (long)at_once) {
		int before = s->wal_pages;

		for (size_t i = 0; i < at_once; i++) {
			make(&list[i], NOW + done / 100);
			ask(s, &list[i]);
		}
		commit(s, list, at_once);
		pages += s->wal_pages - (s->wal_pages < before ? 0 : before);
	}
	return pages;
}

/* Few of them, since counting costs. */
static double
count_statements(struct store *s, struct enrollment *list, size_t at_once)
{
	long count = 0;

	sqlite3_trace_v2(s->writer.db, SQLITE_TRACE_STMT, count_statement, &count);
	run(s, list, (long)at_once, at_once);
	sqlite3_trace_v2(s->writer.db, 0, NULL, NULL);
	return (double)count / (double)at_once;
}

static void
measure(struct store *s, long rows, long units, size_t at_once)
{
	static struct enrollment list[AT_ONCE_MOST];
	struct rusage before, after;
	double statements, n = (double)units;
	long pages;

	for (size_t i = 0; i < at_once; i++)
		fill(list[i].big, sizeof list[i].big);
	statements = count_statements(s, list, at_once);
	getrusage(RUSAGE_SELF, &before);
	pages = run(s, list, units, at_once);
	getrusage(RUSAGE_SELF, &after);
	printf("| %ld | %zu | %.0f | %.0f | %.0f | %.1f | %.0f | %.2f |\n", rows, at_once,
	    us(before.ru_utime, after.ru_utime) / n, us(before.ru_stime, after.ru_stime) / n,
	    statements, (double)pages / n, (double)pages * 4120 / n,
	    (double)(after.ru_nvcsw - before.ru_nvcsw) / n);
}

int
main(int argc, char **argv)
{
	OWNED(store_close) struct store *store = NULL;
	long rows = argc == 5 ? strtol(argv[2], NULL, 10) : 0;
	long units = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
	long at_once = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
	struct err err;

	if (units < 0 || at_once < 1 || at_once > AT_ONCE_MOST || units % at_once != 0) {
		fputs("usage: bench_store FILE ROWS UNITS AT_ONCE\n", stderr);
		return 2;
	}
	srandom(1);
	bench_rows_fill(argv[1], rows, rows_before);
	if (units == 0)
		return 0;
	bench_must(store_open(argv[1], &store, &err), argv[1], err.msg);
	puts("| rows | at once | us of its own | us in the kernel | statements | pages | WAL bytes "
	     "| "
	     "switches |\n| --- | --- | --- | --- | --- | --- | --- | --- |");
	measure(store, rows, units, (size_t)at_once);
	return 0;
}
