/*
 * How long importing takes, beside its floor: opening the payload with an RSA-3072 key, the proof
 * that the RSA-2048 key is the certificate's, and sealing it to two agents, which the vault cannot
 * do without. One item after the other, as `dirca importkms` brings them, against a private slapd
 * and vault; then all of them once more, which are there. Usage: bench_import [N]
 */
#include <sys/resource.h>
#include <time.h>

#include "ca_harness.h"
#include "import.h"
#include "kra_flags.h"

struct bench {
	struct test_cert foreign, to;
	EVP_PKEY *key;
	struct principal officer;
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

static double
import_all(const struct bench *b, const struct item *items, long n, enum import_key expected)
{
	double begun = seconds();

	for (long i = 0; i < n; i++) {
		const struct import_item item = {.certificate = buf_view(&items[i].certificate),
		    .key = buf_view(&items[i].key),
		    .foreign = true};
		struct import_result r;
		struct err err;

		if (i % 500 == 499)
			harness_refresh(); /* as the housekeeper does */
		harness_must(import_one(harness.ca, &harness.vault, &b->officer, &item, clock_now(),
				 &r, &err),
		    &err);
		assert_int_equal(r.key, expected);
		import_result_free(&r);
	}
	return seconds() - begun;
}

static double
floor_of(const struct bench *b, const struct item *items, long n)
{
	struct test_cert to = test_issue(&(struct test_issue){.dn = "CN=import",
	    .key = test_key("rsa3072"),
	    .serial = 9,
	    .not_before = clock_now(),
	    .not_after = clock_now() + 86400});
	const struct cms_kra kras[] = {
	    test_recipient(&harness.kras[0]), test_recipient(&harness.kras[1])};
	struct buf spki, payload, archived;
	double begun;
	struct err err;

	harness_must(pkix_key_spki(b->key, &spki, &err), &err);
	seal(b, &to, buf_view(&items[0].certificate), &payload);
	begun = seconds();
	for (long i = 0; i < n; i++) {
		struct archive_payload p;
		uint8_t binding[ARCHIVE_BINDING];
		struct archive_rewrap in = {.payload = &p,
		    .xchg_key = to.key,
		    .spki = buf_view(&spki),
		    .binding = binding,
		    .kras = kras,
		    .kra_count = 2,
		    .cipher = CMS_AES_256_CBC};

		harness_must(archive_import_binding(
				 buf_view(&items[0].certificate), view_str(""), binding, &err),
		    &err);
		harness_must(archive_import_read(buf_view(&payload), to.cert.issuer, to.cert.serial,
				 to.key, &p, &err),
		    &err);
		harness_must(archive_rewrap(&in, &archived, &err), &err);
		archive_payload_free(&p);
		buf_free(&archived);
	}
	begun = seconds() - begun;
	buf_free(&spki);
	buf_free(&payload);
	test_cert_free(&to);
	return begun;
}

static long count;

static void
bench(void **state)
{
	struct bench b = {0};
	struct item *items;
	struct err err;
	double first, again, least;
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
	first = import_all(&b, items, count, IMPORT_KEY_ARCHIVED);
	again = import_all(&b, items, count, IMPORT_KEY_THERE);
	least = floor_of(&b, items, few) / (double)few;
	printf("%ld keys: %.0f s, %.0f/s, %.2f ms each; there already: %.0f/s; floor %.2f ms; "
	       "ratio %.2f\n",
	    count, first, (double)count / first, first / (double)count * 1e3, (double)count / again,
	    least * 1e3, first / (double)count / least);
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

	count = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
	return cmocka_run_group_tests(tests, open_ca, close_ca);
}
