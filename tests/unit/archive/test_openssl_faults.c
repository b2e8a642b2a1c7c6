/*
 * OpenSSL runs out of memory, at its first allocation, its second ...: whatever ca/archive and
 * ca/messages were doing then says so. A check that could not be made is never passed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "archive_pki.h"
#include "faults.h"
#include "oids.h"

static struct test_cert ca, xchg, kra[2];
static EVP_PKEY *rsa;
static struct buf payload, spki;

static void *
faulty_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fault_is_due() ? NULL : malloc(size);
}

static void *
faulty_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fault_is_due() ? NULL : realloc(p, size);
}

static void
plain_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static bool
rewrap(void *arg, struct err *err)
{
	struct archive_payload read = {0};
	struct cms_kra to[] = {test_recipient(&kra[0]), test_recipient(&kra[1])};
	struct archive_rewrap in = {.payload = &read,
	    .xchg_key = xchg.key,
	    .spki = buf_view(&spki),
	    .kras = to,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
	struct buf out = {0};
	bool ok = archive_payload_read(buf_view(&payload), xchg.cert.issuer, xchg.cert.serial,
		      xchg.key, &read, err) &&
		  archive_rewrap(&in, &out, err);

	(void)arg;
	assert_int_equal(out.len > 0, ok);
	buf_free(&out);
	archive_payload_free(&read);
	return ok;
}

static void
a_key_is_archived_or_the_reason_is_told(void **state)
{
	(void)state;
	assert_true(fault_each(rewrap, NULL) > 100);
}

/* Of another key: no fault may make the two match. */
static bool
match_other(void *arg, struct err *err)
{
	assert_false(archive_key_matches(rsa, arg, err));
	return !fault_was_reached();
}

static void
no_fault_makes_keys_match(void **state)
{
	EVP_PKEY *other = test_key("rsa2048");

	(void)state;
	assert_true(fault_each(match_other, other) > 10);
	EVP_PKEY_free(other);
}

static bool
validate(void *arg, struct err *err)
{
	const struct pkix_cert *issuers[] = {&ca.cert};

	return kra_validate(arg, issuers, 1, TEST_NOW, err);
}

static void
a_kra_is_judged_or_the_reason_is_told(void **state)
{
	(void)state;
	assert_true(fault_each(validate, &kra[0].cert) > 5);
}

/* A KRA of another CA of the same name. */
static bool
validate_foreign(void *arg, struct err *err)
{
	const struct pkix_cert *issuers[] = {arg};

	assert_false(kra_validate(&kra[0].cert, issuers, 1, TEST_NOW, err));
	return !fault_was_reached();
}

static void
no_fault_makes_a_foreign_kra_good(void **state)
{
	struct test_cert other = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");

	(void)state;
	assert_true(fault_each(validate_foreign, &other.cert) > 5);
	test_cert_free(&other);
}

static bool
decode(void *arg, struct err *err)
{
	struct pkix_cert c;
	bool ok = pkix_cert_decode(buf_view(arg), &c, err);

	pkix_cert_free(&c);
	return ok;
}

static void
a_certificate_is_read_or_the_reason_is_told(void **state)
{
	(void)state;
	assert_true(fault_each(decode, &kra[0].der) > 10);
}

static int
start(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(CRYPTO_set_mem_functions(faulty_malloc, faulty_realloc, plain_free), 1);
	assert_true(secret_heap_init(1 << 18, true, &err));
	assert_true(oids_init(&err));
	rsa = test_key("rsa2048");
	ca = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	xchg = test_end_entity(&ca, "CN=Test CA-Xchg", test_key("rsa2048"), 2);
	kra[0] = test_kra(&ca, "CN=kra0,DC=nwtraders,DC=com", "rsa2048", 10);
	/* No curve: EVP_KDF_CTX_new of OpenSSL 3.0 crashes where it has no memory. */
	kra[1] = test_kra(&ca, "CN=kra1,DC=nwtraders,DC=com", "rsa2048", 11);
	test_key_payload(rsa, &xchg, &payload);
	assert_true(pkix_key_spki(rsa, &spki, &err));
	/* Once without a fault: what OpenSSL sets up for good is there then. */
	assert_true(rewrap(NULL, &err));
	return 0;
}

static int
end(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	test_cert_free(&ca);
	test_cert_free(&xchg);
	test_cert_free(&kra[0]);
	test_cert_free(&kra[1]);
	buf_free(&payload);
	buf_free(&spki);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_certificate_is_read_or_the_reason_is_told),
	    cmocka_unit_test(a_kra_is_judged_or_the_reason_is_told),
	    cmocka_unit_test(no_fault_makes_a_foreign_kra_good),
	    cmocka_unit_test(no_fault_makes_keys_match),
	    cmocka_unit_test(a_key_is_archived_or_the_reason_is_told),
	};

	return cmocka_run_group_tests(tests, start, end);
}
