/* Exchange keys in their folder: how long they live, and what certifies them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "own.h"
#include "vault_lab.h"

static struct vault_xchgs xchgs;
static struct buf sig_alg;

/* Both clocks have gone on from TEST_NOW. */
static struct vault_time
at(int64_t now)
{
	return (struct vault_time){.now = now, .boot_ms = (now - TEST_NOW) * 1000};
}

static int
open_lab(void **state)
{
	struct err err;

	if (setup(state) != 0)
		return 1;
	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	ASSERT_DONE(vault_xchgs_open(
	    &xchgs, &vault_kind_exchange, vault_dir, NULL, 1, 1000, at(TEST_NOW), &err));
	return 0;
}

static int
close_lab(void **state)
{
	vault_xchgs_close(&xchgs);
	buf_free(&sig_alg);
	return teardown(state);
}

static char *
path_of(const uint8_t id[VAULT_ID_LEN], const char *suffix)
{
	char *hex = hex_encode(view_of(id, VAULT_ID_LEN), '\0'),
	     *path = text_printf("%s/xchg-%s%s", vault_dir, hex, suffix);

	free(hex);
	return path;
}

/* A key with a certificate until `not_after`; its name. */
static void
add_key(int64_t not_after, uint8_t id[VAULT_ID_LEN])
{
	struct test_cert c = test_issue(&(struct test_issue){.dn = "CN=Test CA-Xchg",
	    .key = test_key("P-256"),
	    .issuer = &ca,
	    .usage = "keyAgreement",
	    .eku = "1.3.6.1.4.1.311.21.5",
	    .serial = 3,
	    .not_before = TEST_NOW,
	    .not_after = not_after});
	struct buf ski;
	struct err err;

	ASSERT_DONE(vault_xchgs_add(&xchgs, c.key, &c.cert, at(TEST_NOW), &err));
	assert_true(pkix_cert_ski(&c.cert, &ski, &err));
	memcpy(id, ski.ptr, VAULT_ID_LEN);
	buf_free(&ski);
	test_cert_free(&c);
}

static bool
has(const uint8_t id[VAULT_ID_LEN])
{
	return vault_xchgs_has(&xchgs, view_of(id, VAULT_ID_LEN));
}

static void
key_lives_as_long_as_its_certificate(void **state)
{
	const int64_t end = TEST_NOW + TEST_DAY;
	uint8_t id[VAULT_ID_LEN], later[VAULT_ID_LEN];
	EVP_PKEY *key;
	struct err err;
	char *paths[3];

	(void)state;
	add_key(end, id);
	add_key(end + TEST_DAY, later);
	paths[0] = path_of(id, ".key");
	paths[1] = path_of(id, ".crt");
	paths[2] = path_of(id, ".opened");
	ASSERT_DONE(vault_xchgs_get(&xchgs, view_of(id, VAULT_ID_LEN), 0, end, &key, &err));
	EVP_PKEY_free(key);
	assert_false(vault_xchgs_get(&xchgs, view_of(id, VAULT_ID_LEN), 0, end + 1, &key, &err));
	assert_int_equal(err.code, DIRCA_E_XCHG_CERT);
	ASSERT_DONE(vault_xchgs_purge(&xchgs, at(end + 1), &err));
	assert_true(has(id)); /* a request may be on its way */
	assert_int_equal(access(paths[0], F_OK), 0);
	ASSERT_DONE(vault_xchgs_purge(&xchgs, at(end + 3600), &err));
	assert_false(has(id));
	assert_true(has(later));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(access(paths[i], F_OK), -1);
		free(paths[i]);
	}
}

/* Ten years ahead, for as long as it takes, and back; and made while the clock was behind. */
static void
clock_that_is_wrong_ends_no_key(void **state)
{
	const int64_t life = 14 * TEST_DAY, years = 3652 * TEST_DAY;
	uint8_t id[VAULT_ID_LEN], behind[VAULT_ID_LEN];
	struct vault_time t = at(TEST_NOW + TEST_DAY);
	struct err err;

	(void)state;
	add_key(TEST_NOW + life, id);
	add_key(TEST_NOW + years, behind);
	t.now += years + life;
	ASSERT_DONE(vault_xchgs_purge(&xchgs, t, &err));
	assert_true(has(id) && has(behind));
	t.boot_ms = 1000 * life - 1000;
	ASSERT_DONE(vault_xchgs_purge(&xchgs, t, &err));
	assert_true(has(id));
	t = at(TEST_NOW + life - TEST_DAY);
	ASSERT_DONE(vault_xchgs_purge(&xchgs, t, &err));
	assert_true(has(id));
	/* Set back before the end: by this clock it has not ended, however long the machine runs.
	 */
	t = at(TEST_NOW + life + TEST_DAY);
	t.now -= 2 * TEST_DAY;
	ASSERT_DONE(vault_xchgs_purge(&xchgs, t, &err));
	assert_true(has(id));
	ASSERT_DONE(vault_xchgs_purge(&xchgs, at(TEST_NOW + life + 3600), &err));
	assert_false(has(id));
	/* The other was to live ten years by a clock that was behind: no key lives longer than it
	 * can. */
	t = at(TEST_NOW + VAULT_XCHG_LIFE_MAX + 3600);
	t.now += years;
	ASSERT_DONE(vault_xchgs_purge(&xchgs, t, &err));
	assert_false(has(behind));
}

static void
key_without_certificate_is_kept_as_long_as_one_could_live(void **state)
{
	const int64_t now = clock_now();
	uint8_t id[VAULT_ID_LEN];
	char *certificate;
	struct buf list[VAULT_XCHG_MAX];
	struct err err;
	size_t count;

	(void)state;
	add_key(now + TEST_DAY, id);
	certificate = path_of(id, ".crt");
	assert_int_equal(unlink(certificate), 0);
	vault_xchgs_close(&xchgs);
	ASSERT_DONE(vault_xchgs_open(
	    &xchgs, &vault_kind_exchange, vault_dir, NULL, 1, 1000, at(now), &err));
	assert_true(has(id));
	ASSERT_DONE(vault_xchgs_list(&xchgs, list, &count, &err));
	for (size_t i = 0; i < count; i++) {
		assert_true(list[i].len > 0);
		buf_free(&list[i]);
	}
	ASSERT_DONE(vault_xchgs_purge(&xchgs, at(now + 30 * TEST_DAY), &err));
	assert_true(has(id));
	ASSERT_DONE(vault_xchgs_purge(&xchgs, at(now + 32 * TEST_DAY), &err));
	assert_false(has(id));
	free(certificate);
}

static bool
claim(const uint8_t id[VAULT_ID_LEN], uint8_t n)
{
	const uint8_t hash[32] = {n};
	struct err err;

	return vault_xchgs_claim(&xchgs, view_of(id, VAULT_ID_LEN), hash, hash, &err);
}

static void
retired_key_is_destroyed(void **state)
{
	const int64_t now = clock_now();
	uint8_t id[VAULT_ID_LEN];
	struct err err;
	EVP_PKEY *key;
	char *path;

	(void)state;
	add_key(now + TEST_DAY, id);
	path = path_of(id, ".key");
	xchgs.failures_max = 3;
	for (uint8_t n = 1; n <= 3; n++) {
		const uint8_t hash[32] = {n};

		assert_true(claim(id, n));
		ASSERT_DONE(vault_xchgs_purge(&xchgs, at(now), &err));
		vault_xchgs_fail(&xchgs, view_of(id, VAULT_ID_LEN), hash);
	}
	assert_false(claim(id, 4));
	assert_false(vault_xchgs_get(&xchgs, view_of(id, VAULT_ID_LEN), 0, now, &key, &err));
	assert_int_equal(err.code, DIRCA_E_XCHG_CERT);
	assert_int_equal(access(path, F_OK), 0);
	ASSERT_DONE(vault_xchgs_purge(&xchgs, at(now), &err));
	assert_int_equal(access(path, F_OK), -1);
	assert_false(has(id));
	xchgs.failures_max = 1000;
	free(path);
}

/* Nobody knows what it opened. */
static void
key_without_its_record_is_retired(void **state)
{
	const int64_t now = clock_now();
	uint8_t id[VAULT_ID_LEN];
	struct err err;
	EVP_PKEY *key;
	char *path;

	(void)state;
	add_key(now + TEST_DAY, id);
	path = path_of(id, ".opened");
	assert_int_equal(unlink(path), 0);
	vault_xchgs_close(&xchgs);
	ASSERT_DONE(vault_xchgs_open(
	    &xchgs, &vault_kind_exchange, vault_dir, NULL, 1, 1000, at(now), &err));
	assert_false(claim(id, 1));
	assert_false(vault_xchgs_get(&xchgs, view_of(id, VAULT_ID_LEN), 0, now, &key, &err));
	assert_int_equal(err.code, DIRCA_E_XCHG_CERT);
	ASSERT_DONE(vault_xchgs_purge(&xchgs, at(now), &err));
	assert_false(has(id));
	free(path);
}

static struct vault_xchg_offer
offer(int64_t life, const char *cdp)
{
	return (struct vault_xchg_offer){
	    .kind = &vault_kind_exchange, .life_s = life, .cdp = {view_str(cdp)}};
}

static bool
compose(const struct vault_xchg_offer *o, int64_t now, struct buf *tbs, struct err *err)
{
	struct journal_entry entry;

	return vault_xchg_tbs(o, user_key, &ca.cert, buf_view(&sig_alg), now, tbs, &entry, err);
}

static void
front_says_addresses_and_life_within_limits_and_nothing_else(void **state)
{
	static const char *const wrong[] = {"https://ca1/", "ldap://evil/cn=x", "http://a b",
	    "http://ca1/\n", "http://ca1/\xc3\xa4", "x"};
	struct vault_xchg_offer o = offer(TEST_DAY, "http://ca1/ca.crl");
	struct buf tbs;
	struct err err;

	(void)state;
	ASSERT_DONE(compose(&o, TEST_NOW, &tbs, &err));
	assert_non_null(memmem(tbs.ptr, tbs.len, "http://ca1/ca.crl", 17));
	assert_non_null(memmem(tbs.ptr, tbs.len, "Test CA-Xchg", 12));
	buf_free(&tbs);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		o = offer(TEST_DAY, wrong[i]);
		assert_false(compose(&o, TEST_NOW, &tbs, &err));
		assert_int_equal(err.code, E_INVALIDARG);
	}
	o = offer(VAULT_XCHG_LIFE_MIN - 1, "");
	assert_false(compose(&o, TEST_NOW, &tbs, &err));
	o = offer(VAULT_XCHG_LIFE_MAX + 1, "");
	assert_false(compose(&o, TEST_NOW, &tbs, &err));
	o = offer(TEST_DAY, "");
	assert_false(compose(&o, ca.cert.not_after, &tbs, &err));
	assert_int_equal(err.code, CERT_E_EXPIRED);
}

static void
compose_certificate(const struct vault_xchg_offer *o, struct pkix_cert *out, struct buf *der)
{
	OWNED(buf_free) struct buf tbs = {0}, signature = {0};
	struct err err;

	ASSERT_DONE(compose(o, TEST_NOW, &tbs, &err));
	test_sign(ca.key, buf_view(&tbs), &signature);
	assert_true(
	    pkix_signed_wrap(buf_view(&tbs), buf_view(&sig_alg), buf_view(&signature), der, &err));
	ASSERT_DONE(pkix_cert_decode(buf_view(der), out, &err));
}

/* Its name where nobody knows an OID; never both. Key usage and EKU stay. */
static void
front_says_which_template_it_is_and_not_what_is_in_it(void **state)
{
	static const char *const wrong[] = {"1", "1.2.x", "serverAuth", "3.1.2", "1..2", " 1.2.3"};
	static const uint8_t v2000_3[] = {0x02, 0x02, 0x07, 0xd0, 0x02, 0x01, 0x03};
	struct vault_xchg_offer o = offer(TEST_DAY, "");
	char longer[200];
	struct pkix_cert c;
	struct buf der, tbs;
	struct err err;
	const struct pkix_extension *e;

	(void)state;
	compose_certificate(&o, &c, &der);
	assert_non_null(pkix_cert_extension(&c, OBJ_txt2nid("1.3.6.1.4.1.311.20.2")));
	assert_null(pkix_cert_extension(&c, OBJ_txt2nid("1.3.6.1.4.1.311.21.7")));
	pkix_cert_free(&c);
	buf_free(&der);
	o.template_oid = view_str("1.3.6.1.4.1.311.21.8.1.26");
	o.template_major = 2000;
	o.template_minor = 3;
	compose_certificate(&o, &c, &der);
	assert_null(pkix_cert_extension(&c, OBJ_txt2nid("1.3.6.1.4.1.311.20.2")));
	assert_non_null(e = pkix_cert_extension(&c, OBJ_txt2nid("1.3.6.1.4.1.311.21.7")));
	assert_true(e->value.len > sizeof v2000_3);
	assert_memory_equal(e->value.ptr + e->value.len - sizeof v2000_3, v2000_3, sizeof v2000_3);
	assert_true(pkix_cert_has_eku(&c, "1.3.6.1.4.1.311.21.5"));
	assert_int_equal(pkix_cert_key_usage(&c), 0x2000); /* keyEncipherment */
	pkix_cert_free(&c);
	buf_free(&der);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		o.template_oid = view_str(wrong[i]);
		assert_false(compose(&o, TEST_NOW, &tbs, &err));
		assert_int_equal(err.code, E_INVALIDARG);
	}
	memset(longer, '1', sizeof longer);
	memcpy(longer, "1.2.3.", 6);
	o.template_oid = view_of(longer, sizeof longer);
	assert_false(compose(&o, TEST_NOW, &tbs, &err));
	assert_int_equal(err.code, E_INVALIDARG);
}

static void
exchange_certificate_ends_with_the_ca(void **state)
{
	struct vault_xchg_offer o = offer(7 * TEST_DAY, "");
	struct buf tbs, signature, der;
	struct pkix_cert c;
	struct err err;

	(void)state;
	ASSERT_DONE(compose(&o, ca.cert.not_after - TEST_DAY, &tbs, &err));
	test_sign(ca.key, buf_view(&tbs), &signature);
	assert_true(
	    pkix_signed_wrap(buf_view(&tbs), buf_view(&sig_alg), buf_view(&signature), &der, &err));
	ASSERT_DONE(pkix_cert_decode(buf_view(&der), &c, &err));
	assert_int_equal(c.not_after, ca.cert.not_after);
	assert_true(pkix_cert_has_eku(&c, "1.3.6.1.4.1.311.21.5"));
	assert_false(pkix_cert_is_ca(&c));
	assert_int_equal(pkix_cert_key_usage(&c), 0x2000); /* keyEncipherment */
	pkix_cert_free(&c);
	buf_free(&der);
	buf_free(&signature);
	buf_free(&tbs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_lives_as_long_as_its_certificate),
	    cmocka_unit_test(clock_that_is_wrong_ends_no_key),
	    cmocka_unit_test(key_without_certificate_is_kept_as_long_as_one_could_live),
	    cmocka_unit_test(retired_key_is_destroyed),
	    cmocka_unit_test(key_without_its_record_is_retired),
	    cmocka_unit_test(front_says_addresses_and_life_within_limits_and_nothing_else),
	    cmocka_unit_test(front_says_which_template_it_is_and_not_what_is_in_it),
	    cmocka_unit_test(exchange_certificate_ends_with_the_ca),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
