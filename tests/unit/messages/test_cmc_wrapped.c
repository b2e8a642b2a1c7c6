/* Requests that others signed too: cosigned CMC, and SignedData around a request. */
#include "cmc_reencode.h"
#include "cms_support.h"

#include "wrapped_request.h"

static struct identity agent, second;
static EVP_PKEY *subject;
static struct buf pkcs10, cmc;

static void
a_cosigned_request_has_two_signers_and_both_verify(void **state)
{
	const struct cms_cosigner by = {.key = agent.key, .certificate = buf_view(&agent.der)};
	struct cmc_request r;
	struct view der;
	struct buf out;
	struct err err;

	(void)state;
	must(cms_cosign(buf_view(&cmc), &by, &out, &err), &err);
	must(cmc_request_decode(buf_view(&out), &r, &err), &err);
	must(cmc_request_verify(&r, subject, false, &err), &err);
	assert_int_equal(r.message.signer_count, 2);
	assert_int_equal(r.signer, 0);
	must(cms_signer_verify(&r.message, &r.message.signers[1], agent.key, false, &err), &err);
	must_fail(cms_signer_verify(&r.message, &r.message.signers[1], subject, false, &err), &err,
	    NTE_BAD_SIGNATURE);
	must(cms_signer_certificate(&r.message, &r.message.signers[1], &der, &err), &err);
	assert_true(view_eq(der, buf_view(&agent.der)));
	must_fail(cms_signer_certificate(&r.message, &r.message.signers[0], &der, &err), &err,
	    CRYPT_E_NOT_FOUND);
	cmc_request_free(&r);
	buf_free(&out);
}

static void
many_cosigners_keep_the_message_whole(void **state)
{
	const struct cms_cosigner first = {.key = agent.key, .certificate = buf_view(&agent.der)},
				  other = {.key = second.key, .certificate = buf_view(&second.der)};
	struct cmc_request r;
	struct buf one, two, again;
	struct err err;

	(void)state;
	must(cms_cosign(buf_view(&cmc), &first, &one, &err), &err);
	must(cms_cosign(buf_view(&one), &other, &two, &err), &err);
	must(cmc_request_decode(buf_view(&two), &r, &err), &err);
	assert_int_equal(r.message.signer_count, 3);
	assert_int_equal(r.message.certificate_count, 2);
	must(cms_signer_verify(&r.message, &r.message.signers[1], agent.key, false, &err), &err);
	must(cms_signer_verify(&r.message, &r.message.signers[2], second.key, false, &err), &err);
	must(cmc_reencode(buf_view(&two), &again, &err), &err);
	assert_true(view_eq(buf_view(&again), buf_view(&two)));
	cmc_request_free(&r);
	buf_free(&one);
	buf_free(&two);
	buf_free(&again);
}

/* The twin of the above: a cosigner that signed another content. */
static void
a_signature_taken_from_another_message_does_not_verify(void **state)
{
	const struct cms_cosigner by = {.key = agent.key, .certificate = buf_view(&agent.der)};
	struct cmc_make in = {.key = subject,
	    .pkcs10 = buf_view(&pkcs10),
	    .template_cn = "User",
	    .requester_name = "user1"};
	struct cmc_request r;
	struct buf out;
	struct err err;
	uint8_t *at;

	(void)state;
	must(cms_cosign(buf_view(&cmc), &by, &out, &err), &err);
	at = memmem(out.ptr, out.len, "CertificateTemplate=User", 24);
	assert_non_null(at);
	at[23] = 's';
	must(cmc_request_decode(buf_view(&out), &r, &err), &err);
	must_fail(cms_signer_verify(&r.message, &r.message.signers[1], agent.key, false, &err),
	    &err, CRYPT_E_HASH_VALUE);
	cmc_request_free(&r);
	buf_free(&out);
	in.requester_name = "user1&CertificateTemplate=Admin";
	must_fail(cmc_request_make(&in, &out, &err), &err, E_INVALIDARG);
	in.requester_name = "NWTRADERS\\user1";
	must(cmc_request_make(&in, &out, &err), &err);
	must(cmc_request_decode(buf_view(&out), &r, &err), &err);
	assert_int_equal(r.pairs.count, 2);
	assert_string_equal(r.pairs.list[1].name, CMC_REQUESTER_NAME);
	assert_string_equal(r.pairs.list[1].value, "NWTRADERS\\user1");
	cmc_request_free(&r);
	buf_free(&out);
}

static void
a_wrapped_pkcs10_tells_its_request_signer_and_subject(void **state)
{
	struct cmc_wrapped w;
	struct view der;
	struct buf out;
	struct err err;

	(void)state;
	wrapped_make(buf_view(&pkcs10), agent.key, &agent.cert, "user1", &out);
	must(cmc_wrapped_decode(buf_view(&out), &w, &err), &err);
	assert_true(view_eq(w.message.content, buf_view(&pkcs10)));
	assert_false(cmc_wrapped_holds_cmc(&w));
	assert_int_equal(w.pairs.count, 1);
	assert_string_equal(w.pairs.list[0].name, CMC_REQUESTER_NAME);
	assert_string_equal(w.pairs.list[0].value, "user1");
	must(cms_signer_verify(&w.message, &w.message.signers[0], agent.key, false, &err), &err);
	must(cms_signer_certificate(&w.message, &w.message.signers[0], &der, &err), &err);
	assert_true(view_eq(der, buf_view(&agent.der)));
	cmc_wrapped_free(&w);
	buf_free(&out);
	wrapped_make(buf_view(&cmc), agent.key, &agent.cert, NULL, &out);
	must(cmc_wrapped_decode(buf_view(&out), &w, &err), &err);
	assert_true(cmc_wrapped_holds_cmc(&w));
	assert_int_equal(w.pairs.count, 0);
	cmc_wrapped_free(&w);
	buf_free(&out);
}

static void
a_wrapped_request_that_was_changed_or_cut_is_refused(void **state)
{
	struct cmc_wrapped w;
	struct buf out;
	struct err err;
	uint8_t *at;

	(void)state;
	wrapped_make(buf_view(&pkcs10), agent.key, &agent.cert, "user1", &out);
	for (size_t len = 0; len < out.len; len++)
		assert_false(cmc_wrapped_decode(view_of(out.ptr, len), &w, &err));
	at = memmem(out.ptr, out.len,
	    "\0u\0s\0e\0r\0"
	    "1",
	    10);
	assert_non_null(at);
	at[9] = '2'; /* another subject */
	must(cmc_wrapped_decode(buf_view(&out), &w, &err), &err);
	assert_string_equal(w.pairs.list[0].value, "user2");
	must_fail(cms_signer_verify(&w.message, &w.message.signers[0], agent.key, false, &err),
	    &err, NTE_BAD_SIGNATURE);
	cmc_wrapped_free(&w);
	must_fail(cmc_wrapped_decode(buf_view(&cmc), &w, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
	buf_free(&out);
	must(cms_certs_only(&(struct view){agent.der.ptr, agent.der.len}, 1, &out, &err), &err);
	must_fail(cmc_wrapped_decode(buf_view(&out), &w, &err), &err, CRYPT_E_INVALID_MSG_TYPE);
	buf_free(&out);
}

static void
an_archived_key_in_the_wrapper_is_refused(void **state)
{
	const struct view der = buf_view(&agent.der);
	struct cms_attr key = {.value_count = 1, .values = buf_view(&agent.der)};
	struct cms_sign in = {.content_oid = WRAPPED_DATA_OID,
	    .content = buf_view(&pkcs10),
	    .digest = EVP_sha256(),
	    .issuer = agent.cert.issuer,
	    .serial = agent.cert.serial,
	    .certificates = &der,
	    .certificate_count = 1,
	    .unsigned_attrs = &key,
	    .unsigned_count = 1};
	struct cmc_wrapped w;
	struct buf out;
	struct err err;

	(void)state;
	strcpy(key.oid, oid_dotted(OID_ARCHIVED_KEY_ATTR));
	sign_message(&in, agent.key, &out);
	must_fail(
	    cmc_wrapped_decode(buf_view(&out), &w, &err), &err, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
	buf_free(&out);
	strcpy(key.oid, "1.2.3.4");
	sign_message(&in, agent.key, &out);
	must(cmc_wrapped_decode(buf_view(&out), &w, &err), &err);
	buf_free(&out);
	must(cmc_wrapped_strip(&w, &out, &err), &err);
	cmc_wrapped_free(&w);
	assert_null(memmem(out.ptr, out.len, "\x06\x03\x2a\x03\x04", 5));
	must(cmc_wrapped_decode(buf_view(&out), &w, &err), &err);
	must(cms_signer_verify(&w.message, &w.message.signers[0], agent.key, false, &err), &err);
	cmc_wrapped_free(&w);
	buf_free(&out);
}

static void
openssl_reads_a_cosigned_request(void **state)
{
	const struct cms_cosigner by = {.key = agent.key, .certificate = buf_view(&agent.der)};
	struct buf out;
	struct err err;

	(void)state;
	must(cms_cosign(buf_view(&cmc), &by, &out, &err), &err);
	write_file("cosigned.der", buf_view(&out));
	assert_true(openssl("cms -cmsout -print -noout -inform DER -in cosigned.der > printed"));
	buf_free(&out);
}

static void
a_renewal_carries_its_certificate(void **state)
{
	struct pkix_request r;
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	must(pkix_request_make_renewal(
		 subject, (struct view){0}, NULL, buf_view(&agent.der), &der, &err),
	    &err);
	must(pkix_request_decode(buf_view(&der), &r, &err), &err);
	must(pkix_request_verify(&r, subject, false, false, &err), &err);
	assert_true(view_eq(r.renewal_certificate, buf_view(&agent.der)));
	pkix_request_free(&r);
	/* Another tag in place of the certificate's SEQUENCE. */
	at = memmem(der.ptr, der.len, agent.der.ptr, agent.der.len);
	assert_non_null(at);
	at[0] = V_ASN1_SET | V_ASN1_CONSTRUCTED;
	must_fail(pkix_request_decode(buf_view(&der), &r, &err), &err,
	    CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE);
	buf_free(&der);
}

static int
setup(void **state)
{
	struct cmc_make in = {.template_cn = "User"};
	struct err err;

	if (messages_setup(state) != 0)
		return -1;
	identity_new("P-256", 7, &agent);
	identity_new("RSA", 8, &second);
	subject = new_key("P-256");
	must(pkix_request_make(subject, (struct view){0}, NULL, &pkcs10, &err), &err);
	in.key = subject;
	in.pkcs10 = buf_view(&pkcs10);
	must(cmc_request_make(&in, &cmc, &err), &err);
	return 0;
}

static int
teardown(void **state)
{
	identity_free(&agent);
	identity_free(&second);
	EVP_PKEY_free(subject);
	buf_free(&pkcs10);
	buf_free(&cmc);
	return messages_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cosigned_request_has_two_signers_and_both_verify),
	    cmocka_unit_test(many_cosigners_keep_the_message_whole),
	    cmocka_unit_test(a_signature_taken_from_another_message_does_not_verify),
	    cmocka_unit_test(a_wrapped_pkcs10_tells_its_request_signer_and_subject),
	    cmocka_unit_test(a_wrapped_request_that_was_changed_or_cut_is_refused),
	    cmocka_unit_test(an_archived_key_in_the_wrapper_is_refused),
	    cmocka_unit_test(openssl_reads_a_cosigned_request),
	    cmocka_unit_test(a_renewal_carries_its_certificate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
