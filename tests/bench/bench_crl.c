/*
 * What a base CRL costs, by the number of its entries:
 *
 *	bench_crl FOLDER ENTRIES...
 *
 * fills FOLDER/crl-ENTRIES.db (left there, and used again) with revoked rows and makes their CRL
 * in the way of the CA (ca/core/crl_make.c): one walk of a snapshot, encoded as it comes, signed
 * with RSA-2048. The floor is the walk and the signature alone. Beside it OpenSSL's X509_CRL makes
 * the same list. Medians of five, each in a process of its own, whose memory is told too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <openssl/rsa.h>

#include "bench_rows.h"
#include "ca_key.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkix.h"
#include "store.h"
#include "text.h"

#define SAMPLES 5
#define NOW     INT64_C(1900000000)

/* One way of making the list: `begin`, an entry, `end`, which gives the size. */
struct way {
	const char *name;
	bool (*begin)(struct err *err);
	store_revoked_each *add;
	bool (*end)(size_t *size_out, struct err *err);
};

static EVP_PKEY *key;
static struct key_signer signer;

static bool
serial_of(const struct store_revoked *row, struct buf *out, struct err *err)
{
	return hex_decode(row->serial, out, err);
}

/* ---- the walk and the signature ---- */

static size_t walked;

static bool
floor_begin(struct err *err)
{
	(void)err;
	walked = 0;
	return true;
}

static bool
floor_add(const struct store_revoked *row, void *arg, struct err *err)
{
	OWNED(buf_free) struct buf serial = {0};

	(void)arg;
	if (!serial_of(row, &serial, err))
		return false;
	walked += serial.len;
	return true;
}

/* Over so many octets as the serial numbers have; the CRL's have twice as many to be hashed. */
static bool
floor_end(size_t *size_out, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};
	OWNED(own_memory) uint8_t *octets = mem_zero(2 * walked + 1, 1);

	*size_out = 0;
	return key_signer_sign(&signer, view_of(octets, 2 * walked), &signature, err);
}

/* ---- ours ---- */

static struct pkix_crl_making making;
static struct buf sig_alg;

static bool
ours_begin(struct err *err)
{
	OWNED(buf_free) struct buf name = {0};
	struct pkix_crl_head head = {.this_update = NOW, .next_update = NOW + 86400, .number = 1};

	if (!pkix_sig_alg(key, &sig_alg, err) ||
	    !pkix_name_from_dn("CN=Bench CA,DC=nwtraders,DC=com", NULL, &name, err))
		return false;
	head.issuer = buf_view(&name);
	head.sig_alg = buf_view(&sig_alg);
	return pkix_crl_begin(&head, &making, err);
}

static bool
ours_add(const struct store_revoked *row, void *arg, struct err *err)
{
	uint8_t serial[PKIX_SERIAL_MAX];
	size_t len = hex_octets(row->serial, serial, sizeof serial);

	(void)arg;
	return pkix_crl_add(
	    &making, &(struct pkix_revoked){view_of(serial, len), row->when, row->reason}, err);
}

static bool
ours_end(size_t *size_out, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};
	struct view tbs, crl;

	if (!pkix_crl_tbs_end(&making, &tbs, err) ||
	    !key_signer_sign(&signer, tbs, &signature, err) ||
	    !pkix_crl_signed_end(&making, buf_view(&sig_alg), buf_view(&signature), &crl, err))
		return false;
	*size_out = crl.len;
	return true;
}

/* ---- OpenSSL's ---- */

static X509_CRL *list;

static bool
openssl_begin(struct err *err)
{
	OWNED(own_x509_name) X509_NAME *name = X509_NAME_new();
	OWNED(own_asn1_time) ASN1_TIME *now = ASN1_TIME_set(NULL, NOW);

	list = X509_CRL_new();
	return (X509_NAME_add_entry_by_txt(
		    name, "CN", MBSTRING_ASC, (const uint8_t *)"Bench CA", -1, -1, 0) == 1 &&
		   X509_CRL_set_version(list, 1) == 1 &&
		   X509_CRL_set_issuer_name(list, name) == 1 &&
		   X509_CRL_set1_lastUpdate(list, now) == 1 &&
		   X509_CRL_set1_nextUpdate(list, now) == 1) ||
	       err_nomem(err);
}

static bool
openssl_add(const struct store_revoked *row, void *arg, struct err *err)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	OWNED(buf_free) struct buf serial = {0};
	OWNED(own_asn1_time) ASN1_TIME *when = ASN1_TIME_set(NULL, row->when);
	OWNED(own_asn1_integer) ASN1_INTEGER *number = NULL;
	OWNED(own_bn) BIGNUM *bn = NULL;
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	bool ok;

	(void)arg;
	if (!serial_of(row, &serial, err))
		return false;
	bn = BN_bin2bn(serial.ptr, (int)serial.len, NULL);
	number = BN_to_ASN1_INTEGER(bn, NULL);
	ok = ASN1_ENUMERATED_set(reason, row->reason) == 1 &&
	     X509_REVOKED_set_serialNumber(entry, number) == 1 &&
	     X509_REVOKED_set_revocationDate(entry, when) == 1 &&
	     X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1 &&
	     X509_CRL_add0_revoked(list, entry) == 1;
	ASN1_ENUMERATED_free(reason);
	return ok || err_nomem(err);
}

static bool
openssl_end(size_t *size_out, struct err *err)
{
	unsigned char *der = NULL;
	int len;

	if (X509_CRL_sort(list) != 1 || X509_CRL_sign(list, key, EVP_sha256()) <= 0)
		return err_nomem(err);
	len = i2d_X509_CRL(list, &der);
	OPENSSL_free(der);
	*size_out = len > 0 ? (size_t)len : 0;
	return len > 0 || err_nomem(err);
}

/* ---- measuring ---- */

static const struct way ways[] = {
    {"walk and signature", floor_begin, floor_add, floor_end},
    {"dirca", ours_begin, ours_add, ours_end},
    {"X509_CRL", openssl_begin, openssl_add, openssl_end},
};

struct result {
	double us;
	long kib;
	size_t size;
};

static struct result
make(const char *path, const struct way *way)
{
	const struct store_crl_query query = {.now = NOW};
	OWNED(store_close) struct store *store = NULL;
	OWNED(store_snapshot_end) struct store_snapshot *snapshot = NULL;
	struct result r = {.kib = 0};
	struct err err;
	long before;

	bench_must(store_open(path, &store, &err) && store_snapshot_begin(store, &snapshot, &err),
	    path, err.msg);
	before = bench_peak_kib();
	r.us = bench_now_us();
	bench_must(way->begin(&err) && store_walk_revoked(snapshot, &query, way->add, NULL, &err) &&
		       way->end(&r.size, &err),
	    way->name, err.msg);
	r.us = bench_now_us() - r.us;
	r.kib = bench_peak_kib() - before;
	return r;
}

/* In a process of its own: what one leaves in memory is not the next one's. `way` NULL fills the
 * database. */
static struct result
apart(const char *path, long entries, const struct way *way)
{
	struct result r = {0};
	int ends[2], status = 1;
	pid_t child;

	bench_must(pipe(ends) == 0, "pipe", "cannot be made");
	child = fork();
	bench_must(child >= 0, "fork", "no process");
	if (child == 0) {
		if (way != NULL)
			r = make(path, way);
		else
			bench_rows_fill(path, entries, bench_rows_revoked);
		_exit(write(ends[1], &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
	}
	bench_must(read(ends[0], &r, sizeof r) == (ssize_t)sizeof r &&
		       waitpid(child, &status, 0) == child && status == 0,
	    way != NULL ? way->name : path, "failed");
	close(ends[0]);
	close(ends[1]);
	return r;
}

static void
bench(const char *folder, long entries)
{
	OWNED(own_memory) char *path = text_printf("%s/crl-%ld.db", folder, entries);
	double floor_us = 0;

	(void)apart(path, entries, NULL);
	for (size_t w = 0; w < COUNT_OF(ways); w++) {
		double us[SAMPLES];
		struct result r = {0};

		for (size_t i = 0; i < SAMPLES; i++) {
			r = apart(path, entries, &ways[w]);
			us[i] = r.us;
		}
		const double median = bench_median(us, SAMPLES);

		if (w == 0)
			floor_us = median;
		printf("| %ld | %s | %.0f | %.2f | %.1f | %ld |\n", entries, ways[w].name,
		    median / 1e3, median / floor_us, (double)r.size / 1e6, r.kib / 1024);
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	struct err err;

	if (argc < 3) {
		fputs("usage: bench_crl FOLDER ENTRIES...\n", stderr);
		return 2;
	}
	key = EVP_RSA_gen(2048);
	bench_must(key != NULL && key_signer_open(key, &signer, &err), "the key", "cannot be made");
	puts("| entries | way | ms | by the floor | MB | MiB of memory |\n"
	     "| --- | --- | --- | --- | --- | --- |");
	fflush(stdout);
	for (int i = 2; i < argc; i++) {
		long entries = strtol(argv[i], NULL, 10);

		bench_must(entries > 0, argv[i], "at least one entry");
		bench(argv[1], entries);
	}
	key_signer_close(&signer);
	EVP_PKEY_free(key);
	return 0;
}
