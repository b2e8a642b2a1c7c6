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
	bool wraps, oaep;
	size_t key_len;
	const char *owner; /* NULL: "UID=user1" */
	struct {
		uint8_t sequence, payload; /* tags in the place of the right ones; 0: these */
		bool third, more;          /* a third part; something behind it all */
	} wrong;
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
	uint8_t session[32], der[4096], *p = der + 4, *second;
	struct buf wrapped, payload;
	char *base64, *text;
	size_t len;

	assert_int_equal(RAND_bytes(session, sizeof session), 1);
	wrapped = wrap_session(r, session);
	payload = encrypt(r, session);
	put_octets(&p, &wrapped);
	second = p;
	put_octets(&p, &payload);
	if (r->wrong.payload != 0)
		*second = r->wrong.payload;
	if (r->wrong.third)
		put_octets(&p, &wrapped);
	len = (size_t)(p - der) - 4;
	der[0] = r->wrong.sequence != 0 ? r->wrong.sequence : 0x30;
	der[1] = 0x82;
	der[2] = (uint8_t)(len >> 8);
	der[3] = (uint8_t)len;
	memset(p, 0, 2);
	base64 = base64_encode(view_of(der, len + (r->wrong.more ? 6 : 4)));
	text = text_printf("dn: cn=1,ou=keyRepository,ou=kra,dc=example\nobjectClass: keyRecord\n"
			   "ownerName: %s\n%sprivateKeyData:: %s\n\n",
	    r->owner != NULL ? r->owner : "UID=user1", r->meta != NULL ? r->meta : "", base64);
	free(base64);
	buf_free(&wrapped);
	buf_free(&payload);
	return text;
}

#define META(type, bits)                                                                     \
	"metaInfo: sessionKeyType:" type "\nmetaInfo: sessionKeyLength:" bits "\nmetaInfo: " \
	"sessionKeyWrapAlgorithm:"
#define META_WRAPPED                                                          \
	"RSA\nmetaInfo: payloadWrapAlgorithm:AES KeyWrap/Padding\nmetaInfo: " \
	"payloadEncrypted:false\n"
#define META_CBC(iv)                                                                    \
	"RSAES-OAEP\nmetaInfo: payloadEncryptionOID:2.16.840.1.101.3.4.1.2\nmetaInfo: " \
	"payloadWrapAlgorithm:AES KeyWrap/Padding\nmetaInfo: payloadEncryptionIV:" iv   \
	"\nmetaInfo: payloadEncrypted:true\n"
#define IV "CQgHAAAAAAAAAAAAAAAAAA=="
static const struct record records[] = {
    {"DES-EDE3-CBC", .key_len = 24},
    {"AES-128-WRAP-PAD", META("AES", "128") META_WRAPPED, .wraps = true, .key_len = 16},
    {"AES-128-CBC", META("AES", "128") META_CBC(IV), .oaep = true, .key_len = 16},
    {"AES-192-WRAP-PAD", META("AES", "192") META_WRAPPED, .wraps = true, .key_len = 24},
    {"AES-192-CBC", META("AES", "192") META_CBC(IV), .oaep = true, .key_len = 24},
    {"AES-256-WRAP-PAD", META("AES", "256") META_WRAPPED, .wraps = true, .key_len = 32},
    {"AES-256-CBC", META("AES", "256") META_CBC(IV), .oaep = true, .key_len = 32},
    {"DES-EDE3-CBC",
	META("DESede", "168") "RSA\nmetaInfo: payloadWrapAlgorithm:DES3/CBC/Pad\nmetaInfo: "
			      "payloadWrapIV:CQgHAAAAAAA=\n",
	.key_len = 24},
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

/* Each differs from one that is read by one thing. */
static void
records_that_are_not_as_they_say_give_no_key(void **state)
{
	static const struct {
		struct record of;
		const char *words;
	} wrong[] = {
	    {{"AES-256-CBC", META("AES", "4096") META_CBC(IV), .oaep = true, .key_len = 32},
		"sessionKeyLength"},
	    {{"AES-128-CBC", META("AES", "129") META_CBC(IV), .oaep = true, .key_len = 16},
		"sessionKeyLength"},
	    {{"AES-128-CBC", META("AES", "128") META_CBC(IV "AAAA"), .oaep = true, .key_len = 16},
		"no IV"},
	    {{"AES-128-CBC", META("AES", "128") META_CBC("CQgHAAAAAAAAAAAAAAAAAAAAAAA="),
		 .oaep = true, .key_len = 16},
		"no IV"},
	    {{"AES-128-CBC", META("RC4", "128") META_CBC(IV), .oaep = true, .key_len = 16},
		"of type RC4"},
	    {{"AES-128-CBC", META("AES", "256") META_CBC(IV), .oaep = true, .key_len = 16},
		"--opener"},
	    {{"AES-128-CBC", META("AES", "128") META_CBC(IV), .key_len = 16}, "--opener"},
	    {{"AES-192-CBC", META("AES", "128") META_CBC(IV), .oaep = true, .key_len = 24},
		"--opener"},
	    {{"DES-EDE3-CBC", .key_len = 24, .wrong = {.sequence = 0x31}}, "no SEQUENCE"},
	    {{"DES-EDE3-CBC", .key_len = 24, .wrong = {.more = true}}, "no SEQUENCE"},
	    {{"DES-EDE3-CBC", .key_len = 24, .wrong = {.payload = 0x0c}}, "OCTET STRING"},
	    {{"DES-EDE3-CBC", .key_len = 24, .wrong = {.third = true}}, "more than two parts"},
	};
	struct escrow_with with = with_all();

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		char *text = make_record(&wrong[i].of);

		assert_problem(text, &with, wrong[i].words);
		free(text);
	}
}

static void
record_with_two_keys_is_named(void **state)
{
	char *text = make_record(&records[0]), *data = strstr(text, "privateKeyData:: "), *twice;
	struct escrow_with with = with_all();

	(void)state;
	twice = text_printf("%.*s\n%s", (int)(strlen(text) - 2), text, data);
	assert_problem(twice, &with, "one privateKeyData");
	free(twice);
	free(text);
}

/* Whichever is given first. */
static void
any_of_several_storage_keys_opens(void **state)
{
	struct test_cert others[] = {test_ca("CN=other", "rsa2048"), test_ca("CN=curve", "P-256")};
	struct escrow_with with = with_all();
	char *text = make_record(&records[0]);
	struct pfx_content several = {0}, curve = {0};
	struct escrow_items items;
	struct err err;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_true(
		    pfx_add_key(&several, others[i].key, buf_view(&others[i].der), NULL, &err));
	assert_true(pfx_add_key(&several, storage.key, buf_view(&storage.der), NULL, &err));
	with.openers = &several;
	assert_true(escrow_read(view_str(text), &with, &items, &err));
	assert_int_equal(items.count, 1);
	escrow_items_free(&items);
	assert_true(pfx_add_key(&curve, others[1].key, buf_view(&others[1].der), NULL, &err));
	with.openers = &curve;
	assert_problem(text, &with, "an RSA key");
	pfx_content_free(&several);
	pfx_content_free(&curve);
	test_cert_free(&others[0]);
	test_cert_free(&others[1]);
	free(text);
}

/* What is no account is nobody's name: the owner is then whom the certificate names. */
static void
owner_is_a_name_of_one_attribute_only(void **state)
{
	static const char *const owners[] = {"CN=user1", "user1", "UID=user1,OU=x",
	    "UID=user1+CN=boss", "UID=us\\er1", "UID=\"user1\""};
	struct escrow_with with = with_all();

	(void)state;
	for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
		struct record r = records[0];
		struct escrow_items items;
		struct err err;
		char *text;

		r.owner = owners[i];
		text = make_record(&r);
		assert_true(escrow_read(view_str(text), &with, &items, &err));
		assert_int_equal(items.count, 1);
		assert_null(items.list[0].user);
		escrow_items_free(&items);
		free(text);
	}
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
	    cmocka_unit_test(records_that_are_not_as_they_say_give_no_key),
	    cmocka_unit_test(record_with_two_keys_is_named),
	    cmocka_unit_test(any_of_several_storage_keys_opens),
	    cmocka_unit_test(owner_is_a_name_of_one_attribute_only),
	    cmocka_unit_test(cut_records_give_no_key),
	    cmocka_unit_test(what_cannot_be_read_says_the_way_round),
	    cmocka_unit_test(key_of_another_certificate_is_refused),
	    cmocka_unit_test(key_goes_to_no_certificate_of_another_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
