/*
 * How long importing takes, beside its floor: opening the payload with an RSA-3072 key, the proof
 * that the RSA-2048 key is the certificate's, and sealing it to two of three agents, which the
 * vault cannot do without. AT_ONCE items (4) are on their way, as `dirca importkms` brings them,
 * against a private slapd and vault, and a thread of each processor does the floor; then all of
 * them once more, which are there. Usage: bench_import [N [AT_ONCE]]
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "ca_harness.h"
#include "import.h"
#include "kra_flags.h"

struct bench {
	struct test_cert foreign, to;
	EVP_PKEY *key;
	struct principal officer;
	struct test_cert floor_to;
	struct buf floor_spki, floor_payload;
};

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* All of them of one owner, who may have one key in many certificates. */
static struct test_cert
certificate(const struct bench *b, long i)
{
	char dn[64];

	snprintf(dn, sizeof dn, "CN=key %ld", i);
	return test_issue(&(struct test_issue){.dn = dn,
	    .issuer = &b->foreign,
	    .key = EVP_PKEY_dup(b->key),
	    .usage = "critical,keyEncipherment",
	    .san = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user1@nwtraders.com",
	    .serial = 7,
	    .not_before = clock_now() - 86400,
	    .not_after = clock_now() + 86400});
}

static void
seal(const struct bench *b, const struct test_cert *to, struct view cert, struct buf *out)
{
	const struct cms_kra recipient = test_recipient(to);
	uint8_t binding[ARCHIVE_BINDING];
	struct err err;

	harness_must(archive_import_binding(cert, view_str(""), binding, &err), &err);
	harness_must(archive_import_seal(b->key, binding, &recipient, out, &err), &err);
}

struct item {
	struct buf certificate, key;
};

static struct item *
make_items(const struct bench *b, long n)
{
	struct item *items = calloc((size_t)n, sizeof *items);

	assert_non_null(items);
	for (long i = 0; i < n; i++) {
		struct test_cert c = certificate(b, i);

		items[i].certificate = c.der;
		c.der = (struct buf){0};
		seal(b, &b->to, buf_view(&items[i].certificate), &items[i].key);
		test_cert_free(&c);
	}
	return items;
}

/* ---- so many at once ---- */

struct lane {
	const struct bench *b;
	const struct item *items;
	long n, *next;
	struct vault *vault;
	EVP_PKEY *floor_key; /* a copy of its own, as each thread of the vault has */
	void (*work)(struct lane *, long);
	enum import_key expected;
};

/* cmocka's failures are the main thread's. */
static void
must(bool ok, const struct err *err)
{
	if (ok)
		return;
	fprintf(stderr, "bench_import: %s\n", err->msg);
	exit(1);
}

static void *
run_lane(void *arg)
{
	struct lane *l = arg;
	long i;

	while ((i = __atomic_fetch_add(l->next, 1, __ATOMIC_RELAXED)) < l->n)
		l->work(l, i);
	return NULL;
}

static size_t at_once, processors;

/* Seconds that so many of them need. */
static double
run_lanes(const struct lane *like, size_t lane_count)
{
	pthread_t threads[HARNESS_VAULTS];
	struct lane lanes[HARNESS_VAULTS];
	double begun = seconds();
	long next = 0;

	for (size_t i = 0; i < lane_count; i++) {
		lanes[i] = *like;
		lanes[i].next = &next;
		lanes[i].vault = i == 0 ? &harness.vault : &harness.more[i - 1];
		lanes[i].floor_key = like->floor_key != NULL ? EVP_PKEY_dup(like->floor_key) : NULL;
		assert_int_equal(pthread_create(&threads[i], NULL, run_lane, &lanes[i]), 0);
	}
	for (size_t i = 0; i < lane_count; i++) {
		pthread_join(threads[i], NULL);
		EVP_PKEY_free(lanes[i].floor_key);
	}
	return seconds() - begun;
}

/* ---- processor time ---- */

/* Of all threads that the process has, in microseconds. */
static double
processor_us(pid_t pid)
{
	char path[64];
	unsigned long long ns, sum = 0;
	const struct dirent *e;
	DIR *tasks;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	assert_non_null(tasks = opendir(path));
	while ((e = readdir(tasks)) != NULL) {
		FILE *f;

		snprintf(path, sizeof path, "/proc/%d/task/%.16s/schedstat", (int)pid, e->d_name);
		if (e->d_name[0] == '.' || (f = fopen(path, "re")) == NULL)
			continue;
		if (fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		fclose(f);
	}
	closedir(tasks);
	return (double)sum / 1e3;
}

static pid_t
slapd_pid(void)
{
	char path[128];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/lab/slapd.pid", harness.dir);
	assert_non_null(f = fopen(path, "re"));
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

/* This process is the front; its threads of before are gone. */
static double
own_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct spent {
	double front, vault, slapd;
};

static struct spent
spent(void)
{
	return (struct spent){own_us(), processor_us(harness.vault_pid), processor_us(slapd_pid())};
}

/* ---- both sides ---- */

static void
bring_item(struct lane *l, long i)
{
	const struct import_item item = {.certificate = buf_view(&l->items[i].certificate),
	    .key = buf_view(&l->items[i].key),
	    .foreign = true};
	struct import_result r;
	struct err err;

	if (i % 500 == 499) /* as the housekeeper does */
		must(ca_refresh(harness.ca, l->vault, &err), &err);
	must(import_one(harness.ca, l->vault, &l->b->officer, &item, clock_now(), &r, &err), &err);
	if (r.key != l->expected)
		must(err_set(&err, DIRCA_E_INTERNAL, "item %ld: key %d", i, (int)r.key), &err);
	import_result_free(&r);
}

static double
import_all(const struct bench *b, const struct item *items, long n, enum import_key expected)
{
	return run_lanes(
	    &(struct lane){
		.b = b, .items = items, .n = n, .work = bring_item, .expected = expected},
	    at_once);
}

/* To two of the three agents in turn, as the vault seals. */
static void
floor_item(struct lane *l, long i)
{
	const struct bench *b = l->b;
	const struct cms_kra kras[] = {test_recipient(&harness.kras[i % HARNESS_KRAS]),
	    test_recipient(&harness.kras[(i + 1) % HARNESS_KRAS])};
	struct archive_payload p;
	uint8_t binding[ARCHIVE_BINDING];
	struct archive_rewrap in = {.payload = &p,
	    .xchg_key = l->floor_key,
	    .spki = buf_view(&b->floor_spki),
	    .binding = binding,
	    .kras = kras,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
	struct buf archived;
	struct err err;

	must(
	    archive_import_binding(buf_view(&l->items[0].certificate), view_str(""), binding, &err),
	    &err);
	must(archive_import_read(buf_view(&b->floor_payload), b->floor_to.cert.issuer,
		 b->floor_to.cert.serial, l->floor_key, &p, &err),
	    &err);
	must(archive_rewrap(&in, &archived, &err), &err);
	archive_payload_free(&p);
	buf_free(&archived);
}

static void
floor_begin(struct bench *b, const struct item *items)
{
	struct err err;

	b->floor_to = test_issue(&(struct test_issue){.dn = "CN=import",
	    .key = test_key("rsa3072"),
	    .serial = 9,
	    .not_before = clock_now(),
	    .not_after = clock_now() + 86400});
	harness_must(pkix_key_spki(b->key, &b->floor_spki, &err), &err);
	seal(b, &b->floor_to, buf_view(&items[0].certificate), &b->floor_payload);
}

static double
floor_of(const struct bench *b, const struct item *items, long n)
{
	return run_lanes(
	    &(struct lane){
		.b = b, .items = items, .n = n, .work = floor_item, .floor_key = b->floor_to.key},
	    processors);
}

static long count;

static void
bench(void **state)
{
	struct bench b = {0};
	struct item *items;
	struct err err;
	double first, again, least, least_us;
	struct spent before, after;
	long few;

	(void)state;
	b.foreign = test_ca("CN=Foreign CA", "P-256");
	b.key = test_key("rsa2048");
	harness_principal("officer1", &b.officer);
	harness_must(
	    ca_new_import(harness.ca, &harness.vault, "bench", 86400, clock_now(), &b.to.der, &err),
	    &err);
	harness_must(pkix_cert_decode(buf_view(&b.to.der), &b.to.cert, &err), &err);
	harness_must(pkix_public_key(b.to.cert.spki, &b.to.key, &err), &err);
	few = count < 1000 ? count : 1000;
	items = make_items(&b, count);
	harness_refresh();
	before = spent();
	first = import_all(&b, items, count, IMPORT_KEY_ARCHIVED);
	after = spent();
	again = import_all(&b, items, count, IMPORT_KEY_THERE);
	floor_begin(&b, items);
	least_us = own_us();
	least = floor_of(&b, items, few) / (double)few;
	least_us = (own_us() - least_us) / (double)few;
	after.front = (after.front - before.front) / (double)count;
	after.vault = (after.vault - before.vault) / (double)count;
	after.slapd = (after.slapd - before.slapd) / (double)count;
	printf("%ld keys: %.0f s, %.0f/s, %.2f ms each; there already: %.0f/s; floor %.2f ms; "
	       "ratio %.2f; us of CPU: floor %.0f, vault %.0f, front %.0f, slapd %.0f, ratio "
	       "%.2f\n",
	    count, first, (double)count / first, first / (double)count * 1e3, (double)count / again,
	    least * 1e3, first / (double)count / least, least_us, after.vault, after.front,
	    after.slapd, least_us / (after.vault + after.front + after.slapd));
}

static int
open_ca(void **state)
{
	(void)state;
	return harness_open("kra_flags = KRAF_ENABLEFOREIGN\n");
}

static int
close_ca(void **state)
{
	(void)state;
	return harness_close();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(bench)};
	cpu_set_t mine;

	if (sched_getaffinity(0, sizeof mine, &mine) != 0)
		return 1;
	count = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
	at_once = argc > 2 ? strtoul(argv[2], NULL, 10) : 4;
	if (count <= 0 || at_once == 0 || at_once > HARNESS_VAULTS) {
		fputs("usage: bench_import [N [AT_ONCE]]\n", stderr);
		return 2;
	}
	processors = (size_t)CPU_COUNT(&mine);
	if (processors > HARNESS_VAULTS)
		processors = HARNESS_VAULTS;
	harness_workers = at_once;
	return cmocka_run_group_tests(tests, open_ca, close_ca);
}
