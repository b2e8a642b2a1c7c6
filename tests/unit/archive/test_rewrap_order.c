/* Root's order about a batch of archived keys: what it says of the entries, and who signs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "archive_pki.h"
#include "oids.h"
#include "own.h"
#include "rewrap_order.h"

static const uint8_t batches[2][REWRAP_BATCH_ID] = {{1}, {2}}, hash[REWRAP_HASH] = {3};

static struct rewrap_order
usual(void)
{
	return (struct rewrap_order){.when = TEST_NOW,
	    .keys = 2,
	    .threshold = 1,
	    .gcm = true,
	    .to = {{4}, {5}},
	    .to_count = 2};
}

/* An entry as the order has it, but for what the caller changed in it. */
static void
append_entry(struct buf *to, const struct rewrap_order *o, const uint8_t *batch)
{
	const struct rewrap_entry e = {.batch = view_of(batch, REWRAP_BATCH_ID),
	    .request_id = 42,
	    .former = view_of(hash, sizeof hash),
	    .gcm = o->gcm,
	    .to = view_of(o->to[0], o->to_count * REWRAP_HASH),
	    .certificate = view_str("certificate"),
	    .key = view_str("key")};
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	assert_true(rewrap_entry_encode(&e, &der, &err));
	assert_true(buf_append(to, buf_view(&der), &err));
}

static void
assert_same(const struct rewrap_order *a, const struct rewrap_order *b)
{
	OWNED(buf_free) struct buf one = {0}, two = {0};
	struct err err;

	assert_true(rewrap_order_encode(a, &one, &err) && rewrap_order_encode(b, &two, &err));
	assert_true(view_eq(buf_view(&one), buf_view(&two)));
}

static void
it_says_what_the_entries_are(void **state)
{
	struct rewrap_order o = usual(), back;
	OWNED(buf_free) struct buf entries = {0}, der = {0};
	struct err err;

	(void)state;
	append_entry(&entries, &o, batches[0]);
	append_entry(&entries, &o, batches[0]);
	assert_true(rewrap_order_count(&o, buf_view(&entries), &err));
	assert_int_equal(o.keys, 2);
	assert_true(rewrap_order_encode(&o, &der, &err));
	assert_true(rewrap_order_decode(buf_view(&der), &back, &err));
	assert_same(&back, &o);
	assert_true(rewrap_order_covers(&back, buf_view(&entries), &err));
	for (size_t len = 0; len < der.len; len++)
		assert_false(rewrap_order_decode(view_of(der.ptr, len), &back, &err));
	assert_false(rewrap_order_covers(&o, view_of(entries.ptr, entries.len / 2), &err));
	assert_int_equal(err.code, CRYPT_E_HASH_VALUE);
	entries.ptr[entries.len - 1] ^= 1;
	assert_false(rewrap_order_covers(&o, buf_view(&entries), &err));
}

/* Written with a version of its own, so that nobody who does not know it opens such a batch. */
static void
it_says_who_combines_what_several_open(void **state)
{
	struct rewrap_order o = usual(), back;
	OWNED(buf_free) struct buf der = {0}, without = {0};
	struct err err;

	(void)state;
	assert_true(rewrap_order_encode(&o, &without, &err));
	assert_true(rewrap_order_decode(buf_view(&without), &back, &err));
	assert_false(back.together);
	o.together = true;
	memset(o.combiner, 9, sizeof o.combiner);
	assert_true(rewrap_order_encode(&o, &der, &err));
	assert_int_equal(der.len, without.len + 2 + REWRAP_HASH);
	assert_int_equal(without.ptr[5], 1); /* behind the header and that of the version */
	assert_int_equal(der.ptr[5], 2);
	assert_true(rewrap_order_decode(buf_view(&der), &back, &err));
	assert_true(back.together);
	assert_memory_equal(back.combiner, o.combiner, sizeof back.combiner);
	assert_same(&back, &o);
	/* each version with what is the other's */
	der.ptr[5] = 1;
	assert_false(rewrap_order_decode(buf_view(&der), &back, &err));
	without.ptr[5] = 2;
	assert_false(rewrap_order_decode(buf_view(&without), &back, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
}

/* Where nothing is sealed there is nobody to come; and no such order for one who opens alone. */
static void
a_drill_of_several_is_for_nobody(void **state)
{
	struct rewrap_order drill = usual(), back;
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	(void)state;
	drill.together = true;
	drill.to_count = 0;
	drill.gcm = false;
	assert_true(rewrap_order_encode(&drill, &der, &err));
	assert_true(rewrap_order_decode(buf_view(&der), &back, &err));
	assert_int_equal(back.to_count, 0);
	buf_free(&der);
	struct rewrap_order bad[] = {drill, drill, drill};

	bad[0].together = false;
	bad[1].gcm = true;
	bad[2].threshold = 2;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(rewrap_order_encode(&bad[i], &der, &err));
}

static void
entries_are_of_one_batch_and_for_its_agents(void **state)
{
	struct rewrap_order o = usual(), others = usual();
	OWNED(buf_free) struct buf two = {0}, stranger = {0};
	struct err err;

	(void)state;
	append_entry(&two, &o, batches[0]);
	append_entry(&two, &o, batches[1]);
	assert_false(rewrap_order_count(&o, buf_view(&two), &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	others.to[1][0]++;
	append_entry(&stranger, &others, batches[0]);
	assert_false(rewrap_order_count(&o, buf_view(&stranger), &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	others = usual();
	others.gcm = false;
	buf_free(&stranger);
	append_entry(&stranger, &others, batches[0]);
	assert_false(rewrap_order_count(&o, buf_view(&stranger), &err));
}

static void
what_orders_nothing_is_not_written(void **state)
{
	struct rewrap_order bad[] = {usual(), usual(), usual(), usual(), usual()};
	struct buf der;
	struct err err;

	(void)state;
	bad[0].keys = 0;
	bad[1].to_count = 0;
	bad[2].threshold = 0;
	bad[3].threshold = 3;
	bad[4].to[1][0] = bad[4].to[0][0];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(rewrap_order_encode(&bad[i], &der, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
}

static void
the_ca_signs_it_and_nobody_else(void **state)
{
	struct test_cert ca = test_ca("CN=CA", "P-256"), other = test_ca("CN=CA", "P-256");
	const struct pkix_cert *const ours[] = {&other.cert, &ca.cert};
	const struct pkix_cert *const others[] = {&other.cert};
	const struct cms_cosigner by = {.key = ca.key, .certificate = buf_view(&ca.der)};
	struct rewrap_order o = usual(), back;
	OWNED(buf_free) struct buf content = {0}, message = {0}, checkpoint = {0};
	struct err err;

	(void)state;
	assert_true(rewrap_order_encode(&o, &content, &err));
	assert_true(cms_sign_content(
	    &by, oid_dotted(OID_CT_REWRAP_ORDER), buf_view(&content), TEST_NOW, &message, &err));
	assert_true(rewrap_order_verify(buf_view(&message), ours, 2, &back, &err));
	assert_same(&back, &o);
	assert_false(rewrap_order_verify(buf_view(&message), others, 1, &back, &err));
	assert_int_equal(err.code, NTE_BAD_SIGNATURE);
	assert_false(rewrap_order_verify(buf_view(&message), ours, 0, &back, &err));
	assert_int_equal(err.code, CRYPT_E_NOT_FOUND);
	/* the same content as something else that the CA signs */
	assert_true(cms_sign_content(&by, oid_dotted(OID_CT_AUDIT_CHECKPOINT), buf_view(&content),
	    TEST_NOW, &checkpoint, &err));
	assert_false(rewrap_order_verify(buf_view(&checkpoint), ours, 2, &back, &err));
	assert_int_equal(err.code, CRYPT_E_INVALID_MSG_TYPE);
	/* other agents */
	*(uint8_t *)memmem(message.ptr, message.len, o.to[1], REWRAP_HASH) = 6;
	assert_false(rewrap_order_verify(buf_view(&message), ours, 2, &back, &err));
	assert_int_equal(err.code, CRYPT_E_HASH_VALUE);
	test_cert_free(&ca);
	test_cert_free(&other);
}

static int
group_setup(void **state)
{
	struct err err;

	(void)state;
	return oids_init(&err) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_says_what_the_entries_are),
	    cmocka_unit_test(it_says_who_combines_what_several_open),
	    cmocka_unit_test(a_drill_of_several_is_for_nobody),
	    cmocka_unit_test(entries_are_of_one_batch_and_for_its_agents),
	    cmocka_unit_test(what_orders_nothing_is_not_written),
	    cmocka_unit_test(the_ca_signs_it_and_nobody_else),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
