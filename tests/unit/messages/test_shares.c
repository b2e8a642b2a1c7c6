/* Messages whose content key is split: what the decoder takes, and what it must not take. */
#include "cms_enveloped.h"
#include "cms_support.h"
#include "own_openssl.h"

#include <openssl/objects.h>

#include "der.h"
#include "text.h"

#define COUNT 3

static struct identity people[COUNT];

static void
seal_split(size_t threshold, enum cms_cipher cipher, struct view seed, struct buf *out)
{
	struct cms_split split = {.threshold = threshold, .bound_to = {1, 2, 3}};
	struct cms_kra to[COUNT];
	struct err err;

	for (size_t i = 0; i < COUNT; i++) {
		to[i] = as_recipient(&people[i]);
		to[i].reader = CMS_READER_GCM;
	}
	must(cms_enveloped_seal_split(
		 view_str("a private key"), to, COUNT, cipher, seed, &split, out, &err),
	    &err);
}

static void
shares_name_their_recipients_as_others_do(void **state)
{
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	seal_split(2, CMS_AES_256_CBC, (struct view){0}, &der);
	must(cms_sealed_decode(buf_view(&der), &e, &err), &err);
	assert_int_equal(e.threshold, 2);
	assert_int_equal(e.set_id.len, 32);
	assert_int_equal(e.count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(e.recipients[i].number, i + 1);
		assert_true(cms_recipient_is(
		    &e.recipients[i], people[i].cert.issuer, people[i].cert.serial));
	}
	/* RFC 5652 6.1 */
	assert_int_equal(e.wire->version, 3);
	cms_enveloped_free(&e);
	buf_free(&der);
}

/* openssl opens what has no shares, by each recipient alone, and nothing else: there it sees
 * recipients of a kind that it does not know. */
static void
openssl_opens_what_is_not_split(void **state)
{
	struct buf der;

	(void)state;
	for (size_t threshold = 1; threshold <= 2; threshold++) {
		seal_split(threshold, CMS_AES_256_CBC, (struct view){0}, &der);
		write_file("message.der", buf_view(&der));
		assert_true(
		    openssl("cms -cmsout -print -noout -inform DER -in message.der >printed"));
		for (size_t i = 0; i < COUNT; i++) {
			write_identity(&people[i]);
			assert_int_equal(
			    openssl("cms -decrypt -inform DER -in message.der -recip cert.pem "
				    "-inkey key.pem -out plain"),
			    threshold == 1);
		}
		buf_free(&der);
	}
}

/* A threshold of one is the message of AD CS, byte for byte but for what is random. */
static void
threshold_of_one_is_no_split(void **state)
{
	struct cms_enveloped e;
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	for (size_t threshold = 0; threshold < 2; threshold++) {
		seal_split(threshold, CMS_AES_256_CBC, (struct view){0}, &der);
		must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
		assert_int_equal(e.threshold, 1);
		for (size_t i = 0; i < COUNT; i++) {
			assert_int_equal(e.recipients[i].number, 0);
			must(cms_enveloped_open(&e, i, people[i].key, &plain, &err), &err);
			secret_free(&plain);
		}
		cms_enveloped_free(&e);
		buf_free(&der);
	}
}

static void
more_than_there_are_cannot_be_asked_for(void **state)
{
	struct cms_split split = {.threshold = 2};
	struct cms_kra to = as_recipient(&people[0]);
	struct buf der;
	struct err err;

	(void)state;
	must_fail(cms_enveloped_seal_split(
		      view_str("x"), &to, 1, CMS_AES_256_CBC, (struct view){0}, &split, &der, &err),
	    &err, E_INVALIDARG);
}

/* What clients send to the CA has no shares: there they are recipients of nobody. */
static void
payload_has_no_shares(void **state)
{
	struct cms_enveloped e;
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	seal_split(2, CMS_AES_256_CBC, (struct view){0}, &der);
	must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
	assert_int_equal(e.threshold, 1);
	assert_int_equal(e.recipients[0].issuer.len, 0);
	must_fail(cms_enveloped_open(&e, 0, people[0].key, &plain, &err), &err, NTE_BAD_ALGID);
	cms_enveloped_free(&e);
	buf_free(&der);
}

/* ---- messages that nobody seals ---- */

typedef void change(CMSW_KEY_SHARE *share, size_t at);

static void
change_share(const ASN1_TYPE *t, change *how, size_t at)
{
	struct err err;
	struct view raw = der_string(t->value.asn1_string);
	CMSW_RECIPIENT *r =
	    der_decode(ASN1_ITEM_rptr(CMSW_RECIPIENT), raw, raw.len, "a recipient", &err);
	CMSW_KEY_SHARE *share;
	ASN1_STRING *der;

	assert_non_null(r);
	share = der_decode(ASN1_ITEM_rptr(CMSW_KEY_SHARE),
	    der_string(r->d.other->value->value.sequence), raw.len, "a share", &err);
	assert_non_null(share);
	how(share, at);
	ASN1_TYPE_set(
	    r->d.other->value, V_ASN1_SEQUENCE, der_pack(ASN1_ITEM_rptr(CMSW_KEY_SHARE), share));
	der = der_pack(ASN1_ITEM_rptr(CMSW_RECIPIENT), r);
	must(der_string_set(t->value.asn1_string, der_string(der), &err), &err);
	ASN1_STRING_free(der);
	CMSW_KEY_SHARE_free(share);
	CMSW_RECIPIENT_free(r);
}

/* Each recipient's share, changed. */
static void
make_changed(change *how, struct buf *out)
{
	CMSW_ENVELOPED *m;
	struct buf der;
	struct err err;

	seal_split(2, CMS_AES_256_CBC, (struct view){0}, &der);
	m = der_decode(
	    ASN1_ITEM_rptr(CMSW_ENVELOPED), buf_view(&der), der.len, "the message", &err);
	assert_non_null(m);
	for (int i = 0; i < COUNT; i++)
		change_share(sk_ASN1_TYPE_value(m->data->recipients, i), how, (size_t)i);
	must(der_encode(ASN1_ITEM_rptr(CMSW_ENVELOPED), m, "the message", out, &err), &err);
	CMSW_ENVELOPED_free(m);
	buf_free(&der);
}

static void
nothing(CMSW_KEY_SHARE *share, size_t at)
{
	(void)share, (void)at;
}

static void
another_version(CMSW_KEY_SHARE *share, size_t at)
{
	(void)at;
	share->version = 2;
}

static void
threshold_one(CMSW_KEY_SHARE *share, size_t at)
{
	(void)at;
	share->threshold = 1;
}

static void
threshold_over_all(CMSW_KEY_SHARE *share, size_t at)
{
	(void)at;
	share->threshold = COUNT + 1;
}

static void
thresholds_differ(CMSW_KEY_SHARE *share, size_t at)
{
	share->threshold = at == 0 ? 3 : 2;
}

static void
number_zero(CMSW_KEY_SHARE *share, size_t at)
{
	if (at == 1)
		share->number = 0;
}

static void
number_too_large(CMSW_KEY_SHARE *share, size_t at)
{
	if (at == 1)
		share->number = 256;
}

static void
number_twice(CMSW_KEY_SHARE *share, size_t at)
{
	if (at == 1)
		share->number = 1;
}

static void
sets_differ(CMSW_KEY_SHARE *share, size_t at)
{
	if (at == 1)
		share->set_id->data[0] ^= 1;
}

static void
set_is_short(CMSW_KEY_SHARE *share, size_t at)
{
	(void)at;
	share->set_id->length--;
}

static void
commitment_is_short(CMSW_KEY_SHARE *share, size_t at)
{
	if (at == 2)
		share->commitment->length--;
}

static void
share_in_share(CMSW_KEY_SHARE *share, size_t at)
{
	ASN1_STRING *der = der_pack(ASN1_ITEM_rptr(CMSW_KEY_SHARE), share);

	(void)at;
	CMSW_RECIPIENT_free(share->recipient);
	share->recipient = CMSW_RECIPIENT_new();
	share->recipient->type = CMSW_RECIPIENT_OTHER;
	share->recipient->d.other = CMSW_OTHER_RECIPIENT_new();
	share->recipient->d.other->type = OBJ_nid2obj(oid_nid(OID_KEY_SHARE));
	ASN1_TYPE_set(share->recipient->d.other->value, V_ASN1_SEQUENCE, der);
}

static void
shares_that_make_no_set_are_refused(void **state)
{
	static change *const changes[] = {another_version, threshold_one, threshold_over_all,
	    thresholds_differ, number_zero, number_too_large, number_twice, sets_differ,
	    set_is_short, commitment_is_short, share_in_share};
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	make_changed(nothing, &der);
	must(cms_sealed_decode(buf_view(&der), &e, &err), &err);
	cms_enveloped_free(&e);
	buf_free(&der);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		make_changed(changes[i], &der);
		must_fail(cms_sealed_decode(buf_view(&der), &e, &err), &err, ERROR_INVALID_DATA);
		buf_free(&der);
	}
}

/* Somebody who opens it alone, slipped in among those who cannot: the threshold would be a lie. */
static void
recipient_of_the_key_among_those_of_shares_is_refused(void **state)
{
	CMSW_ENVELOPED *split, *plain;
	struct cms_enveloped e;
	struct buf a, b, der;
	struct err err;

	(void)state;
	seal_split(2, CMS_AES_256_CBC, (struct view){0}, &a);
	seal_split(1, CMS_AES_256_CBC, (struct view){0}, &b);
	for (int at = 0; at < 2; at++) {
		split = der_decode(
		    ASN1_ITEM_rptr(CMSW_ENVELOPED), buf_view(&a), a.len, "the message", &err);
		plain = der_decode(
		    ASN1_ITEM_rptr(CMSW_ENVELOPED), buf_view(&b), b.len, "the message", &err);
		assert_true(sk_ASN1_TYPE_insert(split->data->recipients,
				sk_ASN1_TYPE_shift(plain->data->recipients), at == 0 ? 0 : -1) > 0);
		must(der_encode(ASN1_ITEM_rptr(CMSW_ENVELOPED), split, "the message", &der, &err),
		    &err);
		must_fail(cms_sealed_decode(buf_view(&der), &e, &err), &err, ERROR_INVALID_DATA);
		buf_free(&der);
		CMSW_ENVELOPED_free(split);
		CMSW_ENVELOPED_free(plain);
	}
	buf_free(&a);
	buf_free(&b);
}

static void
a_commitment_names_threshold_number_purpose_and_share(void **state)
{
	uint8_t bound_to[CMS_BOUND_LEN] = {1, 2, 3}, seed[CMS_SEED_LEN] = {9};
	struct cms_enveloped e;
	struct secret share;
	struct buf der;
	struct err err;

	(void)state;
	seal_split(2, CMS_AES_256_GCM, view_of(seed, sizeof seed), &der);
	must(cms_sealed_decode(buf_view(&der), &e, &err), &err);
	must(cms_share_open(&e, 0, people[0].key, bound_to, &share, &err), &err);
	assert_true(cms_share_is_of(&e, 0, bound_to, secret_view(&share)));
	assert_false(cms_share_is_of(&e, 1, bound_to, secret_view(&share)));
	assert_false(cms_share_is_of(&e, 0, bound_to, view_of(share.ptr, share.len - 1)));
	e.threshold = 3;
	assert_false(cms_share_is_of(&e, 0, bound_to, secret_view(&share)));
	e.threshold = 2;
	bound_to[0] ^= 1;
	assert_false(cms_share_is_of(&e, 0, bound_to, secret_view(&share)));
	secret_free(&share);
	must_fail(cms_share_open(&e, 0, people[0].key, bound_to, &share, &err), &err, NTE_BAD_DATA);
	bound_to[0] ^= 1;
	must_fail(cms_share_open(&e, 2, people[0].key, bound_to, &share, &err), &err, NTE_BAD_DATA);
	cms_enveloped_free(&e);
	buf_free(&der);
}

/* docs/PROTOCOL.md */
static void
the_commitment_of_the_vector_is_right(void **state)
{
	static const char share_hex[] =
	    "6b87b070fb31fae695628a45f357315857bcb6f9b63a0b5ed80748c6ab9a4554";
	static const char hash_hex[] =
	    "527adacfb589f10d231ddbc3e0099efff285c2a726c45ff61bae47f193b07609";
	struct cms_enveloped_wire wire = {.alg = cms_content_alg(CMS_AES_256_GCM)};
	uint8_t set_id[32], bound_to[CMS_BOUND_LEN];
	struct cms_recipient r = {.number = 1};
	struct cms_enveloped e = {.wire = &wire,
	    .recipients = &r,
	    .count = 1,
	    .threshold = 2,
	    .set_id = view_of(set_id, sizeof set_id)};
	struct buf share, hash;
	struct err err;

	(void)state;
	for (uint8_t i = 0; i < 32; i++) {
		set_id[i] = i;
		bound_to[i] = (uint8_t)(32 + i);
	}
	must(hex_decode(share_hex, &share, &err), &err);
	must(hex_decode(hash_hex, &hash, &err), &err);
	r.commitment = buf_view(&hash);
	assert_true(cms_share_is_of(&e, 0, bound_to, buf_view(&share)));
	hash.ptr[31] ^= 1;
	assert_false(cms_share_is_of(&e, 0, bound_to, buf_view(&share)));
	buf_free(&share);
	buf_free(&hash);
}

static int
setup(void **state)
{
	if (messages_setup(state) != 0)
		return -1;
	identity_new("RSA", 11, &people[0]);
	identity_new("P-256", 12, &people[1]);
	identity_new("RSA", 13, &people[2]);
	return 0;
}

static int
teardown(void **state)
{
	for (size_t i = 0; i < COUNT; i++)
		identity_free(&people[i]);
	return messages_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shares_name_their_recipients_as_others_do),
	    cmocka_unit_test(openssl_opens_what_is_not_split),
	    cmocka_unit_test(threshold_of_one_is_no_split),
	    cmocka_unit_test(more_than_there_are_cannot_be_asked_for),
	    cmocka_unit_test(payload_has_no_shares),
	    cmocka_unit_test(shares_that_make_no_set_are_refused),
	    cmocka_unit_test(recipient_of_the_key_among_those_of_shares_is_refused),
	    cmocka_unit_test(the_commitment_of_the_vector_is_right),
	    cmocka_unit_test(a_commitment_names_threshold_number_purpose_and_share),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
