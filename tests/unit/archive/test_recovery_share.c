/*
 * Keys that several key recovery agents open together: every subset that is large enough recovers,
 * none that is smaller does, and a share that is not what the CA made is found before it is used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <openssl/crypto.h>
#include <cmocka.h>

#include "archive.h"
#include "recovery_lab.h"
#include "unwrap_as.h"

#define MAX 5

static struct test_cert agents[MAX];
static struct test_cert combiner;

static int
setup_shares(void **state)
{
	static const char *const kinds[MAX] = {"rsa2048", "P-256", "rsa2048", "P-384", "P-521"};

	if (setup(state) != 0)
		return 1;
	for (size_t i = 0; i < MAX; i++) {
		char dn[] = "CN=agent1,DC=nwtraders,DC=com";

		dn[8] = (char)('1' + i);
		agents[i] = test_kra(&ca, dn, kinds[i], (uint8_t)(50 + i));
	}
	combiner = test_end_entity(&ca, "CN=combiner,DC=nwtraders,DC=com", test_key("P-256"), 60);
	return 0;
}

static int
teardown_shares(void **state)
{
	for (size_t i = 0; i < MAX; i++)
		test_cert_free(&agents[i]);
	test_cert_free(&combiner);
	return teardown(state);
}

/* As the vault does it: of the key of `of`, to the first `count` agents. */
static void
make_split_for(const struct test_cert *of, const struct test_cert *bound, size_t threshold,
    size_t count, enum cms_cipher cipher, struct buf *out)
{
	struct cms_split split = {.threshold = threshold};
	struct cms_kra to[MAX];
	struct secret plain;
	struct err err;

	for (size_t i = 0; i < count; i++) {
		to[i] = test_recipient(&agents[i]);
		to[i].reader = CMS_READER_GCM;
	}
	assert_true(archive_key_id(bound->key, split.bound_to, &err));
	assert_true(keyblob_encode(of->key, &plain, &err));
	assert_true(cms_enveloped_seal_split(
	    secret_view(&plain), to, count, cipher, (struct view){0}, &split, out, &err));
	secret_free(&plain);
}

static void
make_blob_of(struct view sealed, const struct test_cert *whose, struct recovery_blob *out)
{
	struct recovery_make in = usual();
	struct buf made;
	struct err err;

	in.archived = sealed;
	in.certificate = buf_view(&whose->der);
	in.kra_count = 0;
	make_blob(&in, ca.key, &made);
	assert_true(recovery_decode(buf_view(&made), out, &err));
	buf_free(&made);
}

static void
make_shared(size_t threshold, size_t count, enum cms_cipher cipher, struct recovery_blob *out)
{
	struct buf sealed;

	make_split_for(&user, &user, threshold, count, cipher, &sealed);
	make_blob_of(buf_view(&sealed), &user, out);
	buf_free(&sealed);
}

static struct recovery_agent
as(struct test_cert *who)
{
	return (struct recovery_agent){
	    .keys = &who->key, .key_count = 1, .certificates = &who->cert, .certificate_count = 1};
}

/* From the agent's machine to the combiner's. */
static bool
send_share(const struct recovery_blob *b, struct test_cert *from, struct recovery_share *out,
    struct err *err)
{
	const struct recovery_agent agent = as(from), reader = as(&combiner);
	struct cms_kra to = test_recipient(&combiner);
	struct recovery_share share;
	struct buf message;
	bool ok;

	to.reader = CMS_READER_GCM;
	*out = (struct recovery_share){0};
	if (!recover_share(b, &agent, &share, err))
		return false;
	assert_true(recovery_share_seal(b, &share, &to, &message, err));
	assert_null(memmem(message.ptr, message.len, share.value.ptr, share.value.len));
	ok = recovery_share_open(b, &reader, buf_view(&message), out, err);
	recovery_share_free(&share);
	buf_free(&message);
	return ok;
}

static void
try_subset(const struct recovery_blob *b, unsigned subset)
{
	const struct recovery_agent reader = as(&combiner);
	struct recovery_share shares[MAX];
	EVP_PKEY *key;
	size_t count = 0;
	struct err err;

	for (size_t i = 0; i < b->archived.count; i++)
		if ((subset >> i & 1u) != 0)
			assert_true(send_share(b, &agents[i], &shares[count++], &err));
	if (count >= b->archived.threshold) {
		assert_true(recover_combine(b, &reader, shares, count, &key, &err));
		assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
		EVP_PKEY_free(key);
	} else {
		assert_false(recover_combine(b, &reader, shares, count, &key, &err));
		assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
		assert_null(key);
	}
	while (count > 0)
		recovery_share_free(&shares[--count]);
}

static void
every_subset_that_is_large_enough_recovers_and_no_other(void **state)
{
	static const enum cms_cipher ciphers[MAX] = {
	    CMS_AES_256_GCM, CMS_AES_256_CBC, CMS_3DES_CBC, CMS_AES_128_GCM, CMS_AES_256_GCM};

	(void)state;
	for (size_t n = 2; n <= MAX; n++)
		for (size_t k = 2; k <= n; k++) {
			struct recovery_blob b;

			make_shared(k, n, ciphers[k - 1], &b);
			assert_int_equal(b.archived.threshold, k);
			for (unsigned subset = 0; subset < 1u << n; subset++)
				try_subset(&b, subset);
			recovery_free(&b);
		}
}

static void
nobody_opens_it_alone(void **state)
{
	struct recovery_blob b;
	struct secret content;
	EVP_PKEY *key;
	struct err err;

	(void)state;
	make_shared(2, 3, CMS_AES_256_GCM, &b);
	for (size_t i = 0; i < 3; i++) {
		assert_false(unwrap_as(&b, &agents[i].cert, agents[i].key, &key, &err));
		assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
		assert_false(cms_enveloped_open(&b.archived, i, agents[i].key, &content, &err));
		assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	}
	recovery_free(&b);
}

static void
who_is_no_agent_has_no_share(void **state)
{
	const struct recovery_agent nobody = as(&stranger);
	struct recovery_share share;
	struct recovery_blob b;
	struct err err;

	(void)state;
	make_shared(2, 3, CMS_AES_256_GCM, &b);
	assert_false(recover_share(&b, &nobody, &share, &err));
	assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	assert_null(share.value.ptr);
	recovery_free(&b);
}

static void
key_of_one_agent_has_no_shares(void **state)
{
	const struct recovery_agent agent = as(&kra1);
	struct recovery_share share;
	struct recovery_blob b;
	struct err err;

	(void)state;
	make_blob_of(buf_view(&archived), &user, &b);
	assert_int_equal(b.archived.threshold, 1);
	assert_false(recover_share(&b, &agent, &share, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	assert_false(recovery_share_open(&b, &agent, view_str("x"), &share, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	recovery_free(&b);
}

static void
assert_combine_refused(
    const struct recovery_blob *b, const struct recovery_share *shares, size_t count)
{
	const struct recovery_agent reader = as(&combiner);
	EVP_PKEY *key;
	struct err err;

	assert_false(recover_combine(b, &reader, shares, count, &key, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	assert_null(key);
}

static void
share_that_was_changed_or_comes_twice_is_found(void **state)
{
	struct recovery_share shares[3];
	struct recovery_blob b;
	struct err err;

	(void)state;
	make_shared(2, 3, CMS_AES_256_GCM, &b);
	for (size_t i = 0; i < 3; i++)
		assert_true(send_share(&b, &agents[i], &shares[i], &err));
	for (size_t bit = 0; bit < shares[1].value.len * 8; bit++) {
		shares[1].value.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_combine_refused(&b, shares, 2);
		shares[1].value.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* One that is right under another's number, */
	shares[1].recipient = 2;
	assert_combine_refused(&b, shares, 2);
	/* one's own once more. */
	assert_combine_refused(&b, (struct recovery_share[]){shares[0], shares[0]}, 2);
	for (size_t i = 0; i < 3; i++)
		recovery_share_free(&shares[i]);
	recovery_free(&b);
}

/* The same key sealed a second time: another set. */
static void
share_of_another_sealing_is_refused(void **state)
{
	const struct recovery_agent agent = as(&agents[0]), reader = as(&combiner);
	struct cms_kra to = test_recipient(&combiner);
	struct recovery_share share, other;
	struct recovery_blob b, again;
	struct buf message;
	struct err err;

	(void)state;
	to.reader = CMS_READER_GCM;
	make_shared(2, 3, CMS_AES_256_GCM, &b);
	make_shared(2, 3, CMS_AES_256_GCM, &again);
	assert_true(recover_share(&b, &agent, &share, &err));
	assert_true(recovery_share_seal(&b, &share, &to, &message, &err));
	assert_false(recovery_share_open(&again, &reader, buf_view(&message), &other, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	assert_combine_refused(&again, (struct recovery_share[]){share, share}, 2);
	/* Nobody else reads it, */
	assert_false(recovery_share_open(&b, &agent, buf_view(&message), &other, &err));
	assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	/* and nothing that was changed is read. */
	for (size_t at = message.len - 60; at < message.len; at++) {
		message.ptr[at] ^= 1;
		assert_false(recovery_share_open(&b, &reader, buf_view(&message), &other, &err));
		assert_null(other.value.ptr);
		message.ptr[at] ^= 1;
	}
	assert_true(recovery_share_open(&b, &reader, buf_view(&message), &other, &err));
	recovery_share_free(&other);
	recovery_share_free(&share);
	buf_free(&message);
	recovery_free(&b);
	recovery_free(&again);
}

/* Whoever chooses what is in a BLOB cannot have an agent give the share of one's key while he reads
 * the certificate of another. */
static void
share_is_bound_to_the_key_of_the_certificate(void **state)
{
	const struct recovery_agent agent = as(&agents[0]);
	struct recovery_share share;
	struct recovery_blob b;
	struct buf sealed;
	struct err err;

	(void)state;
	make_split_for(&user, &user, 2, 3, CMS_AES_256_GCM, &sealed);
	make_blob_of(buf_view(&sealed), &combiner, &b);
	assert_false(recover_share(&b, &agent, &share, &err));
	assert_int_equal(err.code, NTE_BAD_DATA);
	assert_null(share.value.ptr);
	recovery_free(&b);
	buf_free(&sealed);
}

/* Of the right commitments, and another's key. */
static void
key_that_is_not_the_certificates_is_refused(void **state)
{
	const struct recovery_agent reader = as(&combiner);
	struct recovery_share shares[2];
	struct recovery_blob b;
	struct buf sealed;
	EVP_PKEY *key;
	struct err err;

	(void)state;
	make_split_for(&combiner, &user, 2, 2, CMS_AES_256_CBC, &sealed);
	make_blob_of(buf_view(&sealed), &user, &b);
	for (size_t i = 0; i < 2; i++)
		assert_true(send_share(&b, &agents[i], &shares[i], &err));
	assert_false(recover_combine(&b, &reader, shares, 2, &key, &err));
	assert_int_equal(err.code, NTE_BAD_DATA);
	for (size_t i = 0; i < 2; i++)
		recovery_share_free(&shares[i]);
	recovery_free(&b);
	buf_free(&sealed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_subset_that_is_large_enough_recovers_and_no_other),
	    cmocka_unit_test(nobody_opens_it_alone),
	    cmocka_unit_test(who_is_no_agent_has_no_share),
	    cmocka_unit_test(key_of_one_agent_has_no_shares),
	    cmocka_unit_test(share_that_was_changed_or_comes_twice_is_found),
	    cmocka_unit_test(share_of_another_sealing_is_refused),
	    cmocka_unit_test(share_is_bound_to_the_key_of_the_certificate),
	    cmocka_unit_test(key_that_is_not_the_certificates_is_refused),
	};

	return cmocka_run_group_tests(tests, setup_shares, teardown_shares);
}
