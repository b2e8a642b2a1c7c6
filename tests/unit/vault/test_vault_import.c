/* Keys of elsewhere over the vault's socket: for one certificate, by one way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vault_lab.h"

struct brought {
	struct buf payload;
	uint8_t hashes[2][32];
	struct vault_import in;
};

static struct test_cert user, other;

static struct xchg
make_import(void)
{
	const struct vault_xchg_wish wish = {.bits = 2048, .life_s = 7 * TEST_DAY};
	struct xchg x = {0};
	struct err err;

	ASSERT_DONE(vault_import_create(&child.front[0], &wish, &x.cert.der, &err));
	ASSERT_DONE(pkix_cert_decode(buf_view(&x.cert.der), &x.cert.cert, &err));
	ASSERT_DONE(pkix_public_key(x.cert.cert.spki, &x.cert.key, &err));
	return x;
}

/* user_key, for the certificate `user` and the account `name`. */
static void
bring(const struct xchg *x, const char *name, struct brought *out)
{
	const struct cms_kra to = test_recipient(&x->cert);
	uint8_t binding[ARCHIVE_BINDING];
	struct err err;

	*out = (struct brought){0};
	ASSERT_DONE(archive_import_binding(buf_view(&user.der), view_str(name), binding, &err));
	ASSERT_DONE(archive_import_seal(user_key, binding, &to, &out->payload, &err));
	memcpy(out->hashes[0], kra1.cert.sha256, 32);
	memcpy(out->hashes[1], kra2.cert.sha256, 32);
	out->in = (struct vault_import){.payload = buf_view(&out->payload),
	    .certificate = buf_view(&user.der),
	    .user = view_str(name),
	    .requester = view_str("officer"),
	    .kra_sha256 = (const uint8_t(*)[32])out->hashes,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
}

static void
assert_imported(const struct vault_import *in)
{
	struct buf archived;
	struct err err;

	ASSERT_DONE(vault_import(&child.front[0], in, &archived, &err));
	assert_opens(&archived, &kra1);
	assert_opens(&archived, &kra2);
	buf_free(&archived);
}

static void
assert_not_imported(const struct vault_import *in, enum err_code code)
{
	struct buf archived = {0};
	struct err err = {0};

	assert_false(vault_import(&child.front[0], in, &archived, &err));
	assert_int_equal(err.code, code);
	assert_null(archived.ptr);
}

static void
key_is_imported_for_its_certificate(void **state)
{
	struct xchg x = make_import();
	struct brought b;

	(void)state;
	assert_true(pkix_cert_has_eku(&x.cert.cert, oid_dotted(OID_KP_KEY_IMPORT)));
	assert_false(pkix_cert_has_eku(&x.cert.cert, oid_dotted(OID_KP_CA_EXCHANGE)));
	bring(&x, "", &b);
	assert_imported(&b.in);
	/* Again, by whoever goes on with what was interrupted. */
	b.in.requester = view_str("another officer");
	assert_imported(&b.in);
	buf_free(&b.payload);
	bring(&x, "NWTRADERS\\user1", &b);
	assert_imported(&b.in);
	buf_free(&b.payload);
	test_cert_free(&x.cert);
}

static void
imported_key_is_split_where_several_open_it(void **state)
{
	const struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	struct xchg x = make_import();
	struct buf archived;
	struct brought b;
	struct err err;
	size_t usable;

	(void)state;
	ASSERT_DONE(vault_set_kras(child.control, 2, 2, list, NULL, 2, &usable, &err));
	bring(&x, "", &b);
	ASSERT_DONE(vault_import(&child.front[0], &b.in, &archived, &err));
	assert_opens_together(&archived);
	buf_free(&archived);
	buf_free(&b.payload);
	test_cert_free(&x.cert);
}

/* Who caught it has made another certificate with the same public key, or names another account. */
static void
key_is_not_imported_for_what_it_was_not_meant_for(void **state)
{
	struct xchg x = make_import();
	struct brought b;

	(void)state;
	assert_true(view_eq(user.cert.spki, other.cert.spki));
	bring(&x, "", &b);
	b.in.certificate = buf_view(&other.der);
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	buf_free(&b.payload);
	bring(&x, "NWTRADERS\\user1", &b);
	b.in.user = view_str("NWTRADERS\\user2");
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	b.in.certificate = buf_view(&other.der);
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	b.in.certificate = buf_view(&user.der);
	b.in.user = view_str("NWTRADERS\\user1"); /* nobody spends it for whose it is */
	assert_imported(&b.in);
	b.in.user = view_str("NWTRADERS\\user2"); /* nor is it another's then */
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	b.in.user = view_str("NWTRADERS\\user1");
	assert_imported(&b.in);
	buf_free(&b.payload);
	bring(&x, "", &b);
	b.payload.ptr[b.payload.len - 1] ^= 1; /* the tag */
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	b.payload.ptr[b.payload.len - 1] ^= 1;
	assert_imported(&b.in);
	buf_free(&b.payload);
	bring(&x, "", &b);
	b.in.certificate = buf_view(&kra1.der); /* of another key altogether */
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	buf_free(&b.payload);
	test_cert_free(&x.cert);
}

/* The binding is the certificate's, the key is not. */
static void
another_key_is_not_imported(void **state)
{
	struct xchg x = make_import();
	const struct cms_kra to = test_recipient(&x.cert);
	uint8_t binding[ARCHIVE_BINDING];
	struct brought b;
	struct err err;

	(void)state;
	bring(&x, "", &b);
	buf_free(&b.payload);
	ASSERT_DONE(archive_import_binding(buf_view(&user.der), view_str(""), binding, &err));
	ASSERT_DONE(archive_import_seal(kra1.key, binding, &to, &b.payload, &err));
	b.in.payload = buf_view(&b.payload);
	assert_not_imported(&b.in, DIRCA_E_KEY_NOT_ARCHIVED);
	buf_free(&b.payload);
	test_cert_free(&x.cert);
}

/* What was caught of an enrollment is not imported, whatever it is said to be for; nor is what was
 * brought archived with a request. */
static void
each_way_opens_its_own(void **state)
{
	struct xchg import = make_import(), exchange = make_xchg(2048);
	struct brought b;
	struct rewrap r;
	struct buf id;
	struct err err;

	(void)state;
	bring(&import, "", &b);
	rewrap_init(&r, &exchange);
	r.in.requester = view_str("victim");
	/* the exchange payload by the way of imports */
	b.in.payload = r.in.payload;
	assert_not_imported(&b.in, DIRCA_E_XCHG_CERT);
	/* ... and one in the form of imports, encrypted to the exchange key */
	buf_free(&b.payload);
	bring(&exchange, "", &b);
	assert_not_imported(&b.in, DIRCA_E_XCHG_CERT);
	buf_free(&b.payload);
	/* the other way round */
	bring(&import, "", &b);
	ASSERT_DONE(pkix_cert_ski(&import.cert.cert, &id, &err));
	r.in.payload = buf_view(&b.payload);
	r.in.xchg_issuer = import.cert.cert.issuer;
	r.in.xchg_serial = import.cert.cert.serial;
	memcpy(r.in.xchg_id, id.ptr, VAULT_ID_LEN);
	assert_not_rewrapped(&r.in, DIRCA_E_XCHG_CERT);
	assert_imported(&b.in);
	buf_free(&id);
	buf_free(&b.payload);
	rewrap_free(&r);
	test_cert_free(&import.cert);
	test_cert_free(&exchange.cert);
}

/* In the shape of an enrollment, encrypted to the import key: CBC, without what binds it. */
static void
only_authenticated_encryption_is_taken(void **state)
{
	struct xchg x = make_import();
	struct brought b;

	(void)state;
	bring(&x, "", &b);
	buf_free(&b.payload);
	test_key_payload(user_key, &x.cert, &b.payload);
	b.in.payload = buf_view(&b.payload);
	assert_not_imported(&b.in, NTE_BAD_ALGID);
	buf_free(&b.payload);
	test_cert_free(&x.cert);
}

static void
import_keys_are_listed_by_themselves_and_outlive_the_process(void **state)
{
	struct xchg import = make_import(), exchange = make_xchg(2048);
	struct buf list[VAULT_XCHG_MAX];
	struct brought b;
	struct err err;
	size_t count;

	bring(&import, "", &b);
	for (int started = 0; started < 2; started++) {
		bool mine = false;

		ASSERT_DONE(vault_import_list(&child.front[0], list, &count, &err));
		for (size_t i = 0; i < count; i++) {
			mine = mine || view_eq(buf_view(&list[i]), buf_view(&import.cert.der));
			assert_false(view_eq(buf_view(&list[i]), buf_view(&exchange.cert.der)));
			buf_free(&list[i]);
		}
		assert_true(mine);
		ASSERT_DONE(vault_xchg_list(&child.front[0], list, &count, &err));
		for (size_t i = 0; i < count; i++) {
			assert_false(view_eq(buf_view(&list[i]), buf_view(&import.cert.der)));
			buf_free(&list[i]);
		}
		assert_imported(&b.in);
		stop(&child);
		start_child(state);
	}
	buf_free(&b.payload);
	test_cert_free(&import.cert);
	test_cert_free(&exchange.cert);
}

static int
make_certificates(void **state)
{
	struct test_issue in = {.dn = "CN=user1",
	    .issuer = &foreign_ca,
	    .usage = "critical,keyEncipherment",
	    .serial = 77,
	    .not_before = TEST_NOW - TEST_DAY,
	    .not_after = TEST_NOW + TEST_DAY};

	if (setup(state) != 0)
		return 1;
	in.key = EVP_PKEY_dup(user_key);
	user = test_issue(&in);
	in.key = EVP_PKEY_dup(user_key);
	in.dn = "CN=accomplice";
	in.serial = 78;
	other = test_issue(&in);
	return 0;
}

static int
free_certificates(void **state)
{
	test_cert_free(&user);
	test_cert_free(&other);
	return teardown(state);
}

int
main(void)
{
#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, start_child, stop_child)
	const struct CMUnitTest tests[] = {
	    WITH_CHILD(key_is_imported_for_its_certificate),
	    WITH_CHILD(imported_key_is_split_where_several_open_it),
	    WITH_CHILD(key_is_not_imported_for_what_it_was_not_meant_for),
	    WITH_CHILD(another_key_is_not_imported),
	    WITH_CHILD(each_way_opens_its_own),
	    WITH_CHILD(only_authenticated_encryption_is_taken),
	    WITH_CHILD(import_keys_are_listed_by_themselves_and_outlive_the_process),
	};

	return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
