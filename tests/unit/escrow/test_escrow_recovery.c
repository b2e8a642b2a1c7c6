/* Recovery BLOBs as keys that are imported: whose are opened, and whose are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "escrow.h"
#include "recovery_lab.h"

static enum err_code
outcome(struct view file, const struct recovery_trust *trust, bool *key_out)
{
	struct pfx_content openers = {0};
	const struct escrow_with with = {.openers = &openers, .trust = trust};
	struct escrow_items items;
	struct err err = {0};
	bool ok;

	*key_out = false;
	assert_true(pfx_add_key(&openers, kra1.key, buf_view(&kra1.der), NULL, &err));
	ok = escrow_read(file, &with, &items, &err);
	pfx_content_free(&openers);
	if (!ok)
		return err.code;
	assert_int_equal(items.count, 1);
	assert_true(view_eq(buf_view(&items.list[0].certificate), buf_view(&user.der)));
	*key_out = EVP_PKEY_eq(items.list[0].key, user.key) == 1;
	escrow_items_free(&items);
	return ERR_OK;
}

static void
assert_refused(struct view file, const struct recovery_trust *trust, enum err_code code)
{
	bool key;

	assert_int_equal(outcome(file, trust, &key), code);
	assert_false(key);
}

static void
a_blob_of_a_trusted_ca_is_opened(void **state)
{
	const struct recovery_trust trust = {.cas = &ca.cert, .ca_count = 1};
	bool key;

	(void)state;
	assert_int_equal(outcome(buf_view(&blob), &trust, &key), ERR_OK);
	assert_true(key);
}

/* The agent's key opens each of them all the same. */
static void
one_of_anybody_else_is_not(void **state)
{
	const struct recovery_trust trust = {.cas = &ca.cert, .ca_count = 1},
				    others = {.cas = &root.cert, .ca_count = 1};
	struct test_cert made_up = test_ca("CN=Test CA,DC=nwtraders,DC=com", "rsa2048");
	struct recovery_make in = usual();
	struct buf forged;
	struct err err;

	(void)state;
	assert_refused(buf_view(&blob), NULL, CERT_E_UNTRUSTEDROOT);
	assert_refused(buf_view(&blob), &others, CERT_E_UNTRUSTEDROOT);
	chain[0] = buf_view(&made_up.der);
	make_blob(&in, made_up.key, &forged);
	assert_refused(buf_view(&forged), &trust, CERT_E_UNTRUSTEDROOT);
	buf_free(&forged);
	test_cert_free(&made_up);
	/* What somebody changed is a recovery BLOB all the same, and says so. */
	assert_true(buf_dup(buf_view(&blob), &forged, &err));
	forged.ptr[forged.len - 9] ^= 1;
	assert_refused(buf_view(&forged), &trust, NTE_BAD_SIGNATURE);
	buf_free(&forged);
}

/* AD CS signs neither the officer nor the certificates. */
static void
one_of_ad_cs_is_opened_on_request_only(void **state)
{
	struct recovery_trust trust = {.cas = &ca.cert, .ca_count = 1};
	struct buf old;
	bool key;

	(void)state;
	make_typed("1.2.840.113549.1.7.1", buf_view(&archived), &old);
	assert_refused(buf_view(&old), &trust, NTE_BAD_SIGNATURE);
	trust.unsigned_chain = true;
	assert_int_equal(outcome(buf_view(&old), &trust, &key), ERR_OK);
	assert_true(key);
	trust.cas = &root.cert;
	assert_refused(buf_view(&old), &trust, CERT_E_UNTRUSTEDROOT);
	buf_free(&old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_blob_of_a_trusted_ca_is_opened, make_usual),
	    cmocka_unit_test_setup(one_of_anybody_else_is_not, make_usual),
	    cmocka_unit_test(one_of_ad_cs_is_opened_on_request_only),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
