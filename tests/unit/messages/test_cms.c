/* SignedData: what we sign verifies here and under the openssl command; what was changed does not.
 */
#include "cms_support.h"

#include <openssl/err.h>

#include "cms_asn1.h"
#include "cms_attr.h"
#include "cms_sign_priv.h"
#include "der.h"
#include "der_variants.h"
#include "mem.h"

#define DATA_OID "1.2.840.113549.1.7.1"

static struct identity rsa, p256, p384;

static struct cms_sign
by_certificate(const struct identity *i, const struct view *certificates)
{
	return (struct cms_sign){.content_oid = DATA_OID,
	    .content = view_str("content"),
	    .digest = EVP_sha256(),
	    .issuer = i->cert.issuer,
	    .serial = i->cert.serial,
	    .certificates = certificates,
	    .certificate_count = 1,
	    .signing_time = 1700000000};
}

static void
signed_by(const struct identity *i, struct buf *out)
{
	struct view certificate = buf_view(&i->der);
	struct cms_sign in = by_certificate(i, &certificate);

	if (i == &p384)
		in.digest = EVP_sha384();
	sign_message(&in, i->key, out);
}

static bool
verifies(struct view der, EVP_PKEY *key, struct err *err)
{
	struct cms_signed s;
	bool ok;

	if (!cms_signed_decode(der, &s, err))
		return false;
	assert_true(s.signer_count > 0);
	ok = cms_signer_verify(&s, &s.signers[0], key, false, err);
	cms_signed_free(&s);
	return ok;
}

static void
signed_message_verifies_here_and_under_openssl(void **state)
{
	const struct identity *by[] = {&rsa, &p256, &p384};
	struct buf der, plain;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		signed_by(by[i], &der);
		must(verifies(buf_view(&der), by[i]->key, &err), &err);
		write_identity(by[i]);
		write_file("message.der", buf_view(&der));
		assert_true(openssl("cms -verify -inform DER -in message.der -CAfile cert.pem "
				    "-purpose any -binary -out plain"));
		read_file("plain", &plain);
		assert_true(view_eq(buf_view(&plain), view_str("content")));
		buf_free(&plain);
		buf_free(&der);
	}
}

static void
message_of_a_key_identifier_signer_verifies_under_openssl(void **state)
{
	struct cms_sign in = {.content_oid = "1.3.6.1.5.5.7.12.2",
	    .content = view_str("content"),
	    .digest = EVP_sha256()};
	struct cms_signed s;
	struct buf ski, der;
	struct err err;

	(void)state;
	write_identity(&rsa);
	assert_true(openssl("req -x509 -new -key key.pem -subj /CN=ski -out cert.pem"));
	must(pkix_cert_ski(&rsa.cert, &ski, &err), &err);
	in.key_id = buf_view(&ski);
	sign_message(&in, rsa.key, &der);
	must(cms_signed_decode(buf_view(&der), &s, &err), &err);
	assert_true(view_eq(s.signers[0].key_id, buf_view(&ski)));
	assert_int_equal(s.signers[0].issuer.len, 0);
	assert_string_equal(s.content_oid, "1.3.6.1.5.5.7.12.2");
	cms_signed_free(&s);
	write_file("message.der", buf_view(&der));
	assert_true(openssl("cms -verify -inform DER -in message.der -certfile cert.pem -CAfile "
			    "cert.pem -purpose any -out plain"));
	buf_free(&der);
	buf_free(&ski);
}

static void
decoded_message_has_what_was_put_in(void **state)
{
	struct view certificate = buf_view(&rsa.der), octets = view_of("\x04\x01\x07", 3), value;
	struct cms_attr extra = {
	    .oid = "1.3.6.1.4.1.311.21.16", .values = octets, .value_count = 1};
	struct cms_attr aside = {.oid = "1.3.6.1.4.1.99999.1", .values = octets, .value_count = 1};
	struct cms_sign in = by_certificate(&rsa, &certificate);
	const struct cms_attr *a;
	struct cms_signed s;
	struct buf der;
	struct err err;

	(void)state;
	in.extra_attrs = &extra;
	in.extra_count = 1;
	in.unsigned_attrs = &aside;
	in.unsigned_count = 1;
	sign_message(&in, rsa.key, &der);
	must(cms_signed_decode(buf_view(&der), &s, &err), &err);
	assert_true(view_eq(s.content, in.content));
	assert_true(view_eq(buf_view(&s.raw), buf_view(&der)));
	assert_int_equal(s.certificate_count, 1);
	assert_true(view_eq(s.certificates[0], certificate));
	assert_true(view_eq(s.signers[0].issuer, rsa.cert.issuer));
	assert_true(view_eq(s.signers[0].serial, rsa.cert.serial));
	assert_int_equal(s.signers[0].attr_count, 4);
	assert_int_equal(s.signers[0].unsigned_count, 1);
	a = cms_signer_attr(&s.signers[0], oid_nid(OID_ARCHIVED_KEY_CERT_HASH), true);
	must(cms_attr_single(a, &value, &err), &err);
	assert_true(view_eq(value, octets));
	assert_null(cms_signer_attr(&s.signers[0], oid_nid(OID_ARCHIVED_KEY_CERT_HASH), false));
	must_fail(cms_attr_single(NULL, &value, &err), &err, ERROR_INVALID_DATA);
	must(cms_signer_verify(&s, &s.signers[0], rsa.key, false, &err), &err);
	cms_signed_free(&s);
	buf_free(&der);
}

static void
changed_content_is_found(void **state)
{
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	signed_by(&rsa, &der);
	at = memmem(der.ptr, der.len, "content", 7);
	assert_non_null(at);
	at[0] ^= 1;
	must_fail(verifies(buf_view(&der), rsa.key, &err), &err, CRYPT_E_HASH_VALUE);
	buf_free(&der);
}

static void
changed_signed_attribute_is_found(void **state)
{
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	signed_by(&rsa, &der);
	at = memmem(der.ptr, der.len, "231114221320Z", 13); /* signingTime */
	assert_non_null(at);
	at[0] = '3';
	must_fail(verifies(buf_view(&der), rsa.key, &err), &err, NTE_BAD_SIGNATURE);
	buf_free(&der);
}

static void
changed_signature_and_other_key_are_found(void **state)
{
	struct buf der;
	struct err err;

	(void)state;
	signed_by(&rsa, &der);
	must_fail(verifies(buf_view(&der), p256.key, &err), &err, NTE_BAD_SIGNATURE);
	der.ptr[der.len - 1] ^= 1;
	must_fail(verifies(buf_view(&der), rsa.key, &err), &err, NTE_BAD_SIGNATURE);
	buf_free(&der);
	signed_by(&p256, &der);
	must_fail(verifies(buf_view(&der), p384.key, &err), &err, NTE_BAD_SIGNATURE);
	buf_free(&der);
}

/* The contentType attribute binds the type, which stands outside of what the signature covers. */
static void
content_passed_off_as_another_type_is_found(void **state)
{
	struct cms_sign in = {.content_oid = "1.3.6.1.5.5.7.12.2",
	    .content = view_str("content"),
	    .digest = EVP_sha256(),
	    .key_id = view_str("id")};
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	sign_message(&in, rsa.key, &der);
	must(verifies(buf_view(&der), rsa.key, &err), &err);
	at = memmem(der.ptr, der.len, "\x2b\x06\x01\x05\x05\x07\x0c\x02", 8);
	assert_non_null(at);
	at[7] = 3;
	must_fail(verifies(buf_view(&der), rsa.key, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
	buf_free(&der);
}

/* A signature over bare content is one over attributes too, if their bytes are the same (RFC
 * 5652 5.3 forbids it for types but data). */
static void
signature_without_attributes_is_for_plain_data_only(void **state)
{
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	write_identity(&rsa);
	write_file("plain", view_str("content"));
	assert_true(openssl("cms -sign -noattr -nodetach -binary -in plain -signer cert.pem -inkey "
			    "key.pem -outform DER -out message.der"));
	read_file("message.der", &der);
	must(verifies(buf_view(&der), rsa.key, &err), &err);
	at = memmem(der.ptr + 24, der.len - 24, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 9);
	assert_non_null(at);
	at[8] = 2;
	must_fail(verifies(buf_view(&der), rsa.key, &err), &err, ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
messages_of_openssl_verify(void **state)
{
	static const char *const options[] = {"", "-nocerts", "-keyid",
	    "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest",
	    "-nosmimecap -md sha512"};
	char command[256];
	struct buf der;
	struct err err;

	(void)state;
	write_identity(&rsa);
	assert_true(openssl("req -x509 -new -key key.pem -subj /CN=ski -out cert.pem"));
	write_file("plain", view_str("content"));
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		snprintf(command, sizeof command,
		    "cms -sign -nodetach -binary -in plain -signer cert.pem -inkey key.pem "
		    "-outform DER -out message.der %s",
		    options[i]);
		if (!openssl(command))
			fail_msg("openssl %s", command);
		read_file("message.der", &der);
		must(verifies(buf_view(&der), rsa.key, &err), &err);
		der.ptr[der.len - 1] ^= 1;
		must_fail(verifies(buf_view(&der), rsa.key, &err), &err, NTE_BAD_SIGNATURE);
		buf_free(&der);
	}
}

/* RFC 4056 3: the message says SHA-384 of itself and of its signer, the signature's parameters
 * SHA-256. */
static void
a_signer_with_two_digests_is_refused(void **state)
{
	static const uint8_t sha256[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
	struct buf der;
	uint8_t *at;
	struct err err;

	(void)state;
	write_identity(&rsa);
	write_file("plain", view_str("content"));
	assert_true(openssl("cms -sign -noattr -nodetach -binary -in plain -signer cert.pem -inkey "
			    "key.pem -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest "
			    "-md sha256 -outform DER -out message.der"));
	read_file("message.der", &der);
	must(verifies(buf_view(&der), rsa.key, &err), &err);
	at = der.ptr;
	for (int i = 0; i < 2; i++) {
		at = memmem(at, der.len - (size_t)(at - der.ptr), sha256, sizeof sha256);
		assert_non_null(at);
		at[sizeof sha256 - 1] = 2;
	}
	must_fail(verifies(buf_view(&der), rsa.key, &err), &err, NTE_BAD_ALGID);
	buf_free(&der);
}

static void
sha1_is_verified_only_where_it_is_allowed(void **state)
{
	struct cms_signed s;
	struct buf der;
	struct err err;

	(void)state;
	write_identity(&rsa);
	write_file("plain", view_str("content"));
	assert_true(openssl("cms -sign -md sha1 -nodetach -binary -in plain -signer cert.pem "
			    "-inkey key.pem -outform DER -out message.der"));
	read_file("message.der", &der);
	must(cms_signed_decode(buf_view(&der), &s, &err), &err);
	must_fail(cms_signer_verify(&s, &s.signers[0], rsa.key, false, &err), &err, NTE_BAD_ALGID);
	must(cms_signer_verify(&s, &s.signers[0], rsa.key, true, &err), &err);
	cms_signed_free(&s);
	buf_free(&der);
}

static void
unknown_digest_is_decoded_but_not_verified(void **state)
{
	struct cms_signed s;
	struct buf der;
	struct err err;

	(void)state;
	write_identity(&rsa);
	write_file("plain", view_str("content"));
	assert_true(openssl("cms -sign -md sha224 -nodetach -binary -in plain -signer cert.pem "
			    "-inkey key.pem -outform DER -out message.der"));
	read_file("message.der", &der);
	must(cms_signed_decode(buf_view(&der), &s, &err), &err);
	assert_null(s.signers[0].digest);
	must_fail(cms_signer_verify(&s, &s.signers[0], rsa.key, true, &err), &err, NTE_BAD_ALGID);
	cms_signed_free(&s);
	buf_free(&der);
}

/* Signs with an attribute list of which one entry comes `times` times. */
static bool
decodes_with_attribute(
    const char *oid, const void *values, size_t len, size_t times, bool is_signed, struct err *err)
{
	struct cms_attr list[2] = {
	    {.values = view_of(values, len)}, {.values = view_of(values, len)}};
	struct view certificate = buf_view(&rsa.der);
	struct cms_sign in = by_certificate(&rsa, &certificate);
	struct cms_signed s;
	struct buf der;
	bool ok;

	for (size_t i = 0; i < 2; i++)
		strcpy(list[i].oid, oid);
	if (is_signed) {
		in.extra_attrs = list;
		in.extra_count = times;
	} else {
		in.unsigned_attrs = list;
		in.unsigned_count = times;
	}
	sign_message(&in, rsa.key, &der);
	ok = cms_signed_decode(buf_view(&der), &s, err);
	cms_signed_free(&s);
	buf_free(&der);
	return ok;
}

static void
attribute_that_comes_twice_is_refused(void **state)
{
	const char *key = oid_dotted(OID_ARCHIVED_KEY_ATTR),
		   *hash = oid_dotted(OID_ENCRYPTED_KEY_HASH), *unknown = "1.3.6.1.4.1.99999.1";
	struct err err;

	(void)state;
	must(decodes_with_attribute(key, "\x05\0", 2, 1, false, &err), &err);
	must_fail(
	    decodes_with_attribute(key, "\x05\0", 2, 2, false, &err), &err, ERROR_INVALID_DATA);
	must_fail(
	    decodes_with_attribute(hash, "\x05\0", 2, 2, false, &err), &err, ERROR_INVALID_DATA);
	must(decodes_with_attribute(unknown, "\x05\0", 2, 1, true, &err), &err);
	must_fail(
	    decodes_with_attribute(unknown, "\x05\0", 2, 2, true, &err), &err, ERROR_INVALID_DATA);
	/* Unsigned and none of ours: anybody may add it, as often as he likes. */
	must(decodes_with_attribute(unknown, "\x05\0", 2, 2, false, &err), &err);
	must_fail(decodes_with_attribute("1.2.840.113549.1.9.3", "\x06\x01\x2a", 3, 1, true, &err),
	    &err, ERROR_INVALID_DATA);
}

static void
attribute_with_damaged_or_several_values_is_no_single_value(void **state)
{
	struct cms_attr a = {
	    .oid = "1.2.3", .values = view_of("\x05\0\x05\0", 4), .value_count = 2};
	struct view value;
	struct err err;

	(void)state;
	must_fail(decodes_with_attribute("1.2.3.4", "\x04\x05\x01", 3, 1, false, &err), &err,
	    ERROR_INVALID_DATA);
	must_fail(decodes_with_attribute("1.2.3.4", "\x30\x80\0\0", 4, 1, false, &err), &err,
	    ERROR_INVALID_DATA);
	must_fail(cms_attr_single(&a, &value, &err), &err, ERROR_INVALID_DATA);
	a.value_count = 0;
	must_fail(cms_attr_single(&a, &value, &err), &err, ERROR_INVALID_DATA);
}

static void
truncated_or_prolonged_message_is_refused(void **state)
{
	struct cms_signed s;
	struct buf der;
	struct err err;

	(void)state;
	signed_by(&p256, &der);
	for (size_t len = 0; len < der.len; len++) {
		assert_false(cms_signed_decode(view_of(der.ptr, len), &s, &err));
		assert_null(s.signers);
	}
	must(buf_append(&der, view_of("", 1), &err), &err);
	must_fail(cms_signed_decode(buf_view(&der), &s, &err), &err, ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
message_with_any_byte_changed_never_verifies_with_other_content(void **state)
{
	struct cms_signed s;
	struct buf der;
	struct err err;

	(void)state;
	signed_by(&p256, &der);
	for (size_t i = 0; i < der.len; i++) {
		der.ptr[i] ^= 0x01;
		if (cms_signed_decode(buf_view(&der), &s, &err) && s.signer_count == 1 &&
		    cms_signer_verify(&s, &s.signers[0], p256.key, false, &err))
			assert_true(view_eq(s.content, view_str("content")));
		cms_signed_free(&s);
		der.ptr[i] ^= 0x01;
	}
	buf_free(&der);
}

static void
streamed_message_of_indefinite_length_is_refused(void **state)
{
	struct cms_signed s;
	struct buf der;
	struct err err;

	(void)state;
	write_identity(&rsa);
	write_file("plain", view_str("content"));
	assert_true(openssl("cms -sign -stream -nodetach -binary -in plain -signer cert.pem -inkey "
			    "key.pem -outform DER -out message.der"));
	read_file("message.der", &der);
	assert_int_equal(der.ptr[1], 0x80);
	must_fail(cms_signed_decode(buf_view(&der), &s, &err), &err, ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
value_of_any_kind_is_taken_in_its_only_encoding(void **state)
{
#define DER(text) view_of(text, sizeof text - 1)
	const struct view good[] = {DER("\x05\0"), DER("\x02\x01\x80"), DER("\x01\x01\xff"),
	    DER("\x06\x01\x2a"), DER("\x03\x02\x01\xfe"), DER("\x04\0"), DER("\x30\x02\x05\x81"),
	    DER("\x30\x80\0\0"), DER("\x31\x81\x02\x05\0"), DER("\x9f\x1f\x01\x00"),
	    DER("\x80\x01\x07"), DER("\xa0\x80\0\0")};
	const struct view bad[] = {DER("\x05\x81\0"), DER("\x05\x01\0"), DER("\x02\x02\0\x01"),
	    DER("\x02\0"), DER("\x01\x02\xff\xff"), DER("\x06\x02\x80\x01"), DER("\x06\0"),
	    DER("\x03\x02\x01\xff"), DER("\x24\0"), DER("\x10\0"), DER("\0\0"), DER("\x30\x01"),
	    DER("\x80\x80\0\0"), DER("\x04"), DER("")};
#undef DER
	struct view cursor, whole;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		cursor = good[i];
		if (!der_take_value(&cursor, &whole) || cursor.len > 0)
			fail_msg("value %zu is not taken", i);
		assert_true(view_eq(whole, good[i]));
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		cursor = bad[i];
		if (der_take_value(&cursor, &whole))
			fail_msg("value %zu is taken", i);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

static size_t taken;

/* By the templates, of which a message that is read must be the only encoding. */
static void
is_read_as_by_templates(struct view der)
{
	CMSW_SIGNED *wire = der_exact(ASN1_ITEM_rptr(CMSW_SIGNED), der);
	struct buf stripped;
	struct cms_signed s;
	struct err err;

	if (cms_signed_decode(der, &s, &err)) {
		taken++;
		assert_non_null(wire);
		assert_true(view_eq(s.content, der_string(wire->data->encap->content)));
		assert_int_equal(s.signer_count, sk_CMSW_SIGNER_INFO_num(wire->data->signers));
		must(cms_signed_strip(&s, &stripped, &err), &err);
		for (size_t i = 0; i < s.signer_count; i++) {
			CMSW_SIGNER_INFO *w =
			    sk_CMSW_SIGNER_INFO_value(wire->data->signers, (int)i);

			sk_CMSW_ATTRIBUTE_pop_free(w->unsigned_attrs, CMSW_ATTRIBUTE_free);
			w->unsigned_attrs = NULL;
		}
		assert_is_encoding(ASN1_ITEM_rptr(CMSW_SIGNED), wire, buf_view(&stripped));
		buf_free(&stripped);
		cms_signed_free(&s);
	}
	CMSW_SIGNED_free(wire);
}

static void
message_is_read_in_its_only_encoding(void **state)
{
	struct view certificate = buf_view(&rsa.der), octets = view_of("\x04\x01\x07", 3);
	struct cms_attr extra = {.oid = "1.3.6.1.4.1.99999.2", .values = octets, .value_count = 1};
	struct cms_attr aside = {.oid = "1.3.6.1.4.1.99999.1", .values = octets, .value_count = 1};
	struct cms_sign in = by_certificate(&rsa, &certificate);
	struct buf der;

	(void)state;
	in.extra_attrs = &extra;
	in.extra_count = 1;
	in.unsigned_attrs = &aside;
	in.unsigned_count = 1;
	sign_message(&in, rsa.key, &der);
	is_read_as_by_templates(buf_view(&der));
	assert_int_equal(taken, 1);
	assert_true(der_variants(buf_view(&der), is_read_as_by_templates) > 500);
	buf_free(&der);
	in.key_id = view_str("key");
	sign_message(&in, rsa.key, &der);
	is_read_as_by_templates(buf_view(&der));
	der_variants(buf_view(&der), is_read_as_by_templates);
	buf_free(&der);
	fixture("cmc-response.der", &der);
	is_read_as_by_templates(buf_view(&der));
	der_variants(buf_view(&der), is_read_as_by_templates);
	/* What is not looked into: certificates, values of attributes, the name of an issuer. */
	assert_true(taken > 100);
	buf_free(&der);
}

static void
message_over_the_size_limit_is_refused(void **state)
{
	struct cms_signed s;
	struct buf big;
	struct err err;

	(void)state;
	must(buf_alloc((1 << 20) + 1, &big, &err), &err);
	must_fail(cms_signed_decode(buf_view(&big), &s, &err), &err, DIRCA_E_TOO_LARGE);
	buf_free(&big);
}

static void
enveloped_message_is_no_signed_one(void **state)
{
	struct cms_kra to = as_recipient(&rsa);
	struct cms_signed s;
	struct buf der;
	struct err err;

	(void)state;
	must(cms_enveloped_seal(view_str("x"), &to, 1, CMS_AES_256_CBC, &der, &err), &err);
	must_fail(cms_signed_decode(buf_view(&der), &s, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
	buf_free(&der);
}

static void
certificates_only_message_is_read_by_openssl_and_by_us(void **state)
{
	struct view list[3] = {buf_view(&rsa.der), buf_view(&p256.der), buf_view(&p384.der)};
	struct cms_signed s;
	struct buf der, text;
	struct err err;
	size_t found = 0;

	(void)state;
	must(cms_certs_only(list, 3, &der, &err), &err);
	must(cms_signed_decode(buf_view(&der), &s, &err), &err);
	assert_int_equal(s.signer_count, 0);
	assert_int_equal(s.certificate_count, 3);
	assert_int_equal(s.content.len, 0);
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			found += view_eq(s.certificates[i], list[k]);
	assert_int_equal(found, 3);
	cms_signed_free(&s);
	write_file("message.der", buf_view(&der));
	assert_true(openssl("pkcs7 -inform DER -in message.der -print_certs -out text"));
	read_file("text", &text);
	assert_non_null(memmem(text.ptr, text.len, "BEGIN CERTIFICATE", 17));
	buf_free(&text);
	/* DER: openssl, which sorts, writes the same. */
	assert_true(openssl("cms -cmsout -inform DER -in message.der -outform DER -out text"));
	read_file("text", &text);
	assert_true(view_eq(buf_view(&text), buf_view(&der)));
	buf_free(&text);
	buf_free(&der);
}

/* The same by OpenSSL's templates. */
static void
by_template(const struct cms_sign *in, struct view attrs, struct view alg, struct buf *out)
{
	CMSW_SIGNED *m = CMSW_SIGNED_new();
	struct err err;

	m->type = OBJ_nid2obj(NID_pkcs7_signed);
	m->data->version = 1;
	must(cms_object_set(&m->data->encap->type, in->content_oid, &err), &err);
	m->data->encap->content = der_string_new(V_ASN1_OCTET_STRING, in->content);
	for (size_t i = 0; i < in->certificate_count; i++)
		must(cms_signed_add_certificate(in->certificates[i], m->data, &err), &err);
	must(cms_signed_add_signer(in, attrs, alg, view_str("signature"), m->data, &err), &err);
	must(der_encode(ASN1_ITEM_rptr(CMSW_SIGNED), m, "message", out, &err), &err);
	CMSW_SIGNED_free(m);
}

static void
same_as_by_template(struct cms_sign *in)
{
	static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
	struct buf content, attrs, alg, made, expected;
	struct err err;

	must(pkix_sig_alg(in->digest == EVP_sha384() ? p384.key : rsa.key, &alg, &err), &err);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		must(buf_alloc(lengths[i], &content, &err), &err);
		in->content = buf_view(&content);
		must(cms_sign_attrs(in, &attrs, &err), &err);
		must(cms_sign_finish(
			 in, buf_view(&attrs), buf_view(&alg), view_str("signature"), &made, &err),
		    &err);
		by_template(in, buf_view(&attrs), buf_view(&alg), &expected);
		assert_true(view_eq(buf_view(&made), buf_view(&expected)));
		buf_free(&content);
		buf_free(&attrs);
		buf_free(&made);
		buf_free(&expected);
	}
	buf_free(&alg);
}

static void
message_is_what_the_templates_of_openssl_write(void **state)
{
	const struct view list[] = {buf_view(&p384.der), buf_view(&rsa.der), buf_view(&p256.der),
	    buf_view(&rsa.der), buf_view(&p384.der)};
	struct cms_attr aside[] = {
	    {.oid = "1.3.6.1.4.1.99999.2", .values = view_of("\x04\x01\x07", 3), .value_count = 1},
	    {.oid = "1.3.6.1.4.1.99999.1",
		.values = view_of("\x04\x01\x08\x04\x01\x07", 6),
		.value_count = 2}};

	(void)state;
	for (size_t certificates = 0; certificates <= 5; certificates++)
		for (size_t unsigned_count = 0; unsigned_count <= 2; unsigned_count++)
			for (int data = 0; data < 2; data++) {
				struct cms_sign in = by_certificate(&p256, list);

				in.certificate_count = certificates;
				in.unsigned_attrs = aside;
				in.unsigned_count = unsigned_count;
				in.content_oid = data ? DATA_OID : "1.3.6.1.5.5.7.12.3";
				same_as_by_template(&in);
				in.key_id = view_str("key");
				in.digest = EVP_sha384();
				same_as_by_template(&in);
			}
}

static void
signer_without_a_name_and_unknown_digest_are_not_signed_for(void **state)
{
	struct cms_sign in = {
	    .content_oid = DATA_OID, .content = view_str("x"), .digest = EVP_md5()};
	const struct view none = {0};
	struct buf attrs, out, alg;
	struct err err;

	(void)state;
	must_fail(cms_sign_attrs(&in, &attrs, &err), &err, NTE_BAD_ALGID);
	in.digest = EVP_sha256();
	must(cms_sign_attrs(&in, &attrs, &err), &err);
	must(pkix_sig_alg(rsa.key, &alg, &err), &err);
	must_fail(cms_sign_finish(&in, buf_view(&attrs), buf_view(&alg), view_str("x"), &out, &err),
	    &err, E_INVALIDARG);
	in.key_id = view_str("id");
	must_fail(cms_sign_finish(&in, (struct view){0}, buf_view(&alg), view_str("x"), &out, &err),
	    &err, E_INVALIDARG);
	must_fail(
	    cms_sign_finish(&in, view_of("\x30\x00", 2), buf_view(&alg), view_str("x"), &out, &err),
	    &err, E_INVALIDARG);
	must_fail(cms_sign_finish(&in, buf_view(&attrs), view_of(alg.ptr, alg.len - 1),
		      view_str("x"), &out, &err),
	    &err, ERROR_INVALID_DATA);
	in.certificate_count = 1;
	in.certificates = &none;
	must_fail(cms_sign_finish(&in, buf_view(&attrs), buf_view(&alg), view_str("x"), &out, &err),
	    &err, E_INVALIDARG);
	in.certificate_count = 0;
	must(cms_sign_finish(&in, buf_view(&attrs), buf_view(&alg), view_str("x"), &out, &err),
	    &err);
	buf_free(&attrs);
	buf_free(&alg);
	buf_free(&out);
}

static int
setup(void **state)
{
	if (messages_setup(state) != 0)
		return -1;
	identity_new("RSA", 77, &rsa);
	identity_new("P-256", 128, &p256);
	identity_new("P-384", 65536, &p384);
	return 0;
}

static int
teardown(void **state)
{
	identity_free(&rsa);
	identity_free(&p256);
	identity_free(&p384);
	return messages_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signed_message_verifies_here_and_under_openssl),
	    cmocka_unit_test(message_of_a_key_identifier_signer_verifies_under_openssl),
	    cmocka_unit_test(decoded_message_has_what_was_put_in),
	    cmocka_unit_test(changed_content_is_found),
	    cmocka_unit_test(changed_signed_attribute_is_found),
	    cmocka_unit_test(changed_signature_and_other_key_are_found),
	    cmocka_unit_test(content_passed_off_as_another_type_is_found),
	    cmocka_unit_test(signature_without_attributes_is_for_plain_data_only),
	    cmocka_unit_test(messages_of_openssl_verify),
	    cmocka_unit_test(a_signer_with_two_digests_is_refused),
	    cmocka_unit_test(sha1_is_verified_only_where_it_is_allowed),
	    cmocka_unit_test(unknown_digest_is_decoded_but_not_verified),
	    cmocka_unit_test(attribute_that_comes_twice_is_refused),
	    cmocka_unit_test(attribute_with_damaged_or_several_values_is_no_single_value),
	    cmocka_unit_test(truncated_or_prolonged_message_is_refused),
	    cmocka_unit_test(message_with_any_byte_changed_never_verifies_with_other_content),
	    cmocka_unit_test(streamed_message_of_indefinite_length_is_refused),
	    cmocka_unit_test(value_of_any_kind_is_taken_in_its_only_encoding),
	    cmocka_unit_test(message_is_read_in_its_only_encoding),
	    cmocka_unit_test(message_over_the_size_limit_is_refused),
	    cmocka_unit_test(enveloped_message_is_no_signed_one),
	    cmocka_unit_test(certificates_only_message_is_read_by_openssl_and_by_us),
	    cmocka_unit_test(message_is_what_the_templates_of_openssl_write),
	    cmocka_unit_test(signer_without_a_name_and_unknown_digest_are_not_signed_for),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
