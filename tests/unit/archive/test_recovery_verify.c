/* Whom a key recovery agent believes, and that every byte of a BLOB counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "recovery_lab.h"

static enum err_code
verdict(struct view der, const struct recovery_trust *trust)
{
	struct recovery_blob b;
	struct err err = {0};
	bool ok;

	if (!recovery_decode(der, &b, &err))
		return err.code;
	ok = recovery_verify(&b, trust, &err);
	recovery_free(&b);
	assert_true(ok || *err.msg != '\0');
	return ok ? ERR_OK : err.code;
}

static enum err_code
verdict_of(const struct pkix_cert *trusted)
{
	return verdict(buf_view(&blob), &(struct recovery_trust){.cas = trusted, .ca_count = 1});
}

static void
only_the_named_ca_is_believed(void **state)
{
	struct test_cert same_name = test_ca("CN=Test CA,DC=nwtraders,DC=com", "rsa2048");

	(void)state;
	assert_int_equal(verdict_of(&ca.cert), ERR_OK);
	/* Its issuer is another CA, which would open the door to each below it. */
	assert_int_equal(verdict_of(&root.cert), CERT_E_UNTRUSTEDROOT);
	assert_int_equal(verdict_of(&same_name.cert), CERT_E_UNTRUSTEDROOT);
	assert_int_equal(verdict_of(&kra1.cert), CERT_E_UNTRUSTEDROOT);
	assert_int_equal(verdict(buf_view(&blob), &(struct recovery_trust){.ca_count = 0}),
	    CERT_E_UNTRUSTEDROOT);
	test_cert_free(&same_name);
}

/* What a thief of the database makes: the same name, a key of his own, self-signed. */
static void
a_made_up_ca_of_the_same_name_is_not_believed(void **state)
{
	struct test_cert made_up = test_ca("CN=Test CA,DC=nwtraders,DC=com", "rsa2048");
	struct recovery_make in = usual();
	struct buf forged;

	(void)state;
	chain[0] = buf_view(&made_up.der);
	make_blob(&in, made_up.key, &forged);
	assert_int_equal(
	    verdict(buf_view(&forged),
		&(struct recovery_trust){
		    .cas = &ca.cert, .ca_count = 1, .unsigned_chain = true, .sha1 = true}),
	    CERT_E_UNTRUSTEDROOT);
	buf_free(&forged);
	test_cert_free(&made_up);
}

/* An enrollee's certificate never counts, not even where somebody named it. */
static void
a_leaf_signs_nothing(void **state)
{
	struct recovery_make in = usual();
	struct buf forged;

	(void)state;
	chain[0] = buf_view(&user.der);
	chain[1] = buf_view(&ca.der);
	make_blob(&in, user.key, &forged);
	assert_int_equal(
	    verdict(buf_view(&forged), &(struct recovery_trust){.cas = &ca.cert, .ca_count = 1}),
	    CERT_E_UNTRUSTEDROOT);
	assert_int_equal(
	    verdict(buf_view(&forged), &(struct recovery_trust){.cas = &user.cert, .ca_count = 1}),
	    CERT_E_UNTRUSTEDROOT);
	buf_free(&forged);
}

static struct test_cert
renewed(EVP_PKEY *key)
{
	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	return test_issue(&(struct test_issue){.dn = "CN=Test CA,DC=nwtraders,DC=com",
	    .key = key,
	    .issuer = &root,
	    .is_ca = true,
	    .usage = "critical,keyCertSign,cRLSign",
	    .serial = 8,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 9000 * TEST_DAY});
}

static void
a_renewal_with_the_same_key_is_the_same_ca(void **state)
{
	struct test_cert same = renewed(ca.key), other = renewed(kra1.key);

	(void)state;
	assert_int_equal(verdict_of(&same.cert), ERR_OK);
	assert_int_equal(verdict_of(&other.cert), CERT_E_UNTRUSTEDROOT);
	test_cert_free(&same);
	test_cert_free(&other);
}

/* Of the CA's name unless it is another one's. */
static struct test_cert
cross(const char *dn, EVP_PKEY *key, const struct test_cert *by, bool is_ca)
{
	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	return test_issue(&(struct test_issue){.dn = dn,
	    .key = key,
	    .issuer = by,
	    .is_ca = is_ca,
	    .usage = "critical,keyCertSign,cRLSign",
	    .serial = 9,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 4000 * TEST_DAY});
}

/* Of a BLOB that `fresh` signed, with these certificates behind it. */
static enum err_code
verdict_with(const struct test_cert *fresh, const struct test_cert *more, size_t count)
{
	struct recovery_make in = usual();
	struct view list[3] = {buf_view(&fresh->der)};
	struct buf made;
	enum err_code code;

	for (size_t i = 0; i < count; i++)
		list[1 + i] = buf_view(&more[i].der);
	in.chain = list;
	in.chain_count = 1 + count;
	make_blob(&in, fresh->key, &made);
	code = verdict(buf_view(&made), &(struct recovery_trust){.cas = &ca.cert, .ca_count = 1});
	buf_free(&made);
	return code;
}

static void
a_new_key_is_believed_if_an_older_one_vouches_for_it(void **state)
{
	static const char dn[] = "CN=Test CA,DC=nwtraders,DC=com", other_dn[] = "CN=Other CA";
	struct test_cert fresh = test_ca(dn, "rsa2048"), middle = test_ca(dn, "rsa2048"),
			 made_up = test_ca(dn, "rsa2048");
	struct test_cert crosses[] = {cross(dn, fresh.key, &ca, true),
	    cross(dn, fresh.key, &ca, false), cross(other_dn, fresh.key, &ca, true),
	    cross(dn, fresh.key, &made_up, true), cross(dn, kra1.key, &ca, true),
	    cross(dn, middle.key, &ca, true), cross(dn, fresh.key, &middle, true)};

	(void)state;
	assert_int_equal(verdict_with(&fresh, &crosses[0], 1), ERR_OK);
	assert_int_equal(verdict_with(&fresh, NULL, 0), CERT_E_UNTRUSTEDROOT);
	/* It is no CA; of another name; another CA's word; for another key. */
	for (size_t i = 1; i < 5; i++)
		assert_int_equal(verdict_with(&fresh, &crosses[i], 1), CERT_E_UNTRUSTEDROOT);
	/* From key to key, or not at all. */
	assert_int_equal(verdict_with(&fresh, &crosses[5], 2), ERR_OK);
	assert_int_equal(verdict_with(&fresh, &crosses[6], 1), CERT_E_UNTRUSTEDROOT);
	for (size_t i = 0; i < sizeof crosses / sizeof crosses[0]; i++)
		test_cert_free(&crosses[i]);
	test_cert_free(&fresh);
	test_cert_free(&middle);
	test_cert_free(&made_up);
}

static void
a_flipped_bit_is_found_at_every_offset(void **state)
{
	const struct recovery_trust trust = {.cas = &ca.cert, .ca_count = 1};

	(void)state;
	for (size_t i = 0; i < blob.len; i++) {
		uint8_t bit = (uint8_t)(1u << (i % 8));

		blob.ptr[i] ^= bit;
		if (verdict(buf_view(&blob), &trust) == ERR_OK)
			fail_msg("bit %u of byte %zu may be flipped", bit, i);
		blob.ptr[i] ^= bit;
	}
	assert_int_equal(verdict(buf_view(&blob), &trust), ERR_OK);
}

/* The same content, signed attributes and signature in another frame. */
static enum err_code
reframed(const struct view *certificates, size_t count, const struct cms_attr *unsigned_attrs,
    size_t unsigned_count)
{
	struct recovery_blob b;
	const struct cms_signer *s;
	struct buf sig_alg, again;
	enum err_code code;
	struct err err;

	assert_true(recovery_decode(buf_view(&blob), &b, &err));
	s = &b.message.signers[0];
	const struct cms_sign in = {.content_oid = "1.2.840.113549.1.7.1",
	    .content = b.message.content,
	    .digest = s->digest,
	    .issuer = ca.cert.issuer,
	    .serial = ca.cert.serial,
	    .unsigned_attrs = unsigned_attrs,
	    .unsigned_count = unsigned_count,
	    .certificates = certificates,
	    .certificate_count = count};
	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	assert_true(
	    cms_sign_finish(&in, s->signed_attrs, buf_view(&sig_alg), s->signature, &again, &err));
	code = verdict(buf_view(&again), &(struct recovery_trust){.cas = &ca.cert, .ca_count = 1});
	recovery_free(&b);
	buf_free(&sig_alg);
	buf_free(&again);
	return code;
}

static void
nothing_can_be_added_or_taken_away(void **state)
{
	static const uint8_t null[2] = {0x05, 0};
	const struct view all[] = {buf_view(&user.der), buf_view(&ca.der), buf_view(&root.der),
	    buf_view(&kra1.der), buf_view(&kra2.der), buf_view(&ec_kra.der),
	    buf_view(&stranger.der)};
	const struct cms_attr attr = {
	    .oid = "1.2.3.4", .values = {null, sizeof null}, .value_count = 1};

	(void)state;
	assert_int_equal(reframed(all, 6, NULL, 0), ERR_OK);
	assert_int_equal(reframed(all, 7, NULL, 0), CRYPT_E_HASH_VALUE);
	assert_int_equal(reframed(all, 5, NULL, 0), CRYPT_E_HASH_VALUE);
	assert_int_equal(reframed(all, 6, &attr, 1), NTE_BAD_SIGNATURE);
}

static void
a_second_signature_is_refused(void **state)
{
	const struct cms_cosigner by = {.key = kra1.key, .certificate = buf_view(&kra1.der)};
	struct buf two;
	struct err err;

	(void)state;
	assert_true(cms_cosign(buf_view(&blob), &by, &two, &err));
	assert_int_equal(
	    verdict(buf_view(&two), &(struct recovery_trust){.cas = &ca.cert, .ca_count = 1}),
	    NTE_BAD_SIGNATURE);
	buf_free(&two);
}

static void
a_blob_without_retrieval_is_taken_on_request_only(void **state)
{
	struct recovery_trust trust = {.cas = &ca.cert, .ca_count = 1};
	struct buf old;

	(void)state;
	make_typed("1.2.840.113549.1.7.1", buf_view(&archived), &old);
	assert_int_equal(verdict(buf_view(&old), &trust), NTE_BAD_SIGNATURE);
	trust.unsigned_chain = true;
	assert_int_equal(verdict(buf_view(&old), &trust), ERR_OK);
	trust.cas = &root.cert;
	assert_int_equal(verdict(buf_view(&old), &trust), CERT_E_UNTRUSTEDROOT);
	buf_free(&old);
}

static void
the_option_does_not_weaken_a_blob_that_has_one(void **state)
{
	const struct recovery_trust trust = {
	    .cas = &ca.cert, .ca_count = 1, .unsigned_chain = true};
	uint8_t *root_in_blob = memmem(blob.ptr, blob.len, root.der.ptr, root.der.len);

	(void)state;
	assert_int_equal(verdict(buf_view(&blob), &trust), ERR_OK);
	assert_non_null(root_in_blob);
	root_in_blob[root.der.len - 1] ^= 1;
	assert_int_equal(verdict(buf_view(&blob), &trust), CRYPT_E_HASH_VALUE);
}

static void
sha1_is_taken_on_request_only(void **state)
{
	struct view certificates[] = {buf_view(&user.der), buf_view(&ca.der)};
	uint8_t hash[22] = {0x04, 20}, signature[512];
	struct cms_attr attr = {.nid = oid_nid(OID_ARCHIVED_KEY_CERT_HASH),
	    .values = view_of(hash, sizeof hash),
	    .value_count = 1};
	const struct cms_sign in = {.content_oid = "1.2.840.113549.1.7.1",
	    .content = buf_view(&archived),
	    .digest = EVP_sha1(),
	    .issuer = ca.cert.issuer,
	    .serial = ca.cert.serial,
	    .certificates = certificates,
	    .certificate_count = 2,
	    .extra_attrs = &attr,
	    .extra_count = 1};
	/* sha1WithRSAEncryption, NULL */
	static const uint8_t alg[] = {
	    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0};
	struct recovery_trust trust = {.cas = &ca.cert, .ca_count = 1, .unsigned_chain = true};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = sizeof signature;
	struct buf attrs, old;
	struct err err;

	(void)state;
	memcpy(hash + 2, user.cert.sha1, 20);
	strcpy(attr.oid, oid_dotted(OID_ARCHIVED_KEY_CERT_HASH));
	assert_true(cms_sign_attrs(&in, &attrs, &err));
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA1", NULL, NULL, ca.key, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, attrs.ptr, attrs.len), 1);
	assert_true(cms_sign_finish(
	    &in, buf_view(&attrs), view_of(alg, sizeof alg), view_of(signature, len), &old, &err));
	assert_int_equal(verdict(buf_view(&old), &trust), NTE_BAD_ALGID);
	trust.sha1 = true;
	assert_int_equal(verdict(buf_view(&old), &trust), ERR_OK);
	EVP_MD_CTX_free(ctx);
	buf_free(&attrs);
	buf_free(&old);
}

static void
the_retrieval_says_who_fetched_it(void **state)
{
	struct recovery_blob b;
	struct err err;

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &b, &err));
	assert_true(b.has_retrieval);
	assert_int_equal(b.retrieval.request_id, 42);
	assert_int_equal(b.retrieval.audit_row, 1234);
	assert_int_equal(b.retrieval.when, TEST_NOW);
	assert_string_equal(b.retrieval.officer, officer);
	assert_string_equal(b.retrieval.officer_sid, officer_sid);
	assert_int_equal(b.retrieval.chain_count, 2);
	assert_int_equal(b.retrieval.kra_count, 3);
	recovery_free(&b);
}

int
main(void)
{
#define WITH_BLOB(test) cmocka_unit_test_setup(test, make_usual)
	const struct CMUnitTest tests[] = {
	    WITH_BLOB(only_the_named_ca_is_believed),
	    cmocka_unit_test(a_made_up_ca_of_the_same_name_is_not_believed),
	    cmocka_unit_test(a_leaf_signs_nothing),
	    WITH_BLOB(a_renewal_with_the_same_key_is_the_same_ca),
	    cmocka_unit_test(a_new_key_is_believed_if_an_older_one_vouches_for_it),
	    WITH_BLOB(a_flipped_bit_is_found_at_every_offset),
	    WITH_BLOB(nothing_can_be_added_or_taken_away),
	    WITH_BLOB(a_second_signature_is_refused),
	    cmocka_unit_test(a_blob_without_retrieval_is_taken_on_request_only),
	    WITH_BLOB(the_option_does_not_weaken_a_blob_that_has_one),
	    cmocka_unit_test(sha1_is_taken_on_request_only),
	    WITH_BLOB(the_retrieval_says_who_fetched_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
