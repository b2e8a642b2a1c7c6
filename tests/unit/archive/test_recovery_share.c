/*
 * Keys that several key recovery agents open together: every subset that is large enough recovers,
 * none that is smaller does, and a share that is not what the CA made is found before it is used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <cmocka.h>

#include "archive.h"
#include "mem.h"
#include "recovery_lab.h"
#include "unwrap_as.h"

#define MAX 5

static struct test_cert agents[MAX];
static struct test_cert combiner;
static const struct view recovery; /* of one key, and of no batch */

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
	assert_true(recovery_share_seal(b, &share, recovery, &to, &message, err));
	assert_null(memmem(message.ptr, message.len, share.value.ptr, share.value.len));
	ok = recovery_share_open(b, &reader, recovery, buf_view(&message), out, err);
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
	assert_false(recovery_share_open(&b, &agent, recovery, view_str("x"), &share, &err));
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
	assert_true(recovery_share_seal(&b, &share, recovery, &to, &message, &err));
	assert_false(
	    recovery_share_open(&again, &reader, recovery, buf_view(&message), &other, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	assert_combine_refused(&again, (struct recovery_share[]){share, share}, 2);
	/* Nobody else reads it, */
	assert_false(recovery_share_open(&b, &agent, recovery, buf_view(&message), &other, &err));
	assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	/* and nothing that was changed is read. */
	for (size_t at = message.len - 60; at < message.len; at++) {
		message.ptr[at] ^= 1;
		assert_false(
		    recovery_share_open(&b, &reader, recovery, buf_view(&message), &other, &err));
		assert_null(other.value.ptr);
		message.ptr[at] ^= 1;
	}
	assert_true(recovery_share_open(&b, &reader, recovery, buf_view(&message), &other, &err));
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

/* Given for one thing it is good for no other: another batch, a drill, the recovery of one key. */
static void
share_is_for_what_it_was_given(void **state)
{
	static const uint8_t names[2][16] = {{1}, {2}};
	const struct view uses[] = {
	    recovery, view_of(names[0], sizeof names[0]), view_of(names[1], sizeof names[1])};
	const struct recovery_agent agent = as(&agents[0]), reader = as(&combiner);
	struct cms_kra to = test_recipient(&combiner);
	struct recovery_share share, other;
	struct recovery_blob b;
	struct err err;

	(void)state;
	to.reader = CMS_READER_GCM;
	make_shared(2, 3, CMS_AES_256_GCM, &b);
	assert_true(recover_share(&b, &agent, &share, &err));
	for (size_t given = 0; given < COUNT_OF(uses); given++) {
		struct buf message;

		assert_true(recovery_share_seal(&b, &share, uses[given], &to, &message, &err));
		for (size_t used = 0; used < COUNT_OF(uses); used++) {
			bool ok = recovery_share_open(
			    &b, &reader, uses[used], buf_view(&message), &other, &err);

			assert_int_equal(ok, used == given);
			assert_true(ok || (err.code == DIRCA_E_KEY_SHARE &&
					      strstr(err.msg, "for something else") != NULL));
			recovery_share_free(&other);
		}
		buf_free(&message);
	}
	recovery_share_free(&share);
	recovery_free(&b);
}

/* docs/PROTOCOL.md: the octets that are encrypted. */
static void
share_file_is_as_it_is_written_down(void **state)
{
	static const uint8_t name[16] = {0xb0, 0xb1};
	const struct recovery_agent agent = as(&agents[0]);
	struct cms_kra to = test_recipient(&combiner);
	struct recovery_share share;
	struct recovery_blob b;
	struct cms_enveloped e;
	struct secret content;
	uint8_t hash[32];
	struct buf message;
	struct err err;

	(void)state;
	to.reader = CMS_READER_GCM;
	make_shared(2, 3, CMS_AES_256_GCM, &b);
	assert_true(recover_share(&b, &agent, &share, &err));
	assert_true(
	    recovery_share_seal(&b, &share, view_of(name, sizeof name), &to, &message, &err));
	assert_true(cms_sealed_decode(buf_view(&message), &e, &err));
	assert_true(cms_enveloped_open(&e, 0, combiner.key, &content, &err));
	assert_int_equal(content.len, 19 + 16 + 32 + 32 + 1 + 32);
	assert_memory_equal(content.ptr, "dirca batch share 1", 19);
	assert_memory_equal(content.ptr + 19, name, 16);
	SHA256(b.archived.raw.ptr, b.archived.raw.len, hash);
	assert_memory_equal(content.ptr + 35, hash, 32);
	assert_memory_equal(content.ptr + 67, b.archived.set_id.ptr, 32);
	assert_int_equal(content.ptr[99], 1);
	assert_memory_equal(content.ptr + 100, share.value.ptr, 32);
	secret_free(&content);
	cms_enveloped_free(&e);
	buf_free(&message);
	recovery_share_free(&share);
	recovery_free(&b);
}

/* ---- sealed to others ---- */

static size_t
gather(const struct recovery_blob *b, size_t count, struct recovery_share shares[MAX])
{
	struct err err;

	for (size_t i = 0; i < count; i++)
		assert_true(send_share(b, &agents[i], &shares[i], &err));
	return count;
}

/* To the last `count` of the agents, so many of them together. */
static bool
reseal(const struct recovery_blob *b, const struct recovery_share *shares, size_t have,
    size_t threshold, size_t count, struct buf *out, struct err *err)
{
	const struct recovery_agent reader = as(&combiner), first = as(&agents[0]);
	struct cms_kra to[MAX];
	const struct recovery_sealing sealing = {to, count, threshold, CMS_AES_256_GCM};

	for (size_t i = 0; i < count; i++) {
		to[i] = test_recipient(&agents[MAX - count + i]);
		to[i].reader = CMS_READER_GCM;
	}
	return shares != NULL ? recover_reseal_shared(b, &reader, shares, have, &sealing, out, err)
			      : recover_reseal(b, &first, &sealing, out, err);
}

static void
assert_opened_by_last(struct view sealed, size_t threshold, size_t count)
{
	const struct recovery_agent reader = as(&combiner);
	struct recovery_share shares[MAX];
	struct recovery_blob b;
	EVP_PKEY *key;
	struct err err;

	make_blob_of(sealed, &user, &b);
	assert_int_equal(b.archived.threshold, threshold);
	assert_int_equal(b.archived.count, count);
	if (threshold == 1) {
		assert_true(unwrap_as(&b, &agents[MAX - 1].cert, agents[MAX - 1].key, &key, &err));
	} else {
		for (size_t i = 0; i < threshold; i++)
			assert_true(send_share(&b, &agents[MAX - 1 - i], &shares[i], &err));
		assert_combine_refused(&b, shares, threshold - 1);
		assert_true(recover_combine(&b, &reader, shares, threshold, &key, &err));
		for (size_t i = 0; i < threshold; i++)
			recovery_share_free(&shares[i]);
	}
	assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
	EVP_PKEY_free(key);
	recovery_free(&b);
}

/* From keys that one opens to such that several open together, from one threshold to another, and
 * back. */
static void
keys_are_sealed_to_others_with_their_threshold(void **state)
{
	static const size_t ways[][4] = {/* of, threshold before; of, threshold to come */
	    {1, 1, 2, 2}, {1, 1, 3, 2}, {3, 2, 1, 1}, {3, 2, 4, 3}, {3, 3, 2, 1}, {2, 2, 3, 2}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct recovery_share shares[MAX] = {0};
		size_t have = 0;
		struct recovery_blob b;
		struct buf sealed;
		struct err err;

		make_shared(ways[i][1], ways[i][0], CMS_AES_256_CBC, &b);
		if (ways[i][1] > 1)
			have = gather(&b, ways[i][1], shares);
		assert_true(reseal(
		    &b, have > 0 ? shares : NULL, have, ways[i][3], ways[i][2], &sealed, &err));
		assert_opened_by_last(buf_view(&sealed), ways[i][3], ways[i][2]);
		while (have > 0)
			recovery_share_free(&shares[--have]);
		buf_free(&sealed);
		recovery_free(&b);
	}
}

static void
each_sealing_has_shares_of_its_own(void **state)
{
	struct recovery_share shares[MAX], old;
	struct recovery_blob b, one, two;
	struct buf sealed, again;
	struct err err;

	(void)state;
	make_shared(2, 3, CMS_AES_256_GCM, &b);
	gather(&b, 2, shares);
	assert_true(reseal(&b, shares, 2, 2, MAX, &sealed, &err));
	assert_true(reseal(&b, shares, 2, 2, MAX, &again, &err));
	make_blob_of(buf_view(&sealed), &user, &one);
	make_blob_of(buf_view(&again), &user, &two);
	assert_false(view_eq(one.archived.set_id, b.archived.set_id));
	assert_false(view_eq(one.archived.set_id, two.archived.set_id));
	/* One of before opens nothing of what is there now. */
	assert_true(send_share(&one, &agents[1], &old, &err));
	assert_combine_refused(&one, (struct recovery_share[]){shares[0], old}, 2);
	recovery_share_free(&old);
	for (size_t i = 0; i < 2; i++)
		recovery_share_free(&shares[i]);
	recovery_free(&b);
	recovery_free(&one);
	recovery_free(&two);
	buf_free(&sealed);
	buf_free(&again);
}

static void
nothing_is_sealed_of_too_few_or_false_shares(void **state)
{
	struct recovery_share shares[MAX];
	struct recovery_blob b, other;
	struct buf sealed, false_key;
	struct err err;

	(void)state;
	make_shared(3, 4, CMS_AES_256_GCM, &b);
	gather(&b, 3, shares);
	assert_false(reseal(&b, shares, 2, 1, 1, &sealed, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	assert_false(reseal(&b, NULL, 0, 1, 1, &sealed, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	shares[1].value.ptr[0] ^= 1;
	assert_false(reseal(&b, shares, 3, 1, 1, &sealed, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_SHARE);
	assert_null(sealed.ptr);
	for (size_t i = 0; i < 3; i++)
		recovery_share_free(&shares[i]);
	recovery_free(&b);
	/* Nor of a key that is none of the certificate: nobody has one opened by way of it. */
	make_split_for(&combiner, &user, 2, 2, CMS_AES_256_CBC, &false_key);
	make_blob_of(buf_view(&false_key), &user, &other);
	gather(&other, 2, shares);
	assert_false(reseal(&other, shares, 2, 1, 1, &sealed, &err));
	assert_int_equal(err.code, NTE_BAD_DATA);
	for (size_t i = 0; i < 2; i++)
		recovery_share_free(&shares[i]);
	recovery_free(&other);
	buf_free(&false_key);
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
	    cmocka_unit_test(share_is_for_what_it_was_given),
	    cmocka_unit_test(share_file_is_as_it_is_written_down),
	    cmocka_unit_test(keys_are_sealed_to_others_with_their_threshold),
	    cmocka_unit_test(each_sealing_has_shares_of_its_own),
	    cmocka_unit_test(nothing_is_sealed_of_too_few_or_false_shares),
	};

	return cmocka_run_group_tests(tests, setup_shares, teardown_shares);
}
