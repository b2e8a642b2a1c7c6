/* What archived keys are sealed with: as root says of each agent's reader, and nothing below root's
 * floor, whatever the front asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vault_lab.h"

/* kra1 has an RSA key, kra2 one on P-256. How many the vault can use. */
static size_t
give(enum cms_reader first, enum cms_reader second, size_t needed)
{
	const struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	const enum cms_reader readers[] = {first, second};
	struct err err = {0};
	size_t usable;

	ASSERT_DONE(vault_set_kras(child.control, needed, 1, list, readers, 2, &usable, &err));
	return usable;
}

static void
assert_sealed_with(const struct vault_rewrap *in, enum cms_cipher cipher, bool pkcs1)
{
	struct cms_enveloped sealed;
	struct buf archived;
	struct err err = {0};
	bool any = false;

	ASSERT_DONE(vault_rewrap(&child.front[0], in, &archived, &err));
	ASSERT_DONE(cms_sealed_decode(buf_view(&archived), &sealed, &err));
	assert_int_equal(sealed.cipher, cipher);
	for (size_t i = 0; i < sealed.count; i++)
		any = any || sealed.recipients[i].is_pkcs1;
	assert_int_equal(any, pkcs1);
	assert_opens(&archived, &kra1);
	assert_true(archive_floor_holds(&lab_floor, &sealed));
	cms_enveloped_free(&sealed);
	buf_free(&archived);
}

static void
start_with(const struct archive_floor *floor)
{
	lab_floor = *floor;
	child = start();
	give(CMS_READER_GCM, CMS_READER_GCM, 2);
}

static void
stop_again(void)
{
	stop(&child);
	lab_floor = (struct archive_floor){.aes_bits = 128, .reader = CMS_READER_OAEP};
}

/* One message goes to all of them: it is GCM if none of them would be shut out. */
static void
key_is_sealed_as_its_readers_can(void **state)
{
	static const struct {
		enum cms_reader first, second;
		enum cms_cipher asked, cipher;
		bool pkcs1;
	} rows[] = {
	    {CMS_READER_GCM, CMS_READER_GCM, CMS_AES_256_CBC, CMS_AES_256_GCM, false},
	    {CMS_READER_GCM, CMS_READER_GCM, CMS_AES_192_CBC, CMS_AES_192_GCM, false},
	    {CMS_READER_GCM, CMS_READER_GCM, CMS_AES_128_CBC, CMS_AES_128_GCM, false},
	    {CMS_READER_GCM, CMS_READER_GCM, CMS_3DES_CBC, CMS_3DES_CBC, false},
	    {CMS_READER_GCM, CMS_READER_OAEP, CMS_AES_256_CBC, CMS_AES_256_CBC, false},
	    {CMS_READER_OAEP, CMS_READER_GCM, CMS_AES_256_CBC, CMS_AES_256_CBC, false},
	    {CMS_READER_PKCS1, CMS_READER_GCM, CMS_AES_256_CBC, CMS_AES_256_CBC, true},
	    {CMS_READER_PKCS1, CMS_READER_PKCS1, CMS_3DES_CBC, CMS_3DES_CBC, true},
	};
	struct rewrap r;
	struct xchg x;

	(void)state;
	start_with(&(struct archive_floor){.allow_3des = true, .aes_bits = 128});
	x = make_xchg(256);
	rewrap_init(&r, &x);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(give(rows[i].first, rows[i].second, 2), 2);
		r.in.cipher = rows[i].asked;
		assert_sealed_with(&r.in, rows[i].cipher, rows[i].pkcs1);
	}
	rewrap_free(&r);
	test_cert_free(&x.cert);
	stop_again();
}

static void
front_cannot_ask_for_less_than_the_floor(void **state)
{
	struct rewrap r;
	struct xchg x;

	(void)state;
	start_with(&(struct archive_floor){.aes_bits = 192, .reader = CMS_READER_OAEP});
	x = make_xchg(256);
	rewrap_init(&r, &x);
	give(CMS_READER_OAEP, CMS_READER_GCM, 2);
	r.in.cipher = CMS_AES_192_CBC;
	assert_sealed_with(&r.in, CMS_AES_192_CBC, false);
	r.in.cipher = CMS_AES_128_CBC;
	assert_not_rewrapped(&r.in, E_ACCESSDENIED);
	r.in.cipher = CMS_3DES_CBC;
	assert_not_rewrapped(&r.in, E_ACCESSDENIED);
	/* Which of its readers can read GCM the front is not asked. */
	r.in.cipher = CMS_AES_256_GCM;
	assert_not_rewrapped(&r.in, E_INVALIDARG);
	rewrap_free(&r);
	test_cert_free(&x.cert);
	stop_again();
}

/* Keys wait rather than being sealed to him. */
static void
agent_who_reads_less_than_the_floor_is_not_used(void **state)
{
	static const enum cms_reader floors[] = {CMS_READER_OAEP, CMS_READER_GCM};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rewrap r;
		struct xchg x;

		start_with(&(struct archive_floor){.aes_bits = 128, .reader = floors[i]});
		x = make_xchg(256);
		rewrap_init(&r, &x);
		assert_int_equal(give(floors[i], floors[i] - 1, 2), 1);
		assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA);
		assert_int_equal(give(floors[i], floors[i] - 1, 1), 1);
		assert_sealed_with(
		    &r.in, floors[i] == CMS_READER_GCM ? CMS_AES_256_GCM : CMS_AES_256_CBC, false);
		rewrap_free(&r);
		test_cert_free(&x.cert);
		stop_again();
	}
}

/* A share of his would be sealed by PKCS#1 v1.5, though what reads shares reads OAEP. */
static void
agent_who_reads_pkcs1_has_no_share(void **state)
{
	const struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	const enum cms_reader readers[] = {CMS_READER_PKCS1, CMS_READER_OAEP};
	struct err err = {0};
	struct rewrap r;
	struct xchg x;
	size_t usable;

	(void)state;
	start_with(&(struct archive_floor){.aes_bits = 128, .reader = CMS_READER_PKCS1});
	x = make_xchg(256);
	rewrap_init(&r, &x);
	ASSERT_DONE(vault_set_kras(child.control, 2, 2, list, readers, 2, &usable, &err));
	assert_int_equal(usable, 1);
	assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA);
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, readers, 2, &usable, &err));
	assert_int_equal(usable, 2);
	assert_sealed_with(&r.in, CMS_AES_256_CBC, true);
	rewrap_free(&r);
	test_cert_free(&x.cert);
	stop_again();
}

static void
front_is_told_what_each_reads(void **state)
{
	struct vault_kra_set known;
	struct err err = {0};

	(void)state;
	give(CMS_READER_GCM, CMS_READER_OAEP, 1);
	ASSERT_DONE(vault_get_kras(&child.front[0], &known, &err));
	assert_int_equal(known.count, 2);
	assert_int_equal(known.readers[0], CMS_READER_GCM);
	assert_int_equal(known.readers[1], CMS_READER_OAEP);
	vault_kra_set_free(&known);
}

static void
what_an_agent_reads_is_a_word_that_is_known(void **state)
{
	const struct view list[] = {buf_view(&kra1.der)};
	const enum cms_reader unknown = (enum cms_reader)3;
	struct err err = {0};
	size_t usable;

	(void)state;
	assert_false(vault_set_kras(child.control, 1, 1, list, &unknown, 1, &usable, &err));
	assert_int_equal(err.code, E_INVALIDARG);
}

/* What a report says of keys that were sealed once. */
static void
sealed_key_is_held_against_the_floor(void **state)
{
	static const struct {
		struct archive_floor floor;
		enum cms_cipher cipher;
		bool pkcs1, holds;
	} rows[] = {
	    {{false, 128, CMS_READER_OAEP}, CMS_AES_128_CBC, false, true},
	    {{false, 128, CMS_READER_OAEP}, CMS_AES_128_GCM, false, true},
	    {{false, 128, CMS_READER_OAEP}, CMS_AES_128_CBC, true, false},
	    {{false, 128, CMS_READER_PKCS1}, CMS_AES_128_CBC, true, true},
	    {{false, 128, CMS_READER_OAEP}, CMS_3DES_CBC, false, false},
	    {{true, 128, CMS_READER_OAEP}, CMS_3DES_CBC, false, true},
	    {{false, 256, CMS_READER_OAEP}, CMS_AES_192_GCM, false, false},
	    {{false, 256, CMS_READER_OAEP}, CMS_AES_256_GCM, false, true},
	    {{false, 128, CMS_READER_GCM}, CMS_AES_256_CBC, false, false},
	    {{false, 128, CMS_READER_GCM}, CMS_AES_128_GCM, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cms_recipient to[2] = {{0}, {.is_pkcs1 = rows[i].pkcs1}};
		const struct cms_enveloped sealed = {
		    .recipients = to, .count = 2, .cipher = rows[i].cipher};

		assert_int_equal(archive_floor_holds(&rows[i].floor, &sealed), rows[i].holds);
	}
}

int
main(void)
{
#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, start_child, stop_child)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_is_sealed_as_its_readers_can),
	    cmocka_unit_test(front_cannot_ask_for_less_than_the_floor),
	    cmocka_unit_test(agent_who_reads_less_than_the_floor_is_not_used),
	    cmocka_unit_test(agent_who_reads_pkcs1_has_no_share),
	    WITH_CHILD(front_is_told_what_each_reads),
	    WITH_CHILD(what_an_agent_reads_is_a_word_that_is_known),
	    cmocka_unit_test(sealed_key_is_held_against_the_floor),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
