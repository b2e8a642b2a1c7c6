/* The messages of a real CA (tests/fixtures/cmc/README.md): every hash and signature in them
 * verifies, and none when a bit is flipped. */
#include "cmc_reencode.h"
#include "cms_support.h"

#include <openssl/crypto.h>

/* Offsets of the listing in the white paper's Appendix A, as openssl asn1parse prints them. */
enum {
	REQUEST_CONTENT = 61,
	REQUEST_MESSAGE_DIGEST = 1405,
	REQUEST_SIGNATURE = 1515,
	REQUEST_ARCHIVED_KEY = 1975,
	REQUEST_PKCS10_SIGNATURE = 61 + 0x463,
	REQUEST_KEY_HASH = 61 + 0xda,
	RESPONSE_CONTENT_HASH = 3127,
	RESPONSE_SIGNATURE = 3166,
};

static struct buf request, response, ca_cert, issued_cert;

static EVP_PKEY *
key_of(struct view spki)
{
	EVP_PKEY *key;
	struct err err;

	must(pkix_public_key(spki, &key, &err), &err);
	return key;
}

static EVP_PKEY *
ca_key(void)
{
	struct pkix_cert ca;
	struct err err;
	EVP_PKEY *key;

	must(pkix_cert_decode(buf_view(&ca_cert), &ca, &err), &err);
	key = key_of(ca.spki);
	pkix_cert_free(&ca);
	return key;
}

/* The whole check of a request, as the CA does it. */
static bool
request_verifies(struct view der, bool allow_sha1, struct err *err)
{
	struct cmc_request r;
	EVP_PKEY *key = NULL;
	bool ok = cmc_request_decode(der, &r, err) && pkix_public_key(r.request.spki, &key, err) &&
		  cmc_request_verify(&r, key, allow_sha1, err);

	EVP_PKEY_free(key);
	cmc_request_free(&r);
	return ok;
}

static bool
response_verifies(struct view der, struct err *err)
{
	struct cmc_response r;
	EVP_PKEY *key = ca_key();
	bool ok = cmc_response_decode(der, &r, err) &&
		  cms_signer_verify(&r.message, &r.message.signers[0], key, true, err);

	EVP_PKEY_free(key);
	cmc_response_free(&r);
	return ok;
}

static void
request_and_response_encode_to_the_received_bytes(void **state)
{
	struct buf again;
	struct err err;

	(void)state;
	must(cmc_reencode(buf_view(&request), &again, &err), &err);
	assert_true(view_eq(buf_view(&request), buf_view(&again)));
	buf_free(&again);
	must(cmc_reencode(buf_view(&response), &again, &err), &err);
	assert_true(view_eq(buf_view(&response), buf_view(&again)));
	buf_free(&again);
}

static void
request_holds_what_the_paper_lists(void **state)
{
	static const uint8_t hash[20] = {0x92, 0x31, 0xe6, 0xc0, 0xb8, 0x74, 0x45, 0x19, 0x0e, 0xa2,
	    0xca, 0x93, 0x4b, 0x28, 0x07, 0xff, 0x79, 0x93, 0xc5, 0x9f};
	struct cmc_request r;
	struct err err;

	(void)state;
	must(cmc_request_decode(buf_view(&request), &r, &err), &err);
	assert_int_equal(r.message.signer_count, 1);
	assert_int_equal(r.message.signers[0].key_id.len, 20);
	assert_int_equal(r.message.signers[0].attr_count, 3);
	assert_int_equal(r.message.signers[0].unsigned_count, 1);
	assert_int_equal(r.message.certificate_count, 0);
	assert_int_equal(r.body_part_id, 1);
	assert_true(view_eq(r.key_hash, view_of(hash, sizeof hash)));
	assert_int_equal(r.archived_key.len, 909);
	assert_int_equal(r.extension_count, 4);
	assert_string_equal(r.extensions[3].oid, "1.3.6.1.4.1.311.21.7");
	assert_int_equal(r.pairs.count, 1);
	assert_string_equal(r.pairs.list[0].name, "CertificateTemplate");
	assert_string_equal(r.pairs.list[0].value, "ArchiveTestBasicEFS");
	cmc_request_free(&r);
}

static void
every_proof_of_the_request_verifies(void **state)
{
	struct err err;

	(void)state;
	must(request_verifies(buf_view(&request), true, &err), &err);
}

static void
sha1_request_is_refused_where_sha1_is_not_allowed(void **state)
{
	struct err err;

	(void)state;
	must_fail(request_verifies(buf_view(&request), false, &err), &err, NTE_BAD_ALGID);
}

static void
request_with_a_flipped_bit_fails(size_t offset, enum err_code code)
{
	struct buf twin;
	struct err err;

	must(buf_dup(buf_view(&request), &twin, &err), &err);
	twin.ptr[offset] ^= 1;
	must_fail(request_verifies(buf_view(&twin), true, &err), &err, code);
	buf_free(&twin);
}

static void
flipped_bit_anywhere_in_the_request_is_found(void **state)
{
	(void)state;
	request_with_a_flipped_bit_fails(REQUEST_KEY_HASH, CRYPT_E_HASH_VALUE);
	request_with_a_flipped_bit_fails(REQUEST_MESSAGE_DIGEST, CRYPT_E_HASH_VALUE);
	request_with_a_flipped_bit_fails(REQUEST_SIGNATURE, NTE_BAD_SIGNATURE);
	request_with_a_flipped_bit_fails(REQUEST_ARCHIVED_KEY, CRYPT_E_HASH_VALUE);
	request_with_a_flipped_bit_fails(REQUEST_PKCS10_SIGNATURE, CRYPT_E_HASH_VALUE);
}

/* A bit of the PKCS#10's signature breaks the message's hash first: so the PKCS#10 is taken out and
 * judged alone. */
static void
flipped_bit_in_the_pkcs10_is_found(void **state)
{
	struct buf twin = {0};
	struct pkix_request p;
	struct cmc_request r;
	struct err err;
	EVP_PKEY *key;

	(void)state;
	must(cmc_request_decode(buf_view(&request), &r, &err), &err);
	key = key_of(r.request.spki);
	must(pkix_request_verify(&r.request, key, false, true, &err), &err);
	must(buf_dup(buf_view(&r.request.raw), &twin, &err), &err);
	twin.ptr[twin.len - 1] ^= 1;
	must(pkix_request_decode(buf_view(&twin), &p, &err), &err);
	must_fail(pkix_request_verify(&p, key, false, true, &err), &err, NTE_BAD_SIGNATURE);
	pkix_request_free(&p);
	buf_free(&twin);
	EVP_PKEY_free(key);
	cmc_request_free(&r);
}

static void
stripped_request_has_the_same_signature_and_no_key(void **state)
{
	struct cmc_request r, stripped;
	struct buf out;
	struct err err;
	EVP_PKEY *key;

	(void)state;
	must(cmc_request_decode(buf_view(&request), &r, &err), &err);
	must(cmc_request_strip(&r, &out, &err), &err);
	assert_true(out.len + r.archived_key.len < request.len);
	must(cmc_request_decode(buf_view(&out), &stripped, &err), &err);
	assert_int_equal(stripped.archived_key.len, 0);
	assert_int_equal(stripped.message.signers[0].unsigned_count, 0);
	key = key_of(stripped.request.spki);
	must(cms_signer_verify(&stripped.message, &stripped.message.signers[0], key, true, &err),
	    &err);
	/* The hash is still there, the key is not: no longer a valid request. */
	must_fail(cmc_request_verify(&stripped, key, true, &err), &err, CRYPT_E_HASH_VALUE);
	EVP_PKEY_free(key);
	buf_free(&out);
	cmc_request_free(&stripped);
	cmc_request_free(&r);
}

static void
archived_key_of_the_request_is_an_enveloped_message_to_the_exchange_certificate(void **state)
{
	struct cms_enveloped e;
	struct cmc_request r;
	struct err err;
	char *name;

	(void)state;
	must(cmc_request_decode(buf_view(&request), &r, &err), &err);
	must(cms_enveloped_decode(r.archived_key, &e, &err), &err);
	assert_int_equal(e.count, 1);
	assert_string_equal(e.cipher_name, "DES-EDE3-CBC");
	assert_int_equal(e.recipients[0].serial.len, 10);
	name = pkix_name_text(e.recipients[0].issuer);
	assert_string_equal(name, "CN=TestEnrollment, DC=contoso, DC=com");
	free(name);
	cms_enveloped_free(&e);
	cmc_request_free(&r);
}

static void
every_proof_of_the_response_verifies(void **state)
{
	struct pkix_cert issued;
	struct cmc_response r;
	struct err err;
	EVP_PKEY *key = ca_key();

	(void)state;
	must(response_verifies(buf_view(&response), &err), &err);
	must(cmc_response_decode(buf_view(&response), &r, &err), &err);
	assert_int_equal(r.status, CMC_STATUS_SUCCESS);
	assert_string_equal(r.text, "Issued");
	assert_int_equal(r.fail_info, -1);
	assert_int_equal(r.message.certificate_count, 2);
	must(pkix_cert_decode(buf_view(&issued_cert), &issued, &err), &err);
	assert_true(view_eq(r.issued_sha1, view_of(issued.sha1, 20)));
	assert_true(view_eq(cmc_response_certificate(&r), buf_view(&issued_cert)));
	must(pkix_verify(key, issued.sig_alg, issued.tbs, issued.signature, true, &err), &err);
	pkix_cert_free(&issued);
	cmc_response_free(&r);
	EVP_PKEY_free(key);
}

static void
response_echoes_the_hash_of_the_request(void **state)
{
	struct cmc_response r;
	struct cmc_request q;
	struct err err;

	(void)state;
	must(cmc_request_decode(buf_view(&request), &q, &err), &err);
	must(cmc_response_decode(buf_view(&response), &r, &err), &err);
	assert_true(view_eq(q.key_hash, r.key_hash));
	cmc_request_free(&q);
	cmc_response_free(&r);
}

static void
flipped_bit_anywhere_in_the_response_is_found(void **state)
{
	struct buf twin;
	struct err err;

	(void)state;
	must(buf_dup(buf_view(&response), &twin, &err), &err);
	twin.ptr[RESPONSE_CONTENT_HASH] ^= 1;
	must_fail(response_verifies(buf_view(&twin), &err), &err, CRYPT_E_HASH_VALUE);
	twin.ptr[RESPONSE_CONTENT_HASH] ^= 1;
	twin.ptr[RESPONSE_SIGNATURE] ^= 1;
	must_fail(response_verifies(buf_view(&twin), &err), &err, NTE_BAD_SIGNATURE);
	buf_free(&twin);
}

static void
flipped_bit_in_a_certificate_is_found(void **state)
{
	struct pkix_cert issued;
	struct buf twin;
	struct err err;
	EVP_PKEY *key = ca_key();

	(void)state;
	must(buf_dup(buf_view(&issued_cert), &twin, &err), &err);
	twin.ptr[twin.len - 1] ^= 1;
	must(pkix_cert_decode(buf_view(&twin), &issued, &err), &err);
	must_fail(pkix_verify(key, issued.sig_alg, issued.tbs, issued.signature, true, &err), &err,
	    NTE_BAD_SIGNATURE);
	pkix_cert_free(&issued);
	buf_free(&twin);
	EVP_PKEY_free(key);
}

/* A certificate that was exchanged for another is no longer the issued one of attribute 311.21.17.
 */
static void
response_without_the_issued_certificate_has_none(void **state)
{
	struct cmc_response r;
	struct err err;

	(void)state;
	must(cmc_response_decode(buf_view(&response), &r, &err), &err);
	r.message.certificates[1] = r.message.certificates[0];
	assert_int_equal(cmc_response_certificate(&r).len, 0);
	cmc_response_free(&r);
}

static void
truncated_or_prolonged_vectors_are_refused(void **state)
{
	struct cmc_request q;
	struct cmc_response r;
	struct buf longer;
	struct err err;

	(void)state;
	for (size_t len = 0; len < request.len; len++)
		assert_false(cmc_request_decode(view_of(request.ptr, len), &q, &err));
	for (size_t len = 0; len < response.len; len++)
		assert_false(cmc_response_decode(view_of(response.ptr, len), &r, &err));
	must(buf_dup(buf_view(&request), &longer, &err), &err);
	must(buf_append(&longer, view_of("", 1), &err), &err);
	must_fail(cmc_request_decode(buf_view(&longer), &q, &err), &err, ERROR_INVALID_DATA);
	buf_free(&longer);
	must(buf_dup(buf_view(&response), &longer, &err), &err);
	must(buf_append(&longer, view_of("", 1), &err), &err);
	must_fail(cmc_response_decode(buf_view(&longer), &r, &err), &err, ERROR_INVALID_DATA);
	buf_free(&longer);
}

static void
request_is_no_response_and_response_no_request(void **state)
{
	struct cmc_request q;
	struct cmc_response r;
	struct err err;

	(void)state;
	must_fail(
	    cmc_request_decode(buf_view(&response), &q, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
	must_fail(
	    cmc_response_decode(buf_view(&request), &r, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
}

static int
setup(void **state)
{
	if (messages_setup(state) != 0)
		return -1;
	fixture("cmc-request.der", &request);
	fixture("cmc-response.der", &response);
	fixture("ca-cert.der", &ca_cert);
	fixture("issued-cert.der", &issued_cert);
	return 0;
}

static int
teardown(void **state)
{
	buf_free(&request);
	buf_free(&response);
	buf_free(&ca_cert);
	buf_free(&issued_cert);
	return messages_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(request_and_response_encode_to_the_received_bytes),
	    cmocka_unit_test(request_holds_what_the_paper_lists),
	    cmocka_unit_test(every_proof_of_the_request_verifies),
	    cmocka_unit_test(sha1_request_is_refused_where_sha1_is_not_allowed),
	    cmocka_unit_test(flipped_bit_anywhere_in_the_request_is_found),
	    cmocka_unit_test(flipped_bit_in_the_pkcs10_is_found),
	    cmocka_unit_test(stripped_request_has_the_same_signature_and_no_key),
	    cmocka_unit_test(
		archived_key_of_the_request_is_an_enveloped_message_to_the_exchange_certificate),
	    cmocka_unit_test(every_proof_of_the_response_verifies),
	    cmocka_unit_test(response_echoes_the_hash_of_the_request),
	    cmocka_unit_test(flipped_bit_anywhere_in_the_response_is_found),
	    cmocka_unit_test(flipped_bit_in_a_certificate_is_found),
	    cmocka_unit_test(response_without_the_issued_certificate_has_none),
	    cmocka_unit_test(truncated_or_prolonged_vectors_are_refused),
	    cmocka_unit_test(request_is_no_response_and_response_no_request),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
