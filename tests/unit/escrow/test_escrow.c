/* What escrow files of other programs give, and what they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "archive_pki.h"
#include "escrow.h"
#include "oids.h"
#include "text.h"

static struct test_cert user, storage;
static struct escrow_certificates certificates;
static struct pfx_content openers;

static struct escrow_with
with_all(void)
{
	return (struct escrow_with){.openers = &openers, .certificates = &certificates};
}

/* ---- a Dogtag KRA's record ---- */

struct record {
	const char *cipher, *meta; /* lines of LDIF */
	bool wraps, oaep, no_certificate;
	size_t key_len;
};
static const uint8_t legacy_iv[16] = {1, 1, 1, 1, 1, 1, 1, 1}, iv[16] = {9, 8, 7};

static struct buf
encrypt(const struct record *r, const uint8_t *session)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, r->cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(user.key);
	uint8_t *der = NULL;
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der), first = 0, last = 0;
	struct buf out;
	struct err err;

	assert_true(n > 0 && buf_alloc((size_t)n + 64, &out, &err));
	if (r->wraps)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	assert_int_equal(EVP_EncryptInit_ex2(ctx, cipher, session,
			     r->wraps          ? NULL
			     : r->meta != NULL ? iv
					       : legacy_iv,
			     NULL),
	    1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out.ptr, &first, der, n), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, out.ptr + first, &last), 1);
	out.len = (size_t)(first + last);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return out;
}

static struct buf
wrap_session(const struct record *r, const uint8_t *session)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, storage.key, NULL);
	struct buf out;
	struct err err;
	size_t len = 256;

	assert_true(buf_alloc(len, &out, &err));
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(ctx, r->oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING),
	    1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, out.ptr, &len, session, r->key_len), 1);
	EVP_PKEY_CTX_free(ctx);
	return out;
}

static void
put_octets(uint8_t **to, const struct buf *b)
{
	*(*to)++ = 0x04;
	*(*to)++ = 0x82;
	*(*to)++ = (uint8_t)(b->len >> 8);
	*(*to)++ = (uint8_t)b->len;
	memcpy(*to, b->ptr, b->len);
	*to += b->len;
}

/* free() */
static char *
make_record(const struct record *r)
{
	uint8_t session[32], der[4096], *p = der + 4;
	struct buf wrapped, payload;
	char *base64, *text;
	size_t len;

	assert_int_equal(RAND_bytes(session, sizeof session), 1);
	wrapped = wrap_session(r, session);
	payload = encrypt(r, session);
	put_octets(&p, &wrapped);
	put_octets(&p, &payload);
	len = (size_t)(p - der) - 4;
	der[0] = 0x30;
	der[1] = 0x82;
	der[2] = (uint8_t)(len >> 8);
	der[3] = (uint8_t)len;
	base64 = base64_encode(view_of(der, len + 4));
	text = text_printf("dn: cn=1,ou=keyRepository,ou=kra,dc=example\nobjectClass: keyRecord\n"
			   "ownerName: UID=user1\n%sprivateKeyData:: %s\n\n",
	    r->meta != NULL ? r->meta : "", base64);
	free(base64);
	buf_free(&wrapped);
	buf_free(&payload);
	return text;
}

#define META_AES                                                                   \
	"metaInfo: sessionKeyType:AES\nmetaInfo: sessionKeyLength:128\nmetaInfo: " \
	"sessionKeyWrapAlgorithm:"
static const struct record records[] = {
    {"DES-EDE3-CBC", NULL, false, false, false, 24},
    {"AES-128-WRAP-PAD",
	META_AES "RSA\nmetaInfo: payloadWrapAlgorithm:AES KeyWrap/Padding\nmetaInfo: "
		 "payloadEncrypted:false\n",
	true, false, false, 16},
    {"AES-128-CBC",
	META_AES "RSAES-OAEP\nmetaInfo: payloadEncryptionOID:2.16.840.1.101.3.4.1.2\nmetaInfo: "
		 "payloadWrapAlgorithm:AES KeyWrap/Padding\nmetaInfo: "
		 "payloadEncryptionIV:CQgHAAAAAAAAAAAAAAAAAA==\nmetaInfo: payloadEncrypted:true\n",
	false, true, false, 16},
};

static void
records_of_every_age_are_read(void **state)
{
	struct escrow_with with = with_all();

	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		char *text = make_record(&records[i]);
		struct escrow_items items;
		struct err err;

		if (!escrow_read(view_str(text), &with, &items, &err))
			fail_msg("%zu: %s", i, err.msg);
		if (items.problems.count > 0)
			fail_msg("%zu: %s", i, items.problems.list[0]);
		assert_int_equal(items.count, 1);
		assert_int_equal(EVP_PKEY_eq(items.list[0].key, user.key), 1);
		assert_true(view_eq(buf_view(&items.list[0].certificate), buf_view(&user.der)));
		assert_string_equal(items.list[0].user, "user1");
		escrow_items_free(&items);
		free(text);
	}
}

static void
assert_problem(const char *text, const struct escrow_with *with, const char *words)
{
	struct escrow_items items;
	struct err err;

	if (!escrow_read(view_str(text), with, &items, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(items.count, 0);
	assert_int_equal(items.problems.count, 1);
	if (strstr(items.problems.list[0], words) == NULL)
		fail_msg("%s", items.problems.list[0]);
	escrow_items_free(&items);
}

static void
what_cannot_be_opened_is_named_and_nothing_else_is_lost(void **state)
{
	char *text = make_record(&records[0]), *at;
	struct escrow_with with = with_all();
	struct pfx_content others = {0};
	struct test_cert other = test_ca("CN=other", "rsa2048");
	struct err err;

	(void)state;
	with.certificates = NULL;
	assert_problem(text, &with, "--certificates");
	with = with_all();
	with.openers = NULL;
	assert_problem(text, &with, "--opener");
	assert_true(pfx_add_key(&others, other.key, buf_view(&other.der), NULL, &err));
	with.openers = &others;
	assert_problem(text, &with, "--opener");
	with = with_all();
	at = strstr(text, "privateKeyData:: ") + 900;
	*at = *at == 'A' ? 'B' : 'A'; /* of the payload */
	at = strstr(text, "privateKeyData:: ") + 17;
	at[1] = 'J'; /* a SEQUENCE no more */
	assert_problem(text, &with, "SEQUENCE");
	pfx_content_free(&others);
	test_cert_free(&other);
	free(text);
}

/* Cut anywhere, it is refused, or a problem; never a key. */
static void
cut_records_give_no_key(void **state)
{
	char *text = make_record(&records[1]);
	struct escrow_with with = with_all();
	size_t whole = strlen(text) - 2;

	(void)state;
	for (size_t len = 0; len < whole; len += 97) {
		struct escrow_items items;
		struct err err;

		if (escrow_read(view_of(text, len), &with, &items, &err)) {
			assert_int_equal(items.count, 0);
			escrow_items_free(&items);
		}
	}
	free(text);
}

static void
what_cannot_be_read_says_the_way_round(void **state)
{
	static const char *const texts[] = {"[Password Token]\nx=y\n", "\x01\x02Exchange"};
	struct escrow_with with = with_all();

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct escrow_items items;
		struct err err;

		assert_false(escrow_read(view_str(texts[i]), &with, &items, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		assert_non_null(strstr(err.msg, "PKCS#12"));
	}
}

static void
key_of_another_certificate_is_refused(void **state)
{
	struct escrow_items items = {0};
	struct err err;

	(void)state;
	assert_false(escrow_add(
	    &items, EVP_PKEY_dup(storage.key), buf_view(&user.der), NULL, NULL, "test", &err));
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	assert_int_equal(items.count, 0);
}

/* Somebody had another's public key certified, and what was collected holds both. */
static void
key_goes_to_no_certificate_of_another_name(void **state)
{
	struct test_issue of = {.dn = "CN=user1",
	    .issuer = &storage,
	    .usage = "critical,keyEncipherment",
	    .serial = 3,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 2 * TEST_DAY};
	struct escrow_certificates list = {0};
	struct test_cert renewed, stolen;
	struct view found;
	struct err err;

	(void)state;
	of.key = EVP_PKEY_dup(user.key);
	renewed = test_issue(&of);
	of.dn = "CN=accomplice";
	of.key = EVP_PKEY_dup(user.key);
	stolen = test_issue(&of);
	assert_true(escrow_certificates_add(&list, buf_view(&renewed.der), &err));
	assert_true(escrow_certificates_add(&list, buf_view(&storage.der), &err));
	assert_true(escrow_certificates_add(&list, buf_view(&user.der), &err));
	assert_true(escrow_certificates_find(&list, user.key, &found, &err));
	assert_true(view_eq(found, buf_view(&renewed.der)));
	assert_true(escrow_certificates_add(&list, buf_view(&stolen.der), &err));
	assert_false(escrow_certificates_find(&list, user.key, &found, &err));
	assert_int_equal(err.code, TYPE_E_AMBIGUOUSNAME);
	assert_true(escrow_certificates_find(&list, storage.key, &found, &err));
	assert_true(view_eq(found, buf_view(&storage.der)));
	escrow_certificates_free(&list);
	test_cert_free(&renewed);
	test_cert_free(&stolen);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	assert_true(secret_heap_init(1 << 20, true, &err));
	assert_true(oids_init(&err));
	storage = test_ca("CN=storage", "rsa2048");
	user = test_issue(&(struct test_issue){.dn = "CN=user1",
	    .issuer = &storage,
	    .key = test_key("rsa2048"),
	    .usage = "critical,keyEncipherment",
	    .serial = 2,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY});
	assert_true(escrow_certificates_add(&certificates, buf_view(&storage.der), &err));
	assert_true(escrow_certificates_add(&certificates, buf_view(&user.der), &err));
	assert_true(pfx_add_key(&openers, storage.key, buf_view(&storage.der), NULL, &err));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	escrow_certificates_free(&certificates);
	pfx_content_free(&openers);
	test_cert_free(&user);
	test_cert_free(&storage);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_of_every_age_are_read),
	    cmocka_unit_test(what_cannot_be_opened_is_named_and_nothing_else_is_lost),
	    cmocka_unit_test(cut_records_give_no_key),
	    cmocka_unit_test(what_cannot_be_read_says_the_way_round),
	    cmocka_unit_test(key_of_another_certificate_is_refused),
	    cmocka_unit_test(key_goes_to_no_certificate_of_another_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
