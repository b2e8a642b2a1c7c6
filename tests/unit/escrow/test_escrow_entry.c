/* Entries of escrow batches: round trip, what is refused, and what a signature covers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "archive_pki.h"
#include "clock.h"
#include "escrow_entry.h"
#include "oids.h"

#define must(call)                               \
	do {                                     \
		if (!(call))                     \
			fail_msg("%s", err.msg); \
	} while (0)

static uint8_t batch[ESCROW_BATCH_ID] = {1, 2, 3};
static char user[] = "NWTRADERS\\user1", name[] = "key of user1";

static struct escrow_entry
usual(void)
{
	return (struct escrow_entry){.batch = view_of(batch, sizeof batch),
	    .index = 2,
	    .total = 3,
	    .certificate = view_str("a certificate"),
	    .key = view_str("a sealed key"),
	    .user = user,
	    .friendly_name = name};
}

static struct buf
encoded(const struct escrow_entry *e)
{
	struct buf der;
	struct err err;

	must(escrow_entry_encode(e, &der, &err));
	return der;
}

static void
what_was_written_comes_back(void **state)
{
	struct escrow_entry e = usual(), back;
	struct buf der = encoded(&e);
	struct err err;
	uint8_t *at;

	(void)state;
	must(escrow_entry_decode(buf_view(&der), &back, &err));
	assert_true(view_eq(back.batch, e.batch));
	assert_true(view_eq(back.certificate, e.certificate));
	assert_true(view_eq(back.key, e.key));
	assert_int_equal(back.index, 2);
	assert_int_equal(back.total, 3);
	assert_string_equal(back.user, user);
	assert_string_equal(back.friendly_name, name);
	escrow_entry_free(&back);
	for (size_t len = 0; len < der.len; len++) {
		assert_false(escrow_entry_decode(view_of(der.ptr, len), &back, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
	}
	/* SEQUENCE, its length, INTEGER 1 */
	at = memmem(der.ptr, der.len, "\x02\x01\x01", 3);
	assert_true(at != NULL && at - der.ptr <= 4);
	at[2] = 2;
	assert_false(escrow_entry_decode(buf_view(&der), &back, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
what_is_no_entry_is_not_written(void **state)
{
	static char bad[] = "a\nb", empty[] = "";
	struct escrow_entry e;
	struct buf der;
	struct err err;

	(void)state;
#define REFUSED(change)                                    \
	e = usual();                                       \
	change;                                            \
	assert_false(escrow_entry_encode(&e, &der, &err)); \
	assert_int_equal(err.code, ERROR_INVALID_DATA)
	REFUSED(e.index = 0);
	REFUSED(e.index = 4);
	REFUSED(e.total = ESCROW_TOTAL_MAX + 1);
	REFUSED(e.batch.len = 15);
	REFUSED(e.certificate.len = 0);
	REFUSED(e.user = bad);
	REFUSED(e.friendly_name = empty);
}

static void
signature_covers_the_entry(void **state)
{
	struct test_cert by = test_issue(&(struct test_issue){.dn = "CN=exporter",
	    .key = test_key("P-256"),
	    .serial = 3,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY});
	const struct cms_cosigner signer = {.key = by.key, .certificate = buf_view(&by.der)};
	struct escrow_entry e = usual(), back;
	struct buf der = encoded(&e), message, twice;
	struct cms_signed decoded;
	struct view who;
	size_t len, at;
	struct err err;

	(void)state;
	must(cms_sign_content(
	    &signer, oid_dotted(OID_CT_ESCROW_ENTRY), buf_view(&der), TEST_NOW, &message, &err));
	assert_true(escrow_entry_begins(buf_view(&message), &len));
	assert_int_equal(len, message.len);
	must(cms_signed_decode(buf_view(&message), &decoded, &err));
	must(escrow_entry_verify(&decoded, &back, &who, &err));
	assert_true(view_eq(who, buf_view(&by.der)));
	assert_string_equal(back.user, user);
	escrow_entry_free(&back);
	cms_signed_free(&decoded);
	/* signed once more */
	must(cms_cosign(buf_view(&message), &signer, &twice, &err));
	must(cms_signed_decode(buf_view(&twice), &decoded, &err));
	assert_int_equal(decoded.signer_count, 2);
	assert_false(escrow_entry_verify(&decoded, &back, &who, &err));
	assert_int_equal(err.code, CRYPT_E_INVALID_MSG_TYPE);
	cms_signed_free(&decoded);
	buf_free(&twice);
	/* another user */
	at = (size_t)((uint8_t *)memmem(message.ptr, message.len, "user1", 5) - message.ptr) + 4;
	message.ptr[at] = '2';
	must(cms_signed_decode(buf_view(&message), &decoded, &err));
	assert_false(escrow_entry_verify(&decoded, &back, &who, &err));
	assert_int_equal(err.code, CRYPT_E_HASH_VALUE);
	cms_signed_free(&decoded);
	buf_free(&message);
	/* something else, signed by the same */
	must(cms_sign_content(&signer, CMS_ID_DATA, buf_view(&der), TEST_NOW, &message, &err));
	assert_false(escrow_entry_begins(buf_view(&message), &len));
	must(cms_signed_decode(buf_view(&message), &decoded, &err));
	assert_false(escrow_entry_verify(&decoded, &back, &who, &err));
	assert_int_equal(err.code, CRYPT_E_INVALID_MSG_TYPE);
	cms_signed_free(&decoded);
	buf_free(&message);
	buf_free(&der);
	test_cert_free(&by);
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
	    cmocka_unit_test(what_was_written_comes_back),
	    cmocka_unit_test(what_is_no_entry_is_not_written),
	    cmocka_unit_test(signature_covers_the_entry),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
