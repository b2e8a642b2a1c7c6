/* EnvelopedData: what we seal we open, what openssl seals we open, what we seal openssl opens, and
 * nothing else opens. */
#include "cms_enveloped.h"
#include "cms_support.h"
#include "der.h"
#include "der_variants.h"
#include "own_openssl.h"

int __real_EVP_CIPHER_CTX_rand_key(EVP_CIPHER_CTX *ctx, unsigned char *key);
int __wrap_EVP_CIPHER_CTX_rand_key(EVP_CIPHER_CTX *ctx, unsigned char *key);

static bool openssl_gives_zeros;

int
__wrap_EVP_CIPHER_CTX_rand_key(EVP_CIPHER_CTX *ctx, unsigned char *key)
{
	int rc = __real_EVP_CIPHER_CTX_rand_key(ctx, key);

	if (rc > 0 && openssl_gives_zeros)
		memset(key, 0, (size_t)EVP_CIPHER_CTX_get_key_length(ctx));
	return rc;
}

static struct identity rsa, other_rsa, p256, p384, p521;
static const char secret_text[] = "a private key would be here, of no particular length";

static struct view
content(void)
{
	return view_str(secret_text);
}

static void
seal(const struct identity *to, enum cms_cipher cipher, bool oaep, struct buf *out)
{
	struct cms_kra r = as_recipient(to);
	struct err err;

	r.reader = oaep ? CMS_READER_OAEP : CMS_READER_PKCS1;
	must(cms_enveloped_seal(content(), &r, 1, cipher, out, &err), &err);
}

static bool
open_first(struct view der, EVP_PKEY *key, struct secret *out, struct err *err)
{
	struct cms_enveloped e;
	bool ok;

	*out = (struct secret){0};
	ok = cms_sealed_decode(der, &e, err) && cms_enveloped_open(&e, 0, key, out, err);
	cms_enveloped_free(&e);
	return ok;
}

static void
must_open(struct view der, const struct identity *with)
{
	struct secret plain;
	struct err err;

	must(open_first(der, with->key, &plain, &err), &err);
	assert_int_equal(plain.len, strlen(secret_text));
	assert_memory_equal(plain.ptr, secret_text, plain.len);
	secret_free(&plain);
}

static void
sealed_message_opens_with_every_kind_of_key_and_cipher(void **state)
{
	const struct identity *to[] = {&rsa, &p256, &p384, &p521};
	static const char *const names[] = {[CMS_AES_256_CBC] = "AES-256-CBC",
	    [CMS_AES_192_CBC] = "AES-192-CBC",
	    [CMS_AES_128_CBC] = "AES-128-CBC",
	    [CMS_3DES_CBC] = "DES-EDE3-CBC",
	    [CMS_AES_256_GCM] = "AES-256-GCM",
	    [CMS_AES_192_GCM] = "AES-192-GCM",
	    [CMS_AES_128_GCM] = "AES-128-GCM"};
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t c = 0; c <= CMS_AES_128_GCM; c++)
			for (int oaep = 0; oaep < 2; oaep++) {
				seal(to[i], (enum cms_cipher)c, oaep, &der);
				must_open(buf_view(&der), to[i]);
				must(cms_sealed_decode(buf_view(&der), &e, &err), &err);
				assert_int_equal(e.count, 1);
				assert_int_equal(e.cipher, c);
				assert_string_equal(e.cipher_name, names[c]);
				assert_int_equal(e.recipients[0].is_key_agreement, i > 0);
				assert_true(cms_recipient_is(
				    &e.recipients[0], to[i]->cert.issuer, to[i]->cert.serial));
				assert_false(cms_recipient_is(
				    &e.recipients[0], to[i]->cert.issuer, view_of("\x01", 1)));
				cms_enveloped_free(&e);
				buf_free(&der);
			}
}

/* A client's payload is an EnvelopedData, and whoever reads one takes nothing else for it. */
static void
authenticated_message_is_no_enveloped_data(void **state)
{
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	seal(&p256, CMS_AES_256_GCM, false, &der);
	must_fail(cms_enveloped_decode(buf_view(&der), &e, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
	buf_free(&der);
	must_fail(cms_enveloped_seal_signed(
		      content(), &(struct cms_kra){0}, 1, CMS_AES_256_GCM, &der, &err),
	    &err, NTE_BAD_ALGID);
}

/* Exchanges `from` for `to` of the same length, which is in the message once. */
static void
exchange_octets(struct buf *der, const char *from, const char *to, size_t len)
{
	uint8_t *at = memmem(der->ptr, der->len, from, len);

	assert_non_null(at);
	assert_null(memmem(at + 1, der->len - (size_t)(at + 1 - der->ptr), from, len));
	memcpy(at, to, len);
}

/* RFC 5083, RFC 5084: of each rule, a message that breaks it. */
static void
authenticated_message_with_other_parts_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
		size_t len;
		enum err_code code;
	} rows[] = {
	    /* the version */
	    {"\x02\x01\x00\x31", "\x02\x01\x02\x31", 4, ERROR_INVALID_DATA},
	    /* a tag that is another length than its parameters say, or is too short */
	    {"\x02\x01\x10\x80", "\x02\x01\x0f\x80", 4, ERROR_INVALID_DATA},
	    {"\x02\x01\x10\x80", "\x02\x01\x04\x80", 4, ERROR_INVALID_DATA},
	    {"\x02\x01\x10\x80", "\x02\x01\x90\x80", 4, ERROR_INVALID_DATA},
	    /* AES-128-GCM for AES-256-GCM: another key; AES-256-CBC: none of these ciphers */
	    {"\x65\x03\x04\x01\x2e", "\x65\x03\x04\x01\x06", 5, NTE_BAD_DATA},
	    {"\x65\x03\x04\x01\x2e", "\x65\x03\x04\x01\x2a", 5, NTE_BAD_ALGID},
	    /* other content than data */
	    {"\x0d\x01\x07\x01", "\x0d\x01\x07\x02", 4, ERROR_INVALID_DATA},
	    /* calls itself EnvelopedData */
	    {"\x01\x09\x10\x01\x17", "\x01\x09\x10\x01\x16", 5, CRYPT_E_INVALID_MSG_TYPE},
	};
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		seal(&rsa, CMS_AES_256_GCM, true, &der);
		must_open(buf_view(&der), &rsa);
		exchange_octets(&der, rows[i].from, rows[i].to, rows[i].len);
		must_fail(open_first(buf_view(&der), rsa.key, &plain, &err), &err, rows[i].code);
		buf_free(&der);
	}
}

/* Of CBC one octet in sixteen is looked at when it is decrypted, of GCM all. */
static void
authenticated_content_with_any_bit_changed_does_not_open(void **state)
{
	struct secret plain;
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	seal(&p256, CMS_AES_128_GCM, false, &der);
	/* nonce, tag length, content, tag */
	at = memmem(der.ptr, der.len, "\x65\x03\x04\x01\x06\x30\x11\x04\x0c", 9);
	assert_non_null(at);
	for (size_t i = (size_t)(at + 9 - der.ptr); i < der.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			der.ptr[i] ^= (uint8_t)(1 << bit);
			assert_false(open_first(buf_view(&der), p256.key, &plain, &err));
			assert_null(plain.ptr);
			der.ptr[i] ^= (uint8_t)(1 << bit);
		}
	must_open(buf_view(&der), &p256);
	buf_free(&der);
}

static void
content_of_every_length_around_a_block_survives(void **state)
{
	static const enum cms_cipher ciphers[] = {CMS_AES_256_CBC, CMS_AES_256_GCM};
	struct cms_kra to = as_recipient(&p256);
	uint8_t data[40];
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i + 1);
	for (size_t len = 0; len <= sizeof data; len++)
		for (size_t c = 0; c < (len == 0 ? 1 : 2); c++) {
			must(cms_enveloped_seal(view_of(data, len), &to, 1, ciphers[c], &der, &err),
			    &err);
			must(open_first(buf_view(&der), p256.key, &plain, &err), &err);
			assert_int_equal(plain.len, len);
			assert_memory_equal(plain.ptr, data, len);
			secret_free(&plain);
			buf_free(&der);
		}
}

static void
each_of_several_recipients_opens_his_own_part_only(void **state)
{
	struct cms_kra to[3] = {as_recipient(&rsa), as_recipient(&p384), as_recipient(&other_rsa)};
	EVP_PKEY *keys[3] = {rsa.key, p384.key, other_rsa.key};
	static const uint8_t oaep[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7};
	struct secret plain;
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	/* One reader knows OAEP, the other does not. */
	to[0].reader = CMS_READER_OAEP;
	must(cms_enveloped_seal(content(), to, 3, CMS_AES_256_CBC, &der, &err), &err);
	must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
	assert_int_equal(e.count, 3);
	assert_non_null(memmem(e.recipients[0].raw.ptr, e.recipients[0].raw.len, oaep, 9));
	assert_null(memmem(e.recipients[2].raw.ptr, e.recipients[2].raw.len, oaep, 9));
	assert_false(e.recipients[0].is_pkcs1);
	assert_false(e.recipients[1].is_pkcs1);
	assert_true(e.recipients[2].is_pkcs1);
	for (size_t i = 0; i < 3; i++) {
		must(cms_enveloped_open(&e, i, keys[i], &plain, &err), &err);
		assert_memory_equal(plain.ptr, secret_text, plain.len);
		secret_free(&plain);
	}
	must_fail(cms_enveloped_open(&e, 0, other_rsa.key, &plain, &err), &err, NTE_BAD_DATA);
	must_fail(cms_enveloped_open(&e, 3, rsa.key, &plain, &err), &err, CRYPT_E_NO_DECRYPT_CERT);
	assert_null(plain.ptr);
	cms_enveloped_free(&e);
	buf_free(&der);
}

static void
two_messages_with_one_content_share_no_ciphertext(void **state)
{
	struct buf a, b;

	(void)state;
	seal(&rsa, CMS_AES_256_CBC, false, &a);
	seal(&rsa, CMS_AES_256_CBC, false, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_not_equal(a.ptr + a.len - 16, b.ptr + b.len - 16, 16);
	buf_free(&a);
	buf_free(&b);
}

/* RFC 3218: what fails does not tell why. */
static void
wrong_key_and_damaged_key_and_damaged_content_give_one_sentence(void **state)
{
	struct secret plain;
	struct buf der;
	struct err wrong, damaged, content_damaged;
	size_t key_at;

	(void)state;
	for (int oaep = 0; oaep < 2; oaep++) {
		seal(&rsa, CMS_AES_256_CBC, oaep, &der);
		must_fail(open_first(buf_view(&der), other_rsa.key, &plain, &wrong), &wrong,
		    NTE_BAD_DATA);
		/* The encrypted key ends where the content info begins: 256 bytes before it, well
		 * inside. */
		key_at = der.len / 2;
		der.ptr[key_at] ^= 1;
		must_fail(
		    open_first(buf_view(&der), rsa.key, &plain, &damaged), &damaged, NTE_BAD_DATA);
		der.ptr[key_at] ^= 1;
		der.ptr[der.len - 1] ^= 1;
		must_fail(open_first(buf_view(&der), rsa.key, &plain, &content_damaged),
		    &content_damaged, NTE_BAD_DATA);
		assert_string_equal(wrong.msg, damaged.msg);
		assert_string_equal(wrong.msg, content_damaged.msg);
		buf_free(&der);
	}
}

/* A random key gives good padding once in 256 times: that must not pass for success. */
static void
wrong_rsa_key_never_opens_by_chance(void **state)
{
	struct cms_enveloped e;
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	seal(&rsa, CMS_3DES_CBC, false, &der);
	must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
	for (int i = 0; i < 600; i++)
		must_fail(
		    cms_enveloped_open(&e, 0, other_rsa.key, &plain, &err), &err, NTE_BAD_DATA);
	cms_enveloped_free(&e);
	buf_free(&der);
}

/* A key of another length than the cipher's, properly encrypted, is treated as a wrong key. */
static void
transported_key_of_wrong_length_does_not_open(void **state)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, rsa.key, NULL);
	uint8_t short_key[16] = {1}, encrypted[256];
	size_t len = sizeof encrypted;
	struct cms_enveloped e;
	struct secret plain;
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	seal(&rsa, CMS_AES_256_CBC, false, &der);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, encrypted, &len, short_key, sizeof short_key), 1);
	at = memmem(der.ptr, der.len, "\x04\x82\x01\x00", 4);
	assert_non_null(at);
	memcpy(at + 4, encrypted, len);
	must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
	must_fail(cms_enveloped_open(&e, 0, rsa.key, &plain, &err), &err, NTE_BAD_DATA);
	cms_enveloped_free(&e);
	buf_free(&der);
	EVP_PKEY_CTX_free(ctx);
}

static void
damaged_key_agreement_does_not_open(void **state)
{
	struct secret plain;
	struct buf der;
	struct err err;
	uint8_t *point;

	(void)state;
	seal(&p256, CMS_AES_256_CBC, false, &der);
	must_fail(open_first(buf_view(&der), p384.key, &plain, &err), &err, NTE_BAD_DATA);
	must_fail(open_first(buf_view(&der), rsa.key, &plain, &err), &err, NTE_BAD_ALGID);
	point = memmem(der.ptr, der.len, "\x03\x42\x00\x04", 4);
	assert_non_null(point);
	point[20] ^= 1; /* not on the curve any more */
	must_fail(open_first(buf_view(&der), p256.key, &plain, &err), &err, NTE_BAD_DATA);
	buf_free(&der);
}

static void
key_of_another_kind_is_refused(void **state)
{
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	seal(&rsa, CMS_AES_256_CBC, false, &der);
	must_fail(open_first(buf_view(&der), p256.key, &plain, &err), &err, NTE_BAD_ALGID);
	buf_free(&der);
}

static void
truncated_or_prolonged_message_is_refused(void **state)
{
	const struct identity *to[] = {&rsa, &p256};
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		seal(to[i], CMS_AES_256_CBC, true, &der);
		for (size_t len = 0; len < der.len; len++)
			assert_false(cms_enveloped_decode(view_of(der.ptr, len), &e, &err));
		must(buf_append(&der, view_of("", 1), &err), &err);
		must_fail(cms_enveloped_decode(buf_view(&der), &e, &err), &err, ERROR_INVALID_DATA);
		buf_free(&der);
	}
}

/* Whatever single byte is changed, nothing crashes and the content is right or refused. */
static void
message_with_any_byte_changed_opens_rightly_or_not_at_all(void **state)
{
	const struct identity *to[] = {&p256};
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	seal(to[0], CMS_AES_256_CBC, false, &der);
	for (size_t i = 0; i < der.len; i++) {
		der.ptr[i] ^= 0x04;
		if (open_first(buf_view(&der), p256.key, &plain, &err))
			secret_free(&plain);
		else
			assert_true(err.code == ERROR_INVALID_DATA || err.code == NTE_BAD_DATA ||
				    err.code == NTE_BAD_ALGID ||
				    err.code == CRYPT_E_INVALID_MSG_TYPE);
		der.ptr[i] ^= 0x04;
	}
	must_open(buf_view(&der), to[0]);
	buf_free(&der);
}

static void
indefinite_lengths_are_refused(void **state)
{
	static const uint8_t start[] = {0x30, 0x80};
	struct cms_enveloped e;
	struct buf der, ber = {0};
	struct err err;
	size_t header;

	(void)state;
	seal(&rsa, CMS_AES_256_CBC, false, &der);
	header = der.ptr[1] == 0x82 ? 4 : 3;
	must(buf_append(&ber, view_of(start, 2), &err), &err);
	must(buf_append(&ber, view_of(der.ptr + header, der.len - header), &err), &err);
	must(buf_append(&ber, view_of("\0\0", 2), &err), &err);
	must_fail(cms_enveloped_decode(buf_view(&ber), &e, &err), &err, ERROR_INVALID_DATA);
	buf_free(&ber);
	buf_free(&der);
}

static void
other_content_is_refused_by_its_name(void **state)
{
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	fixture("cmc-request.der", &der);
	must_fail(cms_enveloped_decode(buf_view(&der), &e, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
	buf_free(&der);
}

static void
nobody_and_too_many_are_no_recipients(void **state)
{
	struct cms_kra to[65];
	struct buf der;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 65; i++)
		to[i] = as_recipient(&rsa);
	must_fail(
	    cms_enveloped_seal(content(), to, 0, CMS_AES_256_CBC, &der, &err), &err, E_INVALIDARG);
	must_fail(
	    cms_enveloped_seal(content(), to, 65, CMS_AES_256_CBC, &der, &err), &err, E_INVALIDARG);
	to[0].serial = (struct view){0};
	must_fail(
	    cms_enveloped_seal(content(), to, 1, CMS_AES_256_CBC, &der, &err), &err, E_INVALIDARG);
}

static void
openssl_opens_what_we_seal(void **state)
{
	static const enum cms_cipher ciphers[] = {CMS_AES_256_CBC, CMS_3DES_CBC, CMS_AES_256_GCM};
	const struct identity *to[] = {&rsa, &p256, &p384, &p521};
	struct buf der, plain;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		write_identity(to[i]);
		for (int oaep = 0; oaep < 2; oaep++)
			for (size_t c = 0; c < 3; c++) {
				seal(to[i], ciphers[c], oaep, &der);
				write_file("message.der", buf_view(&der));
				assert_true(
				    openssl("cms -decrypt -inform DER -in message.der -recip "
					    "cert.pem -inkey key.pem -binary -out plain"));
				read_file("plain", &plain);
				assert_true(view_eq(buf_view(&plain), content()));
				buf_free(&plain);
				buf_free(&der);
			}
	}
}

static void
we_open_what_openssl_seals(void **state)
{
	static const char *const rsa_options[] = {"", "rsa_padding_mode:oaep",
	    "rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
	    "rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512 -keyopt rsa_oaep_label:01"};
	static const char *const ec_options[] = {
	    "", "ecdh_kdf_md:sha256", "ecdh_kdf_md:sha384", "ecdh_kdf_md:sha512"};
	static const char *const ciphers[] = {
	    "-aes256", "-aes192", "-aes128", "-des3", "-aes-256-gcm", "-aes-128-gcm"};
	const struct identity *to[] = {&rsa, &p256, &p384};
	char command[256];
	struct buf der;

	(void)state;
	write_file("plain", content());
	for (size_t i = 0; i < 3; i++) {
		write_identity(to[i]);
		for (size_t o = 0; o < 8; o++) {
			snprintf(command, sizeof command,
			    "cms -encrypt -binary -in plain -outform DER -out message.der %s "
			    "-recip cert.pem %s %s",
			    ciphers[(o + i) % 6], o % 4 > 0 ? "-keyopt" : "",
			    i == 0 ? rsa_options[o % 4] : ec_options[o % 4]);
			if (!openssl(command))
				fail_msg("openssl %s", command);
			read_file("message.der", &der);
			must_open(buf_view(&der), to[i]);
			buf_free(&der);
		}
	}
}

static void
recipient_named_by_key_identifier_is_listed_and_opened(void **state)
{
	const struct identity *to[] = {&rsa, &p256};
	struct cms_enveloped e;
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	/* The command needs a subjectKeyIdentifier in the certificate, which it makes itself. */
	write_file("plain", content());
	for (size_t i = 0; i < 2; i++) {
		write_identity(to[i]);
		assert_true(openssl("req -x509 -new -key key.pem -subj /CN=ski -out ski.pem"));
		assert_true(openssl("cms -encrypt -keyid -binary -in plain -outform DER -out "
				    "message.der -aes256 ski.pem"));
		read_file("message.der", &der);
		must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
		assert_int_equal(e.recipients[0].issuer.len, 0);
		assert_int_equal(e.recipients[0].key_id.len, 20);
		assert_false(
		    cms_recipient_is(&e.recipients[0], (struct view){0}, (struct view){0}));
		must(cms_enveloped_open(&e, 0, to[i]->key, &plain, &err), &err);
		assert_memory_equal(plain.ptr, secret_text, plain.len);
		secret_free(&plain);
		cms_enveloped_free(&e);
		buf_free(&der);
	}
}

static void
password_recipient_is_listed_but_not_opened(void **state)
{
	struct cms_enveloped e;
	struct secret plain;
	struct buf der;
	struct err err;

	(void)state;
	write_file("plain", content());
	assert_true(openssl("cms -encrypt -binary -in plain -outform DER -out message.der -aes256 "
			    "-pwri_password x"));
	read_file("message.der", &der);
	must(cms_enveloped_decode(buf_view(&der), &e, &err), &err);
	assert_int_equal(e.count, 1);
	must_fail(cms_enveloped_open(&e, 0, rsa.key, &plain, &err), &err, NTE_BAD_ALGID);
	cms_enveloped_free(&e);
	buf_free(&der);
}

static void
unknown_content_cipher_is_refused(void **state)
{
	struct cms_enveloped e;
	struct buf der;
	struct err err;

	(void)state;
	write_file("plain", content());
	write_identity(&rsa);
	assert_true(openssl(
	    "cms -encrypt -binary -in plain -outform DER -out message.der -camellia256 cert.pem"));
	read_file("message.der", &der);
	must_fail(cms_enveloped_decode(buf_view(&der), &e, &err), &err, NTE_BAD_ALGID);
	buf_free(&der);
}

static int
setup(void **state)
{
	if (messages_setup(state) != 0)
		return -1;
	identity_new("RSA", 77, &rsa);
	identity_new("RSA", 200, &other_rsa);
	identity_new("P-256", 128, &p256);
	identity_new("P-384", 65536, &p384);
	identity_new("P-521", 5, &p521);
	return 0;
}

static int
teardown(void **state)
{
	identity_free(&rsa);
	identity_free(&other_rsa);
	identity_free(&p256);
	identity_free(&p384);
	identity_free(&p521);
	return messages_teardown(state);
}

/* ---- a second source of random numbers ---- */

static void
content_key_of(struct view der, uint8_t key[32], size_t *len_out)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, rsa.key, NULL);
	uint8_t plain[256];
	struct err err;
	CMSW_RECIPIENT *r;
	ASN1_OCTET_STRING *encrypted;

	must(cms_sealed_decode(der, &e, &err), &err);
	r = sk_CMSW_RECIPIENT_value(e.wire->recipients, 0);
	encrypted = r->d.trans->encrypted_key;
	*len_out = sizeof plain;
	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_decrypt(ctx, plain, len_out, encrypted->data, (size_t)encrypted->length), 1);
	assert_true(*len_out <= 32);
	memcpy(key, plain, *len_out);
}

static void
sealed_content_key(enum cms_cipher cipher, struct view seed, uint8_t key[32], size_t *len_out)
{
	const struct cms_kra to = as_recipient(&rsa);
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	must(cms_enveloped_seal_seeded(content(), &to, 1, cipher, seed, &der, &err), &err);
	must_open(buf_view(&der), &rsa);
	content_key_of(buf_view(&der), key, len_out);
}

static int
ones(uint8_t octet)
{
	int n = 0;

	for (; octet != 0; octet >>= 1)
		n += octet & 1;
	return n;
}

/* Where OpenSSL gives zeros the seed is the key; where it does not, neither is. */
static void
the_content_key_is_made_of_both_sources(void **state)
{
	uint8_t seed[CMS_SEED_LEN] = {0}, key[32], again[32];
	struct view whole = view_of(seed, sizeof seed);
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)(i * 37 + 1);
	for (size_t c = 0; c <= CMS_AES_128_GCM; c++) {
		openssl_gives_zeros = true;
		sealed_content_key((enum cms_cipher)c, whole, key, &len);
		for (size_t i = 0; i < len; i++) {
			assert_true(
			    c == CMS_3DES_CBC ? (key[i] ^ seed[i]) <= 1 : key[i] == seed[i]);
			assert_true(c != CMS_3DES_CBC || ones(key[i]) % 2 == 1);
		}
		openssl_gives_zeros = false;
		sealed_content_key((enum cms_cipher)c, whole, key, &len);
		sealed_content_key((enum cms_cipher)c, whole, again, &len);
		assert_memory_not_equal(key, seed, len);
		assert_memory_not_equal(key, again, len);
	}
}

static void
a_seed_of_another_length_is_refused(void **state)
{
	const struct cms_kra to = as_recipient(&rsa);
	uint8_t seed[CMS_SEED_LEN + 1] = {1};
	struct buf der;
	struct err err;

	(void)state;
	for (size_t len = 1; len <= sizeof seed; len++)
		if (len != CMS_SEED_LEN)
			must_fail(cms_enveloped_seal_seeded(content(), &to, 1, CMS_AES_256_CBC,
				      view_of(seed, len), &der, &err),
			    &err, E_INVALIDARG);
}

static size_t taken;

/* By the templates, of which a message that is read must be the only encoding. */
static void
is_read_as_by_templates(struct view der)
{
	CMSW_ENVELOPED *plain = der_exact(ASN1_ITEM_rptr(CMSW_ENVELOPED), der);
	CMSW_AUTH_ENVELOPED *gcm = der_exact(ASN1_ITEM_rptr(CMSW_AUTH_ENVELOPED), der);
	struct cms_enveloped e;
	struct err err;

	if (cms_sealed_decode(der, &e, &err)) {
		taken++;
		assert_true(plain != NULL || gcm != NULL);
		assert_true(view_eq(e.wire->ciphertext,
		    der_string((cms_is_gcm(e.cipher) ? gcm->data->content : plain->data->content)
				   ->content)));
		cms_enveloped_free(&e);
	}
	if (cms_enveloped_decode(der, &e, &err)) {
		assert_non_null(plain);
		cms_enveloped_free(&e);
	}
	CMSW_ENVELOPED_free(plain);
	CMSW_AUTH_ENVELOPED_free(gcm);
}

static void
message_is_read_in_its_only_encoding(void **state)
{
	const enum cms_cipher ciphers[] = {CMS_AES_256_CBC, CMS_AES_256_GCM};
	const struct identity *to[] = {&rsa, &p256};
	struct buf der;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		taken = 0;
		seal(to[i / 2], ciphers[i % 2], true, &der);
		is_read_as_by_templates(buf_view(&der));
		assert_int_equal(taken, 1);
		assert_true(der_variants(buf_view(&der), is_read_as_by_templates) > 150);
		buf_free(&der);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sealed_message_opens_with_every_kind_of_key_and_cipher),
	    cmocka_unit_test(the_content_key_is_made_of_both_sources),
	    cmocka_unit_test(a_seed_of_another_length_is_refused),
	    cmocka_unit_test(message_is_read_in_its_only_encoding),
	    cmocka_unit_test(authenticated_message_is_no_enveloped_data),
	    cmocka_unit_test(authenticated_message_with_other_parts_is_refused),
	    cmocka_unit_test(authenticated_content_with_any_bit_changed_does_not_open),
	    cmocka_unit_test(content_of_every_length_around_a_block_survives),
	    cmocka_unit_test(each_of_several_recipients_opens_his_own_part_only),
	    cmocka_unit_test(two_messages_with_one_content_share_no_ciphertext),
	    cmocka_unit_test(wrong_key_and_damaged_key_and_damaged_content_give_one_sentence),
	    cmocka_unit_test(wrong_rsa_key_never_opens_by_chance),
	    cmocka_unit_test(transported_key_of_wrong_length_does_not_open),
	    cmocka_unit_test(damaged_key_agreement_does_not_open),
	    cmocka_unit_test(key_of_another_kind_is_refused),
	    cmocka_unit_test(truncated_or_prolonged_message_is_refused),
	    cmocka_unit_test(message_with_any_byte_changed_opens_rightly_or_not_at_all),
	    cmocka_unit_test(indefinite_lengths_are_refused),
	    cmocka_unit_test(other_content_is_refused_by_its_name),
	    cmocka_unit_test(nobody_and_too_many_are_no_recipients),
	    cmocka_unit_test(openssl_opens_what_we_seal),
	    cmocka_unit_test(we_open_what_openssl_seals),
	    cmocka_unit_test(recipient_named_by_key_identifier_is_listed_and_opened),
	    cmocka_unit_test(password_recipient_is_listed_but_not_opened),
	    cmocka_unit_test(unknown_content_cipher_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
